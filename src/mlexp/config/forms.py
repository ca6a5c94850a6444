"""How a value that another tool takes is written here."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlexp.config.groups import files, spelt
from mlexp.config.rules import here


def _widths(text: str) -> str | None:
    """Return hidden widths as a list: ``(64, 32)``, ``64,32`` and ``64`` are what other tools take."""
    numbers = re.findall(r"\d+", text)
    if not numbers or re.search(r"[^\d\s,()\[\]x-]", text):
        return None
    return f"[{','.join(numbers)}]"


def _depth(text: str) -> str | None:
    """Return so many hidden layers of the default width."""
    return f"[{','.join(['64'] * int(text))}]" if text.isdigit() and 0 < int(text) < 20 else None


def _complement(text: str) -> str | None:
    try:
        share = float(text)
    except ValueError:
        return None
    return f"{1 - share:.4g}" if 0 < share < 1 else None


def data(text: str) -> str | None:
    """Return how a data set is named: by the name of one of ours, or as a file."""
    (named,) = spelt([f"dataset={text}"])
    if named.partition("=")[2] in {file.stem for file in files("dataset")}:
        return named
    reader = "npz" if text.lower().endswith(".npz") else "csv"
    return f"dataset={reader} dataset.path={text}"


FORMS: dict[str, Callable[[str], str | None]] = {
    "same": lambda text: f"{float(text[:-1]) / 100:g}" if re.fullmatch(r"\d+(\.\d+)?%", text) else text,
    "widths": _widths,
    "layers": lambda text: _depth(text) if len(text) == 1 else _widths(text),
    "depth": _depth,
    "list": lambda text: text if text.startswith("[") else f"[{text}]",
    "complement": _complement,
    "switch": lambda text: "null" if text.lower() in ("false", "0", "none", "null") else None,
    "true": lambda text: text if text.lower() in ("true", "false") else "true",
    "scale": lambda text: "none" if text.lower() in ("false", "none", "null") else here(text),
    "folds": lambda text: (
        ",".join(f"{k}/{text}" for k in range(1, int(text) + 1))
        if text.isdigit() and 1 < int(text) <= 10
        else None
    ),
    "range": lambda text: f"range(0,{text})" if text.isdigit() and int(text) > 1 else None,
    "values": lambda text: text.strip("[]") if re.fullmatch(r"\[?\d+(,\d+)*\]?", text) else None,
    "mapping": lambda text: text if text.startswith("{") else None,
    "data": data,
    "problem": lambda text: {"regression": "regress", "regressor": "regress"}.get(text.lower(), "classify"),
    "tracking": lambda text: "none" if text.lower() in ("false", "none") else None,
}
