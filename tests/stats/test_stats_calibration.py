"""The tests alarm as often as they claim: simulated score tables whose truth is known."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mlexp import stats

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench" / "calibration.py"


@pytest.fixture(scope="module")
def calibration() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stats_calibration", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["stats_calibration"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seeds", [(5, 6), (2, 3)])
def test_vectorised_tests_are_the_public_ones(calibration: ModuleType, seeds: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    world = calibration.World(0.8, 60, seeds, 0.45, (0.2, 0.1))
    common = rng.normal(0, 1.5, (20, 60)).astype(np.float32)
    a, b = (calibration.draw_arm(world, place, common, rng) for place in (0, 1))
    crossed, testable = calibration.crossed_rejects(a, b)
    paired = calibration.mcnemar_rejects(a[:, 0], b[:, 0])
    for i in range(20):
        outcome = stats.crossed_t(a[i], b[i])
        assert testable[i] == outcome.testable
        assert crossed[i] == (outcome.p is not None and outcome.p <= 0.05)
        p = stats.mcnemar(a[i, 0], b[i, 0]).p
        assert paired[i] == (p is not None and p <= 0.05)


def test_looks_of_many_studies_are_those_of_the_public_test(calibration: ModuleType) -> None:
    rng = np.random.default_rng(4)
    world = calibration.World(0.8, 60, (30, 30), 0.45, (0.2, 0.1))
    common = rng.normal(0, 1.5, (10, 60)).astype(np.float32)
    a, b = (calibration.draw_arm(world, place, common, rng, shift=0.5 * (place == 0)) for place in (0, 1))
    looks, planned = calibration.looks, calibration.looks.PLANNED
    ended = looks.followed(a, b)
    for i in range(10):
        p = [stats.crossed_t(a[i, :count], b[i, :count]).p for count in planned.runs]
        assert [one[i] for one in looks.p_by_look(a, b, planned.runs)] == pytest.approx(p, rel=1e-6)
        crossed = [one <= level for one, level in zip(p, planned.levels, strict=True)]
        assert ended.settled[i] == any(crossed)
        assert ended.runs[i] == next((n for n, yes in zip(planned.runs, crossed, strict=True) if yes), 30)


def test_arms_have_the_accuracy_asked_for(calibration: ModuleType) -> None:
    rng = np.random.default_rng(2)
    world = calibration.World(0.9, 500, (2, 2), 0.45, (0.1, 0.02))
    common = calibration.COMMON * rng.standard_normal((400, 500), dtype=np.float32)
    for place in (0, 1):
        assert calibration.draw_arm(world, place, common, rng).mean() == pytest.approx(0.9, abs=0.004)
    shifted = calibration.draw_arm(world, 0, common, rng, shift=0.15).mean()
    assert shifted - 0.9 == pytest.approx(world.truth(0.15), abs=0.004)


def test_power_and_coverage_of_plain_t(calibration: ModuleType) -> None:
    power, theory, covered = calibration.plain_power(tables=20_000, seed=3)
    assert theory == pytest.approx(0.562, abs=5e-4)
    assert power == pytest.approx(theory, abs=0.04)
    assert covered == pytest.approx(0.95, abs=0.01)


@pytest.mark.slow
def test_false_alarms(calibration: ModuleType) -> None:
    """1,000 tables a cell, standard error 0.7 points at 5 %: the bounds of docs/statistics.md plus two of them."""
    found = calibration.simulated(calibration.ENOUGH, calibration.Job(1000, 5))
    rates = np.array([shares["crossed"] for _, shares in found])
    assert rates.max() <= 0.089
    assert ((rates >= 0.035) & (rates <= 0.065)).mean() >= 0.8
    by_runs = {
        seeds: max(shares["welch"] for world, shares in found if world.seeds == seeds)
        for seeds in ((5, 5), (10, 10), (30, 30))
    }
    assert by_runs[5, 5] < by_runs[10, 10] < by_runs[30, 30]  # more seeds make Welch worse
    assert by_runs[30, 30] > 0.15


@pytest.mark.slow
def test_false_alarms_below_five_runs(calibration: ModuleType) -> None:
    found = calibration.simulated(calibration.FEW, calibration.Job(500, 6))
    assert max(shares["crossed"] for _, shares in found) <= 0.085


@pytest.mark.slow
def test_coverage_of_a_true_difference(calibration: ModuleType) -> None:
    cells = calibration.ENOUGH[::4]
    covered = np.array(
        [s["covered"] for _, s in calibration.simulated(cells, calibration.Job(1000, 7), shift=0.15)]
    )
    assert covered.min() >= 0.90
    assert ((covered >= 0.93) & (covered <= 0.97)).mean() >= 0.8


def test_the_picture_is_drawn(calibration: ModuleType, tmp_path: Path) -> None:
    calibration.draw(
        [("5 against 5 runs", [0.05, 0.06]), ("fitted models", [0.03])], str(tmp_path / "dots.png")
    )
    assert (tmp_path / "dots.png").stat().st_size > 1000


@pytest.mark.slow
def test_networks_against_themselves(calibration: ModuleType) -> None:
    models = calibration.models
    scores, curves = models.digits_pool(200, epochs=20)
    shares = models.null_comparisons(scores, curves, times=1000, seed=0)
    assert shares["crossed"] <= 0.065
    assert shares["welch"] <= 0.065
    assert shares["epochwise"] > 0.2


@pytest.mark.slow
def test_interval_holds_the_difference_of_two_networks(calibration: ModuleType) -> None:
    found = calibration.models.coverage_of_points("moons", (4, 16), runs=160, times=1000, seed=0)
    assert 0.93 <= found["covered"] <= 0.97


@pytest.mark.slow
def test_failing_runs_are_warned_of(calibration: ModuleType) -> None:
    """Ten runs an arm, one in ten fails: no table without a failed run in 1 - 0.9^10 = 65 % of cases."""
    ((_, found),) = calibration.simulated(calibration.FAILING[1:2], calibration.Job(2000, 3), failing=0.1)
    assert found["warned"] == pytest.approx(1 - 0.9**10, abs=0.03)
    assert found["covered"] < 0.9


@pytest.mark.slow
def test_corrected_t_over_divisions(calibration: ModuleType) -> None:
    found = calibration.models.exchangeable_blocks(times=600, seed=0)
    assert set(found) == {"10-fold", "10x10-fold", "15 x 10 %", "15 x 20 %", "15 x 50 %"}
    for shares in found.values():
        assert 0.01 <= shares["corrected"] <= 0.08  # 600 data sets: standard error 0.9 points at 5 %
        assert shares["plain"] > shares["corrected"]
