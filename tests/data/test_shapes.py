"""Tables as people have them: read, trained on and predicted, with the accuracy that the right reading gives."""

from __future__ import annotations

import gzip
import io
import lzma
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score
from tests.running import run

from mlexp.store.files import read_table
from mlexp.verbs.predict import predict

N = 60
ROWS = range(N)
HIGH = [("low", "high")[i % 3 == 0] for i in ROWS]
VALUE = [i / 8 + 100 * (i % 3 == 0) for i in ROWS]  # separated by a gap: a tree finds it


def lines(header: Sequence[str], *columns: Sequence[object], sign: str = ",", end: str = "\n") -> str:
    rows = [header, *zip(*columns, strict=True)]
    return end.join(sign.join(map(str, row)) for row in rows) + end


def german(value: float) -> str:
    return f"{value:,.3f}".translate(str.maketrans(",.", ".,"))


def saved(how: str) -> bytes:
    """Return the table as a library writes it; nothing where the library is not here."""
    file = io.BytesIO()
    try:
        getattr(pd.DataFrame({"value": VALUE, "label": HIGH}), how)(file, index=False)
    except ImportError:
        return b""
    return file.getvalue()


@dataclass
class Shape:
    """A file, the settings that it needs, and what must come out of it."""

    content: str | bytes
    settings: Sequence[str] = ()
    name: str = "table.csv"
    classes: Sequence[str] = ("high", "low")
    n_features: int = 1
    says: str = ""
    new: str | None = None  # rows to predict, where they are not those of the file
    answers: Sequence[str] = field(default=tuple(HIGH))


WORDS = [("NA", "Grvl", "Pave")[i % 3] for i in ROWS]
CODES = [("007", "A1", "B2")[i % 3] for i in ROWS]
DATES = [
    f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" if i % 3 else f"2023-{1 + i % 12:02d}-{1 + i % 28:02d}"
    for i in ROWS
]
DOTTED = [".".join(reversed(day.split("-"))) for day in DATES]
SIGNS_OF = ["-1" if i % 3 else "1" for i in ROWS]

