"""Which test the design of a comparison asks for, and whether another one fits it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mlexp.errors import ConfigError, did_you_mean
from mlexp.stats.bootstrap import BY_RESAMPLING
from mlexp.stats.crossed import FEW
from mlexp.stats.ranks import ANY_RANK
from mlexp.stats.scope import (
    DATASETS,
    GENERATED,
    NOTHING,
    ROWS,
    ROWS_ALONE,
    RUNS,
    RUNS_AND_ROWS,
    SPLITS,
    Scope,
)


@dataclass(frozen=True)
class Design:
    """What varied in a comparison.

    Attributes
    ----------
    seeds : runs of the arm with fewest, arms of one run aside where at least two have several
    rows_kept : whether scores of every test row are known: kept, or computed from the predictions by influence
    same_rows : whether all runs were tested on the same rows
    right_or_wrong : whether a row's score is 0 or 1
    splits : train/test splits that both arms share; 1 for one fixed split
    halves : whether the splits are five times two halves, each trained on where the other is tested on
    datasets : data sets that every arm ran on
    generated : whether the data sets are samples of one generator
    arms : number of arms
    blocks : combinations of other settings within which the arms are compared; 1 where there is one setting an arm
    """

    seeds: int
    rows_kept: bool = True
    same_rows: bool = True
    right_or_wrong: bool = True
    splits: int = 1
    halves: bool = False
    datasets: int = 1
    generated: bool = False
    arms: int = 2
    blocks: int = 1


@dataclass(frozen=True)
class ChosenTest:
    """The test that a design asks for.

    Attributes
    ----------
    test : key of TESTS; "none" if nothing can be tested
    why : the reason, in words
    scope : what the test generalises over
    """

    test: str
    why: str
    scope: Scope


SCOPES = {
    "crossed": RUNS_AND_ROWS,
    "welch": RUNS,
    "bootstrap_seeds_rows": BY_RESAMPLING,
    "corrected": SPLITS,
    "mcnemar": ROWS_ALONE,
    "friedman": ANY_RANK,
    "paired": GENERATED,
    "wilcoxon": replace(DATASETS, shows="which of the two arms tends to be better"),
    "none": NOTHING,
}

# From the most to the least particular: the first line that holds is the choice.
RULES: tuple[tuple[str, Callable[[Design], bool], str], ...] = (
    ("paired", lambda d: d.datasets > 1 and d.generated, "one generator drew several data sets"),
    ("wilcoxon", lambda d: d.datasets > 1, "the arms ran on several data sets"),
    ("corrected", lambda d: d.splits > 1, "the split varies and training sets overlap"),
    (
        "crossed",
        lambda d: d.blocks > 1 and d.rows_kept and d.same_rows,
        "every run scored the same test samples, and the other settings are blocks",
    ),
    (
        "mcnemar",
        lambda d: d.seeds < 2 and d.rows_kept and d.same_rows and d.right_or_wrong,
        "there is one run per arm on the same test samples",
    ),
    (
        "none",
        lambda d: d.seeds < 2,
        "there is one run per arm, and its samples cannot be compared as right or wrong",
    ),
    ("crossed", lambda d: d.rows_kept and d.same_rows, "every run scored the same test samples"),
    ("welch", lambda d: True, "only one score a run is there to compare"),
)

# What each test needs, and what is wrong where it is used without.
NEEDS: dict[str, tuple[Callable[[Design], bool], str]] = {
    "crossed": (
        lambda d: (d.seeds > 1 or d.blocks > 1) and d.rows_kept and d.same_rows and d.splits == 1,
        "it needs two runs per arm, one fixed split, and a score for every run on the same test samples",
    ),
    "welch": (
        lambda d: d.seeds > 1 and d.splits == 1 and d.datasets == 1,
        "it needs two independent runs per arm on one data set; scores over splits are not independent",
    ),
    "permutation": (
        lambda d: d.seeds > 1 and d.splits == 1 and d.datasets == 1,
        "it needs independent runs on one data set; scores over splits are not independent",
    ),
    "paired": (
        lambda d: d.datasets > 1,
        "it needs pairs that are independent, such as data sets; a shared seed number does not make a pair",
    ),
    "wilcoxon": (
        lambda d: d.datasets > 1,
        "it needs pairs that are independent, such as data sets; a shared seed number does not make a pair",
    ),
    "mcnemar": (
        lambda d: d.seeds == 1 and d.rows_kept and d.same_rows and d.right_or_wrong,
        "it compares two fitted models that are right or wrong on the same samples; with several runs per arm it "
        "leaves out how runs differ",
    ),
    "corrected": (lambda d: d.splits > 1, "it needs several splits that both arms share"),
    "bayesian": (lambda d: d.splits > 1, "it needs several splits that both arms share"),
    "five_by_two": (
        lambda d: d.halves,
        "it needs five repeats of two-fold cross-validation, about as many samples to train on as to test on",
    ),
    "bootstrap_seeds_rows": (
        lambda d: d.seeds > 1 and d.rows_kept and d.same_rows and d.splits == 1,
        "it needs two runs per arm and predictions of every run on the same test samples",
    ),
    "anova": (
        lambda d: d.seeds > 1 and d.arms > 1 and d.splits == 1 and d.datasets == 1,
        "it needs independent runs of at least two arms on one data set",
    ),
    "friedman": (lambda d: d.datasets > 1, "it needs several data sets"),
    "epochwise": (lambda d: False, "epochs of one run are not independent: it is never valid"),
}

# What a test cannot even be computed without; it may be computed where it does not fit.
COMPUTABLE: dict[str, Callable[[Design], bool]] = {
    **dict.fromkeys(("welch", "permutation", "paired", "wilcoxon", "anova"), lambda d: d.seeds > 1),
    **dict.fromkeys(("corrected", "bayesian", "friedman"), lambda d: d.splits > 1 or d.datasets > 1),
    "crossed": lambda d: d.rows_kept and d.same_rows,
    "mcnemar": lambda d: d.right_or_wrong and d.rows_kept and d.same_rows,
    "bootstrap_seeds_rows": lambda d: d.rows_kept and d.same_rows,
    "five_by_two": lambda d: d.splits == 10,
    "epochwise": lambda d: False,
}


WITHIN_BLOCKS = ("crossed", "welch")


def choose(design: Design) -> ChosenTest:
    """Return the test that a design asks for, why, and what it generalises over.

    The table is in `docs/statistics.md`; its first line that holds is taken.

    Examples
    --------
    >>> choose(Design(seeds=10)).test, choose(Design(seeds=1)).test
    ('crossed', 'mcnemar')
    >>> choose(Design(seeds=10)).why
    'every run scored the same test samples'
    """
    test, why = next((test, why) for test, holds, why in RULES if holds(design))
    return ChosenTest(test, why, SCOPES[test])


def correction(test: str) -> str:
    """Return how a test of all pairs accounts for their number: tests without a p take wider intervals instead.

    Examples
    --------
    >>> correction("crossed"), correction("bayesian")
    ('Holm', 'Bonferroni')
    """
    return "Bonferroni" if test in ("bayesian", "bootstrap_seeds_rows") else "Holm"


def cautions(design: Design, test: str, *, rows: str = ROWS) -> list[str]:
    """Return what a reader must know beside the outcome of a test under a design; `rows` as in `Scope.sentence`.

    Examples
    --------
    >>> cautions(Design(seeds=2), "crossed")
    ['fewer than five runs per arm: the test is conservative and misses differences that five would show']
    """
    found = []
    if 1 < design.seeds < FEW and test == "crossed":
        found.append(
            "fewer than five runs per arm: the test is conservative and misses differences that five would show"
        )
    if design.seeds == 2 and test in ("welch", "bootstrap_seeds_rows"):
        found.append("two runs per arm hardly show how runs vary: the interval may be wrong")
    if test == "wilcoxon" and design.generated and design.datasets < 6:  # of others the answer says so
        found.append("with fewer than six data sets p cannot fall below 0.05")
    if design.seeds < 2:
        found.append("one run per arm: what another seed would give is unknown")
    if test == "welch" and not design.rows_kept:
        found.append(f"predictions were not kept: the result does not generalise over new {rows}")
    return found


def misfit(test: str, design: Design) -> str:
    """Return why a test that a person chose does not fit the design; an empty string when it does.

    Raises
    ------
    ConfigError
        When there is no such test.

    Examples
    --------
    >>> misfit("crossed", Design(seeds=10))
    ''
    >>> misfit("paired", Design(seeds=10))[:67]
    "'paired' does not fit this comparison: it needs pairs that are inde"
    """
    if test not in NEEDS:
        known = ", ".join(NEEDS)
        raise ConfigError(f"The test must be one of {known}. Got {test!r}.{did_you_mean(test, NEEDS)}")
    fits, needs = NEEDS[test]
    if _leaves_out_blocks(test, design):
        needs = "it does not compare within blocks, and these arms have several settings each"
    elif fits(design):
        return ""
    return f"'{test}' does not fit this comparison: {needs}. The design asks for '{choose(design).test}'."


def computable(test: str, design: Design) -> bool:
    """Return whether a test can be computed at all under a design, fit or not.

    Examples
    --------
    >>> computable("five_by_two", Design(seeds=10)), computable("welch", Design(seeds=5, splits=5))
    (False, True)
    """
    return COMPUTABLE[test](design) and not _leaves_out_blocks(test, design)


def _leaves_out_blocks(test: str, design: Design) -> bool:
    """Return whether a test takes runs of several settings for runs of one; over splits and data sets none does."""
    return design.blocks > 1 and design.same_rows and test not in WITHIN_BLOCKS
