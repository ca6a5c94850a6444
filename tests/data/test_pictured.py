"""Pixels of tables as images, and names of classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.running import run

from mlexp import cli
from mlexp.data.dataset import Dataset
from mlexp.data.readers import load
from mlexp.errors import ConfigError, DataError
from mlexp.store import Run


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a CSV file of the bundled digits, the label first."""
    digits = load(name="digits", limit=400)
    path = tmp_path_factory.mktemp("digits") / "digits.csv"
    header = ["label", *(f"pixel{k}" for k in range(64))]
    rows = [[int(code), *pixels.tolist()] for code, pixels in zip(digits.y, digits.X, strict=True)]
    path.write_text("\n".join(",".join(map(str, row)) for row in [header, *rows]) + "\n")
    return path


def read(path: Path, **keys: Any) -> Dataset:
    return load(name="csv", reader="csv", path=str(path), **keys)


def test_pixels_of_a_table_are_an_image(table: Path) -> None:
    found, digits = read(table, image_shape=[8, 8]), load(name="digits", limit=400)
    assert found.image_shape == (8, 8)
    assert found.pixel_max == 16
    assert found.X.dtype == np.uint8
    np.testing.assert_array_equal(found.X, digits.X)


@pytest.mark.parametrize(("top", "expected"), [(1.0, 1.0), (255.0, 255.0), (100.0, 100.0), (700.0, 700.0)])
def test_the_largest_possible_pixel(top: float, expected: float, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.array([[0, top / 2, top, 0]] * 2), y=np.array([0, 1]))
    found = load(name="npz", reader="npz", path=str(tmp_path / "a.npz"), image_shape=[2, 2])
    assert found.pixel_max == expected


def test_a_table_of_pixels_alone_has_no_label(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,c,d\n" + "1,2,3,4\n" * 3)
    assert not read(tmp_path / "a.csv", image_shape=[2, 2]).has_labels


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a,b,c,d,e,label\n1,2,3,4,5,0\n2,2,3,4,5,1\n", [2, 2]),
        ("a,b,c,label\n1,,3,0\n1,2,3,1\n", [1, 3]),
    ],
)
def test_features_that_are_no_image_are_refused(text: str, shape: list[int], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises((ConfigError, DataError), match="image_shape"):
        read(tmp_path / "a.csv", image_shape=shape)


@pytest.mark.parametrize(
    ("labels", "names", "expected"),
    [
        ([0, 1, 2], ["a", "b", "c"], ("a", "b", "c")),
        ([1, 2, 3], ["a", "b", "c"], ("a", "b", "c")),
        ([0, 2, 3], ["a", "b", "c", "d"], ("a", "c", "d")),
        (["u", "v", "w"], ["a", "b", "c"], ("a", "b", "c")),
    ],
)
def test_names_go_by_number_or_else_by_order(
    labels: list[Any], names: list[str], expected: tuple[str, ...], tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", X=np.eye(3), y=np.array(labels))
    found = load(name="npz", reader="npz", path=str(tmp_path / "a.npz"), class_names=names)
    assert found.classes == expected


@pytest.mark.parametrize("names", [["a", "b"], ["a", "a", "b"], ["a"]])
def test_names_that_do_not_fit_are_refused(names: list[str], tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.eye(3), y=np.array([4, 5, 6]))
    with pytest.raises(ConfigError, match="class_names"):
        load(name="npz", reader="npz", path=str(tmp_path / "a.npz"), class_names=names)


@pytest.fixture(scope="module")
def done(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    names = ",".join(f"d{k}" for k in range(10))
    return run(
        tmp_path_factory.mktemp("out"), "task=classify", "dataset=csv", f"dataset.path={table}",
        "dataset.image_shape=[8,8]", f"dataset.class_names=[{names}]", "model=logistic", "page.figures=all",
    )  # fmt: skip


def test_a_run_on_a_table_of_pixels_has_galleries(done: Run) -> None:
    assert (done.path / "figures" / "gallery.png").exists()
    assert done.info["dataset"]["classes"][3] == "d3"


def test_predictions_of_another_such_table_are_scored_under_the_names(
    done: Run, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = table.read_text().splitlines()
    other = tmp_path / "other.csv"
    other.write_text("\n".join([",".join(reversed(line.split(","))) for line in lines]) + "\n")
    for file in (table, other):  # the columns are found by name
        assert cli.main(["predict", str(done.path), str(file), "--out", str(tmp_path / "out.csv")]) == 0
        assert "accuracy 0.9" in capsys.readouterr().out
