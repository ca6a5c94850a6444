"""What is drawn of a folder and stands on its page: the node `page` of its configuration, or what is typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlexp.config import yamltext

MAIN_FIGURES = 6  # of a page, before anybody asks for more
FORMATS = ("png", "pdf", "svg")


@dataclass(frozen=True)
class Wanted:
    """What is asked of the figures of a folder.

    Attributes
    ----------
    most : draw the most important figures only, up to this number; None: all that the folder allows
    formats : file formats of each figure; png is drawn always, since the page shows it
    title : whether the headline stands within the figure
    living : whether the page computes, see `page.living`; None: as the run recorded it
    """

    most: int | None = None
    formats: tuple[str, ...] = FORMATS[:1]
    title: bool = True
    living: bool | None = None


ALL = Wanted()


def wanted(folder: Path, typed: Mapping[str, Any] | None = None) -> Wanted:
    """Return what the record of a folder and the keys of `page` that were typed ask for; the record is not trusted."""
    path = folder / "config.yaml"
    recorded = (yamltext.read(path) if path.exists() else {}).get("page")
    asked = {**(recorded if isinstance(recorded, Mapping) else {}), **(typed or {})}
    listed = asked.get("format")
    formats = tuple(name for name in FORMATS if isinstance(listed, list) and name in listed)
    return Wanted(
        None if asked.get("figures") == "all" else MAIN_FIGURES,
        formats or FORMATS[:1],
        asked.get("title") is not False,
        living if isinstance(living := (typed or {}).get("living"), bool) else None,
    )
