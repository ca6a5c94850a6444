"""What a comparison runs: arms and their jobs, and what is refused before anything runs."""

from __future__ import annotations

import pytest

from mlexp import dispatch
from mlexp.comparisons import study as studies
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.errors import ConfigError

KIND = "task.kind=comparison"
ARMS = "comparison.arms={a: {model.activation: relu}, b: {model: {activation: tanh, hidden: [8]}}}"
GRID = "comparison.grid={model.activation: [relu, tanh], model.hidden: [[8], [4, 2]]}"


def test_arms_times_seeds_are_jobs_like_any_other() -> None:
    study = studies.plan([KIND, ARMS, "comparison.seeds=3", "seed=5"])
    assert [str(job) for job in study.plan.jobs][:4] == [
        "arm=a seed=5",
        "arm=a seed=6",
        "arm=a seed=7",
        "arm=b seed=5",
    ]
    last = study.plan.jobs[-1].config
    assert (last.task.kind, last.model.activation, last.model.hidden, last.seed) == (
        "classification",
        "tanh",
        [8],
        7,
    )
    assert last.comparison == type(last.comparison)()
    assert study.arms["b"] == {"model.activation": "tanh", "model.hidden": "[8]"}
    assert study.metric == PartMetric("test", "accuracy")
    single = dispatch.plan_sweep(["model.activation=tanh", "model.hidden=[8]", "seed=7"]).jobs[0]
    assert study.plan.jobs[-1].hash == single.hash


def test_a_grid_names_its_arms() -> None:
    study = studies.plan([KIND, GRID])
    assert list(study.arms) == ["relu hidden 8", "relu hidden 4-2", "tanh hidden 8", "tanh hidden 4-2"]
    assert len(study.plan.jobs) == 40


def test_arms_may_be_left_out_or_cut() -> None:
    assert list(studies.plan([KIND, GRID, "comparison.first=2"]).arms) == [
        "relu hidden 8",
        "relu hidden 4-2",
    ]
    more = [KIND, ARMS, "comparison.arms.c={model.activation: elu}", "comparison.arms.a=null"]
    assert list(studies.plan(more).arms) == ["b", "c"]


def test_arms_may_choose_other_models() -> None:
    arms = "comparison.arms={forest: {model: random_forest, model.params.n_estimators: 5}, knn: {model: knn}}"
    study = studies.plan([KIND, arms])
    assert {job.config.model.name for job in study.plan.jobs} == {"random_forest", "knn"}


def test_folds_and_repeats_divide_the_rows_for_all_arms_alike() -> None:
    study = studies.plan([KIND, ARMS, "comparison.folds=5", "comparison.repeats=2"])
    assert len(study.plan.jobs) == 20
    own = [
        [(job.config.split.test, job.config.split.seed) for job in study.plan.jobs if job.swept["arm"] == arm]
        for arm in "ab"
    ]
    assert own[0] == own[1]
    assert own[0][:2] == [("1/5", 0), ("2/5", 0)]
    assert own[0][-1] == ("5/5", 1)


