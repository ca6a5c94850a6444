"""The keys of `dataset` that say how a table is meant, and what mlexp says where none was typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.running import run

from mlexp.config import compose as configuration
from mlexp.config import schema
from mlexp.data.dataset import Dataset
from mlexp.data.preparation import prepared
from mlexp.data.readers import load
from mlexp.data.split import split
from mlexp.errors import ConfigError, DataError
from mlexp.store import fitted
from mlexp.verbs.predict import predict

N = 60


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """A function that loads a text as a CSV file."""

    def loaded(text: str, **keys: Any) -> Dataset:
        (tmp_path / "own.csv").write_text(text, encoding="utf-8", newline="")
        return load(name="own", reader="csv", path=str(tmp_path / "own.csv"), **keys)

    return loaded


def table(header: str, *columns: Sequence[object]) -> str:
    return header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in zip(*columns, strict=True))


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["EU", "NA", "APAC"], ("APAC", "EU", "NA")),
        (["01", "02", "10"], ("01", "02", "10")),
        (["1", "01", "2"], ("01", "1", "2")),
        (["1e3", "10", "9"], ("9", "10", "1e3")),
        (["TRUE", "FALSE", "TRUE"], ("FALSE", "TRUE")),
        (["-1", "0", "1"], ("-1", "0", "1")),
        (["-1", "+1", "-1"], ("-1", "+1")),
        (["10", "9", "2"], ("2", "9", "10")),
        (["9" * 20, "3", "-" + "9" * 20], ("-" + "9" * 20, "3", "9" * 20)),
        (["yes", "yes ", " no"], ("no", "yes")),
    ],
)  # fmt: skip
def test_a_label_keeps_its_text(read: Any, labels: list[str], classes: tuple[str, ...]) -> None:
    dataset = read(table("x,label", range(30), labels * 10))
    assert dataset.classes == classes
    assert [dataset.classes[code] for code in dataset.y[:3]] == [label.strip() for label in labels]


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.array([-1, 1]), ("-1", "1")),
        (np.array([-1.0, 0.0, 1.0]), ("-1", "0", "1")),
        (np.array([2**64 - 1, 5], np.uint64), ("5", str(2**64 - 1))),
        (np.array([1e20, -3.0]), ("-3", "100000000000000000000")),
        (np.array(["-1", "10", "9"]), ("-1", "9", "10")),
    ],
)
def test_labels_below_zero_and_beyond_64_bits_from_arrays(
    tmp_path: Path, y: np.ndarray, classes: tuple
) -> None:
    labels = np.tile(y, 6)
    np.savez(tmp_path / "a.npz", X=np.arange(len(labels))[:, None], y=labels)
    dataset = load(name="a", reader="npz", path=str(tmp_path / "a.npz"))
    assert dataset.classes == classes
    assert [float(dataset.classes[code]) for code in dataset.y] == labels.astype(float).tolist()


def test_gaps_of_numbers_are_words_among_words(read: Any) -> None:
    dataset = read(table("alley,lot,label", ["NA", "Grvl", ""] * 4, [1, "NA", 2.5] * 4, ["x", "y"] * 6))
    assert dataset.categories == {0: ("Grvl", "NA")}
    np.testing.assert_array_equal(dataset.X[:3], [[1, 1], [0, np.nan], [np.nan, 2.5]])
    text = table("alley,lot,label", ["?", "Grvl", "Pave"] * 4, [1, "?", -99] * 4, ["x", "y"] * 6)
    marked = read(text, missing=["?", -99])
    assert marked.categories == {0: ("Grvl", "Pave")}
    np.testing.assert_array_equal(marked.X[:3], [[np.nan, 1], [0, np.nan], [1, np.nan]])
    with pytest.raises(DataError, match=r"empty cell .* column 'label', row 3 \(4 in that column\)"):
        read(table("x,label", range(12), [0, 1, "NA"] * 4))  # among numbers NA is not a class
    with pytest.raises(DataError, match=r"row 2 holds 'o'.*dataset\.missing=\['o'\].*dataset\.words=\[x\]"):
        read(table("x,label", [1, "o", 3, 4], ["a", "b"] * 2))
    assert read(table("x,label", [1, "o", 3, 4], ["a", "b"] * 2), words=["x"]).categories == {
        0: ("1", "3", "4", "o")
    }


def test_columns_to_use_and_to_leave_out(read: Any) -> None:
    text = table("id,a,b,label", range(N), np.arange(N) / 7, np.arange(N) % 5, ["x", "y"] * (N // 2))
    assert read(text, ignore=["id"]).feature_names == ("a", "b")
    assert read(text, features=["b", "a"]).feature_names == ("a", "b")
    assert read(text, ignore=["id"]).table["left_out"] == ["id"]
    for keys, message in (
        ({"ignore": ["ids"]}, r"dataset\.ignore must name columns.*Did you mean 'id'"),
        ({"features": ["label"]}, r"which is dataset\.label"),
        ({"features": ["a"], "ignore": ["a"]}, r"both name 'a'"),
    ):
        with pytest.raises(ConfigError, match=message):
            read(text, **keys)
    with pytest.raises(DataError, match="no feature columns"):
        read(text, ignore=["id", "a", "b"])
    with pytest.raises(ConfigError, match=r"dataset\.ignore belongs to a table"):
        configuration.compose(["dataset=digits", "dataset.ignore=[x]"])


def test_columns_that_name_the_rows(read: Any) -> None:
    rng = np.random.default_rng(0)
    ticket = rng.permutation(9000)[:N]
    text = table(
        ",id,ticket,a,label", range(N), range(1, N + 1), ticket, rng.normal(size=N), ["x", "y"] * (N // 2)
    )
    dataset = read(text)
    assert dataset.feature_names == ("id", "ticket", "a")
    said = " ".join(dataset.warnings)
    assert "'Unnamed: 0' counts the rows and was left out" in said
    assert "'id' counts the rows" in said
    assert "dataset.ignore=[id]" in said
    assert "'ticket' has a value of its own in nearly every row" in said
    assert "'a'" not in said
    assert "Unnamed: 0" in read(text, features=["Unnamed: 0"]).feature_names
    text = table("a,b,label", rng.normal(size=N), range(0, 2 * N, 2), [0, 1] * (N // 2))
    assert not read(text, ignore=["b"]).warnings


@pytest.mark.parametrize(
    ("text", "keys", "X"),
    [
        ("a;label\n1,5;x\n2;y\n", {}, [[1.5], [2]]),
        ("a|b|label\n1|2|x\n3|4|y\n", {}, [[1, 2], [3, 4]]),
        ("a~label\n1~x\n2~y\n", {"delimiter": "~"}, [[1], [2]]),
        ('a,label\n"1,234",x\n"2,000",y\n', {"thousands": "comma"}, [[1234], [2000]]),
        ('a,label\n"1,234",x\n"2,000",y\n', {"decimal": "comma"}, [[1.234], [2]]),
        ('a,b,label\n"1,234","1,234.5",x\n"2,000",7,y\n', {}, [[1234, 1234.5], [2000, 7]]),
        ("a;b;label\n1,5;1.234;x\n2,5;2.000;y\n", {}, [[1.5, 1234], [2.5, 2000]]),
        ("a;b;label\n1.234;1.5;x\n2.000;1;y\n", {}, [[1.234, 1.5], [2, 1]]),
        ("a;label\n1 234,5;x\n2 000;y\n", {}, [[1234.5], [2000]]),
        ("a;label\n1'234.5;x\n2'000;y\n", {}, [[1234.5], [2000]]),
        ("a;label\n5 %;x\n-1,5 %;y\n", {}, [[5], [-1.5]]),
        ("d,label\n2024-01-01,x\n1970-01-02 06:00,y\n", {}, [[19723], [1.25]]),
        ("d,label\n13/01/1970,x\n02/01/1970,y\n", {}, [[12], [1]]),
        ("d,label\n01/13/1970,x\n01/02/1970,y\n", {}, [[12], [1]]),
        ("1,2,x\n3,4,y\n", {"header": False}, [[1, 2], [3, 4]]),
        ("1990,label\n1,x\n2,y\n", {"header": True}, [[1], [2]]),
    ],
)
def test_how_cells_are_written(read: Any, text: str, keys: dict[str, Any], X: list[list[float]]) -> None:
    np.testing.assert_array_equal(read(text, **keys).X, X)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'a,label\n"1,234",x\n"2,000",y\n',
            r"comma before three digits.*dataset\.decimal=comma or dataset\.thousands=comma",
        ),
        ("d,label\n01/02/1970,x\n02/01/1970,y\n", r"day/month or month/day.*2024-12-31"),
        ("a,label\n2024-01-01,x\n2024-01-02,y\nsoon,x\n", r"row 3 holds 'soon'; most of its cells are dates"),
        (table("a,label", [f"{k} kg" for k in range(12)], ["x", "y"] * 6), r"numbers with a unit, such as '0 kg'"),
        ("7.5,2,rose\n1,2,iris\n", r"no header line.*dataset\.header=false"),
        ("3,17,rose\n1,2,iris\n", r"no header line: its first line holds numbers"),
        ("a,b,rose\n1,2,iris\n3,4,rose\n", r"no header line: 'rose' .*dataset\.header=true"),
        ("red,tall,ok\nblue,tall,no\nred,low,yes\n", r"no header line: 'red'"),
    ],
)  # fmt: skip
def test_what_may_mean_several_things_is_refused_with_the_key_to_type(
    read: Any, text: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(text)


def test_a_first_line_is_one_of_names_if_a_person_says_so(read: Any) -> None:
    text = "a,b,fault\n1,2,fault\n3,4,fine\n"
    for keys in ({"header": True}, {"label": "fault"}):
        found = read(text, **keys)
        assert (found.feature_names, found.classes) == (("a", "b"), ("fault", "fine"))
        np.testing.assert_array_equal(found.X, [[1, 2], [3, 4]])
    with pytest.raises(DataError, match=r"'fault' .*dataset\.header=true"):
        read(text)
    with pytest.raises(DataError, match=r"'fault' "):
        read(text, label=-1)


def test_names_that_are_positions_are_names(read: Any) -> None:
    assert read("0,1,2\n5,6,x\n7,8,y\n").feature_names == ("0", "1")
    assert read("1,2,3\n5,6,x\n7,8,y\n").feature_names == ("1", "2")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("delimiter", "ab"), ("decimal", "dot"), ("encoding", "utf-99"), ("encoding", "hex"), ("header", "maybe"),
        ("quote", "x"),
    ],
)  # fmt: skip
def test_values_that_the_keys_do_not_take(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"dataset\.{key} must be"):
        configuration.compose(["dataset=csv", f"dataset.{key}={value}"])


def test_indicators_of_nearly_every_row_and_beyond_memory(read: Any) -> None:
    names = read(table("name,a,label", [f"n{k}" for k in range(N)], range(N), ["x", "y"] * (N // 2)))
    parts = split(names)
    with pytest.raises(
        DataError, match=r"column 'name'.*60 different words in 60 rows.*dataset\.ignore=\[name\]"
    ):
        prepared(parts, names, schema.Prepare(one_hot=True))
    many = read(table("name,label", [f"n{k % 1000}" for k in range(5000)], ["x", "y"] * 2500))
    with pytest.raises(ConfigError, match=r"1,000 columns of 5,000 rows.*120 MB; memory_mb=100"):
        prepared(split(many), many, schema.Prepare(one_hot=True), memory_mb=100)
    prepared(split(many), many, schema.Prepare(one_hot=True), memory_mb=200)


def test_targets(read: Any, tmp_path: Path) -> None:
    flags = table("x,label", range(8), ["true", "FALSE"] * 4)
    assert read(flags, target="numbers").y.tolist() == [1, 0] * 4
    np.savez(tmp_path / "a.npz", X=np.zeros((4, 1)), y=np.array([True, False] * 2))
    assert (
        load(name="a", reader="npz", path=str(tmp_path / "a.npz"), target="numbers").y.tolist() == [1, 0] * 2
    )
    comma = "x;price\n" + "".join(f"{k};{k},5\n" for k in range(8))
    assert read(comma, target="numbers").y.tolist() == [k + 0.5 for k in range(8)]
    prices = read(table("x,price", range(N), range(100, 100 + N)))
    with pytest.raises(DataError, match=r"60 different numbers.*task=regress"):
        split(prices)
    assert "task=classify" in load(name="iris", target="numbers").warnings[0]
    assert not load(name="diabetes", target="numbers").warnings


def test_predict_reads_one_feature_and_what_was_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.csv"
    path.write_text(table(",kind,label", range(N), ["a", "b", "007"] * (N // 3), ["x", "y", "x"] * (N // 3)))
    done = run(tmp_path / "out", "task=classify", "dataset=csv", f"dataset.path={path}", "prepare.one_hot=true",
               "model=decision_tree", "figures=false")  # fmt: skip
    new, out = tmp_path / "new.csv", tmp_path / "out.csv"
    for text, answers in (
        ("kind\n007\n", ["x"]),
        ("kind\nb\n", ["y"]),
        (",kind\n0,007\n1,b\n", ["x", "y"]),
        ("kind\nb\nzzz\n", ["y", None]),
    ):
        new.write_text(text)
        assert predict([str(done.path), str(new), "--out", str(out)]) == 0
        found = [line.split(",")[1] for line in out.read_text().splitlines()[1:]]
        assert [a for a, b in zip(found, answers, strict=True) if b] == [b for b in answers if b]
    assert "1 cell holds a word that the training file does not have" in capsys.readouterr().err
    new.write_text('kind\nb\n""\n')
    with pytest.raises(DataError, match=r"Row 2 .* empty .* column 'kind'"):
        predict([str(done.path), str(new), "--out", str(out)])
    import pandas as pd

    model = fitted.load(done.path)
    assert model.predict(pd.DataFrame({"kind": ["007", "b"]})).tolist() == ["x", "y"]


def test_predict_reads_as_training_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Groups may stand in the file, targets are written as then, and columns without names go by their places."""
    price = [f"{1000 + 100 * k:,}".replace(",", ".") + ",50" for k in range(N)]
    rows = zip(range(N), [k // 3 for k in range(N)], price, strict=True)
    text = "size;house;price\n" + "".join(f"{a};{b};{c}\n" for a, b, c in rows)
    path, out = tmp_path / "own.csv", tmp_path / "out.csv"
    path.write_text(text)
    done = run(tmp_path / "out", "task=regress", "dataset=csv", f"dataset.path={path}", "dataset.groups=house",
               "model=linear", "figures=false")  # fmt: skip
    assert predict([str(done.path), str(path), "--out", str(out)]) == 0
    assert "r2 1.0000" in capsys.readouterr().out
    assert float(out.read_text().splitlines()[1].split(",")[1]) == pytest.approx(1000.5)

    path.write_text("".join(f"{'ab'[k % 2]},{k % 2},{k}\n" for k in range(N)))
    done = run(tmp_path / "out", "task=classify", "dataset=csv", f"dataset.path={path}", "dataset.header=false",
               "dataset.label=0", "model=decision_tree", "figures=false")  # fmt: skip
    new = tmp_path / "new.csv"
    new.write_text("1,7\n0,7\n")
    assert predict([str(done.path), str(new), "--out", str(out)]) == 0
    assert [line.split(",")[1] for line in out.read_text().splitlines()[1:]] == ["b", "a"]


def test_a_file_in_latin_1_and_names_with_blanks(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(' Größe , "a\nb" ,label \n1,2,groß \n3,4, klein\n'.encode("latin-1"))
    dataset = load(name="own", reader="csv", path=str(path))
    assert dataset.feature_names == ("Größe", "a b")
    assert dataset.classes == ("groß", "klein")
    assert "read as cp1252" in dataset.warnings[0]
    assert not load(name="own", reader="csv", path=str(path), encoding="latin-1").warnings
