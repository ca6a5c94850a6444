"""Cluster samples without their labels: one or several methods and k, with k selected by a stated rule."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mlexp import models
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.data.preparation import Preparation
from mlexp.data.scaling import check_squares
from mlexp.errors import ConfigError, DataError
from mlexp.kinds import unsupervised
from mlexp.kinds.clustering import figure_data
from mlexp.kinds.clustering.settings import Clustering
from mlexp.kinds.observer import Observer
from mlexp.metrics import clustering as cluster_scores
from mlexp.store.result import Columns, Result

SCATTERED = 2000  # points kept for the picture in two dimensions
RULES = {  # rule -> score that it looks at, and its smallest k that makes sense
    "silhouette": ("silhouette", 2),
    "bic": ("bic", 1),
    "knee": ("inertia", 1),
}


@dataclass(frozen=True)
class Grouping:
    """The result of one method with one k."""

    method: str
    k: int
    labels: np.ndarray
    scores: dict[str, float]
    estimator: Any


@dataclass(frozen=True)
class ChosenK:
    """The k of a rule, whether it is selected, and why."""

    position: int
    chosen: bool
    why: str


def check(config: Config) -> None:
    """Check that the model is a clustering model."""
    models.class_path(config.model.name, config.task.kind, config.trusted_packages)


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Cluster the samples of the main set; labels, if any, only score the clusters."""
    if dataset.n_samples < 3:
        raise DataError(
            f"Data set '{dataset.name}' has {dataset.n_samples} samples; clustering needs at least 3."
        )
    rows = np.arange(dataset.n_samples)
    methods = unsupervised.methods(config, config.of(Clustering).methods)
    _check(config, methods, dataset.n_samples)
    notes = unsupervised.costs(
        dict.fromkeys(_priced(config, methods), len(rows)), config.memory_mb, "Set dataset.limit lower"
    )
    X, preparation = unsupervised.prepared(config, dataset, rows, np.float64)
    check_squares(X, "clustering")
    jobs = [(method, k, estimator) for method in methods for k, estimator in _estimators(config, method, X)]
    _check_distinct(max(k for _, k, _ in jobs), X)
    observer.started(unsupervised.plan(dataset, {"clustered": len(rows)}, preparation.record, notes))
    rng = np.random.default_rng(config.seed)
    measured = np.sort(rng.permutation(len(X))[: config.of(Clustering).silhouette_rows])
    fits = unsupervised.Fits(config, observer)
    groupings = [_grouping(fits, method, k, estimator, X, dataset, measured) for method, k, estimator in jobs]
    return _result(config, dataset, X, preparation, groupings, fits, measured, rng)


def _check(config: Config, methods: list[str], n: int) -> None:
    """Refuse as many clusters or neighbours as samples, and a rule without its score."""
    node = config.of(Clustering)
    largest = max(_grid(config))
    if largest >= n:
        raise ConfigError(
            f"clustering.k must be below the number of samples, {n:,}. Got {largest:,}: choose fewer clusters or "
            "more samples."
        )
    if "spectral_neighbors" in methods and node.neighbors >= n:
        raise ConfigError(
            f"clustering.neighbors must be below the number of samples, {n:,}. Got {node.neighbors:,}."
        )
    if isinstance(own := config.model.params.get("n_neighbors"), int) and own >= n:
        raise ConfigError(
            f"model.params.n_neighbors must be below the number of samples, {n:,}. Got {own:,}."
        )
    for method in methods:
        names = set(dir(_class(config, method)))
        if (node.choose == "bic" and "bic" not in names) or (node.choose == "knee" and "bic" in names):
            raise ConfigError(
                f"clustering.choose={node.choose} does not apply to {method}: bic is for mixtures (gmm), knee for "
                "methods with an inertia (kmeans). clustering.choose=silhouette applies to all."
            )


def _check_distinct(k: int, X: np.ndarray) -> None:
    """Refuse more clusters than distinct samples: some would be empty, or split identical samples."""
    if k > (found := unsupervised.distinct(X)):
        raise DataError(
            f"clustering.k must be at most the number of distinct samples, {found:,} of {len(X):,}. Got {k:,}: choose "
            "fewer clusters, or other samples or features."
        )