def test_draws_are_data_sets_of_their_own() -> None:
    study = studies.plan([KIND, ARMS, "dataset=moons", "comparison.draws=3"])
    assert [job.config.dataset.seed for job in study.plan.jobs][:3] == [0, 1, 2]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            ["model.activation=elu"],
            "model.activation is typed, and the arm 'a' of this comparison sets model.activation",
        ),
        ([GRID], "and not both. Got both"),
        (["comparison.first=2", "comparison.arms.a=null"], "at least two arms. Got b"),
        (["comparison.arms.c={model.activation: relu}"], "arms 'a' and 'c' are the same settings"),
        (["comparison.arms.c={seed: 3}"], "comparison.arms.c: seed cannot be set there"),
        (["comparison.arms.c=3"], "comparison.arms.c must be a mapping"),
        (["comparison.arms.c={model.activatoin: relu}"], "c: model.activatoin is not a key. Did you mean"),
        (["comparison.seeds=[1,1]"], "must name different seeds"),
        (["comparison.seeds=0"], "comparison.seeds must be"),
        (
            ["comparison.metric=test.acuracy"],
            "'test.acuracy' is not recorded by a classification. Did you mean",
        ),
        (["comparison.metric=accuracy"], "must be SET.NAME"),
        (["comparison.repeats=3", "split.test=auto"], "set split.test=0.2, or comparison.folds=5"),
        (["comparison.draws=3"], "comparison.draws needs a generator"),
        (["comparison.tune_arms=true"], "needs a search for the arm 'a'"),
        (["comparison.tune_arms=each"], "needs a search for the arm 'a'"),
        (["comparison.tune_arms=twice"], "one of none, once, each. Got 'twice'"),
        (
            [
                "comparison.tune_arms=true",
                "tune=random",
                "tune.space.model.hidden=null",
                "comparison.folds=3",
            ],
            "comparison.tune_arms=each",
        ),
        (
            ["tune=random", "tune.space.model.hidden=null"],
            "tune=random is used in a comparison only with comparison.tune_arms=once or each",
        ),
        (["comparison.arms.c={model: kmeans}"], "serve several kinds of study: classification, clustering"),
        (["comparison.arms.c={split.test: 0.3}"], "split.test is 0.2 and 0.3"),
        (["comparison.arms.c={dataset: iris}"], "dataset.name is digits and iris"),
        (
            ["comparison.arms.c={split.validation: 0.3}", "comparison.metric=validation.loss"],
            "split.validation is 0.1 and 0.3",
        ),
        (["split.test=0"], "comparison.metric=test.accuracy needs a test set"),
        (["split.judge=false"], "Set split.test=0.2 and split.judge=true"),
        (
            ["split.validation=0", "model.patience=null", "comparison.metric=validation.accuracy"],
            "comparison.metric=validation.accuracy needs a validation set",
        ),
        (
            ["comparison.test=five_by_two"],
            "'five_by_two' does not fit this comparison: it needs five repeats",
        ),
        (["comparison.test=mcnemar", "comparison.metric=test.loss"], "'mcnemar' does not fit"),
        (["comparison.test=crossed", "comparison.folds=3"], "asks for 'corrected'. Or leave it out"),
        (["comparison.test=permutation", "comparison.seeds=1"], "'permutation' does not fit"),
        (["split.test=1/2", "comparison.folds=2"], "split.test=1/2 and comparison.folds=2"),
        (
            ["comparison.arms.c={split.test: 0.3}", "comparison.folds=2"],
            "split.test=0.3 and comparison.folds=2",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(more: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        studies.plan([KIND, ARMS, *more])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "more",
    [
        ["comparison.test=five_by_two", "comparison.folds=2", "comparison.repeats=5"],
        ["comparison.test=paired"],
    ],
)
def test_a_test_that_can_be_computed_may_be_chosen(more: list[str]) -> None:
    assert studies.plan([KIND, ARMS, *more]).settings.test == more[0].partition("=")[2]


def test_a_grid_whose_key_is_typed_too_says_how_to_change_the_grid() -> None:
    with pytest.raises(ConfigError, match=r"change the grid: comparison.grid.model.activation=\[...\]"):
        studies.plan([KIND, GRID, "model.activation=elu"])


def test_what_trains_may_differ_between_arms() -> None:
    study = studies.plan([KIND, ARMS, "comparison.arms.c={split.validation: 0.3}"])
    assert list(study.arms) == ["a", "b", "c"]


def test_folds_stand_in_for_the_test_part_of_a_task() -> None:
    study = studies.plan(["task=circles_capacity", "comparison.folds=2", "comparison.first=2"])
    assert {job.config.split.test for job in study.plan.jobs} == {"1/2", "2/2"}


def test_arms_are_needed() -> None:
    with pytest.raises(ConfigError, match="Got neither"):
        studies.plan([KIND])


def test_a_sweep_of_comparisons_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Leave out -m, or type task\.kind=classification"):
        dispatch.plan_sweep([KIND, ARMS, "seed=0,1"])
