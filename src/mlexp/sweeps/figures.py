"""Figures of a sweep by the number of swept keys: line, heat map or parallel coordinates; and all loss curves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp import metrics
from mlexp.drawing import matrix, style
from mlexp.drawing.figure import Drawing
from mlexp.drawing.groups import PALETTE
from mlexp.drawing.wanted import ALL, Wanted
from mlexp.stats.outliers import without_outliers
from mlexp.store import Run, Sweep
from mlexp.store.result import by_row
from mlexp.store.sweep_folder import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEEDS = ("seed", "split.seed", "dataset.seed")  # repetitions of a setting, not settings
PARTS = ("split.test", "split.validation")  # so are these where they name folds, such as 2/5
FEW_LINES = len(PALETTE)
BEHIND: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
MOST_LINES = 500  # more would take minutes to draw and be a grey wall
MOST_CELLS = 20  # along one side of a heat map; more would not be readable
LOOKS = {"test": (style.BLUE, "-", "o"), "validation": (style.VERMILION, (0, (4, 1.2)), "s")}
Setting = tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """The completed jobs of a sweep, grouped by setting; the jobs of a setting differ only in seeds and folds.

    Attributes
    ----------
    keys : swept keys, seeds and folds left out unless nothing else was swept
    repeated : the swept seeds and folds
    jobs : setting (one word per key) -> its rows of the summary
    measure : what is shown, such as accuracy
    parts : sets with a value of the measure, test first
    """

    task: str
    keys: tuple[str, ...]
    repeated: tuple[str, ...]
    jobs: Mapping[Setting, list[dict[str, str]]]
    measure: str
    parts: tuple[str, ...]

    def values(self, setting: Setting, part: str) -> np.ndarray:
        """Return the measure of each job of a setting."""
        return np.array([float(row[f"{part}_{self.measure}"]) for row in self.jobs[setting]])

    @property
    def choosing(self) -> str:
        """The set used for selection: validation if there is one."""
        return self.parts[-1]

    @property
    def label(self) -> str:
        """The measure in words."""
        return self.measure.replace("_", " ")

    @cached_property
    def best(self) -> Setting:
        """The setting of the best mean."""
        sign = metrics.metric(self.measure).sign
        return max(self.jobs, key=lambda setting: sign * float(self.values(setting, self.choosing).mean()))

    @property
    def drawn(self) -> list[Setting]:
        """The settings drawn as separate lines: all, or an even selection with the best."""
        step = -(-len(self.jobs) // MOST_LINES)
        return [one for place, one in enumerate(self.jobs) if place % step == 0 or one == self.best]

    @property
    def only_repeats(self) -> bool:
        """Whether nothing was swept that one would choose among."""
        return set(self.keys) <= set(self.repeated)

    @property
    def repeats(self) -> str:
        """What the runs of one setting are called."""
        folds = [key in PARTS for key in self.repeated]
        return "seeds" if not any(folds) else "folds" if all(folds) else "runs"

    def headline(self) -> str:
        """Name the best setting and its number of repeats; seeds and folds have no best."""
        if self.only_repeats:
            all_ = np.concatenate([self.values(setting, self.choosing) for setting in self.jobs])
            words = f"{self.choosing} {self.label} {all_.mean():.4f} ± {_half_width(all_):.4f}"
            return f"{self.task}: {words} (mean and 95 % t interval of {len(all_)} {self.repeats})"
        best = self.values(self.best, self.choosing)
        named = ", ".join(f"{name} {value}" for name, value in zip(short(self.keys), self.best, strict=True))
        repeats = f", mean of {len(best)} {self.repeats}" if len(best) > 1 else ""
        return f"{self.task}: best {self.choosing} {self.label} {best.mean():.4f}{repeats}, at {named}"


def draw(sweep: Sweep, wanted: Wanted = ALL, into: Path | None = None) -> list[Path]:
    """Draw what the folder of a sweep allows, as `wanted`, into its ``figures/`` or those of `into`."""
    found = findings(sweep)
    if found is None:
        return []
    return style.draw(into or sweep.path, FIGURES, (found, sweep), wanted)


def findings(sweep: Sweep) -> Findings | None:
    """Return what a sweep found; None if there is nothing to compare."""
    rows = [row for row in by_row(sweep.summary) if row["status"] == "completed"]
    swept = sweep.info["keys"]
    folds = [key for key in PARTS if key in swept and _are_folds(row[key] for row in rows)]
    repeated = tuple(key for key in swept if key in (*SEEDS, *folds))
    keys = tuple(key for key in swept if key not in repeated) or tuple(swept)
    for measure in metrics.METRICS:
        parts = tuple(
            part for part in ("test", "validation") if all(row.get(f"{part}_{measure}") for row in rows)
        )
        if parts:
            break
    jobs: dict[Setting, list[dict[str, str]]] = {}
    for row in rows:
        jobs.setdefault(tuple(row[key] for key in keys), []).append(row)
    found = Findings(sweep.info["task"], keys, repeated, jobs, measure, parts)
    return found if parts and len(jobs) > 1 else None


def _are_folds(values: Iterable[str]) -> bool:
    return all(re.fullmatch(r"\d+/\d+", value) for value in values)


def by_settings(found: Findings) -> Figure | None:
    """Draw the measure by setting: line for one key, heat map for two, parallel coordinates for more."""
    if len(found.keys) == 1:
        return line(found)
    sides = [{setting[side] for setting in found.jobs} for side in (0, 1)]
    if len(found.keys) == 2 and max(map(len, sides)) <= MOST_CELLS:
        return heat_map(found)
    return parallel(found)


def line(found: Findings) -> Figure:
    """Draw the mean over seeds or folds by the value of the key, with its 95 % t interval."""
    figure = style.new_figure(2.9, found.headline())
    axes = figure.subplots()
    words = [setting[0] for setting in found.jobs]
    x, numeric = places(words)
    order = np.argsort(x)
    runs = max(len(rows) for rows in found.jobs.values())
    for place, part in enumerate(found.parts):
        colour, dashes, marker = LOOKS[part]
        values = [found.values(setting, part) for setting in found.jobs]
        mean = np.array([one.mean() for one in values])[order]
        half = np.array([_half_width(one) for one in values])[order]
        low, high = mean - half, mean + half
        low, high = np.clip((low, high), *metrics.metric(found.measure).limits)
        at = x[order] + (0 if numeric else 0.12 * (place - (len(found.parts) - 1) / 2))
        axes.plot(
            at,
            mean,
            color=colour,
            linestyle=dashes if numeric and not found.only_repeats else "",
            marker=marker,
            markersize=4,
            label=part,
        )
        if runs > 1 and numeric:
            axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
        elif runs > 1:
            axes.errorbar(at, mean, (mean - low, high - mean), color=colour, linestyle="", capsize=3)
    _name_places(axes, found.keys[0], words, x, numeric)
    band = f"; mean and 95 % t interval over {found.repeats}" if runs > 1 else ""
    axes.set_ylabel(found.label.capitalize())
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=2, title=f"Set{band}", title_fontsize=style.NORMAL)
    return figure


def heat_map(found: Findings) -> Figure:
    """Draw the mean over seeds or folds for each pair of values; the best is framed."""
    from matplotlib.patches import Rectangle

    rows, columns = ([*dict.fromkeys(setting[side] for setting in found.jobs)] for side in (0, 1))
    grid = np.full((len(rows), len(columns)), np.nan)
    for setting in found.jobs:
        grid[rows.index(setting[0]), columns.index(setting[1])] = found.values(setting, found.choosing).mean()
    figure = style.new_figure(0.9 + 0.3 * len(rows), found.headline())
    axes = figure.subplots()
    higher = metrics.metric(found.measure).higher_is_better
    cmap = "cividis" if higher else "cividis_r"
    low, high = _limits(grid[np.isfinite(grid)], found.measure)
    image = axes.imshow(grid, cmap=cmap, aspect="auto", vmin=low, vmax=high)
    texts = [[f"{value:.3f}" if np.isfinite(value) else "" for value in row] for row in grid]
    is_low = (np.clip(grid, low, high) - low) / ((high - low) or 1) < 0.5
    matrix.write(axes, texts, is_low == higher, _cell_size(len(columns)))
    at = (columns.index(found.best[1]) - 0.5, rows.index(found.best[0]) - 0.5)
    if not found.only_repeats:
        axes.add_patch(Rectangle(at, 1, 1, fill=False, edgecolor=style.VERMILION, linewidth=2))
    names = short(found.keys)
    axes.set_xticks(range(len(columns)), style.class_names(columns, 4.5 / len(columns)))
    axes.set_yticks(range(len(rows)), style.class_names(rows, 1.2))
    axes.set(xlabel=names[1], ylabel=names[0])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, label=f"{found.choosing.capitalize()} {found.label}", aspect=30)
    return figure


def parallel(found: Findings) -> Figure:
    """Draw each setting as a line across one axis per key, coloured by the measure; the best on top."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    means = {setting: float(found.values(setting, found.choosing).mean()) for setting in found.drawn}
    norm = Normalize(*(ends := _limits(np.array([*means.values()]), found.measure)), clip=True)
    cmap = "cividis" if metrics.metric(found.measure).higher_is_better else "cividis_r"
    colours = ScalarMappable(norm, cmap)
    figure = style.new_figure(3.2, found.headline())
    axes = figure.subplots()
    heights = []
    for side in range(len(found.keys)):
        words = [*dict.fromkeys(setting[side] for setting in found.jobs)]
        spots, numeric = places(words)
        order = np.argsort(spots)
        spread = np.arange(len(words)) / max(len(words) - 1, 1)
        heights.append({words[k]: float(spread[rank]) for rank, k in enumerate(order)})
        for word in thinned([words[k] for k in order] if numeric else words):
            axes.text(side - 0.03, heights[-1][word], style.escape(style.fit(style.clean(word), 0.8, style.SMALL)),
                      ha="right", va="center", fontsize=style.SMALL, zorder=1000, bbox=BEHIND)  # fmt: skip
        axes.axvline(side, color=style.GREY, linewidth=0.8, zorder=1)
    fans = [min(0.3 / max(len(spots) - 1, 1), 0.12) for spots in heights]
    last = len(found.keys)
    axes.axvline(last, color=style.GREY, linewidth=0.8, zorder=1)
    sign = 1 if cmap == "cividis" else -1
    for rank, setting in enumerate(sorted(means, key=lambda one: (one == found.best, sign * means[one]))):
        fan = float(norm(means[setting])) - 0.5  # lines of one value lie side by side, the better ones above
        height = [heights[side][word] + fans[side] * fan for side, word in enumerate(setting)] + [fan + 0.5]
        best = setting == found.best
        axes.plot(range(last + 1), height, color=style.VERMILION if best else colours.to_rgba(np.array(means[setting])),
                  linewidth=2.4 if best else 0.9, alpha=1 if best else 0.8, zorder=2 + rank)  # fmt: skip
    for value, end in zip(ends, (min(means.values()), max(means.values())), strict=True):
        name = f"{'' if value == end else '≤' if value > end else '≥'}{value:.3f}"
        axes.text(last + 0.03, float(norm(value)), name, ha="left", va="center", fontsize=style.SMALL)
    axes.set_xticks(range(last + 1), [*short(found.keys), f"{found.choosing}\n{found.label}"])
    axes.set_xlim(-0.45, last + 0.3)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def losses(found: Findings, sweep: Sweep) -> Figure | None:
    """Draw the validation loss of all jobs by epoch; many settings in grey, with the best in colour."""
    shown = found.drawn
    choice = "" if len(shown) == len(found.jobs) else f", {len(shown)} of {len(found.jobs)} settings"
    figure = style.new_figure(3.1, f"{found.task}: loss by epoch, one line per job{choice}")
    axes = figure.subplots()
    few = len(found.jobs) <= FEW_LINES
    drawn: list[float] = []
    kind = ""
    for rank, setting in enumerate(shown):
        best = setting == found.best
        colour = PALETTE[rank] if few else style.VERMILION if best else style.GREY
        label: str | None = ", ".join(setting) if few or best else None
        for row in found.jobs[setting]:
            history = Run(sweep.path / row["folder"]).history
            kind = next((part for part in ("validation", "train") if f"{part}_loss" in history), "")
            if not kind:
                return None
            values = history[f"{kind}_loss"]
            drawn.extend(values[np.isfinite(values)])
            axes.plot(history["epoch"], values, color=colour, linewidth=1.2 if few or best else 0.5,
                      alpha=0.9 if few or best else 0.4, zorder=3 if best else 2, label=label)  # fmt: skip
            label = None
    if min(drawn) > 0 and max(drawn) / min(drawn) > 30:
        axes.set_yscale("log")
    axes.set(xlabel="Epoch", ylabel=f"{kind.capitalize()} loss (mean over samples)")
    axes.grid(axis="y")
    title = style.escape(", ".join(short(found.keys)) + ("" if few else " (best; all others in grey)"))
    figure.legend(loc="outside lower center", ncols=3, title=title, title_fontsize=style.NORMAL)
    return figure


