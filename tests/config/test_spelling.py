"""Upper and lower case are the same: what is typed otherwise gives the same configuration, hash and bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlexp import models
from mlexp.comparisons import study as studies
from mlexp.config import compose as configuration
from mlexp.config import names, recorded
from mlexp.config.combinations import expand
from mlexp.sweeps import planning

# typed -> the same as the list or the file spells it
ALIKE = {
    "model.activation=ReLU": "model.activation=relu",
    "model.activation=Leaky_ReLU": "model.activation=leaky_relu",
    "model.hidden=[4,4] model.activation=[ReLU,Sigmoid]": "model.hidden=[4,4] model.activation=[relu,sigmoid]",
    "model.activation='Tanh'": "model.activation=tanh",
    "dataset=MNIST": "dataset=mnist",
    "dataset=Breast_Cancer": "dataset=breast_cancer",
    "model=MLP": "model=mlp",
    "model=Random_Forest": "model=random_forest",
    "model.name=KNN": "model.name=knn",
    "task=MNIST_MLP": "task=mnist_mlp",
    "task=MNIST_MLP size=SMOKE": "task=mnist_mlp size=smoke",
    "execution=LOCAL tracking=None": "execution=local tracking=none",
    "model.optimizer=Adam": "model.optimizer=adam",
    "model.init=He_Normal model.bias_init=Zeros": "model.init=he_normal model.bias_init=zeros",
    "model.batch_size=Full": "model.batch_size=full",
    "model.schedule=Cosine model.reduction=SUM": "model.schedule=cosine model.reduction=sum",
    "model.class_weight=Balanced": "model.class_weight=balanced",
    "split.test=AUTO prepare.scale=Standard prepare.impute=Median": (
        "split.test=auto prepare.scale=standard prepare.impute=median"
    ),
    "task.kind=Clustering model=KMeans clustering.methods=[KMeans,DBSCAN] clustering.choose=BIC": (
        "task.kind=clustering model=kmeans clustering.methods=[kmeans,dbscan] clustering.choose=bic"
    ),
    "tune=Grid tune.space={model.activation:[ReLU,Tanh]}": "tune=grid tune.space={model.activation:[relu,tanh]}",
    "tune=Random tune.metric=Accuracy tune.refit=ALL": "tune=random tune.metric=accuracy tune.refit=all",
    "tune=grid tune.space.model.init=[He,LeCun]": "tune=grid tune.space.model.init=[he,lecun]",
    "tune=bayes tune.space={model.optimizer:[SGD,Adam],model.momentum:{low:0,high:0.9,when:{model.optimizer:SGD}}}": (
        "tune=bayes tune.space={model.optimizer:[sgd,adam],model.momentum:{low:0,high:0.9,when:{model.optimizer:sgd}}}"
    ),
    "model={activation:ReLU,optimizer:SGD}": "model={activation:relu,optimizer:sgd}",
}  # fmt: skip


@pytest.mark.parametrize(("typed", "spelt"), ALIKE.items(), ids=list(ALIKE))
def test_case_does_not_matter(typed: str, spelt: str) -> None:
    found, wanted = (configuration.compose(words.split()) for words in (typed, spelt))
    assert recorded.as_yaml(found) == recorded.as_yaml(wanted)
    assert recorded.config_hash(found) == recorded.config_hash(wanted)


def test_what_is_not_of_a_list_keeps_its_case() -> None:
    words = ["dataset.label=Species", "outputs=Out", "model=svm", "model.params.kernel=RBF", "task.name=Mine"]
    config = configuration.compose(words)
    assert (config.dataset.label, config.outputs, config.task.name) == ("Species", "Out", "Mine")
    assert config.model.params == {"kernel": "RBF"}


@pytest.mark.parametrize(
    ("typed", "spelt"),
    [
        ("model.activation=ReLU,Sigmoid seed=0,1", "model.activation=relu,sigmoid seed=0,1"),
        ("dataset=Iris,WINE", "dataset=iris,wine"),
        ("model=MLP,KNN", "model=mlp,knn"),
        ("model.activation=choice(ReLU,tanh)", "model.activation=choice(relu,tanh)"),
        ("sweep.list=[{model.activation:ReLU},{dataset:Wine}]", "sweep.list=[{model.activation:relu},{dataset:wine}]"),
        ("model.hidden=[4,4] model.activation=[ReLU,Tanh],SOFTPLUS",
         "model.hidden=[4,4] model.activation=[relu,tanh],softplus"),
    ],
)  # fmt: skip
def test_a_sweep_shows_what_it_runs(typed: str, spelt: str) -> None:
    found, wanted = (planning.planned(expand(words.split())) for words in (typed, spelt))
    assert [job.swept for job in found.jobs] == [job.swept for job in wanted.jobs]
    assert found.hash == wanted.hash


@pytest.mark.parametrize(
    ("typed", "spelt"),
    [
        ("comparison.arms={a:{model.activation:ReLU},b:{model.activation:Tanh}}",
         "comparison.arms={a:{model.activation:relu},b:{model.activation:tanh}}"),
        ("comparison.grid={model.optimizer:[SGD,Adam]} comparison.test=Welch comparison.metric=Test.Loss",
         "comparison.grid={model.optimizer:[sgd,adam]} comparison.test=welch comparison.metric=test.loss"),
        ("comparison.arms={a:{dataset:Iris,model:MLP},b:{dataset:iris,model:KNN}} comparison.of=Classification",
         "comparison.arms={a:{dataset:iris,model:mlp},b:{dataset:iris,model:knn}} comparison.of=classification"),
    ],
)  # fmt: skip
def test_arms_of_a_comparison(typed: str, spelt: str) -> None:
    found, wanted = (
        studies.plan(["task.kind=Comparison", "comparison.seeds=2", *words.split()])
        for words in (typed, spelt)
    )
    assert found.arms == wanted.arms
    assert found.plan.hash == wanted.plan.hash
    assert [job.swept for job in found.plan.jobs] == [job.swept for job in wanted.plan.jobs]


def test_own_files_are_found_in_any_case(tmp_path: Path) -> None:
    own = tmp_path / "dataset"
    own.mkdir()
    (own / "Flowers.yaml").write_text("# Flowers.\nname: Flowers\nreader: CSV\npath: flowers.csv\n")
    for word in ("dataset=flowers", "dataset=FLOWERS", "dataset=Flowers"):
        config = configuration.compose([word], config_dir=str(tmp_path))
        assert (config.dataset.name, config.dataset.reader) == ("Flowers", "csv")
    found = expand(["dataset=FLOWERS,Iris", "task=classify"], config_dir=str(tmp_path))
    assert [one.swept["dataset"] for one in found] == ["Flowers", "iris"]


def test_names_of_models_are_those_of_the_table() -> None:
    assert set(names.MODEL_NAMES) == set(models.NAMES)
