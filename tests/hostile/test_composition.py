"""Attacks on the composition: nothing that a file or a word names is called, imported or evaluated.

Each one would make the file `canary` in the folder of the test, import the module `evil`, or write elsewhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from tests.hostile import harness

from mlexp.config import compose as configuration
from mlexp.config import recorded

ONE_LINE = "mlexp: "
TASK = "# @package _global_\n# An attack.\n"
TOUCH = "import pathlib; pathlib.Path({!r}).touch()\n"
# What a task file says -> a word of the message.
FILES = {
    "hydra: {callbacks: {x: {_target_: evil.Touch}}}": "hydra is not a key",
    "hydra: {job_logging: {handlers: {a: {(): evil.touch}}}}": "hydra is not a key",
    "hydra: {run: {dir: ELSEWHERE}}": "hydra is not a key",
    "hydra: {output_subdir: ELSEWHERE}": "hydra is not a key",
    "hydra: {searchpath: ['pkg://evil']}": "hydra is not a key",
    "hydra: {job: {env_copy: [NOSUCH]}}": "hydra is not a key",
    "hydra: null": "hydra is not a key",
    "'hydra.callbacks': {x: {_target_: evil.Touch}}": "hydra is not a key",
    "defaults: [override /hydra/launcher: evil]": "names a file of a group",
    "defaults: [/hydra/job_logging: default]": "names a file of a group",
    "defaults: [override hydra/sweeper: basic]": "is not a key",
    "defaults: [/model@hydra.callbacks: mlp]": "names a file of a group",
    "defaults: [/dataset@execution: own]": "names a file of a group",
    "defaults: [{'override /dataset': '${oc.env:HOME}'}]": "names a file of a group",
    "defaults: [{'override /dataset': '../../outside'}]": "names a file of a group",
    "defaults: [/config]": "names a file of a group",
    "defaults: [{'override /execution': dask}]": "add execution=dask",
    "defaults: [{'override /execution': own}]": "add execution=own",
    "defaults: [{'override /tracking': own}]": "add tracking=own",
    "defaults: [sends]": "tracking.uri counts only where it is typed",
    "defaults: [{'override /model': evil}]": "is not a key: mlexp calls nothing",
    "trusted_packages: [sklearn, evil]\nmodel: {name: evil.Model}": "trusted_packages counts only where it is typed",
    "model: {name: evil.Model}": "not trusted",
    "outputs: ELSEWHERE": "outputs counts only where it is typed",
    "sweep: {dir: ELSEWHERE}": "sweep.dir counts only where it is typed",
    "execution: {backend: dask, scheduler: tcp://127.0.0.1:9}": "execution.backend counts only where it is typed",
    "execution: {options: {a: b}}": "execution.options counts only where it is typed",
    "tracking: {backend: mlflow, uri: http://127.0.0.1:9}": "tracking.uri counts only where it is typed",
    "data_dir: '${oc.env:HOME}'": "must be a plain value",
    "dataset: {path: '${oc.decode:x}'}": "must be a plain value",
    "dataset: {path: '${hydra:runtime.cwd}'}": "must be a plain value",
    "dataset: {path: 'a${.name}'}": "must be a plain value",
    "dataset: {path: '${oc.env:${task.name}}'}": "must be a plain value",
    "model: {params: {_target_: evil.Touch}}": "mlexp calls nothing",
    "_target_: evil.Touch": "mlexp calls nothing",
    "model: {_target_: evil.Touch}": "mlexp calls nothing",
    "model: {params: {a: '${model.params.b}', b: '${model.params.a}'}}": "holds a reference itself",
    "model: {params: {a: '${model.params}'}}": "holds a reference itself",
    "tune: {strategy: grid, space: {trusted_packages: [[evil]]}}": "cannot be tuned",
    "tune: {strategy: grid, space: {model: {l2: ['${oc.env:HOME}', 1]}}}": "must be a plain value",
    "task: {kind: comparison}\ncomparison: {arms: {a: {seed: 1}, b: {'+trusted_packages': [evil]}}}": "cannot be set",
    "task: {kind: comparison}\ncomparison: {arms: {a: {trusted_packages: [evil]}, b: {model.l2: 1}}}": "cannot be set",
    "task: {kind: comparison}\ncomparison: {arms: {a: {hydra.run.dir: x}, b: {model.l2: 1}}}": "cannot be set",
    "task: {kind: comparison}\ncomparison: {arms: {a: {execution: own}, b: {model.l2: 1}}}": "cannot be set",
    "task: {kind: comparison}\ncomparison: {arms: {a: {' outputs': x}, b: {model.l2: 1}}}": "cannot be",
    "task: {kind: comparison}\ncomparison: {arms: {a: {'model@hydra': mlp}, b: {model.l2: 1}}}": "cannot be read",
    "task: {kind: comparison}\ncomparison: {grid: {outputs: [a, b]}}": "cannot be set",
    "task: {kind: comparison}\ncomparison: {grid: {dataset: [../../outside, digits]}}": "name of a choice",
}
# Typed words -> a word of the message. None of them needs a file.
WORDS = {
    "+hydra.callbacks.x={_target_:evil.Touch}": "mlexp sets what concerns Hydra",
    "hydra.run.dir=ELSEWHERE": "mlexp sets what concerns Hydra",
    "++hydra.run.dir=ELSEWHERE": "mlexp sets what concerns Hydra",
    "hydra.output_subdir=ELSEWHERE": "mlexp sets what concerns Hydra",
    "hydra.searchpath=[pkg://evil]": "mlexp sets what concerns Hydra",
    "hydra.mode=MULTIRUN": "mlexp sets what concerns Hydra",
    "hydra.verbose=true": "mlexp sets what concerns Hydra",
    "hydra/launcher=joblib": "mlexp sets what concerns Hydra",
    "hydra/job_logging=default": "mlexp sets what concerns Hydra",
    "+hydra/job_logging@x=default": "mlexp sets what concerns Hydra",
    " hydra.run.dir=x": "mlexp sets what concerns Hydra",
    "hydra={run: {dir: x}}": "mlexp sets what concerns Hydra",
    "~hydra": "mlexp sets what concerns Hydra",
    "task@hydra=digits_mlp": "a key is made of names and dots",
    "+model@hydra.callbacks=mlp": "a key is made of names and dots",
    "data_dir=${oc.env:HOME}": "must be a plain value",
    "task=${oc.env:HOME}": "name of a choice",
    "task=../../outside": "name of a choice",
    "dataset=/etc/passwd": "name of a choice",
    "+model._target_=evil.Touch": "mlexp calls nothing",
    "model.params={_target_:evil.Touch}": "mlexp calls nothing",
    "model.name=evil.Model": "not trusted",
    "model.params={a:${model.params.b},b:${model.params.a}}": "holds a reference itself",
}
SWEPT = (
    "sweep.list=[{trusted_packages:[evil]}]",
    "sweep.list=[{execution:own}]",
    "sweep.list=[{'hydra.callbacks.x':{_target_:evil.Touch}}]",
    "sweep.list=[{'+hydra.callbacks.x':1}]",
    "sweep.list=[{'model@hydra':mlp}]",
    "sweep.list=[{outputs:ELSEWHERE}]",
    "sweep.list=[{data_dir:'${oc.env:HOME}'}]",
    "seed=1,2 data_dir=${oc.env:HOME}",
    "data_dir=${oc.env:HOME},b",
    "task=../../outside,digits_mlp",
)
FLAGS = (
    "--cfg=hydra", "--cfg all", "--info plugins", "--info", "--hydra-help", "--resolve", "--run", "-r", "--package x",
    "--config-path pkg://evil", "-cp .", "--config-name x", "--experimental-rerun x", "--cfg job -m", "-sc install=x",
    "-sc query", "--config-dir", "-m=3", "--cfg job --cfg job",
)  # fmt: skip
WAYS = (("--dry-run",), ("--cfg", "job"), ("-m", "--dry-run"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module that must not be imported, and files beside the tasks that would help an attack."""
    folder = tmp_path_factory.mktemp("attacked")
    touch = TOUCH.format(str(folder / "canary"))
    (folder / "evil.py").write_text(
        f"{touch}class Touch:\n    def __init__(self, *a, **k): {touch}\ntouch = Touch\n"
    )
    for group, name, text in (
        ("task", "sends", f"{TASK}tracking: {{uri: 'http://127.0.0.1:9'}}\n"),
        ("execution", "own", "backend: dask\nscheduler: tcp://127.0.0.1:9\n"),
        ("tracking", "own", "backend: mlflow\nuri: http://127.0.0.1:9\n"),
        ("dataset", "own", "backend: dask\nscheduler: tcp://127.0.0.1:9\n"),
        ("model", "evil", "name: mlp\nparams: {_target_: evil.Touch}\n"),
        ("hydra/launcher", "evil", "_target_: evil.Touch\n"),
    ):
        (folder / "own" / group).mkdir(parents=True, exist_ok=True)
        (folder / "own" / group / f"{name}.yaml").write_text(text)
    (folder / "outside.yaml").write_text("name: outside\n")
    return folder


