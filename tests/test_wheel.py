"""The built wheel holds all that a run needs: from an empty folder, without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize("route", [["--wheel"], []], ids=["wheel", "wheel of the sdist"])
def test_installed_wheel_runs_the_default_study(route: list[str], tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", *route, "-o", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--target",
        str(tmp_path / "site"),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    where = "import mlexp, mlexp.cli; print(mlexp.__file__); raise SystemExit(mlexp.cli.main(['-q', 'size=smoke']))"
    done = subprocess.run(
        [sys.executable, "-c", where], cwd=empty, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    origin, folder = done.stdout.split()
    assert origin.startswith(str(tmp_path))
    assert (empty / folder / "metrics.json").exists()
    assert (empty / folder / "report.html").exists()
    package = Path(origin).parent
    assert (package / "docs" / "guide.md").exists()
    assert not (package / "docs" / "images").exists()
    assert {file.suffix for file in (package / "verbs" / "shells").iterdir()} == {".bash", ".zsh", ".fish"}
    assert (package / "verbs" / "study" / "plants.csv").exists()
