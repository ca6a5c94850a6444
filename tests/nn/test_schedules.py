"""Learning-rate schedules by their formulas; those that PyTorch has are compared in test_torch.py."""

from __future__ import annotations

import math

import pytest

from mlexp.nn.schedules import SCHEDULES, constant, cosine, exponential, on_plateau, step, warm_up


def test_formulas():
    assert [constant()(epoch, []) for epoch in (1, 100)] == [1.0, 1.0]
    assert [step(3, 0.5)(epoch, []) for epoch in (1, 3, 4, 7)] == [1, 1, 0.5, 0.25]
    assert exponential(0.9)(5, []) == pytest.approx(0.9**4)
    assert cosine(10, 0.1)(6, []) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2)
    assert cosine(10, 0.1)(500, []) == pytest.approx(0.1)


def test_warm_up_hands_over():
    rates = [warm_up(2, step(1, 0.5))(epoch, []) for epoch in (1, 2, 3, 4)]
    assert rates == [0.5, 1.0, 1.0, 0.5]


def test_plateau_waits_and_forgets():
    rule = on_plateau(0.1, patience=2)
    falling = [1.0, 0.9, 0.8, 0.7]
    assert rule(5, falling) == 1
    assert rule(7, [*falling, 0.7, 0.7]) == 1
    assert rule(8, [*falling, 0.7, 0.7, 0.7]) == pytest.approx(0.1)
    assert rule(9, [*falling, 0.7, 0.7, 0.7, 0.6]) == pytest.approx(0.1)


def test_all_start_at_the_base_rate_or_below():
    made = {name: make(5) if name in ("cosine", "warm_up") else make() for name, make in SCHEDULES.items()}
    assert all(0 < rule(1, []) <= 1 for rule in made.values())
