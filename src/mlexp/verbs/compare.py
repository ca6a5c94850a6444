"""``mlexp compare``: test whether one setting is better, from existing runs or scores."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlexp.config.names import TESTS
from mlexp.config.untrusted import reading
from mlexp.errors import ConfigError
from mlexp.store import find
from mlexp.verbs import add_outputs, parser
from mlexp.verbs.machine import tell

if TYPE_CHECKING:
    from mlexp.comparisons.analysis import Analysis

EXAMPLE = "mlexp compare outputs/mnist_mlp/latest --by model.activation --metric test.accuracy"


def compare(arguments: Sequence[str]) -> int:
    """Group runs into arms by the settings in which they differ, and test whether one arm is better.

    A CSV file with the columns arm, score, and seed, row or fold can hold scores of other programs, such as PyTorch.
    """
    parsed = _words(compare.__doc__).parse_args(arguments)
    if any(_is_file(name) for name in parsed.runs):
        return _scores(parsed)
    for name in ("lower_is_better", "n_train", "n_test"):
        if getattr(parsed, name):
            raise ConfigError(f"--{name.replace('_', '-')} applies to one CSV file of scores, not to runs.")
    from mlexp.comparisons import past_runs
    from mlexp.comparisons.words.terminal import show

    settings = {name: getattr(parsed, name) for name in past_runs.ASKED}
    paths = [find(name, parsed.outputs) for name in parsed.runs]
    node = past_runs.asked(settings, "--")
    with reading(paths[0] if len(paths) == 1 else Path("One of " + ", ".join(map(str, paths)))):
        done = past_runs.compare(
            paths,
            node,
            by=parsed.by.split(",") if parsed.by else [],
            best_of=parsed.best_of,
            save=Path(parsed.save) if parsed.save else None,
            command=["mlexp", "compare", *arguments],
        )
    _tell(done, parsed.save)
    if parsed.quiet:
        print(done.info["answer"][0])
        return 0
    show(done, parsed.save or "", details=parsed.details)
    return 0


def _words(description: str | None) -> ArgumentParser:
    words = parser("compare", description, EXAMPLE, "the answer")
    words.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="folders of runs or sweeps, tasks, or latest; or one CSV file of scores",
    )
    words.add_argument(
        "--by",
        metavar="KEY[,KEY]",
        help="keys that define the arms (default: all that differ); other keys are blocks",
    )
    words.add_argument(
        "--best-of",
        choices=("validation",),
        help="compare each arm at its best remaining settings by validation score, instead of within blocks",
    )
    words.add_argument("--metric", metavar="SET.NAME", help="metric to compare (by kind: test.accuracy)")
    tests = ("auto", *TESTS)
    words.add_argument("--test", default="auto", choices=tests, help="statistical test (by the design)")
    words.add_argument("--alpha", type=float, default=0.05, help="significance level over all pairs (0.05)")
    words.add_argument("--margin", type=float, help="equivalence margin: largest difference that is none")
    words.add_argument("--target", type=float, default=0.97, help="accuracy to count epochs until (0.97)")
    words.add_argument(
        "--details", action="store_true", help="also print the test, its scope of inference and all p-values"
    )
    words.add_argument("--lower-is-better", action="store_true", help="file of scores: lower is better")
    words.add_argument("--n-train", type=float, help="file of scores: training samples per fold")
    words.add_argument("--n-test", type=float, help="file of scores: test samples per fold")
    words.add_argument("--save", metavar="DIR", help="new folder for comparison.json, tables and figures")
    add_outputs(words)
    return words


def _tell(done: Analysis, folder: str | None = None) -> None:
    from mlexp.report.facts import of_comparison

    tell(folder=folder, comparison=of_comparison(done.info))


def _is_file(name: str) -> bool:
    """Return whether a word names a file of scores, be it one that is not there."""
    missing = not os.path.exists(name)  # as is what can be no path at all
    return os.path.isfile(name) or (missing and name.lower().endswith((".csv", ".csv.gz", ".tsv")))


def _scores(parsed: Namespace) -> int:
    """Compare the scores of one file, and print the answer."""
    for name, unset in (("by", None), ("best_of", None), ("save", None), ("target", 0.97)):
        if getattr(parsed, name) != unset:
            raise ConfigError(
                f"--{name.replace('_', '-')} applies to runs, not to a file of scores: nothing is written for those."
            )
    if len(parsed.runs) > 1:
        raise ConfigError(f"Name one file of scores, or runs alone. Got {', '.join(parsed.runs)}.")
    from mlexp.comparisons import past_runs, scores
    from mlexp.comparisons.words.terminal import show

    node = past_runs.asked({name: getattr(parsed, name) for name in ("test", "alpha", "margin")}, "--")
    metric = parsed.metric.rpartition(".")[2] if parsed.metric else None
    done = scores.compare(
        Path(parsed.runs[0]),
        node,
        metric=metric,
        higher_is_better=False if parsed.lower_is_better else None,
        n_train=parsed.n_train,
        n_test=parsed.n_test,
    )
    _tell(done)
    if parsed.quiet:
        print(done.info["answer"][0])
        return 0
    show(done, "", details=parsed.details)
    return 0
