"""What is misspelt, or named as other tools name it, gets one line that says what to type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlexp import cli
from mlexp.config import compose as configuration
from mlexp.config import habits, messages, schema
from mlexp.config.combinations import expand
from mlexp.config.compose import compose_each
from mlexp.config.messages import Context
from mlexp.errors import ConfigError
from mlexp.models import MODELS, class_path, imported
from mlexp.verbs.table import VERBS

LONGEST = 190  # letters of a hint


def refused(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that a command line is refused with."""
    assert cli.main([*words, "--dry-run"] if words[0] not in VERBS else [*words]) == 2, words
    said = capsys.readouterr()
    assert said.err.startswith("mlexp: ")
    assert said.err.count("\n") == 1, said.err
    return said.err.strip().removeprefix("mlexp: ")


ROWS = [
    (row, kind, model)
    for row in habits.HABITS
    for kind in row.kinds or ("classification",)
    for model in row.models or ("mlp",)
]


def test_every_name_of_other_tools_leads_to_a_key_that_takes_it() -> None:
    """Each name of each row: one short line; what it says to type composes."""
    typed: dict[str, list[str]] = {}
    sweeps: list[list[str]] = []
    for row, kind, model in ROWS:
        where = Context((kind,), model, row.search)
        for name in row.names.split():
            said = messages.unknown_key(name, where)
            assert "\n" not in said
            assert len(said) <= LONGEST, said
            line = re.search(r": type (.+)|Did you mean '(.+)'\?", said)
            if line is None:
                assert row.note, said
                continue
            words = (line[1] or f"{line[2]}").split()
            for word in words:
                key = word.partition("=")[0]
                assert key in schema.declared() or key in habits_groups() or key == "-m" or is_param(key), (
                    said
                )
            if line[1] is None:
                continue
            base = [f"task.kind={kind}"] if kind != "classification" else []
            base += ["model=gmm"] if model == "gmm" else []
            base += ["tune=random"] if row.search and kind == "classification" else []
            if words[0] == "-m":
                sweeps.append(words[1:])
            else:
                typed[" ".join([*base, *words])] = [*base, *words]
    assert len(typed) > 60
    compose_each([], typed)
    for words in sweeps:
        assert len(expand(words)) > 1


def habits_groups() -> set[str]:
    return {"dataset", "model", "task", "tune", "tracking"}


def is_param(key: str) -> bool:
    return key.startswith("model.params.")


def test_parameters_of_estimators_are_theirs() -> None:
    import inspect

    for name, params in habits.PARAMS.items():
        kinds = [kind for kind, table in MODELS.items() if name in table]
        try:
            having = {
                word
                for kind in kinds
                for word in inspect.signature(imported(class_path(name, kind, ()))).parameters
            }
        except ConfigError:  # an extra that is not installed
            continue
        assert set(params.split()) <= having, name


