"""Confusion matrix and scores by class."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from tests.drawing.seen import Make, figure_of, with_predictions, words

from mlexp.drawing import matrix
from mlexp.errors import DataError
from mlexp.kinds.classification import classes, confusion, intervals, probabilities
from mlexp.kinds.classification import figures as class_figures
from mlexp.metrics import METRICS
from mlexp.store import Run
from mlexp.store.files import write_table

pytestmark = pytest.mark.usefixtures("styled")


def test_confusion_has_true_by_row_and_predicted_by_column(make_run: Make) -> None:
    run = make_run(classes=["a", "b", "c"])
    run = with_predictions(run, [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1])  # class c has no rows
    figure = figure_of(run, "confusion")
    axes, _ = figure.axes  # and the colour bar
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Predicted class", "True class")
    assert axes.images[0].get_array().filled(0).tolist() == [[75, 25, 0], [0, 100, 0], [0, 0, 0]]
    places = {(round(t.get_position()[0]), round(t.get_position()[1]), t.get_text()) for t in axes.texts}
    assert places == {
        (0, 0, "75.0"), (0, 0, "3"), (1, 0, "25.0"), (1, 0, "1"), (1, 1, "100"), (1, 1, "2"),
    }  # fmt: skip
    assert "5 of 6 test samples correct (83.3 %); most frequent error: b predicted for a (1×)" in words(
        figure
    )
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]


def recorded(run: Run, **counts: np.ndarray) -> Run:
    """Let a run have confusion matrices on record, and of the test set its predictions."""
    for name, table in classes.kept(counts, run.info["dataset"]["classes"]).items():
        write_table(run.path / "tables" / f"{name}.csv", table)
    return Run.open(run.path)


def test_few_classes_have_all_sets_in_one_figure_many_in_two(make_run: Make) -> None:
    for n_classes, together in ((3, True), (8, False)):
        run = make_run(classes=[f"c{k}" for k in range(n_classes)])
        run = recorded(run, train=9 * np.eye(n_classes, dtype=np.int64))
        titles = [axes.get_title(loc="left") for axes in figure_of(run, "confusion").axes]
        assert ("Training set" in titles) == together
        if together:
            assert confusion.by_set(run) is None
        else:
            apart = figure_of(run, "confusion_by_set").axes
            assert [axes.get_title(loc="left") for axes in apart[:2]] == ["Test set", "Training set"]


def test_a_set_of_three_rows_has_no_matrix(make_run: Make) -> None:
    run = with_predictions(make_run(classes=["a", "b"]), [0, 1, 1], [0, 1, 1])
    assert confusion.confusion(run) is None
    assert "test" in classes.matrices(run)


@pytest.mark.parametrize("names", [("a", "b"), ("true", "false"), ("true", "true_")])
def test_counts_are_read_as_they_were_recorded(make_run: Make, names: tuple[str, ...]) -> None:
    counts = {name: np.array([[k, 1], [2, 3]]) for k, name in enumerate(("train", "validation", "test"))}
    run = recorded(make_run(classes=names), **counts)
    found = classes.confusions(run)
    assert list(found) == ["test", "validation", "train"]
    for name, one in counts.items():
        np.testing.assert_array_equal(found[name], one)


def test_folders_of_0_1_0_hold_the_test_set(make_run: Make) -> None:
    run = make_run(classes=["a", "b"])
    np.testing.assert_array_equal(classes.confusions(run)["test"], classes.matrices(run)["test"])
    assert list(classes.matrices(run)) == ["test"]


@pytest.mark.parametrize(
    "table",
    [
        {"true": ["a"], "a": [1], "b": [2]},
        {"true": ["a", "b"], "a": [1, "x"], "b": [2, 3]},
        {"true": ["a", "b"], "a": [1, 1]},
        {"true": ["a", "b"], "a": [1, -1], "b": [2, 3]},
    ],
)
def test_a_damaged_confusion_matrix_is_one_line(make_run: Make, table: dict[str, list[object]]) -> None:
    run = make_run(classes=["a", "b"])
    write_table(run.path / "tables" / "confusion.csv", table)
    with pytest.raises(DataError, match="2 rows of 2 counts") as caught:
        classes.confusions(Run.open(run.path))
    assert "\n" not in str(caught.value)


def test_more_than_a_hundred_classes_keep_the_matrix_of_the_test_set_alone() -> None:
    names = [f"c{k}" for k in range(101)]
    counts = np.eye(101, dtype=np.int64)
    found = classes.kept({"train": counts, "test": counts}, names)
    assert set(found) == {"confusion", "per_class"}


def test_counts_of_classes_stored_as_bytes_do_not_overflow() -> None:
    codes = np.array([0, 99, 99], dtype=np.uint8)
    counts = classes.count(codes, codes, 100)
    assert (counts[0, 0], counts[99, 99], counts.sum()) == (1, 2, 3)


def test_rare_mistakes_show_beside_a_dominant_diagonal(make_run: Make) -> None:
    true = [0] * 5000 + [1] * 5000
    run = with_predictions(make_run(classes=["a", "b"]), true, [1, *true[1:]])
    image = figure_of(run, "confusion").axes[0].images[0]
    colours = image.to_rgba(image.get_array())[..., :3]
    assert np.abs(colours[0, 1] - colours[1, 0]).max() > 0.05  # one mistake in 5,000 against none
    assert np.abs(colours[0, 1] - colours[0, 0]).max() > 0.5
    assert to_hex(colours[1, 0]) == "#ffffff"


@pytest.mark.parametrize(
    ("n_classes", "has_text"), [(2, True), (12, True), (24, True), (60, False), (100, False)]
)
def test_cells_hold_text_only_where_it_can_be_read(make_run: Make, n_classes: int, has_text: bool) -> None:
    figure = figure_of(make_run(classes=[f"c{k}" for k in range(n_classes)], n=1200), "confusion")
    texts = [text for axes in figure.axes[:2] for text in axes.texts]
    assert bool(texts) == has_text
    cell = figure.axes[0].get_window_extent().width / n_classes
    assert all(text.get_window_extent().width <= cell for text in texts)
    assert all(text.get_fontsize() >= matrix.LEGIBLE for text in texts)


@pytest.mark.parametrize(
    ("value", "narrow", "text"),
    [(0, False, ""), (0.04, False, "<.1"), (0.06, True, "0.1"), (9.97, True, "10"), (98.44, False, "98.4"),
     (98.44, True, "98"), (100, False, "100")],
)  # fmt: skip
def test_percent_is_short(value: float, narrow: bool, text: str) -> None:
    assert confusion.percent_text(value, narrow) == text


def with_scores(run: Run, **columns: list[object]) -> Run:
    write_table(run.path / "tables" / "per_class.csv", columns)
    return Run.open(run.path)


def test_scores_stand_in_class_order_with_their_support(make_run: Make) -> None:
    run = with_scores(
        make_run(classes=["z", "a", "m"]),
        **{
            "class": ["z", "a", "m"],
            "precision": [0.9, 0.8, 1.0],
            "recall": [0.95, 0.7, 1.0],
            "f1": [0.92, 0.75, 1.0],
        },
        support=[10, 20, 30],
    )
    figure = figure_of(run, "per_class")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["z (10)", "a (20)", "m (30)"]
    bottom, top = axes.get_ylim()
    assert bottom > top  # the first class stands on top
    lines = {line.get_label(): list(line.get_xdata()) for line in axes.get_lines()}
    assert lines == {"precision": [0.9, 0.8, 1.0], "recall": [0.95, 0.7, 1.0], "F1": [0.92, 0.75, 1.0]}
    assert len({line.get_marker() for line in axes.get_lines()}) == 3
    assert any("axis starts at 0.6" in text for text in words(figure))
    assert "Mean F1 over classes 0.890; lowest for a (0.750)" in words(figure)


def test_a_class_without_a_score_is_left_out_without_a_warning(make_run: Make) -> None:
    scores = {"precision": ["", 0.5], "recall": ["nan", 0.6], "f1": ["nan", 0.55]}
    run = with_scores(make_run(), **{"class": ["a", "b"]}, **scores, support=[0, 9])
    line = figure_of(run, "per_class").axes[0].get_lines()[0]
    assert np.isnan(line.get_xdata()).tolist() == [True, False]
    none = with_scores(
        run,
        **{"class": ["a", "b"], "precision": ["", ""], "recall": ["", ""], "f1": ["", ""]},
        support=[0, 0],
    )
    assert class_figures.per_class(none) is None


@pytest.mark.parametrize(
    ("lowest", "start"),
    [(0.0, 0), (0.05, 0), (0.47, 0.4), (0.4, 0.3), (0.862, 0.85), (0.98, 0.97), (1.0, 0.99)],
)
def test_axis_starts_below_the_lowest_score(lowest: float, start: float) -> None:
    assert class_figures.axis_start(lowest) == start


def test_many_classes_stand_in_columns(make_run: Make) -> None:
    figure = figure_of(make_run(classes=[f"c{k}" for k in range(100)], n=1000), "per_class")
    assert len(figure.axes) == 3
    assert sum(len(axes.get_yticklabels()) for axes in figure.axes) == 100
    assert len({axes.get_xlim() for axes in figure.axes}) == 1


def test_curves_and_calibration_say_their_scores(make_run: Make) -> None:
    from sklearn import metrics as rival

    run = make_run(classes=["no", "yes"], n=300, wrong=0.2)
    y, probability = run.predictions["test_true"], run.predictions["test_probability"]
    curves, calibrated = figure_of(run, "roc_and_precision"), figure_of(run, "calibration")
    auc, precision = (
        score(y, probability[:, 1]) for score in (rival.roc_auc_score, rival.average_precision_score)
    )
    assert any(f"yes: AUC {auc:.3f}, AP {precision:.3f}" in text for text in words(curves))
    brier = rival.brier_score_loss(y, probability[:, 1])
    assert any(f"Brier score {brier:.3f}" in " ".join(text.split()) for text in words(calibrated))


def test_without_probabilities_there_are_no_curves(make_run: Make) -> None:
    run = with_predictions(make_run(classes=["a", "b"]), [0, 0, 1, 1, 1], [0, 1, 1, 1, 1])
    assert probabilities.roc_and_precision(run) is None
    assert probabilities.calibration(run) is None


def test_a_set_of_one_class_has_no_curve_but_is_calibrated(make_run: Make) -> None:
    run = make_run(classes=["a", "b"], labels=np.zeros(50), n=50)
    assert probabilities.roc_and_precision(run) is None
    assert probabilities.calibration(run) is not None


def test_many_classes_have_three_curves_in_colour(make_run: Make) -> None:
    figure = figure_of(make_run(classes=[f"c{k}" for k in range(25)], n=1500), "roc_and_precision")
    assert sum("AUC" in text and text.startswith("c") for text in words(figure)) == probabilities.LOWEST
    assert "the other 22 classes" in words(figure)


def test_intervals_of_test_scores_hold_what_a_bootstrap_over_rows_gives(make_run: Make) -> None:
    run = make_run(n=400, wrong=0.2)
    y, probability = run.predictions["test_true"], run.predictions["test_probability"]
    rng = np.random.default_rng(0)
    for name in ("macro_f1", "roc_auc", "brier", "kappa", "average_precision"):
        row = METRICS[name]
        given = probability if row.made_of == "probability" else run.predictions["test_predicted"]
        found = intervals.interval(run, name)
        assert row.score is not None
        assert found is not None
        value, low, high = found
        assert value == pytest.approx(row.score(y, given))
        resampled = [
            row.score(y[rows], given[rows]) for rows in (rng.integers(0, len(y), len(y)) for _ in range(200))
        ]
        assert high - low == pytest.approx(2 * 1.96 * np.std(resampled), rel=0.2)


@pytest.mark.parametrize("name", ["gallery", "mistakes", "examples"])
def test_images_in_colour_are_drawn_in_colour(make_run: Make, name: str) -> None:
    figure = figure_of(make_run(shape=(5, 4, 3)), name)
    assert {np.ndim(image.get_array()) for axes in figure.axes for image in axes.get_images()} == {3}
