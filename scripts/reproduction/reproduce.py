"""Run the studies of five laboratory reports through the sweep layer, and set their figures beside ours."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import kept
import page
import readings
from readings import Found

from mlexp.store import Why
from mlexp.store.environment import git_commit

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STOPPED = (5, 130)
CHANGED = 1
Study = Mapping[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    asked = arguments(argv)
    studies = chosen(readings.studies(), asked.what)
    if asked.check:
        return check(studies, asked)
    folder = asked.outputs.resolve() / asked.size
    begun, failed = time.monotonic(), []
    known = kept.load() | kept.load(folder / kept.FILE.name)
    for name, study in studies.items() if asked.why else ():
        if code := explain(name, study, folder, known, asked):
            return code
    for name, study in {} if asked.write_only or asked.why else studies.items():
        if asked.size == "full" and still_holds(name, study, known, asked):
            print(f"== {name}: kept; its quick figures still hold", flush=True)
            continue
        codes = []
        for key, run in study["runs"].items():
            codes.append(carry_out(name, key, run, folder, asked))
            if codes[-1] in STOPPED:
                return STOPPED[0]
        failed += [f"{name}: exit code {code}" for code in codes if code]
        if asked.size == "full" and not any(codes):
            keep(name, study, folder, known, asked)
    if asked.record:
        for name, study in studies.items():
            found = kept.quick(readings.found(study, folder / name))
            known.setdefault(name, {}).update(quick=found, quick_commit=here())
        kept.save(in_order(known))
    full = asked.size == "full" and not asked.what
    if asked.size == "full":
        kept.save(in_order(known))
    written = page.write(studies, folder, known, docs=ROOT / "docs" if full or asked.docs else None)
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
        "--check",
        action="store_true",
        help="say whether the committed table still holds: run quick sizes, compare with those recorded",
    )
    parser.add_argument(
        "--record", action="store_true", help="with --size quick: record its figures for --check"
    )
    parser.add_argument("--again", action="store_true", help="run studies again whose figures are kept")
    parser.add_argument(
        "--write-only", action="store_true", help="run nothing, write the table of what is there"
    )
    parser.add_argument(
        "--docs", action="store_true", help="write docs/reproduction.md of whatever was asked for"
    )
    parser.add_argument(
        "--why",
        action="store_true",
        help="instead of the studies, ask `mlexp why` which unstated settings explain their figures",
    )
    asked = parser.parse_args(argv)
    if asked.why and asked.size != "full":
        parser.error("--why belongs to --size full")
    if asked.record and asked.size != "quick":
        parser.error("--record belongs to --size quick")
    return asked


def chosen(studies: Mapping[str, Study], what: Sequence[str]) -> dict[str, Study]:
    """Return the studies that were asked for, by name or by letter of the report."""
    known = {*studies, *(study["report"] for study in studies.values())}
    if strange := [word for word in what if word not in known]:
        sys.exit(f"'{strange[0]}' is neither a report nor a study. There are: {', '.join(sorted(known))}.")
    return {name: study for name, study in studies.items() if not what or {name, study["report"]} & set(what)}


def check(studies: Mapping[str, Study], asked: argparse.Namespace) -> int:
    """Say of each study whether its quick figures are still those recorded; the exit code is 1 if any changed."""
    known, changed = kept.load(), False
    for name, study in studies.items():
        if "quick" not in known.get(name, {}):
            print(
                f"{name}: no quick figures are recorded; scripts/reproduce --size quick --record", flush=True
            )
            continue
        lines = kept.differences(known[name]["quick"], quick_figures(name, study, asked))
        changed |= bool(lines)
        print("\n  ".join([f"{name}: {'changed' if lines else 'holds'}", *lines]), flush=True)
    return CHANGED if changed else 0


def quick_figures(name: str, study: Study, asked: argparse.Namespace) -> dict[str, list[float]]:
    """Return the figures of a study at quick size, run anew by the current code."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        small = argparse.Namespace(**{**vars(asked), "size": "quick"})
        for key, run in study["runs"].items():
            carry_out(name, key, run, folder, small, quiet=True)
        return kept.quick(readings.found(study, folder / name))


