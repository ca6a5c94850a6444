"""A saved scikit-learn model lives in a process of its own: what it may use, what it imports, how it ends."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from tests.running import run

from mlexp.errors import DataError
from mlexp.store import Run, fitted, isolated, skopsfile
from mlexp.store.files import write_npz


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("tree"), "dataset=iris", "model=decision_tree", "figures=false")


X = np.array([[5.1, 3.5, 1.4, 0.2], [6.0, 2.9, 4.5, 1.5]])


def test_messages_hold_arrays_of_numbers_and_words_alone() -> None:
    pipe = io.BytesIO()
    sent = [np.arange(6).reshape(2, 3).T, np.array(1.5), np.array(["a", "ß"]), np.zeros((0, 4), np.float32)]
    isolated.send(pipe, {"what": "x"}, sent)
    pipe.seek(0)
    header, found = isolated.receive(pipe)
    assert header == {"what": "x"}
    for before, after in zip(sent, found, strict=True):
        assert (before.dtype, before.shape) == (after.dtype, after.shape)
        np.testing.assert_array_equal(before, after)
    with pytest.raises(ValueError, match="no array of object"):
        isolated.receive(io.BytesIO(json.dumps({"arrays": [["|O", [1]]]}).encode() + b"\n"))
    with pytest.raises(EOFError):
        isolated.receive(io.BytesIO(json.dumps({"arrays": [["<f8", [100]]]}).encode() + b"\n" + b"0" * 10))
    with pytest.raises(EOFError):
        isolated.receive(io.BytesIO(b'{"arrays": []'))


def test_the_process_writes_nothing_imports_nothing_from_here_and_ends(
    tree: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("queue.py", "random.py", "torch.py", "skops.py"):
        (tmp_path / name).write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "")
    model = fitted.load(tree.path)
    assert model.process
    assert model.model is None
    assert model.predict(X).tolist() == ["setosa", "versicolor"]
    assert model.predict(X).tolist() == ["setosa", "versicolor"]
    assert model.predict_proba(X).shape == (2, 3)
    assert sorted(tmp_path.iterdir()) == before
    child = psutil.Process(model.process.child.pid)
    assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert child.rlimit(psutil.RLIMIT_CPU)[0] < 60
    assert child.rlimit(psutil.RLIMIT_DATA)[0] < 5e9
    del model
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_what_ends_the_process_is_one_line(tree: Run) -> None:
    model = fitted.load(tree.path)
    assert model.process
    model.predict(X)
    model.process.child.kill()
    with pytest.raises(DataError, match=r"The model of .* cannot be used: .* the system stopped it"):
        model.predict(X)
    with pytest.raises(DataError, match="cannot be used"):
        model.predict(X)


def test_bad_rows_are_refused_and_good_ones_still_predicted(tree: Run) -> None:
    model = fitted.load(tree.path)
    with pytest.raises(DataError, match="empty or infinite"):
        model.predict(np.array([[np.nan, 1, 1, 1]]))
    with pytest.raises(DataError, match=r"shape \(n, 4\)"):
        model.predict(X[:, :2])
    assert model.predict(X[:1]).tolist() == ["setosa"]


def rewritten(path: Path, change: Any) -> None:
    """Change the nodes of the only tree in a model file."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for name, data in files.items():
        if name.endswith(".npy"):
            array = np.load(io.BytesIO(data), allow_pickle=False)
            if array.dtype.names:
                change(array := array.copy())
                buffer = io.BytesIO()
                np.save(buffer, array, allow_pickle=False)
                files[name] = buffer.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take from the process the means to limit itself, as on Windows."""
    monkeypatch.setattr(isolated, "LIMITS_ITSELF", False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "windows"))


@pytest.mark.parametrize("itself", [True, False], ids=["limits itself", "is watched"])
def test_an_endless_walk_ends(
    itself: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(isolated, "SECONDS", 0.5)
    if not itself:
        request.getfixturevalue("unlimited")
    done = run(tmp_path, "dataset=iris", "model=decision_tree", "figures=false")

    def loop(nodes: np.ndarray) -> None:
        nodes["left_child"] = nodes["right_child"] = np.arange(len(nodes))

    rewritten(done.path / "model.skops", loop)
    model = fitted.load(done.path)
    with pytest.raises(DataError, match=r"took .* 1 s ") as caught:
        model.predict(X)
    assert str(done.path) in str(caught.value)


@pytest.mark.usefixtures("unlimited")
def test_a_model_that_takes_too_much_memory_is_ended(tree: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "MEMORY", 1_000_000)
    with pytest.raises(DataError, match=r"MB, and was ended"):
        fitted.load(tree.path).predict(X)


def test_only_what_models_of_rows_need_is_loaded(tmp_path: Path) -> None:
    from functools import partial

    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.model_selection import GridSearchCV
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.tree import DecisionTreeClassifier

    file = tmp_path / "model.skops"
    for hostile in (
        CountVectorizer(input="filename"),
        GridSearchCV(DecisionTreeClassifier(), {}),
        FunctionTransformer(np.exp),
        {"a": np.exp},
        {"a": partial(np.exp, 1)},
        {"a": Path.touch},
    ):
        file.write_bytes(skopsfile.dump(hostile))
        with pytest.raises(DataError, match="types that are not trusted"):
            skopsfile.load(file)


@pytest.mark.parametrize("params", ["p: 1", "metric: chebyshev", "algorithm: ball_tree", "p: 3"])
def test_neighbours_by_other_distances_come_back(tmp_path: Path, params: str) -> None:
    done = run(tmp_path, "dataset=iris", "model=knn", f"model.params={{{params}}}", "figures=false")
    assert fitted.load(done.path, here=True).predict(X).tolist() == ["setosa", "versicolor"]


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("theta", np.zeros(5, np.float32)),
        ("theta", np.zeros((1, 2499), np.float32)),
        ("theta", np.array("x")),
        ("running", np.zeros(3, np.float32)),
        ("settings", np.array("{}")),
        ("settings", np.array('{"hidden": [1000000000]}')),
        ("settings", np.array('{"hidden": "abc"}')),
        ("settings", np.array("[1")),
        ("settings", np.array('{"nosuch": 1}')),
        ("n_features_in_", np.array(10**12)),
        ("n_features_in_", np.array("x")),
        ("classes_", np.arange(7)),
        ("classes_", np.array([[0, 1, 2]])),
        ("feature_scale", np.zeros(9)),
        ("feature_scale", np.array(["a"] * 4)),
        ("feature_shift", np.full(4, np.nan)),
        ("target_scale", np.array(0.0)),
        ("target_shift", np.zeros(3)),
    ],
)
def test_a_network_of_other_shapes_is_damaged(network: Run, name: str, array: np.ndarray) -> None:
    arrays = dict(network.model)
    write_npz(network.path / "model.npz", arrays | {name: array})
    with pytest.raises(DataError, match=r"model\.npz is damaged") as caught:
        fitted.load(network.path)
    assert len(str(caught.value)) < 700


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Run:
    done = run(tmp_path_factory.mktemp("network"), "dataset=iris", "size=smoke", "figures=false")
    _ = done.model  # as it was written
    return done


def test_values_that_are_not_finite_are_damaged(network: Run) -> None:
    arrays = dict(network.model)
    theta = arrays["theta"].copy()
    theta[7] = np.nan
    write_npz(network.path / "model.npz", arrays | {"theta": theta})
    with pytest.raises(DataError, match="finite"):
        fitted.load(network.path)


def test_a_file_that_unpacks_to_far_more_is_refused_at_once(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b"{}" + b" " * 200_000_000)
    begun = time.monotonic()
    with pytest.raises(DataError, match="would unpack to 200 MB"):
        skopsfile.load(tmp_path / "a.skops")
    assert time.monotonic() - begun < 5
