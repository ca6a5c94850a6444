"""Numbers as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Sequence

SPACE = "\u00a0"  # keeps a number and its unit on one line
Z = 1.959963984540054  # of a 95 % interval: 0.975 quantile of the standard normal distribution
NOTHING = 1e-12  # what a score or coordinate below it is: a rounding error
FINE = 2000  # rows from which a hundredth of a percent means something
TITLES = {  # of activations and optimizers, as prose writes them
    "relu": "ReLU", "leaky_relu": "leaky ReLU", "hard_sigmoid": "hard sigmoid", "elu": "ELU", "silu": "SiLU",
    "gelu": "GELU", "sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adagrad": "Adagrad",
}  # fmt: skip


def percent(share: float, rows: int = 0) -> str:
    """Return a share in percent, finer where it rests on many rows; never 100 % for less than all.

    Examples
    --------
    >>> percent(0.97772).replace("\u00a0", " "), percent(0.98123, 10_000).replace("\u00a0", " ")
    ('97.8 %', '98.12 %')
    >>> percent(0.99999).replace("\u00a0", " "), percent(1.0).replace("\u00a0", " ")
    ('99.9 %', '100 %')
    """
    decimals = 2 if rows >= FINE else 1
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", f"{SPACE}%")
    limit = 100 - 10**-decimals
    shown = min(100 * share, limit) if share < 1 else 100 * share
    return f"{shown:.{decimals}f}{SPACE}%"


def number(value: float) -> str:
    """Return four digits that count, whole numbers with commas.

    Examples
    --------
    >>> number(1294), number(0.0783), number(-55.76286), number(2.06e-17)
    ('1,294', '0.0783', '−55.76', '2.06e-17')
    """
    if not math.isfinite(value):
        return "not finite"
    if value < 0:
        return f"−{number(-value)}"
    if float(value).is_integer() and abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Return a time in its natural units.

    Examples
    --------
    >>> [duration(s).replace("\u00a0", " ") for s in (0.366, 12.34, 84, 7500)]
    ['0.37 s', '12.3 s', '1 min 24 s', '2 h 5 min']
    """
    if seconds < 60:
        return f"{seconds:.{2 if seconds < 1 else 3}g}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min {rest}{SPACE}s"
    return f"{minutes // 60}{SPACE}h {minutes % 60}{SPACE}min"


def wilson(share: float, rows: int) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    (p + z²/2n ± z sqrt(p(1−p)/n + z²/4n²)) / (1 + z²/n); unlike p ± z·se it keeps its level near 0 and 1.

    Examples
    --------
    >>> [round(limit, 4) for limit in wilson(351 / 359, 359)]
    [0.9567, 0.9887]
    """
    centre = share + Z * Z / (2 * rows)
    half = Z * math.sqrt(share * (1 - share) / rows + Z * Z / (4 * rows * rows))
    whole = 1 + Z * Z / rows
    return max(0.0, (centre - half) / whole), min(1.0, (centre + half) / whole)


def within(share: float, rows: int) -> str:
    """Return the interval of a share of rows in words."""
    low, high = wilson(share, rows)
    return (
        f"95{SPACE}% interval {percent(low, rows).removesuffix(f'{SPACE}%')} to {percent(high, rows)}, Wilson"
    )


def listed(words: Sequence[str], most: int = 12) -> str:
    """Join words with commas and an 'and'; a long list ends with how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], most=2)
    ('a, b and c', 'a, b and 1 more')
    """
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most:,} more"]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else "none"


def shown(cell: str) -> str:
    """Return a cell of a CSV file to be read: numbers with a point or exponent rounded, yes for True.

    Examples
    --------
    >>> shown("0.9777158774373259"), shown("1294"), shown("1e-05"), shown("relu"), shown("1.0")
    ('0.9777', '1294', '1e-05', 'relu', '1')
    """
    if cell in ("True", "False"):
        return "yes" if cell == "True" else "no"
    if "." not in cell and "e" not in cell.lower():
        return cell
    value = as_number(cell)
    return cell if value is None or not math.isfinite(value) else f"{value:.4g}"


def fixed(value: float, decimals: int) -> str:
    """Return a number with fixed decimals; what is zero but for rounding reads as zero.

    Examples
    --------
    >>> fixed(0.97772, 3), fixed(-1.00000000002, 4), fixed(-3e-17, 2)
    ('0.978', '−1.0000', '0.00')
    """
    text = f"{0.0 if abs(value) < NOTHING else value:.{decimals}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", "−")


def coordinate(value: float) -> str:
    """Return a coordinate or coefficient with four digits that count.

    Examples
    --------
    >>> coordinate(-1.9999999999999996), coordinate(3e-16), coordinate(0.70710678)
    ('−2', '0', '0.7071')
    """
    return ("0" if abs(value) < NOTHING else f"{value:.4g}").replace("-", "−")


def coordinates(values: Sequence[float]) -> str:
    """Return a point or vector in brackets.

    Examples
    --------
    >>> coordinates([1.0, -2.5])
    '(1, −2.5)'
    """
    return f"({', '.join(map(coordinate, values))})"


def as_number(cell: str) -> float | None:
    """Return the number that a cell holds, None if it holds none."""
    try:
        return float(cell)
    except ValueError:
        return None


def level_in_percent(level: float) -> str:
    """Return a confidence level in percent: four digits, more where those would read 100.

    Examples
    --------
    >>> level_in_percent(0.95), level_in_percent(0.99469), level_in_percent(1 - 1.5794e-06)
    ('95', '99.47', '99.99984')
    """
    said = f"{100 * level:.4g}"
    return f"{100 * level:.{1 - math.floor(math.log10(100 * (1 - level)))}f}" if said == "100" else said
