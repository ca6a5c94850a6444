"""The folder of a sweep: its plan, the run folders of its jobs, and the table of what they found.

outputs/<task>/<time>-<hash>/
  sweep.json    status, command, swept keys; one configuration and what each job changes in it
  runs/003-<hash>/    a complete run folder a job
  set_aside/    runs of other data or settings than those of the plan; nothing reads them
  summary.csv   one row a job, appended as jobs end; in their order when all have ended
  summary.parquet   the same of many jobs, where pyarrow is installed
  figures/      run.log  events.jsonl
"""

from __future__ import annotations

import itertools
import math
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlexp.config.names import GENERIC_TASKS
from mlexp.errors import ConfigError, DataError
from mlexp.store import CHECKPOINT, QUESTION, RESUMABLE, WHY, Run, Sweep, events, record, shapes, stamp
from mlexp.store.files import append_rows, at_once, read_json, write_bytes, write_table
from mlexp.store.lock import LOCK, locked, release
from mlexp.store.parquet import as_parquet
from mlexp.store.result import Columns, by_column

SEARCHES = "tuning"  # what a comparison writes before it
BEGUN = ("config.yaml", QUESTION, WHY)
ASIDE = "set_aside"
FINISHED = ("completed", "diverged")
_, NOT_NEEDED = events.SUCCEEDED  # a job whose result is known from others
SETTLED = (*FINISHED, NOT_NEEDED)
PARTS_FIRST = ("test", "validation", "train")
MANY = 100  # jobs from which on a summary is also written for programs: to load pyarrow takes as long as some jobs
SECONDS_TO_WAIT = 3.0  # for the workers of a sweep that was killed to notice


def job_name(number: int, code: str) -> str:
    """Return the name of the run folder of a job: its number and the hash of its settings."""
    return f"{number:03d}-{code}"


@dataclass
class SweepFolder:
    """Where a sweep writes; as long as `lock` is open, here or in a worker, no other process can."""

    path: Path
    lock: int
    closed: bool = False
    renewed: bool = False  # whether it is resumed with other data than it was begun with
    columns: list[str] = field(default_factory=list)  # of `summary.csv` while it grows

    def write_info(self, info: Mapping[str, Any]) -> None:
        """Write `sweep.json`."""
        record.write_info(Sweep, self.path, info)

    def write_summary(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the whole `summary.csv`, and `summary.parquet` of many jobs; metrics of the test part come first."""
        table = self._summary(rows)
        binary = as_parquet(table) if len(rows) >= MANY else None
        with at_once():
            write_table(self.path / "summary.csv", table)
            if binary is not None:
                write_bytes(self.path / "summary.parquet", binary)
        if binary is None:
            (self.path / "summary.parquet").unlink(missing_ok=True)

    def add_to_summary(self, row: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> None:
        """Append the line of a job that has ended to `summary.csv`.

        The file is written from all the `rows` so far where a column is new, and when a sweep is resumed: that also
        repairs a last line cut short by a crash.
        """
        if set(row) <= set(self.columns):
            append_rows(self.path / "summary.csv", [{name: _filled(row.get(name)) for name in self.columns}])
            return
        table = self._summary(list(rows))
        self.columns = list(table)
        write_table(self.path / "summary.csv", table)

    def _summary(self, rows: Sequence[Mapping[str, Any]]) -> Columns:
        return by_column(rows, sorted(dict.fromkeys(name for row in rows for name in row), key=_place))

    def log(self, text: str) -> None:
        """Add a line with the time to `run.log`."""
        record.log(self.path, text)

    def event(self, event: str, /, **facts: Any) -> None:
        """Add a line to `events.jsonl`."""
        events.append(self.path, event, **facts)

    def told_end(
        self, status: str, rows: Sequence[Mapping[str, Any]], problem: str = "", **more: Any
    ) -> None:
        """Write the event of the end of a sweep whose jobs have these rows in the summary."""
        event, facts = events.of_end(status, problem, jobs=Counter(row["status"] for row in rows), **more)
        self.event(event, **facts)

    def clear(self, name: str) -> None:
        """Remove what is left of a job not begun, or damaged, and the loose ends of one that had ended."""
        path = self.path / "runs" / name
        run = Sweep(self.path).run(name)
        try:
            status = run.status if run else ""
        except DataError:
            status = ""
        if not status:
            shutil.rmtree(path, ignore_errors=True)
        elif status not in RESUMABLE:
            record.remove_torn(path)
            for left in (CHECKPOINT, LOCK):
                (path / left).unlink(missing_ok=True)

    def set_aside(self, place: Path) -> None:
        """Move what ran with other data or settings out of the way: it counts no more, and is not lost."""
        aside = self.path / ASIDE
        aside.mkdir(exist_ok=True)
        place.rename(next(path for path in _numbered(aside / place.name) if not path.exists()))

    def mark(self, name: str, status: str, problem: str) -> None:
        """Write into the record of a job that its process did not live to do so."""
        path = self.path / "runs" / name
        if not Run.is_at(path):
            return
        info = read_json(path / Run.record, shapes.RUN)
        if info["status"] == "running":
            record.write_info(Run, path, info | {"status": status, "error": problem})
            record.log(path, f"{status}: {problem}")
            (path / LOCK).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the folder; once is enough."""
        if not self.closed:
            self.closed = True
            release(self.path, self.lock)

    @contextmanager
    def freed_on_error(self) -> Iterator[None]:
        """Let go of the folder if something goes wrong."""
        try:
            yield
        except BaseException:
            self.close()
            raise


def _filled(value: Any) -> Any:
    return "" if value is None else value


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))


