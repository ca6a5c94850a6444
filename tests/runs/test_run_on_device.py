"""Runs with device=cuda where there is no GPU: refused in one line, or done by a stand-in of CuPy."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlexp import dispatch
from mlexp.cli import main
from mlexp.config import compose as configuration
from mlexp.config import recorded
from mlexp.config.schema import Config
from mlexp.errors import ConfigError
from mlexp.execution import Local
from mlexp.nn import device as devices
from mlexp.runs import session
from mlexp.runs.session import Program
from mlexp.sweeps import stacks, worker
from mlexp.verbs.rerun import differences
from running import run
from strict import COPIES, device

SMALL = ("size=smoke", "figures=false", "model.epochs=2")


class Device:
    """What the engine asks of `cupy.cuda.Device`."""

    def __init__(self, number: int = 0) -> None:
        self.id = number

    def use(self) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *args: object) -> None: ...


def stand_in(n_devices: int = 1) -> Any:
    runtime = SimpleNamespace(
        getDeviceCount=lambda: n_devices,
        memGetInfo=lambda: (10**9, 2 * 10**9),
        getDeviceProperties=lambda number: {"name": b"Strict 1", "totalGlobalMem": 2 * 10**9},
        driverGetVersion=lambda: 12040,
        runtimeGetVersion=lambda: 12020,
    )
    return SimpleNamespace(
        __version__="0", zeros=lambda n, dtype: device(), cuda=SimpleNamespace(runtime=runtime, Device=Device)
    )


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    found = stand_in()
    monkeypatch.setitem(sys.modules, "cupy", found)
    devices.of_process.cache_clear()
    yield found
    devices.of_process.cache_clear()


def test_a_run_on_a_device_is_the_same_experiment_and_says_where_it_ran(cupy: Any, tmp_path: Path) -> None:
    there = run(tmp_path, *SMALL, "device=cuda")
    assert COPIES["to device"]
    here = run(tmp_path, *SMALL)
    for name, array in here.predictions.items():
        assert array.tobytes() == there.predictions[name].tobytes()
    assert here.info["config_hash"] != there.info["config_hash"]
    assert "device" not in here.info["environment"]
    assert there.info["environment"]["device"] == {
        "device": "cuda", "name": "Strict 1", "library": "cupy 0", "driver": "12.4", "runtime": "12.2",
        "memory_mb": 2000,
    }  # fmt: skip
    assert any("device=cpu is faster" in words for words in there.info["warnings"])
    assert not here.info["warnings"]


@pytest.mark.parametrize("n_devices", [None, 0])
def test_without_a_gpu_one_line_and_nothing_written(
    n_devices: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None if n_devices is None else stand_in(0))
    assert main(["device=cuda", f"outputs={tmp_path}"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "device=cpu" in said
    assert not [*tmp_path.iterdir()]


def test_a_driver_that_fails_is_no_gpu(cupy: Any) -> None:
    def broken() -> int:
        raise RuntimeError("CUDA driver version is\ninsufficient")

    cupy.cuda.runtime.getDeviceCount = broken
    with pytest.raises(ConfigError, match="driver version is insufficient"):
        devices.opened("cuda")


@pytest.mark.parametrize("words", [["model=logistic"], ["task=by_hand"], ["task=cluster", "dataset=iris"]])
def test_what_trains_no_network_of_the_engine_is_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="device=cuda"):
        configuration.compose([*words, "device=cuda"])


def test_the_hash_of_runs_on_the_processor_is_that_of_older_versions() -> None:
    usual, other = (configuration.compose(words) for words in ([], ["device=cuda"]))
    assert recorded.config_hash(usual) == recorded.config_hash(configuration.compose(["device=cpu"]))
    assert recorded.config_hash(usual) != recorded.config_hash(other)


def test_one_worker_a_device_and_stacks_as_large_as_memory_allows(cupy: Any) -> None:
    many = dispatch.plan_sweep(
        [f"seed={','.join(map(str, range(300)))}", "device=cuda", "execution.workers=8"]
    )
    assert many.workers == 1
    each = devices.bytes_of(64 * 65 + 65 * 100, 64 + 64 + 100, 32, stacks.MANY_ROWS, 4)
    assert each < 10**7
    units = stacks.units(many.jobs, "auto", many.workers, 64)
    largest = stacks.largest(list(many.jobs), 64)
    assert 10 < largest < 1024
    assert max(map(len, units)) <= largest
    assert sum(map(len, units)) == 300
    cupy.cuda.runtime.memGetInfo = lambda: (10**6, 10**9)
    assert stacks.largest(list(many.jobs), 64) == 1


def test_each_of_several_workers_has_a_device_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Three workers on two devices, all of which find the second one the emptiest."""
    (tmp_path / "cupy.py").write_text(CUPY)
    (tmp_path / "own.py").write_text(WORK)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for n_workers, used in ((3, {"0": 0, "1": 1, "2": 0}), (1, {"None": 1})):
        with open(tmp_path / "log", "a") as log:
            pool = Local("own:work", workers=n_workers, threads=1, log=log)
            found = pool.run(deque(range(n_workers)), threading.Event())
            seen = dict(event.content for event in found if event.kind == "message")
            pool.close()
        assert seen == used, (tmp_path / "log").read_text()


