"""Which trial is selected, its selection bias, and the importance of the hyperparameters."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from mlexp.config import compose as configuration
from mlexp.config.schema import Config
from mlexp.stats.outliers import without_outliers
from mlexp.store.files import write_json, write_npz
from mlexp.tuning import run as searching
from mlexp.tuning import space as spaces
from mlexp.tuning.choice import edges, ranked, tied
from mlexp.tuning.importance import importance
from mlexp.tuning.selection_bias import selection_bias
from mlexp.tuning.trials import Trial


def space_of(node: str) -> spaces.Space:
    words = ["task=classify", "dataset=iris", "tune=grid", f"+tune.space={node}"]
    return spaces.of(configuration.compose(words))


def trial(number: int, score: float, **more: object) -> Trial:
    setting = more.pop("setting", {})
    return Trial(number, setting, str(more.pop("status", "completed")), score, **more)  # type: ignore[arg-type]


def test_a_size_that_is_not_known_breaks_no_tie() -> None:
    known = trial(2, 0.9, n_parameters=10)
    assert ranked([trial(1, 0.9, status="elsewhere"), known], "accuracy")[0] == known


def test_the_best_score_is_chosen_and_a_loss_is_best_when_low() -> None:
    trials = [trial(1, 0.9), trial(2, 0.95), trial(3, math.nan, status="diverged"), trial(4, 0.94)]
    assert [one.number for one in ranked(trials, "accuracy")] == [2, 4, 1]
    assert [one.number for one in ranked(trials, "loss")] == [1, 4, 2]


def test_ties_go_to_the_smaller_model_then_to_the_first() -> None:
    depth, trees = "model.params.max_depth", "model.params.n_estimators"
    forests = [
        trial(1, 0.9, setting={trees: 100, depth: None}),
        trial(2, 0.9, setting={trees: 50, depth: None}),
        trial(3, 0.9, setting={trees: 50, depth: 5}),
        trial(4, 0.9, setting={trees: 50, depth: 5}),
    ]
    assert [one.number for one in ranked(forests, "accuracy")] == [3, 4, 2, 1]
    networks = [
        trial(1, 0.9, n_parameters=200),
        trial(2, 0.9, n_parameters=100),
        trial(3, 0.8, n_parameters=1),
    ]
    assert [one.number for one in ranked(networks, "accuracy")] == [2, 1, 3]
    assert tied(networks[1], networks) == 2


def test_components_are_counted_whether_a_share_or_a_number_was_asked_for() -> None:
    pca = "prepare.pca"
    trials = [
        trial(1, 0.9, setting={pca: 0.9999}, components=4),
        trial(2, 0.9, setting={pca: 2}, components=2),
        trial(3, 0.9, setting={pca: None}),
    ]
    assert [one.number for one in ranked(trials, "accuracy")] == [2, 1, 3]
    space = space_of("{prepare.pca: [1, 2, 0.9999]}")
    assert not edges(space, trials[0])


def test_what_was_given_up_early_is_not_chosen() -> None:
    trials = [
        trial(1, 0.99, resource=2),
        trial(2, 0.9, resource=6),
        trial(3, 0.999, status="pruned", resource=6),
    ]
    assert ranked(trials, "accuracy")[0].number == 2


def test_an_end_of_the_space_is_pointed_out() -> None:
    space = space_of("{model.l2: [0.1, 0.2, 0.3], model.hidden: [[8], [9]], model.dropout: [0.1, 0.2]}")
    best = trial(1, 0.9, setting={"model.l2": 0.3, "model.hidden": [9], "model.dropout": 0.1})
    (edge,) = edges(space, best)
    assert (edge.key, edge.value, edge.end) == ("model.l2", 0.3, "largest")
    assert edge.words.startswith("The selected model.l2=0.3 is the largest value of the search space")
    assert not edges(space, dataclasses.replace(best, setting=best.setting | {"model.l2": 0.2}))


def test_a_natural_bound_is_no_end() -> None:
    space = space_of(
        "{model.momentum: [0.0, 0.5, 0.9], model.l2: [0.0, 0.1, 0.2], model.batch_size: [1, 32, 64]}"
    )
    best = trial(1, 0.9, setting={"model.momentum": 0.0, "model.l2": 0.0, "model.batch_size": 1})
    assert not edges(space, best)
    (edge,) = edges(space, dataclasses.replace(best, setting=best.setting | {"model.momentum": 0.9}))
    assert (edge.key, edge.end) == ("model.momentum", "largest")


def test_fence_is_that_of_a_hand_calculation() -> None:
    values = np.array([0.0, 8.0, 9.0, 10.0, 11.0])  # quartiles 8 and 10: fences 5 and 13
    assert without_outliers(values).tolist() == [5.0, 8.0, 9.0, 10.0, 11.0]
    assert without_outliers(np.array([8.0, 9.0, 10.0, 11.0, 99.0]), low=False)[-1] == 14.0
    assert without_outliers(np.array([0.0, 1.0, 1.0, 1.0, 1.0])).tolist() == [0.0, 1.0, 1.0, 1.0, 1.0]


def test_importance_of_an_additive_score_is_its_variance_share() -> None:
    space = space_of("{model.l2: [0, 1, 2], model.dropout: [0.1, 0.2, 0.3]}")
    steps = {0: 0.0, 1: 0.3, 2: 0.6}
    trials = [
        trial(k, 0.5 + 0.1 * steps[s["model.l2"]] + 0.1 * s["model.dropout"], setting=s)
        for k, s in enumerate(space.grid)
    ]
    found = importance(space, trials, "accuracy")
    assert found["key"] == ["model.l2", "model.dropout"]
    assert found["importance"] == pytest.approx([0.9, 0.1])  # 0.3² to 0.1²
    assert found["best_value"] == ["2", "0.3"]
    assert found["method"] == ["exact", "exact"]
    by_forest = importance(space, trials[:-1], "accuracy")
    assert by_forest["method"][0] == "forest"
    assert by_forest["importance"] == pytest.approx([0.9, 0.1], abs=0.12)


@pytest.mark.parametrize("log", ["true", "false"])
def test_the_best_value_of_a_range_of_whole_numbers_is_one_of_them(log: str) -> None:
    key = "model.params.n_neighbors"
    words = ["task=classify", "dataset=iris", "model=knn", "tune=random"]
    space = spaces.of(
        configuration.compose([*words, f"+tune.space={{{key}: {{low: 1, high: 3, log: {log}}}}}"])
    )
    trials = [trial(k, {1: 0.6, 2: 0.9, 3: 0.5}[k % 3 + 1], setting={key: k % 3 + 1}) for k in range(9)]
    assert importance(space, trials, "accuracy")["best_value"] == ["2"]


def refitted(best: Trial, *words: str) -> Config:
    asked = [
        "task=classify",
        "dataset=iris",
        "tune=grid",
        "tune.refit=all",
        "tune.space.model.l2=[0,0.1]",
        *words,
    ]
    space = spaces.of(configuration.compose(asked))
    return searching.SearchResult(space, "accuracy", [best]).winner()


def test_all_rows_are_trained_on_for_as_long_as_the_chosen_trial() -> None:
    best = trial(1, 0.9, setting={"model.l2": 0.1}, best_epochs=(10, 14), epochs=50)
    assert refitted(best).model.epochs == 12
    assert refitted(best, "model.restore_best=false").model.epochs == 25
    cosine = refitted(best, "model.schedule=cosine", "model.epochs=80").model
    assert (cosine.epochs, cosine.schedule_options.epochs) == (
        12,
        80,
    )  # the rate falls as it fell in the trial


def test_a_winner_of_elsewhere_without_epochs_can_be_trained() -> None:
    best = trial(1, 0.9, status="elsewhere", setting={"model.l2": 0.1})
    assert refitted(best, "model.epochs=7").model.epochs == 7


def test_importance_of_keys_that_act_only_together_is_nothing() -> None:
    space = space_of("{model.l2: [0, 1], model.l1: [0, 1]}")
    trials = [
        trial(k, 0.5 + 0.1 * (s["model.l2"] ^ s["model.l1"]), setting=s) for k, s in enumerate(space.grid)
    ]
    assert importance(space, trials, "accuracy")["importance"] == pytest.approx([0, 0])
    assert importance(space, [trial(1, 0.5), trial(2, 0.5)], "accuracy") == {}


def stored(place: Path, correct: np.ndarray) -> list[Trial]:
    """Write the rows that each trial got right, and return the trials, best first."""
    trials = []
    for number, column in enumerate(correct.T, 1):
        folder = f"trials/runs/{number}"
        write_npz(
            place / folder / "predictions.npz",
            {"validation_correct": column, "validation_true": column.astype(int)},
        )
        write_json(place / folder / "run.json", {"format": 1, "dataset": {"classes": ["wrong", "right"]}})
        trials.append(trial(number, float(column.mean()), folders=(folder,)))
    return ranked(trials, "accuracy")


def test_equal_settings_look_better_than_they_are_by_the_expected_maximum(tmp_path: Path) -> None:
    """Forty coins of equal worth: the winner stands above the truth, and the estimate says by how much."""
    found, excess = [], []
    for seed in range(8):
        correct = np.random.default_rng(seed).random((400, 40)) < 0.8
        trials = stored(tmp_path / str(seed), correct)
        bias = selection_bias(tmp_path / str(seed), trials, "accuracy")
        assert bias["score"] - bias["expected"] == pytest.approx(bias["inflation"])
        found.append(bias["inflation"])
        excess.append(trials[0].score - 0.8)
    assert np.mean(excess) == pytest.approx(
        2.16 * 0.02, abs=0.01
    )  # expected maximum of 40 normals, times the error
    assert np.mean(found) == pytest.approx(np.mean(excess), rel=0.35)


def test_a_clear_winner_is_not_flattered(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    correct = np.column_stack([rng.random(1000) < 0.95, *(rng.random((5, 1000)) < 0.6)])
    assert selection_bias(tmp_path, stored(tmp_path, correct), "accuracy")["inflation"] < 0.002


def test_a_metric_that_is_no_mean_has_no_estimate(tmp_path: Path) -> None:
    assert "no mean" in selection_bias(tmp_path, [trial(1, 0.9), trial(2, 0.8)], "macro_f1")["reason"]
    assert "one trial" in selection_bias(tmp_path, [trial(1, 0.9)], "accuracy")["reason"]
