"""Learning curves."""

from __future__ import annotations

import numpy as np
import pytest
from tests.drawing.seen import Make, figure_of, words

from mlexp.kinds import curves

pytestmark = pytest.mark.usefixtures("styled")


def rows(**columns: list[float]) -> list[dict[str, float]]:
    n = len(next(iter(columns.values())))
    return [{"epoch": k + 1} | {name: values[k] for name, values in columns.items()} for k in range(n)]


def test_curves_show_both_parts_and_mark_the_best_epoch(make_run: Make) -> None:
    history = rows(
        train_loss=[0.9, 0.5, 0.3, 0.2],
        train_accuracy=[0.6, 0.7, 0.8, 0.9],
        validation_loss=[0.8, 0.6, 0.4, 0.5],
        validation_accuracy=[0.6, 0.7, 0.75, 0.74],
    )
    figure = figure_of(make_run(history=history), "learning_curves")
    loss, accuracy = figure.axes
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("Epoch", "Loss (mean over samples)")
    assert accuracy.get_ylabel() == "Accuracy (%)"
    for axes, columns in ((loss, [0.9, 0.8]), (accuracy, [0.6, 0.6])):
        train, validation, best, ring = axes.get_lines()
        assert [line.get_ydata()[0] for line in (train, validation)] == columns
        assert train.get_linestyle() != validation.get_linestyle()
        assert list(best.get_xdata()) == [3, 3]
        assert ring.get_xdata()[0] == 3
        assert axes.get_yscale() == "linear"
    assert {"best epoch 3: 0.4", "best epoch 3: 75.0\u00a0%", "train", "validation"} <= set(words(figure))
    assert "Stopped early after 4 epochs (synthetic_mlp, seed 0)" in words(figure)


def test_legend_covers_no_line(make_run: Make) -> None:
    figure = figure_of(make_run(), "learning_curves")
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(axes.get_window_extent()) for axes in figure.axes)


def test_one_epoch_shows_as_dots(make_run: Make) -> None:
    figure = figure_of(make_run(n_epochs=1, stopped="epochs"), "learning_curves")
    for axes in figure.axes:
        assert all(line.get_marker() not in ("", "None") for line in axes.get_lines()[:2])
        low, high = axes.get_xlim()
        assert low < 1 < high
        assert "1" in words(figure)
    assert "Completed 1 epoch (synthetic_mlp, seed 0)" in words(figure)


def test_a_loss_over_more_than_two_decades_is_logarithmic(make_run: Make) -> None:
    figure = figure_of(
        make_run(history=rows(train_loss=[2.0, 0.1, 0.01], validation_loss=[1, 0.2, 0.1])), "learning_curves"
    )
    assert len(figure.axes) == 1  # no accuracy was recorded
    assert figure.axes[0].get_yscale() == "log"
    assert "log scale" in figure.axes[0].get_ylabel()
    zero = figure_of(
        make_run(history=rows(train_loss=[2.0, 0.1, 0.0], validation_loss=[1, 0.2, 0.1])), "learning_curves"
    )
    assert zero.axes[0].get_yscale() == "linear"


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_diverged_run_is_shown_up_to_there(make_run: Make, bad: float) -> None:
    history = rows(
        train_loss=[2.0, 1e8, bad],
        train_accuracy=[0.5, 0.1, 0.1],
        validation_loss=[1.9, bad, bad],
        validation_accuracy=[0.5, 0.1, 0.1],
    )
    run = make_run(history=history, status="diverged", stopped="diverged")
    figure = figure_of(run, "learning_curves")
    train, validation = figure.axes[0].get_lines()[:2]
    assert np.isfinite(train.get_ydata()).tolist() == [True, True, False]
    assert np.isfinite(validation.get_ydata()).tolist() == [True, False, False]
    assert figure.axes[0].get_yscale() == "log"
    assert any(text.startswith("Diverged in epoch 3") for text in words(figure))


def test_a_run_without_any_finite_loss_has_no_curves(make_run: Make) -> None:
    history = rows(train_loss=[float("nan")], validation_loss=[float("nan")], train_accuracy=[0.1])
    assert curves.learning_curves(make_run(history=history, status="diverged", stopped="diverged")) is None


def test_accuracy_never_reaches_far_above_one(make_run: Make) -> None:
    history = rows(
        train_loss=[0.1, 0.1],
        train_accuracy=[1.0, 1.0],
        validation_loss=[0.1, 0.1],
        validation_accuracy=[1, 1],
    )
    low, high = figure_of(make_run(history=history), "learning_curves").axes[1].get_ylim()
    assert low < 1 < high < 1.01
