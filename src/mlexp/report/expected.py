"""Whether a run, a sweep or a comparison came to what was expected of it: the key `expect`, the verb of that name.

Names are those of `metrics.json`, such as test.accuracy, and `OF_RUN`. Of a sweep or a comparison every job has to meet
such a condition. Of a comparison there are further names:

    verdict        the arm that is significantly better than each other; "equivalent", or "none"
    difference, p  of the two best arms: the difference of their means, at least 0, and its p-value, adjusted
    mean.ARM       mean of an arm
    A - B          difference of the means of two arms, in the unit of the metric: 0.01 is a point of accuracy
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from mlexp import metrics, store
from mlexp.comparisons.evidence.metric import DIVIDED
from mlexp.config.conditions import Condition
from mlexp.config.untrusted import reading
from mlexp.errors import ConfigError, ExpectationError, did_you_mean, shortened
from mlexp.kinds import KINDS
from mlexp.report import facts
from mlexp.store import PARTS, Comparison, Run
from mlexp.store.sweep_folder import NOT_NEEDED

OF_RUN = ("seconds", "epochs", "best_epoch", "n_parameters", "peak_memory_mb")
OF_COMPARISON = ("verdict", "difference", "p")
NONE, EQUIVALENT = "none", "equivalent"
SHOWN = 12  # names in a message


@dataclass(frozen=True)
class Check:
    """A condition held against a folder.

    Attributes
    ----------
    condition : in words
    met : whether it is fulfilled
    value : what was found, of a sweep the first value that is not as expected; None where there is none
    words : the value in words
    """

    condition: str
    met: bool
    value: float | str | None
    words: str

    def __str__(self) -> str:
        return f"expected {self.condition}: {self.words}"


def refuse_unknown(conditions: Iterable[Condition], kind: str, arms: Sequence[str] = ()) -> None:
    """Refuse names that no run of this kind records, before anything runs; `arms` are those of a comparison of it.

    Raises
    ------
    ConfigError
        The message suggests the nearest name.
    """
    sets = ("all",) if KINDS[kind].part == "all" else PARTS
    measures = metrics.metrics_of(kind)
    known = [*(f"{part}.{name}" for part in sets for name in measures), *OF_RUN, *of_arms(arms)]
    for one in conditions:
        free = kind not in DIVIDED and "." in one.name and one.name.partition(".")[0] in sets
        if one.name not in known and not free:
            more = f", {', '.join(OF_COMPARISON)}, mean.ARM and 'A - B'" if arms else ""
            raise ConfigError(
                f"expect: '{shortened(one.name)}' is not recorded.{did_you_mean(one.name, known)} Names: "
                f"{', '.join(measures) or 'the metrics of the run'}, of {', '.join(sets)}; "
                f"{', '.join(OF_RUN)}{more}."
            )
        if isinstance(one.bound, str) != (one.name == "verdict"):
            raise ConfigError(f"expect: '{one}': only a verdict is compared with a word, by == or !=.")
        if one.name == "verdict" and one.bound not in (*arms, NONE, EQUIVALENT):
            raise ConfigError(
                f"expect: no verdict can be '{shortened(str(one.bound))}'.{did_you_mean(str(one.bound), arms)} "
                f"Possible: {', '.join([*arms, EQUIVALENT, NONE])}."
            )


def of_arms(arms: Sequence[str]) -> list[str]:
    """Return the names of numbers that a comparison of these arms adds."""
    if not arms:
        return []
    pairs = [f"{one} - {other}" for one, other in permutations(arms, 2)]
    return [*OF_COMPARISON, *(f"mean.{arm}" for arm in arms), *pairs]


def checked(path: Path, conditions: Sequence[Condition]) -> list[Check]:
    """Hold conditions against the folder of a run, a sweep or a comparison; without any, nothing is read."""
    if not conditions:
        return []
    with reading(path):
        opened = store.open(path)
        if isinstance(opened, Run):
            values = of_run(opened)
            return [_of_one(one, values, opened.status) for one in conditions]
        own = of_comparison(opened.info) if isinstance(opened, Comparison) else {}
        sweep = opened.sweep if isinstance(opened, Comparison) else opened
        jobs = [] if sweep is None else _of_jobs(sweep)
        return [
            _of_one(one, own, opened.status) if one.name in own or not jobs else _of_all(one, jobs)
            for one in conditions
        ]


def hold(path: Path, checks: Iterable[Check]) -> None:
    """Raise `ExpectationError`, a line each, if conditions that were held against a folder are not met."""
    if unmet := [f"{store.shown(path)}: {one}" for one in checks if not one.met]:
        error = ExpectationError(unmet)
        error.folder = path
        raise error


def of_run(run: Run) -> dict[str, Any]:
    """Return every number of a run by its name."""
    values: dict[str, Any] = {
        f"{part}.{name}": value for part, of in run.metrics.items() for name, value in of.items()
    }
    facts = {"seconds": run.seconds, "peak_memory_mb": run.info.get("peak_memory_mb")} | run.info["facts"]
    return values | {name: facts[name] for name in OF_RUN if facts.get(name) is not None}


def _of_jobs(sweep: store.Sweep) -> list[tuple[str, dict[str, Any], str]]:
    """Return what to call each job that was needed, its numbers and its status."""
    found = []
    for job in facts.of_sweep(sweep)["jobs"]:
        settings = " ".join(f"{key}={value}" for key, value in job["settings"].items())
        run = sweep.run(Path(job["folder"]).name) if job["folder"] else None
        if job["status"] != NOT_NEEDED:
            name = f"job {job['number']} ({settings})" if settings else f"job {job['number']}"
            found.append((name, of_run(run) if run else {}, job["status"]))
    return found


def of_comparison(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict and the numbers of a comparison by name; nothing as long as it has no answer."""
    if not info.get("pairs"):
        return {}
    pairs: dict[frozenset[str], Mapping[str, Any]] = {
        frozenset((one["a"], one["b"])): one for one in info["pairs"]
    }
    leader, runner_up = info["ranking"][:2]
    first = pairs[frozenset((leader, runner_up))]
    found: dict[str, Any] = {"verdict": _verdict(info, leader, first), "difference": abs(first["difference"])}
    found["p"] = first["p_adjusted"] if first.get("p_adjusted") is not None else first.get("p")
    for pair in pairs.values():
        found[f"{pair['a']} - {pair['b']}"] = pair["difference"]
        found[f"{pair['b']} - {pair['a']}"] = -pair["difference"]
    return found | {f"mean.{arm['name']}": arm.get("mean") for arm in info["arms"]}


