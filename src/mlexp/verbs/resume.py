"""``mlexp resume``: resume an interrupted run or sweep."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mlexp.config import yamltext
from mlexp.errors import MlexpError
from mlexp.store import Run, Sweep, find
from mlexp.verbs import add_run, add_settings, parser
from mlexp.verbs.machine import tell_done, tell_failed

EXAMPLES = """mlexp resume outputs/mnist_mlp/latest
  mlexp resume mnist_mlp execution=dask execution.scheduler=tcp://10.0.0.2:8786"""


def resume(arguments: Sequence[str]) -> int:
    """Resume an interrupted run or sweep; it ends with the same bytes as an uninterrupted one."""
    words = parser("resume", resume.__doc__, EXAMPLES, "the folder")
    add_run(words)
    add_settings(words)
    parsed = words.parse_intermixed_args(arguments)
    path = find(parsed.run, parsed.outputs)
    _say_where(path, parsed.settings)
    from mlexp import dispatch
    from mlexp.config import conditions

    command = ["mlexp", "resume", parsed.run, *parsed.settings]
    wanted = conditions.of(yamltext.read(path / "config.yaml")["expect"])
    try:
        done = dispatch.resume(path, command=command, verbosity=parsed.quiet, settings=parsed.settings)
        if not isinstance(done, Run) and (error := done.error()) is not None:
            raise error
    except (MlexpError, KeyboardInterrupt):
        tell_failed(path)
        raise
    tell_done(path, wanted)
    return 0


def _say_where(path: Path, settings: Sequence[str]) -> None:
    """Say that what ran on other machines is resumed on this one, unless a place is typed.

    A record may come from a stranger: it is not trusted to say where to connect or what to submit.
    """
    if Sweep.is_at(path):
        ran_on = Sweep.open(path).info["execution"].get("backend")
    else:
        file = path / "config.yaml"
        ran_on = (
            dict(yamltext.leaves(yamltext.read(file))).get("execution.backend") if file.exists() else None
        )
    if ran_on in ("dask", "slurm") and not any(word.startswith("execution") for word in settings):
        where = {"dask": "execution=dask execution.scheduler=tcp://HOST:PORT", "slurm": "execution=slurm"}[
            ran_on
        ]
        print(
            f"mlexp: this ran on {ran_on} and is resumed on this machine. To resume it there: mlexp resume {path} "
            f"{where}",
            file=sys.stderr,
        )
