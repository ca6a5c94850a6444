"""Figures of clusterings and embeddings: what a reader sees of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.drawing.seen import figure_of, words

from mlexp.drawing import groups, style
from mlexp.kinds.clustering import figures as clustering
from mlexp.kinds.embedding import figures as embedding
from mlexp.store import Run, record
from mlexp.store.result import Result

pytestmark = pytest.mark.usefixtures("styled")


def write(outputs: Path, classes: list[str], result: Result) -> Run:
    folder = record.create(outputs, "synthetic", "0a1b2c3d")
    folder.write_info(
        {
            "status": "completed",
            "task": {"name": "synthetic", "kind": "clustering"},
            "seed": 0,
            "dataset": {"name": "synthetic", "classes": classes},
            "facts": result.facts,
        }
    )
    folder.write_result(result)
    folder.close(keep_checkpoint=False)
    return Run.open(folder.path)


def clustered(outputs: Path, *, ks: tuple[int, ...] = (2, 3, 4), classes: int = 3) -> Run:
    rng = np.random.default_rng(0)
    true = rng.integers(0, classes, 200)
    scores = {"silhouette": 0.5, "ari": 0.25, "nmi": 0.5, "accuracy": 0.7, "purity": 0.8, "inertia": 9.0}
    table: dict[str, list[Any]] = {"method": ["kmeans"] * len(ks), "k": list(ks)}
    table |= {name: [value / k for k in ks] for name, value in scores.items()}
    facts = {"k": {"kmeans": 3}, "chosen": {"kmeans": False}, "why": {"kmeans": "edge"}, "pictured": "kmeans"}
    return write(
        outputs,
        [f"class {k}" for k in range(classes)],
        Result(
            metrics={"all": scores},
            predictions={"true": true, "kmeans_cluster": (true + 1) % 3},
            arrays={
                "scatter_row": np.arange(50),
                "scatter_point": rng.normal(size=(50, 2)).astype(np.float32),
                "scatter_share": np.array([0.6, 0.2]),
                "centre_image": rng.random((3, 8, 8)),
                "member_image": rng.integers(0, 255, (9, 8, 8)).astype(np.uint8),
                "member_cluster": np.repeat([0, 1, 2], 3),
            },
            tables={"clusterings": table},
            facts=facts,
        ),
    )


def test_clusters_name_classes_axes_and_scores(tmp_path: Path) -> None:
    seen = words(figure_of(clustered(tmp_path), "clusters"))
    assert {"class 0", "class 1", "class 2", "PC 1 (60.0 % of the variance)"} <= set(seen)
    assert any("ARI 0.250" in text for text in seen)


def test_clusters_take_the_colour_of_the_class_they_share_most_with() -> None:
    true, labels = np.array([0, 0, 1, 1, 2, 2]), np.array([5, 5, 3, 3, 9, -1])
    assert clustering.recoloured(labels, true).tolist() == [0, 0, 1, 1, 2, -1]
    assert clustering.recoloured(np.array([0, 0, 1]), np.array([0, 0, 0])).tolist() == [0, 0, 1]


def test_curves_by_k_say_that_nothing_was_selected(tmp_path: Path) -> None:
    seen = words(figure_of(clustered(tmp_path), "clusters_by_k"))
    assert any("no k selected (edge)" in text for text in seen)
    assert clustering.clusters_by_k(clustered(tmp_path, ks=(3,))) is None


def test_gallery_and_centres_state_size_and_most_frequent_class(tmp_path: Path) -> None:
    run = clustered(tmp_path)
    for name in ("cluster_gallery", "centres"):
        seen = " ".join(words(figure_of(run, name)))
        assert "samples" in seen
        assert "class 2: 100 %" in seen
    assert clustering.samples(run) is None


def test_letters_are_drawn_for_many_short_names_and_shapes_else() -> None:
    figure = style.new_figure(2, "x")
    axes = figure.subplots()
    groups.scatter(axes, np.zeros((9, 2)), np.arange(9), "ABCDEFGHI")
    assert groups.legend_height("ABCDEFGHI") == 0
    assert groups.legend_height(["left", "right"]) > 0
    looks = {(str(groups.marker(k, ())["marker"]), groups.marker(k, ())["color"]) for k in range(49)}
    assert len(looks) == 49


def test_images_are_drawn_where_they_cover_no_other() -> None:
    points = np.random.default_rng(0).random((300, 2))
    kept = points[embedding.apart(points, (0.1, 0.2))]
    near = np.abs(kept[:, None] - kept[None]) < [0.1, 0.2]
    assert near.all(axis=2).sum() == len(kept)  # each is near to itself alone
    assert 20 < len(kept) < 100


@pytest.mark.parametrize("classes", [["a", "b"], []])
def test_embeddings_with_classes_and_with_numbers(tmp_path: Path, classes: list[str]) -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, 30) if classes else rng.random(30)
    scores = {"trustworthiness": 0.9, "continuity": 0.8}
    run = write(
        tmp_path,
        classes,
        Result(
            metrics={"tsne": scores, "lle": scores},
            arrays={"shown_true": true, "shown_tsne": rng.random((30, 2)), "shown_lle": rng.random((30, 2))},
            facts={"rows": {"tsne": 30, "lle": 20}, "seconds": {"tsne": 1.0, "lle": 2.0}},
        ),
    )
    seen = words(embedding.by_class(run))
    assert any("t-SNE: 30 samples, 1.0 s" in text for text in seen)
    assert ("target" in seen) is (not classes)
    assert embedding.by_image(run) is None
    assert embedding.variance(run) is None


def test_a_few_outliers_do_not_rule_the_axes() -> None:
    points = np.random.default_rng(0).normal(size=(500, 2))
    np.testing.assert_array_equal(embedding.axis_limits(points), [points.min(axis=0), points.max(axis=0)])
    points[:4, 0] = [900, 901, -800, 1000]
    low, high = embedding.axis_limits(points)
    assert -20 < low[0] < high[0] < 20
    assert (low[1], high[1]) == (points[:, 1].min(), points[:, 1].max())
    points[:, 0] = 3.0
    assert np.isfinite(embedding.axis_limits(points)).all()
