"""What travels with a page that computes: the network of the run, its preparation, its samples, and nothing unasked."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.running import Silent, run, written

from mlexp import cli, report
from mlexp.config.compose import compose
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.data.readers import load as load_keys
from mlexp.errors import DataError
from mlexp.kinds import fitting
from mlexp.kinds.snapshots import due
from mlexp.nn.activations import ACTIVATIONS
from mlexp.page import render
from mlexp.store import Run
from mlexp.store.files import write_npz

QUICK = ("figures=false", "page.living=true", "model.epochs=3")
MOONS = (*QUICK, "task=moons_boundary")


def carried(folder: Path) -> dict[str, Any]:
    """Return what the page of a folder computes with; nothing of a page that does not."""
    page = folder / "report.html"
    if not page.exists():
        report.write(folder)
    found = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page.read_text(), re.DOTALL)
    return json.loads(found.group(1)) if found else {}


def unpacked(packed: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["data"]), f"<{packed['type']}").astype(np.float64)


def logits(data: dict[str, Any], X: np.ndarray) -> np.ndarray:
    """Compute as the script of the page does, of prepared samples."""
    numbers, start = unpacked(data["weights"]), 0

    def take(size: int) -> np.ndarray:
        nonlocal start
        start += size
        return numbers[start - size : start]

    for layer in data["layers"]:
        n_in, n_out = layer["inputs"], layer["units"]
        X = X @ take(n_in * n_out).reshape(n_in, n_out)
        X = X + take(n_out) if layer["bias"] else X
        X = X * take(n_out) + take(n_out) if layer["norm"] else X
        X = ACTIVATIONS[layer["activation"]](X)[0]
    assert start == len(numbers)
    return X


@pytest.mark.parametrize("bias", ["true", "false"])
def test_numbers_that_travel_are_those_of_the_network(bias: str, tmp_path: Path) -> None:
    words = (
        "model.batch_norm=true",
        "model.hidden=[12,7]",
        "model.activation=[gelu,tanh]",
        "model.dropout=0.2",
    )
    done = run(tmp_path, *QUICK, *words, f"model.bias={bias}")
    data = carried(done.path)
    samples = data["rows"]["part"]
    X = unpacked(samples["X"]).reshape(len(samples["y"]), -1)
    P = np.exp(logits(data, X * unpacked(data["steps"][0]["scale"])))
    expected = done.predictions["test_probability"][samples["place"]]
    np.testing.assert_allclose(P / P.sum(axis=1, keepdims=True), expected, atol=1e-5)
    assert samples["y"] == done.predictions["test_true"][samples["place"]].tolist()
    assert len(samples["y"]) == len(data["rows"]["train"]["y"]) == 100


def table(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = [
        f"{a:.3f},{'red' if b < 0 else 'blue'},{'yes' if a + b > 0 else 'no'}"
        for a, b in rng.normal(size=(80, 2))
    ]
    path = folder / "mine.csv"
    path.write_text("\n".join(["size,colour,answer", *lines]))
    return path


def test_samples_of_ones_own_table_stay_at_home_unless_asked(tmp_path: Path) -> None:
    words = ["-q", "task=classify", "dataset=csv", f"dataset.path={table(tmp_path)}", "model=mlp", "model.epochs=2",
             "prepare.one_hot=true", "page.figures=main", f"outputs={tmp_path}"]  # fmt: skip
    assert cli.main(words) == 0
    folder = (tmp_path / "classify-mine/latest").resolve()
    assert not (folder / "living.npz").exists()
    assert not carried(folder)
    before = written(Run(folder))
    assert cli.main([*words, "page.living=true"]) == 0
    asked = (tmp_path / "classify-mine/latest").resolve()
    assert [one["kind"] for one in carried(asked)["steps"]] == ["one_hot", "scale"]
    assert written(Run(asked)) == before  # nothing else changes
    assert cli.main(["report", "-q", str(asked), "page.living=false"]) == 0
    assert not carried(asked)
    assert cli.main(["report", "-q", str(folder), "page.living=true"]) == 0
    assert not carried(folder)
    assert "recorded no samples" in (folder / "report.html").read_text()


def test_pages_of_bundled_data_compute_and_stay_small(studies: dict[str, Path]) -> None:
    assert carried(studies["digits"])["mode"] == "image"
    assert (studies["digits"] / "report.html").stat().st_size < 2_000_000
    jobs = sorted((studies["sweep"] / "runs").iterdir())
    assert not any((job / "living.npz").exists() for job in jobs)  # nobody asked for their figures


def test_network_that_does_not_fit_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(tmp_path, *QUICK)
    monkeypatch.setattr(render, "LARGEST", 60_000)
    report.write(done.path)
    assert not carried(done.path)
    text = (done.path / "report.html").read_text()
    assert "larger than 0.06 MB" in text
    assert len(text) < 60_000


@pytest.mark.parametrize("name", ["logistic", "sklearn_mlp"])
def test_other_models_say_that_they_do_not_compute(name: str, tmp_path: Path) -> None:
    done = run(tmp_path, f"model={name}", *QUICK[:2], "dataset.limit=200")
    assert not carried(done.path)
    assert "engine" in (done.path / "report.html").read_text()


NASTY = ["</script><script>alert(1)</script>", "<!--<script>"]


def test_names_do_not_end_the_script(tmp_path: Path) -> None:
    done = run(tmp_path, *MOONS, f"dataset.class_names={json.dumps(NASTY)}")
    assert carried(done.path)["classes"] == NASTY
    text = (done.path / "report.html").read_text()
    assert text.count("<script") == text.count("</script") == 3


def test_script_is_allowed_by_its_hash_alone(tmp_path: Path) -> None:
    report.write(run(tmp_path, *MOONS).path)
    (policy,) = re.findall(
        r'Policy" content="([^"]*)"', unescape(next(tmp_path.glob("*/2*/report.html")).read_text())
    )
    assert policy.startswith("default-src 'none'")
    assert policy.count("sha256-") == 2
    assert "unsafe" not in policy.partition("script-src")[2]


def load(config: Config) -> Dataset:
    return load_keys(**asdict(config.dataset))


class Stopping(Silent):
    """An observer that stops a training after some epochs, or resumes one, and keeps its last state."""

    def __init__(self, after: int = 0, state: dict[str, np.ndarray] | None = None) -> None:
        self.after, self.state, self.epochs = after, state, 0

    def epoch(self, row: Any, seconds: float) -> None:
        self.epochs += 1

    def stop_requested(self) -> bool:
        return self.epochs == self.after

    def checkpoint(self, arrays: Callable[[], dict[str, np.ndarray]]) -> None:
        self.state = {name: array.copy() for name, array in arrays().items()}

    def checkpointed(self) -> Any:
        return self.state


def test_networks_by_epoch_are_those_of_an_uninterrupted_training() -> None:
    config = compose([*MOONS, "model.epochs=30", "model.batch_norm=true", "dataset.n_samples=200"])
    other = compose([*MOONS, "model.epochs=30", "model.batch_norm=true", "dataset.n_samples=200", "seed=1"])
    dataset = load(config)
    whole = fitting.train(config, dataset, Silent())
    stopped = Stopping(after=9)
    assert fitting.train(config, dataset, stopped).status == "interrupted"
    resumed = fitting.train(config, dataset, Stopping(state=stopped.state))
    together = fitting.train_together([other, config], dataset, [Silent(), Silent()])[1]
    assert whole.snapshots["snapshot_epoch"].tolist() == [0, *due(30)]
    for again in (resumed, together):
        for name, array in whole.snapshots.items():
            np.testing.assert_array_equal(again.snapshots[name], array)
    np.testing.assert_array_equal(whole.snapshots["snapshot_theta"][-1], whole.model.theta_)
    np.testing.assert_array_equal(whole.snapshots["snapshot_running"][-1], whole.model.running_)
    assert np.unique(whole.snapshots["snapshot_theta"], axis=0).shape == (
        len(due(30)) + 1,
        whole.model.n_parameters_,
    )


def test_networks_too_large_for_a_page_are_not_kept_by_a_resumed_training_either() -> None:
    words = (*MOONS, "model.epochs=30", "dataset.n_samples=100")
    config = compose([*words, "model.hidden=[120,120]"])
    dataset = load(config)
    assert not fitting.train(config, dataset, Silent()).snapshots
    stopped = Stopping(after=26)
    fitting.train(config, dataset, stopped)
    assert not fitting.train(config, dataset, Stopping(state=stopped.state)).snapshots
    assert fitting.train(compose([*words, "model.hidden=[80,80]"]), dataset, Silent()).snapshots


def test_no_networks_by_epoch_unless_the_page_computes() -> None:
    config = compose([*MOONS, "page.living=false", "dataset.n_samples=100"])
    stopped = Stopping()
    training = fitting.train(config, load(config), stopped)
    assert not training.snapshots
    assert stopped.state is not None
    assert not [name for name in stopped.state if name.startswith("snapshot")]


def test_damaged_samples_are_told_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, *MOONS)
    sound = dict(done.living)
    said: list[str] = []
    for name, array in sound.items():
        others = [
            np.array(7),
            np.array(["x"] * max(array.size, 1)),
            array.reshape(-1)[:0],
            array.reshape(-1)[:-1],
        ]
        others += [np.full(array.shape, value) for value in (np.nan, np.inf, 1j)]
        for other in others:
            write_npz(done.path / "living.npz", sound | {name: other})
            try:
                report.write(done.path)
            except DataError as error:
                said.append(str(error))
    assert len(said) > 2 * len(sound)
    assert not [words for words in said if "living.npz" not in words or "\n" in words]
    write_npz(done.path / "living.npz", sound)
    report.write(done.path)
    assert carried(done.path)


def test_samples_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    done = run(tmp_path, *MOONS)
    sound = dict(done.living)
    empty = {f"part_{name}": sound[f"part_{name}"][:0] for name in ("X", "y", "place")}
    wrong: list[dict[str, np.ndarray]] = [
        {"part_X": sound["part_X"][:3]}, {"part_y": sound["part_y"] + 99}, {"part_y": sound["part_y"] - 1}, empty,
        {"train_place": sound["train_place"][1:]}, {"part": np.array("every")},
    ]  # fmt: skip
    for other in wrong:
        write_npz(done.path / "living.npz", sound | other)
        with pytest.raises(DataError, match=r"living\.npz is damaged"):
            report.write(done.path)
