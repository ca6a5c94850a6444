"""`mlexp data look`: what is found in a table without training, and the keys that say the same for good."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.running import run

from mlexp import dispatch
from mlexp.config import compose as configuration
from mlexp.errors import ConfigError, DataError
from mlexp.verbs.data import data

ROWS = [
    f"{k};{1 + k % 28:02d}.02.2024;{k},{k % 4 * 25:02d};{'a' if k % 2 else 'b'};N{k};{'' if k == 3 else k};"
    f"{'ja' if k % 3 else 'nein'}"
    for k in range(40)
]
TABLE = "\n".join([";Datum;Betrag;Art;Name;Alter;Klasse", *ROWS]) + "\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "kunden.csv"
    path.write_bytes(TABLE.encode("utf-16"))
    return path


def looked(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    assert data(["look", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_what_is_found(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, label, _, *columns = looked(capsys, table).splitlines()
    assert "40 rows, 7 columns" in head
    assert "delimiter semicolon, encoding utf-16" in head
    assert "2 classes" in label
    assert "ja (26), nein (14)" in label
    rows = {line.split("  ")[0]: line for line in columns}
    for name, words in {
        "Unnamed: 0": "left out|counts the rows",
        "Datum": "date (day, month, year)|01.02.2024",
        "Betrag": "decimal comma|0,00",
        "Art": "word, 2 different|prepare.one_hot=true",
        "Name": "word, 40 different|a value of its own in nearly every row",
        "Alter": "number|1",
        "Klasse": "label|word, 2 different",
    }.items():
        assert all(word in rows[name] for word in words.split("|")), rows[name]


def test_a_number_to_predict_and_cells_that_fit_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "houses.csv"
    path.write_text(
        "size,code,price\n" + "".join(f"{'?' if k == 2 else k},{k % 7},{k}.5\n" for k in range(40))
    )
    found = looked(capsys, path)
    assert "a number to predict (task=regress)" in found
    assert "most of its cells are numbers, '?' is none" in found
    assert "'?'" not in looked(capsys, path, "missing=['?']")
    assert "code" in looked(capsys, path, "label=code").splitlines()[1]


def test_the_keys_train_as_the_file_does(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = looked(capsys, table, "ignore=[Name]", "--yaml")
    folder = tmp_path / "mine" / "dataset"
    folder.mkdir(parents=True)
    (folder / "kunden.yaml").write_text(written)
    assert "decimal: comma" in written
    assert "delimiter: semicolon" in written
    more = [
        "task=classify",
        "prepare.one_hot=true",
        "prepare.impute=mean",
        "model=decision_tree",
        "figures=false",
    ]
    by_hand = run(tmp_path / "a", "dataset=csv", f"dataset.path={table}", "dataset.ignore=[Name]", *more)
    config = configuration.compose(["dataset=kunden", *more, f"outputs={tmp_path / 'b'}"], str(folder.parent))
    by_file = dispatch.run(config)
    for what in ("fingerprint", "features", "classes", "categories"):
        assert by_file.info["dataset"][what] == by_hand.info["dataset"][what]
    assert by_file.metrics == by_hand.metrics


def test_what_cannot_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a file"):
        data(["look"])
    with pytest.raises(DataError, match="does not exist"):
        data(["look", str(tmp_path / "no.csv")])
    with pytest.raises(ConfigError, match="key=value"):
        data(["look", str(tmp_path), "label"])
    with pytest.raises(ConfigError, match=r"Did you mean 'dataset\.label'"):
        data(["look", str(tmp_path), "labl=x"])
    with pytest.raises(ConfigError, match="data look FILE"):
        data(["verify", "mnist", "a=b"])
