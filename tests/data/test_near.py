"""Groups of rows are never divided, and shares are met as nearly as whole groups allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from mlexp.data import readers
from mlexp.data.dataset import Dataset
from mlexp.data.near import connected, near_groups
from mlexp.data.split import limited, split
from mlexp.errors import ConfigError


def grouped(sizes: list[int], n_classes: int = 2) -> Dataset:
    """A data set with so many rows in each group; the rows of a group have one class."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    y = groups % n_classes
    return Dataset("made", np.arange(len(y), dtype=float)[:, None], y, ("a", "b"), ("x1",), groups=groups)


def parts_of(dataset: Dataset, **settings: object) -> list[np.ndarray]:
    found = split(dataset, **settings)  # type: ignore[arg-type]
    return [part.index for part in (found.train, found.validation, found.test)]


@given(st.lists(st.integers(1, 6), min_size=12, max_size=40), st.integers(0, 5), st.booleans())
def test_a_group_is_never_divided(sizes: list[int], seed: int, stratify: bool) -> None:
    dataset = grouped(sizes)
    parts = parts_of(dataset, test=0.25, validation=0.25, seed=seed, stratify=stratify)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(sum(sizes)))
    assert dataset.groups is not None
    owners = [set(dataset.groups[rows]) for rows in parts]
    assert not owners[0] & owners[1]
    assert not owners[0] & owners[2]
    assert not owners[1] & owners[2]
    classes = 2 if stratify else 1
    assert abs(len(parts[2]) - 0.25 * sum(sizes)) <= classes * max(sizes)


@given(st.lists(st.integers(1, 6), min_size=20, max_size=40), st.integers(2, 4))
def test_folds_of_groups_cover_every_row_once(sizes: list[int], folds: int) -> None:
    dataset = grouped(sizes)
    tests = [parts_of(dataset, test=f"{k}/{folds}", validation=0.2)[2] for k in range(1, folds + 1)]
    np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(sum(sizes)))
    assert np.ptp([len(rows) for rows in tests]) <= 2 * max(sizes)


@pytest.mark.parametrize(("centre", "spread"), [(5000, 10), (1000, 5), (127.5, 60), (0, 1)])
def test_exact_copies_belong_together_wherever_they_lie(centre: float, spread: float) -> None:
    rows = np.random.default_rng(0).normal(centre, spread, (100, 20))
    found = near_groups(np.repeat(rows, 2, axis=0), spread / 10)
    assert (found[::2] == found[1::2]).all()
    assert len(set(found)) == 100


def test_near_groups_are_the_components_of_near_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlexp.data.near.ROWS_AT_A_TIME", 17)
    X = np.random.default_rng(0).normal(size=(120, 3))
    found = near_groups(X, 0.6)
    near = cdist(X, X) < 0.6
    reach = np.linalg.matrix_power(near.astype(float), 120) > 0
    np.testing.assert_array_equal(found[:, None] == found[None], reach)
    assert 2 < len(np.unique(found)) < 119


def test_a_distance_that_joins_most_rows_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"split\.near must be small enough .* Got 50"):
        near_groups(np.arange(30.0)[:, None], 50)


def test_groupings_join() -> None:
    np.testing.assert_array_equal(connected(np.array([0, 1, 2, 3]), np.array([5, 5, 6, 7])), [0, 0, 1, 2])


def test_near_copies_stay_together() -> None:
    rng = np.random.default_rng(1)
    originals = 10 * rng.normal(size=(60, 4))
    X = np.repeat(originals, 5, axis=0) + 0.01 * rng.normal(size=(300, 4))
    dataset = Dataset("copies", X, np.repeat(np.arange(60) % 2, 5), ("a", "b"), tuple("wxyz"))
    owners = [set(rows // 5) for rows in parts_of(dataset, test=0.2, validation=0.2, near=1.0)]
    assert [len(one) for one in owners] == [38, 10, 12]
    assert len(owners[0] | owners[1] | owners[2]) == 60


def test_a_column_of_a_table_names_the_groups(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    lines = ["patient,x,label", *(f"p{k // 4},{k},{'ab'[k // 4 % 2]}" for k in range(80))]
    path.write_text("\n".join(lines))
    dataset = readers.load(name="own", reader="csv", path=str(path), groups="patient")
    assert dataset.feature_names == ("x",)
    for rows in parts_of(dataset, test=0.25, validation=0.25):
        assert len(rows) % 4 == 0
    few = limited(dataset, 40)
    assert few.groups is not None
    assert dataset.groups is not None
    np.testing.assert_array_equal(few.groups, dataset.groups[few.X[:, 0].astype(int)])
    assert replace(dataset, groups=None).fingerprint != dataset.fingerprint
    with pytest.raises(ConfigError, match=r"dataset\.groups must be a column .*Did you mean 'patient'"):
        readers.load(name="own", reader="csv", path=str(path), groups="pateint")
