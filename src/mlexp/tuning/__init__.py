"""Search a space of settings on the validation set, then train the selected one and test it once.

`run.search` has the form of a study (`mlexp.kinds`): where `tune.strategy` is set, the dispatcher runs it instead of
one, after `run.checked` has accepted it.
"""
