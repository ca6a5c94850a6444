"""``mlexp report``: rebuild report and figures of a run, sweep or comparison; or write an index of all runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlexp.config.untrusted import printable, reading
from mlexp.errors import ConfigError
from mlexp.store import find, inside
from mlexp.verbs import add_outputs, parser


def report(arguments: Sequence[str]) -> int:
    """Rebuild report and figures of runs, sweeps or comparisons from their folders, without training."""
    example = "mlexp report outputs/mnist_mlp/latest\n  mlexp report --all"
    words = parser("report", report.__doc__, example, "the report files")
    words.add_argument(
        "run", metavar="RUN", nargs="*", help="folder, name of a task (its newest run), or latest"
    )
    words.add_argument(
        "--runs", action="store_true", help="sweep or comparison: also rebuild the reports of its jobs"
    )
    words.add_argument("--all", action="store_true", help="write DIR/index.html, an index of all runs in DIR")
    add_outputs(words)
    parsed = words.parse_args(arguments)
    if not parsed.run and not parsed.all:
        raise ConfigError(
            "mlexp report needs a RUN, such as outputs/TASK/latest, or --all. See mlexp report --help."
        )
    from mlexp.report import redraw, write, write_index

    for name in parsed.run:
        folder = find(name, parsed.outputs)
        below = inside(folder) if parsed.runs else []
        if below:
            with reading(folder):
                write(folder)  # for the pages below to point to; again at the end, when it can point to them
        for path in [*below, folder]:
            with reading(path):
                written = redraw(path)
            count = "" if parsed.quiet else f"  ({len(written) - 2} figures)"
            print(printable(f"{path / 'report.html'}{count}"))
    if parsed.all:
        print(printable(str(write_index(Path(parsed.outputs)))))
    return 0