def _grid(config: Config) -> list[int]:
    k = config.of(Clustering).k
    ks = sorted(set(k if isinstance(k, list) else [k]))
    if not ks:
        raise ConfigError("clustering.k must be a whole number of at least 1 or a list of them. Got [].")
    return ks[: config.of(Clustering).first]


def _priced(config: Config, methods: list[str]) -> list[str]:
    """Return the methods by cost: spectral clustering on neighbours is cheap under either of its names."""
    cheap = config.model.params.get("affinity") == "nearest_neighbors"
    return ["spectral_neighbors" if method == "spectral" and cheap else method for method in methods]


def _class(config: Config, method: str) -> Any:
    name = unsupervised.MODEL.get(method, method)
    return models.imported(models.class_path(name, "clustering", config.trusted_packages))


def _estimators(config: Config, method: str, X: np.ndarray) -> list[tuple[int, Any]]:
    """Return the unfitted estimators of a method with their k; k is 0 if a method determines its own."""
    node, signature = config.of(Clustering), inspect.signature(_class(config, method)).parameters
    word = next((name for name in ("n_clusters", "n_components") if name in signature), None)
    if word in config.model.params:
        raise ConfigError(f"model.params.{word} is set by clustering.k: write clustering.k=... instead.")
    own: dict[str, Any] = {}
    if method == "spectral_neighbors":
        own = {"affinity": "nearest_neighbors", "n_neighbors": node.neighbors}
    elif method == "spectral_gaussian":
        width = node.width or _kernel_width(X)
        own = {"affinity": "rbf", "gamma": 1 / (2 * width * width)}
    if "compute_distances" in signature:
        own["compute_distances"] = True  # of the merges, for their tree
    if word is None:
        return [(0, unsupervised.build(config, method, **own))]
    return [(k, unsupervised.build(config, method, **own, **{word: k})) for k in _grid(config)]


def _kernel_width(X: np.ndarray) -> float:
    """Return the standard deviation of the pairwise distances; refuse it if all are equal."""
    width, size = cluster_scores.pairwise_deviation(X), float(np.linalg.norm(np.ptp(X, axis=0)))
    if width <= 1e-9 * size:
        raise DataError(
            "spectral_gaussian takes its width from the standard deviation of the pairwise distances, but all "
            f"distances are equal here. Set it yourself: clustering.width={size:.3g}."
        )
    return width


def _grouping(
    fits: unsupervised.Fits,
    method: str,
    k: int,
    estimator: Any,
    X: np.ndarray,
    dataset: Dataset,
    measured: np.ndarray,
) -> Grouping:
    labels = fits.run(f"{method} k={k}" if k else method, method, partial(_labels, estimator, X))
    found = len(np.unique(labels[labels >= 0]))
    scores = {"clusters": float(found), "noise": float(np.mean(labels < 0))}
    scores |= cluster_scores.shape_scores(X, labels, measured)
    if hasattr(estimator, "inertia_"):
        scores["inertia"] = float(estimator.inertia_)
    if hasattr(estimator, "bic"):
        scores |= {"aic": float(estimator.aic(X)), "bic": float(estimator.bic(X))}
    if dataset.n_classes > 1:
        scores |= cluster_scores.agreement_scores(dataset.y, labels)
    return Grouping(method, k or found, labels, scores, estimator)


def _labels(estimator: Any, X: np.ndarray) -> np.ndarray:
    labels = np.asarray(estimator.fit_predict(X))
    if labels.shape != (len(X),) or labels.dtype.kind not in "iu":
        raise TypeError(f"fit_predict gives {labels.dtype} of shape {labels.shape} for {len(X)} samples")
    return labels


