"""What there is in the outputs folder, kept between two looks: a folder is read again when its records have changed."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mlexp import system
from mlexp.report import index
from mlexp.report.index import Listed
from mlexp.store.stamp import RECORDS
from mlexp.web.asked import Columns
from mlexp.web.places import address_of

SIGNED = (*RECORDS, "question.json", "why.json", "metrics.json", "summary.csv", "tuning.json")
FRESH = 0.5  # seconds for which a look serves everybody who asks
DEEPEST = 12  # folders within folders
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Row:
    """A folder of a run, a sweep, a search or a comparison in the list.

    Attributes
    ----------
    place : its address below the outputs folder
    listed : what the index of all runs says of it
    own : the typed settings that not every single run of its task has
    """

    place: str
    listed: Listed
    own: str = ""

    @cached_property
    def text(self) -> str:
        """What a search in the list looks at, in lower case."""
        one = self.listed
        reasons = [one.problem, *(lost.reason for lost in one.failures)]
        words = [one.task, one.kind, one.status, *one.typed, one.varied, *one.answer, *reasons, self.place]
        return " ".join(words).lower()


COLUMNS: Columns[Row] = {
    "task": lambda row: row.listed.task,
    "kind": lambda row: row.listed.kind,
    "score": lambda row: row.listed.scored[0],
    "metric": lambda row: f"{row.listed.scored[2]} {row.listed.scored[1]}".strip(),
    "status": lambda row: row.listed.status,
    "started": lambda row: row.listed.started,
    "time": lambda row: "" if row.listed.seconds is None else repr(row.listed.seconds),
    "settings": lambda row: row.own,
}
CHOSEN_BY = ("task", "kind", "status")
HEADS = ("task", "score", "metric", "status", "started", "time", "settings")


class Listing:
    """The list of an outputs folder."""

    def __init__(self, outputs: Path) -> None:
        self.outputs = outputs
        self._known: dict[Path, tuple[Signature, Listed]] = {}
        self._busy = threading.Lock()
        self._looked = float("-inf")
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        """Return all folders, newest first."""
        with self._busy:
            if time.monotonic() - self._looked > FRESH:
                self._rows = self._look()
                self._looked = time.monotonic()
            return self._rows

    def seen(self) -> str:
        """Return a word that changes when the list does."""
        text = "\n".join(
            f"{row.place} {row.listed.status} {row.listed.count} {row.text}" for row in self.rows()
        )
        return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]

    def _look(self) -> list[Row]:
        known = {}
        for folder, files, signature in _recorded(self.outputs):
            before = self._known.get(folder)
            if before is not None and before[0] == signature and before[1].status != "running":
                known[folder] = before
            elif (found := index.listed(self.outputs, folder, files)) is not None:
                known[folder] = (signature, found)
        if known.keys() == self._known.keys() and all(known[place] is self._known[place] for place in known):
            return self._rows
        self._known = known
        rows = [Row(address_of(self.outputs, folder), listed) for folder, (_, listed) in known.items()]
        return with_own(sorted(rows, key=lambda row: (row.listed.started, row.place), reverse=True))


def with_own(rows: list[Row]) -> list[Row]:
    """Return the rows with the settings that tell single runs of one task apart."""
    shared = index.shared_settings([row.listed for row in rows if row.listed.kind == "run"])
    return [
        Row(
            row.place,
            row.listed,
            " ".join(index.own_settings(row.listed, shared)) if row.listed.kind == "run" else "",
        )
        for row in rows
    ]


def _recorded(outputs: Path) -> Iterator[tuple[Path, list[str], Signature]]:
    """Yield the folders that hold a record, with the files there and their signature; what is inside them is not."""
    waiting = [(outputs, 0)]
    while waiting:
        here, depth = waiting.pop()
        files, folders, signature = [], [], []
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if system.is_plain_folder(entry):
                        folders.append(here / entry.name)
                    elif entry.is_file(follow_symlinks=False):
                        files.append(entry.name)
                        if entry.name in SIGNED:
                            found = entry.stat(follow_symlinks=False)
                            signature.append((entry.name, found.st_mtime_ns, found.st_size))
        except OSError:  # removed, or not ours to read
            continue
        if set(RECORDS) & set(files) and here != outputs:
            yield here, files, tuple(sorted(signature))
        elif depth < DEEPEST:
            waiting += [(folder, depth + 1) for folder in folders if not folder.name.startswith(".")]
