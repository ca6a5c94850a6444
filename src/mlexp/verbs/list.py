"""``mlexp list``: what can be named, and what was run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mlexp.untrusted import printable
from mlexp.verbs import parser

GROUPS = {
    "tasks": "task",
    "datasets": "dataset",
    "models": "model",
    "sizes": "size",
    "tunings": "tune",
    "executions": "execution",
    "trackings": "tracking",
}
EXAMPLES = """mlexp list tasks
  mlexp list runs --task mnist_mlp --status completed model.activation=relu
  mlexp list runs --csv > runs.csv"""


def list_verb(arguments: Sequence[str]) -> int:
    """Print what can be named, one line each; or what was run, newest first."""
    words = parser("list", list_verb.__doc__, EXAMPLES)
    words.add_argument("what", nargs="?", choices=[*GROUPS, "runs"], help="one kind; all names if left out")
    words.add_argument("--config-dir", metavar="DIR", help="list the files of this folder too")
    runs = words.add_argument_group("runs")
    runs.add_argument(
        "filters", nargs="*", metavar="key=value", help="only runs with this value in their configuration"
    )
    runs.add_argument("--task", help="only runs of this task")
    runs.add_argument("--status", help="only completed, failed, diverged, interrupted or running ones")
    runs.add_argument("--jobs", action="store_true", help="the runs within sweeps too")
    runs.add_argument(
        "--outputs", default="outputs", metavar="DIR", help="where runs are looked for (outputs)"
    )
    form = runs.add_mutually_exclusive_group()
    form.add_argument("--csv", dest="form", action="store_const", const="csv", help="as CSV")
    form.add_argument("--json", dest="form", action="store_const", const="json", help="as JSON")
    parsed = words.parse_intermixed_args(arguments)
    return _runs(parsed) if parsed.what == "runs" else _names(parsed.what, parsed.config_dir)


def _names(wanted: str | None, config_dir: str | None) -> int:
    from mlexp.choices import offered

    for what, group in GROUPS.items():
        if wanted in (None, what):
            entries = offered(group, config_dir)
            if wanted is None:
                print(f"{what} ({group}=NAME)")
            for name, meaning in entries.items():
                print(f"{'' if wanted else '  '}{name:<18} {meaning}")
    return 0


def _runs(parsed: argparse.Namespace) -> int:
    from mlexp.verbs import runs

    found = runs.entries(Path(parsed.outputs), task=parsed.task, jobs=parsed.jobs)
    rows = [one.row() for one in runs.chosen(found, parsed.status, parsed.filters)]
    if parsed.form:
        print(printable((runs.as_csv if parsed.form == "csv" else runs.as_json)(rows)), end="")
        return 0
    for row in rows:
        metric = f"{row['metric']} {row['value']:.4g}" if row["metric"] else ""
        seconds = "" if row["seconds"] is None else f"{row['seconds']:.1f} s"
        line = f"{row['started']}  {row['status']:<11} {row['kind']:<5} {metric:<28} {seconds:>9}  {row['folder']}"
        print(printable(" ".join(line.split("\n"))))
    if not rows:
        print(
            f"No such run in {parsed.outputs}. There are {len(found)} in all; another place: --outputs DIR."
        )
    return 0
