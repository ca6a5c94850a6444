"""Data in memory: a frame is what its CSV file is, arrays are what their archive is, bad input is one line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import mlexp
from mlexp.data.memory import taken
from mlexp.data.readers import load
from mlexp.errors import DataError

rng = np.random.default_rng(0)
X, y = rng.normal(size=(12, 3)), np.arange(12) % 3


def kept(folder: Path, X: Any, y: Any = None, **more: Any) -> Any:
    """Return a data set as a run on data in memory loads it."""
    memory = taken(X, y, **more)
    path = folder / f"kept{memory.suffix}"
    if memory.text:
        path.write_bytes(memory.text)
    else:
        np.savez(path, **memory.arrays)
    shape = list(memory.image_shape)
    return load(reader="memory", path=str(path), label=memory.label or "none", image_shape=shape)


FRAME = pd.DataFrame(
    {
        "number": [1.5, np.nan, 3e-7, -4.0],
        "single": np.array([0.1, 2, 3, 4], np.float32),
        "whole": pd.array([1, 2, None, 4], dtype="Int64"),
        "truth": [True, False, True, True],
        "maybe": pd.array([True, None, False, True], dtype="boolean"),
        "word": ["a, b", 'say "hi"', None, "line\nbreak"],
        "padded": [" x", "y ", "x", "NA"],
        "digits": ["01", "02", "10", "11"],
        "day": pd.to_datetime(["2024-01-31", "2024-02-29", None, "1969-12-31"]),
        "moment": pd.to_datetime(
            ["2024-01-31 12:00", "2024-02-29 01:30:15", "2024-03-01", "2024-03-02"], format="ISO8601"
        ),
        "date": [date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4), date(2024, 1, 5)],
        "kind": pd.Categorical(["low", "high", None, "low"]),
        "größe": [1, 2, 3, 4],
        "label": ["é", "b", "b", "é"],
    },
    index=[7, 7, 2, 1],
)


def same(one: Any, other: Any) -> None:
    assert one.fingerprint == other.fingerprint
    assert one.feature_names == other.feature_names
    assert one.table["columns"] == other.table["columns"]
    assert one.categories == other.categories
    assert one.classes == other.classes


def test_a_frame_is_read_as_its_csv_file(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "table.csv", index=False)
    file = load(reader="csv", path=str(tmp_path / "table.csv"), label="label")
    same(kept(tmp_path, FRAME, "label"), file)
    same(kept(tmp_path, FRAME.drop(columns="label"), FRAME["label"]), file)
    kinds = {column["name"]: column.get("kind", "number") for column in file.table["columns"]}
    assert [kinds[name] for name in ("truth", "maybe", "day", "word", "kind")] == [
        "boolean", "boolean", "date", "word", "word"
    ]  # fmt: skip


words = st.text(st.sampled_from("ab ,;\"'é1.\n-"), max_size=5)
cells = {
    "number": st.floats(allow_nan=True, allow_infinity=False),
    "whole": st.integers(-(2**40), 2**40),
    "truth": st.sampled_from([True, False]),
    "word": st.one_of(st.none(), words),
    "date": st.one_of(st.none(), st.dates(date(1900, 1, 1))),
}


@settings(max_examples=60)
@given(rows=st.lists(st.fixed_dictionaries(cells), min_size=3, max_size=8))
def test_any_frame_is_read_as_its_csv_file(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("frame")
    frame = pd.DataFrame(rows).assign(label=["p", "q", *["p"] * (len(rows) - 2)])
    frame.to_csv(folder / "table.csv", index=False)
    found = []
    for read in (
        lambda: kept(folder, frame, "label"),
        lambda: load(reader="csv", path=str(folder / "table.csv"), label="label", delimiter="comma"),
    ):
        try:
            found.append((data := read()).fingerprint + str(data.table["columns"]))
        except DataError as error:  # a doubt about a column, which both readings must have
            found.append(str(error).partition("has text in")[2] or "other")
    assert found[0] == found[1]


def test_the_names_in_the_first_line_may_stand_among_the_cells(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["a", "b", "a"], "b": ["b", "a", "b"], "label": ["label", "x", "x"]})
    assert kept(tmp_path, frame, "label").classes == ("label", "x")


def test_polars_frames(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    frame = pd.DataFrame({"n": [1.5, None, 2], "w": ["a", None, "b"], "d": [date(2024, 1, k) for k in (1, 2, 3)],
                          "label": [0, 1, 1]})  # fmt: skip
    other = polars.DataFrame(
        {name: frame[name].astype(object).where(frame[name].notna(), None).to_list() for name in frame}
    )
    same(kept(tmp_path, other, "label"), kept(tmp_path, frame, "label"))
    same(kept(tmp_path, other.drop("label"), other["label"]), kept(tmp_path, frame, "label"))


class FakePolars:
    """What polars' frames have that is used of them."""

    columns = ("n", "label")

    def to_dict(self, as_series: bool) -> dict[str, list[Any]]:
        return {"n": [1, 2, None], "label": [0, 1, 1]}


