"""Matplotlib without what no figure of ours needs, in a process that is ours alone.

Its import writes a docstring of all properties for each of a hundred classes, and brings axes of three dimensions: more
than half of its time. A program that imports mlexp gets Matplotlib whole.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

SOLID = "mpl_toolkits.mplot3d"
_own: list[bool] = []


def allow() -> None:
    """Declare that nothing but mlexp runs in this process."""
    _own.append(True)


def load() -> None:
    """Import what figures are drawn with, lean where that is allowed and nothing of it is there yet."""
    if not _own or "matplotlib.artist" in sys.modules:
        return
    from matplotlib import artist

    patched: Any = artist
    described = artist.kwdoc
    solid: Any = ModuleType(SOLID)
    solid.Axes3D = type("Axes3D", (), {"name": "3d"})
    sys.modules.setdefault(SOLID, solid)
    patched.kwdoc = lambda _: ""
    try:
        import matplotlib.backends.backend_agg
        import matplotlib.figure  # noqa: F401
    finally:
        patched.kwdoc = described
        if sys.modules[SOLID] is solid:
            del sys.modules[SOLID]
