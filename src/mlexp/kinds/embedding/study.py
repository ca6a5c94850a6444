"""Embed samples in two dimensions: one or several methods, with subsets of stated size."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import numpy as np

from mlexp import models
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.data.preparation import Preparation
from mlexp.data.scaling import check_squares
from mlexp.data.split import sample
from mlexp.errors import ConfigError, DataError
from mlexp.kinds import unsupervised
from mlexp.kinds.embedding.settings import Embedding
from mlexp.kinds.observer import Observer
from mlexp.metrics import clustering as cluster_scores
from mlexp.store.result import Columns, Result

QUADRATIC = ("mds", "isomap")
COMPONENTS = 20  # components kept as images
FEWEST = 8  # rows; below that neither measure means anything


def check(config: Config) -> None:
    """Check that the model is an embedding."""
    models.class_path(config.model.name, config.task.kind, config.trusted_packages)


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Embed samples of the main set; labels, if any, only colour the figures."""
    methods = unsupervised.methods(config, config.of(Embedding).methods)
    subsets = draw_rows(config, dataset)
    sizes = {method: len(subsets["quadratic" if method in QUADRATIC else "rows"]) for method in methods}
    estimators = {
        name: (method, estimator)
        for method, n in sizes.items()
        for name, estimator in _estimators(config, method, n).items()
    }
    counts = {name: sizes[method] for name, (method, _) in estimators.items()}
    notes = unsupervised.costs(
        sizes, config.memory_mb, "Set embedding.quadratic_rows or embedding.rows lower"
    )
    X, preparation = unsupervised.prepared(config, dataset, subsets["rows"], np.float32)
    observer.started(unsupervised.plan(dataset, {"embedded": len(X)}, preparation.record, notes))
    where = {name: np.searchsorted(subsets["rows"], chosen) for name, chosen in subsets.items()}
    fits = unsupervised.Fits(config, observer)
    coordinates, scores = {}, {}
    for name, (method, estimator) in estimators.items():
        positions = where["quadratic" if method in QUADRATIC else "rows"]
        coordinates[name] = _laid(fits, name, method, estimator, X, positions)
        scores[name] = _scores(config, dataset, X, coordinates[name], subsets["measured"], where["measured"])
    arrays: dict[str, np.ndarray] = {}
    facts: dict[str, Any] = {
        "rows": counts,
        "measured_rows": len(subsets["measured"]),
        "seconds": fits.seconds,
        "parameters": {name: unsupervised.parameters(one) for name, (_, one) in estimators.items()},
    }
    if "pca" in methods:
        arrays, shares = _components(config, dataset, X, preparation, subsets, where, estimators["pca"][1])
        facts |= shares
    return Result(
        metrics={"all": scores[next(iter(scores))]} if len(scores) == 1 else scores,
        predictions=_coordinates(dataset, subsets["rows"], coordinates),
        arrays=arrays | _shown(dataset, subsets["shown"], where["shown"], coordinates),
        tables={"embeddings": _table(scores, counts)},
        facts=facts,
        warnings=fits.warnings,
    )


def _laid(
    fits: unsupervised.Fits, name: str, method: str, estimator: Any, X: np.ndarray, positions: np.ndarray
) -> np.ndarray:
    """Return the coordinates of all samples, NaN for those that the method does not embed."""
    _check_distinct(method, estimator, X[positions])
    found = fits.run(name, method, partial(_embedded, estimator, X[positions]))
    if method == "lle":
        fits.warnings += _pieces(estimator)
    laid = np.full((len(X), found.shape[1]), np.nan)
    laid[positions] = found
    return laid


def _embedded(estimator: Any, X: np.ndarray) -> np.ndarray:
    found = np.asarray(estimator.fit_transform(X))
    if found.ndim != 2 or len(found) != len(X) or not found.shape[1]:
        raise TypeError(f"fit_transform gives shape {found.shape} for {len(X)} samples")
    return found


