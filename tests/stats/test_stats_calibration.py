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


def test_vectorised_tests_are_the_public_ones(calibration: ModuleType) -> None:
    rng = np.random.default_rng(1)
    common = rng.normal(0, 1.5, (20, 60))
    a, b = (calibration.draw_arm(calibration.WORLDS[1], common, 4, rng) for _ in range(2))
    parts = stats.crossed_parts(a, b)
    crossed = calibration.t_rejects(parts.difference, np.sqrt(parts.variance), parts.df)
    paired = calibration.mcnemar_rejects(a[:, 0], b[:, 0])
    for i in range(20):
        assert crossed[i] == (stats.crossed_t(a[i], b[i]).p <= 0.05)
        p = stats.mcnemar(a[i, 0], b[i, 0]).p
        assert paired[i] == (p is not None and p <= 0.05)


def test_arms_are_equal_in_the_population(calibration: ModuleType) -> None:
    rng, world = np.random.default_rng(2), calibration.WORLDS[1]
    common = world.common * rng.standard_normal((400, 500))
    scores = calibration.draw_arm(world, common, 2, rng)
    assert scores.mean() == pytest.approx(calibration.true_accuracy(world, 500), abs=0.004)


def test_power_and_coverage_of_plain_t(calibration: ModuleType) -> None:
    power, theory, covered = calibration.plain_power(tables=20_000, seed=3)
    assert theory == pytest.approx(0.562, abs=5e-4)
    assert power == pytest.approx(theory, abs=0.04)
    assert covered == pytest.approx(0.95, abs=0.01)


@pytest.mark.slow
def test_false_alarms(calibration: ModuleType) -> None:
    lines = calibration.false_alarms(tables=2000, seed=0)
    assert len(lines) == 18
    for line in lines:
        assert 0.03 <= line["crossed"] <= 0.07, line
        assert 0.02 <= line["mcnemar"] <= 0.15, line
    welch = {(line["world"], line["rows"], line["seeds"]): line["welch"] for line in lines}
    assert 0.22 <= max(welch.values()) <= 0.30
    assert max(line["mcnemar"] for line in lines) >= 0.10
    for world, rows in {key[:2] for key in welch}:  # more seeds make it worse
        assert welch[world, rows, 5] < welch[world, rows, 10] < welch[world, rows, 30]


@pytest.mark.slow
def test_timid_where_runs_nearly_repeat(calibration: ModuleType) -> None:
    lines = calibration.false_alarms(tables=1000, seed=0, worlds=(calibration.TIMID,))
    assert all(0.01 <= line["crossed"] <= 0.07 for line in lines)


@pytest.mark.slow
def test_coverage_of_a_true_difference(calibration: ModuleType) -> None:
    for line in calibration.coverage(tables=2000, seed=0):
        assert 0.93 <= line["covered"] <= 0.975, line


def test_the_picture_is_drawn(calibration: ModuleType, tmp_path: Path) -> None:
    calibration.draw(
        [("ten seeds", "crossed t", 0.05), ("ten seeds", "Welch t", 0.2)], str(tmp_path / "bars.png")
    )
    assert (tmp_path / "bars.png").stat().st_size > 1000


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
    found = calibration.models.coverage_of_points("moons", runs=160, times=1000, seed=0)
    assert 0.93 <= found["covered"] <= 0.97


@pytest.mark.slow
def test_corrected_t_over_divisions(calibration: ModuleType) -> None:
    found = calibration.models.exchangeable_blocks(times=600, seed=0)
    assert set(found) == {"10-fold", "10x10-fold", "15 x 10 %", "15 x 20 %", "15 x 50 %"}
    for shares in found.values():
        assert 0.01 <= shares["corrected"] <= 0.08  # 600 data sets: standard error 0.9 points at 5 %
        assert shares["plain"] > shares["corrected"]