def _place(column: str) -> tuple[int, int]:
    """Return where a column of the summary belongs: number, swept keys, status, metrics, seconds, folder."""
    part = column.partition("_")[0]
    if part in PARTS_FIRST and "." not in column:
        return 1, PARTS_FIRST.index(part)
    return (2 if column in ("seconds", "folder", "problem") else 0), 0


def metrics_of(row: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return the metrics in a row of the summary, part -> metric -> value; a column is called ``test_accuracy``.

    Cells that hold no finite number are left out.

    Examples
    --------
    >>> metrics_of({"number": "1", "model.l2": "0.1", "test_macro_f1": "0.5", "validation_loss": "", "all_x": "?"})
    {'test': {'macro_f1': 0.5}}
    """
    found: dict[str, dict[str, float]] = {}
    for column, cell in row.items():
        part, _, name = column.partition("_")
        if part not in (*PARTS_FIRST, "all") or not name or "." in column:
            continue
        with suppress(ValueError):
            if math.isfinite(value := float(cell)):
                found.setdefault(part, {})[name] = value
    return found


def short(keys: Sequence[str]) -> list[str]:
    """Return the last word of each key where that is enough to tell them apart.

    Examples
    --------
    >>> short(["model.l2", "seed", "split.seed"])
    ['l2', 'seed', 'split.seed']
    """
    last = [key.rpartition(".")[2] for key in keys]
    return [word if last.count(word) == 1 else key for key, word in zip(keys, last, strict=True)]


def create(outputs: Path, task: str, code: str, place: Path | None = None) -> SweepFolder:
    """Make the folder of a new sweep; `place` instead of a name by task and time.

    `place` may be there if it is empty, or holds only what a sweep that was killed at once had begun to write.
    """
    if place is None or not place.exists():
        path = record.new_folder(outputs, task, code, place)
    elif not place.is_dir() or not _is_free(place):
        cure = "Set sweep.resume=true to resume it" if Sweep.is_at(place) else "It holds no sweep: remove it"
        raise ConfigError(f"sweep.dir={place} is there already. {cure}, or name a new folder.")
    else:
        path = place
    folder = SweepFolder(path, locked(path))
    for name in BEGUN:
        (path / name).unlink(missing_ok=True)
    shutil.rmtree(path / SEARCHES, ignore_errors=True)
    return folder


def _is_free(place: Path) -> bool:
    """Return whether a folder is empty, or what a process left that was killed before it had written `sweep.json`."""
    found = {path.name for path in place.iterdir()} - {path.name for path in place.glob(record.TORN)}
    searches = all(path.suffix in (".yaml", ".tmp") for path in (place / SEARCHES).glob("*"))
    return not found or bool({LOCK, QUESTION, WHY} & found and found <= {LOCK, SEARCHES, *BEGUN} and searches)


def reopen(path: Path) -> SweepFolder:
    """Open the folder of a sweep for writing again."""
    stamp.refuse_older(path, Sweep.open(path).info)
    folder = SweepFolder(path.resolve(), locked(path.resolve(), SECONDS_TO_WAIT))
    record.remove_torn(folder.path)
    record.remove_page(folder.path)
    for exchange in (*folder.path.glob(".exchange-*"), *folder.path.glob(".post-*")):  # .post-*: mlexp 0.1
        shutil.rmtree(
            exchange, ignore_errors=True
        )  # what still works elsewhere for the process before us stops
    return folder


def newest(outputs: Path, task: str, code: str, name: str = "hash") -> Path | None:
    """Return the newest unfinished sweep whose record has this `name`, else the newest finished one, else None.

    Sweeps of a task for any table lie in folders by table, and a table may have been copied: all are searched.
    """
    generic = next((word for word in GENERIC_TASKS if f"{task}-".startswith(f"{word}-")), None)
    homes = [outputs / task] if generic is None else [outputs / generic, *outputs.glob(f"{generic}-*")]
    found = []
    for file in (file for home in homes for file in home.glob(f"[!.]*/{Sweep.record}")):
        try:
            info = Sweep.open(file.parent).info
        except DataError:  # damaged, or of a newer mlexp: none that could be resumed
            continue
        if info.get("format", 0) == stamp.FORMAT and info.get(name) == code and not file.parent.is_symlink():
            found.append((info["status"] != "completed", stamp.began(file.parent, info), file.parent))
    return max(found)[-1] if found else None
