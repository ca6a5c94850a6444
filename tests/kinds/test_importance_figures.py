"""Figures of importances, partial dependence, coefficients, errors and data needed: nothing overlaps or is cut."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.transforms import Bbox
from tests.drawing.seen import NASTY, figure_of, shown

from mlexp.store import Run, record
from mlexp.store.result import Result

pytestmark = pytest.mark.usefixtures("styled")
LONG = [f"the share of households with more than {k} cars" for k in range(40)]
CASES: dict[str, dict[str, Any]] = {
    "few": {"features": ["a", "b", "c"], "classes": ["no", "yes"]},
    "one": {"features": ["W" * 60], "classes": ["W" * 40, "V" * 40]},
    "many": {"features": LONG, "classes": [f"class number {k}" for k in range(100)]},
    "nasty": {"features": NASTY, "classes": NASTY[:5], "words": True},
    "numbers": {"features": LONG[:5], "classes": [], "words": True},
}


def folder(outputs: Path, features: list[str], classes: list[str], words: bool = False) -> Run:
    """Write a run folder with every table that these figures are drawn from."""
    rng, n, p = np.random.default_rng(0), 200, len(features)
    kind = "classification" if classes else "regression"
    made = record.create(outputs, "made", "0a1b2c3d")
    importance = np.sort(rng.normal(0.1, 0.1, p))[::-1]
    values = (
        [f"value number {k} of a column" for k in range(8)] if words else np.linspace(-1e5, 1e5, 9).tolist()
    )
    top, shown_classes = features[:3], classes[:5] if len(classes) > 2 else classes[1:] or [""]
    cells = list(itertools.product(top, values, shown_classes))
    dependence: dict[str, list[Any]] = {
        "feature": [one for one, _, _ in cells],
        "value": [one for _, one, _ in cells],
        "class": [one for _, _, one in cells],
        "prediction": rng.random(len(cells)).tolist(),
        "low": [0.0] * len(cells),
        "high": [1.0] * len(cells),
    }
    if not classes:
        del dependence["class"]
    by_class = {"feature": features} | {name: rng.normal(size=p).tolist() for name in dict.fromkeys(classes)}
    one_output = {
        "feature": [*features, "(intercept)"],
        "coefficient": rng.normal(size=p + 1).tolist(),
        "standardised": [*rng.normal(size=p).tolist(), ""],
    }
    facts = {"set": "test", "measure": "accuracy" if classes else "r2", "rows": n, "repeats": 10}
    true = rng.normal(size=n) * 1e5
    made.write_info(
        {
            "status": "completed",
            "task": {"name": "made", "kind": kind},
            "seed": 0,
            "dataset": {
                "name": "made", "classes": classes, "features": features, "target": "W" * 50,
                "categories": {str(k): values for k in range(3)} if words else {}, "image_shape": None,
            },
            "split": {"train": n, "validation": n, "test": n},
            "facts": {"importance": facts | {"columns": p, "of_columns": 10 * p}},
        }
    )  # fmt: skip
    made.write_result(
        Result(
            metrics={"test": {"accuracy": 0.5, "mae": 1.0, "rmse": 1e5, "r2": 0.5}},
            predictions={}
            if classes
            else {"test_true": true, "test_predicted": true + rng.normal(size=n) * 1e5},
            arrays={"partial_dependence_deciles": np.tile(np.linspace(-9e4, 9e4, 9), (len(top), 1))},
            tables={
                "permutation_importance": {
                    "feature": features,
                    "importance": importance.tolist(),
                    "low": (importance - 0.05).tolist(),
                    "high": (importance + 0.05).tolist(),
                    "impurity_decrease": rng.random(p).tolist(),
                },
                "partial_dependence": dependence,
                "coefficients": by_class if len(classes) > 2 else one_output,
            },
        )
    )
    made.close(keep_checkpoint=False)
    return Run.open(made.path)


def inner(box: Bbox) -> Bbox:
    return box.padded(-1)


@pytest.mark.parametrize("case", CASES)
def test_texts_neither_overlap_nor_leave_the_page(tmp_path: Path, case: str) -> None:
    run = folder(tmp_path, **CASES[case])
    more = ("errors", "predicted_against_true") if case == "numbers" else ()
    for name in ("importance", "partial_dependence", "coefficients", *more):
        figure = figure_of(run, name)
        boxes = [(text.get_text(), inner(text.get_window_extent())) for text in shown(figure)]
        page = figure.bbox.padded(1)
        outside = [text for text, box in boxes if not (page.containsx(box.x0) and page.containsx(box.x1))]
        outside += [text for text, box in boxes if not (page.containsy(box.y0) and page.containsy(box.y1))]
        assert outside == [], name
        clashes = [(a, b) for (a, box), (b, other) in itertools.combinations(boxes, 2) if box.overlaps(other)]
        assert clashes == [], name
        assert figure.get_figheight() * 2.54 < 29.7
