"""The declared keys for editors: a JSON Schema of task files, by which they complete, explain and check."""

from __future__ import annotations

import dataclasses
from typing import Any

from mlexp.config.groups import offered
from mlexp.config.names import GROUPS
from mlexp.config.schema import Config, Dataset, default

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = {"type": "string", "pattern": r"^\$\{[\w.]+\}$"}  # ${seed}: the value of another key


def task_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a file of one's own in ``task/``.

    It accepts what the program accepts, and some files that the program refuses with a reason: what depends on
    several keys, on the model or on the data is not in it.
    """
    return {
        "$schema": DRAFT,
        "title": "mlexp task",
        "description": "A study: data set, split, preparation, model and what is done with them.",
        **_node(Config),
        "properties": {"defaults": _defaults(), **_node(Config)["properties"]},
    }


def dataset_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of one's own in ``dataset/``: the keys of the node ``dataset``."""
    return {
        "$schema": DRAFT,
        "title": "mlexp data set",
        "description": "How a data set is read.",
        **_node(Dataset),
    }


def _node(node: type) -> dict[str, Any]:
    properties = {}
    for entry in dataclasses.fields(node):
        inner = entry.default_factory
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            properties[entry.name] = _node(inner) | {"description": str(inner.__doc__).partition("\n")[0]}
            continue
        rule = entry.metadata["rule"]
        alternatives = rule.schema.get("anyOf", [rule.schema])
        properties[entry.name] = {
            "description": f"{entry.metadata['meaning']}. Allowed: {rule.allowed}.",
            "default": default(entry),
            "anyOf": [*alternatives, REFERENCE],
        }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _defaults() -> dict[str, Any]:
    """Return the schema of the list by which a task takes the files of other groups."""
    groups = {
        f"override /{group}": {"anyOf": [{"enum": sorted(offered(group))}, {"type": "string"}]}
        for group in GROUPS
        if group != "task"
    }
    entry = {"type": "object", "additionalProperties": False, "properties": groups, "maxProperties": 1}
    return {
        "description": "Files of other groups that this study takes, such as - override /dataset: mnist",
        "type": "array",
        "items": {"anyOf": [{"type": "string"}, entry]},
    }
