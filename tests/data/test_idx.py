import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlexp.data.packed import checksum
from mlexp.data.readers import idx, load
from mlexp.errors import ConfigError, DataError


@given(
    array=hnp.arrays(
        st.sampled_from([np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]),
        hnp.array_shapes(max_dims=4, max_side=6),
    ),
    packed=st.booleans(),
)
def test_what_is_written_is_read(array, packed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        idx.write(path, array)
        if packed:
            path = path.with_suffix(".gz")
            path.write_bytes(gzip.compress((Path(folder) / "a").read_bytes()))
        got = np.array(idx.read(path))
    assert got.dtype == array.dtype
    np.testing.assert_array_equal(got, array)


def test_a_file_made_by_hand(tmp_path):
    (tmp_path / "a").write_bytes(bytes([0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 255, 254]))
    np.testing.assert_array_equal(idx.read(tmp_path / "a"), [[256, -2]])


def test_checksums_are_of_the_unpacked_bytes(tmp_path):
    plain, packed, other = tmp_path / "a", tmp_path / "a.gz", tmp_path / "b.gz"
    plain.write_bytes(b"abc" * 1000)
    packed.write_bytes(gzip.compress(plain.read_bytes(), 1))
    other.write_bytes(gzip.compress(plain.read_bytes(), 9, mtime=1))
    assert checksum(plain) == checksum(packed) == checksum(other)


@pytest.fixture
def folder(tmp_path):
    """An own data set of 12 + 6 pictures of 2 x 3 pixels."""
    rng = np.random.default_rng(0)
    for name, n in (("train", 12), ("t10k", 6)):
        images = rng.integers(0, 256, (n, 2, 3), dtype=np.uint8)
        idx.write(tmp_path / f"{name}-images-idx3-ubyte", images)
        idx.write(tmp_path / f"{name}-labels-idx1-ubyte", (np.arange(n) % 3).astype(np.uint8))
    return tmp_path


def own(folder, **keys):
    return load(name="idx", reader="idx", path=str(folder), **keys)


def images(folder):
    return folder / "train-images-idx3-ubyte"


def labels(folder):
    return folder / "train-labels-idx1-ubyte"


def test_an_own_folder(folder):
    dataset = own(folder)
    assert dataset.X.shape == (12, 6)
    assert dataset.X.dtype == np.uint8
    assert dataset.X_test.shape == (6, 6)
    assert dataset.image_shape == (2, 3)
    assert dataset.pixel_max == 255
    assert dataset.classes == ("0", "1", "2")
    assert dataset.feature_names[0] == "pixel1"
    assert dataset.fingerprint == own(folder).fingerprint


def test_packed_dotted_and_paired_files_are_the_same_rows(folder):
    before = own(folder)
    for path in list(folder.iterdir()):
        (folder / (path.name.replace("-idx", ".idx") + ".gz")).write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert own(folder).fingerprint == before.fingerprint
    pair = own(folder / "train-images.idx3-ubyte.gz", test_path=str(folder / "t10k-images.idx3-ubyte.gz"))
    assert pair.fingerprint == before.fingerprint
    labels_file = folder / "train-labels.idx1-ubyte.gz"
    labels_file.rename(folder / "answers.gz")
    named = own(folder / "train-images.idx3-ubyte.gz", label="answers.gz")
    np.testing.assert_array_equal(named.y, before.y)


def test_the_test_pair_may_be_missing_but_not_half_of_it(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte .* missing"):
        own(folder)
    (folder / "t10k-images-idx3-ubyte").unlink()
    assert not own(folder).has_test


def truncate(path):
    path.write_bytes(path.read_bytes()[:-5])


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"12345")


def pack(path, damage):
    packed = gzip.compress(path.read_bytes())
    path.with_name(path.name + ".gz").write_bytes(damage(packed))
    path.unlink()


def patch(path, at, *values):
    content = bytearray(path.read_bytes())
    content[at : at + len(values)] = bytes(values)
    path.write_bytes(content)


def rewrite(path, array):
    idx.write(path, np.asarray(array))


DAMAGES = {
    "empty": (lambda f: images(f).write_bytes(b""), "empty or shorter than the header"),
    "cut in header": (
        lambda f: images(f).write_bytes(images(f).read_bytes()[:9]),
        "cut short within its header",
    ),
    "cut short": (lambda f: truncate(images(f)), "cut short: 72 bytes of values expected, got 67"),
    "too long": (lambda f: lengthen(images(f)), "more than its header says: 72 bytes .* got 77"),
    "cut gz": (lambda f: pack(images(f), lambda b: b[: len(b) // 2]), "images.*gz is cut short"),
    "garbled gz": (lambda f: pack(images(f), lambda b: b[:30] + b"\xff" * 20 + b[50:]), "gz is garbled"),
    "wrong crc": (lambda f: pack(images(f), lambda b: b[:-8] + b"\1\2\3\4" + b[-4:]), "gz is garbled"),
    "no gz": (lambda f: pack(images(f), lambda b: b"\0" + b[1:]), "gz is garbled"),
    "wrong magic": (lambda f: patch(images(f), 0, 7), "is not an idx file.*Got 07 00 08 03"),
    "wrong type": (lambda f: patch(images(f), 2, 0x0A), "values of unknown type 0a"),
    "huge header": (lambda f: patch(images(f), 4, 255), "cut short: 25669140"),
    "labels missing": (lambda f: labels(f).unlink(), "train-labels-idx1-ubyte .* missing"),
    "fewer labels": (
        lambda f: rewrite(labels(f), np.zeros(11, np.uint8)),
        "holds 12 rows, .* holds 11 labels",
    ),
    "labels of two axes": (
        lambda f: rewrite(labels(f), np.zeros((12, 1), np.uint8)),
        "one whole number for each row",
    ),
    "fractions": (lambda f: rewrite(labels(f), np.zeros(12, np.float32)), "one whole number for each row"),
    "one class": (lambda f: rewrite(labels(f), np.zeros(12, np.uint8)), r"one class only \('0'\)"),
    "strange test label": (
        lambda f: rewrite(f / "t10k-labels-idx1-ubyte", np.full(6, 9, np.uint8)),
        "test part of .* holds label '9', which does not occur",
    ),
    "NaN": (
        lambda f: rewrite(
            images(f), np.where(np.arange(72) == 13, np.nan, 0).astype(np.float32).reshape(12, 2, 3)
        ),
        r"empty cell \(NaN\) in column 'pixel2', row 3",
    ),
    "no rows": (lambda f: rewrite(images(f), np.zeros((0, 2, 3), np.uint8)), "holds 0 rows, .* 12 labels"),
    "no pixels": (lambda f: rewrite(images(f), np.zeros((12, 0, 3), np.uint8)), "holds no values"),
    "one axis": (lambda f: rewrite(images(f), np.zeros(12, np.uint8)), "must have two axes or more"),
    "other size": (
        lambda f: rewrite(f / "t10k-images-idx3-ubyte", np.zeros((6, 5, 5), np.uint8)),
        "the test part of .* must have 6 features, .* Got 25",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_refused_in_one_line(folder, damage):
    spoil, message = DAMAGES[damage]
    spoil(folder)
    with pytest.raises(DataError, match=message) as caught:
        own(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_header_that_promises_more_than_gzip_can_hold(folder):
    patch(images(folder), 4, 255)
    pack(images(folder), lambda b: b)
    with pytest.raises(DataError, match="more than it can"):
        own(folder)


def test_paths(folder):
    with pytest.raises(ConfigError, match=r"dataset\.path must name .* add dataset\.path="):
        load(name="idx", reader="idx")
    with pytest.raises(DataError, match=r"dataset\.path names '.*nowhere', which does not exist"):
        own(folder / "nowhere")
    with pytest.raises(DataError, match=r"name it with dataset\.label=FILE"):
        own(labels(folder))


def test_label_gaps(folder):
    idx.write(labels(folder), (np.arange(12) % 2 * 3).astype(np.uint8))
    idx.write(folder / "t10k-labels-idx1-ubyte", np.full(6, 3, np.uint8))
    closed, kept = own(folder), own(folder, label_gaps="keep")
    assert closed.classes == ("0", "3")
    assert set(closed.y) == {0, 1}
    assert set(closed.y_test) == {1}
    assert kept.classes == ("0", "1", "2", "3")
    assert set(kept.y) == {0, 3}
    idx.write(labels(folder), np.arange(12, dtype=np.int32) * 100_000)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    (folder / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(DataError, match=r"use dataset\.label_gaps=close"):
        own(folder, label_gaps="keep")
