"""``mlexp doctor``: diagnose the installation."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from email.message import Message
from pathlib import Path

from packaging.requirements import Requirement

from mlexp import __version__, system
from mlexp.errors import ConfigError
from mlexp.execution.base import cores
from mlexp.verbs import parser
from mlexp.verbs.machine import tell

DISTRIBUTION = "mlexp-lab"
OK, NOTE, WRONG = "ok", "note", "WRONG"
MISSING = "missing"
LEAST_FREE = 1e9  # bytes
SLOW = 10.0  # GFLOP/s of one thread in single precision; a laptop of 2015 has 40


@dataclass(frozen=True)
class Finding:
    """One check: its state, what was found, and what to do about it."""

    state: str
    what: str
    found: str
    cure: str = ""


def doctor(arguments: Sequence[str]) -> int:
    """Check versions, linear algebra, threads, data folders, cache, disk space and write access.

    The exit code is 2 if something is wrong; each problem is printed with its solution.
    """
    words = parser("doctor", doctor.__doc__, "mlexp doctor --outputs outputs", "problems")
    words.add_argument(
        "--outputs", default="outputs", metavar="DIR", help="folder of runs (default: outputs)"
    )
    words.add_argument("--data-dir", metavar="DIR", help="folder with data sets (default: MLEXP_DATA_DIR)")
    parsed = words.parse_args(arguments)
    wrong = 0
    found = list(findings(Path(parsed.outputs), parsed.data_dir))
    tell(findings=[asdict(finding) for finding in found])
    for finding in found:
        wrong += finding.state == WRONG
        if parsed.quiet and finding.state == OK:
            continue
        print(f"{finding.state:<6} {finding.what:<13} {finding.found}")
        if finding.cure:
            print(f"{'':<20} → {finding.cure}")
    if not parsed.quiet:
        print(f"{wrong} wrong" if wrong else "all is well")
    return ConfigError.exit_code if wrong else 0


def findings(outputs: Path, data_dir: str | None) -> Iterator[Finding]:
    """Yield all checks, the most important first."""
    yield from _versions()
    yield from _extras()
    yield from _processor()
    yield from _data(data_dir)
    yield from _writable(outputs, "outputs", "Choose a writable folder with outputs=FOLDER.")
    yield from _unfinished(outputs)


def _versions() -> Iterator[Finding]:
    yield Finding(OK, "python", f"{platform.python_version()} at {sys.executable}")
    core = [one for one in _needed() if one.marker is None]
    yield Finding(OK, "mlexp", f"{__version__} in {Path(__file__).parents[1]}")
    for one in core:
        version = _version(one.name)
        if version == MISSING:
            yield Finding(WRONG, one.name, "not installed", f"pip install '{one}'")
        elif version not in one.specifier:
            yield Finding(WRONG, one.name, f"{version}, needed {one.specifier}", f"pip install '{one}'")
    yield Finding(OK, "packages", ", ".join(f"{one.name} {_version(one.name)}" for one in core))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return MISSING


def _needed() -> list[Requirement]:
    return [Requirement(text) for text in _described().get_all("Requires-Dist") or ()]


def _described() -> Message:
    """Return what the installed distribution says of itself; nothing where the program is run uninstalled."""
    try:
        return importlib.metadata.metadata(DISTRIBUTION)  # type: ignore[return-value]
    except importlib.metadata.PackageNotFoundError:
        return Message()


def _extras() -> Iterator[Finding]:
    needed = _needed()
    have: list[str] = []
    lack: list[str] = []
    for extra in _described().get_all("Provides-Extra") or []:
        own = [one for one in needed if one.marker and one.marker.evaluate({"extra": extra})]
        (have if all(_version(one.name) != MISSING for one in own) else lack).append(extra)
    yield Finding(OK, "extras", f"installed: {', '.join(have) or 'none'}; not: {', '.join(lack) or 'none'}")


def _processor() -> Iterator[Finding]:
    n_cores = cores()
    yield Finding(OK, "processor", f"{system.processor()}, {n_cores} cores for this process")
    import psutil

    free = psutil.virtual_memory().available / 1e9
    cure = "Close other programs, or lower execution.workers." if free < 1 else ""
    yield Finding(NOTE if cure else OK, "memory", f"{free:.1f} GB free", cure)
    load = psutil.getloadavg()[0]
    if load > 1.5 * n_cores:
        yield Finding(
            NOTE, "load", f"{load:.1f} processes want {n_cores} cores", "Other programs slow runs down."
        )
    speed, libraries = _speed()
    cure = "" if speed > SLOW else "Install NumPy from PyPI or conda-forge, which include OpenBLAS or MKL."
    yield Finding(NOTE if cure else OK, "BLAS", f"{libraries}; {speed:.0f} GFLOP/s with one thread", cure)


def _speed() -> tuple[float, str]:
    """Return GFLOP/s of a single-precision matrix product with one thread, and what computes it."""
    import numpy as np
    from threadpoolctl import threadpool_info, threadpool_limits

    X = np.random.default_rng(0).random((512, 512), np.float32)
    with threadpool_limits(1):
        X @ X
        begun, times = time.perf_counter(), 0
        while time.perf_counter() - begun < 0.2:
            X @ X
            times += 1
        seconds = (time.perf_counter() - begun) / times
    blas = [one for one in threadpool_info() if one["user_api"] == "blas"]
    return 2 * 512**3 / seconds / 1e9, ", ".join(
        f"{one['internal_api']} {one['version']}" for one in blas
    ) or "unknown"


def _data(data_dir: str | None) -> Iterator[Finding]:
    from mlexp.data import cache
    from mlexp.data import named_sets as catalogue

    named = data_dir or os.environ.get("MLEXP_DATA_DIR")
    if named and not Path(named).is_dir():
        yield Finding(
            WRONG, "data folder", f"{named} is not a folder", "Correct MLEXP_DATA_DIR, or unset it."
        )
        return
    known = [entry for entry in catalogue.describe(data_dir) if entry.reader == "published"]
    here = [entry.name for entry in known if entry.where != "not here"]
    away = [entry.name for entry in known if entry.where == "not here"]
    cure = f"mlexp data fetch {away[0]}, or set MLEXP_DATA_DIR to the folder that holds it" if away else ""
    place = named or "MLEXP_DATA_DIR is not set"
    found = f"{place}; here: {', '.join(here) or 'none'}; not: {', '.join(away) or 'none'}"
    yield Finding(NOTE if away else OK, "data sets", found, cure)
    folder = cache.cache_folder()
    if folder.exists():
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        yield Finding(OK, "cache size", f"{folder}, {size / 1e6:.0f} MB")
    yield from _writable(folder, "cache", "Set MLEXP_CACHE_DIR to a writable folder.")


def _writable(folder: Path, what: str, cure: str) -> Iterator[Finding]:
    """Try to write, lock and link where the folder is, or would be made."""
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix=".mlexp-") as trial:
            _try(Path(trial))
    except OSError as error:
        yield Finding(WRONG, what, f"{place.absolute()} cannot be used: {error.strerror or error}", cure)
        return
    free = shutil.disk_usage(place).free
    state = OK if free > LEAST_FREE else WRONG
    yield Finding(state, what, f"{folder.absolute()} is writable, {free / 1e9:.1f} GB free", "" if state == OK else
                  "Free some space: mlexp clean --older-than 30d")  # fmt: skip


def _try(folder: Path) -> None:
    from filelock import lock_descriptor

    with open(folder / "file", "wb") as file:
        file.write(b"x")
        os.fsync(file.fileno())
        lock_descriptor(file.fileno(), blocking=False)
    system.replace(folder / "file", folder / "renamed")


def _unfinished(outputs: Path) -> Iterator[Finding]:
    """Yield interrupted runs that can be resumed."""
    from mlexp.verbs.runs import entries

    left = [one for one in entries(outputs) if one.status == "interrupted"]
    if left:
        yield Finding(
            NOTE,
            "unfinished",
            f"{len(left)} interrupted, the newest is {left[0].path}",
            f"mlexp resume {left[0].path}",
        )
