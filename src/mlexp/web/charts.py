"""Curves as SVG that a browser scales: axes with ticks, one line a run, no script and no style of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup, escape

from mlexp.config.names import spelled
from mlexp.page.scores import is_share

WIDTH, HEIGHT = 440, 260
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 12, 40
POINTS = 300  # a curve is thinned to so many
TICKS = 5
WIDE = 30.0  # ratio of largest and smallest value from which the scale is logarithmic
LOOKS = 8  # colours in ui.css; the ninth line has the first colour, dashed


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes
    ----------
    name : what the legend calls it
    x, y : (n,), points; those that are not finite are gaps
    """

    name: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Chart:
    """A chart with its legend.

    Attributes
    ----------
    title : what the y axis is
    svg : the drawing
    legend : name and class of each line
    """

    title: str
    svg: Markup
    legend: Sequence[tuple[str, str]]


def of_metric(name: str, curves: Sequence[Curve]) -> Chart | None:
    """Return curves of a metric, or of a column of the history, on common axes; shares of the samples in percent."""
    if not is_share(name):
        return chart(spelled(name), curves)
    return chart(f"{spelled(name)} (%)", [replace(curve, y=100 * curve.y) for curve in curves])


def chart(title: str, curves: Sequence[Curve], x_label: str = "epoch") -> Chart | None:
    """Return curves on common axes; None if there is no finite point."""
    curves = [thinned(curve) for curve in curves]
    y = np.concatenate([curve.y for curve in curves]) if curves else np.array([])
    x = np.concatenate([curve.x for curve in curves]) if curves else np.array([])
    seen = np.isfinite(x) & np.isfinite(y)
    if not seen.any():
        return None
    across = _Axis(float(x[seen].min()), float(x[seen].max()), LEFT, WIDTH - RIGHT, whole=True)
    low, high = float(y[seen].min()), float(y[seen].max())
    down = _Axis(low, high, HEIGHT - BOTTOM, TOP, logarithmic=low > 0 and high / low > WIDE)
    lines = [_line(curve, look(number), across, down) for number, curve in enumerate(curves)]
    words = f"{title} by {x_label}, {len(curves)} {'lines' if len(curves) > 1 else 'line'}"
    svg = Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{words}">{inside}</svg>'
    ).format(w=WIDTH, h=HEIGHT, words=words, inside=Markup("").join([*_grid(across, down, x_label), *lines]))
    scale = " (log scale)" if down.logarithmic else ""
    legend = [(curve.name, look(number)) for number, curve in enumerate(curves)]
    return Chart(f"{title}{scale}", svg, legend)


def look(number: int) -> str:
    """Return the class of a line."""
    return f"s{number % LOOKS}" + (" dashed" if number >= LOOKS else "")


def thinned(curve: Curve) -> Curve:
    """Return a curve of at most `POINTS` points, the first and the last among them."""
    if len(curve.x) <= POINTS:
        return curve
    at = np.unique(np.linspace(0, len(curve.x) - 1, POINTS).astype(int))
    return Curve(curve.name, curve.x[at], curve.y[at])


class _Axis:
    """Values to places of a drawing.

    Parameters
    ----------
    low, high : range of the values
    start, end : places of the two ends
    logarithmic : whether equal ratios have equal lengths
    whole : whether ticks are whole numbers
    """

    def __init__(
        self, low: float, high: float, start: int, end: int, *, logarithmic: bool = False, whole: bool = False
    ) -> None:
        if low == high:
            pad = abs(low) * 0.05 or 0.5
            low, high = (low - pad, high + pad) if not whole else (low - 1, high + 1)
        self.start, self.end, self.logarithmic, self.whole = start, end, logarithmic, whole
        self.low, self.high = low, high

    def at(self, values: np.ndarray) -> np.ndarray:
        """Return the place of each value."""
        low, high = self.low, self.high
        if self.logarithmic:
            with np.errstate(divide="ignore", invalid="ignore"):
                values, low, high = np.log(values), math.log(low), math.log(high)
        # halves first: the difference of two huge numbers may not be finite
        share = (values / 2 - low / 2) / (high / 2 - low / 2)
        placed: np.ndarray = self.start + share * (self.end - self.start)
        return placed

    def ticks(self) -> list[float]:
        """Return round values between the ends."""
        if self.logarithmic:
            return _powers(self.low, self.high)
        return _round(self.low, self.high, self.whole)


def _round(low: float, high: float, whole: bool) -> list[float]:
    """Return round numbers from low to high.

    Examples
    --------
    >>> _round(0.0, 1.0, False), _round(1.0, 3.0, True)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [1.0, 2.0, 3.0])
    """
    rough = (high / TICKS - low / TICKS) or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    step = max(1.0, step) if whole else step
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [float(f"{(first + k) * step:.12g}") for k in range(min(count, 3 * TICKS))]


def _powers(low: float, high: float) -> list[float]:
    """Return powers of ten from low to high, at most `TICKS` or so; with 2 and 5 between them where they are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = max(1, math.ceil((last - first) / TICKS))
    factors = (1, 2, 5) if last - first <= 2 else (1,)
    found = [factor * 10.0**power for power in range(first, last + 1, every) for factor in factors]
    return [value for value in found if low <= value <= high]


def _grid(across: _Axis, down: _Axis, x_label: str) -> list[Markup]:
    drawn = []
    for value in down.ticks():
        y = float(down.at(np.array([value]))[0])
        drawn.append(
            Markup(
                '<path class="grid" d="M{a} {y:.1f}H{b}"/><text x="{t}" y="{z:.1f}" class="end">{v}</text>'
            ).format(a=LEFT, b=WIDTH - RIGHT, y=y, t=LEFT - 6, z=y + 4, v=f"{value:.4g}".replace("-", "−"))
        )
    for value in across.ticks():
        x = float(across.at(np.array([value]))[0])
        drawn.append(
            Markup('<text x="{x:.1f}" y="{y}" class="middle">{v:,.0f}</text>').format(
                x=x, y=HEIGHT - BOTTOM + 17, v=value
            )
        )
    middle = (LEFT + WIDTH - RIGHT) // 2
    drawn.append(
        Markup('<text x="{x}" y="{y}" class="middle">{v}</text>').format(x=middle, y=HEIGHT - 6, v=x_label)
    )
    drawn.append(
        Markup('<path class="axis" d="M{a} {y}H{b}"/>').format(a=LEFT, b=WIDTH - RIGHT, y=HEIGHT - BOTTOM)
    )
    return drawn


def _line(curve: Curve, looks: str, across: _Axis, down: _Axis) -> Markup:
    """Return a line with gaps where there is no point; a single point as a dot."""
    x, y = across.at(curve.x.astype(float)), down.at(curve.y.astype(float))
    seen = np.isfinite(x) & np.isfinite(y)
    parts, pen = [], "M"
    for a, b, known in zip(x, y, seen, strict=True):
        if known:
            parts.append(f"{pen}{a:.1f} {b:.1f}")
            pen = "L"
        else:
            pen = "M"
    name = escape(curve.name)
    path = Markup('<path class="line {looks}" d="{d}"><title>{name}</title></path>').format(
        looks=looks, d="".join(parts), name=name
    )
    if not seen.any():
        return path
    last = np.flatnonzero(seen)[-1]
    return path + Markup('<circle class="dot {looks}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>').format(
        looks=looks, x=x[last], y=y[last]
    )
