"""Figures of the inside of a network: drawn for any shape of it, every word within the figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.drawing.seen import NASTY, shown, words

from mlexp.drawing import style
from mlexp.kinds import network_figures
from mlexp.nn.estimators import MLPClassifier
from mlexp.store import Run, record
from mlexp.store.result import Result

pytestmark = pytest.mark.usefixtures("styled")


def folder(
    tmp_path: Path, n_features: int, hidden: list[int], *, n_classes: int = 3, shape: list[int] | None = None,
    looks: list[dict[str, float]] | None = None, names: list[str] | None = None, layers: int = 0, **options: Any,
) -> Run:  # fmt: skip
    """Write the folder of a network of this shape that has trained for an epoch."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, n_features)), np.arange(30) % n_classes
    fitted = MLPClassifier(hidden=hidden, epochs=1, **options).fit(X, y)
    made = record.create(tmp_path, "made", "0a1b2c3d")
    for look in looks or []:
        made.append_diagnosis(look)
    classes = [f"class {k}" for k in range(n_classes)]
    made.write_info({
        "status": "completed", "task": {"name": "made", "kind": "classification"}, "facts": {}, "seed": 0,
        "dataset": {"name": "made", "classes": classes, "image_shape": shape, "features": names},
        "split": {},
    })  # fmt: skip
    table = {"layer": [f"Dense({k})" for k in range(layers)]}
    made.write_result(Result(model=fitted.to_arrays(), tables={"layers": table} if layers else {}))
    made.close(keep_checkpoint=False)
    return Run.open(made.path)


def drawn(run: Run, name: str) -> Any:
    """Draw, and check that no word reaches beyond the figure."""
    figure = network_figures.FIGURES[name].draw(run)
    style.freeze(figure)
    width, height = figure.bbox.width, figure.bbox.height
    for text in shown(figure):
        box = text.get_window_extent()
        assert box.x0 >= -1, text.get_text()
        assert box.x1 <= width + 1, text.get_text()
        assert box.y0 >= -1, text.get_text()
        assert box.y1 <= height + 1, text.get_text()
    return figure


@pytest.mark.parametrize(
    ("shape", "hidden", "n_units"),
    [([8, 8], [5], 5), ([8, 8], [70], 48), ([4, 6], [], 3), ([5, 4, 3], [9], 9), ([1, 7], [1], 1)],
)
def test_weights_of_pixels_are_images_with_the_number_of_their_unit(tmp_path, shape, hidden, n_units) -> None:
    run = folder(tmp_path, int(np.prod(shape)), hidden, shape=shape)
    figure = drawn(run, "first_weights")
    mosaic = figure.axes[0].get_images()[0].get_array()
    assert mosaic.ndim == len(shape)
    assert len([word for word in words(figure) if word.isdecimal()]) == n_units
    if len(shape) == 2:  # the first image is that of the first unit shown
        W = run.model["theta"][: np.prod(shape) * len(run.model["theta"])]
        first = W.reshape(-1)[: int(np.prod(shape)) * (hidden or [3])[0]].reshape(int(np.prod(shape)), -1)
        unit = int(next(word for word in words(figure) if word.isdecimal())) - 1
        np.testing.assert_allclose(mosaic[: shape[0], : shape[1]], first[:, unit].reshape(shape), rtol=1e-6)


@pytest.mark.parametrize(("n_features", "hidden"), [(1, [1]), (9, [3]), (300, [100]), (4, [])])
def test_weights_of_a_table_are_a_map_with_the_names_of_the_features(tmp_path, n_features, hidden) -> None:
    names = [NASTY[k % len(NASTY)] + str(k) for k in range(n_features)]
    figure = drawn(folder(tmp_path, n_features, hidden, names=names), "first_weights")
    rows, columns = figure.axes[0].get_images()[0].get_array().shape
    assert (rows, columns) == (min(n_features, 30), min((hidden or [3])[0], 48))
    assert len(figure.axes[0].get_yticklabels()) == rows


@pytest.mark.parametrize("hidden", [[], [4], [3] * 14])
@pytest.mark.parametrize("bias", [True, False])
def test_histograms_hold_every_parameter_of_the_layers_shown(tmp_path, hidden, bias) -> None:
    run = folder(tmp_path, 5, hidden, bias=bias)
    figure = drawn(run, "weights")
    counted = sum(bar.get_height() for axes in figure.axes for bar in axes.patches)
    n_shown = min(len(hidden) + 1, network_figures.MOST_LAYERS)
    assert len([axes for axes in figure.axes if axes.patches]) == n_shown * (1 + bias)
    if n_shown == len(hidden) + 1:
        assert counted == run.model["theta"].size


def look(epoch: int, **columns: float) -> dict[str, float]:
    return {"epoch": epoch} | columns


@pytest.mark.parametrize(
    "looks",
    [
        [look(1, gradient_norm_1=0.3)],
        [look(k, gradient_norm_1=0.1 / k, gradient_norm_2=3.0, dead_1=0.2 * k) for k in (1, 2, 4)],
        [
            look(k, gradient_norm_1=1e-9 * k, gradient_norm_2=3.0, dead_1=0.0, saturated_2=1.0)
            for k in (1, 2000)
        ],
        [look(k, **{f"gradient_norm_{n}": n / k for n in range(1, 41)}) for k in range(1, 60)],
        [look(1, gradient_norm_1=0.0, gradient_norm_2=0.0, dead_1=1.0)],
        [
            look(1, gradient_norm_1=1.0, gradient_norm_2=2.0),
            look(2, gradient_norm_1=np.nan, gradient_norm_2=np.inf),
        ],
    ],
)
def test_gradients_are_drawn_whatever_they_are(tmp_path, looks) -> None:
    figure = drawn(folder(tmp_path, 2, [2], looks=looks, layers=3), "diagnostics")
    n_layers = sum(name.startswith("gradient") for name in looks[0])
    assert len(figure.axes[0].get_lines()) == n_layers
    assert len(figure.axes) == 1 + any("_norm" not in name for name in list(looks[0])[1:])
    assert all(float(tick).is_integer() for tick in figure.axes[0].get_xticks())


def test_nothing_is_drawn_of_runs_that_have_nothing_of_it(tmp_path: Path) -> None:
    made = record.create(tmp_path, "made", "0a1b2c3d")
    made.write_info({"status": "completed", "dataset": {"name": "made", "classes": []}})
    made.close(keep_checkpoint=False)
    nans = folder(tmp_path, 2, [2], looks=[look(1, gradient_norm_1=np.nan)])
    assert all(figure.draw(Run.open(made.path)) is None for figure in network_figures.FIGURES.values())
    assert network_figures.diagnostics(nans) is None
    assert network_figures.diagnostics(folder(tmp_path, 2, [2], looks=[{"gradient_norm_1": 1.0}])) is None
