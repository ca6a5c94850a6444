"""Pictures of a comparison: what they show, and that they can be drawn with two arms and with twelve."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.drawing.seen import shown

from mlexp import store
from mlexp.comparisons import figures as comparison
from mlexp.comparisons.analysis import analyse, write
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.comparisons.figures import beside, classes, curves, paired, scores
from mlexp.comparisons.figures.arms import Arms
from mlexp.drawing import style
from mlexp.kinds.comparison.settings import Comparison
from mlexp.store import Run, record
from mlexp.store.files import write_json, write_table
from mlexp.store.result import Result

pytestmark = pytest.mark.usefixtures("styled")

METRIC = PartMetric("test", "accuracy")
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress"]


def run(
    place: Path, share: float, seed: int, dataset: str, arrays: dict[str, np.ndarray] | None = None
) -> Run:
    """Write a run that gets about `share` of 200 rows right."""
    rng = np.random.default_rng(seed)
    y = np.arange(200) % len(CLASSES)
    right = rng.random(200) < share
    folder = record.create(place.parent, "made", "0", place)
    folder.write_info(
        {
            "status": "completed",
            "error": None,
            "dataset": {"name": "made", "classes": CLASSES, "fingerprint": dataset},
            "split": {"train": 500, "test": 200, "fingerprint": "s"},
            "facts": {},
            "seed": seed,
        }
    )
    for epoch in range(1, 9 + seed % 3):
        reached = share * (1 - 0.5**epoch)
        row = {"epoch": epoch, "train_loss": 1 - reached, "validation_loss": 1.1 - reached}
        folder.append_epoch(
            row | {"train_accuracy": reached, "validation_accuracy": reached - 0.01}, 0.01 * epoch
        )
    folder.write_result(
        Result(
            arrays=arrays or {},
            metrics={"test": {"accuracy": float(right.mean())}},
            predictions={
                "test_row": np.arange(200),
                "test_true": y,
                "test_predicted": np.where(right, y, (y + 1) % len(CLASSES)),
                "test_correct": right,
            },
        )
    )
    folder.close(keep_checkpoint=False)
    return Run(place)


def compared(
    tmp_path: Path,
    arms: dict[str, float],
    *,
    seeds: int = 3,
    datasets: int = 1,
    arrays: dict[str, np.ndarray] | None = None,
) -> Arms:
    entries = {}
    for at, (arm, share) in enumerate(arms.items()):
        runs = [
            run(tmp_path / f"{at}-{seed}-{data}", share, 100 * at + 10 * data + seed, f"data {data}", arrays)
            for data in range(datasets)
            for seed in range(seeds)
        ]
        entries[arm] = [Entry(arm, f"run {k}", one, METRIC) for k, one in enumerate(runs)]
    place = tmp_path / "compared"
    done = analyse(Evidence(METRIC, entries), Comparison(target=0.6, margin=0.02), folder=place)
    write(done, place, {}, figures=False)
    return Arms(store.Comparison.open(place))


def texts(figure: object) -> str:
    return " | ".join(text.get_text() for text in figure.findobj(match=lambda one: hasattr(one, "get_text")))  # type: ignore[attr-defined]


@pytest.mark.parametrize("n", [2, 4, 12])
def test_every_figure_is_drawn_and_repeats(tmp_path: Path, n: int) -> None:
    arms = compared(tmp_path, {f"a rather long arm {k}": 0.95 - 0.05 * k for k in range(n)}, seeds=3)
    absent = {"leaderboard", "boundaries", "clusterings", "reconstructions", "looks"} | (
        {"ranking", "confusions"} if n == 2 else set()
    )
    files = comparison.draw(arms.comparison)
    assert {file.stem for file in files} == set(comparison.FIGURES) - absent
    if n == 2:
        before = [file.read_bytes() for file in files]
        assert [file.read_bytes() for file in comparison.draw(arms.comparison)] == before


def apart(figure: Figure) -> None:
    """Hold that no two texts lie on one another and none leaves the figure."""
    style.freeze(figure)
    boxes = [text.get_window_extent() for text in shown(figure)]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.padded(-1).overlaps(other.padded(-1))
    for box in boxes:
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1


@pytest.mark.parametrize("n", [2, 12, 40])
def test_no_text_lies_on_another_however_many_arms(tmp_path: Path, n: int) -> None:
    arms = compared(
        tmp_path, {f"learning rate {0.1 / 2**k:.4g} hidden {k}-8": 0.95 - 0.01 * k for k in range(n)}, seeds=1
    )
    drawn = (
        curves.curves_by_arm,
        curves.learning_curves,
        classes.per_class,
        scores.scores,
        classes.confusions,
    )
    for draw in drawn:
        with style.settings():
            figure = draw(arms)
            if figure is not None:
                apart(figure)
    assert len(arms.shown) == min(n, 12 if n <= 12 else 10)
    assert len(arms.shown) + len(arms.others) == n


def test_each_arm_has_its_own_panels_with_both_sets(tmp_path: Path) -> None:
    arms = compared(tmp_path, {"one": 0.9, "two": 0.7, "three": 0.5}, seeds=1)
    with style.settings():
        figure = curves.curves_by_arm(arms)
    assert figure is not None
    assert [axes.get_title("left") for axes in figure.axes if axes.get_title("left")] == arms.names
    assert len(figure.axes) == 6
    for place, arm in enumerate(arms.names):
        history = arms.runs[arm][0].history
        for row, (what, scale) in enumerate({"loss": 1, "accuracy": 100}.items()):
            training, validation = figure.axes[3 * row + place].lines
            assert np.allclose(training.get_ydata(), scale * history[f"train_{what}"])
            assert np.allclose(validation.get_ydata(), scale * history[f"validation_{what}"])
            assert figure.axes[3 * row + place].get_ylim() == figure.axes[3 * row].get_ylim()


def test_the_training_loss_of_all_arms_stands_beside_the_validation_loss(tmp_path: Path) -> None:
    arms = compared(tmp_path, {f"arm {k}": 0.95 - 0.04 * k for k in range(14)}, seeds=1)
    with style.settings():
        figure = curves.learning_curves(arms)
    assert figure is not None
    titles = ["Training loss", "Validation loss", "Training accuracy", "Validation accuracy"]
    assert [axes.get_title("left") for axes in figure.axes] == titles
    assert len(figure.axes[0].lines) == 14
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [*arms.names[:10], "4 others"]


def test_boundaries_stand_side_by_side(tmp_path: Path) -> None:
    grid = np.linspace(-1, 1, 11)
    inside = (grid[:, None] ** 2 + grid[None] ** 2 < 0.5).astype(np.uint16)
    points = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    arrays = {"boundary_x": grid, "boundary_y": grid, "boundary_class": inside, "test_points": points,
              "test_class": np.arange(20) % 2, "train_points": points}  # fmt: skip
    arms = compared(tmp_path, {"one": 0.9, "two": 0.7, "three": 0.5}, arrays=arrays)
    with style.settings():
        figure = beside.boundaries(arms)
    assert figure is not None
    apart(figure)
    assert [axes.get_title("left").split("\n")[0] for axes in figure.axes] == arms.names
    value = arms.runs["one"][0].metrics["test"]["accuracy"]
    assert f"test accuracy {100 * value:.2f} %" in figure.axes[0].get_title("left")
    assert "first run of each arm" in figure.get_suptitle()


def test_reconstructions_of_every_arm_stand_below_the_originals(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((12, 4, 4)).astype(np.float32)
    arrays = {"picture_original": images, "picture_rebuilt": images / 2, "picture_position": np.arange(12),
              "pixel_range": np.array([0.0, 1.0])}  # fmt: skip
    arms = compared(tmp_path, {"one": 0.9, "other": 0.5}, arrays=arrays)
    with style.settings():
        figure = beside.reconstructions(arms)
    assert figure is not None
    said = texts(figure)
    assert all(words in said for words in ("original", "one\n", "other\n"))


def test_confusions_are_counted_over_all_runs_of_an_arm(tmp_path: Path) -> None:
    arms = compared(tmp_path, {"one": 0.9, "other": 0.5})
    with style.settings():
        figure = classes.confusion(arms)
    assert figure is not None
    right = sum(
        int(run.predictions["test_correct"][run.predictions["test_true"] == 0].sum())
        for run in arms.runs["one"]
    )
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said[0].split("\n")[1] == str(right)


def test_a_class_without_samples_is_left_out(tmp_path: Path) -> None:
    arms = compared(tmp_path, {"one": 0.9, "other": 0.5})
    for run in (run for of in arms.runs.values() for run in of):
        assert len(run.predictions["test_true"]) == 200
        kept = run.predictions["test_true"] != 2
        for name in list(run.predictions):
            run.predictions[name] = run.predictions[name][kept]
    with style.settings():
        figure = classes.per_class(arms)
    assert figure is not None
    said = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert said == ["T-shirt/top", "Trouser", "Dress"]


def test_differences_of_runs_are_those_of_each_with_each(tmp_path: Path) -> None:
    arms = compared(tmp_path, {"one": 0.9, "other": 0.5})
    with style.settings():
        figure = paired.paired_differences(arms)
    assert figure is not None
    assert "one is ahead in 9 of 9 pairs of runs" in " ".join(figure.get_suptitle().split())


def test_means_belong_to_their_arms(tmp_path: Path) -> None:
    arms = compared(tmp_path, {"worst": 0.3, "best": 0.9, "middle": 0.6}, seeds=1, datasets=6)
    with style.settings():
        figure = scores.ranking(arms)
    assert figure is not None
    said = texts(figure)
    for arm, values in arms.values.items():
        assert f"{arm} {values.mean():.2f}" in said


def test_the_interval_and_the_margin_are_drawn(tmp_path: Path) -> None:
    arms = compared(tmp_path, {"one": 0.9, "other": 0.5})
    with style.settings():
        figure = scores.differences(arms)
    assert figure is not None
    pair = arms.info["pairs"][0]
    drawn = [list(line.get_xdata()) for line in figure.axes[0].lines]
    assert [100 * pair["low"], 100 * pair["high"]] in drawn
    assert "grey band: the margin" in texts(figure)
    assert "one − other" in texts(figure)


def test_curves_end_where_half_of_the_runs_end(tmp_path: Path) -> None:
    arms = compared(tmp_path, {"one": 0.9, "other": 0.5})
    with style.settings():
        figure = curves.learning_curves(arms)
    assert figure is not None
    assert max(figure.axes[0].lines[0].get_xdata()) == 9  # of 8, 9 and 10 epochs


def many(tmp_path: Path, n: int, high: float | None = 0.02) -> Arms:
    """Return arms of which the first, third and fourth may be best."""
    names = [f"learning_rate={0.1 / 2**k:.4g} hidden=[{k + 3},8]" for k in range(n)]
    means = np.linspace(0.95, 0.6, n)
    ahead = {name: [float(mean) - 0.96, high if k in (0, 2, 3) else 0.0]
             for k, (name, mean) in enumerate(zip(names, means, strict=True))}  # fmt: skip
    write_json(
        tmp_path / "comparison.json",
        {
            "format": 1,
            "status": "completed",
            "metric": "test.accuracy",
            "measure": {"words": "test accuracy", "share": True, "higher_is_better": True},
            "answer": ["May be best."],
            "pairs": [],
            "ranking": names,
            "margin": 0.01,
            "arms": [{"name": name, "mean": float(mean)} for name, mean in zip(names, means, strict=True)],
            "with_best": {
                "level": 0.95,
                "may_be_best": [names[k] for k in (0, 2, 3)],
                "not_best": [name for k, name in enumerate(names) if k not in (0, 2, 3)],
                "ahead": ahead,
            },
        },
    )
    runs = {"arm": names, "run": ["seed=0"] * n, "value": means.tolist(), "folder": [""] * n}
    write_table(tmp_path / "tables/runs.csv", runs)
    return Arms(store.Comparison.open(tmp_path))


@pytest.mark.parametrize("n", [5, 12, 40])
def test_many_arms_are_drawn_against_the_best(tmp_path: Path, n: int) -> None:
    arms = many(tmp_path, n)
    with style.settings():
        for figure in (scores.ranking(arms), scores.differences(arms)):
            assert figure is not None
            apart(figure)
        best, gaps = scores.ranking(arms), scores.differences(arms)
    assert best is not None
    assert gaps is not None
    assert f"3 of {n} arms may be best" in texts(best)
    bars = [list(line.get_xdata()) for line in best.axes[0].lines if line.get_linewidth() == 3]
    means = 100 * np.linspace(0.95, 0.6, n)
    assert bars == [pytest.approx([means[3], means[2]])]  # the second arm is not best: the first stands alone
    drawn = [list(line.get_xdata()) for line in gaps.axes[0].lines]
    low, high = arms.with_best["ahead"][arms.names[0]]
    assert [100 * low, 100 * high] in drawn
    assert "filled: may be best; grey band: the margin" in texts(gaps)


def test_an_end_without_limit_is_drawn_to_the_edge(tmp_path: Path) -> None:
    arms = many(tmp_path, 5, high=None)
    with style.settings():
        figure = scores.differences(arms)
    assert figure is not None
    ends = np.concatenate([line.get_xdata() for line in figure.axes[0].lines])
    assert np.isfinite(np.asarray(ends, float)).all()
