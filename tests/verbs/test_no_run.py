"""What is not a run, and could be no path, is one line for every verb."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import mlexp
from mlexp import cli
from mlexp.errors import MlexpError

NO_RUNS = (
    "/nosuch", "", ".", "..", "../..", "/", "a\0b", "x" * 5000, "y/" * 3000, "latest", "*", "[", "**/*", "~nobody",
    "é/ü", "outputs", "file.csv/x", "/dev/null", "/proc/self", "nosuch/latest", "a\nb", "\udcff", " ",
    "x" * 5000 + ".csv", "a\0b.csv", "folder.csv", "nosuch.csv",
)  # fmt: skip
VERBS = {
    "show": ["RUN"], "report": ["RUN"], "compare": ["RUN", "RUN"], "predict": ["RUN", "file.csv"],
    "export": ["RUN", "--config", "mine.yaml"], "rerun": ["RUN"], "resume": ["RUN"],
}  # fmt: skip
PLACES = (
    ["list", "runs", "--outputs", "X"], ["list", "runs", "--task", "X"], ["clean", "--task", "X"],
    ["clean", "--outputs", "X"], ["report", "--all", "--outputs", "X"], ["show", "latest", "--outputs", "X"],
    ["data", "verify", "X"], ["data", "list", "--data-dir", "X"], ["list", "tasks", "--config-dir", "X"],
    ["compare", "RUN", "RUN", "--save", "X"], ["export", "RUN", "--config", "X"], ["predict", "RUN", "X"],
)  # fmt: skip


@pytest.fixture(autouse=True)
def _empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs").mkdir()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file.csv").write_text("a\n1\n")


@pytest.mark.parametrize("verb", VERBS)
def test_no_run_is_one_line(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in NO_RUNS:
        code = cli.main([verb, *(name if word == "RUN" else word for word in VERBS[verb])])
        assert code in (2, 3), (name, code)
        said = capsys.readouterr().err
        assert said.startswith("mlexp: ")
        assert said.count("\n") == 1, said
        assert len(said.rstrip()) <= 2000


@pytest.mark.parametrize("words", PLACES, ids=" ".join)
def test_no_place_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for name in NO_RUNS:
        if name == "\udcff" and words[0] in ("list", "data"):
            continue  # the name is printed, for which the process sets up its output
        code = cli.main([name if word == "X" else word for word in words])
        said = capsys.readouterr().err
        assert code in (0, 2, 3), (name, code, said)
        assert (said.startswith("mlexp: ") and said.count("\n") == 1) or code == 0, said
        assert len(said.rstrip()) <= 2000


@pytest.mark.parametrize("name", NO_RUNS)
def test_no_run_in_python(name: str) -> None:
    for verb in (mlexp.load, mlexp.compare_scores):
        with pytest.raises(MlexpError):
            verb(name)


@pytest.mark.parametrize(
    "names", [("file.csv", "outputs"), ("outputs", "file.csv"), ("file.csv", "file.csv")]
)
def test_scores_are_compared_alone(names: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", *names]) == 2
    assert ", ".join(names) in capsys.readouterr().err


def test_a_run_right_in_the_outputs_folder_is_indexed(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("digits_mlp", "two"):
        monkeypatch.chdir((outputs / name / "latest").resolve())
        for place in (".", "../."):
            assert cli.main(["report", "--all", "--outputs", place]) == 0
            assert Path(capsys.readouterr().out.strip()).read_text().count("<tr") > 1
        Path("index.html").unlink()


def test_no_index_is_written_where_no_runs_are_written(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder around that of the runs, as far up as the root of the disk, is not searched to its end."""
    (tmp_path / "a").mkdir()
    shutil.copytree(
        outputs, tmp_path / "a" / "outputs", symlinks=True, ignore=shutil.ignore_patterns("index.html")
    )
    assert cli.main(["report", "--all", "--outputs", str(tmp_path)]) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert cli.main(["report", "--all", "--outputs", str(tmp_path / "a" / "outputs")]) == 0
    assert [path.parent.name for path in tmp_path.rglob("index.html")] == ["outputs"]


def test_what_is_missing_is_not_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "latest"]) == 3
    assert "Did you mean" not in capsys.readouterr().err
    assert cli.main(["show", "latst"]) == 3
    assert "Did you mean 'latest'" in capsys.readouterr().err