LINES = {
    # typed -> what the line must hold
    "learning_rate=0.1": "'model.learning_rate'",
    "activation=relu": "'model.activation'",
    "batch_size=3": "'model.batch_size'",
    "epochs=5": "'model.epochs'",
    "hidden=[3]": "'model.hidden'",
    "model.layers=[64,32]": "type model.hidden=[64,32]",
    "layers=[64,32]": "type model.hidden=[64,32]",
    "layers=3": "type model.hidden=[64,64,64]",
    "hidden_layer_sizes=(64,32)": "type model.hidden=[64,32]",
    "units=128": "type model.hidden=[128]",
    "units=4": "type model.hidden=[4]",
    "hidden_layers=2": "type model.hidden=[64,64]",
    "tune=grid tune.space.model.hiden=[1]": "'tune.space.model.hidden'",
    "n_layers=2": "type model.hidden=[64,64]",
    "lr=0.01": "type model.learning_rate=0.01",
    "lr=1e-3": "type model.learning_rate=1e-3",
    "lr=fast": "type model.learning_rate=0.1",
    "lr=0.1,0.01 -m": "type model.learning_rate=0.1,0.01",
    "model.lr=0.1": "type model.learning_rate=0.1",
    "optimizer.lr=0.1": "type model.learning_rate=0.1",
    "learning-rate=0.1": "'model.learning_rate'",
    "learningRate=0.1": "'model.learning_rate'",
    "optimizer.name=adam": "'model.optimizer'",
    "optim=Adam": "type model.optimizer=adam",
    "trainer.max_epochs=7": "type model.epochs=7",
    "weight_decay=0.01": "type model.l2=0.01",
    "dropout_rate=0.3": "type model.dropout=0.3",
    "test_size=0.25": "type split.test=0.25",
    "train_size=0.8": "type split.test=0.2",
    "validation_split=0.2": "type split.validation=0.2",
    "random_state=42": "type seed=42",
    "early_stopping=false": "type model.patience=null",
    "early_stopping=true": "type model.patience=10",
    "cv=3": "type -m split.test=1/3,2/3,3/3",
    "tune=grid cv=3": "type tune.folds=3",
    "task.kind=comparison cv=3": "type comparison.folds=3",
    "criterion=CrossEntropyLoss": "The loss follows from the task",
    "model=decision_tree criterion=gini": "type model.params.criterion=gini",
    "n_estimators=200": "type model=random_forest model.params.n_estimators=200",
    "task=sign_forest n_estimators=200": "type model.params.n_estimators=200",
    "model=svm C=10": "type model.params.C=10",
    "model=svm c=10": "type model.params.C=10",
    "model=svm epochs=3": "belongs to the built-in networks",
    "model=svm lr=0.1": "belongs to the built-in networks",
    "model=hist_gradient_boosting lr=0.1": "belongs to the built-in networks",
    "model=hist_gradient_boosting learning_rate=0.1": "type model.params.learning_rate=0.1",
    "task=spiral_clustering n_clusters=4": "type clustering.k=4",
    "task.kind=clustering model=kmeans k=4": "'clustering.k'",
    "n_clusters=4": "type task.kind=clustering model=kmeans clustering.k=4",
    "n_components=10": "type prepare.pca=10",
    "task.kind=embedding model=tsne perplexity=5": "'embedding.perplexity'",
    "task.kind=embedding model=umap n_neighbors=5": "embedding.neighbors=5",
    "data=my.csv": "type dataset=csv dataset.path=my.csv",
    "data=Iris": "type dataset=iris",
    "label=species": "type dataset=csv dataset.path=my.csv dataset.label=species",
    "dataset=csv dataset.path=a.csv target=species": ": type dataset.label=species",
    "target=numbers": "'dataset.target'",
    "features=[a,b]": "type dataset=csv dataset.path=my.csv dataset.features=[a,b]",
    "dataset=csv dataset.path=a.csv drop_columns=id": ": type dataset.ignore=[id]",
    "sep=;": "dataset.delimiter=",
    "output_dir=results": "type outputs=results",
    "output=results": "type outputs=results",
    "n_jobs=4": "type threads=4",
    "tune=grid workers=4": "type execution.workers=4",
    "tune=grid n_jobs=4": "type execution.workers=4",
    "gpu=1": "device=cuda",
    "scaler=StandardScaler": "type prepare.scale=standard",
    "normalize=true": "type prepare.scale=standard",
    "scaler=MinMaxScaler": "type prepare.scale=minmax",
    "estimator=SVC": "type model=svm",
    "classifier=RandomForestClassifier": "type model=random_forest",
    "scoring=accuracy": "type tune=random tune.metric=accuracy",
    "task.kind=comparison metric=test.loss": "'comparison.metric'",
    "tune.lr=[0.1,0.2]": "'tune.space.model.learning_rate'",
    "split=0.2": "type split.test=0.2",
    "sweep=true": "Type -m",
    "Seed=3": "'seed'",
    "sead=3": "'seed'",
    "Model.Hidden=[3]": "'model.hidden'",
    "lrr=0.1": "type model.learning_rate=0.1",
    "foo=1": "mlexp list keys",
    "model.foo=1": "mlexp list keys model",
    "tracking.foo=1": "Keys of tracking: backend, uri, experiment.",
    "features.foo=1": "Keys of features: of, hidden, activation",
    "dataset=fashion-mnist": "'fashion_mnist'",
    "model=RandomForestClassifier": "'random_forest'",
    "model=xgboost": "'hist_gradient_boosting'",
    "model=nosuch": "mlexp list models",
    "size=nosuch": "Choices: full, smoke.",
    "tune=optuna": "'bayes'",
    "model.activation=logistic": "'sigmoid'",
    "model.init=glorot_uniform": "'xavier_uniform'",
    "model.patience=None": "Type model.patience=null",
    "tune=grid tune.space.lr=[1,2]": "'tune.space.model.learning_rate'",
    "tune=grid tune.space={lr:[1,2]}": "'tune.space.model.learning_rate'",
    "-m sweep.list=[{lr:0.1}]": "type model.learning_rate=0.1",
    "task.kind=comparison comparison.arms={a:{lr:1},b:{lr:2}}": "a: lr is not a key. Here it is model.learning_rate",
    "--lr 0.1": "Type model.learning_rate=0.1",
    "--epochs=10": "Type model.epochs=10",
    "--seed 3": "Type seed=3",
    "--task mnist_mlp": "Type task=mnist_mlp",
    "--gpu": "device=cuda",
    "--list": "Type mlexp list",
    "--verbos": "'--verbose'",
    "mnist_mlp": "Type task=mnist_mlp",
    "lerning_rate=0.1": "'model.learning_rate'",
    "model.optimiser=sgd": "type model.optimizer=sgd",
    "momentum=0.9": "'model.momentum'",
    "num_layers=3": "type model.hidden=[64,64,64]",
    "model.hidden=64": "Type model.hidden=[64]",
    "model.hidden=64-32": "Type model.hidden=[64,32]",
    "model.hidden=(64,32)": "Type model.hidden=[64,32]",
    "model.hidden=64,32": "typed model.hidden=[64,32]",
    "activation_function=swish": "type model.activation=silu",
    "kernel_initializer=glorot_uniform": "type model.init=xavier_uniform",
    "test_size=20%": "type split.test=0.2",
    "seeds=[1,2,3]": "type -m seed=1,2,3",
    "n_runs=5": "type -m seed=range(0,5)",
    "dataset=./my.csv": "Type dataset=csv dataset.path=./my.csv",
    "dataset=cifar10": "mlexp list datasets",
    "task=regression": "'regress'",
    "task=classification": "'classify'",
    "model=XGBClassifier": "'hist_gradient_boosting'",
    "model=random_forest n_trees=100": "type model.params.n_estimators=100",
    "model=random_forest model.max_depth=5": "type model.params.max_depth=5",
    "model=knn k=3": "type model.params.n_neighbors=3",
    "model=logistic max_iter=500": "type model.params.max_iter=500",
    "tune=true": "Choices: bayes, grid, halving, none, random.",
    "tune.n_trials=50": "type tune.budget=50",
    "split.train=0.7": "type split.test=0.3",
    "train=0.7": "type split.test=0.3",
    "train=train.csv": "type dataset=csv dataset.path=train.csv",
    "split.random_state=3": "type split.seed=3",
    "features.lr=0.1 task=fashion_bottleneck": "type features.learning_rate=0.1",
    "task.kind=comparison comparison.runs=5": "type comparison.seeds=5",
    "task.kind=embedding model=pca embedding.n_components=2": "An embedding has two dimensions",
    "mlexp task=mnist_mlp": "Type mlexp task=mnist_mlp",
    "task:mnist_mlp": "'task=mnist_mlp'",
    "task mnist_mlp": "Type task=mnist_mlp",
    "--output-dir=x": "Type outputs=x",
    "--dryrun": "'--dry-run'",
    "MNIST_MLP": "Type task=mnist_mlp",
    "moons": "Type dataset=moons",
    "my.csv": "Type dataset=csv dataset.path=my.csv",
    "my.yaml": "--config-dir DIR task=my",
    "lr 0.1": "Type model.learning_rate=0.1",
    "seed = 1": "Type seed=1",
    "task=mnist_mlp lr": "Type model.learning_rate",
    "train task=mnist_mlp": "Type mlexp task=mnist_mlp",
    "fit": "Type mlexp",
    "sweep seed=0,1": "Type mlexp -m seed=0,1",
    "tune task=mnist_mlp": "Type mlexp tune=grid task=mnist_mlp",
    "evaluate latest": "Type mlexp show RUN",
    "ls": "Type mlexp list runs",
    "lisst": "'list'",
    "resum": "'resume'",
    "xyzzy": "mlexp --help",
}


