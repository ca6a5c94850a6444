"""How every figure looks: settings, colours, sizes, names that fit, bytes that repeat.

The colours are those of Okabe and Ito (2008), "Color universal design", told apart by readers with any
colour vision. Sizes are meant for a figure printed 16 cm wide.
"""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mlexp.drawing import lean
from mlexp.drawing.figure import Drawing
from mlexp.drawing.wanted import ALL, Wanted
from mlexp.metrics.table import metric
from mlexp.store.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

Drawn = TypeVar("Drawn")

WIDTH = 6.3  # inches; 16 cm, the text width of a page
DPI = 150

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
INK, GREY, PALE = "#222222", "#6B6B6B", "#D9D9D9"

SMALL, NORMAL, LARGE = 7.0, 8.0, 9.0  # points
HINTED = 1.04  # drawn letters are this much wider at most, for each is placed at a whole pixel
MEASURED_AT = 100.0  # points; text is measured large, for small letters are rounded to pixels
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
UNKNOWN = "\ufffd"  # stands for a letter that the font does not have

SETTINGS: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with Matplotlib, so that every machine draws the same
    "font.size": NORMAL,
    "axes.titlesize": NORMAL,
    "axes.titlelocation": "left",
    "axes.labelsize": NORMAL,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": NORMAL,
    "lines.linewidth": 1.4,
    "text.color": INK,
    "text.hinting": "none",  # letters of this size look the same, and are drawn in half of the time
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,  # text stays text
    "svg.fonttype": "none",
    "svg.hashsalt": "mlexp",  # same figure, same names of its parts
}

# What a file would say of the program and the time at which it was made
MADE: dict[str, dict[str, None]] = {
    "png": {},
    "pdf": dict.fromkeys(("Creator", "Producer", "CreationDate")),
    "svg": dict.fromkeys(("Creator", "Date")),
}

# Settings about windows, files and time that no picture depends on; setting some of them has side effects.
UNTOUCHED = (
    "backend",
    "interactive",
    "toolbar",
    "timezone",
    "tk.",
    "webagg.",
    "date.",
    "keymap.",
    "savefig.dir",
)


@contextmanager
def settings() -> Iterator[None]:
    """Draw with Matplotlib's own defaults and `SETTINGS`, whatever the user or the host program has set."""
    lean.load()
    import matplotlib

    defaults: dict[Any, Any] = {
        name: value for name, value in matplotlib.rcParamsDefault.items() if not name.startswith(UNTOUCHED)
    }
    with matplotlib.rc_context(defaults | SETTINGS):
        yield


def new_figure(height: float, headline: str, *, placed: bool = False) -> Figure:
    """Return an empty figure 16 cm wide, with a statement above `height` inches for the rest.

    Matplotlib arranges the axes, unless they are to be `placed` by `place`: that is faster, and right for
    axes of a fixed shape too.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = wrap(headline, WIDTH - 0.15, LARGE)
    total = height + 0.16 * len(lines) + 0.06
    figure = Figure(
        figsize=(WIDTH, total), dpi=DPI, facecolor="white", layout=None if placed else "constrained"
    )
    FigureCanvasAgg(figure)  # not through pyplot, which would choose a backend for the whole process
    at = {"y": 1 - 0.04 / total} if placed else {}
    words = escape("\n".join(lines))
    figure.suptitle(words, x=0.01, **at, ha="left", va="top", fontsize=LARGE, fontweight="bold")
    return figure


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return new axes; all lengths in inches."""
    total = figure.get_figheight()
    return figure.add_axes((left / WIDTH, bottom / total, width / WIDTH, height / total))


def room_left(axes: Axes) -> float:
    """Return the inches that tick labels and label of a vertical axis need, of an axis without formulas."""
    low, high = sorted(axes.get_ylim())
    ticks = [tick for tick in axes.yaxis.get_majorticklocs() if low <= tick <= high]
    words = axes.yaxis.get_major_formatter().format_ticks(ticks)
    widest = max((text_width(word, SMALL) for word in words), default=0.0)
    lines = axes.get_ylabel().count("\n") + 1 if axes.get_ylabel() else 0
    return widest + 0.17 * lines + 0.16


