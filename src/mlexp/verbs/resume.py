"""``mlexp resume``: go on with a run or sweep."""

from __future__ import annotations

from collections.abc import Sequence

from mlexp.verbs import parser
from mlexp.verbs.naming import add_quiet, add_run, found


def resume(arguments: Sequence[str]) -> int:
    """Go on with a run or sweep that was stopped or killed; ends with the same bytes as had it never stopped."""
    words = parser("resume", resume.__doc__, "mlexp resume outputs/mnist_mlp/latest")
    add_run(words)
    add_quiet(words)
    parsed = words.parse_args(arguments)
    path = found(parsed.run, parsed.outputs)
    if (path / "sweep.json").exists():
        from mlexp import comparison_folder, comparisons, sweeps

        again = comparisons.resume if comparison_folder.is_one(path) else sweeps.resume
        error = again(path, verbosity=parsed.quiet).error()
        if error is not None:
            raise error
        return 0
    from mlexp import app
    from mlexp.terminal import Terminal

    app.resume(path, command=["mlexp", "resume", parsed.run], terminal=Terminal(parsed.quiet))
    return 0
