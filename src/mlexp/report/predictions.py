"""Answers of studies that predict: classes, numbers, and classes from several features."""

from __future__ import annotations

from mlexp.page.page import KeyFigure
from mlexp.page.study import SEEN, Study
from mlexp.page.words import SPACE, listed, number, percent, within


def classification(study: Study) -> tuple[list[str], list[KeyFigure]]:
    """How many unseen rows are recognised, against the commonest class, and what is mixed up."""
    part, rows = study.part, study.rows
    sure = f" ({within(study.scores['accuracy'], rows)})" if part != "train" and rows else ""
    first = (
        f"The {study.model} recognises {percent(study.scores['accuracy'], rows)} of {rows:,} {part} {study.things} "
        f"{SEEN[part]}{sure}."
    )
    labels = {"accuracy": "Accuracy", "loss": "Log loss", "macro_f1": "Macro F1"}
    return [first, *study.untested(), *_baseline(study), *_mixed_up(study)], study.figures(labels)


def regression(study: Study) -> tuple[list[str], list[KeyFigure]]:
    """How much of the variance is explained, if there is any, and how far off a prediction is on average."""
    scores, part = study.scores, study.part
    rows = f"{study.rows:,} {part} rows {SEEN[part]}"
    if "r2" in scores:
        share = percent(scores["r2"]) if scores["r2"] > 0 else "none"
        what = f"{share} of the variance of {study.target} in {rows} (R² {scores['r2']:.3f})"
        first = f"The {study.model} explains {what}."
    else:
        first = f"{study.target} is the same in all {rows}: there is no variance to explain."
    sentences = [
        first,
        *study.untested(),
        f"A prediction is off by {number(scores['mae'])} on average{_mae_interval(study)}.",
    ]
    labels = {"r2": "R²", "mae": "Mean absolute error", "rmse": "Root mean squared error"}
    return sentences, study.figures(labels)


def features(study: Study) -> tuple[list[str], list[KeyFigure]]:
    """Which features serve a classifier best; the validation part chooses, the test part judges."""
    choosing = study.metrics.get("validation") or study.metrics["train"]
    scores, part, rows = study.scores, study.part, study.rows
    names = {key: key.removesuffix("_accuracy") for key in choosing if key.endswith("_accuracy")}
    best, *others = sorted(names, key=lambda key: -choosing[key])
    sentences = [
        f"A classifier does best on the {names[best]} features, as the validation part has it: it recognises "
        f"{percent(scores[best], rows)} of {rows:,} {part} {study.things} ({within(scores[best], rows)})."
    ]
    if others:
        sentences.append(
            f"On the other features: {listed([f'{names[key]} {percent(scores[key], rows)}' for key in others])}."
        )
    figures = [
        KeyFigure(
            f"{names[key].capitalize()}, {part}",
            percent(scores[key], rows),
            f"validation {percent(choosing[key])}",
        )
        for key in (best, *others[:2])
    ]
    return sentences, figures


def _mae_interval(study: Study) -> str:
    """Return the 95 % interval of the mean absolute error over rows, m ± 1.96 s/√n."""
    errors = study.run.predictions.get(f"{study.part}_absolute_error")
    if errors is None or len(errors) < 2:
        return ""
    mean, half = study.scores["mae"], 1.96 * float(errors.std(ddof=1)) / len(errors) ** 0.5
    return f" (95{SPACE}% interval {number(mean - half)} to {number(mean + half)})"


def _baseline(study: Study) -> list[str]:
    """Say what naming the commonest class would reach on the same rows."""
    support = [float(n) for n in study.run.tables.get("per_class", {}).get("support", [])]
    if study.part != "test" or not sum(support):
        return []
    return [f"Always naming the commonest class would be right for {percent(max(support) / sum(support))}."]


def _mixed_up(study: Study) -> list[str]:
    """Name the commonest mistake."""
    true, *predicted = study.run.tables.get("confusion", {"true": []}).values()
    wrong = [
        (int(cell), actual, named)
        for actual, cells in enumerate(zip(*predicted, strict=True))
        for named, cell in enumerate(cells)
        if actual != named
    ]
    times, actual, named = max(wrong, key=lambda one: one[0], default=(0, 0, 0))
    if study.part != "test" or not times:
        return []
    often = {1: "once", 2: "twice"}.get(times, f"{times:,} times")
    return [f"The commonest mistake is to take {true[actual]} for {true[named]} ({often})."]
