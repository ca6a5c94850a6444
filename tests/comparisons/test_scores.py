"""Scores from elsewhere: every form that they come in gives the numbers of the test called directly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlexp
from mlexp import cli, stats
from mlexp.comparisons import scores as given
from mlexp.errors import ConfigError, DataError, MlexpError

RNG = np.random.default_rng(4)
HARD = RNG.normal(0, 1, 90)
RIGHT = {
    arm: (RNG.normal(0, 1, (seeds, 90)) + HARD < limit).astype(float)
    for arm, seeds, limit in (("mlp", 6, 1.6), ("svm", 5, 0.7))
}
FOLDS = {"svm": [0.91, 0.93, 0.9, 0.95, 0.92], "tree": [0.85, 0.9, 0.84, 0.93, 0.86]}


def long(
    tables: dict[str, np.ndarray], names: tuple[str, ...] = ("arm", "seed", "row", "score")
) -> pd.DataFrame:
    """Return arrays as a table with one score a line, in no order."""
    cells = [(arm, seed, f"image{row}", score) for arm, table in tables.items()
             for seed, of_run in enumerate(table) for row, score in enumerate(of_run)]  # fmt: skip
    return pd.DataFrame(cells, columns=list(names)).sample(frac=1, random_state=0)


def pair_of(found: mlexp.Answer) -> dict[str, Any]:
    (pair,) = found.info["pairs"]
    return dict(pair)


def check(found: mlexp.Answer, expected: stats.Outcome, test: str) -> None:
    pair = pair_of(found)
    assert found.info["test"] == test
    numbers = [pair[name] for name in ("difference", "low", "high", "p")]
    assert numbers == pytest.approx([expected.estimate, expected.low, expected.high, expected.p], rel=1e-9)


@pytest.mark.parametrize("form", ["arrays", "frame", "csv", "semicolons"])
def test_seeds_and_rows_are_crossed(form: str, tmp_path: Path) -> None:
    scores: Any = RIGHT
    if form != "arrays":
        scores = long(RIGHT, ("Arm", " SEED", "row", "Score"))
    if form in ("csv", "semicolons"):
        sep = ";" if form == "semicolons" else ","
        scores.to_csv(tmp_path / "s.csv", index=False, sep=sep, decimal="," if sep == ";" else ".")
        scores = tmp_path / "s.csv"
    found = mlexp.compare_scores(scores)
    check(found, stats.crossed_t(RIGHT["mlp"], RIGHT["svm"]), "crossed")
    assert found.verdict.startswith("mlp is significantly better")
    assert "accuracy" in found.verdict  # every score is right or wrong
    assert str(found).startswith(found.verdict)
    assert found.arms["runs"].tolist() == [6, 5]
    assert "epochs" not in found.arms
    own = stats.crossed_mean(RIGHT["mlp"])
    assert found.arms[["mean", "low"]].iloc[0].tolist() == pytest.approx([own.estimate, own.low])


def test_the_order_of_lines_and_of_arms_does_not_matter() -> None:
    frame = long(RIGHT)
    one, other = (mlexp.compare_scores(form) for form in (frame, frame.iloc[::-1]))
    assert one.answer == other.answer


def test_losses_of_rows_are_better_when_lower() -> None:
    losses = {arm: 2 - table + RNG.random(table.shape) / 9 for arm, table in RIGHT.items()}
    expected = stats.crossed_t(losses["mlp"], losses["svm"])
    for how in ({"higher_is_better": False}, {"metric": "loss"}):
        found = mlexp.compare_scores(losses, **how)
        check(found, expected, "crossed")
        assert found.verdict.startswith("mlp is significantly better")
        assert "points" not in str(found)
    assert mlexp.compare_scores(losses).verdict.startswith("svm is significantly better")


def test_one_run_an_arm_is_mcnemar() -> None:
    one = {arm: table[:1] for arm, table in RIGHT.items()}
    check(mlexp.compare_scores(one), stats.mcnemar(one["mlp"][0], one["svm"][0]), "mcnemar")
    frame = long(one).drop(columns="seed")
    check(mlexp.compare_scores(frame), stats.mcnemar(one["mlp"][0], one["svm"][0]), "mcnemar")


def test_an_arm_that_never_varies_is_deterministic() -> None:
    fixed = RIGHT | {"knn": np.tile(RIGHT["svm"][0], (5, 1))}
    found = mlexp.compare_scores({arm: fixed[arm] for arm in ("mlp", "knn")})
    expected = stats.crossed_t(fixed["mlp"], fixed["knn"], deterministic=(False, True))
    check(found, expected, "crossed")
    assert "knn is deterministic" in found.details["Identical runs"]


def test_one_score_a_seed_is_welch_and_says_what_that_leaves_out() -> None:
    a, b = [0.97, 0.96, 0.98, 0.95], [0.94, 0.95, 0.93]
    frame = pd.DataFrame({"arm": ["a"] * 4 + ["b"] * 3, "seed": [0, 1, 2, 3, 0, 1, 2], "score": a + b})
    for scores in ({"a": a, "b": b}, frame):
        found = mlexp.compare_scores(scores)
        check(found, stats.welch_t(a, b), "welch")
        assert any("every test sample" in warning for warning in found.info["warnings"])


def test_folds_get_the_corrected_t() -> None:
    d = np.subtract(FOLDS["svm"], FOLDS["tree"])
    rows = [(arm, fold, score) for arm, folds in FOLDS.items() for fold, score in enumerate(folds)]
    frame = pd.DataFrame(rows, columns=["arm", "fold", "score"])
    assumed = stats.corrected_t(d, n_train=4, n_test=1)
    for found in (mlexp.compare_scores(FOLDS, per="fold"), mlexp.compare_scores(frame)):
        check(found, assumed, "corrected")
        assert "1/4" in found.info["warnings"][0]
    known = stats.corrected_t(d, n_train=60, n_test=40)
    for found in (
        mlexp.compare_scores(FOLDS, per="fold", n_train=60, n_test=40),
        mlexp.compare_scores(frame.assign(N_train=60, n_test=40)),
    ):
        check(found, known, "corrected")
        assert not any("was not given" in warning for warning in found.info["warnings"])


def test_repeated_folds_count_the_folds_of_one_repeat() -> None:
    d = np.subtract(FOLDS["svm"][:4], FOLDS["tree"][:4])
    rows = [(arm, k // 2, k % 2, score) for arm, folds in FOLDS.items() for k, score in enumerate(folds[:4])]
    frame = pd.DataFrame(rows, columns=["arm", "repeat", "fold", "score"])
    check(mlexp.compare_scores(frame), stats.corrected_t(d, n_train=1, n_test=1), "corrected")
    with pytest.raises(ConfigError, match="give n_train and n_test"):
        mlexp.compare_scores(frame.assign(repeat=frame["repeat"] * 2 + frame["fold"], fold=0))


def test_several_runs_of_a_fold_are_averaged() -> None:
    rows = [(arm, fold, seed, score + seed / 50) for arm, folds in FOLDS.items()
            for fold, score in enumerate(folds) for seed in range(3)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["arm", "fold", "seed", "score"])
    d = np.subtract(FOLDS["svm"], FOLDS["tree"])
    check(mlexp.compare_scores(frame), stats.corrected_t(d, n_train=4, n_test=1), "corrected")
    with pytest.raises(DataError, match=r"no score of fold 2 with seed 1"):
        mlexp.compare_scores(frame.drop(index=frame.query("arm == 'svm' and fold == 2 and seed == 1").index))


def test_several_data_sets_are_wilcoxon() -> None:
    values = RNG.normal(0.8, 0.05, (2, 7)) + np.array([[0.04], [0.0]])
    rows = [(arm, f"set{k}", 0, values[place, k]) for place, arm in enumerate("ab") for k in range(7)]
    frame = pd.DataFrame(rows, columns=["arm", "dataset", "seed", "score"])
    check(mlexp.compare_scores(frame), stats.wilcoxon_signed_rank(values[0], values[1]), "wilcoxon")
    rows_too = pd.concat([long(RIGHT).assign(dataset=name) for name in ("one", "other")])
    assert mlexp.compare_scores(rows_too).info["test"] == "wilcoxon"
    with pytest.raises(DataError, match="no score of arm b with dataset set3"):
        mlexp.compare_scores(frame.drop(index=frame.query("arm == 'b' and dataset == 'set3'").index))


def test_a_grid_search_says_which_candidates_may_be_best() -> None:
    table = np.clip(RNG.normal(0.6, 0.02, (6, 10)) + np.array([0.3, 0.29, 0.1, 0.1, 0.05, 0])[:, None], 0, 1)
    params = [
        {"svc__C": c, "svc__kernel": kernel, "verbose": False}
        for c in (0.1, 1, 10)
        for kernel in ("rbf", "linear")
    ]
    found = {"params": params, "mean_fit_time": np.ones(6)}
    found |= {f"split{k}_test_score": table[:, k] for k in range(10)}

    class Search:
        cv_results_ = found

    for scores in (found, Search()):
        done = mlexp.compare_scores(scores)
        assert done.info["test"] == "corrected"
        assert done.info["with_best"]["may_be_best"][0] in ("C=0.1 kernel=rbf", "C=0.1 kernel=linear")
        assert "C=10 kernel=linear" in done.info["with_best"]["not_best"]
        pair = next(
            one
            for one in done.info["pairs"]
            if {one["a"], one["b"]} == {"C=1 kernel=rbf", "C=10 kernel=linear"}
        )
        expected = stats.corrected_t(table[2] - table[5], n_train=9, n_test=1)
        assert abs(pair["difference"]) == pytest.approx(abs(expected.estimate))
        assert pair["p"] == pytest.approx(expected.p)
    several = {name.replace("_score", "_f1"): column for name, column in found.items()}
    several |= {f"split{k}_test_neg_log_loss": -table[:, k] for k in range(10)}
    assert "test F1" in mlexp.compare_scores(several, metric="f1").verdict
    losses = mlexp.compare_scores(several, metric="neg_log_loss")  # higher is better, as scikit-learn has it
    assert losses.info["with_best"]["may_be_best"][0].startswith("C=10")
    with pytest.raises(ConfigError, match="one of the scorers f1, neg_log_loss"):
        mlexp.compare_scores(several)
    found["split3_test_score"] = np.where(np.arange(6) == 4, np.nan, table[:, 3])
    with pytest.raises(DataError, match="1 of 6 candidates, first C=10 kernel=rbf"):
        mlexp.compare_scores(found)


def test_candidates_that_change_nothing_may_both_be_best() -> None:
    table = RNG.normal(0.9, 0.02, (6, 10)) - np.array([0, 0, 0.3, 0.3, 0.3, 0.3])[:, None]
    table[1] = table[0]
    found: dict[str, Any] = {"params": [{"C": c} for c in range(6)]}
    found |= {f"split{k}_test_score": table[:, k] for k in range(10)}
    best = mlexp.compare_scores(found).info["with_best"]
    assert best["may_be_best"] == ["C=0", "C=1"]
    assert best["ahead"]["C=1"] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ([{"C": 1}, {"C": 1.5}], ["C=1", "C=1.5"]),
        ([{"a__n": 1, "b__n": 2}, {"a__n": 2, "b__n": 1}], ["a__n=1 b__n=2", "a__n=2 b__n=1"]),
        ([{"f": np.mean, "m": None}, {"f": {}, "m": None}], ["f=mean", "f=dict"]),
        ([{"C": 1}, {"C": 1}], ["default (0)", "default (1)"]),
        ([{"C": 1}, {"gamma": 2}], ["C=1", "gamma=2"]),
    ],
)
def test_candidates_have_short_names(params: list[dict[str, Any]], names: list[str]) -> None:
    assert given.candidates(params) == names


PLAIN = pd.DataFrame({"arm": list("aabb"), "seed": [0, 1, 0, 1], "score": [0.5, 0.6, 0.7, 0.8]})
ROWS = long({arm: table[:2, :4] for arm, table in RIGHT.items()}).reset_index(drop=True)


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (PLAIN.drop(columns="arm"), "column 'arm'"),
        (PLAIN.rename(columns={"score": "scores"}), "column 'score'.*scores"),
        (PLAIN.drop(columns="seed"), "'seed', 'row' or 'fold'"),
        (PLAIN.assign(row=0, fold=1), "both 'row' and 'fold'"),
        (PLAIN.assign(Score=1), "two columns 'score'"),
        (PLAIN.assign(seed=0), "two scores of arm a, seed 0: rows 1 and 2"),
        (PLAIN.assign(score=[0.5, np.nan, 0.7, 0.8]), "column 'score', row 2"),
        (PLAIN.assign(score=[0.5, np.inf, 0.7, 0.8]), "column 'score', row 2"),
        (PLAIN.assign(score=["0.5", "high", "0.7", "0.8"]), "Row 2 holds 'high'"),
        (PLAIN.assign(score=""), "no number in column 'score', row 1"),
        (PLAIN.assign(arm=["a", None, "b", "b"]), "empty cell in column 'arm', row 2"),
        (PLAIN.assign(arm=["a" * 999, "b", "b", "b"]), "999 letters"),
        (PLAIN.assign(arm="a"), "two arms at least"),
        (PLAIN.iloc[:0], "no rows"),
        (pd.DataFrame({"arm": map(str, range(300)), "seed": 0, "score": 0.5}), "300 arms; at most 100"),
        (ROWS.drop(index=3), f"no score of arm {ROWS.arm[3]}, seed {ROWS.seed[3]}, row {ROWS.row[3]}"),
        (pd.concat([ROWS, ROWS.iloc[[5]]]), "two scores of arm .*: rows 6 and 17"),
        ({"a": [0.5, 0.6]}, "two arms at least"),
        ({"a": [0.5, np.nan], "b": [0.5, 0.6]}, "scores of 'a' must be finite"),
        ({"a": [[1, 0]], "b": [0.5, 0.6]}, "one axis .* or two"),
        ({"a": [[1, 0]], "b": [[1, 0, 1]]}, "same rows"),
        ({"a": [[1, 0], [1]], "b": [[1, 0], [1, 1]]}, "full table"),
        ({"params": [{"C": 1}, {"C": 2}]}, "split0_test_score"),
        ("nowhere.csv", "does not exist"),
        (7, "data frame"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(scores: Any, words: str) -> None:
    with pytest.raises(MlexpError, match=words) as caught:
        mlexp.compare_scores(scores)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"per": "row"}, "'per' must be one of seed, fold"),
        ({"n_train": 5}, "belong together"),
        ({"n_train": 0, "n_test": 1}, "'n_train' must be a number above 0"),
        ({"alpha": 2}, "alpha"),
        ({"target": 0.9}, "'target' does not apply"),
        ({"test": "wilcoxen"}, "test"),
    ],
)
def test_settings_are_checked(how: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        mlexp.compare_scores(FOLDS, **how)
    with pytest.raises(DataError, match="same folds"):
        mlexp.compare_scores({"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}, per="fold")


def test_the_verb_prints_the_answer_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    long(RIGHT).to_csv("scores.csv", index=False)
    assert cli.main(["compare", "scores.csv"]) == 0
    said = capsys.readouterr().out
    expected = mlexp.compare_scores("scores.csv")
    for line in expected.answer:
        assert line in said.replace("\n", " ") or line in said
    assert "epochs" not in said
    assert cli.main(["compare", "scores.csv", "--lower-is-better", "-q"]) == 0
    assert capsys.readouterr().out.startswith("svm is significantly better")
    rows = [(arm, fold, score) for arm, folds in FOLDS.items() for fold, score in enumerate(folds)]
    pd.DataFrame(rows, columns=["arm", "fold", "score"]).to_csv("folds.csv", index=False)
    assert cli.main(["compare", "folds.csv", "--n-train", "80", "--n-test", "20", "--details"]) == 0
    assert "Nadeau" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folds.csv", "scores.csv"]


def test_a_name_in_a_file_neither_colours_nor_retitles_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    PLAIN.replace("a", "\x1b[31m[bold]a\x1b]0;title\x07").to_csv(tmp_path / "s.csv", index=False)
    assert cli.main(["compare", str(tmp_path / "s.csv")]) == 0
    assert cli.main(["compare", "-q", str(tmp_path / "s.csv")]) == 0
    found = capsys.readouterr().out
    assert "\x1b" not in found
    assert "\x07" not in found
    assert "[bold]a" in found


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere.csv"], 3, "does not exist"),
        (["scores.csv", "--by", "seed"], 2, "--by applies to runs"),
        (["scores.csv", "--save", "x"], 2, "--save applies to runs"),
        (["scores.csv", "other.csv"], 2, "one file of scores"),
        (["latest", "--lower-is-better"], 2, "--lower-is-better applies to"),
        (["broken.csv"], 3, "column 'arm'"),
        (["bytes.csv"], 3, "bytes.csv"),
    ],
)
def test_the_verb_says_what_is_wrong(
    words: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    PLAIN.to_csv("scores.csv", index=False)
    Path("other.csv").write_text("arm,seed,score\n")
    Path("broken.csv").write_text("a,b\n1,2\n")
    Path("bytes.csv").write_bytes(bytes(range(256)) * 9)
    assert cli.main(["compare", *words]) == code
    found = capsys.readouterr().err
    assert said in found
    assert "Traceback" not in found
