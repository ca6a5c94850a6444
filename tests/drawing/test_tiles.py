"""Gallery and mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from tests.drawing.seen import GARMENTS, Make, figure_of, with_predictions, words

from mlexp.drawing import tiles as pictures
from mlexp.kinds.classification import gallery
from mlexp.store import Run
from mlexp.store.files import write_npz


def test_gallery_names_true_and_predicted_and_marks_mistakes_without_colour(make_run: Make) -> None:
    run = make_run(classes=GARMENTS, shape=(28, 28), wrong=0.3)
    position = run.arrays["gallery_position"]
    true, predicted = run.predictions["test_true"][position], run.predictions["test_predicted"][position]
    n_wrong = int((true != predicted).sum())
    assert n_wrong > 0
    axes = figure_of(run, "gallery").axes[0]
    texts = [text.get_text() for text in axes.texts]
    expected = [
        (GARMENTS[t], f"{'=' if t == p else '≠'} {GARMENTS[p]}") for t, p in zip(true, predicted, strict=True)
    ]
    assert list(zip(texts[::2], texts[1::2], strict=True)) == expected
    assert len([patch for patch in axes.patches if isinstance(patch, Rectangle)]) == n_wrong
    assert len(axes.get_lines()) == n_wrong  # a cross each
    assert len(axes.images) == 1


def test_gallery_holds_the_pixels(make_run: Make) -> None:
    run = make_run(shape=(8, 8))
    pixels = figure_of(run, "gallery").axes[0].images[0].get_array()
    images = run.arrays["gallery_image"] / run.arrays["gallery_image"].max()
    np.testing.assert_allclose(pixels[:8, :8], images[0], atol=1e-6)
    np.testing.assert_allclose(pixels[:8, 9:17], images[1], atol=1e-6)
    assert pixels.mask[:8, 8].all()


def test_pixels_share_the_range_of_their_numbers() -> None:
    images = np.array([[[-1.0, 0.0]], [[1.0, np.nan]]])
    np.testing.assert_allclose(pictures.unit(images), [[[0, 0.5]], [[1, 0.5]]])
    assert pictures.unit(np.zeros((1, 2, 2))).tolist() == [[[0, 0], [0, 0]]]
    sixteenths = np.array([[[4, 8]], [[12, 16]]], dtype=np.uint8)
    assert pictures.unit(sixteenths).tolist() == [[[0.25, 0.5]], [[0.75, 1.0]]]


def test_mistakes_give_the_probability_of_the_wrong_class(make_run: Make) -> None:
    run = make_run(wrong=0.2)
    first = run.arrays["mistake_position"][0]
    probability = run.predictions["test_probability"].copy()
    probability[first] = 0
    probability[first, run.predictions["test_predicted"][first]] = 0.875
    write_npz(run.path / "predictions.npz", run.predictions | {"test_probability": probability})
    figure = figure_of(Run.open(run.path), "mistakes")
    true, predicted = run.predictions["test_true"], run.predictions["test_predicted"]
    assert [text.get_text() for text in figure.axes[0].texts[:3]] == [
        str(true[first]),
        f"≠ {predicted[first]}",
        "87.5 %",
    ]
    n_wrong = int((true != predicted).sum())
    assert f"Misclassified: {n_wrong} of 600 test images; shown: the 24 most confident" in words(figure)


@pytest.mark.parametrize(
    ("p", "text"), [(0.5, "50.0 %"), (0.9951, "99.51 %"), (0.99995, "> 99.99 %"), (1.0, "> 99.99 %")]
)
def test_certainty_is_never_rounded_up(p: float, text: str) -> None:
    assert gallery.probability_in_words(p) == text


def test_mistakes_that_are_all_shown_are_not_called_a_choice(make_run: Make) -> None:
    run = with_predictions(make_run(n_mistakes=1), [0, 1, 2], [0, 1, 1])
    write_npz(run.path / "arrays.npz", run.arrays | {"mistake_position": np.array([2])})
    figure = figure_of(Run.open(run.path), "mistakes")
    assert "Misclassified: 1 of 3 test images; shown: 1" in words(figure)
    assert "≠ 1" in words(figure)  # and no probability, which this run did not record


def test_a_few_images_make_a_small_grid(make_run: Make) -> None:
    run = make_run(n_gallery=2)
    width, height = figure_of(run, "gallery").get_size_inches()
    assert height < width / 2


def test_images_in_colour_stand_on_white() -> None:
    red = np.zeros((2, 4, 3, 3), np.float32)
    red[..., 0] = 1
    whole = pictures.mosaic([red[:1], red], 2, (5, 4))
    assert whole.shape == (10, 8, 3)
    assert whole[0, 0].tolist() == [1, 0, 0]
    assert (whole[:5, 4:] == 1).all()
    assert (whole[4] == 1).all()
