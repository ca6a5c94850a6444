"""Run the studies of five laboratory reports through the sweep layer, and set their figures beside ours."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import page
import readings
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
Study = Mapping[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    asked = arguments(argv)
    studies = chosen(yaml.safe_load((HERE / "published.yaml").read_text(encoding="utf-8")), asked.what)
    folder = asked.outputs.resolve() / asked.size
    begun, failed = time.monotonic(), []
    if not asked.write_only:
        for name, key, run in every_run(studies):
            print(f"== {name} ({key}): about {run['minutes']} min at full size", flush=True)
            if code := carry_out(name, key, run, folder, asked):
                failed.append(f"{name} ({key}): exit code {code}")
            if code in (5, 130):
                return 5
    found = {name: readings.found(study, folder / name) for name, study in studies.items()}
    full = asked.size == "full" and not asked.what
    written = page.write(studies, found, folder, docs=ROOT / "docs" if full or asked.docs else None)
    print(f"{(time.monotonic() - begun) / 60:.1f} minutes. The table: {', '.join(map(str, written))}")
    for line in failed:
        print(f"did not complete: {line}", file=sys.stderr)
    return 6 if failed else 0


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/reproduce", description=__doc__)
    parser.add_argument("what", nargs="*", help="reports (A to E) or studies; all if left out")
    parser.add_argument("--size", choices=("full", "quick"), default="full")
    parser.add_argument("--jobs", default="auto", help="processes at once; one a core if left out")
    parser.add_argument(
        "--outputs", type=Path, default=Path("outputs/reproduction"), help="where runs are kept"
    )
    parser.add_argument(
        "--write-only", action="store_true", help="run nothing, write the table of what is there"
    )
    parser.add_argument(
        "--docs", action="store_true", help="write docs/reproduction.md of whatever was asked for"
    )
    return parser.parse_args(argv)


def chosen(studies: Mapping[str, Study], what: Sequence[str]) -> dict[str, Study]:
    """Return the studies that were asked for, by name or by letter of the report."""
    known = {*studies, *(study["report"] for study in studies.values())}
    if strange := [word for word in what if word not in known]:
        sys.exit(f"'{strange[0]}' is no report and no study. There are: {', '.join(sorted(known))}.")
    return {name: study for name, study in studies.items() if not what or {name, study["report"]} & set(what)}


def every_run(studies: Mapping[str, Study]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for name, study in studies.items():
        for key, run in study["runs"].items():
            yield name, key, run


def carry_out(name: str, key: str, run: Mapping[str, Any], folder: Path, asked: argparse.Namespace) -> int:
    """Run what is left to run of one sweep, comparison or tuned run, and return the exit code."""
    place = folder / name / key
    mlexp = [sys.executable, "-m", "mlexp.cli"]
    settings = [*page.words(run, quick=asked.size == "quick"), f"execution.workers={asked.jobs}"]
    if not run.get("tuned"):
        return subprocess.call([*mlexp, *settings, f"sweep.dir={place}", "sweep.resume=true"])
    begun = readings.tuned_run(place)
    if begun is None:
        return subprocess.call([*mlexp, *settings, f"outputs={place}"])
    if begun.info["status"] == "completed":
        return 0
    return subprocess.call([*mlexp, "resume", str(begun.path)])


if __name__ == "__main__":
    raise SystemExit(main())
