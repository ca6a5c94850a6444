"""``mlexp export``: export the model of a run for other programs, or its configuration as a task."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlexp.errors import ConfigError
from mlexp.store import find_run
from mlexp.verbs import add_run, add_trust, parser

CHECKED_ROWS = 1000
NOT_OF_A_TASK = ("outputs", "data_dir", "sweep.", "execution.", "tracking.", "comparison.", "page.")
EXAMPLES = """mlexp export mnist_mlp --onnx model.onnx
  mlexp export latest --config studies/task/mine.yaml     then: mlexp --config-dir studies task=mine"""


def export(arguments: Sequence[str]) -> int:
    """Write the model of a run as ONNX, or its configuration as a task file that repeats it."""
    words = parser("export", export.__doc__, EXAMPLES, "the files that are written")
    add_run(words)
    words.add_argument(
        "--onnx",
        metavar="FILE",
        help="ONNX model that takes unprepared samples; checked against the run to 1e-5",
    )
    words.add_argument(
        "--config", metavar="FILE", help="task file with all settings that differ from the defaults"
    )
    add_trust(words)
    parsed = words.parse_args(arguments)
    path = find_run(parsed.run, parsed.outputs)
    if not (parsed.onnx or parsed.config):
        raise ConfigError("mlexp export needs --onnx FILE, --config FILE or both.")
    if parsed.config:
        said = _write_task(path, Path(parsed.config))
        print(parsed.config if parsed.quiet else said)
    if parsed.onnx:
        said = _write_onnx(path, Path(parsed.onnx), parsed.trust)
        print(parsed.onnx if parsed.quiet else said)
    return 0


def _write_onnx(path: Path, target: Path, trusted: Sequence[str]) -> str:
    """Write the model, and return a summary."""
    from mlexp.config import recorded
    from mlexp.runs import session
    from mlexp.store import Run, fitted, onnxfile
    from mlexp.store.files import write_bytes

    model = fitted.load(path, trusted)
    config = recorded.read(path / "config.yaml")
    X = session.load(recorded.relocated(config, Run.open(path).info.get("began_in"))).X[:CHECKED_ROWS]
    data, apart = onnxfile.exported(model, X)
    write_bytes(target, data)
    return f"{target}: {len(data) / 1e6:.2f} MB; largest difference from the run {apart:.1e} on {len(X):,} samples"


def _write_task(path: Path, target: Path) -> str:
    """Write the task file and return how to run it; refuse to leave one that does not give the same configuration."""
    from mlexp.config import compose as configuration
    from mlexp.config import recorded, schema, yamltext
    from mlexp.store.files import write_bytes

    if not re.fullmatch(r"[\w-]+\.ya?ml", target.name) or target.suffix != ".yaml":
        raise ConfigError(
            f"--config must be a .yaml file; its name becomes the name of the task. Got {target.name}."
        )
    wanted = recorded.read(path / "config.yaml")
    base = schema.flat(configuration.compose(["~task"]))
    differs = {
        key: value
        for key, value in schema.flat(wanted).items()
        if value != base[key] and not key.startswith(NOT_OF_A_TASK)
    }
    header = f"# @package _global_\n# Repeats the run {path.name} of {path.parent.name}.\n"
    command = f"#   mlexp --config-dir FOLDER task={target.stem}\n"
    write_bytes(target, (header + command + yamltext.dumped(nested(differs))).encode())
    if target.parent.name == "task":
        again = configuration.compose([f"task={target.stem}"], str(target.parent.parent))
        if recorded.config_hash(again) != recorded.config_hash(wanted):
            target.unlink()
            raise ConfigError(f"{path} cannot be written as a task file: composing it gives other settings.")
        return f"{target}: run it with mlexp --config-dir {target.parent.parent} task={target.stem}"
    return (
        f"{target}: put it into a folder named task, then mlexp --config-dir FOLDER_ABOVE task={target.stem}"
    )


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping of full key paths as mappings within mappings."""
    whole: dict[str, Any] = {}
    for key, value in flat.items():
        *parents, name = key.split(".")
        node = whole
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return whole
