"""What is said of a comparison over several data sets: its answer in four lines, and what stands beside it.

"Not significant" is never "equal".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.comparisons.words.phrases import ends, listed, probability, size, stated

MOST_NAMED = 3
BY_RANKS = ("wilcoxon", "friedman")  # tests that too few data sets cannot pass, whatever the scores
Found = Mapping[str, Any]


def lines(evidence: Evidence, info: Found) -> list[str]:
    """Return verdict, size, interval and certainty of what holds over all data sets."""
    best, runner_up = info["ranking"][:2]
    row = _mean_difference(info, best, runner_up)
    found = [_verdict(evidence, info, best), _size(evidence, info, row), _interval(evidence, info, row)]
    return [line for line in (*found, _certainty(info, best, runner_up)) if line]


def _verdict(evidence: Evidence, info: Found, best: str) -> str:
    """Say which arm is best over all data sets, and whether the test finds it better."""
    said = _standing(info, best)
    over = f"over {len(evidence.datasets)} data sets"
    n_arms = len(info["ranking"])
    worse = said["significantly better than"]
    if len(worse) == n_arms - 1:
        others = worse[0] if n_arms == 2 else f"each of the other {n_arms - 1} arms"
        return f"{best} is significantly better than {others} in {evidence.metric.words} {over}."
    among = f" of {n_arms} arms" if n_arms > 2 else ""
    lead = f"{best} has the best mean {evidence.metric.words}{among} {over}"
    if len(said["not significantly different from"]) == n_arms - 1:
        other = "any other arm" if n_arms > 2 else info["ranking"][1]
        return f"{lead}, not significantly different from {other}."
    return f"{lead}; {', '.join(f'{how} {listed(arms)}' for how, arms in said.items() if arms)}."


def _standing(info: Found, best: str) -> dict[str, list[str]]:
    """Return how the best arm stands to the others over all data sets."""
    pairs = [pair for pair in info["pairs"] if best in (pair["a"], pair["b"])]

    def others(better: Sequence[Any]) -> list[str]:
        found = [pair for pair in pairs if pair["better"] in better]
        return [str(pair["b"] if pair["a"] == best else pair["a"]) for pair in found]

    rest = [arm for arm in info["ranking"] if arm != best]
    return {
        "significantly better than": others([best]),
        "significantly worse than": others(rest),
        "not significantly different from": others([None]),
    }


def _size(evidence: Evidence, info: Found, row: Found) -> str:
    """Say the means and mean ranks of the two best arms, and their mean difference."""
    metric, ranks = evidence.metric, info["benchmark"]["mean_ranks"]
    arms = [
        f"{arm} {metric.value(evidence.mean(arm))} (mean rank {ranks[arm]:.1f})"
        for arm in (row["a"], row["b"])
    ]
    said = f"Mean {metric.words}: {', '.join(arms)}; a mean difference of {size(evidence, abs(row['difference']))}."
    if info["margin"] is None:
        return said
    shown = "equal" if row["equivalent"] else "not shown to be equal"
    return f"{said} On average they are {shown} to within ±{stated(evidence, info['margin'])}."


def _interval(evidence: Evidence, info: Found, row: Found) -> str:
    """Say the interval of the mean difference, with the data sets as a random sample."""
    if row["adjusted_low"] is None:
        return ""
    said = ends(evidence, row["adjusted_low"], row["adjusted_high"], row["adjusted_level"])
    n_pairs = len(info["pairs"])
    adjusted = f", adjusted for {n_pairs} pairs by Holm's method" if n_pairs > 1 else ""
    said = f"{said} (t over data sets, taken as a random sample{adjusted})."
    excludes_zero = row["adjusted_low"] > 0 or row["adjusted_high"] < 0
    pair = next(pair for pair in info["pairs"] if {pair["a"], pair["b"]} == {row["a"], row["b"]})
    if excludes_zero == (pair["better"] is not None):
        return said
    return f"{said} It and the verdict, which is by another test, disagree: more data sets are needed."


def _certainty(info: Found, best: str, runner_up: str) -> str:
    """Say how sure the verdict is, and what the single data sets find of the two best arms."""
    pair = next(pair for pair in info["pairs"] if {pair["a"], pair["b"]} == {best, runner_up})
    n_pairs, needed = len(info["pairs"]), info["benchmark"]["datasets_needed"]
    n_datasets = sum(one["counted"] for one in info["benchmark"]["datasets"])
    if info["test"] in BY_RANKS and n_datasets < needed:
        family = f" after adjustment for {n_pairs} pairs" if n_pairs > 1 else ""
        sure = (
            f"No result on {n_datasets} data sets can be significant{family}: Wilcoxon's test needs {needed}."
        )
    elif pair["p"] is None:
        sure = f"No test from {n_datasets} data sets: {pair['reason']}."
    else:
        p = probability(pair["p"] if pair["p_adjusted"] is None else pair["p_adjusted"])
        sure = f"{f'Adjusted {p}' if n_pairs > 1 else p} from {n_datasets} data sets ({_test(pair)})."
        if pair["better"] is None:
            sure += " That does not show them to be equal."
    tested = [one for one in info["benchmark"]["datasets"] if one["pairs"]]
    won, lost = _wins(tested, best, runner_up), _wins(tested, runner_up, best)
    return (
        f"{sure} On single data sets {best} is significantly better than {runner_up} on {len(won)} of {len(tested)}"
        f"{_named(won)}, worse on {len(lost)}{_named(lost)}."
    )


def _wins(datasets: Sequence[Found], arm: str, other: str) -> list[str]:
    """Return the data sets on which an arm is significantly better than another one."""
    return [
        str(one["name"])
        for one in datasets
        for pair in one["pairs"]
        if {pair["a"], pair["b"]} == {arm, other} and pair["better"] == arm
    ]


def _named(names: Sequence[str]) -> str:
    return f" ({listed(names, MOST_NAMED)})" if names else ""


def _test(pair: Found) -> str:
    return "Wilcoxon signed rank" if pair["test"].startswith("Wilcoxon") else str(pair["test"])


def _mean_difference(info: Found, best: str, runner_up: str) -> Found:
    rows: Sequence[Found] = info["benchmark"]["mean_differences"]
    return next(row for row in rows if (row["a"], row["b"]) == (best, runner_up))


def details(info: Found) -> Iterator[tuple[str, str]]:
    """Yield how the single data sets were tested, what the mean difference rests on, and who is best how often."""
    found = info["benchmark"]
    tested = [one for one in found["datasets"] if one["pairs"]]
    tests = " or ".join(dict.fromkeys(str(one["test"]) for one in tested))
    yield (
        "On each data set",
        f"{tests}, as in a comparison on it alone; the pairs of a data set adjusted by Holm.",
    )
    top = {
        arm: sum(row["best"] for one in tested for row in one["arms"] if row["arm"] == arm)
        for arm in info["ranking"]
    }
    yield "Best means on single data sets", f"{', '.join(f'{arm} {n}' for arm, n in top.items() if n)}."
    row = _mean_difference(info, *info["ranking"][:2])
    said = "The interval is t over data sets, each counted once, as a random sample of data sets like these."
    if row["between_sd"] is not None:
        scale, unit = (100, " points") if info["measure"]["share"] else (1, "")
        between, within = (f"{scale * row[name]:.3g}{unit}" for name in ("between_sd", "within_sd"))
        beside = (
            f"standard deviation {between} between data sets" if row["between_sd"] else "no more between them"
        )
        gap = f"{row['a']} minus {row['b']}"
        said += f" {gap}: standard error {within} within a data set, over runs and rows; {beside}."
    pair = next(pair for pair in info["pairs"] if {pair["a"], pair["b"]} == {row["a"], row["b"]})
    if row["significant"] != (pair["better"] is not None):
        said += " It supposes normal differences and disagrees with the verdict here, which rests on ranks."
    yield "Mean difference", said


def of_datasets(info: Mapping[str, Any]) -> Table:
    """Return the means of the arms on each data set for the terminal, the best in bold, and over all of them."""
    metric, arms = PartMetric.parse(info["metric"]), list(info["ranking"])
    table = Table(f"mean {metric.words}", *map(escape, arms), box=None, pad_edge=False)
    for one in info["benchmark"]["datasets"]:
        rows = {row["arm"]: row for row in one["arms"] if row.get("mean", "") != ""}
        cells = []
        for arm in arms:
            said = metric.value(rows[arm]["mean"]) if arm in rows else "-"
            cells.append(f"[bold]{said}[/bold]" if arm in rows and rows[arm]["best"] else said)
        table.add_row(escape(one["name"]), *cells)
    means = {str(arm["name"]): arm for arm in info["arms"]}
    table.add_row("mean of data sets", *(metric.value(means[arm]["mean"]) for arm in arms))
    table.add_row("mean rank", *(f"{info['benchmark']['mean_ranks'][arm]:.2f}" for arm in arms))
    return table