def _limits(values: np.ndarray, measure: str) -> tuple[float, float]:
    """Return the ends of the colours: outliers, such as a diverged training, do not compress the colour scale."""
    kept = without_outliers(values, low=metrics.metric(measure).higher_is_better)
    return float(kept.min()), float(kept.max())


def places(words: Sequence[str]) -> tuple[np.ndarray, bool]:
    """Return where values stand on an axis: numbers at themselves, words one after another."""
    try:
        return np.array([float(word) for word in words]), True
    except ValueError:
        return np.arange(len(words), dtype=float), False


def _name_places(axes: Axes, key: str, words: Sequence[str], x: np.ndarray, numeric: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(key)
    if not numeric:
        axes.set_xticks(x, style.class_names(words, 5.0 / len(words)))
        axes.set_xlim(-0.5, len(words) - 0.5)
    elif (x > 0).all() and x.max() / x.min() >= 50:
        axes.set_xscale("log")
        axes.set_xlabel(f"{key}, log scale")
    elif (x == np.round(x)).all():
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _half_width(values: np.ndarray) -> float:
    """Return half the width of the 95 % t interval of the mean; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    from scipy.stats import t

    return float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def thinned(words: Sequence[Any], most: int = 12) -> Sequence[Any]:
    """Leave out names of an axis that would lie on one another."""
    step = -(-len(words) // most)
    return words[::step]


def _cell_size(n_columns: int) -> float:
    return style.NORMAL if n_columns <= 8 else 5.5 if n_columns <= 14 else 4.5


FIGURES = {
    "sweep": Drawing(
        lambda shown: by_settings(shown[0]),
        "The score by the swept settings",
        "How much does each key affect the score, and is the best setting at an edge of the grid?",
    ),
    "losses": Drawing(
        lambda shown: losses(*shown),
        "Loss by epoch, one line per job",
        "Curves that still fall at the end need more epochs; curves that jump need a smaller learning rate.",
    ),
}
