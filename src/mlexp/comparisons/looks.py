"""Look at a comparison while it runs, at levels stated beforehand, and stop where every difference is settled.

What was found at each look follows from the runs alone: a comparison that was killed takes the same looks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from mlexp import stats, store
from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.verdict import Pair, Verdict, evaluate
from mlexp.config.combinations import Combination
from mlexp.config.overrides import parsed
from mlexp.errors import ConfigError
from mlexp.kinds.comparison.settings import Comparison
from mlexp.store.result import Columns, by_column
from mlexp.sweeps import planning
from mlexp.sweeps.planning import Plan

UNTIL_SETTLED = "until_settled"
MAX_SEEDS = 30
FIRST = 5  # runs of an arm at the first look: with fewer the test is timid
SHARES = (1 / 6, 1 / 3, 1 / 2, 2 / 3, 1.0)  # of the runs; the looks at 5, 10, 15, 20 and 30 of 30
TESTS = ("auto", "crossed")


@dataclass(frozen=True)
class Schedule:
    """When a comparison is looked at; stated before the first look.

    Attributes
    ----------
    runs : runs of an arm at each look
    levels : level of each look, at which Holm's procedure is applied to all pairs of arms
    max_seeds : runs of an arm at most
    alpha : chance of any false alarm in all looks
    """

    runs: tuple[int, ...]
    levels: tuple[float, ...]
    max_seeds: int
    alpha: float

    @classmethod
    def of(cls, max_seeds: int, *, arms: int, alpha: float) -> Schedule:
        """Return the looks at a comparison of so many arms, all pairs of them tested."""
        runs = tuple(sorted({min(max_seeds, max(FIRST, round(share * max_seeds))) for share in SHARES}))
        shares = [count / max_seeds for count in runs]
        return cls(runs, stats.family_levels(shares, arms * (arms - 1) // 2, alpha=alpha), max_seeds, alpha)

    @property
    def words(self) -> str:
        """Say when it is looked at, and at which levels."""
        when = ", ".join(
            f"{runs} ({in_short(level)})" for runs, level in zip(self.runs, self.levels, strict=True)
        )
        return f"Looks at runs per arm (level of the look): {when}; all together spend {self.alpha:g}"


def schedule(node: Comparison, n_arms: int) -> Schedule | None:
    """Return the looks that a comparison asks for; None where its seeds are fixed."""
    if node.seeds != UNTIL_SETTLED:
        return None
    return Schedule.of(node.max_seeds or MAX_SEEDS, arms=n_arms, alpha=node.alpha)


def stated(info: Mapping[str, Any]) -> Schedule | None:
    """Return the looks that stand in `comparison.json`; None where there are none."""
    if "looks" not in info:
        return None
    known = info["looks"]
    return Schedule(tuple(known["runs"]), tuple(known["levels"]), known["max_seeds"], known["alpha"])


def refuse_unfit(node: Comparison, arguments: Sequence[str]) -> None:
    """Refuse what does not go together with looks, and their number of runs without looks."""
    typed = [one.key for one in parsed(arguments)]
    if node.seeds != UNTIL_SETTLED:
        if "comparison.max_seeds" in typed and "size" not in typed:
            raise ConfigError(
                f"comparison.max_seeds belongs to comparison.seeds={UNTIL_SETTLED}. Got comparison.seeds={node.seeds}: "
                "leave one of them out."
            )
        return
    varied = {
        "folds": node.folds,
        "repeats": node.repeats > 1,
        "draws": node.draws > 1,
        "datasets": node.datasets,
    }
    for name in (name for name, value in varied.items() if value):
        raise ConfigError(
            f"comparison.seeds={UNTIL_SETTLED} adds training runs on one split of one data set. Got comparison.{name}="
            f"{getattr(node, name)}: leave it out, or name a number of seeds."
        )
    if node.test not in TESTS:
        raise ConfigError(
            f"comparison.seeds={UNTIL_SETTLED} needs comparison.test={' or '.join(TESTS)}. Got {node.test}: leave it "
            "out, or name a number of seeds."
        )


def refuse_other(place: Path, known: Schedule | None, wanted: Schedule | None) -> None:
    """Refuse to resume a comparison under other looks than those that were stated when it began."""
    if known != wanted:
        had, asked = (
            f"{UNTIL_SETTLED}, looks at {', '.join(map(str, one.runs))} runs, alpha {one.alpha:g}"
            if one
            else "a fixed number"
            for one in (known, wanted)
        )
        raise ConfigError(
            f"{place} holds a comparison with other seeds: {had}. Got {asked}. Name a new folder with "
            f"sweep.dir, or resume that one: mlexp resume {place}"
        )


@dataclass(frozen=True)
class Look:
    """A look that was taken.

    Attributes
    ----------
    number : from 1
    runs : planned runs of each arm that varies
    level : of this look
    evidence, verdict : the runs up to this look, and what they say at its level
    settled : whether the difference of every pair is
    fixed : whether no arm varies, so that more runs would show the same
    """

    number: int
    runs: int
    level: float
    evidence: Evidence
    verdict: Verdict
    settled: bool
    fixed: bool

    @property
    def is_last(self) -> bool:
        """Whether nothing is left to find out by more runs."""
        return self.settled or self.fixed

    def words(self, planned: Schedule) -> str:
        """Say what a look that does not end the study has found."""
        apart = sum(pair.separated for pair in self.verdict.pairs)
        return (
            f"Look {self.number} of {len(planned.runs)}, {self.runs} runs per arm, level {in_short(self.level)}: "
            f"{apart} of {len(self.verdict.pairs)} differences settled; {planned.runs[self.number]} runs per arm next."
        )


def taken(evidence: Evidence, node: Comparison, planned: Schedule) -> list[Look]:
    """Return the looks that the runs allow, in order, up to the one that ends the study.

    Raises
    ------
    DataError
        If at a look fewer than two arms have a run that counts, or the arms cannot be compared.
    """
    there = max(len(entries) + evidence.spared.get(arm, 0) for arm, entries in evidence.entries.items())
    found: list[Look] = []
    for number, (runs, level) in enumerate(zip(planned.runs, planned.levels, strict=True), 1):
        if runs > there or (found and found[-1].is_last):
            break
        seen = replace(evidence, entries={arm: one[:runs] for arm, one in evidence.entries.items()})
        seen.check()
        fixed = all(seen.is_deterministic(arm) for arm in seen.arms)
        level = planned.alpha if fixed else level  # no other look will be taken
        verdict = evaluate(seen, node, alpha=level)
        settled = all(pair.separated or _same(seen, pair) for pair in verdict.pairs)
        found.append(Look(number, runs, level, seen, verdict, settled, fixed))
    return found


def _same(evidence: Evidence, pair: Pair) -> bool:
    """Return whether two arms came to the same results byte for byte: no number of runs sets them apart."""
    one, other = ({entry.result for entry in evidence.used[arm]} for arm in (pair.a, pair.b))
    return one == other


def extended(plan: Plan, look: Look, planned: Schedule) -> Plan:
    """Return the plan with the runs that the next look needs; an arm that does not vary gets no more."""
    runs, first = planned.runs[look.number], plan.first.seed
    arms = {arm: len(entries) for arm, entries in look.evidence.entries.items()}
    varying = {arm: count for arm, count in arms.items() if not look.evidence.is_deterministic(arm)}
    return _with(plan, [(arm, first + k) for arm, count in varying.items() for k in range(count, runs)])


def as_far_as(plan: Plan, recorded: Sequence[Mapping[str, Any]]) -> Plan:
    """Return the plan of a first look with the runs of later ones that stand in the record of its sweep."""
    return _with(
        plan, [(job["swept"]["arm"], int(job["swept"]["seed"])) for job in recorded[len(plan.jobs) :]]
    )


def _with(plan: Plan, runs: Sequence[tuple[str, int]]) -> Plan:
    """Return the plan with more runs of its arms, each by arm and seed."""
    of_arm = {job.swept["arm"]: job for job in reversed(plan.jobs)}
    if not runs:
        return plan
    more = [
        Combination({"arm": arm, "seed": str(seed)}, replace(of_arm[arm].config, seed=seed))
        for arm, seed in runs
    ]
    added = [
        replace(job, number=len(plan.jobs) + job.number, data=of_arm[job.swept["arm"]].data)
        for job in planning.planned(more, command=plan.command).jobs
    ]
    return replace(plan, jobs=(*plan.jobs, *added))


def answer(looks: Sequence[Look], planned: Schedule, n_runs: int) -> str:
    """Say at which look the study ended, why, how many runs were saved, and at which level it was tested."""
    last, pairs = looks[-1], looks[-1].verdict.pairs
    at = (
        f"look {last.number} of {len(planned.runs)} ({last.runs} of at most {planned.max_seeds} runs per arm)"
    )
    wanted = planned.max_seeds * len(last.evidence.entries)
    saved = f"{wanted - n_runs} of {wanted} runs saved" if wanted > n_runs else "no run saved"
    level = f"Interval and p are at the level of this look, {in_short(last.level)}."
    if last.fixed:
        return f"Stopped at {at}, {saved}: no arm varies over seeds, so that more runs would show the same."
    if last.settled:
        return f"Settled at {at}, {saved}. {level}"
    left = sum(not pair.separated for pair in pairs)
    count = "" if len(pairs) == 1 else f", {left} of {len(pairs)} differences"
    if last.number < len(planned.runs):
        return f"Not settled yet at {at}{count}. {level}"
    return f"Not settled at the last look ({last.runs} runs per arm){count}. {level}"


def told(info: Mapping[str, Any], looks: Sequence[Look], planned: Schedule, n_runs: int) -> dict[str, Any]:
    """Return what `comparison.json` holds with the looks, in its answer and beside it."""
    details = {**info["details"], "Looks": f"{planned.words}. {scope(planned)}"}
    said = [*info["answer"], answer(looks, planned, n_runs)]
    return {**info, "answer": said, "details": details, "looks": record(planned, looks, n_runs)}


def scope(planned: Schedule) -> str:
    """Say what the levels of the looks promise."""
    return (
        f"All looks together raise a false alarm in at most {100 * planned.alpha:g} % of studies (spending of O'Brien "
        "and Fleming's type, Lan and DeMets 1983). Intervals of differences are at the level of the last look; those "
        f"of single arms at {100 * (1 - planned.alpha):g} %."
    )


def table(looks: Sequence[Look]) -> Columns:
    """Return one row for each look and pair, the arms of a pair in the order of the last look."""
    names = ("look", "runs", "level", "a", "b", "difference", "low", "high", "p", "p_adjusted", "settled")
    rows = []
    for look in looks:
        known = {pair.a for pair in look.verdict.pairs} | {pair.b for pair in look.verdict.pairs}
        for a, b in combinations(looks[-1].verdict.ranking, 2):
            if {a, b} <= known:
                cells = (look.number, look.runs, look.level, a, b, *_row(look.verdict.pair(a, b), a))
                rows.append(dict(zip(names, cells, strict=True)))
    return by_column(rows, names)


def _row(pair: Pair, a: str) -> tuple[Any, ...]:
    sign, low, high = (1 if pair.a == a else -1), pair.interval.low, pair.interval.high
    ends = (None, None) if low is None or high is None else sorted((sign * low, sign * high))
    return sign * pair.outcome.estimate, *ends, pair.outcome.p, pair.adjusted, pair.separated


def record(planned: Schedule, looks: Sequence[Look] = (), n_runs: int = 0) -> dict[str, Any]:
    """Return what `comparison.json` keeps: the plan, and where the study ended."""
    kept: dict[str, Any] = asdict(planned)
    if looks:
        last = looks[-1]
        kept["taken"] = last.number
        kept["settled"] = last.settled or last.fixed
        kept["runs_saved"] = planned.max_seeds * len(last.evidence.entries) - n_runs
    return kept


def spent(info: Mapping[str, Any], place: str, more: int) -> str:
    """Say that the level of a comparison with looks is spent, where its runs are compared again."""
    known = info["looks"]
    looks = "1 look was" if known.get("taken", 0) == 1 else f"{known.get('taken', 0)} looks were"
    added = f" {more} runs that were not in it are added now." if more else ""
    return (
        f"The level {known['alpha']:g} is spent: in {place} {looks} taken under comparison.seeds={UNTIL_SETTLED}, and "
        f"its answer stands there.{added} A test of these runs at {known['alpha']:g} raises false alarms more often "
        "than that: take it as a description, or compare fresh seeds alone."
    )


def spent_in(runs: Sequence[Path]) -> list[str]:
    """Return a sentence for each comparison with looks that these run folders lie in."""
    homes = dict.fromkeys(run.resolve().parent.parent for run in runs)
    found = []
    for home in (home for home in homes if store.Comparison.is_at(home)):
        info = store.Comparison.open(home).info
        if stated(info) is not None:
            found.append(spent(info, home.name, sum(home not in run.resolve().parents for run in runs)))
    return found


def in_short(level: float) -> str:
    """Return a level to two digits.

    Examples
    --------
    >>> in_short(0.000686223), in_short(1.5794e-06), in_short(0.05)
    ('0.00069', '1.6e-06', '0.05')
    """
    return f"{level:.2g}"
