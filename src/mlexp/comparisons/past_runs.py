"""Compare what ran already: runs and sweeps, put into arms by what differs between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlexp import metrics
from mlexp.comparisons import benchmark, looks
from mlexp.comparisons.analysis import Analysis, write
from mlexp.comparisons.evidence import Entry, Evidence, blocks
from mlexp.comparisons.evidence.metric import PartMetric, default
from mlexp.comparisons.study import named
from mlexp.config import recorded, schema
from mlexp.config.messages import is_key, unknown_key
from mlexp.config.names import read_elsewhere
from mlexp.config.rules import as_typed
from mlexp.config.schema import declared
from mlexp.errors import ConfigError, DataError, did_you_mean
from mlexp.kinds.comparison.settings import Comparison
from mlexp.store import Run, Sweep, stamp
from mlexp.store.result import by_row
from mlexp.store.sweep_folder import NOT_NEEDED, job_name

REPEATS = ("seed", "split.seed", "split.test", "dataset.seed")  # what makes another run of the same settings
# Keys of `comparison` that apply to runs that are there.
ASKED = ("metric", "test", "alpha", "margin", "target")
PARAMS = "model.params"
UNSET = "by default"  # a parameter that a run leaves to scikit-learn
ASIDE = ("comparison.", "sweep.", "execution.", "tune.", "tracking.", "task.name")


@dataclass(frozen=True)
class PastRun:
    """One run that was found: its folder, if it has one, every key with its value, and its names in a comparison."""

    run: Run | None
    values: Mapping[str, Any]
    arm: str = ""
    fate: tuple[str, str] = ("", "")
    dataset: str = ""

    @property
    def data(self) -> tuple[str, str] | None:
        """Fingerprints of its data and split; None if it has not come as far as that."""
        info = self.run.info if self.run else {}
        found = [str(info.get(node, {}).get("fingerprint", "")) for node in ("dataset", "split")]
        return (found[0], found[1]) if found[0] else None


def compare(
    paths: Sequence[Path],
    node: Comparison,
    *,
    by: Sequence[str] = (),
    best_of: str | None = None,
    save: Path | None = None,
    command: Sequence[str] = (),
) -> Analysis:
    """Compare runs that are there already.

    Parameters
    ----------
    paths : folders of runs and sweeps
    node : metric, test, alpha, margin and target; the rest of it is not used
    by : keys that tell the arms apart; by default those that differ between the runs, aside from seeds, folds and
        data sets, which are repeats. Other keys that differ are blocks: arms are compared within each combination of
        them
    best_of : ``validation`` to compare each arm at the one combination of the other keys that does best on the
        validation set instead, default none
    save : new folder to write the answer, tables, pictures and a page into, default none
    command : what was typed, for the record in `save`

    Raises
    ------
    ConfigError
        If the runs differ in nothing but seeds or data; if `save` is there already.
    DataError
        If they cannot be compared: other data, other test rows, a metric that is missing.
    """
    if save is not None and save.exists() and (not save.is_dir() or any(save.iterdir())):
        raise ConfigError(f"--save {save} is there already. Name a new folder.")
    if best_of not in (None, "validation"):
        raise ConfigError(f"best_of must be 'validation': the test set chooses nothing. Got {best_of!r}.")
    # in the order in which they ran: the answer does not depend on that of the words
    folders = sorted({path.resolve() for path in paths}, key=lambda path: (stamp.began(path), str(path)))
    found, notes = distinct([one for path in folders for one in runs_in(path)])
    metric = _metric_of(found, node)
    differing = [key for key in differences(found) if key in by or not _is_repeat(key)]
    keys = _keys(by, differing, found)
    own = not by and _told_apart(found, keys)
    entries: dict[str, list[Entry]] = {}
    of: dict[int, PastRun] = {}
    settings: dict[str, dict[str, str]] = {}
    for one in found:
        arm = one.arm if own else " ".join(in_words(one, key) for key in keys)
        settings.setdefault(arm, {key: as_typed(one.values.get(key, UNSET)) for key in keys})
        entries.setdefault(arm, []).append(
            entry := Entry(arm, _repeat(one, found), one.run, metric, one.fate, dataset=one.dataset)
        )
        of[id(entry)] = one
    if len(entries) < 2:
        raise _one_arm(found, keys, by)
    evidence = Evidence(metric, entries)
    evidence.check()
    within = _within_arms([[of[id(entry)] for entry in used] for used in evidence.used.values()], keys)
    strata = {key: ", ".join(in_words(one, name) for name in within) for key, one in of.items()}
    evidence, said, cautions = _of_one_setting(evidence, within, strata, best_of)
    notes += cautions
    if beside := [key for key in differing if key not in (*keys, *within)]:
        notes.append(f"The arms differ in {', '.join(beside)} too, which may explain the result.")
    notes += looks.spent_in([one.run.path for one in found if one.run])
    done = benchmark.analyse(evidence, node, folder=save, settings=settings)
    done.info["warnings"][:0] = notes
    done.info["answer"] += said
    if save is not None:
        write(done, save, {"command": [*command]}, figures=True)
    return done


def _of_one_setting(
    evidence: Evidence, within: Sequence[str], strata: Mapping[int, str], best_of: str | None
) -> tuple[Evidence, list[str], list[str]]:
    """Return the runs in blocks of equal settings, or each arm's at its best; what to say, and what to warn of."""
    if not within:
        if best_of is None:
            return evidence, [], []
        raise ConfigError(
            f"--best-of {best_of} chooses between several settings of an arm, and every arm here has one. Leave it "
            "out, or name with --by the keys that define the arms."
        )
    evidence = blocks.in_strata(evidence, strata)
    if best_of is None:
        return evidence, blocks.in_words(evidence, within), blocks.left_out(evidence)
    evidence, chosen = blocks.at_best(evidence)
    return evidence, [blocks.chosen_in_words(chosen, evidence.metric)], blocks.cautions(chosen)