def choose(ks: list[int], scores: list[dict[str, float]], rule: str | None) -> ChosenK:
    """Select one of several k by a rule; a best value at the edge of the grid is shown but not selected.

    Parameters
    ----------
    ks : ascending numbers of clusters
    scores : the scores of each
    rule : silhouette (highest), bic (lowest), knee (of the inertia), or None for the first
    """
    if len(ks) == 1 or rule is None:
        return ChosenK(0, len(ks) == 1, "the given k" if len(ks) == 1 else "no rule: the first k is shown")
    score, least = RULES[rule]
    values = np.array([entry.get(score, np.nan) for entry in scores])
    if rule == "knee":
        at = cluster_scores.knee(ks, values.tolist())
        return ChosenK(
            at or 0, at is not None, "knee of the inertia" if at else "no knee: the first k is shown"
        )
    if np.isnan(values).all():
        return ChosenK(0, False, f"no {score} for any k: the first k is shown")
    best = int(np.nanargmax(values) if rule == "silhouette" else np.nanargmin(values))
    words = "highest silhouette" if rule == "silhouette" else "lowest BIC"
    edge = best == len(ks) - 1 or (best == 0 and ks[0] > least)
    return ChosenK(best, not edge, f"{words}, at the edge of the grid, not selected" if edge else words)


def _result(
    config: Config,
    dataset: Dataset,
    X: np.ndarray,
    preparation: Preparation,
    groupings: list[Grouping],
    fits: unsupervised.Fits,
    measured: np.ndarray,
    rng: np.random.Generator,
) -> Result:
    by_method: dict[str, list[Grouping]] = {}
    for grouping in groupings:
        by_method.setdefault(grouping.method, []).append(grouping)
    shown: dict[str, Grouping] = {}
    choices: dict[str, ChosenK] = {}
    for method, found in by_method.items():
        scores = [one.scores for one in found]
        choices[method] = choose([one.k for one in found], scores, config.of(Clustering).choose)
        shown[method] = found[choices[method].position]
    last = list(shown.values())[-1]
    places_new_rows = hasattr(last.estimator, "predict")
    only = len(shown) == 1
    truth = {"true": dataset.y} if dataset.n_classes > 1 else {}
    tables, arrays = _figure_data(dataset, X, shown, measured)
    return Result(
        metrics={("all" if only else method): one.scores for method, one in shown.items()},
        predictions={**truth, **{f"{method}_cluster": one.labels for method, one in shown.items()}},
        arrays=_scatter(X, shown, rng) | _pictures(config, dataset, X, preparation, last, rng) | arrays,
        pipeline=preparation.pipeline(("model", last.estimator)) if places_new_rows else None,
        tables={"clusterings": _table(groupings)} | tables,
        facts=_facts(config, X, shown, choices, fits) | {"pictured": last.method},
        warnings=fits.warnings + _sentences(shown, choices),
    )


def _facts(
    config: Config,
    X: np.ndarray,
    shown: dict[str, Grouping],
    choices: dict[str, ChosenK],
    fits: unsupervised.Fits,
) -> dict[str, Any]:
    return {
        "rows": len(X),
        "features": X.shape[1],
        "silhouette_rows": min(config.of(Clustering).silhouette_rows, len(X)),
        "k": {method: one.k for method, one in shown.items()},
        "chosen": {method: choice.chosen for method, choice in choices.items()},
        "why": {method: choice.why for method, choice in choices.items()},
        "seconds": fits.seconds,
        "parameters": {method: unsupervised.parameters(one.estimator) for method, one in shown.items()},
    }


def _table(groupings: list[Grouping]) -> Columns:
    """Return one row per method and k; scores that a method does not have are empty cells."""
    names = dict.fromkeys(name for grouping in groupings for name in grouping.scores)
    columns: Columns = {"method": [one.method for one in groupings], "k": [one.k for one in groupings]}
    return columns | {name: [one.scores.get(name, "") for one in groupings] for name in names}


def _sentences(shown: dict[str, Grouping], choices: dict[str, ChosenK]) -> list[str]:
    return [
        f"{method}: k={shown[method].k} is shown because no k was selected ({choice.why})."
        for method, choice in choices.items()
        if not choice.chosen
    ]