def attacked(place: Path, commands: Sequence[Sequence[str]]) -> list[harness.Result]:
    """Run command lines where `evil` could be imported, and check that nothing happened but a line each."""
    elsewhere = str(place / "elsewhere")
    commands = [[word.replace("ELSEWHERE", elsewhere) for word in words] for words in commands]
    results = harness.run(commands, place, environment={"PYTHONPATH": str(place)})
    troubles = [line for result in results for line in result.troubles()]
    assert not troubles, "\n".join(troubles)
    assert not (place / "canary").exists()
    assert not Path(elsewhere).exists()
    assert not (place / "outputs").exists()
    for result in results:
        assert result.code == 2, result
        assert result.stderr.startswith(ONE_LINE)
        assert result.stderr.count("\n") == 1
    return results


def test_nothing_in_a_file_is_called_imported_or_evaluated(place: Path) -> None:
    commands, expected = [], []
    for number, (text, word) in enumerate(FILES.items()):
        path = place / "own" / "task" / f"attack{number}.yaml"
        path.write_text(TASK + text.replace("ELSEWHERE", str(place / "elsewhere")) + "\n")
        (place / "own" / "task" / f"leads{number}.yaml").write_text(f"{TASK}defaults: [attack{number}]\n")
        every = number % 5 == 0 and "comparison" not in text and "tune" not in text  # those are planned later
        ways = [(f"attack{number}", way) for way in (WAYS if every else WAYS[:1])]
        if word == "not trusted":  # found out when the model is built, before its package is imported
            ways = [(f"attack{number}", ("dataset=iris",))]
        for task, way in [*ways, (f"leads{number}", ways[0][1])]:
            commands.append(["--config-dir", "own", f"task={task}", *way])
            expected.append(word)
    for result, word in zip(attacked(place, commands), expected, strict=True):
        assert word in result.stderr, (result.argv, result.stderr)