def _metric_of(found: Sequence[PastRun], node: Comparison) -> PartMetric:
    """Return what is compared: the metric asked for, or that of the kind of the runs."""
    kinds = {str(one.values["task.kind"]) for one in found}
    if len(kinds) > 1:
        raise ConfigError(
            f"These runs are of several kinds: {', '.join(sorted(kinds))}. Name runs of one kind."
        )
    kind = kinds.pop()
    if not metrics.metrics_of(kind) and node.metric is None:
        raise ConfigError(
            f"Runs of kind {kind} have no metric of their own to compare. Name one with --metric."
        )
    return PartMetric.parse(node.metric or default(kind), kind)


def _one_arm(found: Sequence[PastRun], keys: Sequence[str], by: Sequence[str]) -> ConfigError:
    """Return the refusal of runs that make up one arm."""
    make = "One run makes" if len(found) == 1 else f"These {len(found)} runs make"
    alike = f"all have one value of {', '.join(keys)}" if keys else f"nothing but {_varied(found)} differs"
    another = ", or another key with --by" if by else ""
    return ConfigError(f"{make} one arm: {alike}. Name runs of two settings on the same data{another}.")


def asked(values: Mapping[str, Any], dashes: str = "") -> Comparison:
    """Return the node of a comparison of runs that are there; `dashes` precede a name in an error.

    Raises
    ------
    ConfigError
        If a name or a value is none.
    """
    for name, value in values.items():
        if name not in ASKED:
            raise ConfigError(
                f"{dashes}{name} does not apply to runs that are there. What applies: by, save, outputs, "
                f"{', '.join(ASKED)}.{did_you_mean(name, ASKED)}"
            )
        rule = declared()[f"comparison.{name}"].metadata["rule"]
        if not rule.accepts(value):
            raise ConfigError(rule.complaint(f"{dashes}{name}", value))
    return Comparison(**values)


def runs_in(path: Path) -> list[PastRun]:
    """Return the run of a run folder, or all runs of a sweep."""
    if not Sweep.is_at(path):
        run = Run.open(path)
        return [PastRun(run, with_params(schema.flat(recorded.read(run.path / "config.yaml"))))]
    sweep = Sweep.open(path)
    base = schema.flat(recorded.read(sweep.path / "config.yaml"))
    spared = {row["number"] for row in by_row(sweep.summary) if row["status"] == NOT_NEEDED}
    return [
        PastRun(
            sweep.run(job_name(job["number"], job["hash"])),
            with_params(base | job["changes"]),
            job["swept"].get("arm", ""),
            ("left", "it was never begun"),
            job["swept"].get("dataset", ""),
        )
        for job in sweep.info["jobs"]
        if str(job["number"]) not in spared
    ]


def _completed(one: PastRun) -> bool:
    return one.run is not None and one.run.info["status"] == "completed"


