"""Check the statistics against a truth that is known: tables of scores drawn from a model of runs and rows, and fits.

    python scripts/bench/calibration.py [--tables 2000] [--seed 0] [--part 1 2 3 4 5] [--picture docs/images/FILE.png]

(1) Arms that are equal in the population and differ row by row: how often does each test reject at 0.05? And with
    a true difference: how often does the crossed interval at 95 % hold it?
(2) (3) (4) Models that were really fitted: `calibration_models.py`.
(5) A true difference of one standard deviation between runs, 10 against 10: how often does t reject?

The model: run s of arm a is right on row i with probability Phi(base + common_i + own_ai + run_as), all three
terms normal and independent. `common` is how hard a row is for everybody, `own` how hard for this arm, `run`
how good this run is. Both arms have the same base, so their accuracies are equal over all rows and all runs.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import special, stats

from mlexp.stats import crossed_parts, power_of_t, welch_parts

sys.path.insert(0, str(Path(__file__).parent))
import calibration_models as models
from calibration_models import t_rejects

Bars = list[tuple[str, str, float]]  # group, test, share of rejections
ALPHA = models.ALPHA
CHUNK_CELLS = 4_000_000


@dataclass(frozen=True)
class World:
    """Standard deviations, in probits, of the terms that make a run right on a row.

    `run` is for 1,000 rows and falls with the square root of the rows: larger test sets come with larger
    training sets, whose runs differ less. Otherwise one world could not stand for both sizes.
    """

    name: str
    base: float
    common: float
    own: float
    run: float

    def run_sd(self, n_rows: int) -> float:
        return self.run * float(np.sqrt(1000 / n_rows))


# Accuracy about 0.86. In the last one runs nearly repeat each other, which makes the crossed test timid.
WORLDS = (
    World("arms differ a little by row", base=2.0, common=1.5, own=0.30, run=0.060),
    World("arms differ more by row", base=2.0, common=1.5, own=0.45, run=0.060),
    World("arms differ more by row, quiet runs", base=2.0, common=1.5, own=0.45, run=0.045),
)
TIMID = World("runs nearly repeat each other", base=2.0, common=1.5, own=0.45, run=0.010)
SEEDS = (5, 10, 30)
ROWS = (360, 2000)


def draw_arm(
    world: World, common: np.ndarray, n_seeds: int, rng: np.random.Generator, *, shift: float = 0.0
) -> np.ndarray:
    """Return 0/1 scores of shape (tables, n_seeds, n_rows) of one arm, given how hard the rows are."""
    tables, n_rows = common.shape
    rows = common + world.own * rng.standard_normal((tables, n_rows))
    runs = world.run_sd(n_rows) * rng.standard_normal((tables, n_seeds))
    level = (world.base + shift) + rows[:, None, :] + runs[:, :, None]
    return (level + rng.standard_normal(level.shape) > 0).astype(np.float64)


def true_accuracy(world: World, n_rows: int, shift: float = 0.0) -> float:
    """Return the accuracy over all rows and runs: Phi(base / sqrt(1 + sum of variances))."""
    spread = np.sqrt(1 + world.common**2 + world.own**2 + world.run_sd(n_rows) ** 2)
    return float(special.ndtr((world.base + shift) / spread))


def mcnemar_rejects(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return which pairs of single runs, of shape (tables, n_rows), McNemar's test tells apart."""
    only_a, only_b = (a > b).sum(axis=-1), (a < b).sum(axis=-1)
    disagree, fewer = only_a + only_b, np.minimum(only_a, only_b)
    p = 2 * stats.binom.cdf(fewer, disagree, 0.5) - stats.binom.pmf(fewer, disagree, 0.5)
    return np.asarray((p <= ALPHA) & (only_a != only_b))


