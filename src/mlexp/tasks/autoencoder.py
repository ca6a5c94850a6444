"""Squeeze rows through a narrow layer and rebuild them; what is lost, and what the narrow layer holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.chain import Preparation
from mlexp.data.dataset import Dataset, Part, Split
from mlexp.data.prepare import has_squares
from mlexp.errors import ConfigError
from mlexp.observer import Observer, Plan
from mlexp.result import Result
from mlexp.schema import Config
from mlexp.tasks import reconstruction
from mlexp.tasks.sets import NAMES, check_memory, columns, described, prepared, sizes, some


@dataclass(frozen=True)
class Trained:
    """An autoencoder after its training, with the rows it saw."""

    parts: Split
    preparation: Preparation
    coder: Any
    facts: dict[str, Any]
    summary: list[dict[str, Any]]


def autoencoder(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Train an autoencoder and judge it beside a PCA of the same width, the best that a linear one can do."""
    trained = train(config, dataset, observer)
    return unfinished(config, trained) or _judged(config, dataset, trained)


def train(config: Config, dataset: Dataset, observer: Observer) -> Trained:
    """Check everything, announce the run and train."""
    parts, preparation = prepared(config, dataset)
    coder, width = reconstruction.build(config), parts.train.X.shape[1]
    check_width(config, width, len(parts.train))
    summary = coder.plan(width, width)
    check_memory(config, summary)
    observer.started(
        Plan(
            dataset=described(dataset),
            split=sizes(parts),
            preparation=preparation.record,
            model=summary,
            n_parameters=sum(row["parameters"] for row in summary),
            epochs=config.model.epochs,
        )
    )
    coder.fit(
        parts.train.X,
        X_validation=parts.validation.X,
        on_epoch=observer.epoch,
        should_stop=observer.stop_requested,
        on_state=lambda state: observer.checkpoint(state.to_arrays),
        resume=observer.checkpointed(),
    )
    facts = {
        "epochs": len(coder.history_),
        "best_epoch": coder.best_epoch_,
        "stopped": coder.status_,
        "n_parameters": coder.n_parameters_,
        "width": int(min(coder.hidden)),
    }
    return Trained(parts, preparation, coder, facts, summary)


def check_width(config: Config, n_features: int, n_rows: int) -> None:
    """Refuse an autoencoder without a narrow layer, or one that a PCA of its width cannot be laid beside."""
    hidden = config.model.hidden
    if not hidden or min(hidden) > min(n_features, n_rows):
        raise ConfigError(
            f"The narrowest layer of model.hidden must be from 1 to {min(n_features, n_rows)}, the smaller of "
            f"features and training rows. Got model.hidden={list(hidden)}."
        )


def unfinished(config: Config, trained: Trained) -> Result | None:
    """Return the result of a training that diverged or was stopped; None if it came to its end."""
    facts, tables = trained.facts, {"layers": columns(trained.summary)}
    if facts["stopped"] == "interrupted":
        return Result(status="interrupted", model=trained.coder.to_arrays(), facts=facts, tables=tables)
    if facts["stopped"] == "diverged":
        rate = config.model.learning_rate
        problem = (
            f"Training diverged: the loss was not finite in epoch {facts['epochs']} with "
            f"model.learning_rate={rate:g}. Try model.learning_rate={rate / 10:g} or less."
        )
        return Result(status="diverged", problem=problem, facts=facts, tables=tables)
    return None


def fitted_pca(X: Any, width: int) -> Any:
    """Return a PCA fitted on training rows."""
    from sklearn.decomposition import PCA

    return PCA(width, svd_solver="covariance_eigh").fit(np.asarray(X))


