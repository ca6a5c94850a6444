"""Configurations as YAML text that OmegaConf reads back as they were."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import yaml

from mlexp.errors import DataError
from mlexp.schema import Config
from mlexp.untrusted import read_bytes


def read(path: Path) -> dict[str, Any]:
    """Return the configuration that `dumped` wrote, its values not checked.

    Raises
    ------
    DataError
        If the file is not whole: it cannot be read, or a key or node of the top level is missing.
    """
    try:
        values = yaml.load(read_bytes(path).decode(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise DataError(f"{path} is damaged: {' '.join(str(error).split())}. Run the task again.") from error
    found = {str(name): value for name, value in values.items()} if isinstance(values, dict) else {}
    for name, default in vars(Config()).items():
        if name not in found or (is_dataclass(default) and not isinstance(found[name], dict)):
            raise DataError(f"{path} is damaged: it holds no {name}. Run the task again.")
    return found


def leaves(
    values: Mapping[str, Any], whole: Container[str] = (), prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield the full path of each key and its value; a mapping whose path is in `whole` is a value.

    Examples
    --------
    >>> dict(leaves({"model": {"l2": 0.1, "params": {"C": 2}}, "seed": 3}, whole=["model.params"]))
    {'model.l2': 0.1, 'model.params': {'C': 2}, 'seed': 3}
    """
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and path not in whole:
            yield from leaves(value, whole, f"{path}.")
        else:
            yield path, value


def dumped(values: Mapping[str, Any]) -> str:
    """Return plain values as YAML that OmegaConf reads back as they were."""
    return str(
        yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False)
    )


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes what OmegaConf reads back as it was: it takes 1e5 for a number, YAML does not."""

    def represent_text(self, text: str) -> Any:
        """Put text that looks like a number between quotes."""
        style = "'" if re.fullmatch(r"[-+]?[\d._]+(e[-+]?\d+)?", text, re.IGNORECASE) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def ignore_aliases(self, data: Any) -> bool:
        """Write a list out wherever it stands."""
        return True


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_multi_representer(dict, yaml.SafeDumper.represent_dict)
