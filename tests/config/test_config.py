"""Configuration: what is refused, what the message says, what the hash depends on."""

from __future__ import annotations

import dataclasses
import string
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlexp.config import compose as configuration
from mlexp.config import groups, names, recorded, schema
from mlexp.config.names import GROUPS
from mlexp.errors import ConfigError

REFUSED = [
    # typed, and what the message has to contain
    ("model.activaton=relu", ["model.activaton", "Did you mean 'model.activation'?"]),
    ("sead=3", ["sead", "'seed'"]),
    ("modle=mlp", ["'model'"]),
    ("model.scale=unit", ["'prepare.scale'"]),
    ("+nosuch=1", ["nosuch is not a key"]),
    ("+dataset.foo=1", ["dataset.foo is not a key", "mlexp list keys dataset"]),
    ("model.learning_rate=fast", ["model.learning_rate", "a number above 0", "fast"]),
    ("model.learning_rate=-1", ["model.learning_rate", "a number above 0", "-1"]),
    ("model.learning_rate=.inf", ["model.learning_rate"]),
    ("model.hidden=[0]", ["model.hidden", "whole numbers from 1", "[0]"]),
    ("model.hidden=5", ["model.hidden", "list", "5"]),
    ("model.hidden=[true]", ["model.hidden"]),
    ("model.epochs=1.5", ["model.epochs", "whole number", "1.5"]),
    ("model.momentum=1", ["model.momentum", "[0, 1)", "1.0"]),
    ("model.activation=sigmod", ["model.activation", "'sigmoid'"]),
    ("model.activation=null", ["model.activation", "null"]),
    ("model.batch_size=ful", ["'full'"]),
    ("split.test=1.5", ["split.test", "share", "1.5"]),
    ("split.validation=0", ["split.validation"]),
    ("seed=-1", ["seed", "at least 0", "-1"]),
    ("seed=null", ["seed", "null"]),
    ("~seed", ["seed cannot be removed"]),
    ("dataset=mnits", ["dataset=mnits", "Did you mean 'mnist'?"]),
    ("task=nosuch", ["task=nosuch", "mlexp list tasks"]),
    ("seed=1,2", ["several values", "-m"]),
    ("a b", ["key=value"]),
    ("model=null", ["model=null"]),
    ("task=minst", ["Did you mean 'mnist_mlp'?"]),
    ("tune.folds=3", ["belong to a search", "tune=grid"]),
    ("comparison.seeds=3", ["task.kind=comparison", "Got task.kind=classification"]),
    ("features.epochs=3", ["task.kind=features"]),
]


@pytest.mark.parametrize(("typed", "expected"), REFUSED, ids=[typed for typed, _ in REFUSED])
def test_refused_in_one_line_that_helps(typed: str, expected: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.compose([typed])
    message = str(caught.value)
    assert "\n" not in message
    for words in expected:
        assert words in message


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sweep.dir=a"], "Add -m"),
        (["sweep.zip=[seed,split.seed]"], "Add -m"),
        (["execution=dask"], "Add -m"),
        (["execution.workers=2"], "Add -m"),
        (["tune=grid", "tune.space={seed: [1, 2]}", "sweep.resume=true"], "mlexp resume FOLDER"),
        (["execution=local"], None),
        (["tune=grid", "tune.space={seed: [1, 2]}", "execution.workers=1", "sweep.stack=false"], None),
    ],
)
def test_what_only_several_runs_can_have(words: list[str], expected: str | None) -> None:
    with nullcontext() if expected is None else pytest.raises(ConfigError, match=expected):
        configuration.compose_run(words)


@pytest.mark.parametrize("task", ["task=regress", "task=fashion_autoencoder"])
def test_what_is_for_classes_is_refused_without_them(task: str) -> None:
    with pytest.raises(ConfigError, match=r"model\.label_smoothing is for classes"):
        configuration.compose([task, "model.label_smoothing=0.1"])
    assert configuration.compose([task]).model.label_smoothing == 0


def test_activations_must_match_layers() -> None:
    with pytest.raises(ConfigError, match=r"each of the 3 hidden layers.*Got 2"):
        configuration.compose(["model.hidden=[3,4,5]", "model.activation=[relu,tanh]"])
    config = configuration.compose(["model.hidden=[3,4]", "model.activation=[relu,tanh]"])
    assert config.model.activation == ["relu", "tanh"]


def test_schedule_options_belong_to_their_schedule() -> None:
    with pytest.raises(
        ConfigError, match=r"schedule_options\.every does not belong to model\.schedule=cosine"
    ):
        configuration.compose(["model.schedule=cosine", "model.schedule_options.every=3"])
    configuration.compose(["model.schedule=step", "model.schedule_options.every=3"])


def test_decay_belongs_to_adamw() -> None:
    with pytest.raises(
        ConfigError, match=r"model.decay belongs to model.optimizer=adamw. Got model.optimizer=adam"
    ):
        configuration.compose(["model.decay=0.1"])
    assert configuration.compose(["model.decay=0.1", "model.optimizer=adamw"]).model.decay == 0.1


