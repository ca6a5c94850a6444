"""Runs side by side: what may be subtracted."""

from __future__ import annotations

from pathlib import Path

from tests.running import run

from mlexp.web.compared import compared


def test_scores_are_subtracted_only_on_one_data_set(tmp_path: Path) -> None:
    small = ("figures=false", "size=smoke")
    changed = ("seed=1", "seed=2", "dataset=iris")
    names = [run(tmp_path, *small, word).path.relative_to(tmp_path).as_posix() for word in changed]
    same, other = compared(tmp_path, names[:2]), compared(tmp_path, names[1:])
    assert same.subtracted
    assert same.confusion is not None
    assert {len(cells) for _, cells in same.scores} == {3}
    assert not other.subtracted
    assert other.confusion is None
    assert {len(cells) for _, cells in other.scores} == {2}
