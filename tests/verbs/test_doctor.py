"""`doctor` says what is wrong and how to cure it, and nothing where all is well."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlexp.verbs import doctor as module
from mlexp.verbs.doctor import doctor


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLEXP_DATA_DIR", raising=False)
    monkeypatch.setenv("MLEXP_CACHE_DIR", str(tmp_path / "cache"))


def test_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(["--outputs", str(tmp_path / "outputs")]) == 0
    text = capsys.readouterr().out
    assert text.endswith("all is well\n")
    for word in ("python", "numpy 2", "BLAS", "GFLOP/s", "cores", "mlexp data fetch mnist", "GB free"):
        assert word in text
    assert not (tmp_path / "outputs").exists()


def test_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLEXP_DATA_DIR", str(tmp_path / "nowhere"))
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(module, "LEAST_FREE", 1e20)
    assert doctor(["--outputs", str(tmp_path / "file")]) == 2
    text = capsys.readouterr().out
    assert "Correct MLEXP_DATA_DIR" in text
    assert "mlexp clean" in text or "Choose a writable folder" in text


def test_a_killed_run_can_be_gone_on_with(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "task" / "2020-01-01_00-00-00-aaaaaaaa"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"status": "running"}')
    assert doctor(["--outputs", str(tmp_path)]) == 0
    assert f"mlexp resume {folder}" in capsys.readouterr().out