@pytest.mark.parametrize(("typed", "wanted"), LINES.items(), ids=list(LINES))
def test_one_line_says_what_to_type(typed: str, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(*typed.split(), capsys=capsys)
    assert wanted in said, said
    assert len(said) <= LONGEST or "must be" in said, said


def test_a_very_long_word_costs_neither_time_nor_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(refused(f"{'a' * 20_000}=1", capsys=capsys)) < 400
    assert len(refused(f"lr={'9' * 20_000}x", capsys=capsys)) < 400


@pytest.mark.parametrize(
    "words",
    [["run", "size=smoke"], ["run"], ["run", "-m", "seed=0,1"], ["-m", "run", "seed=0,1"], ["-v", "run"]],
)
def test_run_may_be_left_out(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*words, "--dry-run"]) == 0
    with_it = capsys.readouterr().out
    assert cli.main([*(word for word in words if word != "run"), "--dry-run"]) == 0
    assert capsys.readouterr().out == with_it


def test_a_hint_knows_the_task_of_an_own_file(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "groups.yaml").write_text(
        "# @package _global_\n# Groups.\ndefaults: [{override /model: kmeans}]\n"
        "task: {name: groups, kind: clustering}\n"
    )
    with pytest.raises(ConfigError, match=r"type clustering\.k=4"):
        configuration.compose(["task=groups", "n_clusters=4"], str(tmp_path))


