"""Runs side by side: what may be subtracted."""

from __future__ import annotations

from pathlib import Path

from tests.running import run

from mlexp.page.scores import difference
from mlexp.page.words import FINE, percent
from mlexp.web.compared import compared


def test_scores_are_subtracted_only_on_one_data_set(tmp_path: Path) -> None:
    small = ("figures=false", "size=smoke")
    changed = ("seed=1", "seed=2", "dataset=iris")
    runs = [run(tmp_path, *small, word) for word in changed]
    names = [one.path.relative_to(tmp_path).as_posix() for one in runs]
    same, other = compared(tmp_path, names[:2]), compared(tmp_path, names[1:])
    assert same.subtracted
    assert same.confusion is not None
    assert {len(cells) for _, cells in same.scores} == {3}
    first, second = (one.metrics["test"]["accuracy"] for one in runs[:2])
    assert dict(same.scores)["test accuracy"] == [
        percent(first, FINE),
        percent(second, FINE),
        difference("accuracy", second - first),
    ]
    assert not other.subtracted
    assert other.confusion is None
    assert {len(cells) for _, cells in other.scores} == {2}
