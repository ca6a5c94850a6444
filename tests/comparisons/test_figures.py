"""Pictures of a comparison: what they show, and that they can be drawn with two arms and with twelve."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from tests.drawing.seen import shown

from mlexp import store
from mlexp.comparisons import figures as comparison
from mlexp.comparisons.analysis import analyse, write
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.comparisons.figures import curves, scores
from mlexp.comparisons.figures.arms import Arms
from mlexp.config.studies import Comparison
from mlexp.drawing import style
from mlexp.store import Run, record
from mlexp.store.files import write_json, write_table
from mlexp.store.result import Result

pytestmark = pytest.mark.usefixtures("styled")

METRIC = PartMetric("test", "accuracy")
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress"]


def run(place: Path, share: float, seed: int, dataset: str) -> Run:
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
        }
    )
    for epoch in range(1, 9 + seed % 3):
        folder.append_epoch({"epoch": epoch, "validation_accuracy": share * (1 - 0.5**epoch)}, 0.01 * epoch)
    folder.write_result(
        Result(
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


def compared(tmp_path: Path, arms: dict[str, float], *, seeds: int = 3, datasets: int = 1) -> Arms:
    entries = {}
    for at, (arm, share) in enumerate(arms.items()):
        runs = [
            run(tmp_path / f"{at}-{seed}-{data}", share, 100 * at + 10 * data + seed, f"data {data}")
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
    arms = compared(tmp_path, {f"a rather long arm {k}": 0.95 - 0.05 * k for k in range(n)}, seeds=2)
    names = set(comparison.FIGURES) - ({"looks"} if n > 2 else {"looks", "ranking"})
    files = comparison.draw(arms.comparison)
    assert {file.stem for file in files} == names
    if n == 2:
        before = [file.read_bytes() for file in files]
        assert [file.read_bytes() for file in comparison.draw(arms.comparison)] == before


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
    assert figure.axes[1].get_xlabel().startswith("Seconds")


def test_bars_stand_for_steps_of_one_size() -> None:
    edges = curves._edges(np.array([-50.0, 0.0, 0.0, 100.0]))
    assert edges.tolist() == [-75, -25, 25, 75, 125]
    uneven = curves._edges(np.random.default_rng(0).normal(size=30))
    assert len(uneven) == 16


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
            style.freeze(figure)
            boxes = [text.get_window_extent() for text in shown(figure)]
            for one, other in itertools.combinations(boxes, 2):
                assert not one.padded(-1).overlaps(other.padded(-1))
            for box in boxes:
                assert box.x0 >= 0
                assert box.x1 <= figure.bbox.x1
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
