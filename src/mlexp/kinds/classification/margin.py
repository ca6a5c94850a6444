"""The page of a linear support vector machine of points: margin, support vectors, classes of new points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlexp.kinds.boundary_figure import POINT
from mlexp.kinds.classification.classes import FEW_ROWS
from mlexp.page import tables as shown
from mlexp.page.page import KeyFigure, Table
from mlexp.page.study import RecordedRun, Said
from mlexp.page.words import coordinate, coordinates, listed

MOST_NAMED = 6  # points in a sentence
CLOSE = 1e-3  # how far y(w·x + b) of a support vector may lie from 1
DECIMALS = 4


def is_geometry(study: RecordedRun) -> bool:
    """Return whether the margin is the subject: a margin is on record, and at most `FEW_ROWS` test samples are."""
    return "margin" in study.run.tables and (study.part != "test" or study.rows <= FEW_ROWS)


def question(study: RecordedRun) -> str:
    """Return the question."""
    return f"Which line or plane separates the classes of {study.data} with the widest margin?"


def answer(study: RecordedRun) -> Said:
    """Return margin, w and b, the support vectors, how far the other points lie, and the classes of new points."""
    margin = study.run.tables["margin"]
    values = dict(zip(margin["quantity"], map(float, margin["value"]), strict=True))
    w = coordinates([value for name, value in values.items() if name.startswith("w_")])
    prepared = "" if margin["features"][0] == "raw" else " (in prepared features)"
    width, b = coordinate(values["margin"]), coordinate(values["b"])
    first = f"The margin 2/‖w‖ is {width}: w = {w} and b = {b}{prepared}; the boundary is w·x + b = 0."
    points = study.run.tables.get("points", {})
    train, test = ([row for row in _rows(points) if row["set"] == name] for name in ("train", "test"))
    figures = [KeyFigure("Margin 2/‖w‖", width), KeyFigure("w", w), KeyFigure("b", b)]
    if test:
        named = listed([f"{_place(row)}: {row['predicted']}" for row in test], MOST_NAMED)
        figures.append(KeyFigure("New points", named))
    return [first, *_support(study, train), *_new(test)], figures


def _support(study: RecordedRun, train: Sequence[dict[str, str]]) -> list[str]:
    """Name the support vectors, and say how far the other points lie and whether the classes are separated."""
    if not train:
        return []
    first, second = study.info["dataset"]["classes"]
    support = [row for row in train if float(row["multiplier"]) > 0]
    named = listed([f"{_place(row)} of class {row['class']}" for row in support], MOST_NAMED)
    others = [float(row["y_score"]) for row in train if float(row["multiplier"]) == 0]
    inside = sum(float(row["y_score"]) < 1 - CLOSE for row in train)
    words = [f"y is 1 for class {second} and −1 for class {first}. Support vectors are {named}."]
    if inside:
        return [
            *words,
            f"{inside:,} of {len(train):,} training points lie inside the margin or on its wrong side: it is soft.",
        ]
    rest = f", at the other points at least {coordinate(min(others))}" if others else ""
    return [
        *words,
        f"No training point lies inside the margin: y(w·x + b) is 1 at the support vectors{rest}.",
    ]


def _new(test: Sequence[dict[str, str]]) -> list[str]:
    return [
        f"The new point {_place(row)} belongs to class {row['predicted']}: "
        f"w·x + b = {coordinate(float(row['score']))}, a distance of {coordinate(float(row['distance']))} from the "
        "boundary."
        for row in test[:MOST_NAMED]
    ]


def _rows(points: dict[str, list[str]]) -> list[dict[str, str]]:
    return [dict(zip(points, cells, strict=True)) for cells in zip(*points.values(), strict=True)]


def _place(row: dict[str, str]) -> str:
    return coordinates([float(value) for name, value in row.items() if name not in POINT])


def tables(study: RecordedRun, found: Sequence[Table]) -> list[Table]:
    """Return the tables of the geometry first, with fixed decimals; of the scores accuracy alone, without intervals."""
    order = ("margin", "points", "support_vectors", "kkt")
    fixed = dict.fromkeys(("value", *POINT[3:]), DECIMALS) | {"missed_by": 2 * DECIMALS}
    geometry = [
        shown.of(name, study.run.tables[name], f"tables/{name}.csv", decimals=fixed)
        for name in order
        if name in study.run.tables
    ]
    accuracy = {part: {"accuracy": scores["accuracy"]} for part, scores in study.metrics.items()}
    scores = shown.scores(accuracy)
    left = ("scores", "per_class", "coefficients", *order)
    others = [table for table in found if table.name not in left and not table.name.startswith("confusion")]
    return [*geometry, *([replace(scores, note="")] if scores else []), *others]