def test_momentum_belongs_to_sgd() -> None:
    with pytest.raises(ConfigError, match="optimizer=sgd"):
        configuration.compose(["model.optimizer=adam", "model.momentum=0.9"])
    with pytest.raises(ConfigError, match="nesterov"):
        configuration.compose(["model.optimizer=sgd", "model.nesterov=true"])
    with pytest.raises(ConfigError, match="epsilon"):
        configuration.compose(["model.optimizer=sgd", "model.epsilon=1e-7"])


def test_command_line_beats_size_beats_task_beats_defaults() -> None:
    assert configuration.compose(["task=mnist_mlp"]).model.epochs == 1000
    assert configuration.compose(["task=mnist_mlp", "size=smoke"]).model.epochs == 3
    assert configuration.compose(["task=mnist_mlp", "size=smoke", "model.epochs=7"]).model.epochs == 7
    assert configuration.compose(["task=mnist_mlp", "dataset=digits"]).dataset.name == "digits"


@pytest.mark.parametrize(
    "words",
    [
        ["model.loss=mae"],
        ["task=fashion_autoencoder", "model.loss=huber"],
        ["task=regress", "model=ridge", "model.loss=mae"],
        ["record.metrics=[r2]"],
        ["task=regress", "record.metrics=[f1]"],
        ["model=knn", "record.metrics=[f1]"],
        ["model=sklearn_mlp", "record.diagnostics=true"],
        ["record.diagnostics=sometimes"],
    ],
)
def test_a_loss_and_records_that_a_study_cannot_have_are_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=words[-1].partition("=")[0].replace(".", r"\.")):
        configuration.compose(words)


def test_arms_that_are_no_networks_record_nothing_and_are_not_refused() -> None:
    config = configuration.compose(["record.metrics=[f1]"])
    assert configuration.with_changes(config, {"model.name": "knn"}).record.metrics == ["f1"]


@pytest.mark.parametrize("group", GROUPS)
def test_every_shipped_file_composes_and_describes_itself(group: str) -> None:
    for name, meaning in groups.offered(group).items():
        assert configuration.compose([f"{group}={name}"])
        assert len(meaning) > 10, f"{group}/{name}.yaml does not say what it is"


def test_every_default_passes_its_own_rule() -> None:
    for path, entry in schema.declared().items():
        default = entry.default if entry.default is not dataclasses.MISSING else entry.default_factory()
        assert entry.metadata["rule"].accepts(default), path
        assert entry.metadata["meaning"]


MADE = [
    # nodes of a configuration made by hand, and what the message has to contain
    ({"seed": -1}, ["seed", "at least 0", "-1"]),
    ({"model": schema.Model(hidden=[0])}, ["model.hidden", "[0]"]),
    ({"model": schema.Model(momentum=0.9, optimizer="adam")}, ["model.momentum", "model.optimizer=adam"]),
    ({"model": schema.Model(loss="mae")}, ["model.loss=mae", "task.kind=regression"]),
    ({"dataset": schema.Dataset(name="iris", labels="l.csv")}, ["dataset.labels", "dataset=iris"]),
    ({"model": "mlp"}, ["model", "Model", "'mlp'"]),
    ({"model": schema.Model(schedule_options={"every": 2})}, ["model.schedule_options", "every"]),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("nodes", "expected"), MADE, ids=[" ".join(words) for _, words in MADE])
def test_a_configuration_is_checked_however_it_is_made(nodes: dict[str, Any], expected: list[str]) -> None:
    for make in (schema.Config, partial(dataclasses.replace, schema.Config())):
        with pytest.raises(ConfigError) as caught:
            make(**nodes)
        message = str(caught.value)
        assert "\n" not in message
        assert [word for word in expected if word not in message] == []


def test_changes_are_checked_once_all_of_them_are_laid_over() -> None:
    """Each of these two alone is impossible with the other's default."""
    config = configuration.with_changes(
        schema.Config(), {"model.nesterov": True, "model.momentum": 0.9, "model.optimizer": "sgd"}
    )
    assert config.model.nesterov
    assert schema.Config().model.nesterov is False
    with pytest.raises(ConfigError, match=r"model\.nesterov=true needs"):
        configuration.with_changes(schema.Config(), {"model.nesterov": True})


def test_schema_names_what_the_tables_hold() -> None:
    from mlexp.models import NAMES
    from mlexp.nn.activations import ACTIVATIONS
    from mlexp.nn.initializers import INITIALIZERS
    from mlexp.nn.losses import LOSSES
    from mlexp.nn.optimizers import OPTIMIZERS
    from mlexp.nn.schedules import SCHEDULES

    assert set(names.ACTIVATIONS) == set(ACTIVATIONS)
    assert set(names.INITIALIZERS) == set(INITIALIZERS)
    assert set(names.OPTIMIZERS) == set(OPTIMIZERS)
    assert set(names.SCHEDULES) == set(SCHEDULES)
    assert set(names.LOSSES) == {name for name, loss in LOSSES.items() if loss.hits is None}
    assert set(groups.offered("model")) == set(NAMES)


