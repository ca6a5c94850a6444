"""--json: every verb and run answers with one JSON object and nothing else, errors too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.running import in_this_process

from mlexp import cli, dispatch
from mlexp.errors import ConfigError, MlexpError
from mlexp.verbs import machine
from mlexp.verbs.table import VERBS

# Verb -> arguments, and a name of the result. OUT is the folder of runs, TMP a folder to write to.
CALLS: dict[str, tuple[list[str], str]] = {
    "list": (["runs", "--outputs", "OUT"], "runs"),
    "data": (["list", "digits"], "data_sets"),
    "resume": (["TMP/unfinished"], ""),
    "compare": (["OUT/classify-flowers/latest", "OUT/digits_mlp/latest"], ""),
    "clean": (["--outputs", "OUT", "--dry-run"], "kept"),
    "rerun": (["OUT/classify-flowers/latest", "--outputs", "TMP"], "same_bytes"),
    "show": (["OUT/two/latest"], "jobs"),
    "predict": (["OUT/classify-flowers/latest", "OUT/flowers.csv", "--out", "TMP/p.csv"], "file"),
    "export": (["OUT/classify-flowers/latest", "--config", "TMP/again.yaml"], "written"),
    "doctor": (["--outputs", "TMP"], "findings"),
    "report": (["--all", "--outputs", "TMP/copy"], "pages"),
    "explain": (["model.patience"], "explained"),
    "schema": ([], "schema"),
    "init": (["plants"], "files"),
    "completion": (["bash"], "script"),
    "why": (["TMP/none.yaml"], ""),
    "expect": (["OUT/digits_mlp/latest", "test.accuracy > 0.5"], "expect"),
}
REFUSED = {"resume": 2, "compare": 3, "why": 2}  # calls whose answer is an error, by exit code


def strict(text: str) -> Any:
    """Return what JSON text holds; NaN and Infinity are no JSON."""

    def refused(word: str) -> None:
        raise AssertionError(word)

    return json.loads(text, parse_constant=refused)


def call(capfd: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Run a command with --json and return its object, which holds the exit code."""
    capfd.readouterr()
    code = cli.main([*words, "--json"])
    found: dict[str, Any] = strict(capfd.readouterr().out)
    assert list(found) == ["mlexp", "exit_code", "result", "error"]
    assert found["exit_code"] == code
    return found


def test_every_verb_is_called_below() -> None:
    assert set(CALLS) == set(VERBS) - {"ui"}  # which serves until it is ended, and refuses --json


@pytest.mark.parametrize("verb", CALLS)
def test_every_verb_answers_with_one_object(
    verb: str,
    outputs: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = next(path for path in (outputs / "digits_mlp").glob("2*"))
    for name in ("unfinished", "copy/digits_mlp/2026"):
        shutil.copytree(done, tmp_path / name)
    words, name = CALLS[verb]
    words = [word.replace("OUT", str(outputs)).replace("TMP", str(tmp_path)) for word in words]
    found = call(capfd, verb, *words)
    if verb in REFUSED:
        assert found["exit_code"] == REFUSED[verb]
        assert found["error"]["message"]
    else:
        assert found["error"] is None
        assert name in found["result"]


@pytest.mark.parametrize(
    "words", [["nosuchverb"], ["show", "--nosuch"], ["model.nosuch=1"], ["show", "nosuch"]]
)
def test_an_error_is_an_object_too(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = call(capfd, *words)
    assert found["result"] is None
    assert found["error"]["kind"] in ("ConfigError", "DataError")
    assert found["exit_code"] in (2, 3)


def test_a_folder_that_cannot_be_read_does_not_hide_why_a_resume_failed(
    outputs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "unfinished"
    shutil.copytree(next(outputs.glob("digits_mlp/2*")), folder)

    def damaging(path: Path, **_: Any) -> None:
        (path / "run.json").write_text("{")
        raise ConfigError("the first cause")

    monkeypatch.setattr(dispatch, "resume", damaging)
    found = call(capfd, "resume", str(folder))
    assert (found["exit_code"], found["error"]["message"]) == (2, "the first cause")


def test_a_run_a_sweep_and_what_diverged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)
    words = ["size=smoke", "figures=false", "model.epochs=1", f"outputs={tmp_path}"]
    found = call(capfd, *words)["result"]
    assert found["kind"] == "run"
    assert found["metrics"] == strict((Path(found["folder"]) / "metrics.json").read_text())
    high = [*words, "model.optimizer=sgd", "model.learning_rate=1e30"]
    found = call(capfd, *high)
    assert (found["exit_code"], found["error"]["kind"]) == (4, "DivergedError")
    assert found["result"]["status"] == "diverged"
    found = call(capfd, "-m", *high[:-1], "model.learning_rate=0.01,1e30")
    assert found["exit_code"] == 6
    jobs = found["result"]["jobs"]
    assert [job["status"] for job in jobs] == ["completed", "diverged"]
    assert jobs[0]["settings"] == {"model.learning_rate": "0.01"}
    assert 0 < jobs[0]["metrics"]["test"]["accuracy"] < 1
    assert call(capfd, "-m", *words, "seed=0,1", "--dry-run")["result"]["n_jobs"] == 2
    assert call(capfd, *words, "--cfg", "job")["result"]["config"]["model"]["epochs"] == 1


def test_a_verb_that_tells_nothing_is_found_and_a_fault_is_an_object(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(words: list[str]) -> int:
        print("for people")
        return 0

    def broken(words: list[str]) -> int:
        raise RuntimeError("no one expected this")

    assert machine.answered([], "show", silent, cli.report) == 0
    assert strict(capfd.readouterr().out)["result"] is None
    with pytest.raises(RuntimeError):
        machine.answered([], "show", broken, cli.report)
    assert strict(capfd.readouterr().out)["exit_code"] == MlexpError.exit_code


def test_numbers_that_are_not_finite_are_null(capfd: pytest.CaptureFixture[str]) -> None:
    def odd(words: list[str]) -> int:
        machine.tell(loss=float("nan"), bound=float("-inf"), names=("a", Path("b")))
        return 0

    machine.answered([], "", odd, cli.report)
    assert strict(capfd.readouterr().out)["result"] == {"loss": None, "bound": None, "names": ["a", "b"]}