def test_other_frames_are_read_cell_by_cell(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [1, 2, None], "label": [0, 1, 1]})
    assert kept(tmp_path, FakePolars(), "label").fingerprint == kept(tmp_path, frame, "label").fingerprint


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.uint8, np.int32, bool])
def test_arrays_are_what_their_archive_is(tmp_path: Path, dtype: Any) -> None:
    values = (10 * rng.random((12, 3))).astype(dtype)
    np.savez(tmp_path / "own.npz", X=values, y=y)
    file = load(reader="npz", path=str(tmp_path / "own.npz"))
    assert kept(tmp_path, values, y).fingerprint == file.fingerprint
    named = kept(tmp_path, values.tolist(), y.tolist(), feature_names=["a", "b", "c"])
    assert named.feature_names == ("a", "b", "c")


@pytest.mark.parametrize("shape", [(12, 4, 5), (12, 4, 5, 1), (12, 4, 5, 3)])
def test_images(tmp_path: Path, shape: tuple[int, ...]) -> None:
    data = kept(tmp_path, rng.integers(0, 256, shape, dtype=np.uint8), y)
    assert data.image_shape == (shape[1:] if shape[-1] == 3 else (4, 5))
    assert (data.X.dtype, data.pixel_max) == (np.uint8, 255)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["no", "yes"], ("no", "yes")),
        ([True, False], ("False", "True")),
        ([2, 10], ("2", "10")),
        (pd.Series(pd.Categorical(["b", "a"])), ("a", "b")),
        (np.array([[1], [0]]), ("0", "1")),
        (pd.DataFrame({"z": [1, 0]}), ("0", "1")),
        (pd.array([1, 2], dtype="Int64"), ("1", "2")),
    ],
)
def test_labels_of_any_type(tmp_path: Path, labels: Any, classes: tuple[str, ...]) -> None:
    assert kept(tmp_path, X[:2], labels).classes == classes
    assert kept(tmp_path, pd.DataFrame(X[:2]), labels).classes == classes


gaps = np.array([0.0, np.nan, *[1.0] * 10])
ragged = [[1, 2], [3]]


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        (X, gaps, r"missing label.*row 2"),
        (X, [None, *["a"] * 11], r"missing label.*row 1"),
        (pd.DataFrame(X), gaps, r"missing label.*row 2"),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), "b", r"column 'b'.*missing label.*row 2"),
        (X, y[:5], r"12 rows and 5 labels"),
        (X, np.eye(3)[y], r"\(12, 3\).*argmax"),
        (X, "b", r"names a column"),
        (pd.DataFrame({"alpha": [1, 2], "b": [1, 2]}), "alpa", r"'alpha'"),
        (X.astype(object), y, r"Python objects.*data frame"),
        (np.array([["a", "b"]] * 12), y, r"numbers.*data frame"),
        (X.astype(complex), y, r"complex128"),
        (X[:, 0], y, r"reshape"),
        (np.zeros((12, 0)), y, r"\(12, 0\)"),
        (np.zeros((12, 2, 2, 2, 2)), y, r"\(12, 2, 2, 2, 2\)"),
        (np.zeros((12, 3, 8, 8)), y, r"transpose\(0, 2, 3, 1\)"),
        (scipy.sparse.csr_matrix(X), y, r"toarray\(\)"),
        (X, scipy.sparse.csr_matrix(y), r"dense"),
        (np.ma.masked_less(X, 0), y, r"filled"),
        (ragged, [0, 1], r"array of numbers"),
        (pd.DataFrame({"a": [[1], [2]], "b": [0, 1]}), "b", r"column 'a'.*Row 1 holds list"),
        (pd.DataFrame(X, columns=["a", "a", "b"]), y, r"two columns 'a'"),
        (pd.DataFrame(X, columns=pd.MultiIndex.from_product([["a"], ["x", "y", "z"]])), y, r"several levels"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), [0, 1], r"to_dense"),
        (pd.DataFrame(index=range(3)), [0, 1, 2], r"\(3, 0\)"),
        (pd.DataFrame({"a": [1, 2]}), pd.Series([0, 1], index=[1, 0]), r"y\.loc"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(X: Any, y: Any, said: str) -> None:
    with pytest.raises(DataError, match=said) as raised:
        taken(X, y)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("names", [["a", "b"], ["a", "a", "b"]])
def test_feature_names_fit(names: list[str]) -> None:
    with pytest.raises(DataError, match="3 different names"):
        taken(X, y, names)
    with pytest.raises(DataError, match="rename"):
        taken(pd.DataFrame(X), y, names)


def test_infinite_and_empty_cells(tmp_path: Path) -> None:
    wrong = X.copy()
    wrong[3, 1] = np.inf
    with pytest.raises(DataError, match="infinite value in column 'x2', row 4"):
        kept(tmp_path, wrong, y)
    wrong[3, 1] = np.nan
    assert np.isnan(kept(tmp_path, wrong, y).X[3, 1])


@pytest.mark.parametrize(("path", "said"), [(None, "keep_data"), ("gone.csv", "is gone")])
def test_a_copy_that_is_not_there(path: str | None, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(reader="memory", path=path)


def test_copies_lie_in_the_outputs_folder_of_the_home_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    X = np.random.default_rng(0).normal(size=(60, 3))
    found = mlexp.run(X, X[:, 0] > 0, model="logistic", outputs="~/out", figures=False)
    assert found.path.is_relative_to(tmp_path / "out")
    assert not (tmp_path / "~").exists()
