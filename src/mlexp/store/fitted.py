"""The fitted model of a run folder, ready to predict on new raw rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlexp import models
from mlexp.config import recorded
from mlexp.config.schema import Config
from mlexp.data import newrows
from mlexp.data.memory import as_pandas
from mlexp.data.rows import Rows
from mlexp.data.scaling import check_reach
from mlexp.data.table import Frame
from mlexp.errors import DataError, MlexpError
from mlexp.store import Run, skopsfile
from mlexp.store.files import damaged
from mlexp.store.isolated import Process

KINDS = ("classification", "regression", "autoencoder", "clustering")
_CAN = "Runs of classification, regression, autoencoder, and clustering by kmeans or gmm, have one."


@dataclass(frozen=True, eq=False)
class FittedModel:
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
    process : where steps and model live, if they are scikit-learn's from a file; `model` is None then
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
    process: Process | None = None

    @property
    def target(self) -> str:
        """Name of what is predicted."""
        return str(self.run.info["dataset"]["target"])

    def predict(self, X: Any) -> np.ndarray:
        """Return the class, the predicted number, the cluster or the reproduction of each row.

        Parameters
        ----------
        X : array of shape (n_samples, n_features) or, of images, (n_samples, height, width), also with 3 channels last;
            or a data frame (pandas or polars) with the columns of the training table
            Raw rows, as the data set holds them.

        Returns
        -------
        array of shape (n_samples,)
            Names of classes (str), numbers (float64) or numbers of clusters (int64); an autoencoder gives prepared
            rows, shape (n_samples, n_prepared_features).
        """
        if self.process:
            return self.process.ask("predict", self._numbers(X))[0]
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
        if self.process:
            return self.process.ask("transform", self._numbers(X))[0]
        return np.asarray(self.model.transform(self.prepared(X)))

    def predict_proba(self, X: Any) -> np.ndarray | None:
        """Return the probability of each class, shape (n_samples, n_classes); None where the model gives none."""
        if not self.gives_probabilities:
            return None
        if self.process:
            return self.process.ask("predict_proba", self._numbers(X))[0]
        found = self.model.predict_proba(self.prepared(X))
        whole = np.zeros((len(found), len(self.classes)), found.dtype)
        whole[:, np.asarray(self.model.classes_, np.int64)] = found
        return whole

    @property
    def gives_probabilities(self) -> bool:
        """Whether `predict_proba` returns an array."""
        if self.process:
            return bool(self.process.facts["probabilities"])
        return self.kind == "classification" and hasattr(self.model, "predict_proba")

    def prepared(self, X: Any) -> np.ndarray:
        """Return raw rows as the model takes them, of shape (n_samples, n_prepared_features)."""
        rows = self._numbers(X)
        self._check_filled(rows)
        if self.process:
            return self.process.ask("prepared", rows)[0]
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
            X = as_pandas(X)
            missing = [name for name in wanted["features"] or () if name not in X.columns]
            if missing or not wanted["features"]:
                raise DataError(
                    "The rows must have the columns of the training table. "
                    f"Missing: {', '.join(missing[:10]) or 'all'}."
                )
            where = "the table of new rows"
            X = newrows.table(Frame(where, X[wanted["features"]]), wanted, ()).X
        rows = np.asarray(X)
        if rows.ndim > 2 and list(rows.shape[1:]) == list(wanted["image_shape"] or ()):
            rows = rows.reshape(len(rows), -1)
        if rows.ndim != 2 or rows.shape[1] != wanted["n_features"] or rows.dtype.kind not in "biuf":
            raise DataError(
                f"The rows must be numbers of shape (n, {wanted['n_features']}), as {self.run.path} was trained on. "
                f"Got {rows.dtype} of shape {rows.shape}."
            )
        return rows


def load(path: Path, trusted: Sequence[str] = (), *, here: bool = False) -> FittedModel:
    """Load the fitted model of a run of classification, regression, autoencoder or clustering.

    What scikit-learn fitted is loaded in a process of its own, which ends with the object that is returned.

    Parameters
    ----------
    path : run folder, or a task's ``latest``
    trusted : packages, besides mlexp's own and scikit-learn's, from which the model may come
    here : load it in this process: a file that was tampered with can end or hang it

    Raises
    ------
    DataError
        No run folder, no fitted model in it, or types in its file that are not trusted.
    """
    run = Run.open(path)
    with_skops = any((run.path / name).exists() for name in ("model.skops", "preparation.skops"))
    process = (
        Process(run.path, trusted) if with_skops and not here else None
    )  # it starts while this one goes on
    config = recorded.read(run.path / "config.yaml")
    kind, classes = config.task.kind, tuple(run.info["dataset"]["classes"])
    if kind not in KINDS:
        raise DataError(f"{path} is a run of kind {kind}, which has no model for new rows. {_CAN}")
    if not run.model and not (run.path / "model.skops").exists():
        why = f"the run is {run.info['status']}"
        if run.info["status"] == "completed":
            why = f"{config.model.name} cannot place new rows"
        raise DataError(f"{path} holds no fitted model: {why}. {_CAN}")
    dtype = np.dtype(np.float64 if kind == "clustering" else config.model.dtype)
    if process:
        process.open(config.threads)
        return FittedModel(run, {}, None, classes, dtype, kind=kind, threads=config.threads, process=process)
    if run.model:
        unit, steps = _unit(run), _steps(run)
        return FittedModel(
            run, steps, _of_engine(config, run, trusted), classes, dtype, *unit, kind, config.threads
        )
    file = run.path / "model.skops"
    try:
        *steps_of_file, (_, model) = skopsfile.load(file, trusted).steps
        steps, unit = dict(steps_of_file), (0.0, 1.0)
        if hasattr(model, "regressor_"):
            unit = float(model.transformer_.mean_[0]), float(model.transformer_.scale_[0])
            model = model.regressor_
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise damaged(file, f"it holds no pipeline of a run ({error})") from error
    return FittedModel(run, steps, model, classes, dtype, *unit, kind, config.threads)


@dataclass(frozen=True)
class _Scale:
    """The scaling of an engine's run, with the names that scikit-learn's scaler has."""

    scale_: Any
    min_: Any


def _steps(run: Run) -> dict[str, Any]:
    """Return the preparation that belongs to a network of the engine."""
    file = run.path / "preparation.skops"
    if file.exists():
        try:
            return dict(skopsfile.load(file).steps)
        except (AttributeError, TypeError, ValueError) as error:
            raise damaged(file, f"it holds no pipeline of a run ({error})") from error
    n_features = run.info["dataset"]["n_features"]
    factors = {name: run.model.get(f"feature_{name}") for name in ("scale", "shift")}
    for name, factor in factors.items():
        if factor is not None and not (_is_number(factor) and factor.shape in ((), (1,), (n_features,))):
            raise damaged(
                run.path / "model.npz", f"feature_{name} is not a number for each of {n_features} features"
            )
    return {"scale": _Scale(factors["scale"], factors["shift"])}


def _unit(run: Run) -> tuple[float, float]:
    unit = run.model.get("target_shift", np.zeros(())), run.model.get("target_scale", np.ones(()))
    if not all(_is_number(value) and value.shape == () for value in unit) or not unit[1] > 0:
        raise damaged(run.path / "model.npz", "target_shift and target_scale are no numbers")
    return float(unit[0]), float(unit[1])


def _is_number(array: np.ndarray) -> bool:
    return array.dtype.kind in "iuf" and bool(np.isfinite(array).all())


def _of_engine(config: Config, run: Run, trusted: Sequence[str]) -> Any:
    """Return the network of a run, once its arrays are what its own settings ask for and the classes are those."""
    kind, n_classes = config.task.kind, len(run.info["dataset"]["classes"])
    path = models.class_path(config.model.name, kind, trusted)
    try:
        if path.startswith(models.ENGINE):
            model = models.imported(path).from_arrays(run.model)
            if kind == "classification" and len(model.classes_) != n_classes:
                raise ValueError(f"{len(model.classes_)} classes for the {n_classes} of the data")
            return model
        return models.build_autoencoder(
            config.model, seed=config.seed, trusted=config.trusted_packages
        ).restored(run.model)
    except Exception as error:  # settings and arrays of any kind, in any place
        said = (
            str(error) if isinstance(error, ValueError | MlexpError) else f"{type(error).__name__}: {error}"
        )
        raise damaged(
            run.path / "model.npz", f"it does not hold a model of kind {config.model.name} ({said})"
        ) from error
