"""Size and classes of a data set, and whether validation samples are near-duplicates of training samples."""

from __future__ import annotations

from mlexp.page.page import KeyFigure
from mlexp.page.study import PARTS, RecordedRun, Said
from mlexp.page.words import SPACE, as_number, listed, percent

STRONGEST = 3  # features named
GROWN = 0.1  # share of validation samples closer than the closest 5 % of test samples: near-duplicates


def question(study: RecordedRun) -> str:
    """Return the question."""
    return f"What is in {study.data}?"


def answer(study: RecordedRun) -> Said:
    """Size and classes of a data set, and whether validation samples are near-duplicates of training samples."""
    data, facts = study.info["dataset"], study.info["facts"]
    total, missing = sum(study.parts.values()), facts.get("missing_values", 0)
    of_classes = f" of {len(data['classes'])} classes" if data["classes"] else ""
    sentences = [
        f"{study.data} has {total:,} {study.things}{of_classes} and {data['n_features']:,} "
        f"features; {f'{missing:,}' if missing else 'no'} values are missing."
    ]
    near = facts.get("validation_rows_nearer_than_nearest_5_percent_of_test")
    if near is not None:
        grown = (
            ": the validation set probably contains near-duplicates of the training set"
            if near > GROWN
            else ""
        )
        sentences.append(
            f"{percent(near)} of the validation samples lie closer to a training sample than the closest 5{SPACE}% "
            "of the "
            f"test samples do; about 5{SPACE}% would be expected of independent samples{grown}."
        )
    sentences += _related(study)
    sizes = ", ".join(f"{study.parts[part]:,} {part}" for part in reversed(PARTS) if study.parts.get(part))
    classes = [KeyFigure("Classes", str(len(data["classes"])))] if data["classes"] else []
    return sentences, [
        KeyFigure("Samples", f"{total:,}", sizes),
        *classes,
        KeyFigure("Missing values", f"{missing:,}"),
    ]


def _related(study: RecordedRun) -> list[str]:
    """Say which features are most strongly associated with the label, one at a time."""
    table = study.run.tables.get("feature_summary")
    if table is None or "variance_explained_by_label" not in table:
        return []
    shares = {
        name: value
        for name, cell in zip(table["feature"], table["variance_explained_by_label"], strict=True)
        if (value := as_number(cell)) is not None
    }
    best = sorted(shares, key=lambda name: -shares[name])[:STRONGEST]
    if not best:
        return []
    named = listed([f"{name} ({percent(shares[name])})" for name in best])
    return [
        "Of single features, these are most strongly associated with the label, by the share of their variance that it "
        f"explains: {named}."
    ]
