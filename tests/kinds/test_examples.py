"""Typical, doubtful and wrong samples of each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.drawing.seen import Make, figure_of, words
from tests.running import run

from mlexp.kinds.classification import examples

pytestmark = pytest.mark.usefixtures("styled")


@pytest.mark.parametrize(("n_classes", "n"), [(2, 30), (4, 50), (25, 300)])
def test_the_samples_are_those_of_a_search_through_all(n_classes: int, n: int) -> None:
    rng = np.random.default_rng(n)
    y, probability = rng.integers(0, n_classes, n), rng.dirichlet(np.ones(n_classes), n)
    found = examples.chosen(y, probability)
    shown = sorted({code for _, code, _ in found})
    assert len(shown) == min(n_classes, examples.MOST_CLASSES, len(np.unique(y)))
    predicted = probability.argmax(axis=1)
    order = np.sort(probability, axis=1)
    for code in shown:
        own = np.flatnonzero(y == code).tolist()
        measures = {
            "typical": [(-order[row, -1], row) for row in own if predicted[row] == code],
            "doubtful": [(order[row, -1] - order[row, -2], row) for row in own],
            "wrong": [(-order[row, -1], row) for row in own if predicted[row] != code],
        }
        for kind, measured in measures.items():
            expected = [row for _, row in sorted(measured)[: examples.EACH]]
            assert [row for what, of, row in found if (what, of) == (kind, code)] == expected


def test_a_table_has_the_values_of_the_file_words_and_gaps_among_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [f"{x:.2f},{'red' if x > 0 else 'blue'},{'' if k == 7 else k},{'a' if x > 0.2 else 'b'}"
             for k, x in enumerate(rng.normal(size=80))]  # fmt: skip
    (tmp_path / "t.csv").write_text("\n".join(["probability,colour,k,kind", *lines]) + "\n")
    table = ["task=classify", "dataset=csv", f"dataset.path={tmp_path / 't.csv'}", "dataset.label=kind"]
    ready = ("prepare.impute=mean", "prepare.one_hot=true")
    done = run(tmp_path, *table, *ready, "model=logistic", "figures=false")
    found = done.tables["examples"]
    assert list(found) == [
        "kind", "class", "predicted", "probability", "row", "probability_", "colour", "k",
    ]  # fmt: skip
    for place, row in enumerate(found["row"]):
        value, colour, k, label = lines[int(row) - 1].split(",")
        assert float(found["probability_"][place]) == float(value)
        assert found["colour"][place] == colour
        assert found["class"][place] == label
        assert not k or float(found["k"][place]) == float(k)


def test_models_without_probabilities_record_none(tmp_path: Path) -> None:
    done = run(tmp_path, "dataset=iris", "model=svm", "figures=false")
    assert "examples" not in done.tables
    assert "example_image" not in done.arrays


def test_images_stand_in_rows_of_their_class(make_run: Make) -> None:
    figure = figure_of(make_run(classes=[f"c{k}" for k in range(25)], n=2000, wrong=0.3), "examples")
    said = words(figure)
    assert {"Most typical", "Most doubtful", "Most confidently wrong"} <= set(said)
    assert sum(text.startswith("c") for text in said) == examples.MOST_CLASSES
    assert any("the 10 classes with the lowest recall of 25" in " ".join(text.split()) for text in said)