def _judged(config: Config, dataset: Dataset, trained: Trained) -> Result:
    """Score all parts and keep what the pictures need; the test part is read here for the first time."""
    parts, coder, width = trained.parts, trained.coder, trained.facts["width"]
    if not config.split.judge:
        return _unjudged(trained)
    pca = fitted_pca(parts.train.X, width)
    scores = {
        name: reconstruction.reconstruction_scores(getattr(parts, name).X, coder.predict) for name in NAMES
    }
    floor = {
        name: reconstruction.reconstruction_scores(
            getattr(parts, name).X, lambda rows: pca.inverse_transform(pca.transform(rows))
        )
        for name in NAMES
    }
    reference = {f"pca_{name}_mse": values["mse"] for name, values in floor.items()}
    compared = [
        {"method": method, "width": width, "part": name, **values[name]}
        for method, values in ((config.model.name, scores), ("pca", floor))
        for name in NAMES
    ]
    return Result(
        metrics=scores,
        predictions={
            "test_row": parts.test.index,
            "test_true": parts.test.y,
            "test_squared_error": reconstruction.row_errors(coder, parts.test.X),
        },
        arrays=_latent(config, parts.test, coder) | _images(config, dataset, trained, pca),
        model=coder.to_arrays() | trained.preparation.factors(),
        pipeline=None if trained.preparation.scales_only else trained.preparation.pipeline(),
        tables={"layers": columns(trained.summary), "reconstruction": columns(compared)},
        facts=trained.facts | reference | {"r2": "mean over features of 1 - SSE / SST (uniform average)"},
        warnings=_warnings(scores["validation"]["mse"], parts.validation.X, coder),
    )


def _unjudged(trained: Trained) -> Result:
    """Return what a setting is chosen by; the test part is kept aside."""
    parts, coder = trained.parts, trained.coder
    return Result(
        metrics={
            name: reconstruction.reconstruction_scores(getattr(parts, name).X, coder.predict)
            for name in NAMES[:2]
        },
        predictions={"validation_squared_error": reconstruction.row_errors(coder, parts.validation.X)},
        model=coder.to_arrays() | trained.preparation.factors(),
        tables={"layers": columns(trained.summary)},
        facts=trained.facts,
    )


def _latent(config: Config, test: Part, coder: Any) -> dict[str, np.ndarray]:
    """Keep some test rows in the first two principal directions of the latent space."""
    rows = some(test, config.autoencoder.latent_rows, seed=config.split.seed)
    codes = coder.transform(test.X.take(rows)).astype(np.float64)
    xy, ratio, width = np.zeros((len(rows), 2), np.float32), np.zeros(2), min(2, *codes.shape)
    if has_squares(codes):  # a dead layer gives every row the same
        pca = fitted_pca(codes, width)
        xy[:, :width], ratio[:width] = pca.transform(codes), pca.explained_variance_ratio_
    return {"latent_xy": xy, "latent_class": test.y[rows], "latent_ratio": ratio}


def _images(config: Config, dataset: Dataset, trained: Trained, pca: Any) -> dict[str, np.ndarray]:
    """Keep originals, their reconstructions, and the way from one image to another, in stored units."""
    if dataset.image_shape is None or trained.preparation.early:
        return {}
    test, coder, shape = trained.parts.test, trained.coder, dataset.image_shape
    rows = some(test, config.autoencoder.pictures, seed=config.split.seed)
    rows = rows[np.argsort(test.y[rows], kind="stable")]
    X = test.X.take(rows)
    ends = X[[0, int(np.argmax(test.y[rows] != test.y[rows[0]])) or len(rows) - 1]]
    way = np.linspace(0, 1, config.autoencoder.steps, dtype=X.dtype)[:, None]
    codes = coder.transform(ends)

    def stored(values: np.ndarray) -> np.ndarray:
        return trained.preparation.inverse(values).reshape(-1, *shape).astype(np.float32)

    return {
        "picture_position": rows,
        "picture_original": stored(X),
        "picture_rebuilt": stored(coder.predict(X)),
        "picture_pca": stored(pca.inverse_transform(pca.transform(X))),
        "between_latent": stored(coder.inverse_transform((1 - way) * codes[0] + way * codes[1])),
        "between_pixels": stored((1 - way) * ends[0] + way * ends[1]),
        "between_ends": stored(ends),
        "pixel_range": np.array([0.0, dataset.pixel_max or stored(X).max()]),
    }


def _warnings(error: float, X: Any, coder: Any) -> list[str]:
    """Say so when the autoencoder is no better than giving every row the same answer."""
    mean = reconstruction.reconstruction_scores(
        X, lambda rows: np.broadcast_to(np.asarray(X).mean(axis=0), rows.shape)
    )
    if error < 0.99 * mean["mse"]:
        return []
    return [
        f"Nothing was learnt: the validation error {error:.4g} is no better than that of the mean row "
        f"({mean['mse']:.4g}). Try a larger model.learning_rate, more model.epochs or model.init=auto."
    ]
