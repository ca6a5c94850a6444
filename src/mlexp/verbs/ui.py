"""``mlexp ui``: watch, compare and explore runs in the browser."""

from __future__ import annotations

import contextlib
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from mlexp.errors import ConfigError
from mlexp.verbs import add_outputs, parser
from mlexp.verbs.machine import is_listening

EXAMPLE = "mlexp ui\n  mlexp ui --outputs results --port 8700 --no-browser"


def ui(arguments: Sequence[str]) -> int:
    """Show the runs of a folder in the browser while they run: list, curves, comparisons, and a command builder.

    The page only reads: it starts, changes and deletes nothing. Its address holds a token; keep it to yourself.
    Ctrl-C ends the server, which no run notices.
    """
    words = parser("ui", ui.__doc__, EXAMPLE, "the address")
    words.add_argument("--port", type=int, help="port to listen at (default: 8600, or the next that is free)")
    words.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, this machine alone)"
    )
    words.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")
    add_outputs(words)
    parsed = words.parse_args(arguments)
    if is_listening():
        raise ConfigError("--json does not apply to ui, which is for people: see mlexp list runs --json.")
    from mlexp.web.server import served

    found = served(Path(parsed.outputs), parsed.host, parsed.port)
    if not parsed.quiet:
        print(f"Runs of {parsed.outputs} in the browser (Ctrl-C ends this; no run notices):")
    print(found.address, flush=True)
    if parsed.host not in ("127.0.0.1", "localhost", "::1"):
        print(
            f"mlexp: warning: {parsed.host} can be reached from other machines, and nothing is encrypted.",
            file=sys.stderr,
        )
    if sys.stdout.isatty() and not parsed.no_browser and not parsed.quiet:
        webbrowser.open(found.address)
    with contextlib.suppress(KeyboardInterrupt):
        found.run()
    return 0
