"""``mlexp report``: redraw the pictures of a run, sweep or comparison and write its page; or list all runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlexp.config.untrusted import printable, reading
from mlexp.errors import ConfigError
from mlexp.store import find, is_recorded
from mlexp.verbs import add_outputs, parser

# folders inside that have a page of their own: jobs of a sweep, trials of a tuning, tuning of the arms of a comparison
BELOW = ("runs/*", "trials/runs/*", "trials", "tuning/*/trials/runs/*", "tuning/*/trials", "tuning/*")


def report(arguments: Sequence[str]) -> int:
    """Redraw pictures and page of runs, sweeps or comparisons from their folders; nothing is fitted again."""
    example = "mlexp report outputs/mnist_mlp/latest\n  mlexp report --all"
    words = parser("report", report.__doc__, example, "the pages")
    words.add_argument(
        "run", metavar="RUN", nargs="*", help="a folder, the name of a task (its newest), or latest"
    )
    words.add_argument(
        "--runs", action="store_true", help="of a sweep or comparison: the pages of its jobs too"
    )
    words.add_argument(
        "--all", action="store_true", help="write DIR/index.html, a list of every run below DIR"
    )
    add_outputs(words)
    parsed = words.parse_args(arguments)
    if not parsed.run and not parsed.all:
        raise ConfigError(
            "mlexp report needs a RUN, such as outputs/TASK/latest, or --all. See mlexp report --help."
        )
    from mlexp.report import redraw, write, write_index

    for name in parsed.run:
        folder = find(name, parsed.outputs)
        inside = [path for part in BELOW for path in sorted(folder.glob(part)) if is_recorded(path)]
        below = inside if parsed.runs else []
        if below:
            with reading(folder):
                write(folder)  # for the pages below to point to; again at the end, when it can point to them
        for path in [*below, folder]:
            with reading(path):
                written = redraw(path)
            pictures = "" if parsed.quiet else f"  ({len(written) - 2} pictures)"
            print(printable(f"{path / 'report.html'}{pictures}"))
    if parsed.all:
        print(printable(str(write_index(Path(parsed.outputs)))))
    return 0
