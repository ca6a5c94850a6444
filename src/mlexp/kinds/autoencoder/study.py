"""Train an autoencoder, and measure its reconstructions and its latent space."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.data.scaling import has_squares
from mlexp.data.split import Part
from mlexp.errors import ConfigError
from mlexp.kinds.autoencoder.settings import Autoencoder
from mlexp.kinds.fitting import Training, diagnosed, fit_observed, trained, unfinished
from mlexp.kinds.observer import Observer
from mlexp.kinds.reconstruction import reconstruction_scores
from mlexp.kinds.sets import NAMES, check_memory, columns, plan, prepared, some
from mlexp.models import build_autoencoder
from mlexp.models.sklearn_networks import reconstruction_errors
from mlexp.store.result import Result


def check(config: Config) -> None:
    """Check the model as far as possible without data."""
    build_autoencoder(config.model, seed=config.seed, trusted=config.trusted_packages)


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Train an autoencoder and compare it with a PCA of the same width, the best that a linear one can do."""
    training = train(config, dataset, observer)
    return unfinished(config, training) or _evaluated(config, dataset, training)


def train(config: Config, dataset: Dataset, observer: Observer) -> Training:
    """Check everything, announce the run and train."""
    parts, preparation = prepared(config, dataset)
    model = build_autoencoder(config.model, seed=config.seed, trusted=config.trusted_packages)
    width = parts.train.X.shape[1]
    check_width(config, width, len(parts.train))
    summary = model.plan(width, width)
    check_memory(config, summary)
    observer.started(plan(dataset, parts, preparation, summary, config.model.epochs))
    data = (parts.train.X, None, parts.validation.X, None)
    fit_observed([model], [observer], data, diagnosed=diagnosed(config, summary), device=config.device)
    training = trained(
        Training(model, parts, parts, preparation, name=config.model.name, image_shape=dataset.image_shape),
        model,
    )
    facts = training.facts | {"width": int(min(model.hidden))}
    return replace(training, facts=facts, tables={"layers": columns(summary)})


def check_width(config: Config, n_features: int, n_rows: int) -> None:
    """Refuse an autoencoder without a bottleneck, or with one too wide for PCA of the same width."""
    hidden = config.model.hidden
    if not hidden or min(hidden) > min(n_features, n_rows):
        raise ConfigError(
            f"The narrowest layer of model.hidden must be from 1 to {min(n_features, n_rows)}, the smaller of "
            f"the numbers of features and training samples. Got model.hidden={list(hidden)}."
        )


def fitted_pca(X: Any, width: int) -> Any:
    """Return a PCA fitted on training samples."""
    from sklearn.decomposition import PCA

    return PCA(width, svd_solver="covariance_eigh").fit(np.asarray(X))


def _evaluated(config: Config, dataset: Dataset, training: Training) -> Result:
    """Score all sets and keep what the figures need; the test set is used here for the first time."""
    parts, model, width = training.parts, training.model, training.facts["width"]
    if not config.split.judge:  # what a setting is chosen by; the test set is kept aside
        return training.result(
            metrics={
                name: reconstruction_scores(getattr(parts, name).X, model.predict) for name in NAMES[:2]
            },
            predictions={"validation_squared_error": reconstruction_errors(model, parts.validation.X)},
        )
    pca = fitted_pca(parts.train.X, width)
    methods = {config.model.name: model.predict, "pca": lambda X: pca.inverse_transform(pca.transform(X))}
    scores, floor = (
        {name: reconstruction_scores(getattr(parts, name).X, rebuild) for name in NAMES}
        for rebuild in methods.values()
    )
    reference = {f"pca_{name}_mse": values["mse"] for name, values in floor.items()}
    compared = [
        {"method": method, "width": width, "part": name, **values[name]}
        for method, values in zip(methods, (scores, floor), strict=True)
        for name in NAMES
    ]
    return training.result(
        metrics=scores,
        predictions={
            "test_row": parts.test.index,
            "test_true": parts.test.y,
            "test_squared_error": reconstruction_errors(model, parts.test.X),
        },
        arrays=_latent(config, parts.test, model) | _images(config, dataset, training, pca),
        tables={"reconstruction": columns(compared)},
        facts=reference | {"r2": "mean over features of 1 - SSE / SST (uniform average)"},
        warnings=_warnings(scores["validation"]["mse"], parts.validation.X),
    )


def _latent(config: Config, test: Part, model: Any) -> dict[str, np.ndarray]:
    """Keep some test samples in the first two principal directions of the latent space."""
    rows = some(test, config.of(Autoencoder).latent_rows, seed=config.split.seed)
    codes = model.transform(test.X.take(rows)).astype(np.float64)
    xy, ratio, width = np.zeros((len(rows), 2), np.float32), np.zeros(2), min(2, *codes.shape)
    if has_squares(codes):  # a dead layer gives every row the same
        pca = fitted_pca(codes, width)
        xy[:, :width], ratio[:width] = pca.transform(codes), pca.explained_variance_ratio_
    return {"latent_xy": xy, "latent_class": test.y[rows], "latent_ratio": ratio}


def _images(config: Config, dataset: Dataset, training: Training, pca: Any) -> dict[str, np.ndarray]:
    """Keep originals, their reconstructions, and an interpolation between two images, in stored units."""
    if dataset.image_shape is None or training.preparation.early:
        return {}
    test, model, shape = training.parts.test, training.model, dataset.image_shape
    rows = some(test, config.of(Autoencoder).pictures, seed=config.split.seed)
    rows = rows[np.argsort(test.y[rows], kind="stable")]
    X = test.X.take(rows)
    ends = X[[0, int(np.argmax(test.y[rows] != test.y[rows[0]])) or len(rows) - 1]]
    way = np.linspace(0, 1, config.of(Autoencoder).steps, dtype=X.dtype)[:, None]
    codes = model.transform(ends)

    def stored(values: np.ndarray) -> np.ndarray:
        return training.preparation.inverse(values).reshape(-1, *shape).astype(np.float32)

    return {
        "picture_position": rows,
        "picture_original": stored(X),
        "picture_rebuilt": stored(model.predict(X)),
        "picture_pca": stored(pca.inverse_transform(pca.transform(X))),
        "between_latent": stored(model.inverse_transform((1 - way) * codes[0] + way * codes[1])),
        "between_pixels": stored((1 - way) * ends[0] + way * ends[1]),
        "between_ends": stored(ends),
        "pixel_range": np.array([0.0, dataset.pixel_max or stored(X).max()]),
    }


def _warnings(error: float, X: Any) -> list[str]:
    """Warn when the autoencoder is no better than predicting the mean sample."""
    mean = reconstruction_scores(X, lambda rows: np.broadcast_to(np.asarray(X).mean(axis=0), rows.shape))
    if error < 0.99 * mean["mse"]:
        return []
    return [
        f"Nothing was learnt: the validation error {error:.4g} is no better than that of the mean training sample "
        f"({mean['mse']:.4g}). Try a larger model.learning_rate, more model.epochs or model.init=auto."
    ]
