"""`predict` says of the test rows what the run said of them, and refuses what it was not trained on."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from tests.running import run

from mlexp.data.readers import idx, load
from mlexp.errors import ConfigError, DataError
from mlexp.store import Run, record
from mlexp.store.files import read_table
from mlexp.verbs.predict import predict


def predicted(run: Run, *words: str | Path) -> record.Columns:
    out = run.path.parents[1] / "predictions.csv"
    assert predict([str(run.path), *map(str, words), "--out", str(out)]) == 0
    return read_table(out)


def written(path: Path, header: list[str], rows: list[list[object]]) -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_the_test_rows_of_a_table(flowers: Run, tmp_path: Path) -> None:
    columns = read_table(flowers.path.parents[1] / "flowers.csv")
    names = [
        "petal_w",
        "sepal_w",
        "petal_l",
        "sepal_l",
        "species",
    ]  # another order; the truth may stand there
    test = flowers.predictions["test_row"]
    rows = [[f"flower {row}", *(columns[name][row] for name in names)] for row in test]
    file = written(tmp_path / "new.csv", ["id", *names], rows)
    found = predicted(flowers, file, "--keep", "id", "--probabilities")
    classes = flowers.info["dataset"]["classes"]
    assert found["id"][0] == f"flower {test[0]}"
    assert found["prediction"] == [classes[code] for code in flowers.predictions["test_predicted"]]
    probability = np.array([[float(cell) for cell in found[f"probability {name}"]] for name in classes]).T
    np.testing.assert_array_equal(np.float32(probability), flowers.predictions["test_probability"])


def test_the_test_rows_of_pictures(outputs: Path, tmp_path: Path) -> None:
    digits = Run((outputs / "digits_mlp" / "latest").resolve())
    X = load(name="digits", limit=1000).X[digits.predictions["test_row"]]
    expected = digits.predictions["test_predicted"].astype(str).tolist()
    as_csv = written(tmp_path / "new.csv", [f"p{k}" for k in range(64)], X.tolist())
    labelled = written(
        tmp_path / "labelled.csv", ["label", *(f"p{k}" for k in range(64))], [[0, *x] for x in X.tolist()]
    )
    np.savez(tmp_path / "new.npz", X=X.reshape(-1, 8, 8))
    idx.write(tmp_path / "new-idx3-ubyte", X.reshape(-1, 8, 8))
    for file in (as_csv, labelled, tmp_path / "new.npz", tmp_path / "new-idx3-ubyte"):
        found = predicted(digits, file, "--probabilities")
        assert found["prediction"] == expected
        probability = np.array([[float(cell) for cell in found[f"probability {k}"]] for k in range(10)]).T
        np.testing.assert_array_equal(np.float32(probability), digits.predictions["test_probability"])


def test_picture_files(outputs: Path, tmp_path: Path) -> None:
    from PIL import Image

    digits = Run((outputs / "digits_mlp" / "latest").resolve())
    X = load(name="digits", limit=1000).X[digits.predictions["test_row"]][:5]
    for number, row in enumerate(X):
        Image.fromarray(np.uint8(np.round(row / 16 * 255)).reshape(8, 8)).save(tmp_path / f"{number}.png")
    found = predicted(digits, tmp_path)
    assert found["prediction"] == digits.predictions["test_predicted"][:5].astype(str).tolist()
    assert found["file"][0].endswith("0.png")
    Image.new("L", (9, 8)).save(tmp_path / "wide.png")
    with pytest.raises(DataError, match=r"8 pixels wide and 8 high.*Got 9 x 8"):
        predicted(digits, tmp_path / "wide.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"broken\.png cannot be read"):
        predicted(digits, tmp_path / "broken.png")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (["sepal_l", "sepal_w", "petal_length", "petal_w"], r"lacks .*petal_l\. Did you mean 'petal_length'"),
        (["sepal_l", "sepal_w", "petal_l", "petal_w", "id"], "does not know: id.*--keep id"),
        (["sepal_l", "sepal_w"], "lacks .*petal_l, petal_w"),
    ],
)
def test_other_columns(flowers: Run, tmp_path: Path, header: list[str], words: str) -> None:
    file = written(tmp_path / "new.csv", header, [[1] * len(header)])
    with pytest.raises(DataError, match=words):
        predicted(flowers, file)


def test_what_else_is_refused(flowers: Run, tmp_path: Path, outputs: Path) -> None:
    header = ["sepal_l", "sepal_w", "petal_l", "petal_w"]
    empty = written(tmp_path / "empty.csv", header, [])
    hole = written(tmp_path / "hole.csv", header, [[1, 2, 3, 4], [1, "", 3, 4]])
    (tmp_path / "rows.bin").write_text("1")
    np.savez(tmp_path / "other.npz", rows=np.zeros(3))
    for file, words in {
        empty: "no rows",
        hole: "Row 2 .* empty",
        tmp_path / "rows.bin": "must be a table",
        tmp_path / "nowhere.csv": "does not exist",
        tmp_path / "other.npz": "the array X",
    }.items():
        with pytest.raises(DataError, match=words):
            predicted(flowers, file)
    assert not (tmp_path / "predictions.csv").exists()
    with pytest.raises(ConfigError, match="also an input file"):
        predict([str(flowers.path), str(hole), "--out", str(hole)])
    with pytest.raises(DataError, match="no column 'name' to keep"):
        predicted(flowers, hole, "--keep", "name")


def test_models_without_probabilities_and_of_other_kinds(tmp_path: Path) -> None:
    X = load(name="digits", limit=1000).X[:20]
    np.savez(tmp_path / "new.npz", X=X)
    svm = run(tmp_path, "model=svm", "size=smoke", "figures=false")
    with pytest.raises(ConfigError, match="no probabilities"):
        predicted(svm, tmp_path / "new.npz", "--probabilities")
    coder = run(
        tmp_path,
        "task=fashion_autoencoder",
        "dataset=digits",
        "model.hidden=[3]",
        "size=smoke",
        "figures=false",
    )
    assert list(predicted(coder, tmp_path / "new.npz")) == ["row", "code1", "code2", "code3", "squared_error"]
    groups = run(tmp_path, "task=spiral_clustering", "task.kind=clustering", "figures=false",
                 "clustering.methods=[]", "dataset.limit=100")  # fmt: skip
    np.savez(tmp_path / "plane.npz", X=np.zeros((3, 2)))
    assert len(set(predicted(groups, tmp_path / "plane.npz")["prediction"])) == 1


def test_rows_with_labels_are_scored_as_scikit_learn_scores_them(
    flowers: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sklearn.metrics import accuracy_score, f1_score, log_loss

    columns = read_table(flowers.path.parents[1] / "flowers.csv")
    names = ["sepal_l", "sepal_w", "petal_l", "petal_w", "species"]
    test = flowers.predictions["test_row"]
    rows = [[columns[name][row] for name in names] for row in test]
    found = predicted(flowers, written(tmp_path / "new.csv", names, rows), "--probabilities")
    said = capsys.readouterr().out
    true = [row[-1] for row in rows]
    classes = flowers.info["dataset"]["classes"]
    probability = np.array([[float(cell) for cell in found[f"probability {name}"]] for name in classes]).T
    assert f"{len(test)} rows with a label ('species')" in said
    assert f"accuracy {accuracy_score(true, found['prediction']):.4f}" in said
    assert f"macro_f1 {f1_score(true, found['prediction'], average='macro'):.4f}" in said
    clipped = np.maximum(probability, 2.0**-104)
    assert log_loss(true, probability, labels=classes) <= 36.05  # its own clipping
    right = -np.log(clipped[np.arange(len(true)), [classes.index(name) for name in true]]).mean()
    assert f"loss {right:.4f}" in said
    assert f"accuracy {flowers.metrics['test']['accuracy']:.4f}" in said
    rows[0][-1], rows[1][-1] = "", "tulip"
    predicted(flowers, written(tmp_path / "odd.csv", names, rows))
    said = capsys.readouterr().out
    assert f"{len(test) - 2} rows with a label" in said
    assert "1 rows have labels that the model does not know" in said
    assert "tulip" in said
    predicted(flowers, written(tmp_path / "bare.csv", names[:-1], [row[:-1] for row in rows]))
    assert "Scores" not in capsys.readouterr().out


def test_numbers_archives_and_clusters_with_labels_are_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    names = ["a", "b", "c", "d"]
    file = written(tmp_path / "train.csv", names, X.tolist())
    words = ("dataset=csv", f"dataset.path={file}", "figures=false")
    line = run(tmp_path, "task=regress", "model=linear", *words)
    predicted(line, file)
    said = capsys.readouterr().out
    assert "150 rows with a label ('d')" in said
    assert "r2 0.93" in said
    labelled = written(
        tmp_path / "labelled.csv", [*names, "kind"], [[*x, c] for x, c in zip(X.tolist(), y, strict=True)]
    )
    groups = run(tmp_path, "task=cluster", "dataset=csv", f"dataset.path={labelled}", "dataset.label=kind",
                 "clustering.k=3", "figures=false")  # fmt: skip
    predicted(groups, labelled)
    assert f"ari {groups.metrics['all']['ari']:.4f}" in capsys.readouterr().out
    digits = run(tmp_path, "task=digits_mlp", "size=smoke", "figures=false")
    data = load(name="digits", limit=1000)
    np.savez(tmp_path / "new.npz", X=data.X.reshape(-1, 8, 8)[:50], y=data.y[:50])
    predicted(digits, tmp_path / "new.npz")
    assert "50 rows with a label" in capsys.readouterr().out


def test_the_run_that_predicts_is_named_and_another_table_is_refused(
    outputs: Path, flowers: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--outputs", str(outputs), "--out", str(tmp_path / "found.csv")]
    file = written(tmp_path / "new.csv", ["sepal_l", "sepal_w", "petal_l", "petal_w"], [[5.1, 3.5, 1.4, 0.2]])
    assert predict(["classify", str(file), *words]) == 0
    assert flowers.path.name in capsys.readouterr().out
    assert read_table(tmp_path / "found.csv")["prediction"] == ["setosa"]
    other = written(tmp_path / "other.csv", ["alcohol", "ash", "hue", "colour"], [[13.2, 2.1, 1.0, 5.6]])
    with pytest.raises(DataError, match="lacks columns"):
        predict(["classify", str(other), *words])
