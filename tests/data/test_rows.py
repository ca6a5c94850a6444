import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlexp.data.rows import Rows


@given(
    X=hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.float32, np.float64]),
        hnp.array_shapes(min_dims=2, max_dims=3, max_side=7),
        elements=st.integers(0, 100),
    ),
    scale=st.sampled_from([None, 1 / 255, "features"]),
    shift=st.sampled_from([None, -1.0, "features"]),
    dtype=st.sampled_from([np.float32, np.float64]),
    data=st.data(),
)
def test_rows_are_those_of_plain_numpy(X, scale, shift, dtype, data):
    vector = np.linspace(0.5, 2, X.shape[-1])
    scale = vector if scale == "features" else scale
    shift = vector if shift == "features" else shift
    positions = st.integers(0, len(X) - 1)
    index = data.draw(st.none() | st.lists(positions, min_size=1).map(np.array))
    rows = Rows(X, index, scale, shift, dtype)
    chosen = X if index is None else X[index]
    expected = chosen.astype(float) * (1 if scale is None else scale) + (0 if shift is None else shift)
    picks = data.draw(st.lists(st.integers(0, len(chosen) - 1)).map(lambda p: np.array(p, int)))
    close = {"rtol": 1e-6, "atol": 1e-6}
    assert rows.shape == chosen.shape
    assert rows.ndim == chosen.ndim
    np.testing.assert_allclose(rows.take(picks), expected[picks], **close)
    np.testing.assert_allclose(rows[1:3], expected[1:3], **close)
    np.testing.assert_allclose(np.asarray(rows), expected, **close)
    np.testing.assert_allclose(np.asarray(rows.select(picks)), expected[picks], **close)
    np.testing.assert_array_equal(rows.raw(picks), chosen[picks])
    assert rows.take(picks).dtype == rows[1:3].dtype == np.asarray(rows).dtype == dtype


@pytest.fixture
def bytes_on_disk(tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (3000, 784), dtype=np.uint8)
    np.save(tmp_path / "X.npy", X)
    return X, np.load(tmp_path / "X.npy", mmap_mode="r")


def test_a_memory_map_is_read_and_not_copied(bytes_on_disk):
    X, mapped = bytes_on_disk
    rows = Rows(mapped, np.arange(2999, -1, -1), 1 / 255)
    assert np.shares_memory(rows._X, mapped)
    np.testing.assert_array_equal(rows.take([0, 5]), X[[2999, 2994]].astype(np.float32) * np.float32(1 / 255))


def test_the_array_is_the_same_bits_as_take(bytes_on_disk):
    rows = Rows(bytes_on_disk[1], None, 1 / 255, -0.5)
    np.testing.assert_array_equal(np.asarray(rows), rows.take(np.arange(3000)))
    assert len(rows.chunks()) > 1


def test_what_is_handed_out_belongs_to_the_caller():
    X = np.ones((4, 2), np.float32)
    for read in (lambda rows: rows[0:2], lambda rows: rows.take([0, 1]), np.asarray):
        read(Rows(X))[:] = 7
    np.testing.assert_array_equal(X, 1)


@pytest.mark.parametrize("stored", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("out_dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("scale", "shift"), [(None, None), (1 / 255, None), (1 / 3, np.arange(4) / 7)])
def test_rows_written_into_given_memory_are_those_that_are_taken(stored, dtype, out_dtype, scale, shift):
    X = np.random.default_rng(0).integers(0, 256, (20, 4)).astype(stored) * np.asarray(
        1.1 if stored != np.uint8 else 1, stored
    )
    rows = Rows(X, np.arange(19, 3, -1), scale, shift, dtype)
    out = np.full((3, 4), np.nan, out_dtype)
    rows.take_into(np.array([5, 0, 11]), out)
    assert out.tobytes() == rows.take(np.array([5, 0, 11])).astype(out_dtype).tobytes()


def test_wide_numbers_keep_their_digits():
    X = np.array([[1e9], [1e9 + 1]])
    rows = Rows(X, scale=np.array([1.0]), shift=np.array([-1e9]))
    np.testing.assert_array_equal(rows.take([0, 1]), [[0], [1]])


def test_single_rows_masks_and_casts():
    rows = Rows(np.arange(6, dtype=np.uint8).reshape(3, 2), scale=0.5)
    np.testing.assert_array_equal(rows[1], [1, 1.5])
    np.testing.assert_array_equal(rows[np.array([True, False, True])], [[0, 0.5], [2, 2.5]])
    assert rows.astype(np.float64)[:1].dtype == np.float64
    assert rows.astype(np.float64).scale == 0.5
    assert np.asarray(rows, dtype=np.float64).dtype == np.float64


def test_misuse_is_refused():
    rows = Rows(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="must be 0"):
        rows.take([0], axis=1)
    with pytest.raises(IndexError, match="mask"):
        rows[np.array([True])]
    with pytest.raises(IndexError):
        rows.take([3])
    with pytest.raises(ValueError, match="copy"):
        np.array(rows, copy=False)


def test_rows_can_be_sent_to_another_process():
    rows = Rows(np.arange(6, dtype=np.uint8).reshape(3, 2), np.array([2, 0]), 0.5, 1.0)
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(rows))), np.asarray(rows))
