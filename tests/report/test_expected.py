"""Expectations: what a run, a sweep and a comparison are held against, and what is refused before a run."""

from __future__ import annotations

import math
import operator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.running import comparison_of_widths, in_this_process, run

import mlexp
from mlexp import cli
from mlexp.config import compose as configuration
from mlexp.config import conditions, recorded
from mlexp.errors import ConfigError, ExpectationError
from mlexp.report import expected

SIGNS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq}


@given(
    sign=st.sampled_from(list(SIGNS)),
    bound=st.floats(allow_nan=False),
    value=st.floats(),
    spaces=st.sampled_from(["", " "]),
)
def test_a_condition_holds_as_python_compares(sign: str, bound: float, value: float, spaces: str) -> None:
    typed = conditions.of_words([f"test.loss{spaces}{sign}{spaces}{bound!r}"])
    assert typed == conditions.of({"test": {"loss": f"{sign}{spaces}{bound!r}"}})
    assert typed[0].holds(value) == (math.isfinite(value) and SIGNS[sign](value, bound))
    assert not typed[0].holds(None)


@pytest.mark.parametrize(
    "word", ["", "test.accuracy", "test.accuracy>=", ">=0.5", "a=>0.5", "a > b", "a >= nan"]
)
def test_what_is_no_condition_is_refused(word: str) -> None:
    with pytest.raises(ConfigError):
        conditions.of_words([word])


