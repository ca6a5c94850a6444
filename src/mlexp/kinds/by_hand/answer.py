"""The result of the calculation, and its derivation."""

from __future__ import annotations

from collections.abc import Sequence

from mlexp.kinds.by_hand.latex import NAME
from mlexp.page.page import Derivation, KeyFigure, Step, Table
from mlexp.page.study import Said, Study
from mlexp.page.words import listed, number

MOST_STEPS = 300
QUESTIONS = {
    "backprop": "What does one step of backpropagation change?",
    "softmax": "What does one step of softmax regression change?",
    "residual": "What is the derivative of a residual block by its input?",
}
ERRORS = {
    "mse": "mean squared error", "mae": "mean absolute error", "huber": "Huber loss", "cross_entropy": "cross-entropy",
    "binary_cross_entropy": "binary cross-entropy",
}  # fmt: skip


def question(study: Study) -> str:
    """Return the question."""
    known = QUESTIONS.get(str(study.info["facts"].get("calculation")))
    return known or f"What is the result of the calculation {study.info['task']['name']}?"


def answer(study: Study) -> Said:
    """The result of the calculation; of an exercise whose solution is folded, where that is."""
    if _is_folded(study):
        return ["The exercise is stated below; its solution is folded."], []
    if "before" in study.metrics:
        return _improved(study)
    what, values = next(iter(study.metrics.items()))
    what = what.replace("_", " ")
    found = listed([f"{number(value)} for {name}" for name, value in values.items()])
    figures = [KeyFigure(name.capitalize(), number(value), what) for name, value in values.items()]
    return [f"Compared with the formula derived by hand, the {what} is {found}."], figures


def _improved(study: Study) -> Said:
    """What a step changed."""
    name, before = next(iter(study.metrics["before"].items()))
    after = study.metrics["after"][name]
    said = [
        f"One step of gradient descent changes the {ERRORS.get(name, name)} from {number(before)} to {number(after)}."
    ]
    checks = study.info["facts"].get("checks")
    if isinstance(checks, dict) and "engine" in checks:
        said.append(
            f"The gradient by the formulas below differs from the engine's by at most {checks['engine']:.1e}, from "
            f"central differences by at most {checks['finite differences']:.1e}."
        )
    return said, [KeyFigure("Error before", number(before)), KeyFigure("Error after", number(after))]


def tables(study: Study, found: Sequence[Table]) -> list[Table]:
    """Return the tables of the page: all but that of the derivation, which has a part of its own."""
    return [table for table in found if table.name != NAME]


def derivation(study: Study) -> Derivation | None:
    """Return the recorded derivation; None of a run without one."""
    columns = study.run.tables.get(NAME, {})
    names = ("part", "given", "sentence", "symbols", "numbers")
    if not set(names) <= set(columns):
        return None
    parts: list[tuple[str, list[Step]]] = []
    given = 0
    for part, is_given, *step in list(zip(*(columns[name] for name in names), strict=True))[:MOST_STEPS]:
        if not parts or parts[-1][0] != part:
            parts.append((part, []))
            given += is_given == "True"
        parts[-1][1].append(Step(*step))
    return Derivation(parts, given, _is_folded(study)) if parts else None


def _is_folded(study: Study) -> bool:
    """Whether the solution is folded: as asked, or because the numbers were drawn for an exercise."""
    node = study.config.get("by_hand", {})
    wanted = node.get("answers", "shown")
    return wanted == "folded" or (wanted == "auto" and node.get("variant") is not None)
