"""``mlexp resume``: go on with a run or sweep."""

from __future__ import annotations

from collections.abc import Sequence

from mlexp.verbs import parser
from mlexp.verbs.naming import add_quiet, add_run, found

EXAMPLES = """mlexp resume outputs/mnist_mlp/latest
  mlexp resume mnist_mlp execution=dask execution.scheduler=tcp://10.0.0.2:8786"""


def resume(arguments: Sequence[str]) -> int:
    """Go on with a run or sweep that was stopped or killed; ends with the same bytes as had it never stopped."""
    words = parser("resume", resume.__doc__, EXAMPLES)
    add_run(words)
    words.add_argument(
        "settings",
        nargs="*",
        metavar="key=value",
        help="what counts only where it is typed: execution=dask ..., trusted_packages=[mine], tracking.uri=...",
    )
    add_quiet(words)
    parsed = words.parse_intermixed_args(arguments)
    path = found(parsed.run, parsed.outputs)
    if (path / "sweep.json").exists():
        from mlexp import comparison_folder, comparisons, sweeps

        again = comparisons.resume if comparison_folder.is_one(path) else sweeps.resume
        error = again(path, verbosity=parsed.quiet, settings=parsed.settings).error()
        if error is not None:
            raise error
        return 0
    from mlexp import app
    from mlexp.terminal import Terminal

    command = ["mlexp", "resume", parsed.run, *parsed.settings]
    app.resume(path, command=command, terminal=Terminal(parsed.quiet), settings=parsed.settings)
    return 0
