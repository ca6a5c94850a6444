"""``mlexp compare``: is one setting better than another, from runs that are there already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlexp.errors import ConfigError
from mlexp.names import TESTS
from mlexp.schema import declared
from mlexp.studies import Comparison
from mlexp.verbs import parser
from mlexp.verbs.naming import found

EXAMPLE = "mlexp compare outputs/mnist_mlp/latest --by model.activation --metric test.accuracy"
CHECKED = ("alpha", "margin", "target")


def compare(arguments: Sequence[str]) -> int:
    """Put runs into arms by what differs between them, and test whether one arm is better."""
    words = parser("compare", compare.__doc__, EXAMPLE)
    words.add_argument("runs", nargs="+", metavar="RUN", help="folders of runs or sweeps, tasks, or latest")
    words.add_argument("--by", metavar="KEY[,KEY]", help="keys that tell the arms apart (what differs)")
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
    words.add_argument("--save", metavar="DIR", help="new folder for comparison.json, tables and figures")
    words.add_argument(
        "--outputs", default="outputs", metavar="DIR", help="where names are looked for (outputs)"
    )
    parsed = words.parse_args(arguments)
    for name in CHECKED:
        rule = declared()[f"comparison.{name}"].metadata["rule"]
        if not rule.accepts(getattr(parsed, name)):
            raise ConfigError(rule.complaint(f"--{name}", getattr(parsed, name)))
    folder = _new(parsed.save)
    from mlexp.comparisons import analysis, existing
    from mlexp.comparisons.show import show

    node = Comparison(
        metric=parsed.metric, test=parsed.test, alpha=parsed.alpha, margin=parsed.margin, target=parsed.target
    )
    paths = [found(name, parsed.outputs) for name in parsed.runs]
    by = parsed.by.split(",") if parsed.by else []
    done = existing.compare(paths, node, by=by, folder=folder)
    if folder is not None:
        analysis.write(done, folder, {"command": ["mlexp", "compare", *arguments]}, figures=True)
    show(done, str(folder or ""))
    return 0


def _new(name: str | None) -> Path | None:
    """Return the folder to write into; one that holds something already is not overwritten."""
    if name is None:
        return None
    if Path(name).exists() and (not Path(name).is_dir() or any(Path(name).iterdir())):
        raise ConfigError(f"--save {name} is there already. Name a new folder.")
    return Path(name)
