"""Workers take their modules from where Python is installed, and jobs their options from lines that are one line."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

import pytest
from tests.process import environment

from mlexp import cli
from mlexp.config import compose as configuration
from mlexp.config.schema import Config, Execution
from mlexp.errors import ConfigError
from mlexp.execution.local import Local, importable

MODULES = ("queue", "random", "signal", "socket", "string", "numpy", "logging", "mlflow", "encodings")


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder in which modules lie that have the names of Python's own."""
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'a').write({name!r})")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_worker_imports_nothing_from_the_working_folder(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    (hostile / "own.py").write_text(
        "def work(unit, stop, send):\n    import random, queue\n    send(random.random() < 2)"
    )
    with open(hostile / "log.txt", "w") as log:
        pool = Local("own:work", workers=1, threads=1, log=log)
        events = [(event.kind, event.content) for event in pool.run(deque([1]), threading.Event())]
        pool.close()
    assert events == [("assigned", None), ("message", True), ("done", None)], (
        hostile / "log.txt"
    ).read_text()
    assert not (hostile / "imported").exists()


def test_the_working_folder_comes_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "/a", "/b"])
    assert importable() == ["/a", "/b", "", str(tmp_path)]


@pytest.mark.parametrize("safe", [[], ["-P"]], ids=["-m", "-P -m"])
def test_the_module_imports_nothing_from_the_working_folder(safe: list[str], hostile: Path) -> None:
    """Not even what mlexp imports first; a folder `mlexp` without code, such as a checkout, is not a package."""
    own = [
        sys.executable,
        "-P",
        "-S",
        "-c",
        "import runpy, sys; print(*sys.modules)",
    ]  # what `-m` itself takes
    before = subprocess.run(own, capture_output=True, text=True, check=True).stdout.split()
    names = set(sys.stdlib_module_names) - set(before) - set(sys.builtin_module_names) - {"__future__"}
    (hostile / "mlexp").mkdir()
    for name in (*sorted(names), "mlexp/data", "yaml", "omegaconf"):
        (hostile / f"{name}.py").write_text("raise SystemExit('imported ' + __file__)", "utf-8")
    for name in {path.stem for path in hostile.glob("*.py")} & set(before):
        (hostile / f"{name}.py").unlink()
    if safe:  # else a package of the working folder is found before any code of ours
        (hostile / "mlexp" / "__init__.py").write_text("raise SystemExit('imported')", "utf-8")
    done = subprocess.run(
        [sys.executable, *safe, "-m", "mlexp", "--version"], capture_output=True, text=True, check=False,
        cwd=hostile, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("mlexp 0")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["seed=1"],
        ["-m", "seed=0,1", "sweep.stack=false"],
        ["tune=random", "tune.budget=2"],
        ["-m", "seed=0,1", "execution=slurm", "execution.cluster=local", "execution.workers=1"],
    ],
    ids=["run", "sweep", "search", "submitit"],
)
def test_nothing_in_the_working_folder_is_imported(words: list[str], hostile: Path) -> None:
    if "execution=slurm" in words:
        pytest.importorskip("submitit", reason="the extra slurm is not installed")
    program = Path(sys.executable).with_name("mlexp")
    start = [str(program)] if program.exists() else [sys.executable, "-P", "-m", "mlexp"]
    done = subprocess.run(
        [*start, "size=smoke", "figures=false", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert not (hostile / "imported").exists(), (hostile / "imported").read_text()


@pytest.mark.parametrize(
    "options",
    [
        {"account": "mine\n#SBATCH --wrap=touch x"}, {"account": "a\rb"}, {"account": "a\x00b"}, {"a b": 1},
        {"x\ntouch /tmp/y": 1}, {"account": ["a"]}, {"Account": "a"}, {"": 1}, {"-x": 1}, {"account": ""},
    ],
)  # fmt: skip
def test_an_option_cannot_become_a_line_of_the_script(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"execution\.options must be"):
        Config(execution=Execution(options=options))


def test_options_that_sbatch_has_are_taken() -> None:
    word = "execution.options={account:mine,mail-user:a@b.de,exclusive:true,nice:100,gres:'gpu:1'}"
    config = configuration.compose([word, "execution.partition=gpu-long"])
    assert config.execution.options == {
        "account": "mine", "mail-user": "a@b.de", "exclusive": True, "nice": 100, "gres": "gpu:1",
    }  # fmt: skip


@pytest.mark.parametrize("key", ["partition", "scheduler"])
def test_a_name_is_one_line(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"execution\.{key} must be"):
        Config(execution=Execution(**{key: "a\nb"}))


def test_resume_stays_on_this_machine_unless_a_place_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that names a scheduler is not connected to: what a scheduler answers is a pickle."""
    monkeypatch.chdir(tmp_path)
    words = ("-m", "-q", "size=smoke", "seed=0,1", "figures=false", "execution.workers=1", "sweep.dir=here")
    assert cli.main([*words]) == 0
    info = json.loads(Path("here/sweep.json").read_text())
    info["execution"] |= {"backend": "dask", "scheduler": "tcp://127.0.0.1:9"}
    Path("here/sweep.json").write_text(json.dumps(info | {"status": "interrupted"}))
    capsys.readouterr()
    assert cli.main(["resume", "here", "-q"]) == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "mlexp resume here execution=dask execution.scheduler=" in said
    assert cli.main(["resume", "here", "-q", "execution=dask", "execution.scheduler=tcp://127.0.0.1:9"]) == 2
    assert "does not answer" in capsys.readouterr().err


PARENT = """
import sys, threading
from collections import deque
from mlexp.execution.local import Local
list(Local("slow:work", workers=1, threads=1, log=sys.stderr).run(deque([1]), threading.Event()))
"""


def test_a_worker_that_is_still_importing_goes_with_its_parent(tmp_path: Path) -> None:
    """What listens reads bytes, which wait for no import, and sees that the pipe is closed."""
    (tmp_path / "slow.py").write_text("import time\nprint('imports', flush=True)\ntime.sleep(600)")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env=environment(tmp_path, PYTHONPATH=str(tmp_path)),
        stderr=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stderr
        while "imports" not in parent.stderr.readline():
            assert parent.poll() is None
        parent.kill()
        parent.communicate(timeout=30)  # the worker writes to the same pipe, which ends when both are gone
