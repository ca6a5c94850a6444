"""What a case may hold, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlexp.config.groups import offered
from mlexp.errors import ConfigError
from mlexp.why import case, study
from mlexp.why.study import Stage

FIGURE = {"metric": "test.accuracy", "value": 0.9725}
CURVE = {"column": "train_loss", "epochs": [1, 2, 3, 40], "values": [1.5, 0.5, 0.25, 0.1]}


def values(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "settings": {"task": "digits_mlp"},
        "runs": {"it": {"figures": [FIGURE], "curves": [CURVE]}},
        "unstated": {
            "model.batch_size": [16, 48],
            "kept": {"last": {"model.restore_best": False}, "best": {}},
        },
    }
    return found | more


@pytest.mark.parametrize("name", offered(case.GROUP))
def test_every_shipped_case_can_be_planned(name: str) -> None:
    asked = case.read(name)
    planned = study.plan(asked)
    assert planned.stages[-1] == Stage(None, asked.seeds)
    assert asked.about
    assert asked.source


def test_candidates_are_all_combinations_of_values() -> None:
    asked = case.of("it", values())
    assert asked.candidates == [
        {"model.batch_size": size, "kept": kept} for size in ("16", "48") for kept in ("last", "best")
    ]
    assert asked.of(asked.candidates[0]) == {"model.batch_size": 16, "model.restore_best": False}


def test_digits_are_those_printed_unless_they_are_stated() -> None:
    run = {"figures": [FIGURE, FIGURE | {"value": 0.97, "digits": 4}, {"fact": "epochs", "value": 18}]}
    _, published = case.of("it", values(runs={"it": run})).runs["it"]
    assert [one.half for one in published] == pytest.approx([0.00005, 0.00005, 0.5])


def test_short_stages_come_before_the_full_length_where_curves_allow() -> None:
    asked = case.of("it", values())
    stages = study.plan(asked).stages
    assert stages == [Stage(2, 3), Stage(10, 3), Stage(None, 5)]
    assert study.plan(case.of("it", values(runs={"it": {"figures": [FIGURE]}}))).stages == [Stage(None, 5)]


def test_a_short_stage_judges_nothing_and_candidates_that_train_alike_share_its_runs() -> None:
    first = study.plan(case.of("it", values())).plan
    assert len(first.jobs) == 2 * 3  # batch sizes and seeds: what is kept in the end makes no difference
    assert {job.swept["candidates"] for job in first.jobs} == {"1, 2", "3, 4"}
    assert not any(job.config.split.judge or job.config.model.epochs != 2 for job in first.jobs)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"strange": 1}, "no entry 'strange'"),
        ({"settings": {}}, "must name what the report states"),
        ({"settings": {"task": "digits_mlp", "outputs": "/tmp"}}, "outputs cannot be set there"),
        ({"settings": {"task": "digits_mlp", "seed": 3}}, "seed cannot be set there"),
        ({"settings": {"task": "digits_mlp", "model.name": "${oc.env:HOME}"}}, "plain value"),
        ({"seeds": 2}, "seeds must be a whole number from 3"),
        ({"runs": {}}, "1 to 100 runs"),
        ({"runs": {"it": {}}}, "needs figures or curves"),
        ({"runs": {"it": {"figures": [{"value": 1}]}}}, "either a metric"),
        ({"runs": {"it": {"figures": [FIGURE | {"value": "0.97"}]}}}, "is a number"),
        ({"runs": {"it": {"figures": [FIGURE | {"value": float("nan")}]}}}, "is a number"),
        ({"runs": {"it": {"figures": [FIGURE | {"rows": "others"}]}}}, "n_rows"),
        (
            {"runs": {"it": {"figures": [FIGURE | {"metric": "test.accurcy"}]}}},
            "no metric of a classification",
        ),
        ({"runs": {"it": {"curves": [CURVE | {"epochs": [1, 2]}]}}}, "one value for each epoch"),
        ({"runs": {"it": {"curves": [CURVE | {"epochs": [-1, 2, 3, 4]}]}}}, "must rise"),
        ({"runs": {"it": {"curves": [CURVE | {"column": "../x"}]}}}, "must be a column"),
        (
            {"runs": {"it": {"figures": [FIGURE], "settings": {"model.batch_size": 4}}}},
            "both set model.batch_size",
        ),
        ({"unstated": {"model.batch_size": [16]}}, "2 to 1,000 candidates"),
        ({"unstated": {"a": {"x": {}, "y": {"model.dropout": 0.0}}}}, "the same settings"),
        ({"unstated": {"model.batch_size": list(range(1, 2000))}}, "2 to 1,000 candidates"),
        ({"unstated": {"model.batchsize": [16, 48]}}, "batchsize"),
        ({"settings": {"task": "sign_mlp_rates"}}, "must be a single training"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words.replace("(", r"\(")) as caught:
        study.plan(case.of("it", values(**more)))
    assert "\n" not in str(caught.value)


def test_a_typed_key_that_the_case_varies_is_refused() -> None:
    for typed in ("model.batch_size=8", "seed=3"):
        with pytest.raises(ConfigError, match="case"):
            study.plan(case.of("it", values()), [typed])


def test_files_are_read_within_bounds(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no case"):
        case.read("nonsense")
    with pytest.raises(ConfigError, match="cannot be read"):
        case.read(str(tmp_path / "none.yaml"))
    file = tmp_path / "own.yaml"
    file.write_text("runs: !!python/object/apply:os.system [true]\n")
    with pytest.raises(ConfigError, match="tag"):
        case.read(str(file))
    file.write_text("- 1\n")
    with pytest.raises(ConfigError, match="must be a mapping"):
        case.read(str(file))


def test_a_case_can_be_narrowed_to_some_of_its_runs() -> None:
    both = {"one": {"figures": [FIGURE]}, "other": {"figures": [FIGURE], "settings": {"model.dropout": 0.1}}}
    asked = case.narrowed(case.of("it", values(runs=both)), seeds=7, only=["other"])
    assert (list(asked.runs), asked.seeds) == (["other"], 7)
    with pytest.raises(ConfigError, match="names the run 'othr'"):
        case.narrowed(asked, only=["othr"])