@pytest.mark.parametrize("wrong", ["equivalent", ">= x", "0.9"])
def test_the_condition_that_is_none_is_named(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([f'expect={{test.accuracy: ">= 0.3", test.loss: "{wrong}"}}', "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "test.loss" in line.rpartition("Got {")[2].partition("}")[2]


@pytest.mark.parametrize(
    ("name", "kind", "arms", "near"),
    [
        ("test.acuracy", "classification", (), "test.accuracy"),
        ("test.r2", "classification", (), "Names"),
        ("second", "regression", (), "seconds"),
        ("verdict", "classification", (), "Names"),
        ("mean.rleu", "classification", ("relu", "tanh"), "mean.relu"),
        ("nosuch.silhouette", "clustering", (), "all.silhouette"),
    ],
)
def test_unknown_names_are_refused_before_a_run(
    name: str, kind: str, arms: tuple[str, ...], near: str
) -> None:
    with pytest.raises(ConfigError, match=near):
        expected.refuse_unknown([conditions.Condition(name, ">=", 0.5)], kind, arms)


def test_a_verdict_is_one_of_the_arms(tmp_path: Path) -> None:
    arms = ("relu", "tanh")
    for word in (*arms, "none", "equivalent"):
        expected.refuse_unknown(conditions.of({"verdict": f"== {word}"}), "classification", arms)
    for wrong in ("== rleu", ">= 3"):
        with pytest.raises(ConfigError):
            expected.refuse_unknown(conditions.of({"verdict": wrong}), "classification", arms)


def test_the_conditions_are_not_part_of_what_a_run_is() -> None:
    plain, asked = (
        configuration.compose(words)
        for words in ([], ['expect={test.accuracy: ">= 0.95", seconds: "<= 60"}'])
    )
    assert asked.expect == {"test.accuracy": ">= 0.95", "seconds": "<= 60"}
    assert recorded.config_hash(plain) == recorded.config_hash(asked)


def test_a_run_is_held_against_its_conditions(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    done = run(tmp_path, "size=smoke", "figures=false", "model.epochs=1")
    score = done.metrics["test"]["accuracy"]
    exact = conditions.of_words([f"test.accuracy == {score!r}", "epochs < 2", "seconds >= 0"])
    assert all(one.met for one in expected.checked(done.path, exact))
    wrong = conditions.of_words([f"test.accuracy > {score!r}", "test.nix > 0", "epochs == 1"])
    with pytest.raises(ExpectationError) as caught:
        expected.hold(done.path, expected.checked(done.path, wrong))
    assert len(caught.value.lines) == 2
    code = cli.main(["expect", str(done.path), "test.accuracy > 2", "epochs > 2", "epochs < 2"])
    assert code == 7
    assert capfd.readouterr().err.count("\n") == 2


def test_a_run_exits_7_and_a_sweep_names_the_job(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)
    words = ["size=smoke", "figures=false", f"outputs={tmp_path}", "model.epochs=1,2"]
    assert cli.main(["-m", *words, 'expect={epochs: "<= 2"}']) == 0
    capfd.readouterr()
    assert cli.main(["-m", *words, 'expect={epochs: "<= 1"}']) == 7
    (line,) = capfd.readouterr().err.splitlines()
    assert "1 of 2 jobs" in line
    assert "job 2 (model.epochs=2)" in line


def test_a_comparison_is_held_against_its_verdict(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)
    (tmp_path / "task").mkdir()
    gates = 'expect: {verdict: "== wide", "wide - narrow": ">= 0.05", p: "< 0.05", test.accuracy: "> 0.05"}\n'
    (tmp_path / "task" / "widths.yaml").write_text(comparison_of_widths(3) + gates)
    words = [
        "task=widths",
        "--config-dir",
        str(tmp_path),
        f"outputs={tmp_path}",
        "size=smoke",
        "figures=false",
    ]
    typo = "--dry-run", 'expect={verdict: "== wiede"}'
    assert cli.main([*words, *typo]) == 2
    code = cli.main([*words, "model.epochs=10"])
    folder = next((tmp_path / "widths").glob("2*"))
    found = expected.checked(folder, conditions.of(recorded.read(folder / "config.yaml").expect))
    assert len(found) == 4
    assert code == (0 if all(one.met for one in found) else 7)
    capfd.readouterr()
    assert cli.main(["expect", str(folder), "narrow - wide > 0", "mean.wide > 2"]) == 7
    assert capfd.readouterr().err.count("\n") == 2


def test_python_raises_what_is_not_met(tmp_path: Path) -> None:
    words = ("size=smoke", "figures=false", "model.epochs=1", f"outputs={tmp_path}")
    with pytest.raises(ConfigError, match=r"test\.accuracy"):
        mlexp.run(*words, expect={"test.acuracy": "> 0.5"})
    with pytest.raises(ExpectationError, match=r"test\.accuracy > 2") as caught:
        mlexp.run(*words, expect={"test.accuracy": "> 2", "seconds": ">= 0"})
    assert mlexp.load(caught.value.folder).metrics["test"]["accuracy"] <= 1  # type: ignore[arg-type]


def comparison(*better: str | None, ranking: tuple[str, ...] = ("a", "b", "c")) -> dict[str, Any]:
    pairs = [("a", "b"), ("a", "c"), ("b", "c")][: len(better)]
    rows = [
        {
            "a": one,
            "b": other,
            "difference": 0.1 * k,
            "p_adjusted": 0.01 * k,
            "better": won,
            "equivalent": None,
        }
        for k, ((one, other), won) in enumerate(zip(pairs, better, strict=True), 1)
    ]
    return {"pairs": rows, "ranking": list(ranking), "arms": [{"name": arm, "mean": 0.5} for arm in ranking]}


@pytest.mark.parametrize(
    ("info", "verdict"),
    [
        (comparison("a", "a", "b"), "a"),
        (comparison(None, "a", "b"), "none"),
        (comparison("a", ranking=("a", "b")), "a"),
        (comparison(None, ranking=("a", "b")), "none"),
        (comparison(None, None, None) | {"with_best": {"may_be_best": ["a"]}}, "a"),
        (comparison("a", "a", None) | {"with_best": {"may_be_best": ["a", "b"]}}, "none"),
    ],
)
def test_the_verdict_is_an_arm_only_if_it_is_better_than_each_other(
    info: dict[str, Any], verdict: str
) -> None:
    found = expected.of_comparison(info)
    assert found["verdict"] == verdict
    assert found["b - a"] == -found["a - b"]
    assert found["difference"] == pytest.approx(0.1)
    assert found["p"] == pytest.approx(0.01)
