"""``mlexp report``: rebuild report and figures of a run, sweep or comparison; or write an index of all runs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlexp.config.untrusted import printable, reading
from mlexp.errors import ConfigError
from mlexp.store import find, inside
from mlexp.verbs import add_outputs, parser
from mlexp.verbs.machine import tell


def report(arguments: Sequence[str]) -> int:
    """Rebuild report and figures of runs, sweeps or comparisons from their folders, without training."""
    example = (
        "mlexp report outputs/mnist_mlp/latest\n  mlexp report latest page.format=[pdf] page.title=false"
        "\n  mlexp report --all"
    )
    words = parser("report", report.__doc__, example, "the report files")
    words.add_argument(
        "run",
        metavar="RUN",
        nargs="*",
        help="folder, name of a task (its newest run), or latest; also settings of the node page: "
        "page.figures=main, page.format=[pdf], page.title=false, page.living=false",
    )
    words.add_argument(
        "--runs", action="store_true", help="sweep or comparison: also rebuild the reports of its jobs"
    )
    words.add_argument("--all", action="store_true", help="write DIR/index.html, an index of all runs in DIR")
    add_outputs(words)
    parsed = words.parse_intermixed_args(arguments)
    typed = [word for word in parsed.run if re.match(r"[\w.+~]+=", word) and not Path(word).exists()]
    names = [word for word in parsed.run if word not in typed]
    if not names and not parsed.all:
        raise ConfigError(
            "mlexp report needs a RUN, such as outputs/TASK/latest, or --all. See mlexp report --help."
        )
    from mlexp.report.index import write_index

    asked = {"figures": "all"}
    if typed:
        from mlexp.config.recorded import page_typed

        asked |= page_typed(typed)
    pages = [page for name in names for page in _rebuilt(find(name, parsed.outputs), asked, parsed)]
    if parsed.all:
        pages.append(write_index(Path(parsed.outputs)))
        print(printable(str(pages[-1])))
    tell(pages=pages)
    return 0


def _rebuilt(folder: Path, asked: Mapping[str, Any], parsed: argparse.Namespace) -> list[Path]:
    """Redraw a folder, and with --runs those inside it; print where the pages are, and return that."""
    from mlexp.drawing.wanted import wanted
    from mlexp.report import redraw, write

    below = inside(folder) if parsed.runs else []
    if below:
        with reading(folder):
            write(folder)  # for the pages below to point to; again at the end, when it can point to them
    for path in [*below, folder]:
        with reading(path):
            written = redraw(path, wanted(path, asked))
        count = len({file.stem for file in written} - {"report"})
        print(printable(f"{path / 'report.html'}{'' if parsed.quiet else f'  ({count} figures)'}"))
    return [path / "report.html" for path in (*below, folder)]