def test_nothing_in_a_typed_word_is_called_imported_or_evaluated(place: Path) -> None:
    commands, expected = [], []
    for word, said in WORDS.items():
        for way in [("dataset=iris",)] if said == "not trusted" else WAYS:
            commands.append([word, *way])
            expected.append(said)
    for result, said in zip(attacked(place, commands), expected, strict=True):
        assert said in result.stderr, (result.argv, result.stderr)


def test_lists_of_jobs_and_flags_of_hydra_are_no_way_in(place: Path) -> None:
    attacked(place, [["--config-dir", "own", "-m", "--dry-run", *words.split(" ")] for words in SWEPT])
    attacked(place, [words.split(" ") for words in FLAGS])


def test_python_is_no_way_in(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlexp
    from mlexp.errors import ConfigError

    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))
    (place / "own" / "task" / "api.yaml").write_text(
        TASK + "hydra: {callbacks: {x: {_target_: evil.Touch}}}\n"
    )
    for call in (
        lambda: mlexp.run("task=api", config_dir="own"),
        lambda: mlexp.sweep("task=api", config_dir="own"),
        lambda: mlexp.compare("task=api", config_dir="own"),
        lambda: mlexp.run("+hydra.callbacks.x={_target_: evil.Touch}"),
        lambda: mlexp.run(**{"hydra.callbacks": {"x": {"_target_": "evil.Touch"}}}),
        lambda: mlexp.sweep("hydra/launcher=evil", config_dir="own"),
        lambda: mlexp.run(data_dir="${oc.env:HOME}"),
    ):
        with pytest.raises(ConfigError):
            call()
    assert not (place / "canary").exists()
    assert not (place / "outputs").exists()