def powers_of_ten(axis: Axis) -> None:
    """Label the decades of a logarithmic axis by plain text, which is drawn faster than formulas."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axis.set_minor_formatter(NullFormatter())


def measured(axis: Axis, measure: str) -> None:
    """Number an axis of a metric that is a share of the samples in percent, as pages give it, and say so."""
    if metric(measure).share:
        axis.set_major_formatter(lambda value, _: f"{100 * value:.6g}".replace("-", "−"))
        axis.set_label_text(f"{axis.get_label_text()} (%)")


def power_of_ten(value: float) -> str:
    """Return a number as it stands at a logarithmic axis.

    Examples
    --------
    >>> power_of_ten(0.01), power_of_ten(1e-6), power_of_ten(10_000.0)
    ('0.01', '10⁻⁶', '10⁴')
    """
    if value <= 0 or 1e-3 <= value <= 1e3:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    return "10" + str(exponent).translate(RAISED) if np.isclose(value, 10.0**exponent) else f"{value:g}"


def freeze(figure: Figure) -> None:
    """Lay the figure out now and for good: sizes can be measured, and saving does not lay it out again."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def draw(folder: Path, figures: Mapping[str, Drawing], drawn: Any, wanted: Wanted = ALL) -> list[Path]:
    """Draw figures of one thing into ``figures/`` of a folder, and return the files; each as PNG at least.

    Parameters
    ----------
    folder : where they belong
    figures : name -> what draws it, the most important first; one that returns None is left out
    drawn : what they show
    wanted : how many, and in which formats
    """
    written: list[Path] = []
    count = 0
    with settings():
        for name, drawing in figures.items():
            if count == wanted.most:
                break
            figure = drawing.draw(drawn)
            if figure is not None:
                count += 1
                for kind in dict.fromkeys(("png", *wanted.formats)):
                    written.append(folder / "figures" / f"{name}.{kind}")
                    write_bytes(written[-1], saved(figure, kind, title=wanted.title))
    return written


def saved(figure: Figure, kind: str, *, title: bool = True) -> bytes:
    """Return the figure as a file of a format, the same bytes for the same figure; without its headline if asked.

    Parameters
    ----------
    figure : the figure; laid out for good
    kind : png, pdf or svg; in the last two what is drawn is vectors, and text is text
    title : whether the headline stands in it; without it the figure is that much less high
    """
    if kind == "png" and title:
        return png(figure)
    freeze(figure)
    headline, buffer = figure._suptitle, io.BytesIO()  # type: ignore[attr-defined]
    whole = figure.bbox_inches
    if headline is not None and not title:
        lowest = headline.get_window_extent().y0 / figure.dpi
        whole = whole.from_bounds(0, 0, whole.width, lowest)
        headline.set_visible(False)
    told = {name: text for name, text in _told(figure).items() if name == "Title" or kind == "png"}
    metadata = told | MADE[kind]
    figure.savefig(buffer, format=kind, bbox_inches=whole, dpi=figure.dpi, metadata=metadata)
    if headline is not None:
        headline.set_visible(True)
    return buffer.getvalue()


def png(figure: Figure) -> bytes:
    """Return the figure as PNG, without the time stamp and version that would make the bytes differ."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    freeze(figure)
    buffer = io.BytesIO()
    # savefig would draw everything twice
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(buffer, metadata=_told(figure), pil_kwargs={"compress_level": 1})
    return buffer.getvalue()


def _told(figure: Figure) -> dict[str, str | None]:
    """Return the headline, for readers of the file who cannot see the picture."""
    headline = " ".join(figure.get_suptitle().split()).replace(r"\$", "$")
    return {"Software": None} | ({"Title": headline} if headline else {})


def clean(text: object) -> str:
    """Return `text` as one line of letters that the font has.

    Examples
    --------
    >>> clean("two\\nlines")
    'two lines'
    """
    known = _letters()
    return "".join(letter if ord(letter) in known else UNKNOWN for letter in " ".join(str(text).split()))


@cache
def _letters() -> frozenset[int]:
    """Return the code points of the font."""
    return frozenset(_font(False).get_charmap())


def escape(text: str) -> str:
    """Keep Matplotlib from reading a formula between dollar signs."""
    return text.replace("$", r"\$")


@lru_cache(4096)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of one line of text in inches; `size` is in points."""
    font = _font(bold)
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64 / MEASURED_AT * size / 72