SHAPES = {
    "semicolon and decimal comma": Shape(
        lines(["wert", "klasse"], [german(v) for v in VALUE], HIGH, sign=";"), says="delimiter semicolon"
    ),
    "decimal comma and thousands": Shape(
        lines(["wert", "klasse"], [german(1000 * v) for v in VALUE], HIGH, sign=";"), says="thousands point"
    ),
    "byte order mark": Shape("\ufeff" + lines(["value", "label"], VALUE, HIGH)),
    "UTF-16": Shape(lines(["Größe", "label"], VALUE, HIGH, sign="\t").encode("utf-16"), says="tab, encoding utf-16"),
    "latin-1": Shape(lines(["Größe", "label"], VALUE, HIGH).encode("latin-1"), says="cp1252"),
    "CR line ends": Shape(lines(["value", "label"], VALUE, HIGH, end="\r")),
    "CRLF line ends": Shape(lines(["value", "label"], VALUE, HIGH, end="\r\n")),
    "quoted newline": Shape(
        lines(['"value\nin m"', "note", "label"], VALUE, ['"a\nb"' if i % 2 else "c" for i in ROWS], HIGH),
        ["prepare.one_hot=true"], n_features=2,
    ),
    "NA is a word": Shape(
        lines(["alley", "label"], WORDS, HIGH), ["prepare.one_hot=true"],
    ),
    "words like numbers": Shape(
        lines(["code", "label"], CODES, HIGH), ["prepare.one_hot=true"], new="code\n007\n", answers=["high"]
    ),
    "dates": Shape(lines(["day", "label"], DATES, HIGH), says="date (year, month, day)"),
    "dates with dots": Shape(lines(["day", "label"], DOTTED, HIGH), says="date (day, month, year)"),
    "percent": Shape(lines(["rate", "label"], [f"{v} %" for v in VALUE], HIGH), says="percent"),
    "an id to ignore": Shape(
        lines(["id", "value", "label"], ROWS, VALUE, HIGH), ["dataset.ignore=[id]"],
    ),
    "row numbers without a name": Shape(lines(["", "value", "label"], ROWS, VALUE, HIGH), says="counts the rows"),
    "row numbers of pandas": Shape(
        lines(["Unnamed: 0", "value", "label"], ROWS, VALUE, HIGH), says="counts the rows"
    ),
    "no header line": Shape(
        lines([VALUE[0], HIGH[0]], VALUE[1:], HIGH[1:]), ["dataset.header=false"],
        new="\n".join(map(str, VALUE)) + "\n",
    ),
    "labels of -1 and 1": Shape(
        lines(["value", "label"], VALUE, SIGNS_OF), classes=("-1", "1"), answers=SIGNS_OF
    ),
    "labels with zeros": Shape(
        lines(["value", "label"], VALUE, [f"0{1 + (i % 3 > 0)}" for i in ROWS]), classes=("01", "02"),
        answers=[f"0{1 + (i % 3 > 0)}" for i in ROWS],
    ),
    "truth values": Shape(
        lines(["flag", "label"], ["TRUE" if i % 3 else "FALSE" for i in ROWS], HIGH), says="read as boolean"
    ),
    "truth values as labels": Shape(
        lines(["value", "label"], VALUE, ["TRUE" if i % 3 else "FALSE" for i in ROWS]),
        classes=("FALSE", "TRUE"), answers=["TRUE" if i % 3 else "FALSE" for i in ROWS],
    ),
    "comma and blank": Shape(
        lines([" value", " label "], VALUE, [f" {h} " if i % 2 else h for i, h in enumerate(HIGH)], sign=", ")
    ),
    "unseen words": Shape(
        lines(["code", "label"], CODES, HIGH), ["prepare.one_hot=true"], new="code\nA1\nXX\n", answers=["low", None],
    ),
    "question marks": Shape(
        lines(["value", "label"], ["?" if i == 4 else v for i, v in enumerate(VALUE)], HIGH),
        ["dataset.missing=['?']", "prepare.impute=median"],
    ),
    "minus 999": Shape(
        lines(["value", "label"], [-999.0 if i == 4 else v for i, v in enumerate(VALUE)], HIGH),
        ["dataset.missing=[-999]", "prepare.impute=median"],
    ),
    "gz": Shape(gzip.compress(lines(["value", "label"], VALUE, HIGH).encode()), name="table.csv.gz"),
    "xz": Shape(lzma.compress(lines(["value", "label"], VALUE, HIGH).encode()), name="table.csv.xz"),
    "parquet": Shape(saved("to_parquet"), name="table.parquet"),
    "xlsx": Shape(saved("to_excel"), name="table.xlsx"),
    "sep line of Excel": Shape("sep=;\r\n" + lines(["value", "label"], VALUE, HIGH, sign=";"), says="semicolon"),
    "columns of blanks": Shape(lines(["value", "label"], VALUE, HIGH, sign="   "), says="delimiter space"),
    "single quotes": Shape(
        lines(["value", "note", "label"], VALUE, ["'a,b'" if i % 2 else "'c'" for i in ROWS], HIGH),
        ["dataset.quote=single", "prepare.one_hot=true"], n_features=2, says="quotes single",
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_table_is_read_trained_on_and_predicted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shape: str
) -> None:
    one = SHAPES[shape]
    if not one.content:
        pytest.skip("pyarrow or openpyxl is not installed")
    path = tmp_path / one.name
    path.write_bytes(one.content if isinstance(one.content, bytes) else one.content.encode())
    done = run(tmp_path / "out", "task=classify", "dataset=csv", f"dataset.path={path}", "model=decision_tree",
               "split.validation=0", "figures=false", *one.settings)  # fmt: skip
    data = done.info["dataset"]
    assert tuple(data["classes"]) == tuple(one.classes)
    assert data["n_features"] == one.n_features
    assert one.says in " ".join([*data["notes"], *data["warnings"]])
    assert done.metrics["test"]["accuracy"] == 1.0
    new = path
    if one.new is not None:
        new = tmp_path / "new.csv"
        new.write_text(one.new)
    out = tmp_path / "predictions.csv"
    assert predict([str(done.path), str(new), "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert ("words that the training file" in said or "a word that the training file" in said) == (
        shape == "unseen words"
    )
    wanted = [(place, word) for place, word in enumerate(one.answers) if word is not None]
    found = read_table(out)["prediction"]
    blank = {4} if "missing" in "".join(one.settings) else set()
    assert len(found) == len(one.answers)
    assert [str(found[place]) for place, _ in wanted if place not in blank] == [
        word for place, word in wanted if place not in blank
    ]


def test_a_table_without_a_label_is_clustered(tmp_path: Path) -> None:
    """Two groups with a gap between them: as scikit-learn finds them in the one column of numbers."""
    path = tmp_path / "table.csv"
    path.write_text(lines(["value", "word"], VALUE, HIGH))
    done = run(tmp_path / "out", "task=cluster", "dataset=csv", f"dataset.path={path}", "clustering.k=2",
               "dataset.label=none", "figures=false")  # fmt: skip
    X = np.array(VALUE).reshape(-1, 1)
    groups = np.array([word == "high" for word in HIGH])
    assert done.info["dataset"]["n_features"] == 1
    assert done.metrics["all"]["silhouette"] == pytest.approx(silhouette_score(X, groups), abs=1e-4)
