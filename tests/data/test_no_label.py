"""Tables without a label: every column counts, words are left out and listed, and nothing needs classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler
from tests.running import run

from mlexp import cli, report
from mlexp.errors import ConfigError
from mlexp.store import Run
from mlexp.store.files import read_table

BLOBS, WHERE = make_blobs(60, centers=3, n_features=2, cluster_std=0.3, random_state=1)


def table(path: Path, *, words: bool = False, header: str = "x,y") -> Path:
    rows = [f"{a:.5f},{b:.5f}" for a, b in BLOBS]
    if words:
        header, rows = f"name,{header},town", [f"row {i},{row},{'AB'[i % 2]}" for i, row in enumerate(rows)]
    path.write_text(header + "\n" + "\n".join(rows) + "\n")
    return path


def right() -> float:
    return float(silhouette_score(StandardScaler().fit_transform(BLOBS), WHERE))


def cluster(tmp_path: Path, file: Path, *words: str) -> Run:
    return run(tmp_path, "task=cluster", "dataset=csv", f"dataset.path={file}", "clustering.k=3", *words)


@pytest.mark.parametrize("words", [(), ("dataset.label=none",), ("dataset.target=numbers",),
                                   ("dataset.label=none", "dataset.target=numbers")])  # fmt: skip
def test_both_columns_are_clustered(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = cluster(tmp_path, table(tmp_path / "blobs.csv"), "figures=false", *words)
    assert done.metrics["all"]["silhouette"] == pytest.approx(right(), abs=1e-6)
    assert right() > 0.9
    assert "ari" not in done.metrics["all"]
    assert done.info["dataset"]["features"] == ["x", "y"]
    assert done.info["dataset"]["target"] == ""
    assert "columns used: x, y" in done.info["dataset"]["notes"]


def test_a_named_label_only_scores_the_groups(tmp_path: Path) -> None:
    file = tmp_path / "named.csv"
    rows = [f"{a:.5f},{b:.5f},{'abc'[c]}" for (a, b), c in zip(BLOBS, WHERE, strict=True)]
    file.write_text("x,y,kind\n" + "\n".join(rows) + "\n")
    done = cluster(tmp_path, file, "dataset.label=kind", "figures=false")
    assert done.metrics["all"]["ari"] == 1
    assert done.metrics["all"]["silhouette"] == pytest.approx(right(), abs=1e-6)


def test_word_columns_are_left_out_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = table(tmp_path / "words.csv", words=True)
    done = cluster(tmp_path, file, "figures=false")
    assert done.metrics["all"]["silhouette"] == pytest.approx(right(), abs=1e-6)
    assert "columns used: x, y" in done.info["dataset"]["notes"]
    (left,) = [note for note in done.info["dataset"]["notes"] if "left out" in note]
    assert "name, town" in left
    out = tmp_path / "groups.csv"
    assert cli.main(["predict", str(done.path), str(file), "--out", str(out)]) == 0
    assert len(set(read_table(out)["prediction"])) == 3
    html, _ = report.write(done.path)
    assert "columns used: x, y" in html.read_text()
    words = ("task=cluster", "dataset=csv", f"dataset.path={file}", "clustering.k=3", "figures=false")
    assert (
        cli.main([*words, "dataset.ignore=[name]", "prepare.one_hot=true", f"outputs={tmp_path / 'two'}"])
        == 0
    )
    assert "3 features → 4 after one-hot" in capsys.readouterr().out


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("task", ["embed", "sign_explore", "cluster", "sign_pca"])
def test_figures_and_pages_need_no_label(tmp_path: Path, task: str, words: bool) -> None:
    file = table(tmp_path / "blobs.csv", words=words)
    more = ("embedding.neighbors=5", "embedding.perplexity=10") if task == "embed" else ()
    done = run(tmp_path, f"task={task}", "dataset=csv", f"dataset.path={file}", *more)
    assert sorted((done.path / "figures").glob("*.png"))
    html, _ = report.write(done.path)
    assert "0 classes" not in html.read_text()
    assert "true" not in done.predictions


def test_a_table_of_words_only_says_so(tmp_path: Path) -> None:
    (file := tmp_path / "words.csv").write_text("a,b\n" + "x,y\nu,v\n" * 10)
    with pytest.raises(Exception, match=r"one_hot") as caught:
        cluster(tmp_path, file, "figures=false")
    assert getattr(caught.value, "exit_code", 1) == 3


def test_a_column_called_none_or_label(tmp_path: Path) -> None:
    done = cluster(tmp_path, table(tmp_path / "a.csv", header="x,label"), "figures=false")
    assert any("dataset.label=label" in said for said in done.info["dataset"]["warnings"])
    done = cluster(tmp_path, table(tmp_path / "b.csv", header="x,none"), "figures=false", "dataset.label=none",
                   "dataset.target=numbers")  # fmt: skip
    assert done.info["dataset"]["target"] == "none"


def test_what_needs_a_label_says_so(tmp_path: Path) -> None:
    file = table(tmp_path / "blobs.csv")
    for task in ("classify", "regress"):
        with pytest.raises(ConfigError, match=r"dataset\.label=none.*needs a label"):
            run(tmp_path, f"task={task}", "dataset=csv", f"dataset.path={file}", "dataset.label=none")
    done = run(tmp_path, "task=fashion_autoencoder", "dataset=csv", f"dataset.path={file}", "dataset.label=none",
               "prepare.scale=minmax", "model.hidden=[4,1,4]", "size=smoke", "figures=false")  # fmt: skip
    assert done.info["dataset"]["features"] == ["x", "y"]
    assert cli.main(["data", "look", str(file), "label=none"]) == 0


def test_a_test_file_needs_no_label_either(tmp_path: Path) -> None:
    file, other = table(tmp_path / "a.csv"), table(tmp_path / "b.csv", words=True)
    done = run(tmp_path, "task=sign_explore", "dataset=csv", f"dataset.path={file}", f"dataset.test_path={other}",
               "figures=false")  # fmt: skip
    assert done.info["split"]["test"] == 60
    assert np.isfinite(done.metrics["test"]["distance_median"])
