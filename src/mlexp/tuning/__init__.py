"""Search a space of settings on the validation set, then train the selected one and test it once.

`search` has the form of a study (`mlexp.kinds`): where `tune.strategy` is set, the dispatcher runs it instead of one,
after `checked` has accepted it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlexp import lazily

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

__getattr__ = lazily(__name__, HOMES)