def test_what_is_typed_counts(place: Path) -> None:
    """A file of the groups execution and tracking that is chosen by name counts as typed."""
    commands = [
        ["--config-dir", "own", "execution=own", "--cfg", "job"],
        ["--config-dir", "own", "tracking=own", "--cfg", "job"],
        ["trusted_packages=[sklearn,mine]", "outputs=elsewhere", "sweep.dir=there", "--cfg", "job"],
        ["model.l2=${model.l1}", "model.l1=0.25", "--cfg", "job"],
    ]
    execution, tracking, typed, referred = harness.run(commands, place)
    assert "scheduler: tcp://127.0.0.1:9" in execution.stdout
    assert "uri: http://127.0.0.1:9" in tracking.stdout
    for line in ("- mine", "outputs: elsewhere", "dir: there"):
        assert line in typed.stdout
    assert referred.stdout.count(": 0.25\n") == 2


def test_a_record_is_read_as_values_alone(place: Path) -> None:
    """Neither a reference nor a bomb in the `config.yaml` of a run folder is followed."""
    from mlexp.config import compose as configuration
    from mlexp.config import recorded

    plain = recorded.as_yaml(configuration.compose([]))
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    commands = []
    for number, text in enumerate(
        (
            plain.replace("data_dir: null", "data_dir: ${oc.env:HOME}"),
            plain.replace("params: {}", "params: {a: '${oc.env:HOME}'}"),
            bomb + plain,
            plain.replace("seed: 0", "seed: !!python/object/apply:evil.touch []", 1),
            plain + "hydra: {callbacks: {x: {_target_: evil.Touch}}}\n",
        )
    ):
        folder = place / f"run{number}"
        folder.mkdir()
        (folder / "config.yaml").write_text(text)
        info = {"status": "interrupted", "task": "t", "kind": "classification", "dataset": {"classes": [1]}}
        (folder / "run.json").write_text(json.dumps(info))
        commands += [[verb, folder.name] for verb in ("rerun", "resume")]
        commands += [
            ["predict", folder.name, "x.csv"],
            ["export", folder.name, "--config", "own/task/o.yaml"],
        ]
    results = harness.run(commands, place, environment={"PYTHONPATH": str(place)})
    for result in results:
        assert result.code in (2, 3), result
        assert not result.troubles(), result.troubles()
        assert os.environ["HOME"] not in result.stderr
    assert not (place / "canary").exists()


def test_hydra_calls_nothing_while_it_composes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `instantiate` nor what finds an object by its name can be reached from a composition."""
    import hydra._internal.utils
    import hydra.utils
    from hydra._internal.instantiate import _instantiate2

    from mlexp.config import combinations
    from mlexp.config import compose as configuration

    def reached(*_: object, **__: object) -> None:
        raise AssertionError("something is built from a name")

    for module in (hydra.utils, hydra._internal.utils, _instantiate2):
        for name in (
            "instantiate",
            "call",
            "get_object",
            "get_class",
            "get_method",
            "_locate",
            "_call_target",
        ):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, reached)
    configuration.compose(["task=mnist_mlp", "size=smoke"])
    configuration.shown([])
    assert len(combinations.expand(["seed=0,1", "model=mlp,knn"])) == 4


def test_an_escaped_reference_is_text() -> None:
    """What the braces are escaped in refers to nothing: it is a strange name of a folder, in the record too."""
    config = configuration.compose([r"data_dir=$\{oc.env:HOME\}"])
    assert config.data_dir is not None
    assert os.environ["HOME"] not in config.data_dir
    assert configuration.from_values(yaml.safe_load(recorded.as_yaml(config))).data_dir == config.data_dir
