"""Rules: what single values they accept and the words they use."""

from __future__ import annotations

from typing import Any

import pytest

from mlexp.config import rules

CASES: list[tuple[rules.Rule, list[Any], list[Any]]] = [
    (rules.number(0, open_low=True), [1, 0.1], [0, -1, float("inf"), float("nan"), True, "1", None]),
    (rules.number(0, 1, open_high=True), [0, 0.99], [1, 1.5, -0.1]),
    (rules.number(), [-5, 2.5], ["x", False]),
    (rules.whole(1), [1, 10**12, 2**63 - 1], [0, 1.0, True, "1", 2**63, 10**400]),
    (rules.whole(1, 4096), [1, 4096], [0, 4097]),
    (rules.choice("a", "b"), ["a"], ["c", 1, None, ["a"]]),
    (rules.boolean(), [True, False], [0, 1, "true"]),
    (rules.text(), ["x"], ["", 1, None]),
    (rules.optional(rules.whole(1)), [None, 2], [0, "2"]),
    (rules.either(rules.whole(1), rules.choice("full")), [3, "full"], ["ful", 0]),
    (rules.list_of(rules.whole(1), what="a list"), [[], [1, 2]], [[0], 1, "12", None]),
    (rules.share_or_count(), [0.5, 0, 1, 6000], [1.0, 1.5, -1, True]),
]


@pytest.mark.parametrize(("rule", "good", "bad"), CASES, ids=[case[0].allowed for case in CASES])
def test_accepts(rule: rules.Rule, good: list[Any], bad: list[Any]) -> None:
    assert all(rule.accepts(value) for value in good)
    assert not any(rule.accepts(value) for value in bad)


def test_complaint_names_key_range_value_and_nearest_choice() -> None:
    rule = rules.number(0, 1, open_high=True)
    assert rule.complaint("model.dropout", 1.5) == "model.dropout must be a number in [0, 1). Got 1.5."
    assert rules.choice("relu", "tanh").complaint("k", "rellu").endswith("Did you mean 'relu'?")
    names = rules.list_of(rules.choice("f1", "r2"), what="a list")
    assert names.complaint("k", "f1").endswith("Type k=[f1].")
    assert rules.whole(1).complaint("k", None).endswith("Got null.")