def draw_rows(config: Config, dataset: Dataset) -> dict[str, np.ndarray]:
    """Draw nested stratified subsets: rows ⊇ quadratic ⊇ measured ⊇ shown.

    Returns
    -------
    Name -> ascending row numbers; each is at most as large as the key of its name says.
    """
    node, rng = config.of(Embedding), np.random.default_rng(config.seed)
    share = node.rows if isinstance(node.rows, int) else round(node.rows * dataset.n_samples)
    rows, subsets = np.arange(dataset.n_samples), {}
    for name, count in (
        ("rows", share),
        ("quadratic", node.quadratic_rows),
        ("measured", node.measured),
        ("shown", node.shown),
    ):
        if count < len(rows):
            rows = rows[sample(dataset.y[rows], count, stratify=dataset.n_classes > 0, rng=rng)]
        subsets[name] = rows
    if len(subsets["rows"]) < FEWEST:
        raise DataError(
            f"An embedding needs at least {FEWEST} samples. Got {len(subsets['rows'])} of data set "
            f"'{dataset.name}': raise embedding.rows or dataset.limit."
        )
    return subsets


def _estimators(config: Config, method: str, n: int) -> dict[str, Any]:
    """Return the unfitted estimators of a method under their names, one for each number of neighbours or perplexity."""
    accepted = _accepted(config, method)
    for key, name in (("neighbors", "n_neighbors"), ("perplexity", "perplexity")):
        values = _several(getattr(config.of(Embedding), key), key)
        if name in accepted and name not in unsupervised.own_params(config, method) and len(values) > 1:
            return {f"{method}_{value:g}": _estimator(config, method, n, {name: value}) for value in values}
    return {method: _estimator(config, method, n, {})}


def _several(value: Any, key: str) -> list[Any]:
    """Return one or several values of a key as a list, each once."""
    values = list(dict.fromkeys(value if isinstance(value, list) else [value]))
    if not values:
        raise ConfigError(f"embedding.{key} must be a number or a list of them. Got [].")
    return values


def _accepted(config: Config, method: str) -> Any:
    path = models.class_path(method, "embedding", config.trusted_packages)
    return inspect.signature(models.imported(path)).parameters


def _estimator(config: Config, method: str, n: int, own: dict[str, Any]) -> Any:
    """Return the unfitted estimator of a method, refused if it needs as many neighbours as there are samples."""
    node, accepted = config.of(Embedding), _accepted(config, method)
    wanted: dict[str, Any] = {
        "n_components": None if method == "pca" else 2,
        "n_neighbors": _several(node.neighbors, "neighbors")[0],
        "perplexity": _several(node.perplexity, "perplexity")[0],
    } | own
    if method == "mds":
        wanted |= {"init": "classical_mds", "n_init": 1}  # "init" since scikit-learn 1.8
    estimator = unsupervised.build(
        config, method, **{name: value for name, value in wanted.items() if name in accepted}
    )
    for name, where in (("n_neighbors", "embedding.neighbors"), ("perplexity", "embedding.perplexity")):
        value = getattr(estimator, name, None)
        if isinstance(value, int | float) and value >= n:
            raise ConfigError(
                f"{where} must be below the number of samples of {method}, {n:,}. Got {value:g}: lower it, or "
                "embed more samples."
            )
    return estimator


def _check_distinct(method: str, estimator: Any, X: np.ndarray) -> None:
    """Refuse too few distinct samples: t-SNE crashes on them, other methods show only rounding errors."""
    check_squares(X, method)
    found = unsupervised.distinct(X)
    wanted = (FEWEST, *(getattr(estimator, name, None) for name in ("n_neighbors", "perplexity")))
    least = max(value + 1 for value in wanted if isinstance(value, int | float))
    if found < least:
        raise DataError(
            f"{method} needs at least {least:g} distinct samples with these settings. Got {found:,} of {len(X):,}: the "
            "others are duplicates. Lower embedding.neighbors or embedding.perplexity, or use other samples or "
            "features."
        )


