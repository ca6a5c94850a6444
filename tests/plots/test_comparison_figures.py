"""Pictures of a comparison: what they show, and that they can be drawn with two arms and with twelve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlexp import comparison_folder, record
from mlexp.comparisons.analysis import analyse, write
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.metric import Metric
from mlexp.plots import comparison, comparison_curves, comparison_scores, style
from mlexp.plots.comparison_arms import Arms
from mlexp.record import Run
from mlexp.result import Result
from mlexp.studies import Comparison

METRIC = Metric("test", "accuracy")
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
    return Arms(comparison_folder.load(place))


def texts(figure: object) -> str:
    return " | ".join(text.get_text() for text in figure.findobj(match=lambda one: hasattr(one, "get_text")))  # type: ignore[attr-defined]


@pytest.mark.parametrize("n", [2, 12])
def test_every_figure_is_drawn_and_repeats(tmp_path: Path, n: int) -> None:
    arms = compared(tmp_path, {f"a rather long arm {k}": 0.95 - 0.05 * k for k in range(n)}, seeds=2)
    names = set(comparison.FIGURES) - (set() if n > 2 else {"ranking"})
    files = comparison.draw(arms.comparison)
    assert {file.stem for file in files} == names
    if n == 2:
        before = [file.read_bytes() for file in files]
        assert [file.read_bytes() for file in comparison.draw(arms.comparison)] == before


def test_means_belong_to_their_arms(tmp_path: Path) -> None:
    arms = compared(tmp_path, {"worst": 0.3, "best": 0.9, "middle": 0.6}, seeds=1, datasets=6)
    with style.settings():
        figure = comparison_scores.ranking(arms)
    assert figure is not None
    said = texts(figure)
    for arm, values in arms.values.items():
        assert f"{arm} {values.mean():.2f}" in said


def test_the_interval_and_the_margin_are_drawn(tmp_path: Path) -> None:
    arms = compared(tmp_path, {"one": 0.9, "other": 0.5})
    with style.settings():
        figure = comparison_scores.differences(arms)
    assert figure is not None
    pair = arms.info["pairs"][0]
    drawn = [list(line.get_xdata()) for line in figure.axes[0].lines]
    assert [100 * pair["low"], 100 * pair["high"]] in drawn
    assert "grey band: the margin" in texts(figure)
    assert "one − other" in texts(figure)


def test_curves_end_where_half_of_the_runs_end(tmp_path: Path) -> None:
    arms = compared(tmp_path, {"one": 0.9, "other": 0.5})
    with style.settings():
        figure = comparison_curves.learning_curves(arms)
    assert figure is not None
    assert max(figure.axes[0].lines[0].get_xdata()) == 9  # of 8, 9 and 10 epochs
    assert figure.axes[1].get_xlabel().startswith("Seconds")


def test_bars_stand_for_steps_of_one_size() -> None:
    edges = comparison_curves._edges(np.array([-50.0, 0.0, 0.0, 100.0]))
    assert edges.tolist() == [-75, -25, 25, 75, 125]
    uneven = comparison_curves._edges(np.random.default_rng(0).normal(size=30))
    assert len(uneven) == 16
