"""What is said of a comparison beside its answer: the test, its scope of inference, the second line and the like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlexp.comparisons import tune_each, tune_once
from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.verdict import Verdict
from mlexp.comparisons.words import phrases
from mlexp.comparisons.words.answer import adjustment, leading
from mlexp.kinds.comparison.settings import Comparison
from mlexp.stats import Outcome


def details(
    evidence: Evidence,
    verdict: Verdict,
    node: Comparison,
    tuning: tune_once.Chosen,
    epochwise: Mapping[str, Any] | None,
) -> dict[str, str]:
    """Return term -> text, in the order in which they are read."""
    return dict(_terms(evidence, verdict, node, tuning, epochwise))


def test_words(verdict: Verdict) -> str:
    """Return the name of the test of a pair, after that of all arms if there was one."""
    name = verdict.pairs[0].outcome.name
    return f"Friedman, then {name}" if verdict.test == "friedman" else name


def why(verdict: Verdict, node: Comparison) -> str:
    """Return why it was this test."""
    return verdict.choice.why if node.test == "auto" else "it was chosen by hand"


def _terms(
    evidence: Evidence,
    verdict: Verdict,
    node: Comparison,
    tuning: tune_once.Chosen,
    epochwise: Mapping[str, Any] | None,
) -> Iterator[tuple[str, str]]:
    pair = leading(verdict)
    yield "Test", f"{test_words(verdict)}; {why(verdict, node)}."
    none = pair.outcome.name == "none"
    yield (
        "Scope of inference",
        "None." if none else f"{_capital(phrases.scope(evidence, pair.outcome.scope))}.",
    )
    adjusted = adjustment(verdict, node.alpha)
    if verdict.with_best is not None:
        yield (
            "Arms that may be best",
            (
                f"{verdict.with_best.name}: intervals of how far each arm is from the best of the others, which hold "
                f"for all arms at once. The table of all pairs is {adjusted}; it asks more, and can differ."
            ),
        )
    elif adjusted:
        yield "Adjustment", f"P values and intervals are {adjusted}."
    if verdict.overall is not None and verdict.overall.p is not None:
        yield "All arms together", _overall(verdict.overall)
    if said := phrases.second(evidence, verdict):
        yield "Second line", said
    if pair.equivalence is not None:
        yield "Equivalence", phrases.equivalent(evidence, pair)
    if pair.power is not None and pair.better is None:
        yield "Seeds needed", phrases.needed(evidence, pair, here=verdict.test in phrases.ONE_TEST_SET)
    if alike := phrases.copies(evidence):
        yield "Identical runs", " ".join(alike)
    if tuning:
        yield "Tuning", tune_once.in_words(tuning)
    yield from tune_each.details(evidence)
    if epochwise is not None:
        yield "Test over epochs (not valid)", str(epochwise["sentence"])


def _overall(overall: Outcome) -> str:
    assert overall.p is not None
    return f"{overall.name}, {phrases.probability(overall.p)}."


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