def _verdict(info: Mapping[str, Any], leader: str, first: Mapping[str, Any]) -> str:
    with_best = info.get("with_best")
    best = with_best["may_be_best"] if with_best else []
    if best == [leader] or (not with_best and _beats_all(leader, info["pairs"])):
        return leader
    return EQUIVALENT if first.get("equivalent") and len(info["ranking"]) == 2 else NONE


def _beats_all(arm: str, pairs: Iterable[Mapping[str, Any]]) -> bool:
    return all(pair["better"] == arm for pair in pairs if arm in (pair["a"], pair["b"]))


def _of_one(one: Condition, values: Mapping[str, Any], status: str) -> Check:
    value = values.get(one.name)
    return Check(str(one), one.holds(value), value, _in_words(one, values, status))


def _in_words(one: Condition, values: Mapping[str, Any], status: str) -> str:
    value = values.get(one.name)
    if value is not None:
        return value if isinstance(value, str) else f"{value:.6g}"
    if one.name in values:
        return "not a finite number"
    if status != "completed":
        return f"no value, it is {status}"
    known = ", ".join(list(values)[:SHOWN])
    return f"not recorded;{did_you_mean(one.name, values)} recorded: {known} ..."


def _of_all(one: Condition, jobs: Sequence[tuple[str, dict[str, Any], str]]) -> Check:
    """Hold a condition against every job; the value is that of the first that fails, else of the first."""
    unmet = [job for job in jobs if not one.holds(job[1].get(one.name))]
    name, values, status = (unmet or list(jobs))[0]
    words = f"{name} has {_in_words(one, values, status)}"
    if unmet:
        words = f"{len(unmet)} of {len(jobs)} jobs do not meet it; {words}"
    return Check(str(one), not unmet, values.get(one.name), words)


def told(checks: Iterable[Check]) -> Iterator[dict[str, Any]]:
    """Yield checks as values that JSON can say."""
    for one in checks:
        yield {"condition": one.condition, "met": one.met, "value": one.value, "words": one.words}
