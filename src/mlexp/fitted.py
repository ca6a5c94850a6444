"""The fitted model of a run folder, ready to predict on new raw rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlexp import config as configuration
from mlexp import models, record, skopsfile
from mlexp.data import newrows, tabular
from mlexp.data.prepare import check_reach
from mlexp.data.rows import Rows
from mlexp.errors import DataError
from mlexp.record import Run
from mlexp.schema import Config
from mlexp.tasks import coder

KINDS = ("classification", "regression", "autoencoder", "clustering")
_CAN = "Runs of classification, regression, autoencoder, and clustering by kmeans or gmm, have one."


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model and the preparation that belongs to it; with as many threads as the run had it gives the same bits.

    Attributes
    ----------
    run : the folder it was loaded from
    steps : name and fitted transformer of each step of the preparation
    model : fitted estimator of prepared rows
    classes : name of each class, in the order of its number; empty for a regression
    dtype : type of the prepared rows
    centre, spread : regression: a prediction times `spread` plus `centre` is in the unit of the target
    kind : classification, regression, autoencoder or clustering
    threads : threads of the matrix products in the run
    """

    run: Run
    steps: dict[str, Any]
    model: Any
    classes: tuple[str, ...]
    dtype: np.dtype[Any]
    centre: float = 0.0
    spread: float = 1.0
    kind: str = "classification"
    threads: int = 1

    @property
    def target(self) -> str:
        """Name of what is predicted."""
        return str(self.run.info["dataset"]["target"])

    def predict(self, X: Any) -> np.ndarray:
        """Return the class, the predicted number, the cluster or the reproduction of each row.

        Parameters
        ----------
        X : array of shape (n_samples, n_features), or a pandas data frame with the columns of the training table
            Raw rows, as the data set holds them.

        Returns
        -------
        array of shape (n_samples,)
            Names of classes (str), numbers (float64) or numbers of clusters (int64); an autoencoder gives prepared
            rows, shape (n_samples, n_prepared_features).
        """
        rows = self.prepared(X)
        if self.kind in ("autoencoder", "clustering"):
            return np.asarray(self.model.predict(rows))
        if self.kind == "regression":
            values = np.asarray(self.model.predict(rows), np.float64).reshape(len(rows))
            return values * self.spread + self.centre
        return np.array(self.classes)[np.asarray(self.model.predict(rows), np.int64)]

    def transform(self, X: Any) -> np.ndarray:
        """Return the outputs of an autoencoder's narrowest layer, shape (n_samples, width)."""
        if self.kind != "autoencoder":
            raise DataError(f"{self.run.path} is a run of kind {self.kind}: only an autoencoder has codes.")
        return np.asarray(self.model.transform(self.prepared(X)))

    def predict_proba(self, X: Any) -> np.ndarray | None:
        """Return the probability of each class, shape (n_samples, n_classes); None where the model gives none."""
        if self.kind != "classification" or not hasattr(self.model, "predict_proba"):
            return None
        found = self.model.predict_proba(self.prepared(X))
        whole = np.zeros((len(found), len(self.classes)), found.dtype)
        whole[:, np.asarray(self.model.classes_, np.int64)] = found
        return whole

    def prepared(self, X: Any) -> np.ndarray:
        """Return raw rows as the model takes them, of shape (n_samples, n_prepared_features)."""
        rows = self._numbers(X)
        self._check_filled(rows)
        early = [step for name, step in self.steps.items() if name not in ("scale", "pca")]
        if early:
            rows = np.asarray(rows, np.float64)
            for step in early:
                rows = np.asarray(step.transform(rows))
        scale = self.steps.get("scale")
        factors = {} if scale is None else {"scale": scale.scale_, "shift": scale.min_}
        ready = Rows(rows, dtype=self.dtype, **factors)
        known = () if early else self.run.info["dataset"]["features"]
        check_reach(ready, known or [f"{k + 1}" for k in range(rows.shape[1])], "A new row")
        rows = np.asarray(ready)
        pca = self.steps.get("pca")
        return rows if pca is None else np.asarray(pca.transform(rows), self.dtype)

    def _check_filled(self, rows: np.ndarray) -> None:
        """Refuse what training refused: infinite cells, and empty ones that nothing fills."""
        if rows.dtype.kind != "f":
            return
        wrong = np.isinf(rows) if self.run.info["preparation"].get("impute") else ~np.isfinite(rows)
        if wrong.any():
            row, place = np.argwhere(wrong)[0]
            names = self.run.info["dataset"]["features"]
            column = f"column '{names[place]}'" if names else f"pixel {place + 1}"
            raise DataError(
                f"Row {row + 1} of the new rows has an empty or infinite cell in {column} ({int(wrong.sum())} such "
                f"cells), and {self.run.path} was trained without prepare.impute to fill it. Fill it in, or leave the "
                "row out."
            )

    def _numbers(self, X: Any) -> np.ndarray:
        """Return rows as an array, with the words of a table coded as those of the training table were."""
        wanted = self.run.info["dataset"]
        if hasattr(X, "columns"):
            missing = [name for name in wanted["features"] or () if name not in X.columns]
            if missing or not wanted["features"]:
                raise DataError(
                    "The rows must have the columns of the training table. "
                    f"Missing: {', '.join(missing[:10]) or 'all'}."
                )
            where = "the table of new rows"
            X = newrows.table(tabular.Frame(where, X[wanted["features"]]), wanted, ()).X
        rows = np.asarray(X)
        if rows.ndim != 2 or rows.shape[1] != wanted["n_features"] or rows.dtype.kind not in "biuf":
            raise DataError(
                f"The rows must be numbers of shape (n, {wanted['n_features']}), as {self.run.path} was trained on. "
                f"Got {rows.dtype} of shape {rows.shape}."
            )
        return rows


