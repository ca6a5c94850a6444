"""Figures of a search: score by setting, importance of the hyperparameters, learning curves of the best few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp import metrics
from mlexp.config.names import spelled
from mlexp.drawing import matrix, style
from mlexp.drawing.figure import Drawing
from mlexp.drawing.groups import PALETTE
from mlexp.page.scores import score as read_score
from mlexp.store import Run
from mlexp.store.files import read_table
from mlexp.store.result import by_row
from mlexp.store.sweep_folder import short
from mlexp.sweeps import effects
from mlexp.sweeps.figures import by_settings
from mlexp.sweeps.findings import Findings, Setting, limits, ordered, places, thinned

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOTHING = "–"  # stands for a key whose condition does not hold
BEST_SHOWN = 5
MOST_CELLS = 20  # along one side of a heat map
SETS = ("train", "validation")
READ_BY = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "r2", "mse")
MOST_NAMED = 8  # words along one side of a scatter
CURVES = {"accuracy": "accuracy"}  # other metrics are not recorded by epoch: their curve is the loss
SHOWN = ("completed", "elsewhere")
OTHERS: dict[str, Any] = {"color": style.GREY, "linewidth": 0.5, "alpha": 0.35}


@dataclass(frozen=True)
class Searched(Findings):
    """The trials of a search in the form of the jobs of a sweep; the selected one counts as the best."""

    chosen: Setting = ()
    strategy: str = ""
    n_trials: int = 0
    drawn_at_random: bool = False  # numbers of a key come from a range, not from a list

    @property
    def best(self) -> Setting:
        """The selected setting."""
        return self.chosen

    def headline(self) -> str:
        """Return the selected setting in words."""
        value = float(self.values(self.chosen, self.choosing).mean())
        named = ", ".join(f"{name} {word}" for name, word in zip(short(self.keys), self.chosen, strict=True))
        return (
            f"{self.task}: {self.strategy} search over {self.n_trials} settings selected {named} ({self.choosing} "
            f"{self.label} {read_score(self.measure, value)})"
        )


def scores(run: Run) -> Figure | None:
    """Draw the score by setting: a line for one key, a heat map or a scatter for two, parallel coordinates for more."""
    found = _searched(run)
    if found is None:
        return None
    sides = [len({setting[side] for setting in found.jobs}) for side in range(len(found.keys))]
    if len(sides) == 2 and (found.drawn_at_random or sides[0] * sides[1] > 2 * len(found.jobs)):
        return _scattered(found)
    return by_settings(found)


def importance(run: Run) -> Figure | None:
    """Draw the share of the variance between settings that each hyperparameter explains by itself."""
    table = run.tables.get("key_importance")
    report = _report(run)
    if table is None or report is None:
        return None
    shares = np.array([float(cell) for cell in table["importance"]])
    names = short(table["key"])
    rest = max(0.0, 1 - float(shares.sum()))
    figure = style.new_figure(
        0.75 + 0.26 * (len(names) + 1),
        f"{names[0]} explains {100 * shares[0]:.0f} % of the variance of {_words(report)}",
    )
    axes = figure.subplots()
    labels = [f"{name} (best: {best})" for name, best in zip(names, table["best_value"], strict=True)]
    places = np.arange(len(names) + 1)
    axes.barh(places, [*shares, rest], color=[style.BLUE] * len(names) + [style.PALE], height=0.62)
    for place, share in zip(places, [*shares, rest], strict=True):
        axes.text(share + 0.01, float(place), f"{100 * share:.0f} %", va="center", fontsize=style.SMALL)
    axes.set_yticks(places, style.class_names([*labels, "interactions and noise"], 2.4))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08)
    axes.set_xticks(np.linspace(0, 1, 6), [f"{share:.0f} %" for share in np.linspace(0, 100, 6)])
    how = "a forest fitted to the trials" if table["method"][0] == "forest" else "all combinations"
    axes.set_xlabel(f"Share of the variance of {_words(report)}, by {how}")
    axes.tick_params(axis="y", length=0)
    return figure


def curves(run: Run) -> Figure | None:
    """Draw the learning curves of the best few trials over those of all others; the selected one stands out."""
    report, table = _report(run), _trials(run)
    if report is None or table is None:
        return None
    what = CURVES.get(str(report["metric"]), "loss")
    numbers = [int(cell) for cell in table["number"]]
    drawn = _histories(run, table, f"validation_{what}")
    best = [number for number in report["best"] if number in drawn][:BEST_SHOWN]
    if not best:
        return None
    name = run.info["task"]["name"]
    figure = style.new_figure(
        3.2, f"{name}: validation {what} of the best {len(best)} of {len(numbers)} settings"
    )
    axes = figure.subplots()
    for number, history in drawn.items():
        rank = best.index(number) if number in best else None
        look = OTHERS
        if rank is not None:
            look = _look(rank) | {"label": _named(table, numbers.index(number), report, chosen=rank == 0)}
        axes.plot(history["epoch"], history[f"validation_{what}"], **look)
    values = np.concatenate([drawn[number][f"validation_{what}"] for number in best])
    every = np.concatenate([history[f"validation_{what}"] for history in drawn.values()])
    _frame(axes, what, values[np.isfinite(values)], every[np.isfinite(every)])
    handles = {handle.get_zorder(): handle for handle in axes.lines if handle.get_zorder() > 2}
    title = "Best first, of those trained longest" if report["strategy"] == "halving" else "Best first"
    title += "; one fold of each" if report["folds"] else ""
    title += "; all others in grey" if len(drawn) > len(best) else ""
    figure.legend(
        handles=[handles[order] for order in sorted(handles, reverse=True)],
        loc="outside lower center",
        title=title,
        title_fontsize=style.NORMAL,
    )
    return figure


def _histories(run: Run, table: Mapping[str, Any], column: str) -> dict[int, dict[str, np.ndarray]]:
    """Return the history of each trial that has one here, by number."""
    found = {
        int(number): Run(run.path / folder).history
        for number, folder in zip(table["number"], table["folder"], strict=True)
        if folder
    }
    return {number: history for number, history in found.items() if len(history.get(column, ()))}


def _look(rank: int) -> dict[str, Any]:
    others = [colour for colour in PALETTE if colour != style.VERMILION]
    colour = others[rank - 1] if rank else style.VERMILION
    return {"color": colour, "linewidth": 1.2 if rank else 2.2, "zorder": 9 - rank}


def _frame(axes: Any, what: str, best: np.ndarray, every: np.ndarray) -> None:
    """Show the best curves whole, and of the others what lies near them."""
    margin = 0.1 * (float(np.ptp(best)) or 0.01)
    low, high = float(best.min()) - margin, float(best.max()) + margin
    if what == "accuracy":
        low, high = max(0.0, min(low, float(np.quantile(every, 0.3)))), min(1.0, high)
    axes.set(xlabel="Epoch", ylabel=f"Validation {what}", ylim=(low, high))
    style.measured(axes.yaxis, what)
    axes.grid(axis="y")
    axes.xaxis.get_major_locator().set_params(integer=True)


def _named(table: Mapping[str, Any], row: int, report: Mapping[str, Any], *, chosen: bool) -> str:
    keys = list(report["space"])
    words = ", ".join(
        f"{name} {table[key][row]}" for name, key in zip(short(keys), keys, strict=True) if table[key][row]
    )
    score = float(table[f"validation_{report['metric']}"][row])
    text = f"{read_score(report['metric'], score)}  {words}{' (selected)' if chosen else ''}"
    return style.escape(style.fit(style.clean(text), style.WIDTH - 0.8, style.NORMAL))


def _scattered(found: Searched) -> Figure:
    """Draw two keys against each other, one dot per trial, coloured by the score; a ring marks the selected one."""
    figure = style.new_figure(3.2, found.headline())
    axes = figure.subplots()
    values = np.array([float(found.values(setting, found.choosing).mean()) for setting in found.jobs])
    sides = [ordered([*dict.fromkeys(setting[side] for setting in found.jobs)]) for side in range(2)]
    scales = [places(words) for words in sides]
    at = [dict(zip(words, spots, strict=True)) for words, (spots, _) in zip(sides, scales, strict=True)]
    points = np.array([[at[side][word] for side, word in enumerate(setting)] for setting in found.jobs])
    cmap = "cividis" if metrics.metric(found.measure).higher_is_better else "cividis_r"
    order = np.argsort(values if cmap == "cividis" else -values)
    dots = axes.scatter(
        points[order, 0],
        points[order, 1],
        c=values[order],
        cmap=cmap,
        s=34,
        edgecolors="white",
        linewidths=0.4,
    )
    chosen = [at[side][word] for side, word in enumerate(found.chosen)]
    axes.plot(*chosen, "o", markersize=11, fillstyle="none", color=style.VERMILION, markeredgewidth=1.8)
    for axis, side in ((axes.xaxis, 0), (axes.yaxis, 1)):
        column, (spots, numeric) = points[:, side], scales[side]
        log = numeric and (column > 0).all() and column.max() / column.min() >= 20
        (axes.set_xscale if side == 0 else axes.set_yscale)("log" if log else "linear")
        if not numeric:
            names = style.class_names(thinned(sides[side], MOST_NAMED), 0.7)
            axis.set_ticks(thinned(list(spots), MOST_NAMED), names)
        axis.set_label_text(f"{found.keys[side]}{', log scale' if log else ''}")
    bar = figure.colorbar(dots, ax=axes, label=f"{found.choosing.capitalize()} {found.label}", aspect=30)
    style.measured(bar.ax.yaxis, found.measure)
    return figure


def _report(run: Run) -> dict[str, Any] | None:
    return run.tuning or None


def _trials(run: Run) -> dict[str, list[Any]] | None:
    path = run.path / "tuning.csv"
    return read_table(path) if path.exists() else None


def _words(report: Mapping[str, Any]) -> str:
    return f"validation {str(report['metric']).replace('_', ' ')}"


def _searched(run: Run) -> Searched | None:
    """Return the trials that have a score, by setting."""
    report, table = _report(run), _trials(run)
    if report is None or table is None:
        return None
    measure = str(report["metric"])
    keys = tuple(report["space"])
    rows = by_row(table)
    jobs = {
        tuple(row[key] or NOTHING for key in keys): [row]
        for row in rows
        if row[f"validation_{measure}"] and row["status"] in SHOWN
    }
    chosen = next((row for row in rows if int(row["number"]) == report["chosen"]["number"]), None)
    if chosen is None or len(jobs) < 2:
        return None
    setting = tuple(chosen[key] or NOTHING for key in keys)
    name = str(run.info["task"]["name"])
    return Searched(
        name,
        keys,
        (),
        jobs,
        measure,
        ("validation",),
        setting,
        str(report["strategy"]),
        int(report["n_trials"]),
        any(isinstance(values, dict) for values in report["space"].values()),
    )


def history(run: Run) -> Figure | None:
    """Draw the score of each trial in the order of the search, the best so far as a line; pruned ones as crosses."""
    from matplotlib.ticker import MaxNLocator

    report, table = _report(run), _trials(run)
    if report is None or table is None:
        return None
    column = f"validation_{report['metric']}"
    rows = [row for row in by_row(table) if row[column]]
    whole = [row for row in rows if row["status"] in SHOWN]
    if len(whole) < 2:
        return None
    sign = metrics.metric(str(report["metric"])).sign
    failed = len(table["number"]) - len(rows)
    lost = f"; {failed} without a score" if failed else ""
    figure = style.new_figure(2.6, f"{len(table['number'])} trials of a {report['strategy']} search{lost}")
    axes = figure.subplots()
    numbers, values = (np.array([float(row[name]) for row in whole]) for name in ("number", column))
    axes.plot(
        numbers, values, "o", color=style.BLUE, markersize=3, alpha=0.7, markeredgewidth=0, label="trial"
    )
    axes.step(numbers, sign * np.maximum.accumulate(sign * values), where="post", color=style.VERMILION, linewidth=1.4,
              label="best so far")  # fmt: skip
    if pruned := [row for row in rows if row["status"] == "pruned"]:
        axes.plot([float(row["number"]) for row in pruned], [float(row[column]) for row in pruned], "x",
                  color=style.GREY, markersize=4, label="pruned, at its last epoch")  # fmt: skip
    chosen = next(row for row in rows if int(row["number"]) == report["chosen"]["number"])
    axes.plot(float(chosen["number"]), float(chosen[column]), "o", markersize=10, fillstyle="none",
              color=style.VERMILION, markeredgewidth=1.6, label="selected")  # fmt: skip
    low, high = limits(values, str(report["metric"]))
    room = 0.08 * (high - low) or 0.01
    axes.set_ylim(low - room, high + room)
    words = _words(report)
    axes.set(xlabel="Trial", ylabel=f"{words[0].upper()}{words[1:]}")
    style.measured(axes.yaxis, str(report["metric"]))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def slices(run: Run) -> Figure | None:
    """Draw the score by each key alone: heat maps of two keys by a third where they are lists, else every trial."""
    found = _searched(run)
    if found is None or len(found.keys) < 2:
        return None
    return (None if found.drawn_at_random else effects.slices(found)) or effects.main_effects(found)


def measures(run: Run) -> Figure | None:
    """Draw a heat map of two keys for each recorded metric, training beside validation."""
    found, table = _searched(run), _trials(run)
    if found is None or table is None or len(found.keys) != 2 or found.drawn_at_random:
        return None
    names = [name for name in READ_BY if all(f"{part}_{name}" in table for part in SETS)]
    rows, columns = (ordered([*dict.fromkeys(setting[side] for setting in found.jobs)]) for side in (0, 1))
    if not names or max(len(rows), len(columns)) > MOST_CELLS:
        return None
    headline = f"{found.task}: metrics of each setting on both sets; frame: the selected one"
    figure = style.new_figure(
        len(names) * (0.45 + (0.2 if len(rows) < 8 else 0.14) * len(rows)) + 0.4, headline
    )
    panels = figure.subplots(len(names), 2, squeeze=False, sharex=True, sharey=True)
    keys = short(found.keys)
    for line, name in zip(panels, names, strict=True):
        grids = np.full((2, len(rows), len(columns)), np.nan)
        for setting, (row,) in found.jobs.items():
            at = rows.index(setting[0]), columns.index(setting[1])
            grids[:, *at] = [float(row[f"{part}_{name}"] or "nan") for part in SETS]
        for axes, part, grid in zip(line, SETS, grids, strict=True):
            ends = limits(grid[np.isfinite(grid)], name) if np.isfinite(grid).any() else (0.0, 1.0)
            size = matrix.text_size(72 * 2.6 / len(columns), 5)
            matrix.scores(axes, grid, ends, name, size=size)
            matrix.frame(axes, rows.index(found.chosen[0]), columns.index(found.chosen[1]))
            axes.set_title(
                f"{'Training' if part == 'train' else 'Validation'} {spelled(name)}", fontsize=style.SMALL
            )
            axes.set_yticks(range(len(rows)), style.class_names(rows, 0.9), fontsize=6)
            axes.set_xticks(
                range(len(columns)), style.class_names(columns, 2.6 / len(columns), 6), fontsize=6
            )
        line[0].set_ylabel(keys[0], fontsize=style.SMALL)
    for axes in panels[-1]:
        axes.set_xlabel(keys[1], fontsize=style.SMALL)
    return figure


FIGURES = {
    "tuning": Drawing(
        scores,
        "Validation score of the trials by setting",
        "Is the best setting well inside the search space, or at its edge?",
    ),
    "tuning_history": Drawing(
        history,
        "Validation score of the trials in the order of the search, with the best so far",
        "A line that still rises at the end: more trials may find better settings.",
    ),
    "tuning_slices": Drawing(
        slices,
        "Validation score by two keys for each value of a third, or by each key alone",
        "Does the best region stay where it is when another key changes?",
    ),
    "tuning_measures": Drawing(
        measures,
        "Accuracy, precision, recall and F1 of each setting on the training and the validation set, as heat maps",
        "Bright on the left and dark on the right: the setting overfits.",
    ),
    "tuning_curves": Drawing(
        curves,
        "Validation score of the best trials by epoch",
        "Do the best settings differ clearly, or only within the noise?",
    ),
    "tuning_importance": Drawing(
        importance,
        "Share of the variance between trials that each hyperparameter explains",
        "Hyperparameters at the bottom need no further search.",
    ),
}
