"""Search a space of settings on the validation part, then train and judge the chosen one, once.

`search` has the form of a study (`mlexp.tasks`): the dispatcher runs it in the place of one where `tune.strategy` is
set, once `checked` has nothing against it.
"""

from mlexp.tuning.run import checked, planned, search

__all__ = ["checked", "planned", "search"]
