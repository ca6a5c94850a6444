"""Map the outputs of each layer of a trained classifier by t-SNE, and measure the separation of the classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.config.untrusted import reading
from mlexp.data.dataset import Dataset
from mlexp.data.scaling import has_squares
from mlexp.data.split import Split
from mlexp.errors import ConfigError, DataError
from mlexp.kinds.fitting import Training, train, unfinished
from mlexp.kinds.layers.settings import Layers
from mlexp.kinds.observer import Observer
from mlexp.kinds.sets import NAMES, columns, divided, plan, prepared, sizes, some
from mlexp.nn.learners import PerceptronClassifier
from mlexp.store import Run
from mlexp.store.result import Result


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Train a classifier (or take one from a run folder) and embed every layer's outputs by t-SNE."""
    if dataset.n_classes < 2:
        raise DataError(
            f"Data set '{dataset.name}' has no classes; a task of kind layers needs at least two."
        )
    if config.model.name != "mlp":
        raise ConfigError(
            f"A task of kind layers needs model=mlp, which has layers. Got model={config.model.name}."
        )
    raw = divided(config, dataset)
    rows = {name: some(getattr(raw, name), config.of(Layers).rows, seed=config.split.seed) for name in NAMES}
    _check_rows(config, dataset, min(map(len, rows.values())))
    if config.of(Layers).run:
        training = _given(config, dataset, observer)
    else:
        training = train(replace(config, task=replace(config.task, kind="classification")), dataset, observer)
    if early := unfinished(config, training):
        return early
    parts, model = training.parts, training.model
    found, arrays = _maps(config, parts, rows, model)
    return training.result(
        metrics={
            name: {
                "accuracy": float(np.mean(model.predict(getattr(parts, name).X) == getattr(parts, name).y))
            }
            | {f"silhouette_{row['layer']}": row["silhouette"] for row in found if row["part"] == name}
            for name in NAMES
        },
        arrays=arrays,
        tables={"separation": columns(found)},
        facts={"rows": {name: len(drawn) for name, drawn in rows.items()}},
    )


def _check_rows(config: Config, dataset: Dataset, n_rows: int) -> None:
    """Refuse settings that t-SNE or the silhouette cannot handle."""
    if n_rows <= max(config.of(Layers).perplexity, dataset.n_classes):
        raise ConfigError(
            f"layers.perplexity must be below the number of samples of each set, and so must the number of classes "
            f"({dataset.n_classes}). Got layers.perplexity={config.of(Layers).perplexity:g} for {n_rows} samples: "
            "lower it, or raise layers.rows or split.validation."
        )


def _given(config: Config, dataset: Dataset, observer: Observer) -> Training:
    """Return the network of an earlier run, after checking that it was trained on the same samples."""
    parts, preparation = prepared(config, dataset)
    folder = Path(str(config.of(Layers).run))
    try:
        with reading(folder):
            run = Run.open(folder)
            model = PerceptronClassifier.from_arrays(run.model)
    except DataError as error:
        raise DataError(
            f"layers.run={folder} contains no network of the engine ({error}). Name the folder of a run of model=mlp."
        ) from error
    for what, mine in (("split", sizes(parts)), ("preparation", preparation.record)):
        if run.info.get(what) != mine:
            raise ConfigError(
                f"layers.run={folder} was trained with a {what} different from that of this task: "
                f"{run.info.get(what)}. Set "
                "dataset, split and prepare as they are in its config.yaml."
            )
    summary = model.plan(parts.train.X.shape[1], dataset.n_classes)
    observer.started(plan(dataset, parts, preparation, summary))
    return Training(
        model, parts, parts, preparation, n_classes=dataset.n_classes, tables={"layers": columns(summary)}
    )


def _maps(
    config: Config, parts: Split, rows: dict[str, np.ndarray], model: Any
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Return the separation of the classes in each layer and in its map, and the maps."""
    found, arrays = [], {}
    for name in NAMES:
        part = getattr(parts, name)
        X, y = part.X.take(rows[name]), part.y[rows[name]]
        seen = {f"hidden_{k}": H for k, H in enumerate(model.hidden_outputs(X), 1)}
        # Before softmax, which would press nearly all rows into as many corners as there are classes.
        seen = {"input": X} | seen | {"output": model.logits(X)}
        for layer, H in seen.items():
            row = {"layer": layer, "part": name, "width": H.shape[1], "silhouette": _silhouette(H, y)}
            if layer != "input":
                arrays[f"map_{layer}_{name}"] = _tsne(config, H)
            found.append(row | {"silhouette_of_map": _silhouette(arrays.get(f"map_{layer}_{name}", H), y)})
        arrays |= {f"map_class_{name}": y, f"map_row_{name}": part.index[rows[name]]}
    return found, arrays


def _tsne(config: Config, H: np.ndarray) -> np.ndarray:
    """Return the map of shape (n_rows, 2); all zeros for a layer whose outputs are numerically equal."""
    from sklearn.manifold import TSNE

    if not has_squares(H):
        return np.zeros((len(H), 2), np.float32)
    start = "pca" if H.shape[1] > 1 else "random"
    tsne = TSNE(
        perplexity=config.of(Layers).perplexity, init=start, random_state=config.seed, n_jobs=config.threads
    )
    return np.asarray(tsne.fit_transform(H), np.float32)


def _silhouette(X: np.ndarray, y: np.ndarray) -> float:
    """Return the mean silhouette of samples by class, -1 to 1 (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7)."""
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(X, y))
