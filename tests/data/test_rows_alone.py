"""A row is read in the same way whatever else stands in its file: in training, in a test file and to predict."""

from __future__ import annotations

import csv as csv_module
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlexp.config import schema
from mlexp.data import newrows
from mlexp.data.readers import csv, load
from mlexp.errors import DataError
from mlexp.kinds.sets import described

WHOLE = [
    "0",
    "1",
    "7",
    "007",
    "-3",
    "1e5",
    "100000",
    "12.0",
    "1.50",
    "+2",
    "1e-3",
    " 4 ",
    "123456789012345678901",
]
WORDS = [
    "A1",
    "B2",
    "NA",
    "None",
    "null",
    "nan",
    "TRUE",
    "x ",
    " x",
    "1_000",
    "0x1F",
    "é",
    "a,b",
    'q"q',
    "c;d",
    "-",
]
DATES = ["2024-01-31", "2023-12-01", "1999-02-28 12:30"]
GERMAN = ["1,5", "2,25", "1.234,5", "7"]
KINDS = {
    "numbers": st.sampled_from(WHOLE),
    "numbers with gaps": st.sampled_from([*WHOLE, "", "NA", "nan"]),
    "fractions": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "words": st.sampled_from(WORDS),
    "words like numbers": st.sampled_from([*WORDS, *WORDS, "007", "1e5", "12"]),
    "words with gaps": st.sampled_from([*WORDS, ""]),
    "truth": st.sampled_from(["TRUE", "false", "True", ""]),
    "dates": st.sampled_from([*DATES, ""]),
    "decimal comma": st.sampled_from(GERMAN),
    "percent": st.sampled_from(["5 %", "1.5%", "NA"]),
}


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    n_rows = draw(st.integers(4, 12))
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=4))
    columns = [draw(st.lists(KINDS[kind], min_size=n_rows, max_size=n_rows)) for kind in kinds]
    return [list(row) for row in zip(*columns, strict=True)]


def written(folder: str, name: str, rows: list[list[str]], labels: list[str] | None = None) -> Path:
    out = io.StringIO()
    writer = csv_module.writer(out)
    more = [] if labels is None else ["label"]
    writer.writerow([*(f"c{place}" for place in range(len(rows[0]))), *more])
    writer.writerows([*row, *([labels[k]] if labels else [])] for k, row in enumerate(rows))
    path = Path(folder) / name
    path.write_text(out.getvalue(), newline="")
    return path


@settings(max_examples=150)
@given(rows=tables(), data=st.data())
def test_a_row_alone_is_read_as_in_its_file(rows: list[list[str]], data: st.DataObject) -> None:
    labels = ["no", "yes"] * len(rows)
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, "train.csv", rows, labels)
        some = [rows[k] for k in chosen]
        test = written(folder, "test.csv", some, [labels[k] for k in chosen])
        new = written(folder, "new.csv", some)
        try:
            dataset = load(name="t", reader="csv", path=str(path), test_path=str(test))
        except DataError as error:
            if str(test) in str(error):
                raise
            return  # a stray word among numbers is refused in the training file, or nowhere
        found = newrows.table(csv.read(new, schema.Dataset()), described(dataset), ())
    np.testing.assert_array_equal(found.X, dataset.X[chosen])
    np.testing.assert_array_equal(dataset.X_test, dataset.X[chosen])
    for place in dataset.categories:  # no word of the training file is a stranger
        assert not (dataset.X[:, place] == -1).any()


def test_what_training_knew_as_words_is_text_in_a_test_file(tmp_path: Path) -> None:
    rows = [["007"], ["A1"], ["B2"]] * 4
    path = written(str(tmp_path), "train.csv", rows, ["x", "y", "y"] * 4)
    test = written(str(tmp_path), "test.csv", [["007"]] * 3, ["x"] * 3)
    dataset = load(name="t", reader="csv", path=str(path), test_path=str(test))
    assert dataset.categories == {0: ("007", "A1", "B2")}
    np.testing.assert_array_equal(dataset.X_test, [[0]] * 3)
    assert not dataset.warnings
    strange = written(str(tmp_path), "strange.csv", [["7"], ["A1"], [""]], ["x", "y", "y"])
    dataset = load(name="t", reader="csv", path=str(path), test_path=str(strange))
    np.testing.assert_array_equal(dataset.X_test, [[-1], [1], [np.nan]])
    assert any("c0 (1)" in sentence for sentence in dataset.warnings)


@pytest.mark.parametrize(
    ("cell", "message"),
    [("four", r"row 2 holds 'four' \(1 such cell"), ("3,5", r"row 2 holds '3,5'")],
)
def test_a_cell_that_is_no_number_to_predict(tmp_path: Path, cell: str, message: str) -> None:
    path = written(str(tmp_path), "train.csv", [[str(k)] for k in range(6)], ["x", "y"] * 3)
    dataset = load(name="t", reader="csv", path=str(path))
    new = written(str(tmp_path), "new.csv", [["1"], [cell]])
    with pytest.raises(DataError, match=message):
        newrows.table(csv.read(new, schema.Dataset()), described(dataset), ())