def test_hash_follows_what_changes_results_and_nothing_else() -> None:
    base = recorded.config_hash(configuration.compose([]))
    for same in ("outputs=elsewhere", "figures=false", "data_dir=some/where", "threads=2",
                 "record.metrics=[f1]", "record.diagnostics=false"):  # fmt: skip
        assert recorded.config_hash(configuration.compose([same])) == base, same
    for other in (
        "seed=1",
        "model.l2=0.1",
        "split.seed=3",
        "prepare.scale=none",
        "model.dtype=float64",
    ):
        assert recorded.config_hash(configuration.compose([other])) != base, other


def test_yaml_of_a_run_is_enough_to_run_again(tmp_path: Path) -> None:
    config = configuration.compose(["task=mnist_mlp", "model.hidden=[7]", "seed=4"])
    folder = tmp_path / "task"
    folder.mkdir()
    text = recorded.as_yaml(config)
    (folder / "again.yaml").write_text("# @package _global_\n" + text)
    again = configuration.compose(["task=again"], config_dir=str(tmp_path))
    assert again == config


def test_own_task_and_data_set_files(tmp_path: Path) -> None:
    for group, name, text in (
        ("task", "mine", "# @package _global_\n# Mine.\ntask: {name: mine}\nmodel: {hidden: [9]}\n"),
        ("dataset", "flowers", "# Flowers.\nname: flowers\nreader: csv\npath: flowers.csv\n"),
        ("dataset", "mnist", "# Shadowed.\nname: other\nreader: csv\n"),
    ):
        (tmp_path / group).mkdir(exist_ok=True)
        (tmp_path / group / f"{name}.yaml").write_text(text)
    config = configuration.compose(["task=mine", "dataset=flowers"], config_dir=str(tmp_path))
    assert (config.task.name, config.model.hidden, config.dataset.path) == ("mine", [9], "flowers.csv")
    assert groups.offered("task", str(tmp_path))["mine"] == "Mine."
    assert groups.shadowed(str(tmp_path)) == ["dataset/mnist.yaml"]


def test_a_mistake_in_an_own_file_names_the_key(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "bad.yaml").write_text("# @package _global_\nmodel: {hiden: [9]}\n")
    with pytest.raises(ConfigError, match=r"model\.hiden is not a key\. Did you mean 'model\.hidden'"):
        configuration.compose(["task=bad"], config_dir=str(tmp_path))
    (tmp_path / "task" / "bad.yaml").write_text("# @package _global_\nmodel: {epochs: soon}\n")
    with pytest.raises(ConfigError, match=r"model\.epochs must be a whole number of at least 1\. Got soon"):
        configuration.compose(["task=bad"], config_dir=str(tmp_path))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    key=st.sampled_from(sorted(schema.declared())),
    value=st.one_of(
        st.text(alphabet=string.ascii_letters + string.digits + "_.-", max_size=8),
        st.integers(-10, 10).map(str),
        st.floats(-10, 10).map(str),
        st.sampled_from(["null", "true", "[]", "[1]", "{}", "{a: 1}", "''", "???", "${seed}"]),
    ),
)
def test_any_value_is_taken_or_refused_with_its_key(key: str, value: str) -> None:
    problem = complaint(f"{key}={value}")
    assert "\n" not in problem
    assert not problem or key.rpartition(".")[2] in problem or "cannot be read" in problem


def complaint(typed: str) -> str:
    """Return what `compose` says against one setting; empty when it takes it."""
    try:
        configuration.compose([typed])
    except ConfigError as error:
        return str(error)
    return ""


def test_parameters_of_the_tasks_own_model_leave_with_it() -> None:
    params = {
        "model=random_forest": {"n_estimators": 550, "max_depth": 45},
        "model=knn": {},
        "model=mlp": {},
    }
    for word, expected in params.items():
        assert configuration.compose(["task=sign_forest", word]).model.params == expected
    assert configuration.compose(
        ["task=sign_forest", "model=knn", "model.params.n_neighbors=3"]
    ).model.params == {"n_neighbors": 3}
    assert (
        configuration.compose(["task=sign_forest", "model.params={max_depth: 3}"]).model.params["max_depth"]
        == 3
    )


NO_NAMES = ("model=[0,1,2]", "model=3.0", "model=null", "+model=[3]", "dataset=[iris]", "task=true")


@pytest.mark.parametrize("word", NO_NAMES)
def test_what_is_no_name_is_no_choice(word: str) -> None:
    with pytest.raises(ConfigError, match="names no choice") as raised:
        configuration.compose(["task=classify", word] if "task" not in word else [word])
    assert word in str(raised.value)


@pytest.mark.parametrize("word", ["seed=", "model.learning_rate=", "+model.params.C=", "dataset.limit="])
def test_a_number_that_no_record_holds_is_refused_with_its_key(word: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{word.strip('+=')}: .*9,223,372,036,854,775,807"):
        configuration.compose_run([f"{word}{10**400}"])
