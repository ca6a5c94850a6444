"""``mlexp compare``: is one setting better than another, from runs that are there already."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from mlexp.names import TESTS
from mlexp.untrusted import reading
from mlexp.verbs import parser
from mlexp.verbs.naming import found

EXAMPLE = "mlexp compare outputs/mnist_mlp/latest --by model.activation --metric test.accuracy"


def compare(arguments: Sequence[str]) -> int:
    """Put runs into arms by what differs between them, and test whether one arm is better."""
    parsed = _words().parse_args(arguments)
    from mlexp.comparisons import existing
    from mlexp.comparisons.show import show

    settings = {name: getattr(parsed, name) for name in existing.ASKED}
    paths = [found(name, parsed.outputs) for name in parsed.runs]
    node = existing.asked(settings, "--")
    with reading(paths[0] if len(paths) == 1 else Path("One of " + ", ".join(map(str, paths)))):
        done = existing.compare(
            paths,
            node,
            by=parsed.by.split(",") if parsed.by else [],
            best_of=parsed.best_of,
            save=Path(parsed.save) if parsed.save else None,
            command=["mlexp", "compare", *arguments],
        )
    if parsed.quiet:
        print(done.info["answer"][0])
        return 0
    show(done, parsed.save or "", details=parsed.details)
    return 0


def _words() -> ArgumentParser:
    words = parser("compare", compare.__doc__, EXAMPLE, "the answer")
    words.add_argument("runs", nargs="+", metavar="RUN", help="folders of runs or sweeps, tasks, or latest")
    words.add_argument(
        "--by", metavar="KEY[,KEY]", help="keys that tell the arms apart (what differs); others are blocks"
    )
    words.add_argument(
        "--best-of",
        choices=("validation",),
        help="compare each arm at its best other settings by the validation set, instead of within blocks",
    )
    words.add_argument(
        "--metric", metavar="PART.NAME", help="what is compared (by kind of study: test.accuracy)"
    )
    words.add_argument(
        "--test", default="auto", choices=("auto", *TESTS), help="test (what the design asks for)"
    )
    words.add_argument("--alpha", type=float, default=0.05, help="false alarms among all pairs (0.05)")
    words.add_argument(
        "--margin", type=float, help="largest difference that counts as none; asks for equivalence"
    )
    words.add_argument("--target", type=float, default=0.97, help="accuracy whose epoch is looked for (0.97)")
    words.add_argument(
        "--details", action="store_true", help="also print the test, its scope of inference and all p values"
    )
    words.add_argument("--save", metavar="DIR", help="new folder for comparison.json, tables and figures")
    words.add_argument(
        "--outputs", default="outputs", metavar="DIR", help="where names are looked for (outputs)"
    )
    return words