def rejections(
    world: World, n_seeds: int, n_rows: int, *, tables: int, rng: np.random.Generator, shift: float = 0.0
) -> dict[str, float]:
    """Return the shares of tables in which each test rejects equality, and the coverage of the crossed interval."""
    truth = true_accuracy(world, n_rows, shift) - true_accuracy(world, n_rows)
    found: dict[str, list[np.ndarray]] = {"crossed": [], "welch": [], "mcnemar": [], "covered": []}
    step = max(1, CHUNK_CELLS // (n_seeds * n_rows))
    for start in range(0, tables, step):
        common = world.common * rng.standard_normal((min(step, tables - start), n_rows))
        a = draw_arm(world, common, n_seeds, rng, shift=shift)
        b = draw_arm(world, common, n_seeds, rng)
        parts = crossed_parts(a, b)
        se = np.sqrt(parts.variance)
        found["crossed"].append(t_rejects(parts.difference, se, parts.df))
        found["covered"].append(~t_rejects(parts.difference, se, parts.df, truth))
        found["welch"].append(t_rejects(*welch_parts(a.mean(axis=-1), b.mean(axis=-1))))
        found["mcnemar"].append(mcnemar_rejects(a[:, 0], b[:, 0]))
    return {test: float(np.concatenate(hits).mean()) for test, hits in found.items()}


def false_alarms(
    *, tables: int, seed: int, worlds: tuple[World, ...] = WORLDS
) -> list[dict[str, float | str]]:
    """Return one line for every world, number of seeds and number of rows, arms equal in the population."""
    lines: list[dict[str, float | str]] = []
    for place, (world, n_rows, n_seeds) in enumerate((w, n, s) for w in worlds for n in ROWS for s in SEEDS):
        rng = np.random.default_rng([seed, place])
        shares = rejections(world, n_seeds, n_rows, tables=tables, rng=rng)
        lines.append({"world": world.name, "rows": n_rows, "seeds": n_seeds, **shares})
    return lines


def coverage(*, tables: int, seed: int, shift: float = 0.15) -> list[dict[str, float | str]]:
    """Return one line for every number of rows and seeds, with a true difference of `shift` probits."""
    lines: list[dict[str, float | str]] = []
    for place, (n_rows, n_seeds) in enumerate((n, s) for n in ROWS for s in SEEDS):
        rng = np.random.default_rng([seed, 1000 + place])
        shares = rejections(WORLDS[1], n_seeds, n_rows, tables=tables, rng=rng, shift=shift)
        truth = true_accuracy(WORLDS[1], n_rows, shift) - true_accuracy(WORLDS[1], n_rows)
        lines.append({"truth": truth, "rows": n_rows, "seeds": n_seeds, **shares})
    return lines


def plain_power(effect: float = 1.0, n: int = 10, *, tables: int, seed: int) -> tuple[float, float, float]:
    """Return the share that Welch's t rejects, theory for the pooled t, and the coverage of Welch's interval."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(effect, 1, (tables, n)), rng.normal(0, 1, (tables, n))
    parts = welch_parts(a, b)
    covered = 1 - t_rejects(*parts, effect).mean()
    return float(t_rejects(*parts).mean()), power_of_t(effect, n, n), float(covered)


def main() -> None:
    parser = argparse.ArgumentParser(description="Calibration of the tests where the truth is known.")
    parser.add_argument("--tables", type=int, default=2000, help="tables a line (default 2000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", type=int, nargs="+", default=[1, 2, 3, 4, 5], choices=range(1, 6))
    parser.add_argument("--picture", help="file for the picture of all parts; takes the whole of them")
    given = parser.parse_args()
    parts = {1: tables_of_scores, 2: networks, 3: points, 4: divisions, 5: plain}
    bars: list[tuple[str, str, float]] = []
    for part in given.part:
        bars += parts[part](given.tables, given.seed)
        print()
    if given.picture:
        draw(bars, given.picture)


def tables_of_scores(tables: int, seed: int) -> Bars:
    """Print part 1: false alarms and coverage of simulated tables."""
    print("| world | rows | seeds | crossed | Welch | McNemar |\n|---|---|---|---|---|---|")
    lines = false_alarms(tables=tables, seed=seed, worlds=(*WORLDS, TIMID))
    for line in lines:
        print(f"| {line['world']} | {_counts(line)} | {_percent(line, 'crossed', 'welch', 'mcnemar')} |")
    print(
        "\n| true difference | rows | seeds | interval covers it | crossed t finds it |\n|---|---|---|---|---|"
    )
    for line in coverage(tables=tables, seed=seed):
        print(f"| {line['truth']:.4f} | {_counts(line)} | {_percent(line, 'covered', 'crossed')} |")
    shown = [line for line in lines if line["rows"] == 2000 and line["world"] == WORLDS[2].name]
    names = (("crossed", "crossed t"), ("welch", "Welch t"), ("mcnemar", "McNemar, one pair of runs"))
    return [
        (f"score tables, {line['seeds']} seeds", said, float(line[test]))
        for line in shown
        for test, said in names
    ]


def networks(tables: int, seed: int) -> Bars:
    """Print part 2: the same configuration against itself."""
    shares = models.null_comparisons(*models.digits_pool(640), times=tables // 2, seed=seed)
    print("| networks on digits, 10 against 10 seeds | rejected |\n|---|---|")
    names = {"crossed": "crossed t", "welch": "Welch t", "epochwise": "epochwise (not valid)"}
    for test, said in names.items():
        print(f"| {said} | {100 * shares[test]:.1f} % |")
    return [("networks on digits, 10 seeds", said, shares[test]) for test, said in names.items()]


def points(tables: int, seed: int) -> Bars:
    """Print part 3: coverage of a true difference between two configurations."""
    print(
        "| data | hidden units | true difference | interval covers it | crossed t finds it |\n|---|---|---|---|---|"
    )
    for name, widths in (("moons", (4, 16)), ("circles", (8, 16)), ("circles", (4, 16))):
        found = models.coverage_of_points(name, runs=400, times=tables, seed=seed, widths=widths)
        print(
            f"| {name} | {widths[0]}, {widths[1]} | {found['truth']:.4f} | {_percent(found, 'covered', 'found')} |"
        )
    return []


def divisions(tables: int, seed: int) -> Bars:
    """Print part 4: cross-validation of two learners that are equal."""
    print("| divisions of 200 rows | corrected t | paired t (not valid) |\n|---|---|---|")
    bars: Bars = []
    for plan, shares in models.exchangeable_blocks(times=tables, seed=seed).items():
        print(f"| {plan} | {_percent(shares, 'corrected', 'plain')} |")
        bars += [(plan, "corrected t", shares["corrected"]), (plan, "paired t (not valid)", shares["plain"])]
    return bars


def plain(tables: int, seed: int) -> Bars:
    """Print part 5: power of the t test."""
    power, theory, covered = plain_power(tables=20 * tables, seed=seed)
    print(
        f"Welch t, one standard deviation, 10 against 10: rejects {power:.3f} (theory {theory:.3f} for the pooled t),"
    )
    print(f"its 95 % interval covers the truth in {covered:.3f}")
    return []


def draw(bars: Bars, file: str) -> None:
    """Draw how often each test rejects a true null, against the 5 % that it claims."""
    from mlexp.plots import style

    looks = {"crossed t": style.BLUE, "corrected t": style.BLUE, "Welch t": "#E69F00"}
    groups = list(dict.fromkeys(group for group, _, _ in bars))
    with style.settings():
        figure = style.new_figure(
            0.6 + 0.24 * len(bars), "How often a true null is rejected, where 5 % is claimed"
        )
        axes = figure.subplots()
        places, names = [], []
        for place, (group, test, share) in enumerate(bars):
            at = place + 0.7 * groups.index(group)
            axes.barh(at, 100 * share, color=looks.get(test, style.VERMILION), height=0.8)
            beside = 100 * max(share, ALPHA) + 0.7
            axes.text(beside, at, f"{100 * share:.1f} %", va="center", fontsize=style.SMALL)
            places.append(at)
            names.append(f"{group}: {test}")
        axes.axvline(5, color=style.INK, linewidth=1)
        axes.set_yticks(places, names)
        axes.set(xlabel="Comparisons in which the test rejects (%); line: 5 %", ylim=(places[-1] + 0.7, -0.7))
        axes.tick_params(axis="y", length=0)
        with open(file, "wb") as out:
            out.write(style.png(figure))


def _counts(line: dict[str, float | str]) -> str:
    return f"{line['rows']} | {line['seeds']}"


def _percent(line: dict[str, float | str], *names: str) -> str:
    return " | ".join(f"{100 * float(line[name]):.1f} %" for name in names)


if __name__ == "__main__":
    main()
