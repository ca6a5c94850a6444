"""Check the statistics against a truth that is known: tables of scores drawn from a model of runs and rows, and fits.

    python scripts/bench/calibration.py [--tables 4000] [--seed 0] [--part 1 2 ...] [--jobs 1] [--picture FILE.png]

(1) Arms that are equal in the population, five runs an arm or more: how often does each test reject at 0.05?
(2) The same below five runs.
(3) Arms that differ: how often does the crossed interval at 95 % hold the true difference?
(4) (5) (6) Models that were really fitted: `calibration_models.py`.
(7) A true difference of one standard deviation between runs, 10 against 10: how often does t reject?
(8) Where it fails: the coverage of a true difference where each run of one arm ends at chance now and then, and how
often the warning of failed runs is there; false alarms of arms that make hardly a mistake.
(9) Whole studies with comparison.seeds=until_settled: how often equal arms settle, and how many runs are saved.

The model: run s of arm a is right on row i with probability Phi(base_a + common_i + own_ai + run_as), all three terms
normal and independent. `common` is how hard a row is for everybody, `own` how hard for this arm, `run` how good this
run is. The base of each arm is such that its accuracy over all rows and runs is the one asked for.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special, stats

from mlexp.stats import power_of_t, welch_parts

sys.path.insert(0, str(Path(__file__).parent))
import calibration_looks as looks
import calibration_models as models
from calibration_models import crossed_rejects, t_rejects

Dots = list[tuple[str, list[float]]]  # group, one share a cell
Cell = tuple["World", dict[str, float]]
ALPHA = models.ALPHA
CHUNK_CELLS = 6_000_000
COMMON = 1.5  # probits
SHIFT = 0.15  # probits by which arms differ


@dataclass(frozen=True)
class World:
    """A cell of the simulation.

    Attributes
    ----------
    accuracy : of both arms, or of the second where they differ
    rows : test rows
    seeds : runs of each arm
    own : standard deviation, in probits, of how hard a row is for one arm alone; 0 where rows do not matter
    runs : standard deviation, in probits, between the runs of each arm for 1,000 rows; it falls with the square root of
        the rows, for larger test sets come with larger training sets, whose runs differ less
    """

    accuracy: float
    rows: int
    seeds: tuple[int, int]
    own: float
    runs: tuple[float, float]

    def base(self, place: int) -> float:
        """Return the base of an arm that gives it the accuracy asked for."""
        return float(special.ndtri(self.accuracy) * self.spread(place))

    def spread(self, place: int) -> float:
        """Return the standard deviation of everything but the base, in probits."""
        return float(np.sqrt(1 + COMMON**2 + self.own**2 + self.run_sd(place) ** 2))

    def run_sd(self, place: int) -> float:
        """Return the standard deviation between the runs of an arm, for this number of rows."""
        return self.runs[place] * float(np.sqrt(1000 / self.rows))

    def truth(self, shift: float) -> float:
        """Return the true difference in accuracy where the first arm is `shift` probits better."""
        better = special.ndtr(special.ndtri(self.accuracy) + shift / self.spread(0))
        return float(better - self.accuracy)


ACCURACIES, ROWS, OWN = (0.5, 0.9, 0.98), (200, 360, 2000), (0.0, 0.45)


def worlds(seeds: Sequence[tuple[int, int]], runs: Sequence[tuple[float, float]]) -> list[World]:
    """Return every combination of accuracy, rows, seeds, rows that matter or not, and spread between runs."""
    return [World(*one) for one in itertools.product(ACCURACIES, ROWS, seeds, OWN, runs)]


ENOUGH = worlds([(5, 5), (10, 10), (30, 30)], [(0.06, 0.06), (0.10, 0.02)])
FEW = worlds([(2, 2), (3, 3), (4, 4), (2, 10)], [(0.06, 0.06), (0.10, 0.0)])


def draw_arm(
    world: World, place: int, common: np.ndarray, rng: np.random.Generator, *, shift: float = 0.0
) -> np.ndarray:
    """Return 0/1 scores of shape (tables, seeds, rows) of one arm, given how hard the rows are."""
    tables, n_rows = common.shape
    level = rng.standard_normal((tables, world.seeds[place], n_rows), dtype=np.float32)
    own = world.own * rng.standard_normal((tables, n_rows), dtype=np.float32)
    level += (common + own + np.float32(world.base(place) + shift))[:, None, :]
    level += world.run_sd(place) * rng.standard_normal((tables, world.seeds[place], 1), dtype=np.float32)
    return (level > 0).astype(np.float32)


def mcnemar_rejects(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return which pairs of single runs, of shape (tables, n_rows), differ significantly by McNemar's test."""
    only_a, only_b = (a > b).sum(axis=-1), (a < b).sum(axis=-1)
    disagree, fewer = only_a + only_b, np.minimum(only_a, only_b)
    p = 2 * stats.binom.cdf(fewer, disagree, 0.5) - stats.binom.pmf(fewer, disagree, 0.5)
    return np.asarray((p <= ALPHA) & (only_a != only_b))


