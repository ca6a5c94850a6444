"""What can be searched, and what is refused before anything runs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlexp.config import compose as configuration
from mlexp.config.compose import compose_each
from mlexp.config.names import STRATEGIES
from mlexp.config.schema import Config
from mlexp.errors import ConfigError
from mlexp.tuning import run as searching
from mlexp.tuning import space as spaces
from mlexp.tuning.strategies import settings

CLASSIFY = ["task=classify", "dataset=iris"]
OPTIMIZERS = "model.optimizer: [sgd, adam]"


def space_of(*words: str) -> spaces.Space:
    return spaces.of(configuration.compose([*CLASSIFY, "tune=grid", *words]))


def test_the_strategies_of_the_schema_are_those_there_are() -> None:
    assert tuple(searching.STRATEGIES) == STRATEGIES


def test_nested_and_dotted_keys_are_the_same() -> None:
    nested = space_of("tune.space.model.hidden=[[8],[4,4]]", "tune.space.model.l2=[0,0.1]")
    dotted = space_of("+tune.space={model.hidden: [[8],[4,4]], model.l2: [0,0.1]}")
    assert nested.grid == dotted.grid
    assert [setting["model.hidden"] for setting in nested.grid] == [[8], [8], [4, 4], [4, 4]]


def test_what_is_typed_with_dots_wins_over_the_task_file() -> None:
    words = ["tune=grid", "+tune.space={model.hidden: [[8],[9]]}"]
    values = {axis.key: axis.values for axis in spaces.of(configuration.compose(words)).axes}
    assert values["model.hidden"] == ([8], [9])
    assert "model.dropout" in values


def test_a_key_under_a_condition_varies_only_where_it_holds() -> None:
    when = "model.momentum: {values: [0.5, 0.9], when: {model.optimizer: sgd}}"
    space = space_of(f"+tune.space={{{OPTIMIZERS}, {when}}}")
    assert space.grid == [
        {"model.optimizer": "sgd", "model.momentum": 0.5},
        {"model.optimizer": "sgd", "model.momentum": 0.9},
        {"model.optimizer": "adam"},
    ]
    assert space.configured({"model.optimizer": "adam"}).model.momentum == 0.0


def test_a_parameter_under_a_condition_is_left_out_where_it_fails() -> None:
    space = space_of(
        "model=random_forest", "model.params.max_depth=3",
        "+tune.space={model.params.bootstrap: [true, false], "
        "model.params.max_samples: {values: [0.5], when: {model.params.bootstrap: true}}}",
    )  # fmt: skip
    configured = [space.configured(setting).model.params for setting in space.grid]
    assert configured == [
        {"max_depth": 3, "bootstrap": True, "max_samples": 0.5},
        {"max_depth": 3, "bootstrap": False},
    ]


@pytest.mark.parametrize(("kernel", "n_settings"), [("rbf", 4), ("linear", 2)])
def test_a_condition_may_name_a_parameter_that_does_not_vary(kernel: str, n_settings: int) -> None:
    when = "{values: [0.1, 1], when: {model.params.kernel: rbf}}"
    space = space_of(
        "model=svm", f"+model.params.kernel={kernel}",
        f"+tune.space={{model.params.C: [1, 10], model.params.gamma: {when}}}",
    )  # fmt: skip
    assert len(space.grid) == n_settings


@pytest.mark.parametrize(
    ("node", "values"),
    [
        ("{low: 1, high: 7, step: 3}", [1, 4, 7]),
        ("{low: 1, high: 9, step: 3}", [1, 4, 7]),
        ("{low: 0, high: 1, step: 0.25}", [0, 0.25, 0.5, 0.75, 1]),
        ("{low: 0.0001, high: 1, log: true, n: 5}", [0.0001, 0.001, 0.01, 0.1, 1.0]),
        ("{low: 0, high: 1.0, n: 3}", [0.0, 0.5, 1.0]),
        ("{low: 10, high: 1000, log: true, n: 3}", [10, 100, 1000]),
    ],
)
def test_ranges_become_lists(node: str, values: list[float]) -> None:
    key = "model.params.C"
    space = space_of("model=svm", f"+tune.space={{{key}: {node}}}")
    assert [setting[key] for setting in space.grid] == pytest.approx(values)


@given(low=st.integers(-50, 50), step=st.integers(1, 60), n=st.integers(2, 40))
def test_steps_of_whole_numbers_are_those_numbers(low: int, step: int, n: int) -> None:
    axis = spaces.axis_of("model.params.C", {"low": low, "high": low + step * (n - 1), "step": step}, None)
    assert axis.values == tuple(range(low, low + step * n, step))


@given(power=st.integers(1, 12))
def test_powers_of_ten_are_those_numbers(power: int) -> None:
    axis = spaces.axis_of("model.params.C", {"low": 1, "high": 10**power, "log": True, "n": power + 1}, None)
    assert axis.values == tuple(10**k for k in range(power + 1))


def test_draws_are_even_on_the_scale_asked_for() -> None:
    space = space_of(
        "+tune.space={model.l2: {low: 0.0001, high: 1, log: true}, model.epochs: {low: 1, high: 4}}"
    )
    drawn = list(itertools.islice(space.draws(np.random.default_rng(0)), 4000))
    shares = np.log10([setting["model.l2"] for setting in drawn])
    assert np.histogram(shares, bins=4, range=(-4, 0))[0] == pytest.approx([1000] * 4, abs=120)
    counts = np.bincount([setting["model.epochs"] for setting in drawn])
    assert counts[1:] == pytest.approx([1000] * 4, abs=120)
    assert all(setting["model.l2"] == float(f"{setting['model.l2']:.4g}") for setting in drawn)


def test_draws_of_whole_numbers_reach_both_ends_and_repeat_nothing() -> None:
    words = [
        "model=knn",
        "tune=random",
        "+tune.space={model.params.n_neighbors: {low: 1, high: 10, log: true}}",
    ]
    config = configuration.compose([*CLASSIFY, *words])
    (axis,) = spaces.of(config).axes
    assert {axis.at(share) for share in np.linspace(0, 0.9999, 500)} == set(range(1, 11))
    tried = [setting["model.params.n_neighbors"] for setting in settings(spaces.of(config))]
    assert sorted(tried) == list(range(1, 11))  # fewer than the 24 that a range asks for


def test_a_key_of_real_numbers_is_real_whatever_its_ends() -> None:
    space = space_of(
        "tune=random", "+tune.space={model.dropout: {low: 0, high: 0.5}, model.l2: {low: 0, high: 1}}"
    )
    assert (
        len({setting["model.l2"] for setting in itertools.islice(space.draws(np.random.default_rng(0)), 9)})
        == 9
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["model=random_forest"],
            "model=random_forest has no model.learning_rate, model.dropout, model.hidden",
        ),
        (["model=mlp", "+tune.space.model.params.C=[1,10]"], "model=mlp has no model.params.C"),
        (["+tune.space.model.decay=[0,0.1]"], "model=mlp with model.optimizer=adam has no model.decay"),
    ],
)
def test_keys_that_the_model_does_not_have_are_not_searched(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        searching.checked(configuration.compose(["task=digits_mlp", "tune=grid", *words]))


def test_first_keeps_the_first_values_and_null_leaves_a_key_out() -> None:
    space = space_of(
        "tune.space.model.l2=[0,0.1,1]",
        "tune.space.model.hidden=[[8],[9]]",
        "tune.space.prepare.pca=null",
        "tune.first=2",
    )
    assert space.keys == ["model.l2", "model.hidden"]
    assert len(space.grid) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "needs a search space, and task=classify defines none. Add one: tune.space.model"),
        (["tune.space.model.l3=[1,2]"], "tune.space.model.l3 is not a key."),
        (["tune.space.model.l2=[-1,0]"], "tune.space: model.l2 must be a number of at least 0. Got -1."),
        (["tune.space.model.l2=0.1"], "tune.space.model.l2 must be a list of values or a range. Got 0.1."),
        (["tune.space.model.l2=[]"], "must be a list of values or a range. Got []"),
        (["tune.space.model.l2=[0.1,0.1]"], "contains a single setting (model.l2=0.1): nothing to search"),
        (["tune.space.seed=[1,2]"], "tune.space.seed cannot be tuned"),
        (["tune.space.split.seed=[1,2]"], "tune.space.split.seed cannot be tuned"),
        (["tune.space.model.l2={low: 1, high: 0}"], "must have numbers low < high. Got low 1, high 0"),
        (["tune.space.model.l2={low: 0, high: 1, log: true}"], "low above 0 for log: true"),
        (["tune.space.model.l2={low: 0, high: 1, stop: 1}"], "Got 'stop'"),
        (["tune.space.model.l2={low: 0, high: 1}"], "is a range: a grid needs values"),
        (["tune.space.model.l2={low: 0, high: 1, n: 1}"], "takes n (2 or more values), or step"),
        (["+tune.space={model.l2: {values: [0,1], when: 3}}"], "model.l2.when must be a mapping of keys"),
        (["+tune.space={model.l2: {values: [0,1], when: {model.optimizer: sgdx}}}"], "Did you mean 'sgd'?"),
        (["tune.space.model.l2={low: 0, high: 1, n: 1000000000}"], "at most 100,000 values. Got 1,000,000,000"),
        (["tune.space.model.l2={low: 0, high: 1, step: 1.0e-300}"], "at most 100,000 values"),
        (
            ["+tune.space={model.l2: {low: 0, high: 1.0, n: 900}, model.l1: {low: 0, high: 1.0, n: 900}}"],
            "at most 100,000 settings. Got 810,000",
        ),
        (["tune.space.model.momentum=[0,0.9]"], "at model.momentum=0.9: model.momentum belongs to"),
        (
            ["+tune.space={model.l2: {values: [0,1], when: {model.l1: 0}}, model.l1: [0,1]}"],
            "refers to model.l1, which must come before it",
        ),
        (["model=random_forest", "tune.space.model.params.depth=[1,2]"], "not a parameter of RandomForest"),
        (["model=random_forest", "tune.space.model.params.max_depth=[0,2]"], "at model.params.max_depth=0"),
        (["tune.space.model.l2=[0,1]", "tune.metric=acuracy"], "Got 'acuracy'. Did you mean 'accuracy'?"),
        (["tune.space.model.l2=[0,1]", "tune.metric=r2"], "tune.metric must be one of accuracy, loss"),
        (["tune.space.model.l2=[0,1,2]", "tune.budget=2"], "tune=grid tries all 3 settings"),
        (["tune.space.model.l2=[0,1]", "split.validation=0", "model.patience=null"], "leaves no validation set"),
        (["tune.space.model.epochs=[1,2]", "tune=halving"], "tune=halving varies model.epochs itself"),
        (["model=knn", "tune.space.model.params.n_neighbors=[1,2]", "tune=halving"], "needs epochs or trees"),
        (["task.kind=clustering", "model=kmeans", "tune.space.model.l2=[1,2]"], "a task of kind clustering"),
    ],
)  # fmt: skip
def test_what_is_refused(words: list[str], said: str) -> None:
    tune = [] if "tune=halving" in words or "tune=random" in words else ["tune=grid"]
    with pytest.raises(ConfigError) as caught:
        searching.checked(configuration.compose([*CLASSIFY, *tune, *words]))
    assert said in str(caught.value)


@pytest.mark.parametrize("typed", ["model.learning_rate=0.1", "model.hidden=[3]"])
@pytest.mark.parametrize("compose", [configuration.compose, lambda words: compose_each(words, {"": ()})[""]])
def test_what_is_typed_and_searched_too_is_refused(
    typed: str, compose: Callable[[list[str]], Config]
) -> None:
    key = typed.partition("=")[0]
    words = ["task=digits_mlp", "tune=grid", "model=mlp", typed]  # one would win unseen
    with pytest.raises(
        ConfigError, match=rf"{re.escape(typed)}: the search varies {key} .* tune.space.{key}=null"
    ):
        compose(words)
    kept = compose([*words, f"tune.space.{key}=null"])
    assert key not in spaces.of(kept).keys
    assert compose(["task=digits_mlp", typed]).tune.strategy is None


@pytest.mark.parametrize("words", [["tune.folds=1"], ["tune.budget=1"], ["tune.eta=1"], ["tune=nosuch"]])
def test_values_that_a_key_of_the_search_refuses(words: list[str]) -> None:
    with pytest.raises(ConfigError):
        configuration.compose([*CLASSIFY, *words])
