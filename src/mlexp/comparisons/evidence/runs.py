"""What ran: the runs of every arm, what each scored, and on which rows."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from mlexp.comparisons.evidence.chance import is_constant_as_good
from mlexp.comparisons.evidence.deterministic import result_of
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.errors import DataError
from mlexp.store import Run

MOST_NAMED = 4
Block = tuple[str, str]  # fingerprint of the data, and of the rows evaluated


class StratumRuns(NamedTuple):
    """The runs of an arm in one stratum: their scores, and labels that are equal for runs of one seed."""

    scores: np.ndarray
    seeds: list[tuple[int, int]]


@dataclass(frozen=True)
class Entry:
    """One run of an arm.

    Attributes
    ----------
    arm : name of its arm
    name : what tells it from the other runs of the arm (seed=3)
    run : its folder; None if it failed before it had one
    metric : what is compared
    fate : status as the sweep knows it, for a run without a folder; why it ended
    stratum : the settings that it shares with runs of the other arms, where arms are compared within blocks of equal
        settings; empty where they are not
    dataset : name of its data set in the comparison; empty where that has one data set
    """

    arm: str
    name: str
    run: Run | None
    metric: PartMetric
    fate: tuple[str, str] = ("", "")
    stratum: str = ""
    dataset: str = ""

    @property
    def status(self) -> str:
        """Completed, failed, diverged, interrupted, running or left."""
        return str(self.run.info["status"]) if self.run else self.fate[0]

    @property
    def seed(self) -> Any:
        """What makes another run of the same settings; None if the run has no folder."""
        return self.run.info["seed"] if self.run else None

    @property
    def sizes(self) -> tuple[float, float] | None:
        """Numbers of rows that it was trained and evaluated on; None if it does not say."""
        split = self.run.info["split"] if self.run else {}
        known = "train" in split and self.metric.part in split
        return (split["train"], split[self.metric.part]) if known else None

    @cached_property
    def value(self) -> float | None:
        """The metric; None where the run did not complete or did not record it."""
        if self.run is None or self.status != "completed":
            return None
        found = self.run.metrics.get(self.metric.part, {}).get(self.metric.name)
        return float(found) if found is not None and np.isfinite(found) else None

    @property
    def problem(self) -> str:
        """Why the run does not count; empty if it does."""
        if self.value is not None:
            return ""
        if self.run is None or self.status != "completed":
            return str((self.run.info["error"] if self.run else "") or self.fate[1] or self.status)
        return f"it completed without {self.metric}"

    @property
    def learnt_nothing(self) -> bool:
        """Whether a completed run is no better than a constant prediction, on the validation set if there is one.

        Of classes: see `chance.is_constant_as_good`. Of numbers: where R² is at most 0, that of the mean. False where
        neither is recorded.
        """
        if self.run is None or self.status != "completed":
            return False
        for part in ("validation", self.metric.part):
            scores = self.run.metrics.get(part, {})
            truth = self.run.predictions.get(f"{part}_true")
            if truth is None or not len(truth):
                continue
            if scores.get("accuracy") is not None and truth.dtype.kind in "iu":
                predicted = self.run.predictions.get(f"{part}_predicted")
                return is_constant_as_good(truth, predicted, accuracy=float(scores["accuracy"]))
            if scores.get("r2") is not None:
                return float(scores["r2"]) <= 0
        return False

    @cached_property
    def rows(self) -> np.ndarray | None:
        """The metric on every row, float64 of shape (n,); None if that was not kept."""
        assert self.run is not None
        name = self.metric.of_row
        return (
            None if name is None or name not in (kept := self.run.predictions) else kept[name].astype(float)
        )

    def kept(self, what: str) -> np.ndarray | None:
        """Return what was kept of every row of the part: true, predicted, row."""
        assert self.run is not None
        return self.run.predictions.get(f"{self.metric.part}_{what}")

    @cached_property
    def block(self) -> Block:
        """The data and the rows that this run was evaluated on: what two runs must share to be compared."""
        assert self.run is not None
        rows = self.kept("row")
        evaluated = (
            str(self.run.info["split"].get("fingerprint", ""))
            if rows is None
            else hashlib.sha256(rows.tobytes()).hexdigest()
        )
        return str(self.run.info["dataset"]["fingerprint"]), evaluated

    @cached_property
    def result(self) -> str:
        """SHA-256 of what the run came to: two runs of equal predictions and histories are one run."""
        assert self.run is not None
        return result_of(self.run.path)


@dataclass(frozen=True)
class Evidence:
    """The runs of all arms.

    Attributes
    ----------
    metric : what is compared
    entries : arm -> its runs, also those that do not count
    spared : arm -> seeds that were not trained, for the arm is known to be deterministic
    """

    metric: PartMetric
    entries: Mapping[str, Sequence[Entry]]
    spared: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def used(self) -> dict[str, list[Entry]]:
        """Arm -> the runs that count: complete, with the metric, evaluated on rows that every arm was evaluated on.

        Of runs that came to the same result, byte for byte, the first one alone counts.
        """
        return {
            arm: [same[0] for same in found if same[0].stratum in self.strata]
            for arm, found in self._alike.items()
        }

    @cached_property
    def copies(self) -> dict[str, list[tuple[Entry, Entry]]]:
        """Arm -> runs that do not count because another run of the arm came to the same result, and that run."""
        return {
            arm: [(copy, first) for first, *others in found for copy in others]
            for arm, found in self._alike.items()
        }

    @cached_property
    def _alike(self) -> dict[str, list[list[Entry]]]:
        """Arm -> the runs that could count, those of one stratum and result together."""
        found: dict[str, list[list[Entry]]] = {}
        for arm, entries in self.entries.items():
            cells: dict[tuple[str, Block], list[Entry]] = {}
            for entry in entries:
                if entry.value is not None and entry.block in self.blocks:
                    cells.setdefault((entry.stratum, entry.block), []).append(entry)
            order = {id(entry): place for place, entry in enumerate(entries)}
            groups = [group for cell in cells.values() for group in _equal(cell)]
            found[arm] = sorted(groups, key=lambda group: order[id(group[0])])
        return found

    @cached_property
    def strata(self) -> list[str]:
        """Strata in which arms are compared, one empty name where there are none.

        Those that hold runs of every arm on all data and rows; where some of them hold several runs of every arm, or an
        arm that is known to be deterministic, those alone.
        """
        order = dict.fromkeys(e.stratum for entries in self.entries.values() for e in entries)
        whole = [
            stratum
            for stratum in order
            if all(set(self.blocks) <= {e.block for e in self._cell(arm, stratum)} for arm in self.arms)
        ]
        several = [
            stratum
            for stratum in whole
            if all(len(self._cell(arm, stratum)) > 1 or self._is_fixed(arm, stratum) for arm in self.arms)
        ]
        return several if several and len(self.blocks) == 1 and len(order) > 1 else whole

    def _cell(self, arm: str, stratum: str) -> list[Entry]:
        """Return the runs of an arm in a stratum, of equal ones the first."""
        return [same[0] for same in self._alike[arm] if same[0].stratum == stratum]

    def _is_fixed(self, arm: str, stratum: str) -> bool:
        alike = [same for same in self._alike[arm] if same[0].stratum == stratum]
        return len(alike) == 1 and len({entry.seed for group in alike for entry in group}) > 1

    def is_deterministic(self, arm: str) -> bool:
        """Return whether several seeds of an arm came to one result: that it does not vary over seeds is known."""
        return all(self._is_fixed(arm, stratum) for stratum in self.strata)

    @cached_property
    def tuned_each(self) -> bool:
        """Whether every run that counts was tuned by a search of its own."""
        return all(
            entry.run is not None and entry.run.tuning for arm in self.arms for entry in self.used[arm]
        )

    def n_runs(self, arm: str) -> int:
        """Return how many runs of an arm count, in the stratum that holds fewest."""
        return min(len(self._cell(arm, stratum)) for stratum in self.strata)

    def cells(self, arm: str) -> list[StratumRuns]:
        """Return the runs of an arm in each stratum: scores of rows (S, n) or of runs (S,), and their seeds.

        Two equal ones for an arm known to give the same result whatever the seed.
        """
        table = self.table(arm)
        scores = self.values(arm) if table is None else table
        found = []
        for stratum in self.strata:
            places = [place for place, entry in enumerate(self.used[arm]) if entry.stratum == stratum]
            if self._is_fixed(arm, stratum):
                places = places * 2
            seeds = [self.used[arm][place].seed for place in places]
            found.append(
                StratumRuns(scores[places], [(seed, seeds[:k].count(seed)) for k, seed in enumerate(seeds)])
            )
        return found

    @cached_property
    def arms(self) -> list[str]:
        """Arms of which at least one run counts."""
        return [
            arm for arm, entries in self.entries.items() if any(entry.value is not None for entry in entries)
        ]

    @cached_property
    def blocks(self) -> list[Block]:
        """Data and test rows that every arm was evaluated on, in the order of the runs."""
        found = [[entry.block for entry in self.entries[arm] if entry.value is not None] for arm in self.arms]
        shared = set.intersection(*map(set, found)) if found else set()
        return [block for block in dict.fromkeys(found[0] if found else []) if block in shared]

    @property
    def datasets(self) -> list[str]:
        """Fingerprints of the data sets."""
        return list(dict.fromkeys(data for data, _ in self.blocks))

    @cached_property
    def units(self) -> str:
        """What the arms share more than one of: data sets, folds of a cross-validation, or else splits."""
        if len(self.datasets) > 1:
            return "data sets"
        runs = [entry.run for entry in self.used[self.arms[0]] if entry.run]
        tested = [run.info.get("settings", {}).get("split.test") for run in runs]
        return "folds" if tested and all(isinstance(one, str) and "/" in one for one in tested) else "splits"

    @cached_property
    def generated(self) -> bool:
        """Whether the data sets are samples of one generator with one setting, and not a suite of unlike ones."""
        runs = [entry.run for arm in self.arms for entry in self.used[arm] if entry.run]
        if len(self.datasets) < 2 or not runs or runs[0].info["dataset"].get("source") != "generated":
            return False
        drawn = [(run.info["dataset"]["name"], _generator(run.info)) for run in runs]
        return all(one == drawn[0] for one in drawn)

    def values(self, arm: str) -> np.ndarray:
        """Return the metric of each run that counts."""
        return np.array([entry.value for entry in self.used[arm]], dtype=np.float64)

    def mean(self, arm: str) -> float:
        """Return the mean over the runs that count; over strata, and over data sets, with equal weight."""
        return float(self.by_unit(arm).mean()) if len(self.datasets) > 1 else _balanced(self.used[arm])

    def by_unit(self, arm: str) -> np.ndarray:
        """Return the mean over runs for each data set, or for each fold or split where there is one data set."""
        return self._units[arm]

    @cached_property
    def _units(self) -> dict[str, np.ndarray]:
        """Arm -> its means: every pair asks for them."""
        whole = len(self.datasets) > 1
        keys = self.datasets if whole else self.blocks
        found = {}
        for arm in self.arms:
            of: dict[Any, list[Entry]] = {key: [] for key in keys}
            for entry in self.used[arm]:
                of[entry.block[0] if whole else entry.block].append(entry)
            found[arm] = np.array([_balanced(entries) for entries in of.values()])
        return found

    @cached_property
    def sizes(self) -> tuple[float, float] | None:
        """How many samples one split trains and tests on, the mean over runs; None if some do not say."""
        found = [entry.sizes for arm in self.arms for entry in self.used[arm]]
        known = [sizes for sizes in found if sizes is not None]
        if len(known) < len(found):
            return None
        n_train, n_test = np.mean(known, axis=0)
        return float(n_train), float(n_test)

    def predictions(self, arm: str, what: str) -> np.ndarray | None:
        """Return what was kept of every row by every run of an arm, (runs, n ...); None if it was not kept."""
        return _stacked([entry.kept(what) for entry in self.used[arm]])

    def table(self, arm: str) -> np.ndarray | None:
        """Return scores of every row, float64 of shape (runs, n), whose means are the metric of the runs.

        What was kept of every row where the metric is a mean over rows; else the metric plus each row's influence on
        it. None where neither is known, or there are several splits.
        """
        if arm not in self._tables:
            self._tables[arm] = self._table(arm)
        return self._tables[arm]

    @cached_property
    def _tables(self) -> dict[str, np.ndarray | None]:
        """Arm -> its table, once it was asked for: every pair asks, and influence takes a while to compute."""
        return {}

    def _table(self, arm: str) -> np.ndarray | None:
        if len(self.blocks) > 1:
            return None
        if self.metric.of_row is not None:
            return _stacked([entry.rows for entry in self.used[arm]])
        row = self.metric.row
        scores, found = row.row_scores, self.predictions(arm, row.made_of)
        truth = self.used[arm][0].kept("true")
        if scores is None or found is None or truth is None:
            return None
        return np.asarray(scores(truth, found))

    @cached_property
    def groups(self) -> np.ndarray | None:
        """Which test rows belong together, shape (n,); None if none do, or there are several splits."""
        if len(self.blocks) > 1:
            return None
        kept = [entry.kept("group") for arm in self.arms for entry in self.used[arm]]
        return next((one for one in kept if one is not None), None)

    def check(self) -> None:
        """Refuse runs that cannot be compared.

        Raises
        ------
        DataError
            If no run has the metric, or the arms were evaluated on different samples.
        """
        if len(self.arms) < 2:
            self._explain_missing()
        if self.blocks and not self.strata:
            raise DataError(
                f"No combination of the other settings holds runs of every arm: {', '.join(self.arms[:MOST_NAMED])} "
                "cannot be compared within blocks. Run the arms with the same settings, or compare each at its best: "
                "--best-of validation."
            )
        if not self.blocks:
            one, other = self._strangers()
            raise DataError(
                f"The arms '{one.arm}' and '{other.arm}' were evaluated on different {self._apart(one, other)}: their "
                f"{self.metric.words} cannot be compared. Run both with one dataset, split.seed and split.test."
            )

    def _strangers(self) -> tuple[Entry, Entry]:
        """Return runs of the first two arms that share no test rows, else of the first two arms."""
        runs = {arm: [e for e in self.entries[arm] if e.value is not None] for arm in self.arms}
        pairs = list(itertools.combinations(self.arms, 2))
        apart = (
            pair for pair in pairs if not {e.block for e in runs[pair[0]]} & {e.block for e in runs[pair[1]]}
        )
        one, other = next(apart, pairs[0])
        first = runs[one][0]
        return first, next((e for e in runs[other] if e.block != first.block), runs[other][0])

    def _apart(self, one: Entry, other: Entry) -> str:
        place = 0 if one.block[0] != other.block[0] else 1
        what = "data" if place == 0 else "test samples"
        return f"{what} (fingerprints {one.block[place][:8]} and {other.block[place][:8]})"

    def _explain_missing(self) -> None:
        done = [
            entry for entries in self.entries.values() for entry in entries if entry.status == "completed"
        ]
        names = {
            f"{part}.{name}"
            for entry in done
            if entry.run
            for part, of in entry.run.metrics.items()
            for name in of
        }
        if done and str(self.metric) not in names:
            raise DataError(f"No run holds {self.metric}. These hold: {', '.join(sorted(names))}.")
        counts = ", ".join(
            f"{sum(e.value is not None for e in entries)} of {len(entries)} of '{arm}'"
            for arm, entries in list(self.entries.items())[:MOST_NAMED]
        )
        first = next((e.problem for entries in self.entries.values() for e in entries if e.problem), "")
        raise DataError(
            f"Fewer than two arms have a run with {self.metric}: nothing can be compared. Runs that count: {counts}. "
            f"The first problem: {first or 'none'}"
        )


def _equal(runs: Sequence[Entry]) -> list[list[Entry]]:
    """Return the runs of one result together; runs that were tuned anew are one only where chance has no part in them.

    Two searches may choose the same settings and come to the same model: each is a search all the same.
    """
    found: dict[tuple[str, int | None], list[Entry]] = {}
    searches = [entry.run.tuning for entry in runs if entry.run]
    alike = len({entry.result for entry in runs}) == 1
    varies = all(searches) and not (alike and all(one["strategy"] == "grid" for one in searches))
    for entry in runs:
        seed = entry.run.info["seed"] if varies and entry.run else None
        found.setdefault((entry.result, seed), []).append(entry)
    return list(found.values())


def _balanced(entries: Sequence[Entry]) -> float:
    """Return the mean over runs; over strata with equal weight."""
    found: dict[str, list[float]] = {}
    for entry in entries:
        assert entry.value is not None
        found.setdefault(entry.stratum, []).append(entry.value)
    return float(np.mean([np.mean(values) for values in found.values()]))


def _generator(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the generator that drew the data of a run, without its seed."""
    settings = info.get("settings", {})
    return {key: settings[key] for key in settings if key.startswith("dataset.") and key != "dataset.seed"}


def _stacked(found: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [one for one in found if one is not None]
    return np.stack(known) if known and len(known) == len(found) else None
