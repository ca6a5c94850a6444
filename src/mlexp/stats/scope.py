"""The scope of inference: what a result generalises over and what it holds fixed, as a record with its sentence."""

from __future__ import annotations

from dataclasses import dataclass

ROWS, SETTINGS = "test images", "these settings"
TRAINING_SET = "this training set"
# Held fixed, and what the result then does not speak about.
THESE_ROWS = ("these {rows}", "new {rows}")
THESE_MODELS = ("these fitted models", "training again")


@dataclass(frozen=True)
class Scope:
    """The scope of inference of a result.

    Attributes
    ----------
    over : what it generalises over, new ones of each: training runs, {rows}, data sets like these; empty where nothing
        can be concluded
    only : what it holds fixed although one would like to know, and what nothing is said about for that; None if nothing
    settings : whether it holds for the settings as they are, as those of a network
    training_set : whether it holds for the training set as it is
    blocks : whether it is averaged over blocks with equal weight
    shows : what it shows, where that is not a difference of means
    note : what else a reader must know
    """

    over: tuple[str, ...] = ()
    only: tuple[str, str] | None = None
    settings: bool = False
    training_set: bool = False
    blocks: bool = False
    shows: str = ""
    note: str = ""

    def sentence(self, *, rows: str = ROWS, settings: str = SETTINGS) -> str:
        """Return it in words; `rows` are what the arms were evaluated on, `settings` what they hold fixed.

        Examples
        --------
        >>> Scope(("training runs", "{rows}"), settings=True).sentence(rows="test samples")
        'over new training runs and new test samples, for these settings'
        >>> Scope(("training runs",), only=THESE_ROWS).sentence()
        'over new training runs, for these test images only (nothing is said about new test images)'
        >>> Scope().sentence()
        'nothing can be concluded from these runs'
        """
        if not self.over:
            return self.note or "nothing can be concluded from these runs"
        parts = ["over " + " and ".join(f"new {one}" for one in self.over)]
        if self.only:
            parts.append("for {} only (nothing is said about {})".format(*self.only))
        fixed = [TRAINING_SET] * self.training_set + [settings] * self.settings
        if fixed:
            parts.append(f"for {' and '.join(fixed)}")
        if self.blocks:
            parts.append("averaged over these blocks with equal weight")
        shows, note = self.shows and f": {self.shows}", self.note and f"; {self.note}"
        return (", ".join(parts) + shows + note).replace("{rows}", rows)


NOTHING = Scope()
RUNS_AND_ROWS = Scope(("training runs", "{rows}"), training_set=True, settings=True)
RUNS = Scope(("training runs",), only=THESE_ROWS, training_set=True, settings=True)
ROWS_ALONE = Scope(("{rows}",), only=THESE_MODELS)
PAIRS = Scope(("pairs drawn as these were",), note="the pairs must be independent of each other")
SPLITS = Scope(("splits", "training runs of data like these"), settings=True)
HALVES = Scope(("training sets of half this size",), settings=True)
DATASETS = Scope(("data sets like these",))
GENERATED = Scope(("data sets drawn by this generator",))
