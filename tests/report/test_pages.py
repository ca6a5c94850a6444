"""What pages say, read from their text."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest
from tests.running import run

from mlexp import cli, report, store
from mlexp.errors import DivergedError
from mlexp.metrics import METRICS
from mlexp.page.words import FINE, percent, wilson
from mlexp.report import members
from mlexp.report.index import write_index
from mlexp.store import Run, lock
from mlexp.store.files import write_json, write_table
from mlexp.store.result import by_row

Make = Callable[..., Run]


def text_of(folder: Path) -> str:
    """Write the page of a folder and return what a person reads there."""
    html, _ = report.write(folder)
    words: list[str] = []

    class Reader(HTMLParser):
        hidden = 0

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.hidden += tag in ("script", "style")

        def handle_endtag(self, tag: str) -> None:
            self.hidden -= tag in ("script", "style")

        def handle_data(self, data: str) -> None:
            if not self.hidden:
                words.append(data)

    Reader().feed(html.read_text())
    return " ".join(" ".join(words).replace("\u00a0", " ").split())


@pytest.mark.parametrize(("right", "n"), [(351, 359), (0, 20), (20, 20), (1, 7)])
def test_interval_is_that_of_scipy(right: int, n: int) -> None:
    wanted = binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert wilson(right / n, n) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


KINDS = {
    "regress": (["task=regress"], "explains"),
    "autoencoder": (["task=fashion_autoencoder", "dataset=digits"], "PCA of the same width"),
    "features": (
        ["task=fashion_bottleneck", "dataset=digits"],
        "On the validation set, the classifier on the",
    ),
    "layers": (
        ["task=mnist_hidden_tsne", "dataset=digits", "layers.rows=40"],
        "The classes are best separated in layer",
    ),
    "explore": (["task=fashion_gallery", "dataset=digits"], "no values are missing"),
    "backprop": (["task=backprop_by_hand"], "from 16.32 to 15.52"),
    "residual": (["task=residual_gradient"], "Compared with the formula derived by hand"),
    "clustering": (["task=sign_kmeans", "dataset=digits"], "adjusted Rand index"),
    "pca": (["task=sign_pca", "dataset=digits"], "How many principal components does digits need?"),
    "tree": (["task=classify", "model=decision_tree"], "The decision tree correctly classifies"),
    "one_row": (["task=regress", "split.test=1"], "there is no variance to explain"),
    "untested": (["task=classify", "split.test=0"], "No test part was scored; on validation rows"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_study_is_answered(kind: str, tmp_path: Path) -> None:
    words, answer = KINDS[kind]
    folder = run(tmp_path, *words, "size=smoke", "figures=false").path
    said = text_of(folder)
    assert answer in said
    assert "How it was " in said
    assert not re.search(r"\b(nan|None|inf)\b|\{\}", said)


def test_classification_is_answered_with_its_interval(make_whole: Make) -> None:
    made = make_whole(n=600)
    right = round(made.metrics["test"]["accuracy"] * 600)
    low, high = (percent(limit).replace("\u00a0%", "") for limit in wilson(right / 600, 600))
    said = text_of(made.path)
    assert (
        f"correctly classifies {percent(right / 600)} of 600 test images it has never seen".replace(
            "\u00a0", " "
        )
        in said
    )
    assert f"(95 % interval {low} to {high} %, Wilson)" in said
    assert "mlexp dataset=npz 'dataset.path=a file.npz'" in said
    assert f"mlexp rerun outputs/synthetic_mlp/{made.path.name}" in said


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("running", "The run is not over yet; no test sample has been read."),
        ("failed", "No answer: the run failed."),
        ("diverged", "its loss was no longer finite"),
        ("interrupted", "can be resumed"),
    ],
)
def test_run_that_did_not_complete_says_so(status: str, sentence: str, make_whole: Make) -> None:
    info = {"error": None if status == "running" else "What went <wrong>."}
    if status == "running":
        info |= {"status": "running", "wall_seconds": None, "facts": {}}
    made = make_whole(info, status=status)
    held = lock.locked(made.path) if status == "running" else os.open(os.devnull, os.O_RDONLY)
    said = text_of(made.path)
    os.close(held)
    assert sentence in said
    assert ("What went <wrong>." in said) == (status != "running")
    assert "Figures" not in said
    assert "28" in said  # epochs done


def test_same_folder_gives_the_same_page(make_whole: Make) -> None:
    made = make_whole(n=60)
    first = [file.read_bytes() for file in report.redraw(made.path)]
    assert [file.read_bytes() for file in report.redraw(made.path)] == first
    assert b"http" not in first[-2].split(b"</style>")[1].split(b"<script>")[0]


def test_markdown_is_text_with_its_pictures_beside_it(make_whole: Make) -> None:
    made = make_whole(n=60, classes=["a|b", "<i>c</i>", "d*e*"])
    *figures, _, markdown = report.redraw(made.path)
    said = markdown.read_text()
    assert "<i>" not in said
    assert "a\\|b" in said
    for figure in figures:
        assert f"](figures/{figure.name})" in said
    for table in re.findall(r"(?:^\|.*\n)+", said, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_warnings_come_with_the_first_screen(make_whole: Make) -> None:
    said = text_of(make_whole({"warnings": ["Beware."]}, n=60).path)
    assert "2 warnings to know before you rely on this" in said
    assert "Beware." in said
    assert "Only 60 test rows" in said


def test_tuned_run_tells_how_it_was_tuned(make_whole: Make) -> None:
    made = make_whole({"warnings": ["It lies at the edge."]}, n=60)
    tuned = {
        "strategy": "random", "metric": "accuracy", "n_trials": 8, "epochs_trained": 160,
        "chosen": {"number": 3, "values": {"model.learning_rate": 0.01}, "score": 0.9712},
        "space": {"model.learning_rate": {"low": 0.001, "high": 0.1, "log": True}, "model.bias": [True, False]},
        "sentences": ["2 settings share that score.", "It lies at the edge."],
    }  # fmt: skip
    write_json(made.path / "tuning.json", tuned)
    write_table(made.path / "tuning.csv", {"number": [1, 2], "model.learning_rate": [0.01, 0.1]})
    said = text_of(made.path)
    assert "Its settings scored best of 8 tried without the test set: model.learning_rate = 0.01." in said
    assert "random search, 8 trials by accuracy, 160 epochs in all." in said
    assert "model.learning_rate: 0.001 to 0.1, logarithmic; model.bias: True and False" in said
    assert "2 settings share that score." in said
    assert said.count("It lies at the edge.") == 1


def sweep_of(folder: Path, status: str, rows: list[dict[str, Any]], key: str = "model.activation") -> Path:
    jobs = [{"number": row["number"], "hash": "00", "swept": {key: row[key]}} for row in rows]
    info = {
        "status": status,
        "started": "2026-11-21T06:14:32+00:00",
        "task": "t",
        "hash": "12",
        "figures": True,
        "keys": [key],
        "command": ["mlexp", "-m"],
        "execution": {"backend": "local"},
        "jobs": jobs,
    }
    write_json(folder / "sweep.json", info)
    write_table(folder / "summary.csv", {name: [row[name] for row in rows] for name in rows[0]})
    return folder


def job(
    number: int, activation: str, status: str, accuracy: float | str, problem: str = ""
) -> dict[str, Any]:
    return {
        "number": number, "model.activation": activation, "status": status, "validation_accuracy": accuracy,
        "test_accuracy": accuracy and accuracy - 0.25, "seconds": 1.0, "folder": "", "problem": problem,
    }  # fmt: skip


def test_sweep_is_chosen_by_validation_and_judged_by_test(tmp_path: Path) -> None:
    rows = [
        job(1, "relu", "completed", 0.75),
        job(2, "tanh", "completed", 1.0),
        job(3, "elu", "failed", "", "A <b>fault</b>."),
    ]
    said = text_of(sweep_of(tmp_path / "s", "failed", rows))
    assert "activation = tanh is the best of 2 settings: validation accuracy 100 %." in said
    assert "On the test set, which was not used for selection, it scores 75.0 %." in said
    assert "2 of 3" in said
    assert "Job 3 failed: A <b>fault</b>." in said
    assert text_of(tmp_path / "s") == said  # a job without a folder does not point to the page of the sweep
    assert 'href="/' not in (tmp_path / "s/report.html").read_text()
    assert "Fewer than 3 seeds per setting" in said


@pytest.mark.parametrize("key", ["split.test", "split.validation"])
def test_no_fold_is_the_best_one(tmp_path: Path, key: str) -> None:
    rows = [job(fold, "relu", "completed", 0.5 + fold / 8) | {key: f"{fold}/3"} for fold in (1, 2, 3)]
    said = text_of(sweep_of(tmp_path / "s", "completed", rows, key))
    assert (
        "Over 3 folds the test accuracy is 50.0 % on average, with a standard deviation of 12 points" in said
    )
    assert "best" not in said.lower().split("how it was done")[0]
    rows = [job(k, "relu", "completed", 0.5 + k / 8) | {key: str(k / 10)} for k in (1, 2, 3)]
    assert "is the best of 3 settings" in text_of(sweep_of(tmp_path / "t", "completed", rows, key))


def test_sweep_with_nothing_done_reads_well(tmp_path: Path) -> None:
    rows = [job(number, "relu", "left", "") for number in (1, 2)]
    said = text_of(sweep_of(tmp_path / "s", "interrupted", rows))
    assert "0 of 2 jobs completed; their results are in the table of jobs." in said
    assert "2 jobs did not complete" in said


def test_verb_makes_the_pages_of_jobs_that_have_begun(tmp_path: Path, make_whole: Make) -> None:
    made = make_whole(n=60, status="failed")
    sweep = sweep_of(
        tmp_path / "s", "interrupted", [job(1, "relu", "failed", "") | {"folder": "runs/001-00"}]
    )
    shutil.copytree(made.path, sweep / "runs/001-00")
    (sweep / "runs/002-00").mkdir()
    assert cli.main(["report", str(sweep), "--runs"]) == 0
    assert 'href="runs/001-00/report.html"' in (sweep / "report.html").read_text()
    assert 'href="../../report.html"' in (sweep / "runs/001-00/report.html").read_text()
    assert [path.name for path in (sweep / "runs/002-00").iterdir()] == []


def test_runs_that_do_not_complete_leave_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DivergedError):
        run(tmp_path, "size=smoke", "task.name=far", "model.optimizer=sgd", "model.learning_rate=1e30")
    (page,) = (tmp_path / "far").glob("2*/report.html")
    assert "its loss was no longer finite" in text_of(page.parent)
    broken = replace(METRICS["macro_f1"], name="broken", score=lambda *given: 1 / 0)
    monkeypatch.setitem(METRICS, "broken", broken)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, "size=smoke", "task.name=broken")
    (page,) = (tmp_path / "broken").glob("2*/report.html")
    assert "ZeroDivisionError: division by zero" in page.read_text()


def test_comparison_of_runs_that_were_there_points_to_them(tmp_path: Path) -> None:
    pair = {
        "a": "x",
        "b": "y",
        "difference": 0.02,
        "low": -0.01,
        "high": 0.05,
        "level": 0.95,
        "test": "Welch t",
    }
    info = {
        "status": "completed",
        "metric": "test.accuracy",
        "measure": {"words": "test accuracy", "share": True, "higher_is_better": True},
        "question": "Which?",
        "answer": ["x <i>leads</i>."],
        "details": {"Test": "Welch <b>t</b>."},
        "warnings": ["Beware <i>this</i>."],
        "pairs": [pair | {"p": 0.2, "p_adjusted": None}],
        "ranking": ["y", "x"],
        "arms": [{"name": "x", "mean": 0.9, "runs": 3}, {"name": "y", "mean": 0.92, "runs": 3}],
        "why": "w",
        "scope": "l",
    }
    write_json(tmp_path / "c/comparison.json", info)
    runs = {"arm": ["x"], "run": ["seed=0"], "value": [0.9], "folder": ["../t/r"]}
    write_table(tmp_path / "c/tables/runs.csv", runs)
    write_table(tmp_path / "c/tables/arms.csv", {"arm": ["x"], "mean": [0.9123], "sd": [0.0051]})
    write_table(tmp_path / "c/tables/pairs.csv", {"a": ["x"], "b": ["y"], "low": [-0.0123], "p": [0.0123]})
    said = text_of(tmp_path / "c")
    assert "mean (%) sd (points) x 91.23 0.51" in said  # as the answer says them: no 0.9123 beside 91.23 %
    assert "low (points) p x y −1.23 0.0123" in said
    assert "x <i>leads</i>." in said
    assert (
        said.index("leads") < said.index("Warning. Beware <i>this</i>.") < said.index("Test Welch <b>t</b>.")
    )
    page = (tmp_path / "c/report.html").read_text()
    assert page.index("<details") < page.index("Welch &lt;b&gt;t") < page.index("</details>")
    assert "Welch &lt;b&gt;t" in (tmp_path / "c/report.md").read_text()
    assert 'href="../t/r/"' in (tmp_path / "c/report.html").read_text()
    assert "c/report.html" in write_index(tmp_path).read_text()


def test_comparison_without_an_answer_reads_well(tmp_path: Path) -> None:
    folder = sweep_of(tmp_path / "s", "running", [job(1, "relu", "left", "")])
    write_json(
        folder / "comparison.json",
        {"status": "running", "metric": "m", "arms": [{"name": "a"}, {"name": "b"}]},
    )
    assert "Which is better: a or b?" in text_of(folder)


def test_verb_redraws_the_same_bytes_without_fitting_code(tmp_path: Path) -> None:
    folder = run(tmp_path, "size=smoke", "page.figures=all").path
    figures = {file.name: file.read_bytes() for file in (folder / "figures").iterdir()}
    page = (folder / "report.html").read_bytes()
    shutil.rmtree(folder / "figures")
    (folder / "report.html").unlink()
    script = (
        "import sys; from mlexp.cli import main; code = main(sys.argv[1:]); "
        "print([name for name in sys.modules if name.startswith(('mlexp.nn', 'mlexp.data.', 'mlexp.models', "
        "'mlexp.kinds.fitting', 'mlexp.config.compose', 'sklearn', 'hydra'))]); raise SystemExit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "report", str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert {file.name: file.read_bytes() for file in (folder / "figures").iterdir()} == figures
    assert (folder / "report.html").read_bytes() == page


def test_index_lists_every_kind_newest_first(make_whole: Make, tmp_path: Path) -> None:
    old = make_whole({"started": "2026-01-01T00:00:00+00:00"}, n=60, task="old")
    new = make_whole(n=60, task="new")
    sweep_of(tmp_path / "t" / "a sweep", "completed", [job(1, "relu", "completed", 0.5)])
    (tmp_path / "old" / "latest").symlink_to(old.path)
    html = write_index(tmp_path).read_text()
    runs = html[html.index('id="runs"') :]
    assert runs.count("<tr>") == 1 + 2
    assert html.index(f"new/{new.path.name}") < html.index(f"old/{old.path.name}")
    assert percent(new.metrics["test"]["accuracy"], FINE) in runs
    assert 'href="t/a%20sweep/"' in html[: html.index('id="runs"')]


def test_index_says_what_a_sweep_found_and_why_jobs_failed(tmp_path: Path) -> None:
    rows = [job(1, "relu", "completed", 0.75), job(2, "tanh", "completed", 1.0)]
    rows += [job(3 + place, "elu", "failed", "", "A <b>fault</b>.") for place in range(2)]
    rows += [job(5, "selu", "diverged", "", "It diverged.")]
    folder = sweep_of(tmp_path / "t" / "s", "failed", rows)
    sweep = store.open(folder)
    assert [(one.count, one.status, one.reason) for one in members.failures(by_row(sweep.summary))] == [
        (2, "failed", "A <b>fault</b>."),
        (1, "diverged", "It diverged."),
    ]
    html = write_index(tmp_path).read_text()
    assert "tanh" in members.answer(sweep)[0]
    assert html.index(members.answer(sweep)[0]) < html.index("<details>")
    assert "2 failed: A &lt;b&gt;fault&lt;/b&gt;." in html
    jobs = html[html.index("<tr>") :]
    assert jobs.count("<tr>") == 1 + 5  # folded
    assert "test accuracy (%)" in jobs
    assert "75.00" in jobs


def test_what_is_typed_for_all_runs_of_a_task_is_left_out(make_whole: Make, tmp_path: Path) -> None:
    for seed in (1, 2):
        make_whole({"command": ["mlexp", "task=t", "size=smoke", f"seed={seed}"]}, n=60, task="t")
    html = write_index(tmp_path).read_text()
    assert "seed=1" in html
    assert "seed=2" in html
    assert "size=smoke" not in html


def test_what_cannot_be_reported_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report"]) == 2
    assert cli.main(["report", "nowhere", "--outputs", str(tmp_path)]) == 3
    assert cli.main(["report", "--all", "--outputs", str(tmp_path)]) == 3
    (tmp_path / "t" / "r").mkdir(parents=True)
    (tmp_path / "t" / "r" / "run.json").write_text(json.dumps({})[:1])
    assert cli.main(["report", str(tmp_path / "t" / "r")]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("mlexp: ") for line in lines)
