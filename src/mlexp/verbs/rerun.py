"""``mlexp rerun``: repeat a recorded run, and check that the bytes are identical."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlexp import store
from mlexp.config.schema import Config
from mlexp.config.untrusted import read_bytes
from mlexp.kinds.comparison.settings import Comparison
from mlexp.runs.terminal import Terminal
from mlexp.store import Run, Sweep, find, shown
from mlexp.store.files import read_json, read_npz, read_table
from mlexp.verbs import add_run, add_settings, parser
from mlexp.verbs.machine import tell

REPEATED = ("metrics.json", "history.csv", "diagnostics.csv", "tuning.csv", "predictions.npz", "arrays.npz",
            "model.npz", "living.npz", "model.skops", "preparation.skops", "comparison.json",
            "summary.csv")  # fmt: skip
TAKES_TIME = ("seconds", "prediction_ms", "started", "folder")
DIFFERENT = 1
RELATIVE, ABSOLUTE = 0.01, 0.001
"""Within which numbers of a run on a GPU count as the same: other cards round otherwise, and training amplifies it."""
WITHIN = f"the same within {RELATIVE:.0%} + {ABSOLUTE:g} (device=cuda)"


def rerun(arguments: Sequence[str]) -> int:
    """Repeat a recorded run; print "same bytes", or each difference and its likely cause.

    Times and folders are not compared; numbers of a run with device=cuda may differ by 1 % + 0.001. The exit code is 1
    if anything differs.
    """
    words = parser("rerun", rerun.__doc__, "mlexp rerun outputs/digits_mlp/latest", "the outcome")
    add_run(words)
    add_settings(words)
    parsed = words.parse_intermixed_args(arguments)
    before = find(parsed.run, parsed.outputs)
    after = shown(_again(before, parsed))
    runs = _first_run(before), _first_run(after)
    close = _on_device(runs[0])
    lines = list(
        differences(before, after, recorded_more=_program(runs[0]) != _program(runs[1]), close=close)
    )
    causes = list(likely_causes(*runs)) if lines else []
    tell(
        before=before,
        after=after,
        same_bytes=not lines and not close,
        within=WITHIN if close else None,
        differences=lines,
        likely_causes=causes,
    )
    if not lines:
        print(f"{WITHIN if close else 'same bytes'}: {before} and {after}")
        return 0
    print("\n".join(lines))
    print(
        "likely cause: "
        + ("; ".join(causes) or "none found: data, versions, processor and threads are the same")
    )
    return DIFFERENT


def _again(before: Path, parsed: argparse.Namespace) -> Path:
    """Run once more, in a new folder, and return it."""
    if Sweep.is_at(before):
        return _sweep_again(before, parsed)
    from mlexp import dispatch
    from mlexp.config import recorded

    config = recorded.again(recorded.read(before / "config.yaml"), before, parsed.settings)
    config = recorded.relocated(config, Run.open(before).info.get("began_in"))
    config = dataclasses.replace(config, outputs=str(Path(parsed.outputs)))
    command = ["mlexp", "rerun", parsed.run, *parsed.settings]
    return dispatch.run(config, command=command, terminal=Terminal(parsed.quiet)).path


def _sweep_again(before: Path, parsed: argparse.Namespace) -> Path:
    from mlexp import dispatch
    from mlexp.comparisons import tune_once
    from mlexp.comparisons.evidence.metric import PartMetric
    from mlexp.comparisons.study import ComparisonStudy
    from mlexp.sweeps import planning

    def here(config: Config) -> Config:
        return dataclasses.replace(config, outputs=str(Path(parsed.outputs)))

    plan = planning.restored(before, parsed.settings)
    jobs = tuple(dataclasses.replace(job, config=here(job.config)) for job in plan.jobs)
    plan = dataclasses.replace(plan, jobs=jobs, sweep=dataclasses.replace(plan.sweep, dir=None, resume=False))
    if store.Comparison.is_at(before):
        info = store.Comparison.open(before).info
        node = Comparison(**info["comparison"])
        plan, searches = tune_once.before(plan, before)
        searches = {arm: here(config) for arm, config in searches.items()}
        study = ComparisonStudy(node, PartMetric.parse(info["metric"]), info["settings"], plan, searches)
        outcome = dispatch.run_comparison(study, verbosity=parsed.quiet)
    else:
        outcome = dispatch.run_sweep(plan, verbosity=parsed.quiet)
    if outcome.status == "interrupted" and (error := outcome.error()):
        raise error
    return outcome.path


def differences(
    before: Path, after: Path, *, recorded_more: bool = False, close: bool = False
) -> Iterator[str]:
    """Yield one line for each file that differs between two folders of runs or sweeps.

    What `after` alone holds is not a difference where it `recorded_more`, being made by another version of mlexp.
    Numbers that are `close` are none where that is asked.
    """
    names = [name for name in REPEATED if (before / name).exists() or (after / name).exists()]
    tables = {file.relative_to(folder) for folder in (before, after) for file in folder.glob("tables/*.csv")}
    for name in [*names, *sorted(map(str, tables))]:
        old, new = before / name, after / name
        if recorded_more and not old.exists():
            continue
        if not (old.exists() and new.exists()):
            yield f"{name}: only in {(old if old.exists() else new).parent}"
        elif read_bytes(old) != read_bytes(new):
            yield from (f"{name}: {words}" for words in _within(old, new, recorded_more, close))
    for folder in sorted([*before.glob("runs/*"), *before.glob("tuning/*/")]):
        twin = after / folder.relative_to(before)
        yield from (
            f"{folder.name}/{line}"
            for line in differences(folder, twin, recorded_more=recorded_more, close=close)
        )


def _program(run: Run) -> tuple[Any, ...]:
    """Return what says which version of mlexp made a run."""
    place = run.info["environment"]
    return run.info.get("format", 0), place["packages"].get("mlexp"), (place["git"] or {}).get("commit")


def _on_device(run: Run) -> bool:
    """Return whether a run trained on a device, which no two times sums in one order."""
    return "device" in run.info["environment"]


def _within(old: Path, new: Path, recorded_more: bool, close: bool) -> Iterator[str]:
    """Yield what differs within a file; nothing where only seconds do."""
    if old.suffix == ".skops":
        yield "the fitted scikit-learn objects differ"
        return
    first, second = _values(old), _values(new)
    for name in dict.fromkeys([*first, *second]):
        if any(word in name for word in TAKES_TIME) or (recorded_more and name not in first):
            continue
        if name not in first or name not in second:
            yield f"{name} is only in {(old if name in first else new).parent}"
        elif first[name].shape != second[name].shape:
            yield f"{name} has shape {second[name].shape}, then {first[name].shape}"
        elif close and _close(first[name], second[name]):
            continue
        elif not np.array_equal(first[name], second[name], equal_nan=first[name].dtype.kind == "f"):
            yield f"{name} {_distance(first[name], second[name])}"


def _close(old: np.ndarray, new: np.ndarray) -> bool:
    numbers = old.dtype.kind == "f" and new.dtype.kind == "f"
    return numbers and bool(np.allclose(new, old, RELATIVE, ABSOLUTE, equal_nan=True))


def _values(path: Path) -> dict[str, np.ndarray]:
    """Return what a file holds as arrays by name."""
    if path.suffix == ".npz":
        return read_npz(path)
    if path.suffix == ".json":
        return dict(_leaves(read_json(path)))
    return {name: _numbers(cells) for name, cells in read_table(path).items()}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, list):
        value = {str(number): inner for number, inner in enumerate(value)}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    else:
        yield path, np.array(str(value) if value is None else value)


def _numbers(cells: list[str]) -> np.ndarray:
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError:
        return np.array(cells)


def _distance(old: np.ndarray, new: np.ndarray) -> str:
    if old.dtype.kind in "biuf" and new.dtype.kind in "biuf":
        apart = np.abs(new.astype(np.float64) - old.astype(np.float64))
        if apart.size == 1:
            return f"was {old}, is {new}"
        return (
            f"differs by up to {np.nanmax(apart):.3g} in {np.count_nonzero(apart):,} of {apart.size:,} values"
        )
    return f"differs in {np.count_nonzero(old != new):,} of {old.size:,} values"


def _first_run(path: Path) -> Run:
    jobs = sorted(file.parent for file in path.glob("runs/*/run.json"))
    return Run.open(jobs[0] if jobs and not Run.is_at(path) else path)


def likely_causes(before: Run, after: Run) -> Iterator[str]:
    """Yield what differs between two runs of one configuration, the likeliest cause first."""
    for what in ("dataset", "split"):
        old, new = (run.info[what].get("fingerprint") for run in (before, after))
        if old != new:
            yield f"the {what} has changed (fingerprint {str(old)[:12]} then, {str(new)[:12]} now)"
    then, now = before.info["environment"], after.info["environment"]
    for name in dict.fromkeys([*then["packages"], *now["packages"]]):
        old, new = then["packages"].get(name), now["packages"].get(name)
        if old != new:
            yield f"{name} {old} then, {new} now"
    for what in ("python", "processor", "blas", "device", "system", "git"):
        old, new = _short(then.get(what)), _short(now.get(what))
        if old != new:
            yield f"{what} {old} then, {new} now"


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(
            sorted(f"{one['internal_api']} {one['version']} ({one['num_threads']} threads)" for one in value)
        )
    if isinstance(value, dict) and "commit" not in value:
        return ", ".join(f"{name} {of}" for name, of in value.items())
    if isinstance(value, dict):
        return f"{value['commit'][:10]}{' with uncommitted changes' if value['uncommitted_changes'] else ''}"
    return str(value)
