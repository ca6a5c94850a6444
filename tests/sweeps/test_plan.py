"""What a sweep would run, without running it."""

from __future__ import annotations

import pytest

from mlexp import dispatch
from mlexp.config import combinations, recorded, schema
from mlexp.config import compose as configuration
from mlexp.errors import ConfigError
from mlexp.sweeps import stacks


def test_jobs_are_what_composing_each_alone_gives() -> None:
    words = [
        "task=classify,digits_mlp",
        "dataset=moons",
        "model.hidden=[8],[4,4]",
        "++dataset.noise=0.3",
        "size=smoke",
    ]
    found = combinations.expand(words)
    assert [job.swept for job in found][1] == {"task": "classify", "model.hidden": "[4,4]"}
    for job in found:
        alone = [f"{key}={value}" for key, value in job.swept.items()] + ["dataset=moons", "size=smoke"]
        assert job.config == configuration.compose([*alone, "++dataset.noise=0.3"])


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["seed=range(0,5)"], 5),
        (["seed=choice(1,2)", "model.hidden=[1],[2]"], 4),
        (["dataset=glob(mo*)"], 1),
        (["seed=1,2,3", "split.seed=1,2,3", "sweep.zip=[seed,split.seed]"], 3),
        (["seed=1,2", "split.seed=1,2", "model.l2=0,1", "sweep.zip=[split.seed,seed]"], 4),
        (["seed=1,2", "sweep.list=[{model.l2: 1, model.hidden: [3]}, {model.dtype: float64}]"], 4),
        ([], 1),
    ],
)
def test_how_many_jobs(words: list[str], count: int) -> None:
    assert len(dispatch.plan_sweep(words).jobs) == count


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["seed=1,2,3", "model.l2=1,2", "sweep.zip=[seed,model.l2]"], "seed has 3, model.l2 has 2"),
        (["seed=1,2", "sweep.zip=[seed,nosuch]"], "nosuch has 0"),
        (["seed=1,2", "sweep.list=[{seed: 3}]"], "seed is typed and stands in sweep.list"),
        (["model.l2=1", "sweep.list=[{model: {l2: 2}}]"], "model.l2 is typed and stands in sweep.list"),
        (["model.l2=1,2", "model={l2:3}"], "model.l2 has several values, and model={l2:3} sets it too"),
        (["seed=1,2", "sweep.zip=[sed,seed]"], "sed has 0, seed has 2. Did you mean 'seed'?"),
        (["model=mlp,nosuch"], "job 2 (model=nosuch): model=nosuch is not known"),
        (["model.momentum=0,0.5"], "job 2 (model.momentum=0.5): model.momentum belongs to"),
        (["model.epochs=1,2", "nosuch=1"], "nosuch is not a key"),
        (["model.l2=interval(0,1)"], "an interval names no values"),
        (["sweep.retries=-1"], "sweep.retries must be"),
        (["seed=glob(*)"], "seed=glob(*) names no value"),
        (["sweep.zip=[[seed,split.seed]]", "seed=0,1"], "sweep.zip must be a list of swept keys"),
        (["sweep.zip=foo", "seed=0,1", "size=smoke"], "sweep.zip must be a list of swept keys. Got 'foo'"),
        (["sweep.list=[3]"], "sweep.list must be a list of mappings"),
        (["outputs=a,b"], "outputs applies to the whole sweep"),
        (["sweep.retries=0,1"], "sweep.retries applies to the whole sweep"),
        (
            ["model=logistic,kmeans"],
            "job 2 (model=kmeans): model=kmeans is not a model for a task of kind class",
        ),
        (["tune=grid", "tune.space.model.learning_rate=[0.1,x]", "seed=0,1"], "job 1 (seed=0): tune.space"),
        (["tune=grid", "tune.metric=foo", "seed=0,1"], "tune.metric must be one of"),
        (["tune=halving", "model=logistic,knn"], "needs epochs or trees"),
    ],
)
def test_what_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        dispatch.plan_sweep(words)
    assert said in str(caught.value)


def test_hash_is_that_of_the_jobs_and_of_nothing_else() -> None:
    one = dispatch.plan_sweep(["seed=1,2"])
    assert (
        one.hash
        == dispatch.plan_sweep(
            ["seed=1,2", "outputs=elsewhere", "sweep.retries=1", "execution.workers=1"]
        ).hash
    )
    assert one.hash != dispatch.plan_sweep(["seed=1,3"]).hash
    assert {job.hash for job in one.jobs} == {
        recorded.config_hash(configuration.compose([f"seed={n}"])) for n in (1, 2)
    }


def test_restored_configurations_are_the_same() -> None:
    plan = dispatch.plan_sweep(["model.hidden=[8],[4,4]", "seed=0,1", "dataset=moons", "dataset.noise=1e-05"])
    base = schema.flat(plan.first)
    values = configuration.compose(
        ["dataset=moons", "dataset.noise=1e-05", "model.hidden=[8]", "figures=false"]
    )
    for job, entry in zip(plan.jobs, plan.record(plan.first)["jobs"], strict=True):
        assert all(base[key] != value for key, value in entry["changes"].items())
        assert configuration.with_changes(values, entry["changes"]) == job.config


@pytest.mark.parametrize(
    ("words", "sizes"),
    [
        (["seed=range(0,8)"], [4, 4]),
        (["seed=range(0,8)", "sweep.stack=false"], [1] * 8),
        (["seed=range(0,8)", "model.hidden=[8],[9]"], [4, 4, 4, 4]),
        (["seed=0,1", "model.hidden=[500,500]"], [1, 1]),
        (["seed=0,1", "model.hidden=[500,500]", "sweep.stack=true"], [2]),
        (["seed=0,1", "model=knn", "sweep.stack=true"], [1, 1]),
        (["seed=range(0,300)"], [60] * 5),
        (["model.l2=0,0.1,0.2,0.3", "sweep.stack=true"], [1, 3]),
        (["seed=0,1", "split.seed=0,1"], [2, 2]),
        (["seed=0,1,2"], [3]),
    ],
)
def test_what_is_stacked(words: list[str], sizes: list[int]) -> None:
    plan = dispatch.plan_sweep(words)
    units = stacks.units(plan.jobs, plan.sweep.stack, 2, 64)
    assert [len(unit) for unit in units] == sizes
    assert sorted(job.number for unit in units for job in unit) == [job.number for job in plan.jobs]


@pytest.mark.parametrize(
    "words",
    [
        ["seed=range(0,5)"],
        ["model.hidden=[8],[9,9],[]", "seed=0,1", "dataset=iris,digits", "model.batch_size=full,7"],
        ["model=knn", "model.params.n_neighbors=3,4", "seed=1,2", "split.test=auto,0.3,20"],
        ["model.patience=null,3", "model.l2=0,1", "sweep.zip=[model.patience,model.l2]", "model.dropout=0,0.5"],
        ["model.learning_rate=0.1,0.2", "model.schedule=step", "model.schedule_options.factor=0.5,0.6"],
    ],
)  # fmt: skip
def test_a_job_made_from_another_is_as_if_composed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    quick = combinations.expand(words)
    monkeypatch.setattr(configuration, "REMEMBERED", 0)
    monkeypatch.setattr(configuration.Composer, "is_plain", lambda composer, word: False)
    slow = combinations.expand(words)
    assert [one.swept for one in quick] == [one.swept for one in slow]
    assert [recorded.as_yaml(one.config) for one in quick] == [recorded.as_yaml(one.config) for one in slow]