def rejections(
    world: World, *, tables: int, rng: np.random.Generator, shift: float = 0.0, failing: float = 0.0
) -> dict[str, float]:
    """Return the shares of tables in which each test rejects, and in which the crossed interval holds the truth.

    `untestable` is the share of tables on which the crossed test cannot be computed; they count in no other share.
    `failing` is the chance that a run of the first arm ends at an accuracy of 0.5; `warned` is the share of tables with
    such a run.
    """
    truth = world.truth(shift) + failing * (0.5 - world.accuracy - world.truth(shift))
    found: dict[str, list[np.ndarray]] = {}
    step = max(1, CHUNK_CELLS // (max(world.seeds) * world.rows))
    for start in range(0, tables, step):
        shape = (min(step, tables - start), world.rows)
        common = COMMON * rng.standard_normal(shape, dtype=np.float32)
        a = draw_arm(world, 0, common, rng, shift=shift)
        b = draw_arm(world, 1, common, rng)
        failed = rng.random(a.shape[:2]) < failing if failing else np.zeros(a.shape[:2], bool)
        a[failed] = rng.random((failed.sum(), world.rows)) < 0.5
        rejected, testable = crossed_rejects(a, b)
        misses = crossed_rejects(a, b, truth)[0] if truth else rejected
        warned = failed.any(axis=1)
        chunk = {
            "untestable": ~testable,
            "warned": warned,
            "covered without warning": ~misses[testable & ~warned],
            "crossed": rejected[testable],
            "covered": ~misses[testable],
            "welch": t_rejects(*welch_parts(a.mean(axis=-1), b.mean(axis=-1))),
            "mcnemar": mcnemar_rejects(a[:, 0], b[:, 0]),
        }
        for test, hits in chunk.items():
            found.setdefault(test, []).append(hits)
    return {test: _share(np.concatenate(hits)) for test, hits in found.items()}


def _share(hits: np.ndarray) -> float:
    return float(hits.mean()) if hits.size else float("nan")


@dataclass(frozen=True)
class Job:
    """What a part is asked for: tables a cell, seed, and a `map` that may use several processes."""

    tables: int
    seed: int
    each: Callable[..., Iterable[Any]] = map


def simulated(cells: Sequence[World], job: Job, *, shift: float = 0.0, failing: float = 0.0) -> list[Cell]:
    """Return the shares of every cell; each has a generator of its own, so that processes give the same numbers."""
    one = partial(_cell, tables=job.tables, seed=job.seed, shift=shift, failing=failing)
    return list(zip(cells, job.each(one, enumerate(cells)), strict=True))


def _cell(
    place: tuple[int, World], *, tables: int, seed: int, shift: float, failing: float
) -> dict[str, float]:
    rng = np.random.default_rng([seed, place[0]])
    return rejections(place[1], tables=tables, rng=rng, shift=shift, failing=failing)


def plain_power(effect: float = 1.0, n: int = 10, *, tables: int, seed: int) -> tuple[float, float, float]:
    """Return the share that Welch's t rejects, theory for the pooled t, and the coverage of Welch's interval."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(effect, 1, (tables, n)), rng.normal(0, 1, (tables, n))
    parts = welch_parts(a, b)
    covered = 1 - t_rejects(*parts, effect).mean()
    return float(t_rejects(*parts).mean()), power_of_t(effect, n, n), float(covered)


def main() -> None:
    parser = argparse.ArgumentParser(description="Calibration of the tests where the truth is known.")
    parser.add_argument("--tables", type=int, default=4000, help="tables a cell (default 4000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", type=int, nargs="+", default=[*range(1, 10)], choices=range(1, 10))
    parser.add_argument(
        "--jobs", type=int, default=1, help="processes; the numbers do not depend on it (default 1)"
    )
    parser.add_argument("--picture", help="file for the picture of the parts that are run")
    given = parser.parse_args()
    parts = {
        1: enough,
        2: few,
        3: differing,
        4: fitted,
        5: points,
        6: folds,
        7: plain,
        8: failing,
        9: settled,
    }
    shown: Dots = []
    with ProcessPoolExecutor(given.jobs) as pool:
        job = Job(given.tables, given.seed, pool.map if given.jobs > 1 else map)
        for part in given.part:
            shown += parts[part](job)
            print(flush=True)
    if given.picture:
        draw(shown, given.picture)


def enough(job: Job) -> Dots:
    """Print part 1: false alarms with five runs an arm or more."""
    return _false_alarms("five runs or more", ENOUGH, job)


def few(job: Job) -> Dots:
    """Print part 2: false alarms below five runs."""
    return _false_alarms("below five runs", FEW, replace(job, seed=job.seed + 1))


def _false_alarms(name: str, cells: Sequence[World], job: Job) -> Dots:
    print(f"{name}: {len(cells)} cells of {job.tables} tables, true nulls\n")
    print(
        "| runs | cells | crossed: lowest, highest | within 3.5 to 6.5 % | cannot be tested, at most | Welch, highest |"
    )
    print("|---|---|---|---|---|---|")
    found = simulated(cells, job)
    dots: Dots = []
    for seeds in dict.fromkeys(world.seeds for world in cells):
        own = [shares for world, shares in found if world.seeds == seeds]
        _line(f"{seeds[0]} against {seeds[1]}", own)
        dots.append((f"{seeds[0]} against {seeds[1]} runs", [one["crossed"] for one in own]))
    _line("all", [shares for _, shares in found])
    worst = max(found, key=lambda one: one[1]["crossed"])
    print(f"\nhighest: {100 * worst[1]['crossed']:.1f} % in {worst[0]}")
    return dots


def _line(name: str, cells: Sequence[dict[str, float]]) -> None:
    rates = np.array([one["crossed"] for one in cells])
    inside = ((rates >= 0.035) & (rates <= 0.065)).mean()
    untestable, welch = (100 * max(one[test] for one in cells) for test in ("untestable", "welch"))
    print(
        f"| {name} | {len(cells)} | {100 * rates.min():.1f}, {100 * rates.max():.1f} % | {100 * inside:.0f} % | "
        f"{untestable:.1f} % | {welch:.1f} % |"
    )


def differing(job: Job) -> Dots:
    """Print part 3: coverage of a true difference."""
    found = simulated(ENOUGH, replace(job, seed=job.seed + 2), shift=SHIFT)
    print(
        f"{len(found)} cells of {job.tables} tables, arms {SHIFT} probits apart: coverage of the 95 % interval\n"
    )
    print("| runs | cells | lowest, highest | within 93 to 97 % |\n|---|---|---|---|")
    for seeds in [*dict.fromkeys(world.seeds for world in ENOUGH), None]:
        covered = np.array([shares["covered"] for world, shares in found if seeds in (None, world.seeds)])
        inside = ((covered >= 0.93) & (covered <= 0.97)).mean()
        name = "all" if seeds is None else f"{seeds[0]} against {seeds[1]}"
        ends = f"{100 * covered.min():.1f}, {100 * covered.max():.1f} %"
        print(f"| {name} | {len(covered)} | {ends} | {100 * inside:.0f} % |")
    worst = min(found, key=lambda one: one[1]["covered"])
    print(
        f"\nlowest: {100 * worst[1]['covered']:.1f} % in {worst[0]}, true difference {worst[0].truth(SHIFT):.4f}"
    )
    return [("differing arms: interval misses", [1 - shares["covered"] for _, shares in found])]


def fitted(job: Job) -> Dots:
    """Print part 4: models that were fitted, equal arms, on data sets that did not help to choose the rule."""
    print("| data | arms | runs | crossed t | Welch t | cannot be tested |\n|---|---|---|---|---|---|")
    dots: dict[str, list[float]] = {}
    one = partial(models.equal_arms, times=job.tables, seed=job.seed)
    cells = list(itertools.product(models.DATA_SETS, models.PAIRS))
    for (data, kinds), lines in zip(cells, job.each(one, *zip(*cells, strict=True)), strict=True):
        arms = kinds[0] if len(set(kinds)) == 1 else f"{kinds[0]} and {kinds[1]}, exchanged by row"
        for runs, shares in lines:
            print(f"| {data} | {arms} | {runs} | {_percent(shares, 'crossed', 'welch', 'untestable')} |")
            dots.setdefault(f"fitted models, {runs} runs", []).append(shares["crossed"])
    for name, rates in dots.items():
        inside = np.mean([0.035 <= rate <= 0.065 for rate in rates])
        print(
            f"\n{name}: {100 * min(rates):.1f} to {100 * max(rates):.1f} %, {100 * inside:.0f} % within 3.5 to 6.5"
        )
    shares = models.null_comparisons(*models.digits_pool(640), times=job.tables // 2, seed=job.seed)
    print("\n| networks on digits, 10 against 10 seeds | rejected |\n|---|---|")
    names = {"crossed": "crossed t", "welch": "Welch t", "epochwise": "epochwise (not valid)"}
    for test, said in names.items():
        print(f"| {said} | {100 * shares[test]:.1f} % |")
    return list(dots.items())


POINTS = (("moons", (4, 16)), ("circles", (8, 16)), ("circles", (4, 16)))


def points(job: Job) -> Dots:
    """Print part 5: coverage of a true difference between two configurations, runs with two optima among them."""
    print(
        "| data | hidden units | true difference | interval covers it | crossed t finds it |\n|---|---|---|---|---|"
    )
    one = partial(models.coverage_of_points, runs=400, times=job.tables, seed=job.seed)
    for (name, widths), found in zip(POINTS, job.each(one, *zip(*POINTS, strict=True)), strict=True):
        print(
            f"| {name} | {widths[0]}, {widths[1]} | {found['truth']:.4f} | {_percent(found, 'covered', 'found')} |"
        )
    return []


def folds(job: Job) -> Dots:
    """Print part 6: cross-validation of two learners that are equal."""
    print("| splits of 200 rows | corrected t | paired t (not valid) |\n|---|---|---|")
    for plan, shares in models.exchangeable_blocks(times=job.tables // 2, seed=job.seed).items():
        print(f"| {plan} | {_percent(shares, 'corrected', 'plain')} |")
    return []


def plain(job: Job) -> Dots:
    """Print part 7: power of the t test."""
    power, theory, covered = plain_power(tables=10 * job.tables, seed=job.seed)
    print(
        f"Welch t, one standard deviation, 10 against 10: rejects {power:.3f} (theory {theory:.3f} for the pooled t),"
    )
    print(f"its 95 % interval covers the truth in {covered:.3f}")
    return []


PERFECT = [World(0.999, rows, (10, 10), 0.45, (0.06, 0.06)) for rows in (200, 360, 2000)]
FAILING = [World(0.9, 360, seeds, 0.45, (0.06, 0.06)) for seeds in ((5, 5), (10, 10), (30, 30))]


def failing(job: Job) -> Dots:
    """Print part 8: what runs that fail do to the interval, how often they are warned of, and arms without mistakes."""
    print("| runs | a run fails in | interval covers the truth | warned | covers it where no run failed |")
    print("|---|---|---|---|---|")
    for share in (0.02, 0.05, 0.1, 0.2):
        for world, found in simulated(FAILING, replace(job, seed=job.seed + 3), failing=share):
            said = _percent(found, "covered", "warned", "covered without warning")
            print(f"| {world.seeds[0]} against {world.seeds[1]} | {100 * share:.0f} % | {said} |")
    print(
        "\nequal arms, accuracy 0.999\n\n| rows | runs | false alarms | cannot be tested |\n|---|---|---|---|"
    )
    for world, found in simulated(PERFECT, replace(job, seed=job.seed + 4)):
        said = _percent(found, "crossed", "untestable")
        print(f"| {world.rows} | {world.seeds[0]} against {world.seeds[1]} | {said} |")
    return []


STUDIES = 10_000  # a cell; a fifth of them where arms differ
LOOKED_AT = [world for world in worlds([(30, 30)], [(0.06, 0.06), (0.10, 0.02)]) if world.rows in (200, 2000)]


def settled(job: Job) -> Dots:
    """Print part 9: whole studies with comparison.seeds=until_settled, equal arms and arms that differ."""
    print(f"{looks.PLANNED.words}\n")
    dots: Dots = []
    for shift, studies in ((0.0, STUDIES), (SHIFT, STUDIES // 5)):
        found = job.each(partial(_studies, studies=studies, seed=job.seed, shift=shift), enumerate(LOOKED_AT))
        name = f"arms {shift} probits apart" if shift else "equal arms"
        print(
            f"| {name}, {studies} studies | settled | one test of 30 runs | runs an arm |\n|---|---|---|---|"
        )
        rows = []
        for world, (share, once, runs) in zip(LOOKED_AT, found, strict=True):
            said = f"accuracy {world.accuracy:g}, {world.rows} rows, own {world.own:g}, runs {world.runs[0]:g} and "
            said += f"{world.runs[1]:g}"
            print(f"| {said} | {100 * share:.2f} % | {100 * once:.2f} % | {runs:.1f} |", flush=True)
            rows.append((share, once, runs))
        low, mean, high = np.min(rows, axis=0), np.mean(rows, axis=0), np.max(rows, axis=0)
        print(
            f"\n{name}: settled {100 * low[0]:.2f} to {100 * high[0]:.2f} %, mean {100 * mean[0]:.2f} %; one test of 30"
            f" runs {100 * low[1]:.2f} to {100 * high[1]:.2f} %, mean {100 * mean[1]:.2f} %; runs {mean[2]:.1f}\n"
        )
        if not shift:
            dots.append(("until settled", [share for share, _, _ in rows]))
    return dots


def _studies(
    place: tuple[int, World], *, studies: int, seed: int, shift: float
) -> tuple[float, float, float]:
    """Return the share of studies that settle, the share that one test at the end finds, and the mean runs."""
    world, rng = place[1], np.random.default_rng([seed, place[0], int(shift > 0)])
    step, ended = max(1, CHUNK_CELLS // (max(world.seeds) * world.rows)), []
    for start in range(0, studies, step):
        common = COMMON * rng.standard_normal((min(step, studies - start), world.rows), dtype=np.float32)
        a, b = draw_arm(world, 0, common, rng, shift=shift), draw_arm(world, 1, common, rng)
        ended.append(looks.followed(a, b))
    found = [np.concatenate([getattr(one, name) for one in ended]) for name in ("settled", "fixed", "runs")]
    return float(found[0].mean()), float(found[1].mean()), float(found[2].mean())


def draw(dots: Dots, file: str) -> None:
    """Draw how often the crossed test is wrong in every cell, against the 5 % that it claims."""
    from mlexp.drawing import style

    with style.settings():
        figure = style.new_figure(
            0.9 + 0.3 * len(dots),
            "How often the crossed test and its interval are wrong, where 5 % is claimed",
        )
        axes = figure.subplots()
        axes.axvspan(3.5, 6.5, color=style.PALE, alpha=0.6, linewidth=0)
        axes.axvline(5, color=style.INK, linewidth=1)
        for place, (_, rates) in enumerate(dots):
            spread = ((np.arange(len(rates)) * 0.618) % 1 - 0.5) * 0.5
            axes.plot(100 * np.array(rates), place + spread, "o", color=style.BLUE, markersize=3, alpha=0.7)
        axes.set_yticks(range(len(dots)), [f"{name} ({len(rates)} cells)" for name, rates in dots])
        axes.set(
            xlabel="Share of tables (%), a point a cell; band: 3.5 to 6.5 %", ylim=(len(dots) - 0.4, -0.6)
        )
        axes.tick_params(axis="y", length=0)
        with open(file, "wb") as out:
            out.write(style.png(figure))


def _percent(line: dict[str, float], *names: str) -> str:
    return " | ".join(f"{100 * float(line[name]):.1f} %" for name in names)


if __name__ == "__main__":
    main()
