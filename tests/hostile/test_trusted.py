"""What a run folder says of trust and of places is only a record: it counts where it is typed, and nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.running import run

from mlexp import dispatch
from mlexp.config import compose as configuration
from mlexp.config import recorded as recordings
from mlexp.errors import ConfigError
from mlexp.sweeps import planning
from mlexp.verbs.rerun import rerun
from mlexp.verbs.resume import resume

OWN = """
import pathlib
pathlib.Path(__file__).with_name("imported").touch()
from sklearn.neighbors import KNeighborsClassifier
class Mine(KNeighborsClassifier):
    pass
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one's own that says when it is imported, and forgets that it was."""
    (tmp_path / "own_package.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def forget(folder: Path) -> None:
    sys.modules.pop("own_package", None)
    (folder / "imported").unlink(missing_ok=True)


WORDS = ("dataset=iris", "model.name=own_package.Mine", "trusted_packages=[own_package]", "figures=false")


def test_a_record_is_not_trusted_to_name_packages(own: Path) -> None:
    path = run(own, *WORDS).path
    forget(own)
    for verb, words in ((rerun, ()), (resume, ()), (rerun, ("trusted_packages=[other]",))):
        info = (path / "run.json").read_text()
        (path / "run.json").write_text(info.replace('"status": "completed"', '"status": "interrupted"'))
        with pytest.raises(ConfigError, match="own_package"):
            verb([str(path), *words, "-q"])
        assert not (own / "imported").exists()
    assert rerun([str(path), "trusted_packages=[own_package]", "-q"]) == 0
    assert (own / "imported").exists()


def test_a_sweep_is_run_again_with_what_is_typed(own: Path) -> None:
    done = dispatch.run_sweep(
        dispatch.plan_sweep([*WORDS, "seed=0,1", "model.params.n_neighbors=3", f"outputs={own / 'outputs'}"])
    )
    forget(own)
    plan = planning.restored(done.path)
    assert [job.config.trusted_packages for job in plan.jobs] == [["sklearn"]] * 2
    plan = planning.restored(done.path, ["trusted_packages=[own_package]", "execution.workers=1"])
    assert [job.config.trusted_packages for job in plan.jobs] == [["own_package"]] * 2
    assert plan.execution.workers == 1
    assert not (own / "imported").exists()


def test_recorded_places_do_not_count(tmp_path: Path) -> None:
    words = ["outputs=/somewhere/else", "execution=dask", "execution.scheduler=tcp://h:1", "sweep.dir=/there"]
    recorded = configuration.compose(words)
    again = recordings.again(recorded, tmp_path)
    assert (again.outputs, again.sweep.dir) == ("outputs", None)
    assert (again.execution.backend, again.execution.scheduler) == ("local", None)
    typed = recordings.again(recorded, tmp_path, ["execution=dask", "execution.scheduler=tcp://mine:2"])
    assert (typed.execution.backend, typed.execution.scheduler) == ("dask", "tcp://mine:2")
    with pytest.raises(ConfigError, match="execution=dask"):
        recordings.again(recorded, tmp_path, ["execution.scheduler=tcp://mine:2"])
    inside = configuration.compose([f"outputs={tmp_path}"])
    assert recordings.again(inside, tmp_path / "task" / "run").outputs == str(tmp_path)


def test_a_recorded_address_of_tracking_must_be_typed_again(tmp_path: Path) -> None:
    recorded = configuration.compose(["tracking=mlflow", "tracking.uri=http://h:1", "tracking.experiment=e"])
    with pytest.raises(ConfigError, match=r"tracking\.uri=http://h:1.*tracking=none"):
        recordings.again(recorded, tmp_path)
    again = recordings.again(recorded, tmp_path, ["tracking.uri=http://h:2"]).tracking
    assert (again.backend, again.uri, again.experiment) == ("mlflow", "http://h:2", "e")
    again = recordings.again(recorded, tmp_path, ["tracking=none"]).tracking
    assert (again.backend, again.uri) == (None, None)
    tensorboard = configuration.compose(["tracking=tensorboard"])
    assert recordings.again(tensorboard, tmp_path).tracking.backend == "tensorboard"


@pytest.mark.parametrize(
    "word", ["model.epochs=3", "outputs=x", "seed=1", "execution", "~seed", "hydra.run.dir=x"]
)
def test_only_what_changes_no_result_can_be_typed_again(word: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be set here"):
        recordings.again(configuration.compose([]), tmp_path, [word])
