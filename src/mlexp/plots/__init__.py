"""Pictures of a run, drawn from its recorded files alone: any of them can be redrawn without fitting again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlexp.drawing import style
from mlexp.drawing import tiles as pictures
from mlexp.kinds import boundary_figure as boundary
from mlexp.kinds import curves
from mlexp.kinds.autoencoder import figures as autoencoder
from mlexp.kinds.by_hand import figures as by_hand
from mlexp.kinds.classification import figures as classes
from mlexp.kinds.clustering import figures as clustering
from mlexp.kinds.embedding import figures as embedding
from mlexp.kinds.explore import figures as explore
from mlexp.kinds.layers import figures as layers
from mlexp.kinds.regression import figures as regression
from mlexp.store.record import Run
from mlexp.tuning import figures as tuning

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A figure is None where the folder does not hold what it shows.
FIGURES: dict[str, Callable[[Run], Figure | None]] = {
    "tuning": tuning.scores,
    "tuning_importance": tuning.importance,
    "tuning_curves": tuning.curves,
    "learning_curves": curves.learning_curves,
    "confusion": classes.confusion,
    "per_class": classes.per_class,
    "gallery": pictures.gallery,
    "mistakes": pictures.mistakes,
    "boundary": boundary.boundary,
    "predicted_against_true": regression.predicted_against_true,
    "clusters": clustering.clusters,
    "clusters_by_k": clustering.clusters_by_k,
    "cluster_gallery": clustering.cluster_gallery,
    "centres": clustering.centres,
    "samples": clustering.samples,
    "embedding": embedding.by_class,
    "embedding_images": embedding.by_image,
    "pca_variance": embedding.variance,
    "pca_components": embedding.components,
    "pca_reconstructions": embedding.reconstructions,
    "error_curves": autoencoder.error_curves,
    "reconstructions": autoencoder.reconstructions,
    "latent": autoencoder.latent,
    "between": autoencoder.between,
    "features": autoencoder.features,
    "hidden_layers": layers.maps,
    "separation": layers.separation,
    "random_images": explore.random_images,
    "images_by_class": explore.by_class,
    "class_balance": explore.balance,
    "nearest_distances": explore.distances,
    "pixels": explore.pixels,
    "computation_graph": by_hand.graph,
    "step_sizes": by_hand.step_sizes,
}


def draw(run: Run) -> list[Path]:
    """Draw every figure that the recorded files allow.

    The same files give the same bytes. Matplotlib's settings are set aside while this runs and put back
    afterwards; as they belong to the whole process, do not draw in two threads at once.

    Parameters
    ----------
    run : Run
        The run folder; one that failed or has not ended gives the figures that it has the data for.

    Returns
    -------
    list of Path
        The files written, ``<run.path>/figures/<name>.png``, in the order of `FIGURES`.

    Raises
    ------
    DataError
        If a file of the folder is missing or damaged, or its arrays do not belong together.
    """
    return style.draw(run.path, FIGURES, run)
