"""Matplotlib without what no figure of ours needs, in a process that is ours alone.

Its import describes all properties of a hundred classes, and brings axes of three dimensions, LaTeX's files, colour
maps of two variables and the tests of its parser: more than half of its time. A program that imports mlexp gets
Matplotlib whole.
"""

from __future__ import annotations

import gc
import sys
from types import ModuleType
from typing import Any

SOLID = "mpl_toolkits.mplot3d"
LEFT_OUT = (
    "matplotlib.dviread",
    "matplotlib._cm_multivar",
    "matplotlib._cm_bivar",
    "pyparsing.testing",
)
COLLECTED = (20_000, 5, 5)  # new objects before cycles are looked for; Python's 700 take a twelfth of a run
_own: list[bool] = []


class _Empty(ModuleType):
    """Stands for a module of which nothing is used: every name in it is an empty table."""

    def __getattr__(self, name: str) -> dict[str, Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return {}


def allow() -> None:
    """Declare that nothing but mlexp runs in this process, which leaves hardly a cycle of objects to look for."""
    _own.append(True)
    gc.set_threshold(*COLLECTED)


def load() -> None:
    """Import what figures are drawn with, lean where that is allowed and nothing of it is there yet."""
    if not _own or "matplotlib" in sys.modules:
        return
    absent: dict[str, Any] = {name: _Empty(name) for name in (SOLID, *LEFT_OUT) if name not in sys.modules}
    if SOLID in absent:
        absent[SOLID].Axes3D = type("Axes3D", (), {"name": "3d"})
    sys.modules.update(absent)
    try:
        _import()
    finally:
        for name, module in absent.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _import() -> None:
    """Import Matplotlib without the descriptions of its properties."""
    from matplotlib import artist

    patched: Any = artist
    described, listed = artist.kwdoc, artist.ArtistInspector.get_setters
    patched.kwdoc = lambda _: ""
    patched.ArtistInspector.get_setters = lambda _: []
    try:
        import matplotlib.backends.backend_agg
        import matplotlib.figure  # noqa: F401
    finally:
        patched.kwdoc, patched.ArtistInspector.get_setters = described, listed
