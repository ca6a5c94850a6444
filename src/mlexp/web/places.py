"""Which folder or file an address means: one below the outputs folder, reached through no link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mlexp import system
from mlexp.errors import DataError, shortened


class NoSuchPlace(DataError):
    """An address that means nothing below the outputs folder."""


def inside(outputs: Path, address: str) -> Path:
    """Return the folder or file that an address such as ``task/2026-11-28-ab/tables/x.csv`` means.

    Raises
    ------
    NoSuchPlace
        If it leads out of the outputs folder, over a link, or to nothing.
    """
    here = outputs
    for part in address.split("/"):
        if part in ("", ".", "..") or not _is_name(part):
            raise _none(address)
        here = here / part
        try:
            found = os.lstat(here)
        except (OSError, ValueError) as error:
            raise _none(address) from error
        plain = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
        if not plain or getattr(found, "st_reparse_tag", False):  # a junction of Windows leads elsewhere too
            raise _none(address)
    return here


def address_of(outputs: Path, folder: Path) -> str:
    """Return the address of a folder below the outputs folder."""
    return folder.relative_to(outputs).as_posix()


def _is_name(part: str) -> bool:
    """Return whether a part of an address is one name to this system."""
    return "\0" not in part and not (system.WINDOWS and set(part) & set('\\:*?"<>|'))


def _none(address: str) -> NoSuchPlace:
    return NoSuchPlace(f"There is no '{shortened(address)}' in this outputs folder.")