def fit(name: str, width: float, size: float) -> str:
    """Cut a name in its middle until it is at most `width` inches wide: names often differ at their ends.

    Examples
    --------
    >>> fit("a rather long name, second", 1.0, 8.0)
    'a rather l…econd'
    """
    short, kept = name, len(name)
    while kept > 1 and text_width(short, size) > width:
        kept -= 1
        tail = kept // 3
        short = f"{name[: kept - tail]}…{name[len(name) - tail :]}"
    return short


def wrap(text: str, width: float, size: float) -> list[str]:
    """Break bold text into lines of at most `width` inches; a number keeps its percent sign."""
    lines: list[str] = []
    for word in re.split(" (?!%)", clean(text)):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and HINTED * text_width(longer, size, bold=True) <= width:
            lines[-1] = longer
        else:
            lines.append(fit(word, 0.85 * width, size))  # bold letters are up to a sixth wider
    return lines


def class_names(names: Sequence[object], width: float, size: float = SMALL) -> list[str]:
    """Return the names of the classes ready to draw, each at most `width` inches wide.

    Names that cutting makes equal are cut again, around the words in which they differ; where there is no
    room for these, each gets its number in front. A name without any letter that the font has is called
    by its number.

    Examples
    --------
    >>> [name[-3:] for name in class_names([f"Acer pseudoplatanus, variety {k}, leaf" for k in (8, 9)], 0.8)]
    ['8,…', '9,…']
    """
    drawable = [clean(name) for name in names]
    drawable = [name if set(name) - {UNKNOWN, " "} else f"class {k}" for k, name in enumerate(drawable)]
    short = [fit(name, width, size) for name in drawable]
    alike: dict[str, list[int]] = {}
    for k, cut in enumerate(short):
        alike.setdefault(cut, []).append(k)
    for same in (group for group in alike.values() if len(group) > 1):
        for k, cut in zip(same, _apart([drawable[k] for k in same], width, size), strict=True):
            short[k] = cut
    seen = Counter(short)
    return [
        escape(cut if seen[cut] == 1 else fit(f"{k}: {name}", width, size))
        for k, (name, cut) in enumerate(zip(drawable, short, strict=True))
    ]


def _apart(names: list[str], width: float, size: float) -> list[str]:
    """Cut names at both ends, which they share, as far as needed: between words, else between letters.

    All the same where even that is too wide.
    """
    first = _shared(names)
    last = _shared([name[first:][::-1] for name in names])
    word = names[0].rfind(" ", 0, first) + 1
    after = names[0][len(names[0]) - last :].find(" ")
    for start, end in ((word, last - after if after >= 0 else 0), (first, last)):
        middles = [name[start : len(name) - end] + "…" * (end > 0) for name in names]
        for kept in range(start, -1, -1):
            cut = [
                f"{name[:kept]}{'…' * (kept < start)}{rest}"
                for name, rest in zip(names, middles, strict=True)
            ]
            if max(text_width(text, size) for text in cut) <= width:
                return cut
    return [names[0]] * len(names)


def _shared(names: list[str]) -> int:
    """Return with how many of the same letters all names begin."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))


def repeated_names(names: Sequence[object], width: float, size: float = SMALL) -> list[str]:
    """Return names ready to draw of which several may be the same, and stay the same.

    Examples
    --------
    >>> repeated_names(["cat", "dog", "cat"], 1.0)
    ['cat', 'dog', 'cat']
    """
    distinct = list(dict.fromkeys(names))
    short = dict(zip(distinct, class_names(distinct, width, size), strict=True))
    return [short[name] for name in names]


@cache
def _font(bold: bool) -> FT2Font:
    """Return the font at the size at which text is measured; not the shared one, which drawing resizes."""
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    properties = FontProperties(family=["DejaVu Sans"], weight="bold" if bold else "normal")
    font = FT2Font(findfont(properties))
    font.set_size(MEASURED_AT, 72)
    return font
