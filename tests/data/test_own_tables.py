import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlexp.data.readers import load
from mlexp.errors import ConfigError, DataError

FLOWERS = "length,width,species\n1,2,rose\n3.5,4,iris\n-5,6e2,rose\n"

finite = st.floats(allow_nan=False, allow_infinity=False)
tables = hnp.arrays(np.float64, st.tuples(st.integers(2, 8), st.integers(1, 4)), elements=finite)
# Words that no reader of tables takes for a number or for a missing value.
words = st.lists(
    st.text("xyzäß ,\"'", min_size=1).map(lambda w: f"a{w}b"), min_size=2, max_size=2, unique=True
)


def csv(path, **keys):
    return load(name="csv", reader="csv", path=str(path), **keys)


def npz(path, **keys):
    return load(name="npz", reader="npz", path=str(path), **keys)


@given(X=tables, pair=words, packed=st.booleans())
def test_csv_gives_back_what_was_written(X, pair, packed):
    import pandas as pd

    labels = [pair[i % 2] for i in range(len(X))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.csv.gz" if packed else "a.csv")
        columns = [f"c{i}" for i in range(X.shape[1])]
        pd.DataFrame(X, columns=columns).assign(kind=labels).to_csv(path, index=False)
        dataset = csv(path)
    np.testing.assert_allclose(dataset.X, X, rtol=1e-14)
    assert [dataset.classes[code] for code in dataset.y] == labels
    assert dataset.feature_names == tuple(columns)
    assert dataset.classes == tuple(sorted(pair))


def test_test_labels_of_text_match_training_labels_of_numbers(tmp_path: Path) -> None:
    rows = np.zeros((12, 2)) + np.arange(12)[:, None]
    words = np.array(["2", "10", "11", "3"])  # as text, 10 stands before 2
    np.savez(tmp_path / "a.npz", X=rows, y=np.arange(12), X_test=rows[:4], y_test=words)
    assert npz(tmp_path / "a.npz").y_test.tolist() == [2, 10, 11, 3]


@given(X=tables, pair=words, own_test=st.booleans())
def test_npz_gives_back_what_was_written(X, pair, own_test):
    labels = np.array([pair[i % 2] for i in range(len(X))])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        extra = {"X_test": X[:1], "y_test": labels[:1]} if own_test else {}
        np.savez(path, X=X, y=labels, **extra)
        dataset = npz(path)
    np.testing.assert_array_equal(dataset.X, X)
    assert [dataset.classes[code] for code in dataset.y] == list(labels)
    assert dataset.has_test == own_test


@pytest.fixture
def flowers(tmp_path):
    path = tmp_path / "flowers.csv"
    path.write_text(FLOWERS)
    return path


@pytest.mark.parametrize("label", ["species", 2, -1, None])
def test_the_label_by_name_by_position_and_by_default(flowers, label):
    dataset = csv(flowers, label=label)
    np.testing.assert_array_equal(dataset.X, [[1, 2], [3.5, 4], [-5, 600]])
    np.testing.assert_array_equal(dataset.y, [1, 0, 1])
    assert dataset.classes == ("iris", "rose")
    assert dataset.image_shape is dataset.pixel_max is None


def test_a_column_called_label_goes_before_the_last_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("\ufeffTarget,x,y\r\n1,2,3\r\n0,5,6\r\n".encode())  # as spreadsheets save it
    dataset = csv(path)
    assert dataset.feature_names == ("x", "y")
    assert dataset.classes == ("0", "1")


def test_truth_values_are_classes_and_features(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,flag,label\n1,True,False\n2,False,True\n")
    dataset = csv(path)
    assert dataset.classes == ("False", "True")
    np.testing.assert_array_equal(dataset.X, [[1, 1], [2, 0]])


def test_a_test_file_has_its_columns_in_any_order(flowers, tmp_path):
    other = tmp_path / "test.csv"
    other.write_text("species,width,length\niris,7,8\n")
    dataset = csv(flowers, test_path=str(other))
    np.testing.assert_array_equal(dataset.X_test, [[8, 7]])
    np.testing.assert_array_equal(dataset.y_test, [0])
    other.write_text("species,length\niris,7\n")
    with pytest.raises(DataError, match="Missing: width"):
        csv(flowers, test_path=str(other))
    other.write_text("species,width,length\ntulip,7,8\n")
    with pytest.raises(DataError, match=r"label 'tulip', which does not occur .* \(classes: iris, rose\)"):
        csv(flowers, test_path=str(other))


BAD_CSV = {
    "text": (
        FLOWERS.replace("4", "four"),
        r"has text in column 'width': row 2 holds 'four'.*dataset\.missing=",
    ),
    "gap beside text": (FLOWERS.replace("-5", "").replace("3.5", "?"), r"text in column 'length': row 2"),
    "infinite": (FLOWERS.replace("3.5", "inf"), r"infinite value in column 'length', row 2"),
    "label gap": (FLOWERS.replace("iris", ""), r"column 'species', row 2"),
    "empty": ("", r"is empty"),
    "header only": ("a,b,label\n", r"header line but no rows"),
    "duplicate": ("a,a,label\n1,2,3\n", r"two columns named 'a'"),
    "no header": ("5.1,3.5,rose\n1,2,iris\n", r"no header line: its first line holds numbers \(5\.1, 3\.5"),
    "one column": ("a\n1\n", r"no feature columns, only the label 'a'"),
    "one class": ("a,label\n1,x\n2,x\n", r"one class only \('x'\)"),
    "fractions": ("a,label\n1,1\n2,1.5\n", r"Row 2 holds 1\.5.*task=regress"),
    "long row": ("a,b,label\n1,2,0\n1,2,1,4\n", r"does not fit the header line .*line 3, saw 4"),
    "long first row": ("a,b,label\n1,2,0,9\n1,2,1,4\n", r"more cells than its header line"),
    "short row": ("a,b,label\n1,2,0\n1,2\n", r"column 'label', row 2"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_bad_csv_files_are_refused_in_one_line(tmp_path, case):
    content, message = BAD_CSV[case]
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        csv(path)
    assert "\n" not in str(caught.value)
    assert "bad.csv" in str(caught.value)


ROOMS = "size,kind,floor,price\n1,flat,,3.5\n2,house,3,2\n,flat,4,1\n4,loft,1,7\n"


def test_words_are_coded_and_empty_cells_are_kept(tmp_path):
    (tmp_path / "a.csv").write_text(ROOMS)
    (tmp_path / "b.csv").write_text("size,kind,floor,price\n7,house,1,2\n8,tent,,3\n")
    dataset = csv(tmp_path / "a.csv", test_path=str(tmp_path / "b.csv"), target="numbers")
    np.testing.assert_array_equal(dataset.X, [[1, 0, np.nan], [2, 1, 3], [np.nan, 0, 4], [4, 2, 1]])
    assert dataset.categories == {1: ("flat", "house", "loft")}
    np.testing.assert_array_equal(dataset.X_test, [[7, 1, 1], [8, -1, np.nan]])  # no tent in the first table
    assert (dataset.y.tolist(), dataset.classes, dataset.target) == ([3.5, 2, 1, 7], (), "price")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,x\n2,y\n", r"must be numbers .* Row 1 of column 'b' holds 'x'"),
        ("a,b\n" + "1,0\n" * 29 + "1,x\n", r"Row 30 of column 'b' holds 'x'"),
        ("a,b\n1,3\n2,3\n", r"one target only \(3\)"),
        ("a,b\n1,3\n2,inf\n", r"finite numbers\. Row 2 holds inf"),
    ],
)
def test_targets_that_are_no_numbers(tmp_path, content, message):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        csv(tmp_path / "a.csv", target="numbers")


def test_points_of_the_configuration():
    dataset = load(name="p", reader="points", points=[[0, 1, -1], [2, 3, 1]], test_points=[[4, 5, 1]])
    assert dataset.classes == ("-1", "+1")
    np.testing.assert_array_equal(dataset.X_test, [[4, 5]])
    assert (dataset.y.tolist(), dataset.y_test.tolist()) == ([0, 1], [1])
    for points, message in (([], "Got none"), ([[1, 2], [3]], "one length")):
        with pytest.raises(ConfigError, match=message):
            load(name="p", reader="points", points=points)
    with pytest.raises(ConfigError, match=r"dataset\.test_points must be of the classes"):
        load(name="p", reader="points", points=[[0, 1], [1, 2]], test_points=[[1, 3]])


def test_bytes_that_are_no_csv(tmp_path, flowers):
    path = tmp_path / "bad.csv.gz"
    path.write_bytes(gzip.compress(FLOWERS.encode() * 50)[:-20])
    with pytest.raises(DataError, match=r"bad\.csv\.gz is cut short"):
        csv(path)
    (tmp_path / "late.csv").write_bytes("a,label\n1,ä\n2,b\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"not text in utf-8.*dataset\.encoding=latin-1"):
        csv(tmp_path / "late.csv", encoding="utf-8")
    assert csv(tmp_path / "late.csv").classes == ("b", "ä")
    assert "cp1252" in csv(tmp_path / "late.csv").warnings[0]
    with pytest.raises(DataError, match="is a folder"):
        csv(tmp_path)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("specie", r"must be a column.*length, width, species.* Did you mean 'species'\?"),
        (3, r"from -3 to 2 .*Got 3"),
    ],
)
def test_a_label_that_is_not_there(flowers, label, message):
    with pytest.raises(ConfigError, match=message):
        csv(flowers, label=label)


def test_no_path():
    for reader in ("csv", "npz"):
        with pytest.raises(ConfigError, match=r"Got null: add dataset\.path="):
            load(name="own", reader=reader)


def test_npz_pictures(tmp_path):
    X = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    np.savez(tmp_path / "a.npz", X=X, y=np.array([0, 1, 0, 1]))
    dataset = npz(tmp_path / "a.npz")
    assert dataset.image_shape == (2, 3)
    assert dataset.pixel_max == 255
    assert dataset.X.dtype == np.uint8
    np.testing.assert_array_equal(dataset.X, X.reshape(4, 6))


def arrays(**changes):
    made = {"X": np.zeros((4, 2)), "y": np.array([0, 1, 0, 1])} | changes
    return {name: array for name, array in made.items() if array is not None}


BAD_NPZ = {
    "no y": (arrays(y=None), r"must hold the arrays X, y\. Missing: y \(it holds X\)"),
    "half a test part": (arrays(X_test=np.zeros((1, 2))), r"Missing: y_test"),
    "objects": (
        arrays(y=np.array([{}, 1, 0, 1], object)),
        r"without Python objects .* Object arrays cannot be loaded",
    ),
    "one axis": (arrays(X=np.zeros(4)), r"'X' must have shape .* Got \(4,\)"),
    "no rows": (arrays(X=np.zeros((0, 2)), y=np.zeros(0)), r"none of them 0\. Got \(0, 2\)"),
    "words": (arrays(X=np.full((4, 2), "a")), r"'X' must hold numbers\. Got <U1"),
    "lengths": (arrays(y=np.array([0, 1, 0])), r"'X' has 4 rows, but 'y' has 3"),
    "labels of two axes": (arrays(y=np.zeros((4, 1))), r"'y' must be one number or word .* shape \(4, 1\)"),
    "infinite": (arrays(X=np.full((4, 2), -np.inf)), r"infinite value in column 'x1', row 1"),
    "NaN label": (arrays(y=np.array([0, 1, np.nan, 1])), r"Row 3 holds nan"),
    "features": (arrays(X_test=np.zeros((1, 3)), y_test=np.array([0])), r"must have 2 features, .* Got 3"),
}


@pytest.mark.parametrize("case", BAD_NPZ)
def test_bad_npz_files_are_refused_in_one_line(tmp_path, case):
    made, message = BAD_NPZ[case]
    np.savez(tmp_path / "bad.npz", **made)
    with pytest.raises(DataError, match=message) as caught:
        npz(tmp_path / "bad.npz")
    assert "\n" not in str(caught.value)
    assert "bad.npz" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"text that is not an archive", b"PK\x03\x04 cut"], ids=["empty", "text", "cut"]
)
def test_bytes_that_are_no_npz(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.npz"):
        npz(tmp_path / "bad.npz")


def test_a_single_array_is_no_archive(tmp_path):
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match="single array"):
        npz(tmp_path / "a.npz")


def test_a_flipped_bit_in_an_archive(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.zeros((40, 20)), y=np.arange(40) % 2)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[1000] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="garbled"):
        npz(tmp_path / "a.npz")