def _figure_data(
    dataset: Dataset, X: np.ndarray, shown: dict[str, Grouping], measured: np.ndarray
) -> tuple[dict[str, Columns], dict[str, np.ndarray]]:
    """Return the table of the clusters, and the silhouettes, typical images and merges of each method."""
    labels = {method: one.labels for method, one in shown.items()}
    silhouette = {method: figure_data.silhouettes(X, found, measured) for method, found in labels.items()}
    typical = {
        method: figure_data.nearest_to_mean(X, found, figure_data.TYPICAL) for method, found in labels.items()
    }
    arrays: dict[str, np.ndarray] = {f"{method}_silhouette": found for method, found in silhouette.items()}
    arrays["measured_row"] = measured
    for method, one in shown.items():
        if getattr(one.estimator, "distances_", None) is not None:
            merged = figure_data.merges(one.estimator.children_, one.estimator.distances_, one.labels)
            arrays |= {f"{method}_{name}": values for name, values in merged.items()}
        if dataset.image_shape is not None:
            members = typical[method]
            rows = np.concatenate([*members.values(), np.empty(0, np.intp)])
            origin = np.repeat(list(members), [len(chosen) for chosen in members.values()])
            arrays |= {
                f"{method}_typical_image": np.asarray(dataset.X[rows]).reshape(-1, *dataset.image_shape),
                f"{method}_typical_cluster": origin,
            }
    return {"clusters": figure_data.table(dataset, labels, silhouette, typical, measured)}, arrays


def _scatter(X: np.ndarray, shown: dict[str, Grouping], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Keep points for a figure in two dimensions, by PCA if there are more features, and the ellipses of a mixture."""
    rows = np.sort(rng.permutation(len(X))[:SCATTERED])
    points, share, axes, centre = X, np.empty(0), None, np.zeros(X.shape[1])
    if X.shape[1] > 2:
        from sklearn.decomposition import PCA

        pca = PCA(2, random_state=0).fit(X)
        points, share, axes, centre = (
            pca.transform(X),
            pca.explained_variance_ratio_,
            pca.components_,
            pca.mean_,
        )
    arrays: dict[str, np.ndarray] = {
        "scatter_row": rows,
        "scatter_point": points[rows].astype(np.float32),
        "scatter_share": share,
    }
    for method, one in shown.items():
        if X.shape[1] > 1 and hasattr(one.estimator, "covariances_"):
            found = figure_data.ellipses(one.estimator, axes, centre)
            arrays |= {f"{method}_{name}": values for name, values in found.items()}
    return arrays


def _pictures(
    config: Config,
    dataset: Dataset,
    X: np.ndarray,
    preparation: Preparation,
    grouping: Grouping,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Keep centres and members of each cluster as images, and new images if the method can sample them."""
    if dataset.image_shape is None or preparation.early:
        return {}
    shape, names = dataset.image_shape, np.unique(grouping.labels)
    centres = getattr(grouping.estimator, "cluster_centers_", getattr(grouping.estimator, "means_", None))
    if centres is None or len(centres) != len(names):
        centres = np.stack([X[grouping.labels == name].mean(axis=0) for name in names])
    members = [
        np.sort(rng.permutation(np.flatnonzero(grouping.labels == name))[: config.of(Clustering).pictures])
        for name in names
    ]
    rows = np.concatenate(members)
    arrays = {
        "centre_image": _pixels(preparation.inverse(centres), dataset),
        "member_image": np.asarray(dataset.X[rows]).reshape(-1, *shape),
        "member_cluster": np.repeat(names, [len(chosen) for chosen in members]),
    }
    if hasattr(grouping.estimator, "sample"):
        drawn, components = grouping.estimator.sample(config.of(Clustering).samples)
        arrays |= {"sample_image": _pixels(preparation.inverse(drawn), dataset), "sample_cluster": components}
    return arrays


def _pixels(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Return raw features as images, clipped to the range of the pixels."""
    assert dataset.image_shape is not None
    images: np.ndarray = np.clip(values, 0, dataset.pixel_max or np.inf).astype(np.float32)
    return images.reshape(-1, *dataset.image_shape)
