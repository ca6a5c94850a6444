"""Search a space of settings on the validation part, then train and judge the chosen one, once.

`search` has the form of a study (`mlexp.kinds`): the dispatcher runs it in the place of one where `tune.strategy` is
set, once `checked` has nothing against it.
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