def _pieces(lle: Any) -> list[str]:
    """Warn when the neighbour graph is disconnected: each component is then mapped to a single point."""
    from scipy.sparse.csgraph import connected_components

    pieces = connected_components(lle.nbrs_.kneighbors_graph(n_neighbors=lle.n_neighbors), directed=False)[0]
    if pieces == 1:
        return []
    return [
        f"lle: the graph of {lle.n_neighbors} neighbours has {pieces:,} components, so the figure shows components "
        "rather than shapes (near-duplicates of an image form such components). Try more embedding.neighbors."
    ]


def _scores(
    config: Config, dataset: Dataset, X: np.ndarray, laid: np.ndarray, rows: np.ndarray, at: np.ndarray
) -> dict[str, float]:
    """Measure an embedding on a subset of its samples, and the separation of its classes."""
    flat = laid[at][:, :2]
    k = min(_several(config.of(Embedding).neighbors, "neighbors")[0], (len(at) - 1) // 2)
    scores = cluster_scores.neighbourhood_scores(X[at].astype(np.float64), flat, k)
    if dataset.n_classes > 1:
        scores["class_silhouette"] = cluster_scores.shape_scores(flat, dataset.y[rows], np.arange(len(rows)))[
            "silhouette"
        ]
    return scores


def _components(
    config: Config,
    dataset: Dataset,
    X: np.ndarray,
    preparation: Preparation,
    subsets: dict[str, np.ndarray],
    where: dict[str, np.ndarray],
    pca: Any,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Keep the spectrum of a fitted PCA; with images, components and reconstructions from the retained ones."""
    share, wanted = pca.explained_variance_ratio_, config.of(Embedding).variance
    reached = np.cumsum(share)
    kept = min(int(np.searchsorted(reached, wanted)) + 1, len(share))
    arrays = {"pca_share": share}
    facts = {
        "components": kept,
        "variance": wanted,
        "reached": float(reached[kept - 1]),
        "features": X.shape[1],
    }
    if dataset.image_shape is not None and not preparation.early:
        rng = np.random.default_rng(config.seed)
        drawn = np.sort(rng.permutation(len(subsets["shown"]))[: config.of(Embedding).pictures])
        rows, some = subsets["shown"][drawn], X[where["shown"][drawn]]
        rebuilt = preparation.inverse(
            (some - pca.mean_) @ pca.components_[:kept].T @ pca.components_[:kept] + pca.mean_
        )
        shape = dataset.image_shape
        arrays |= {
            "pca_mean": preparation.inverse(pca.mean_[None])[0].reshape(shape),
            # A direction, not a point: the way back of two points, one taken from the other.
            "pca_component": (
                preparation.inverse(pca.components_[:COMPONENTS])
                - preparation.inverse(0 * pca.components_[:1])
            ).reshape(-1, *shape),
            "pca_original": np.asarray(dataset.X[rows]).reshape(-1, *shape),
            "pca_rebuilt": rebuilt.reshape(-1, *shape).astype(np.float32),
        } | ({"pca_true": dataset.y[rows]} if dataset.has_labels else {})
    return arrays, facts


def _coordinates(
    dataset: Dataset, rows: np.ndarray, coordinates: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the first two coordinates of every sample; NaN for samples that a method did not embed."""
    laid = {f"{method}_embedding": found[:, :2].astype(np.float32) for method, found in coordinates.items()}
    return {"row": rows} | ({"true": dataset.y[rows]} if dataset.has_labels else {}) | laid


def _shown(
    dataset: Dataset, rows: np.ndarray, at: np.ndarray, coordinates: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Keep what the figures show."""
    arrays = {"shown_true": dataset.y[rows]} if dataset.has_labels else {}
    arrays |= {f"shown_{method}": found[at, :2].astype(np.float32) for method, found in coordinates.items()}
    if dataset.image_shape is not None:
        arrays["shown_image"] = np.asarray(dataset.X[rows]).reshape(-1, *dataset.image_shape)
    return arrays


def _table(scores: dict[str, dict[str, float]], counts: dict[str, int]) -> Columns:
    names = list(next(iter(scores.values())))
    columns: Columns = {"method": list(scores), "rows": list(counts.values())}
    return columns | {name: [entry[name] for entry in scores.values()] for name in names}