def test_the_worker_in_place_of_one_that_died_has_its_device(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cupy.py").write_text(CUPY)
    (tmp_path / "own.py").write_text(WORK)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with open(tmp_path / "log", "a") as log:
        pool = Local("own:work", workers=2, threads=1, log=log)
        found = [*pool.run(deque([0, "die", 1, 2, 3]), threading.Event())]
        pool.close()
    assert [event.kind for event in found].count("crashed") == 1
    assert {event.content for event in found if event.kind == "message"} <= {("0", 0), ("1", 1)}


CUPY = """
from types import SimpleNamespace
class Device:
    used = None
    def __init__(self, number): self.number = number
    def use(self): Device.used = self.number
    def __enter__(self): Device.asked = self.number
    def __exit__(self, *args): pass
runtime = SimpleNamespace(getDeviceCount=lambda: 2, memGetInfo=lambda: (10**9 * (1 + Device.asked), 4 * 10**9))
cuda = SimpleNamespace(runtime=runtime, Device=Device)
def zeros(n, dtype): return None
"""
WORK = """
import os, cupy
from mlexp.nn import device
def work(unit, stop, send):
    if unit == "die":
        os._exit(1)
    device.opened("cuda")
    send((str(os.environ.get("MLEXP_WORKER")), cupy.cuda.Device.used))
"""


def test_out_of_memory_halves_a_stack_and_all_jobs_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    said: list[worker.JobStatus] = []

    def together(configs: list[Config], program: Program, **more: Any) -> Iterator[None]:
        tried.append(len(configs))
        if len(configs) > 3:
            raise MemoryError
        yield from [None] * len(configs)

    monkeypatch.setattr(session, "run_together", together)
    monkeypatch.setattr(session, "run", lambda *words, **more: tried.append(1))
    monkeypatch.setattr(session, "load", lambda config: SimpleNamespace(fingerprint="made"))
    unit = [worker.JobRequest(n, Config(seed=n), tmp_path / str(n), (), "made") for n in range(9)]
    assert worker.run_unit(unit, threading.Event(), said.append, dispatch.program())
    assert [one.number for one in said if one.status == "completed"] == list(range(9))
    assert tried == [9, 5, 3, 2, 4, 2, 2]


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ([1.0, np.nan, 100.0], [1.005, np.nan, 100.5], True),
        ([1.0, np.nan, 100.0], [1.02, np.nan, 102.0], False),
        ([1], [2], False),
    ],
)
def test_numbers_of_a_device_are_compared_to_a_tolerance(
    tmp_path: Path, old: list[float], new: list[float], same: bool
) -> None:
    for name, numbers in (("old", old), ("new", new)):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "predictions.npz", numbers=np.array(numbers))
    between = tmp_path / "old", tmp_path / "new"
    assert (not list(differences(*between, close=True))) == same
    assert len(list(differences(*between))) == 1