def still_holds(name: str, study: Study, known: kept.Kept, asked: argparse.Namespace) -> bool:
    """Return whether the figures of a study are kept, of the same commands, and the current code still gives them."""
    parts = known.get(name, {})
    if asked.again or parts.get("commands") != commands(study) or "quick" not in parts:
        return False
    now = here()
    if now and not now.endswith("+") and parts.get("quick_commit") == now:
        return True
    return not kept.differences(parts["quick"], quick_figures(name, study, asked))


def keep(name: str, study: Study, folder: Path, known: kept.Kept, asked: argparse.Namespace) -> None:
    """Keep the figures of a study that has completed, with those of its quick size."""
    found = readings.found(study, folder / name)
    parts, now = known.get(name, {}), quick_figures(name, study, asked)
    made = {commit for one in found for commit in one.commits}
    if made != {here()} and (lines := kept.differences(of_same_commands(study, parts, found), now)):
        print(
            f"{name}: not kept. Its runs are of {', '.join(sorted(made))}, and the code gives other figures since "
            f"({lines[0]}). Remove {folder / name} and run it again.",
            file=sys.stderr,
        )
        return
    known[name] = {
        **({"why": parts["why"]} if "why" in parts else {}),
        "commands": commands(study),
        "seconds": round(page.took(study, folder / name)),
        "machine": page.machine(study, folder / name),
        "figures": kept.figures(found),
        "pictures": {
            path.name: alt for path, alt in page.pictures(name, study, folder / name, folder / "images")
        },
        "quick": now,
        "quick_commit": here(),
    }
    keep_beside_the_runs(name, known, folder)


def of_same_commands(
    study: Study, parts: Mapping[str, Any], found: Sequence[Found]
) -> dict[str, list[float]]:
    """Return the quick figures that are kept of runs whose commands are still the same."""
    before, now = parts.get("commands", {}), commands(study)
    same = {one.label for one in found if before.get(one.entry["run"]) == now[one.entry["run"]]}
    return {label: values for label, values in parts.get("quick", {}).items() if label in same}


def keep_beside_the_runs(name: str, known: kept.Kept, folder: Path) -> None:
    """Write what is kept of a study, not into the checkout yet: runs that follow would be of a changed working tree.

    Studies that ran elsewhere are not copied: the committed figures of those may be newer than the copy.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / kept.FILE.name
    kept.save(in_order(kept.load(file) | {name: known[name]}), file)


def explain(name: str, study: Study, folder: Path, known: kept.Kept, asked: argparse.Namespace) -> int:
    """Run the case of a study, if it has one whose answer is not kept; return the exit code."""
    words = study.get("why")
    before = known.get(name, {}).get("why", {})
    if not words or (before.get("command") == page.case(words) and not asked.again):
        return 0
    place = folder / name / "why"
    mlexp = [sys.executable, "-m", "mlexp.cli", "why", *words]
    code = subprocess.call(
        [*mlexp, f"execution.workers={asked.jobs}", f"sweep.dir={place}", "sweep.resume=true"]
    )
    if not code:
        answer = Why.open(place).question["answer"]
        made = readings.commits(list(readings.completed(place)))
        known.setdefault(name, {})["why"] = {"command": page.case(words), "commits": made, "answer": answer}
        keep_beside_the_runs(name, known, folder)
    return code


def in_order(known: kept.Kept) -> kept.Kept:
    """Return what is kept in the order of the studies."""
    return {name: known[name] for name in readings.studies() if name in known}


def commands(study: Study) -> dict[str, str]:
    """Return the command of each run of a study."""
    return {key: " ".join(page.words(run, quick=False)) for key, run in study["runs"].items()}


def here() -> str | None:
    """Return the commit of the working folder, as rows name it."""
    git = git_commit()
    return git["commit"][:7] + ("+" if git["uncommitted_changes"] else "") if git else None


def carry_out(
    name: str, key: str, run: Mapping[str, Any], folder: Path, asked: argparse.Namespace, quiet: bool = False
) -> int:
    """Run what is left to run of one sweep, comparison or tuned run, and return the exit code."""
    if not quiet:
        print(f"== {name} ({key}): about {run['minutes']} min at full size", flush=True)
    place = folder / name / key
    mlexp = [sys.executable, "-m", "mlexp.cli", *(["-q"] if quiet else [])]
    settings = [*page.words(run, quick=asked.size == "quick"), f"execution.workers={asked.jobs}"]
    if quiet:
        settings.append("figures=false")
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
