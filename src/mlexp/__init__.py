"""Configuration-driven machine-learning experiments."""

from __future__ import annotations

import sys

if (
    sys.argv[:1] == ["-m"]
    and sys.orig_argv[-len(sys.argv)] in ("mlexp", "-mmlexp")
    and not sys.flags.safe_path
):
    del sys.path[
        0
    ]  # ``python -m mlexp`` looks for all that follows in the working folder first: what lies there is data

from mlexp import kinds as kinds  # fills the table by which the configuration knows them

TYPE_CHECKING = False  # as in `typing`, which takes as long to import as all that is here
if TYPE_CHECKING:
    from typing import Any

    from mlexp.api import compare, compare_scores, load, run, sweep, ui
    from mlexp.errors import (
        ConfigError,
        DataError,
        DivergedError,
        ExpectationError,
        Interrupted,
        MlexpError,
    )
    from mlexp.views import Answer, Comparison, Run, Sweep

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "Comparison",
    "ConfigError",
    "DataError",
    "DivergedError",
    "ExpectationError",
    "Interrupted",
    "MlexpError",
    "Run",
    "Sweep",
    "compare",
    "compare_scores",
    "load",
    "run",
    "sweep",
    "ui",
]


def __getattr__(name: str) -> Any:
    """Import `mlexp.api` when a name of it is used: ``import mlexp`` alone costs next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name.endswith(("Error", "Interrupted")):
        from mlexp import errors

        return getattr(errors, name)
    from mlexp import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
