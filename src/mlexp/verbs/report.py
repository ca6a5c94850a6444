"""``mlexp report``: redraw the pictures of a run, sweep or comparison and write its page; or list all runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlexp.errors import ConfigError
from mlexp.verbs import parser
from mlexp.verbs.naming import found


def report(arguments: Sequence[str]) -> int:
    """Redraw pictures and page of runs, sweeps or comparisons from their folders; nothing is fitted again."""
    example = "mlexp report outputs/mnist_mlp/latest\n  mlexp report --all"
    words = parser("report", report.__doc__, example)
    words.add_argument(
        "run", metavar="RUN", nargs="*", help="a folder, the name of a task (its newest), or latest"
    )
    words.add_argument(
        "--runs", action="store_true", help="of a sweep or comparison: the pages of its jobs too"
    )
    words.add_argument(
        "--all", action="store_true", help="write DIR/index.html, a list of every run below DIR"
    )
    words.add_argument(
        "--outputs", default="outputs", metavar="DIR", help="where runs are looked for (outputs)"
    )
    parsed = words.parse_args(arguments)
    if not parsed.run and not parsed.all:
        raise ConfigError(
            "mlexp report needs a RUN, such as outputs/TASK/latest, or --all. See mlexp report --help."
        )
    from mlexp.report import redraw, write_index

    for name in parsed.run:
        folder = found(name, parsed.outputs)
        _show(redraw(folder))
        jobs = [file.parent for file in sorted(folder.glob("runs/*/run.json"))] if parsed.runs else []
        for job in jobs:
            _show(redraw(job))
        if jobs:
            redraw(folder)  # now that there are pages to point to
    if parsed.all:
        print(write_index(Path(parsed.outputs)))
    return 0


def _show(written: Sequence[Path]) -> None:
    """Name the page, and count the pictures that were drawn for it."""
    (page,) = [path for path in written if path.suffix == ".html"]
    print(f"{page}  ({len(written) - 2} pictures)")