def test_a_file_of_the_folder_that_one_is_in_is_named_with_how_to_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "plants"]) == 0
    monkeypatch.chdir("plants")
    assert "--config-dir ." in refused("task=plants", "--dry-run", capsys=capsys)
    assert "--config-dir" not in refused("task=plant", "--dry-run", capsys=capsys)
    assert "--config-dir" not in refused(f"task={'long' * 1000}", "--dry-run", capsys=capsys)
    assert cli.main(["--config-dir", ".", "task=plants", "--dry-run"]) == 0


def listed(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["list", *words]) == 0
    return capsys.readouterr().out


def test_list_keys_shows_every_key_and_the_names_of_other_tools(capsys: pytest.CaptureFixture[str]) -> None:
    keys, _, others = listed("keys", capsys=capsys).partition("names that other tools use")
    assert [line.partition("=")[0] for line in keys.splitlines()] == list(schema.declared())
    assert "model.dropout=0.0  dropout rate of the hidden layers; a number" in keys
    for name in ("lr", "n_epochs", "hidden_layers", "layers", "batch", "optim", "weight_decay", "test_size",
                 "random_state", "criterion", "n_estimators"):  # fmt: skip
        assert re.search(rf"\b{name}\b", others), name
    assert "model.learning_rate=0.1" in others


def test_list_keys_of_a_node_a_word_or_another_tool(capsys: pytest.CaptureFixture[str]) -> None:
    of_split = listed("keys", "split", "-q", capsys=capsys).split()
    assert of_split == [key for key in schema.declared() if key.startswith("split.")]
    assert listed("-q", "keys", "dropout", capsys=capsys).split() == ["model.dropout", "model.input_dropout"]
    said = listed("keys", "lr", capsys=capsys)
    assert "model.learning_rate=0.1" in said
    assert said.count("\n") <= 3
    assert cli.main(["list", "keys", "nosuchthing"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_quiet_lists_are_names_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-q", "list", "sizes"]) == 0
    assert capsys.readouterr().out.split() == ["full", "smoke"]
    assert cli.main(["-q", "data", "list"]) == 0
    assert "digits" in capsys.readouterr().out.split()
    assert cli.main(["list", "Tasks"]) == 0
    assert "mnist_mlp" in capsys.readouterr().out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_quiet(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([verb, "-q", "--help"]) == 0
    assert "print only" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("mdel.hidden", "model.hidden"),
        ("datset.path", "dataset.path"),
        ("comparision.seeds", "comparison.seeds"),
    ],
)
def test_a_misspelled_node_leads_to_the_nearest_node(typed: str, meant: str) -> None:
    assert f"'{meant}'" in messages.unknown_key(typed)
