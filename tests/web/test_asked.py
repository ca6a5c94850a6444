"""What of a table an address asks for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.running import in_this_process
from tests.web.asked import ask, guard

from mlexp import dispatch
from mlexp.web.asked import FIRST_SHOWN, MOST_SHOWN, Asked, rank

pytest.importorskip("starlette", reason="the extra ui is not installed")

ROWS = [("a", "0.5"), ("b", ""), ("c", "0.25"), ("d", "1e-3"), ("e", "none")]
COLUMNS: dict[str, Callable[[tuple[str, str]], str]] = {
    "name": lambda row: row[0],
    "score": lambda row: row[1],
}


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", "abcde"),
        ("score", "dcaeb"),
        ("-score", "eacdb"),
        ("-name", "edcba"),
        ("nothing", "abcde"),
        ("-", "abcde"),
    ],
)
def test_an_address_sorts_numbers_by_value_and_empty_cells_last(sort: str, names: str) -> None:
    ordered = Asked.of([("sort", sort)]).ordered(ROWS, COLUMNS)
    assert "".join(name for name, _ in ordered) == names


def test_words_and_values_choose_rows_and_unknown_columns_choose_nothing() -> None:
    asked = Asked.of([("q", "NON e"), ("is.name", "e"), ("is.other", "x"), ("is.score", "")])
    assert asked.chosen(ROWS, COLUMNS, " ".join) == [("e", "none")]
    assert Asked.of([("is.name", "x")]).chosen(ROWS, COLUMNS, " ".join) == []


@pytest.mark.parametrize(
    ("word", "shown"),
    [("7", 7), ("0", 1), ("-3", FIRST_SHOWN), ("x", FIRST_SHOWN), ("٣", FIRST_SHOWN), ("9" * 8, MOST_SHOWN),
     ("9" * 5000, FIRST_SHOWN)],
)  # fmt: skip
def test_no_address_asks_for_rows_without_end(word: str, shown: int) -> None:
    assert Asked.of([("shown", word)]).shown == shown


@given(st.lists(st.text()))
def test_every_text_has_its_place(words: list[str]) -> None:
    places = [rank(word) for word in words]
    assert sorted(sorted(places, reverse=True)) == sorted(places)


def test_the_page_of_a_sweep_of_one_job_leads_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_this_process(monkeypatch)
    words = ["task=digits_mlp", "dataset.limit=200", "model.epochs=2", "figures=false", f"outputs={tmp_path}"]
    sweep = dispatch.run_sweep(dispatch.plan_sweep([*words, "seed=3"])).path.resolve()
    (job,) = (sweep / "runs").iterdir()
    text = ask(guard(tmp_path), f"/f/{sweep.relative_to(tmp_path.resolve()).as_posix()}").text
    assert f'href="/f/{job.relative_to(tmp_path.resolve()).as_posix()}"' in text


def test_the_page_of_an_arm_shows_its_jobs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_this_process(monkeypatch)
    words = ["task=digits_mlp", "dataset.limit=200", "model.epochs=2", "figures=false", f"outputs={tmp_path}"]
    plan = dispatch.plan_sweep([*words, "model.learning_rate=0.1,0.01", "seed=0,1,2"])
    sweep = dispatch.run_sweep(plan).path
    app = guard(tmp_path)
    where = f"/f/{sweep.resolve().relative_to(tmp_path.resolve()).as_posix()}"
    every, one, last, none = (
        ask(app, where + query).text
        for query in ("", "?is.learning_rate=0.1", "?sort=-seed&shown=2", "?is.seed=7&is.status=completed")
    )
    rows = [text.count("<tr data-job") for text in (every, one, last, none)]
    assert rows == [6, 3, 2, 0]
    assert [text.count('<path class="line s') for text in (every, one)] == [
        12 + 12,
        6 + 6,
    ]  # with the legends
    assert re.findall('data-job="(.)"', last) == ["3", "6"]
    assert 'value="400"' not in every
    assert "Show more" in last
