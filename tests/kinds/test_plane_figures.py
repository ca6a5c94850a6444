"""Figures of two features and of numbers: drawn from the folder alone, without overlap."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.drawing.seen import figure_of, words
from tests.running import run

from mlexp.store import Run

pytestmark = pytest.mark.usefixtures("styled")


def without_overlap(figure: object) -> None:
    from tests.drawing.seen import shown

    texts = [(text.get_text(), text.get_window_extent()) for text in shown(figure)]  # type: ignore[arg-type]
    for k, (first, box) in enumerate(texts):
        for second, other in texts[k + 1 :]:
            assert not box.padded(-1).overlaps(other.padded(-1)), (first, second)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ("task=moons_boundary", "size=smoke"),
            ["Training points", "Test points", "class 0", "boundary", "x1", "x2"],
        ),
        (
            ("task=svm_margin",),
            ["w = (−2, −2), b = 3; the margin lines are 2/‖w‖ = 0.7071 apart", "support vector"],
        ),
        (("task=svm_margin", "dataset=four_points"), ["Training and test points", "test point", "class +1"]),
        (("dataset=blobs", "model=knn"), ["class 2", "Test points"]),
        (("dataset=blobs", "model=svm"), ["class 2", "Test points"]),
    ],
)
def test_boundary(tmp_path: Path, overrides: tuple[str, ...], said: list[str]) -> None:
    done = run(tmp_path, *overrides, "figures=false")
    figure = figure_of(Run.open(done.path), "boundary")
    assert set(said) <= set(words(figure))
    without_overlap(figure)


def test_predicted_against_true(tmp_path: Path) -> None:
    done = run(tmp_path, "task=regress", "model=ridge", "figures=false")
    figure = figure_of(Run.open(done.path), "predicted_against_true")
    seen = words(figure)
    first_lines = {text.partition("\n")[0] for text in seen}
    assert {"True target", "Predicted target", "Residual (true − predicted)"} <= first_lines
    assert any(
        f"R² {done.metrics['test']['r2']:.3f} on 88 test samples" in " ".join(text.split()) for text in seen
    )
    without_overlap(figure)
    assert "boundary" not in [file.stem for file in (done.path / "figures").glob("*")]
