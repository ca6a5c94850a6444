"""What the data are like, and whether validation rows are copies of training rows."""

from __future__ import annotations

from mlexp.page.page import KeyFigure
from mlexp.page.study import PARTS, Said, Study
from mlexp.page.words import SPACE, percent

GROWN = 0.1  # share of validation rows nearer than 5 % of the test rows from which copies are likely


def question(study: Study) -> str:
    """Return what was asked."""
    return f"What is in {study.data}?"


def answer(study: Study) -> Said:
    """What the data are like, and whether validation rows are copies of training rows."""
    data, facts = study.info["dataset"], study.info["facts"]
    total, missing = sum(study.parts.values()), facts.get("missing_values", 0)
    of_classes = f" of {len(data['classes'])} classes" if data["classes"] else ""
    sentences = [
        f"{study.data} has {total:,} {study.things}{of_classes} and {data['n_features']:,} "
        f"features; {f'{missing:,}' if missing else 'no'} values are missing."
    ]
    near = facts.get("validation_rows_nearer_than_nearest_5_percent_of_test")
    if near is not None:
        grown = ": it looks grown from the training part" if near > GROWN else ""
        sentences.append(
            f"{percent(near)} of the validation rows lie nearer to a training row than the nearest 5{SPACE}% of the "
            f"test rows do; about 5{SPACE}% would be expected of independent rows{grown}."
        )
    sizes = ", ".join(f"{study.parts[part]:,} {part}" for part in reversed(PARTS) if study.parts.get(part))
    classes = [KeyFigure("Classes", str(len(data["classes"])))] if data["classes"] else []
    return sentences, [
        KeyFigure("Rows", f"{total:,}", sizes),
        *classes,
        KeyFigure("Missing values", f"{missing:,}"),
    ]
