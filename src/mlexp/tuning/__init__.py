"""Search a space of settings on the validation part, then train and judge the chosen one, once.

`search` has the form of a study (`mlexp.kinds`): the dispatcher runs it in the place of one where `tune.strategy` is
set, once `checked` has nothing against it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlexp.tuning.run import checked, planned, search

# Name -> its module, imported when the name is used: pages and figures, which only read, need none of them.
HOMES = {
    "run": (
        "checked",
        "planned",
        "search",
    ),
}
__all__ = [
    "checked",
    "planned",
    "search",
]


def __getattr__(name: str) -> Any:
    """Return a name of one of the modules."""
    for module, names in HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
