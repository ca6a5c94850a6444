"""Effects of the keys of a sweep, against a hand calculation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlexp.drawing import style
from mlexp.sweeps import effects
from mlexp.sweeps.findings import Findings, ordered

pytestmark = pytest.mark.usefixtures("styled")

RATES, WIDTHS, NAMES = ("0.1", "0.01", "10"), ("8", "16"), ("relu", "tanh")


def score(rate: str, width: str, name: str) -> float:
    """Rate and name interact, the width does nothing but add."""
    return 0.5 + 0.02 * RATES.index(rate) * (1 if name == "relu" else -1) + 0.01 * WIDTHS.index(width)


def swept(*, without: tuple[str, ...] | None = None) -> Findings:
    jobs = {
        setting: [{"validation_accuracy": repr(score(*setting)), "test_accuracy": "0.5"}]
        for setting in itertools.product(RATES, WIDTHS, NAMES)
        if setting != without
    }
    keys = ("model.learning_rate", "model.hidden", "model.activation")
    return Findings("made", keys, (), jobs, "accuracy", ("test", "validation"))


def test_numbers_stand_in_their_order_on_an_axis_and_words_as_given() -> None:
    assert ordered(["10", "0.1", "relu", "1e-3", "elu"]) == ["1e-3", "0.1", "10", "relu", "elu"]


def test_main_effects_are_means_over_the_other_keys() -> None:
    figure = effects.main_effects(swept())
    assert figure is not None
    assert len(figure.axes) == 3
    line = figure.axes[0].lines[1]
    wanted = [
        np.mean([score(rate, *rest) for rest in itertools.product(WIDTHS, NAMES)])
        for rate in ("0.01", "0.1", "10")
    ]
    assert np.allclose(line.get_ydata(), wanted)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["0.01", "0.1", "10"]
    assert len(figure.axes[0].lines[0].get_ydata()) == 12


def test_only_keys_that_interact_have_an_interaction() -> None:
    found = effects.interaction_strengths(swept())
    assert found[0, 2] == pytest.approx(np.mean([(0.02 * (k - 1)) ** 2 for k in range(3)]))
    assert found[0, 1] == pytest.approx(0)
    figure = effects.interactions(swept())
    assert figure is not None
    assert figure.axes[0].get_xlabel() == "learning_rate"
    assert len(figure.axes[0].lines) == 2


def test_a_setting_that_failed_leaves_a_gap_and_no_interaction_of_its_pairs() -> None:
    found = swept(without=("0.1", "8", "relu"))
    assert effects.slices(found) is not None
    assert all(np.isfinite(value) for value in effects.interaction_strengths(found).values())


def test_slices_hold_the_scores_of_two_keys_at_each_value_of_the_third() -> None:
    figure = effects.slices(swept())
    assert figure is not None
    first, second = figure.axes[:2]
    assert (first.get_title("left"), second.get_title("left")) == ("activation relu", "activation tanh")
    grid = np.asarray(first.images[0].get_array())
    assert np.allclose(
        grid, [[score(rate, width, "relu") for width in WIDTHS] for rate in ("0.01", "0.1", "10")]
    )
    style.freeze(figure)