def load(path: Path, trusted: Sequence[str] = ()) -> Fitted:
    """Load the fitted model of a run of classification, regression, autoencoder or clustering.

    Parameters
    ----------
    path : run folder, or a task's ``latest``
    trusted : packages, besides mlexp's own and scikit-learn's, from which the model may come

    Raises
    ------
    DataError
        No run folder, no fitted model in it, or types in its file that are not trusted.
    """
    run = record.load(path)
    config = configuration.read(run.path / "config.yaml")
    kind, classes = config.task.kind, tuple(run.info["dataset"]["classes"])
    if kind not in KINDS:
        raise DataError(f"{path} is a run of kind {kind}, which has no model for new rows. {_CAN}")
    of = kind, config.threads
    if run.model:
        dotted = models.class_path(config.model.name, kind, trusted)
        try:
            model = _of_engine(config, models.imported(dotted), run.model)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{path / 'model.npz'} is damaged: it does not hold a model of kind {config.model.name} ({error}). "
                "Run the task again."
            ) from error
        return Fitted(run, _steps(run), model, classes, np.dtype(config.model.dtype), *_unit(run.model), *of)
    if not (run.path / "model.skops").exists():
        why = f"the run is {run.info['status']}"
        if run.info["status"] == "completed":
            why = f"{config.model.name} cannot place new rows"
        raise DataError(f"{path} holds no fitted model: {why}. {_CAN}")
    *steps, (_, model) = skopsfile.load(run.path / "model.skops", trusted).steps
    dtype = np.dtype(np.float64 if kind == "clustering" else config.model.dtype)
    if not hasattr(model, "regressor_"):
        return Fitted(run, dict(steps), model, classes, dtype, kind=kind, threads=config.threads)
    target = model.transformer_
    unit = float(target.mean_[0]), float(target.scale_[0])
    return Fitted(run, dict(steps), model.regressor_, classes, dtype, *unit, *of)


@dataclass(frozen=True)
class _Scale:
    """The scaling of an engine's run, with the names that scikit-learn's scaler has."""

    scale_: Any
    min_: Any


def _steps(run: Run) -> dict[str, Any]:
    """Return the preparation that belongs to a network of the engine."""
    if (run.path / "preparation.skops").exists():
        return dict(skopsfile.load(run.path / "preparation.skops").steps)
    return {"scale": _Scale(run.model.get("feature_scale"), run.model.get("feature_shift"))}


def _unit(arrays: Mapping[str, np.ndarray]) -> tuple[float, float]:
    return float(arrays.get("target_shift", 0.0)), float(arrays.get("target_scale", 1.0))


def _of_engine(config: Config, estimator_class: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if hasattr(estimator_class, "from_arrays"):
        return estimator_class.from_arrays(arrays)
    return coder.build(config).restored(arrays)  # scikit-learn's network as an autoencoder
