from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlexp.data.dataset import Dataset, digest
from mlexp.data.split import apportion, limited, sample, split
from mlexp.errors import ConfigError


def made(sizes, test_sizes=None, seed=0):
    """A data set whose row i holds the number i, with so many rows of each class."""
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    X = np.arange(len(y), dtype=np.float64)[:, None]
    classes = tuple(f"class {i}" for i in range(len(sizes)))
    if test_sizes is None:
        return Dataset("made", X, y, classes, ("x1",))
    y_test = np.repeat(np.arange(len(test_sizes)), test_sizes)
    return Dataset("made", X, y, classes, ("x1",), X_test=np.zeros((len(y_test), 1)), y_test=y_test)


shares = st.floats(0.05, 0.6)


@given(
    sizes=st.lists(st.integers(20, 60), min_size=2, max_size=6),
    test=shares,
    validation=shares,
    seed=st.integers(0, 99),
)
def test_a_split_is_a_stratified_partition(sizes, test, validation, seed):
    dataset = made(sizes, seed=seed)
    parts = split(dataset, test=test, validation=validation, seed=seed)
    rows = [part.index for part in (parts.train, parts.validation, parts.test)]
    np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(sum(sizes)))
    n_test = round(test * sum(sizes))
    assert len(parts.test) == n_test
    assert len(parts.validation) == round(validation * (sum(sizes) - n_test))
    for part in (parts.train, parts.validation, parts.test):
        np.testing.assert_array_equal(np.asarray(part.X)[:, 0], part.index)
        np.testing.assert_array_equal(part.y, dataset.y[part.index])
        assert np.all(np.diff(part.index) > 0)
    exact = np.array(sizes) * n_test / sum(sizes)
    assert np.all(np.abs(np.bincount(parts.test.y, minlength=len(sizes)) - exact) < 1)
    left = np.array(sizes) - np.bincount(parts.test.y, minlength=len(sizes))
    exact = left * len(parts.validation) / left.sum()
    assert np.all(np.abs(np.bincount(parts.validation.y, minlength=len(sizes)) - exact) < 1)