def with_params(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return keys and values in which each parameter of scikit-learn's models is a key of its own."""
    own = {key: value for key, value in values.items() if key != PARAMS}
    return own | {f"{PARAMS}.{name}": value for name, value in values[PARAMS].items()}


def distinct(found: Sequence[PastRun]) -> tuple[list[PastRun], list[str]]:
    """Return the runs without repetitions: the same settings, seed, data and split give the same run again.

    A run that did not come as far as its data repeats any run of the same settings and seed.
    """
    if not found:
        raise DataError("There are no runs to compare in these folders.")
    kept: dict[str, dict[tuple[str, str] | None, PastRun]] = {}
    for one in found:
        key = str([(name, value) for name, value in sorted(one.values.items()) if _counts(name, one)])
        same = kept.setdefault(key, {})
        if one.data not in same or (_completed(one) and not _completed(same[one.data])):
            same[one.data] = one
    for same in kept.values():
        if len(same) > 1:
            same.pop(None, None)
    left = [one for same in kept.values() for one in same.values()]
    again = len(found) - len(left)
    repeats = "1 run repeats another" if again == 1 else f"{again} runs repeat another"
    note = f"{repeats} with the same settings, seed and data; those count once."
    return left, [note] if again else []


def in_words(one: PastRun, key: str) -> str:
    """Return how a run is called by one of its settings."""
    if key not in one.values:
        return f"{key.rpartition('.')[2].replace('_', ' ')} {UNSET}"
    return named(key, one.values[key])


def _told_apart(found: Sequence[PastRun], keys: Sequence[str]) -> bool:
    """Return whether every run has the name of an arm, and no name stands for two settings on one data set."""
    settings = {(one.arm, one.dataset, *(str(one.values.get(key, UNSET)) for key in keys)) for one in found}
    return all(one.arm for one in found) and len(settings) == len({(one.arm, one.dataset) for one in found})


def _counts(key: str, one: PastRun) -> bool:
    """Return whether a key can have changed the result of a run."""
    if key in recorded.DOES_NOT_CHANGE_RESULTS or key.startswith(ASIDE):
        return False
    return not read_elsewhere(key, str(one.values.get("task.kind", "")))


def _within_arms(arms: Sequence[Sequence[PastRun]], keys: Sequence[str]) -> list[str]:
    """Return the keys in which runs of one arm differ, aside from those that make repeats."""
    inside = [key for found in arms if found for key in differences(found)]
    return [key for key in dict.fromkeys(inside) if key not in keys and not _is_repeat(key)]


def _is_repeat(key: str) -> bool:
    """Return whether another value of a key makes another run of the same settings; data count by their content."""
    return key in REPEATS or key.startswith("dataset.")


def _varied(found: Sequence[PastRun]) -> str:
    """Return what varies between runs that differ in no setting."""
    data = sorted({one.data[0][:8] for one in found if one.data})
    return "seeds" if len(data) < 2 else f"the data (fingerprints {', '.join(data[:3])})"


def differences(found: Sequence[PastRun]) -> list[str]:
    """Return the keys in which the runs differ, of those that can change a result."""
    first = found[0].values
    known = dict.fromkeys(key for one in found for key in one.values)
    return [
        key
        for key in known
        if any(_counts(key, one) for one in found)
        and any(one.values.get(key, UNSET) != first.get(key, UNSET) for one in found)
    ]


def _keys(by: Sequence[str], differing: Sequence[str], found: Sequence[PastRun]) -> list[str]:
    known = {key for one in found for key in one.values}
    for key in by:
        if key not in known:
            if not is_key(key):
                raise ConfigError(f"--by {unknown_key(key)}")
            raise ConfigError(f"--by {key} is not a key of these runs.{did_you_mean(key, known)}")
    return list(by) or list(differing)


def _repeat(one: PastRun, found: Sequence[PastRun]) -> str:
    """Return what tells a run from the others of its arm."""
    varied = [key for key in REPEATS if len({str(other.values[key]) for other in found}) > 1]
    words = [f"{key}={one.values[key]}" for key in varied or ["seed"]]
    several = len({other.data[0] for other in found if other.data}) > 1
    if not several or one.data is None:
        return " ".join(words)
    # the name of its data where that says which they are, else what identifies them
    named = {other.data[0]: str(other.values["dataset.name"]) for other in found if other.data}
    name = named[one.data[0]]
    return " ".join([*words, f"data={name if len(set(named.values())) == len(named) else one.data[0][:8]}"])
