"""CSV files as tables of a page."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from mlexp.config.names import spelled
from mlexp.metrics.table import Metric, metric
from mlexp.page.page import MOST_COLUMNS, MOST_ROWS, Cell, Table
from mlexp.page.scores import is_share
from mlexp.page.words import NOTHING, as_number, fixed, shown
from mlexp.store.files import read_table

OF_METRICS = (  # tables whose columns are metrics; in others a column of that name may be one of the user's
    "classifier_history", "clusterings", "clusters", "data_needed", "features", "grown", "thresholds", "tuning",
)  # fmt: skip
LARGE = 1000  # from which a score is shown by its digits, not by fixed decimals
# table -> title and what to know of it
TITLES = {
    "scores": ("Scores by part", "Training rows were learnt from, validation rows chose, test rows judge once."),
    "arms": ("The arms", "Loss and correct samples are means over runs; seconds are of training, beside other jobs. "
             "Prediction ms: measured milliseconds to predict 1,000 prepared samples in one batch, of the fastest "
             "run."),
    "learning": (
        "How the arms learnt",
        "Gap: how much better an arm is on the samples it was trained on; se: standard error. Seconds ratio: geometric "
        "means of training, relative to the arm without one.",
    ),
    "candidates": (
        "Candidates", "Behind: difference of log-likelihood from the best candidate of the stage; half "
        "width: of its 95 % interval over seeds; outside: published numbers outside the 95 % prediction interval.",
    ),
    "unstated_settings": (
        "Values of the unstated settings", "Each value at its best: how far the best candidate that has it is behind.",
    ),
    "published_figures": (
        "Published numbers and predictions", "Low and high: 95 % prediction interval of one more run. Deviation: "
        "published − mean, in half widths of it.",
    ),
    "datasets": ("Arms on each data set", "The interval is over what interval_over says."),
    "dataset_pairs": ("All pairs on each data set", "P values are adjusted over the pairs of a data set."),
    "mean_differences": ("Mean differences over data sets", "Data sets are a random sample; p adjusted by Holm."),
    "pairs": ("All pairs", "Columns named adjusted account for the number of pairs; the others do not."),
    "p_matrix": ("P values of all pairs", ""),
    "confusion": ("Confusion matrix", "Counts of samples; true classes are rows, predicted classes are columns."),
    "per_class": ("Classes", "Precision: share of right among those predicted as the class; recall: share of its "
                  "samples found; F1: their harmonic mean. The macro mean counts each class once, the weighted mean "
                  "each sample."),
    "margin": ("Margin", "The boundary is w·x + b = 0, the margin lines are w·x + b = ±1, 2/‖w‖ apart."),
    "points": ("All points", "Score: w·x + b; y is 1 for the second class, −1 for the first. y score is 1 on the "
               "margin lines and more outside; the multiplier is above 0 at support vectors alone."),
    "support_vectors": ("Support vectors", ""),
    "kkt": ("Conditions of Karush, Kuhn and Tucker", "At the optimum all hold; missed by: the largest violation."),
    "thresholds": ("Scores by threshold", ""),
    "examples": ("Typical, doubtful and wrong samples", "Of each class: predicted with the highest probability, with "
                 "the two highest probabilities nearest to each other, and wrongly with the highest. Rows are counted "
                 "from 1."),
    "first_rows": ("First samples of the test set", ""),
    "layers": ("Layers of the network", ""),
    "weights": ("Weights and biases", "For the prepared features; of the network that was kept."),
    "score_intervals": ("Scores with 95 % intervals", "Over samples of the last set, for this one fitted model."),
    "worst_predictions": ("Largest errors", "Rows are counted from 1; error is true − predicted."),
    "permutation_importance": (
        "Permutation importance",
        "Fall of the score when a column is shuffled, with its 95 % interval over samples; accuracy as a share.",
    ),
    "coefficients": (
        "Coefficients",
        "For a step of 1 in the unit of the file; standardised: of one standard deviation of the training set.",
    ),
    "importances": ("Decrease of impurity in the trees", "Shares of the whole, on the training set."),
    "partial_dependence": (
        "Partial dependence",
        "Mean prediction when a column is set to a value in every row; low and high: the central 80 % of single rows.",
    ),
    "tuning": ("Trials", "Selected on the validation set; no trial has seen a test sample."),
    "key_importance": ("How much each key mattered", ""),
    "data_needed": ("Scores by number of training samples", "One row per subset; the subsets of a repeat are nested."),
    "clusters": (
        "Clusters",
        "Purity: share of the most frequent class. Typical rows: nearest to the mean, counted from 0.",
    ),
    "clusterings": ("Clusterings", "ARI, NMI, accuracy and purity compare with classes that no method used."),
    "embeddings": ("Embeddings", ""),
    "separation": ("Separation of the classes by layer", ""),
    "head": ("First rows of the file", ""),
    "feature_summary": (
        "Features", "Of at most 2,000 training samples. Outliers: beyond 1.5 interquartile ranges from the quartiles."
    ),
    "distances": ("Distance to the nearest training row", ""),
    "duplicates": ("Copies within and between parts", ""),
    "missing": ("Missing values", ""),
    "values": ("Values by part", ""),
    "every_point": ("Every point with its multiplier", ""),
    "new_points": ("New points", ""),
    "step": ("Parameters before and after the step", ""),
    "gradient_check": ("The gradient by formula, engine and central differences", ""),
    "centres": ("Centres before and after the step", ""),
    "assignment": ("Rows with their squared distances", "A row belongs to the nearest centre before the step."),
    "mixture": ("The mixture before and after the step", ""),
    "responsibilities": ("Responsibilities", "The share of each component in each row, before the step."),
    "components": ("Principal components", "One row per component: its variance and direction."),
    "component_scores": ("Scores of the rows", "Along the components, from the mean."),
}  # fmt: skip


COUNTED = ("biases", "not_trained")  # columns of the table of layers that stand in its note alone
SHAPES = {"inputs": "input shape", "outputs": "output shape"}  # of a layer


def tables(folder: Path) -> list[Table]:
    """Return the tables of a folder, those with a title first and in its order."""
    places = {name: place for place, name in enumerate(TITLES)}
    files = sorted(
        (folder / "tables").glob("*.csv"), key=lambda file: (places.get(file.stem, len(places)), file.stem)
    )
    return [table for file in files if (table := read(file, f"tables/{file.name}")) is not None]


def read(file: Path, source: str) -> Table | None:
    """Return a CSV file as a table, cut to what a page can hold; None if it has no rows."""
    columns = read_table(file)
    if not any(columns.values()):
        return None
    return _of_layers(columns, source) if file.stem == "layers" else of(file.stem, columns, source)


def _of_layers(columns: Mapping[str, Sequence[str]], source: str) -> Table:
    """Return the table of the layers of a network, with the number of its parameters below and in words."""
    shown = {name: cells for name, cells in columns.items() if name not in COUNTED}
    table = of("layers", shown, source, titles=SHAPES)
    sums = {
        name: sum(as_number(cell) or 0 for cell in columns.get(name, ())) for name in ("parameters", *COUNTED)
    }
    if "parameters" not in columns or not all(map(math.isfinite, sums.values())):
        return table
    trained, biases, kept = (int(number) for number in sums.values())
    more = f"{trained + kept:,} in all" if kept else f"{trained:,} in all, all trained"
    said = f"Parameters: {more}"
    said += (
        f", {trained:,} of them trained and {kept:,} kept as running values of batch normalisation"
        if kept
        else ""
    )
    said += f"; {biases:,} are biases." if "biases" in columns else "."
    total = [{"layer": "total", "parameters": str(trained)}.get(title, "") for title in table.header]
    return replace(table, note=said, rows=[*table.rows, [Cell(cell, cell, strong=True) for cell in total]])


def of(
    name: str,
    columns: Mapping[str, Sequence[str]],
    source: str = "",
    *,
    decimals: Mapping[str, int] = MappingProxyType({}),
    titles: Mapping[str, str] = MappingProxyType({}),
) -> Table:
    """Return columns of text as a table; one that is too wide shows its first columns.

    Parameters
    ----------
    name : of the table, in `TITLES`
    columns : name -> cells as text
    source : the file, relative to the folder
    decimals : column -> fixed number of decimals; others are shown as `words.shown` does
    titles : column -> what stands above it; others are spelled from their name
    """
    columns = {column: cells for column, cells in columns.items() if any(cells)} or columns
    title, note = TITLES.get(name, (name.replace("_", " ").capitalize(), ""))
    if len(columns) > MOST_COLUMNS:
        note = f"{note} Only the first {MOST_COLUMNS} of {len(columns)} columns are shown.".strip()
    kept = dict(list(columns.items())[:MOST_COLUMNS])
    rows = list(zip(*kept.values(), strict=True))
    header = [titles.get(column, spelled(column)) for column in kept]
    shares = [
        head for head, column in zip(header, kept, strict=True) if name in OF_METRICS and is_share(column)
    ]
    table = Table(
        name=name,
        title=title,
        header=header,
        rows=[
            [Cell(_read(cell, decimals.get(column)), cell) for column, cell in zip(kept, row, strict=True)]
            for row in rows[:MOST_ROWS]
        ],
        numeric=[place > 0 and _numeric(cells) for place, cells in enumerate(kept.values())],  # first: names
        note=note,
        source=source,
        left_out=max(0, len(rows) - MOST_ROWS),
    )
    return in_percent(table, shares) if shares else table


def _read(cell: str, decimals: int | None) -> str:
    value = None if decimals is None else as_number(cell)
    return shown(cell) if value is None or not math.isfinite(value) else fixed(value, decimals or 0)


def in_percent(table: Table, shares: Collection[str], differences: Collection[str] = ()) -> Table:
    """Return a table whose columns of shares are in percent, and those of their differences in points."""
    units = [
        " (%)" if name in shares else " (points)" if name in differences else "" for name in table.header
    ]
    rows = [
        [
            replace(cell, text=_hundredfold(cell)) if unit else cell
            for unit, cell in zip(units, row, strict=True)
        ]
        for row in table.rows
    ]
    header = [f"{name}{unit}" for name, unit in zip(table.header, units, strict=True)]
    return replace(table, header=header, rows=rows)


def _hundredfold(cell: Cell) -> str:
    value = as_number(cell.value)
    return cell.text if value is None else f"{100 * value:.2f}".replace("-", "−")


def scores(
    scored: Mapping[str, Mapping[str, float]],
    intervals: Mapping[str, tuple[float, float]] = MappingProxyType({}),
) -> Table | None:
    """Return one row a metric and one column a part.

    Parameters
    ----------
    scored : part -> metric -> value
    intervals : metric -> limits of the 95 % interval of the first part
    """
    names = list(dict.fromkeys(name for values in scored.values() for name in values))
    if not names:
        return None
    columns = {"metric": [f"{spelled(name)}{' (%)' if metric(name).share else ''}" for name in names]}
    for place, (part, values) in enumerate(scored.items()):
        columns[part] = ["" if values.get(name) is None else repr(float(values[name])) for name in names]
        if intervals and not place:
            for side, word in enumerate(("low", "high")):
                columns[word] = [
                    repr(float(intervals[name][side])) if name in intervals else "" for name in names
                ]
    table = of("scores", columns, "metrics.json")
    rows = [
        [
            cell if cell.text == cell.value else replace(cell, text=_score(cell.value, metric(name)))
            for cell in row
        ]
        for row, name in zip(table.rows, names, strict=False)
    ]
    return replace(table, rows=rows)


def _score(cell: str, row: Metric) -> str:
    value = float(cell)
    if row.share:
        return fixed(100 * value, 2)
    if row.digits < 0 or not abs(value) < LARGE:
        return "0" if abs(value) < NOTHING else shown(cell)
    return fixed(value, row.digits)


def _numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(is_number(cell) for cell in filled)


def is_number(cell: str) -> bool:
    """Return whether a cell holds a number."""
    return as_number(cell) is not None
