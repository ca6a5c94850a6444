"""``mlexp explain``: what a key or a choice means; ``mlexp schema``: all keys for an editor."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlexp.config.editor import dataset_schema, task_schema
from mlexp.config.groups import config_folder, files, header
from mlexp.config.messages import unknown_key
from mlexp.config.names import GROUPS
from mlexp.config.rules import as_typed, nearest
from mlexp.config.schema import declared, default
from mlexp.errors import ConfigError
from mlexp.verbs import parser
from mlexp.verbs.machine import tell


def explain(arguments: Sequence[str]) -> int:
    """Explain keys (model.patience), nodes (model) and choices (task=mnist_mlp)."""
    example = "mlexp explain model.patience\n  mlexp explain task=mnist_mlp"
    words = parser("explain", explain.__doc__, example)
    words.add_argument("name", metavar="KEY", nargs="+", help="key, node, or GROUP=CHOICE")
    words.add_argument("--config-dir", metavar="DIR", help="folder of your own task and data set files")
    parsed = words.parse_args(arguments)
    found = {name: _explained(name, config_folder(parsed.config_dir)) for name in parsed.name}
    tell(explained=found)
    print("\n\n".join(found.values()))
    return 0


def schema(arguments: Sequence[str]) -> int:
    """Print the JSON Schema of task or data set files, by which an editor completes, explains and checks them."""
    example = "mlexp schema > mlexp.schema.json\n  mlexp schema dataset > dataset.schema.json"
    words = parser("schema", schema.__doc__, example)
    words.add_argument(
        "group", nargs="?", choices=("task", "dataset"), default="task", help="whose files (task)"
    )
    made = dataset_schema() if words.parse_args(arguments).group == "dataset" else task_schema()
    tell(schema=made)
    print(json.dumps(made, indent=1, ensure_ascii=False))
    return 0


def _explained(name: str, config_dir: str | None) -> str:
    group, given, choice = name.partition("=")
    if given and group in GROUPS:
        choices = {file.stem: file for file in files(group, config_dir)}
        if choice not in choices:
            raise ConfigError(
                f"{group}={choice} names no choice.{nearest(choice, choices)} There are: {', '.join(choices)}."
            )
        return "\n  ".join([name, *header(choices[choice])])
    keys = declared()
    if group in keys:
        entry = keys[group]
        return (
            f"{group}\n  {entry.metadata['meaning']}\n  allowed: {entry.metadata['rule'].allowed}\n"
            f"  default: {as_typed(default(entry))}"
        )
    inside = {key: entry for key, entry in keys.items() if key.startswith(f"{group}.")}
    if not inside:
        raise ConfigError(unknown_key(group))
    width = max(map(len, inside))
    return "\n".join(f"{key:{width}}  {entry.metadata['meaning']}" for key, entry in inside.items())
