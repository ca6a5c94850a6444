"""The recipes of CONTRIBUTING.md that edit files: each is followed in a copy of the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mlexp

SOURCE = Path(mlexp.__file__).parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the package, to be edited."""
    return Path(
        shutil.copytree(SOURCE, tmp_path / "src" / "mlexp", ignore=shutil.ignore_patterns("__pycache__"))
    )


def edited(file: Path, old: str, new: str) -> None:
    """Replace the one place where `old` stands."""
    text = file.read_text()
    assert text.count(old) == 1, f"{file.name} holds {old!r} {text.count(old)} times"
    file.write_text(text.replace(old, new))


def typed(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of the copy, in a folder beside it."""
    here = copy.parents[1] / "work"
    here.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", "import sys; from mlexp.cli import main; sys.exit(main())", *words],
        env=os.environ | {"PYTHONPATH": str(copy.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_activation_is_two_files(copy: Path) -> None:
    edited(
        copy / "nn" / "activations.py",
        "ACTIVATIONS: dict[str, Forward] = {\n",
        "def cube(X):\n    return X**3, lambda dY: 3 * X**2 * dY\n\n\n"
        'ACTIVATIONS: dict[str, Forward] = {\n    "cube": cube,\n',
    )
    edited(copy / "config" / "names.py", "ACTIVATIONS = (\n", 'ACTIVATIONS = (\n    "cube",\n')
    done = typed(copy, "size=smoke", "model.activation=cube", "figures=false", "model.learning_rate=0.001")
    assert done.returncode == 0, done.stderr


def test_a_verb_is_a_file_and_a_line(copy: Path) -> None:
    (copy / "verbs" / "hello.py").write_text(
        '"""``mlexp hello``: say hello."""\n\n\ndef hello(arguments):\n    """Say hello."""\n    print("hello")\n'
        "    return 0\n"
    )
    edited(copy / "verbs" / "table.py", "VERBS = {\n", 'VERBS = {\n    "hello": "hello:hello",\n')
    done = typed(copy, "hello")
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


def test_a_figure_is_a_function_and_a_line(copy: Path) -> None:
    edited(
        copy / "kinds" / "classification" / "figures.py",
        "\nFIGURES = {\n",
        '\ndef right(run):\n    figure = style.new_figure(2.0, "Right answers")\n'
        '    figure.subplots().plot(run.predictions["test_correct"])\n    return figure\n\n\n'
        'FIGURES = {\n    "right": Drawing(right, "Right answers by row", "Where are the mistakes?"),\n',
    )
    done = typed(copy, "-q", "size=smoke")
    assert done.returncode == 0, done.stderr
    run = next((copy.parents[1] / "work" / "outputs" / "digits_mlp").glob("2*"))
    assert (run / "figures" / "right.png").exists()
    assert "Where are the mistakes?" in (run / "report.md").read_text()


def test_a_kind_with_keys_of_its_own_is_a_folder_a_line_and_a_task_file(copy: Path) -> None:
    folder = Path(shutil.copytree(Path(__file__).parent / "toy", copy / "kinds" / "guess"))
    edited(folder / "study.py", "config.model.learning_rate", "config.guess.chance")
    (folder / "settings.py").write_text(
        "from dataclasses import dataclass\n\nfrom mlexp.config.rules import key, number\n\n\n@dataclass\n"
        'class Guess:\n    """Guesses."""\n\n    chance: float = key(0.5, number(0, 1), "chance to be right")\n\n\n'
        "KEYS = Guess\n"
    )
    edited(copy / "kinds" / "__init__.py", "ROWS = (\n", 'ROWS = (\n    Kind("guess", "guess"),\n')
    (copy / "conf" / "task" / "guess.yaml").write_text(
        "# @package _global_\n# Guess the classes of iris.\n#   mlexp task=guess\n"
        "defaults:\n  - override /dataset: iris\ntask: {name: guess, kind: guess}\nguess: {chance: 0.75}\n"
    )
    done = typed(copy, "-q", "task=guess", "figures=false")
    assert done.returncode == 0, done.stderr
    run = next((copy.parents[1] / "work" / "outputs" / "guess").glob("2*"))
    assert "chance: 0.75" in (run / "config.yaml").read_text()
    refused = typed(copy, "task=guess", "guess.chance=2")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "guess.chance" in refused.stderr
    assert "chance to be right" in typed(copy, "explain", "guess.chance").stdout
