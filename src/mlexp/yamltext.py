"""Configurations as YAML text that OmegaConf reads back as they were."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml


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