@given(
    sizes=st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_apportion_gives_each_group_its_share_within_one(sizes, share, seed):
    sizes = np.array(sizes)
    count = round(share * sizes.sum())
    given_ = apportion(sizes, count, rng=np.random.default_rng(seed))
    assert given_.sum() == count
    assert np.all((given_ >= 0) & (given_ <= sizes))
    assert np.all(np.abs(given_ - sizes * count / sizes.sum()) <= 1 + 1e-9)


def test_training_keeps_every_class_where_it_can():
    sizes = np.array([3, 3, 60])
    for seed in range(20):
        assert np.all(apportion(sizes, 55, rng=np.random.default_rng(seed)) < sizes)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others():
    one, same, other = (split(made([40, 40]), seed=seed) for seed in (3, 3, 4))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    np.testing.assert_array_equal(one.train.index, same.train.index)


def test_every_row_is_equally_likely_to_be_drawn():
    y = np.repeat([0, 1], [30, 10])
    rng = np.random.default_rng(0)
    counts = sum(np.bincount(sample(y, 8, stratify=True, rng=rng), minlength=40) for _ in range(2000))
    # Binomial(2000, 0.2): mean 400, deviation 18; 40 rows stay within 4.5 deviations with p > 0.999.
    assert np.all(np.abs(counts - 400) < 81)


def test_the_own_test_part_is_used_unless_a_share_is_asked_for():
    dataset = made([50, 50], test_sizes=[7, 5])
    own = split(dataset)
    assert (len(own.train), len(own.validation), len(own.test)) == (90, 10, 12)
    assert (own.test.source, own.train.source) == ("test", "main")
    drawn = split(dataset, test=0.1, validation=10)
    assert (len(drawn.train), len(drawn.validation), len(drawn.test)) == (80, 10, 10)
    assert drawn.test.source == "main"


def test_counts_and_sizes_of_mnist():
    dataset = made([6000] * 10, test_sizes=[1000] * 10)
    parts = split(dataset)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (54_000, 6_000, 10_000)
    np.testing.assert_array_equal(np.bincount(parts.validation.y), 600)


def test_without_stratification_a_class_may_have_one_row():
    parts = split(made([1, 30]), stratify=False)
    assert len(parts.train) + len(parts.validation) + len(parts.test) == 31


@pytest.mark.parametrize(
    ("sizes", "keys", "message"),
    [
        ([50, 50], {"test": 100}, r"split\.test must leave rows to every part\. Got 100 of 100 rows"),
        ([50, 50], {"validation": 500}, r"split\.validation must leave rows .* Got 500 of 80 rows"),
        ([50, 50], {"validation": 0.001}, r"Got 0\.001 of 80 rows, which gives no row to this part"),
        ([50, 50], {"test": 1.5}, r"split\.test must be a share in \(0, 1\) or .* Got 1\.5"),
        ([50, 50], {"test": "own"}, r"Got 'own'"),
        ([50, 50], {"validation": True}, r"Got true"),
        ([50, 2], {}, r"'class 1' has 2: set split\.stratify=false"),
    ],
)
def test_what_cannot_be_split_says_why(sizes, keys, message):
    with pytest.raises(ConfigError, match=message):
        split(made(sizes), **keys)


def test_empty_classes_do_not_count():
    dataset = made([20, 0, 20])
    assert set(split(dataset).train.y) == {0, 2}


def test_fingerprints_follow_the_content():
    dataset = made([20, 20])
    same = replace(dataset, X=dataset.X.copy(), name="another name", source="elsewhere")
    assert dataset.fingerprint == same.fingerprint
    changed = dataset.X.copy()
    changed[3] += 1e-9
    for other in (
        replace(dataset, X=changed),
        replace(dataset, y=1 - dataset.y),
        replace(dataset, classes=("a", "b")),
        replace(dataset, X_test=dataset.X, y_test=dataset.y),
    ):
        assert other.fingerprint != dataset.fingerprint


def test_digests_tell_shapes_and_types_apart():
    a = np.zeros((4, 6), np.uint8)
    assert len({digest(a), digest(a.reshape(6, 4)), digest(a.astype(np.int8)), digest(a[:3])}) == 4
    assert digest(np.arange(4.0)) == digest(np.arange(4.0).astype(">f8"))


def test_limit_keeps_shares_and_each_part_apart():
    dataset = made([300, 100], test_sizes=[30, 10])
    small = limited(dataset, 40, seed=1)
    np.testing.assert_array_equal(np.bincount(small.y), [30, 10])
    assert small.X_test is dataset.X_test
    assert limited(dataset, 40, seed=1).fingerprint == small.fingerprint
    assert limited(dataset, 40, seed=2).fingerprint != small.fingerprint
    assert limited(dataset, None) is dataset
    known = replace(dataset, digests={"X": digest(dataset.X), "X_test": digest(dataset.X_test)})
    assert limited(known, 40, seed=1).fingerprint == small.fingerprint


@given(
    sizes=st.lists(st.integers(12, 40), min_size=1, max_size=4),
    folds=st.integers(2, 10),
    seed=st.integers(0, 9),
    stratify=st.booleans(),
)
def test_folds_are_disjoint_equal_and_cover_every_row(sizes, folds, seed, stratify):
    dataset = made(sizes, seed=seed)
    parts = [
        split(dataset, test=f"{k + 1}/{folds}", validation=0.1, seed=seed, stratify=stratify)
        for k in range(folds)
    ]
    rows = np.concatenate([one.test.index for one in parts])
    np.testing.assert_array_equal(np.sort(rows), np.arange(sum(sizes)))
    assert np.ptp([len(one.test) for one in parts]) <= 1
    if stratify:
        counts = [np.bincount(one.test.y, minlength=len(sizes)) for one in parts]
        assert np.all(np.ptp(counts, axis=0) <= 1)


def test_validation_folds_leave_the_test_part_alone():
    dataset = made([30, 30])
    parts = [split(dataset, test=0.2, validation=f"{k}/3", seed=1) for k in (1, 2, 3)]
    assert len({one.test.index.tobytes() for one in parts}) == 1
    held = np.concatenate([one.validation.index for one in parts])
    np.testing.assert_array_equal(np.sort(held), np.setdiff1d(np.arange(60), parts[0].test.index))


@pytest.mark.parametrize("own", [None, [5, 5]])
def test_a_test_part_kept_aside_is_empty_and_changes_no_other_part(own):
    dataset = made([30, 30], own)
    judged, aside = (split(dataset, seed=1, judge=judge) for judge in (True, False))
    assert len(aside.test) == 0 < len(judged.test)
    np.testing.assert_array_equal(judged.train.index, aside.train.index)
    np.testing.assert_array_equal(judged.validation.index, aside.validation.index)


def test_a_fold_that_is_none_is_refused():
    for wrong in ("0/5", "6/5", "1/1", "x"):
        with pytest.raises(ConfigError, match=r"split\.test must be .*fold"):
            split(made([10, 10]), test=wrong)
