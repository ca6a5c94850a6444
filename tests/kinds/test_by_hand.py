"""Hand calculations against numbers worked out without the engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.running import run, written

from mlexp.errors import ConfigError

# Worked out by hand in fractions for x = 1, 2, 3; y = 3, 4, 5; w1 0.1, w2 0.2, no biases; rate 0.01.
GRADIENT = {"w1": -3.4293333333333336, "b1": -1.584, "w2": -1.714666666666667, "b2": -7.92}
AFTER = {"w1": 0.13429333333333335, "b1": 0.01584, "w2": 0.21714666666666668, "b2": 0.0792}


def test_the_step_of_the_report_is_the_right_one(tmp_path: Path) -> None:
    done = run(tmp_path, "task=backprop_by_hand")
    step = done.tables["step"]
    assert step["parameter"] == list(GRADIENT)
    np.testing.assert_allclose([float(v) for v in step["gradient"]], list(GRADIENT.values()), rtol=1e-12)
    np.testing.assert_allclose([float(v) for v in step["after"]], list(AFTER.values()), rtol=1e-12)
    assert done.metrics["before"]["mse"] == pytest.approx(16.32186666666667, rel=1e-12)
    rows = done.tables["rows"]
    np.testing.assert_allclose([float(v) for v in rows["yhat = w2 a + b2"]], [0.02, 0.04, 0.06])
    shares = [float(v) for v in rows["share of dE/dw1 = x dE/dz"]]
    assert sum(shares) == pytest.approx(GRADIENT["w1"])


def test_the_calculation_is_drawn(tmp_path: Path) -> None:
    done = run(tmp_path, "task=backprop_by_hand")
    assert (done.path / "figures" / "computation_graph.png").stat().st_size > 10_000


def test_other_numbers_and_another_activation(tmp_path: Path) -> None:
    done = run(
        tmp_path, "task=backprop_by_hand", "by_hand.x=[1]", "by_hand.y=[0]", "model.activation=sigmoid"
    )
    (a,), (z,) = (done.tables["rows"][name] for name in ("a = f(z)", "z = w1 x + b1"))
    assert float(a) == pytest.approx(1 / (1 + np.exp(-float(z))))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("by_hand.x=[1,2]", "the same length"),
        ("by_hand.weights=[1]", "w1, b1, w2, b2"),
        ("by_hand.x=[a]", "numbers"),
    ],
)
def test_refused_before_a_folder_is_made(tmp_path: Path, typed: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        run(tmp_path, "task=backprop_by_hand", typed)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_formula_engine_and_differences_agree(tmp_path: Path, seed: int) -> None:
    done = run(tmp_path, "task=residual_gradient", f"seed={seed}", "by_hand.width=4", "by_hand.hidden=9")
    assert done.metrics["relative_error"]["engine"] < 1e-14
    assert done.metrics["relative_error"]["finite differences"] < 1e-8
    assert len(done.tables["gradient"]["component"]) == 4
    # a central difference errs with the square of its step as long as rounding is small
    errors = dict(
        zip(done.tables["step_size"]["step"], done.tables["step_size"]["relative_error"], strict=True)
    )
    assert float(errors["0.1"]) / float(errors["0.01"]) == pytest.approx(100, rel=0.1)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert written(run(tmp_path / "a", "task=residual_gradient")) == written(
        run(tmp_path / "b", "task=residual_gradient")
    )
