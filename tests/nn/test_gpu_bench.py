"""The benchmark of a GPU, as far as it runs without one: a rehearsal on the CPU, and a stand-in for the device."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mlexp.nn import device as devices
from strict import COPIES, device

SCRIPTS = Path(__file__).parents[2] / "scripts" / "bench"
TINY = ("--rows", "512", "--replicas", "1,3", "--stack", "4", "--seconds", "1")


@pytest.fixture
def bench(monkeypatch):
    """The script and its programs; what they set in the environment is undone."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    before = dict(os.environ)
    gpu, programs = (importlib.import_module(name) for name in ("gpu", "gpu_programs"))
    monkeypatch.setattr(programs, "has_mnist", lambda: False)
    yield SimpleNamespace(gpu=gpu, programs=programs)
    programs.samples.cache_clear()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def card(bench, monkeypatch):
    """A machine whose only GPU is the strict stand-in."""
    runtime = SimpleNamespace(getDeviceCount=lambda: 1, memGetInfo=lambda: (10**9, 2 * 10**9))
    Device = type("Device", (), {
        "__init__": lambda self, number=0: None, "use": lambda self: None,
        "__enter__": lambda self: self, "__exit__": lambda self, *args: None,
    })  # fmt: skip
    cupy = SimpleNamespace(
        __version__="0", zeros=lambda n, dtype: device(), cuda=SimpleNamespace(runtime=runtime, Device=Device),
        get_default_memory_pool=lambda: SimpleNamespace(free_all_blocks=lambda: None),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(bench.gpu, "card", lambda: "Strict 1, driver 0")
    devices.of_process.cache_clear()
    yield
    devices.of_process.cache_clear()


def rows_of(text):
    """Return the cells of the tables by the name of their row."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {(len(cells), cells[0]): cells[1:] for cells in lines}


def test_programs_make_the_same_steps_from_the_same_weights(bench):
    found, left_out = bench.programs.programs(cpu=True)
    assert len(found) + len(left_out) == 3
    for widths in (bench.gpu.WIDTHS, (2, 5, 2)):
        losses = {
            name: bench.programs.losses_of_first_steps(one, widths, n_replicas=3)
            for name, one in found.items()
        }
        reference = losses["mlexp, NumPy, one core"]
        assert reference.shape == (3, 3)
        assert (
            abs(np.diff(reference, axis=0)) > 1e-4
        ).all()  # the steps changed the weights, in each network
        assert (abs(np.diff(reference, axis=1)) > 1e-4).all()
        for name, values in losses.items():
            assert values == pytest.approx(reference, abs=1e-4), name


def test_a_rehearsal_prints_every_row(bench, capsys):
    assert bench.gpu.main(["--cpu", *TINY]) == 0
    said = capsys.readouterr().out
    rows = rows_of(said)
    for name in bench.programs.programs(cpu=True)[0]:
        assert all(float(cell.rstrip(" *")) > 0 for cell in rows[5, name])
        assert float(rows[2, name][0].rstrip(" *")) > 0
    assert 0 <= float(said.split("p = ")[1].split(".\n")[0]) <= 1


def test_the_column_of_the_device_runs_on_the_device(bench, card, capsys):
    COPIES.clear()
    assert bench.gpu.main([*TINY]) == 0
    assert COPIES["to device"]
    said = capsys.readouterr().out
    rows = rows_of(said)
    cells = rows[5, "mlexp, device=cuda (CuPy)"]
    assert all(float(cell.rstrip(" *")) > 0 for cell in cells)
    assert float(rows[2, "mlexp, device=cuda (CuPy)"][0].rstrip(" *")) > 0
    assert "Strict 1" in said
    assert "CuPy 0" in said
    assert (5, "PyTorch by hand, one CUDA graph a step") in rows or "Left out: PyTorch" in said


def test_too_little_time_means_fewer_steps_and_the_table_says_so(bench):
    Case = importlib.import_module("engine").Case
    case = Case((2, 5, 2), 3_000, 32)
    cell = bench.gpu.measured(bench.programs.mlexp(None), case, 0.0)
    assert (cell.steps, cell.all_steps) == (4, 93)
    assert bench.gpu.shown(cell).endswith("*")
    assert "4 of 93" in bench.gpu.notes({"mlexp": {1: cell}})[0]
    assert bench.gpu.measured(bench.programs.mlexp(None), case, 60.0).steps == 93


def test_an_epoch_is_scaled_up_from_the_steps_that_were_timed(bench):
    Case = importlib.import_module("engine").Case
    program = lambda case, X, codes: lambda n: ([9.0] + [case.rows / 1000] * (n - 1), None)  # noqa: E731
    cell = bench.gpu.measured(program, Case((2, 5, 2), 100_000, 100), 1e-9)
    assert cell == (pytest.approx(100.0), 4, 1000)


def test_a_program_that_trains_otherwise_is_not_timed(bench, monkeypatch, capsys):
    def another(case, X, codes):
        train = bench.programs.mlexp(None)(case, X, codes)
        return lambda n: (train(n)[0], np.full((n, case.replicas), 2.0))

    both = {"mlexp, NumPy, one core": bench.programs.mlexp(None), "another": another}
    monkeypatch.setattr(bench.programs, "programs", lambda cpu: (both, []))
    assert bench.gpu.main(["--cpu", *TINY]) == 1
    assert "another" in capsys.readouterr().out


def test_a_full_device_is_an_entry_of_the_table(bench):
    Case = importlib.import_module("engine").Case

    def full(case, X, codes):
        raise MemoryError("Out of memory allocating 9 bytes")

    def broken(case, X, codes):
        raise RuntimeError("CUDA error: an illegal memory access")

    assert bench.gpu.measured(full, Case((2, 5, 2), 64, 32), 1.0) == "out of memory"
    with pytest.raises(RuntimeError, match="illegal"):
        bench.gpu.measured(broken, Case((2, 5, 2), 64, 32), 1.0)


def test_two_samples_of_one_distribution_and_of_two(bench):
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.95, 0.01, (2, 40))
    assert bench.programs.two_samples(a, b)[1] > 0.05
    assert bench.programs.two_samples(a, b + 0.02)[1] < 1e-6


def test_without_a_gpu_one_line_and_nothing_heavy(tmp_path):
    heavy = "{'numpy', 'torch', 'mlexp'}"
    code = f"import sys, gpu; code = gpu.main([]); print(sorted({heavy} & {{*sys.modules}})); sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True,
        env={**os.environ, "PATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stdout.strip() == "[]"
