"""The result of the calculation, and its derivation."""

from __future__ import annotations

from collections.abc import Sequence

from mlexp.kinds.by_hand.latex import NAME, ON_THE_LINE, difference
from mlexp.page.page import Derivation, KeyFigure, Step, Table
from mlexp.page.study import RecordedRun, Said
from mlexp.page.words import coordinates, listed, number, percent

MOST_STEPS = 300
QUESTIONS = {
    "backprop": "What does one step of backpropagation change?",
    "softmax": "What does one step of softmax regression change?",
    "svm": "Which line separates the two classes with the widest margin?",
    "pca": "What are the principal components of the table?",
    "kmeans": "What does one step of k-means change?",
    "em": "What does one EM step of a Gaussian mixture change?",
    "residual": "What is the derivative of a residual block by its input?",
}
TITLES = {
    "mse": "mean squared error", "mae": "mean absolute error", "huber": "Huber loss", "cross_entropy": "cross-entropy",
    "binary_cross_entropy": "binary cross-entropy", "inertia": "sum of squared distances", "log_likelihood":
    "log-likelihood",
}  # fmt: skip
LOSSES = ("mse", "mae", "huber", "cross_entropy", "binary_cross_entropy")
STEPS = {"kmeans": "One step", "em": "One EM step"}


def question(study: RecordedRun) -> str:
    """Return the question."""
    known = QUESTIONS.get(str(study.info["facts"].get("calculation")))
    return known or f"What is the result of the calculation {study.info['task']['name']}?"


def answer(study: RecordedRun) -> Said:
    """The result of the calculation; of an exercise whose solution is folded, where that is."""
    if _is_folded(study):
        return [f"{_variant(study)}The exercise is stated below; its solution is folded.".strip()], []
    facts = study.info["facts"]
    if "before" in study.metrics:
        sentence, figures = _improved(study)
    elif facts.get("calculation") == "svm":
        sentence, figures = _margin(study)
    elif facts.get("calculation") == "pca":
        sentence, figures = _components(study)
    else:
        return _compared(study)
    sentence = f"{_variant(study)}{sentence}"
    checks = facts.get("checks")
    if not isinstance(checks, dict) or "engine" not in checks:
        return [sentence], figures
    engine, differences = difference(checks["engine"]), difference(checks["finite differences"])
    if facts["calculation"] in ("backprop", "softmax"):
        said = (
            f"The gradient by the formulas below differs from the engine's by at most {engine}, from central "
        )
        said += f"differences by at most {differences}."
    else:
        said = f"The formulas below differ from scikit-learn by at most {engine}, their derivatives from central "
        said += f"differences by at most {differences}."
    return [sentence, said], figures


def _variant(study: RecordedRun) -> str:
    variant = study.config.get("by_hand", {}).get("variant")
    return "" if variant is None else f"Variant {variant}. "


def _compared(study: RecordedRun) -> Said:
    what, values = next(iter(study.metrics.items()))
    what = what.replace("_", " ")
    found = listed([f"{number(value)} for {name}" for name, value in values.items()])
    figures = [KeyFigure(name.capitalize(), number(value), what) for name, value in values.items()]
    return [f"Compared with the formula derived by hand, the {what} is {found}."], figures


def _improved(study: RecordedRun) -> tuple[str, list[KeyFigure]]:
    """What a step changed."""
    name, before = next(iter(study.metrics["before"].items()))
    after = study.metrics["after"][name]
    step = STEPS.get(study.info["facts"].get("calculation", ""), "One step of gradient descent")
    title = TITLES.get(name, name.replace("_", " "))
    label = "Error" if name in LOSSES else title.capitalize()
    return f"{step} changes the {title} from {number(before)} to {number(after)}.", [
        KeyFigure(f"{label} before", number(before)),
        KeyFigure(f"{label} after", number(after)),
    ]


def _margin(study: RecordedRun) -> tuple[str, list[KeyFigure]]:
    """The line, its margin, the support vectors and the classes of new points."""
    facts, scores = study.info["facts"], study.metrics["solution"]
    said = [
        f"The widest margin, {number(scores['margin'])}, has w = {coordinates(facts['w'])}, b = {number(facts['b'])}; "
        f"support vectors are {listed(facts['support_vectors'])}."
    ]
    new = study.run.tables.get("new_points", {})
    columns = [map(float, cells) for name, cells in new.items() if name.startswith("x")]
    for point, side in zip(zip(*columns, strict=True), new.get("class", ()), strict=True):
        where = "lies on the line" if side == ON_THE_LINE else f"is of class {side.replace('-', chr(8722))}"
        said.append(f"{coordinates(point)} {where}.")
    return " ".join(said), [
        KeyFigure("Margin", number(scores["margin"]), "2/‖w‖"),
        KeyFigure("w", coordinates(facts["w"])),
        KeyFigure("b", number(facts["b"])),
    ]


def _components(study: RecordedRun) -> tuple[str, list[KeyFigure]]:
    """The share of the variance of each component."""
    shares = next(iter(study.metrics.values()))
    found = listed([f"{percent(share)}" for share in shares.values()])
    return f"The components hold {found} of the variance.", [
        KeyFigure(name.capitalize(), percent(share), "of the variance")
        for name, share in list(shares.items())[:4]
    ]


def tables(study: RecordedRun, found: Sequence[Table]) -> list[Table]:
    """Return the tables of the page: all but that of the derivation, which has a part of its own."""
    return [table for table in found if table.name != NAME]


def derivation(study: RecordedRun) -> Derivation | None:
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


def _is_folded(study: RecordedRun) -> bool:
    """Whether the solution is folded: as asked, or because the numbers were drawn for an exercise."""
    node = study.config.get("by_hand", {})
    wanted = node.get("answers", "shown")
    return wanted == "folded" or (wanted == "auto" and node.get("variant") is not None)
