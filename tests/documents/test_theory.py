"""Every method that a configuration can name has its formulas and its source."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import pytest

from mlexp.config import names
from mlexp.documents import theory
from mlexp.documents.content import METHODS, SOFTWARE, bibliography
from mlexp.documents.theory import Theory

TABLES: dict[str, tuple[Mapping[str, Theory], Collection[str]]] = {
    "activations": (theory.ACTIVATIONS, names.ACTIVATIONS),
    "losses": (theory.LOSSES, names.LOSSES),
    "optimizers": (theory.OPTIMIZERS, names.OPTIMIZERS),
    "schedules": (theory.SCHEDULES, set(names.SCHEDULES) - {"constant"}),
    "models": (theory.MODELS, {*names.MODEL_NAMES, *names.CLUSTERINGS, *names.EMBEDDINGS}),
    "tests": (theory.TESTS, names.TESTS),
    "searches": (theory.SEARCHES, names.STRATEGIES),
}
ROWS = {
    row.title: row
    for name in dir(theory)
    for row in (
        getattr(theory, name).values() if isinstance(getattr(theory, name), dict) else [getattr(theory, name)]
    )
    if isinstance(row, Theory)
}
NETWORK = {
    "name": "mlp", "activation": ["relu", "tanh"], "optimizer": "sgd", "momentum": 0.9, "nesterov": True, "l2": 0.1,
    "patience": 3, "init": "auto", "dropout": 0.5, "batch_norm": True, "schedule": "cosine", "loss": "huber",
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_every_name_has_its_theory(table: str) -> None:
    rows, known = TABLES[table]
    assert set(known) <= set(rows)


def test_every_row_is_whole_and_its_sources_are_there() -> None:
    text = METHODS.read_text()
    entries = set(re.findall(r"@\w+\{(\w+),", text))
    assert text.isascii()
    assert len(ROWS) > 60
    for row in ROWS.values():
        assert set(row.sources) <= entries, row.title
        assert row.text.count("$") % 2 == 0, row.title
        assert row.text.replace("$$", "").count("$") % 2 == 0, row.title
        assert row.text.count("{") - row.text.count(r"\{") == row.text.count("}") - row.text.count(r"\}"), (
            row.title
        )
    assert entries == {*(name for row in ROWS.values() for name in row.sources), *SOFTWARE}
    assert bibliography(["kingma2015"]).startswith("@misc{kingma2015,")


def test_most_sources_say_where_they_are() -> None:
    entries = METHODS.read_text().strip().split("\n\n")
    without = [entry for entry in entries if not re.search(r"\n  (doi|url) = \{\S+\}", entry)]
    assert len(without) < len(entries) / 8


def titles(kind: str, **nodes: object) -> list[str]:
    config = {"task": {"kind": kind}, "model": NETWORK, **nodes}
    return [row.title for row in theory.of_run(config)]


def test_a_network_is_described_by_what_it_has() -> None:
    found = titles("classification")
    for title in ("ReLU", "Hyperbolic tangent", "Softmax", "Cross-entropy", "Nesterov momentum", "He initialisation",
                  "Dropout", "L2 regularisation", "Cosine learning rate", "Early stopping"):  # fmt: skip
        assert title in found
    assert not {"Sigmoid", "Adam", "Huber loss", "L1 regularisation", "Principal components"} & set(found)
    assert "Huber loss" in titles("regression")
    assert "Softmax" not in titles("regression")
    assert "Principal components" in titles("classification", prepare={"pca": 0.95})


def test_methods_of_a_study_without_labels() -> None:
    assert titles("clustering", clustering={"methods": ["kmeans", "gmm"]}) == ["k-means", "Gaussian mixture"]
    assert titles("by_hand", by_hand={"calculation": "residual"})[-3:] == [
        "Residual block", "Mean squared error", "Backpropagation",
    ]  # fmt: skip
    assert titles("by_hand", by_hand={"calculation": "backprop", "loss": "huber"})[-3:] == [
        "Huber loss", "Backpropagation", "Nesterov momentum",
    ]  # fmt: skip
    assert titles("by_hand", by_hand={"calculation": "em"}) == ["Gaussian mixture"]
    for calculation in names.CALCULATIONS:
        assert titles("by_hand", by_hand={"calculation": calculation})
    assert titles("explore") == []


@pytest.mark.parametrize(
    "config", [{}, {"task": 3, "model": []}, {"model": {"name": ["x"], "activation": [{}]}}]
)
def test_nonsense_of_a_record_has_no_theory(config: dict[str, object]) -> None:
    assert set(theory.of_run(config)) <= set(ROWS.values())


def test_a_comparison_names_its_test_and_the_adjustment_of_many_pairs() -> None:
    assert [row.title for row in theory.of_comparison({"test": "welch", "pairs": [1]})] == ["Welch's t test"]
    assert theory.of_comparison({"test": "none", "pairs": [1, 2]}) == [theory.HOLM]
