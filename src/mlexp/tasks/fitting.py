"""Fit one model to labelled rows: the engine's networks, scikit-train's networks pass by pass, all else in one go."""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from mlexp import metrics, models
from mlexp.config.schema import Config
from mlexp.data.chain import Preparation, prepared
from mlexp.data.dataset import Dataset, Part, Split, split
from mlexp.data.prepare import centre_and_deviation
from mlexp.data.rows import Rows
from mlexp.errors import ConfigError, DataError
from mlexp.guarded import guarded
from mlexp.nn.stack import fit_stack
from mlexp.nn.state import CALLBACK, State
from mlexp.observer import Observer, Plan
from mlexp.result import Columns, Result
from mlexp.schema import Config
from mlexp.tasks.sets import check_memory, columns, described, sizes

SMALLEST_SPREAD = 1e-150  # of targets: squared errors neither vanish nor overflow


@dataclass(frozen=True, eq=False)
class Training:
    """A fitted model, the rows it was fitted to, and how it went.

    Attributes
    ----------
    model : the fitted estimator
    n_classes : number of classes, 0 for a regression
    raw, parts : the rows as they are stored, and prepared
    preparation : what was fitted on the training part
    centre, spread : regression: a prediction times `spread` plus `centre` is in the unit of the target
    name, params : of the model, as the configuration has them
    facts, tables, warnings : what the record says of the fit
    status : completed, diverged or interrupted
    """

    model: Any
    raw: Split
    parts: Split
    preparation: Preparation
    n_classes: int = 0
    centre: float = 0.0
    spread: float = 1.0
    name: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Columns] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    status: str = "completed"

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """Return targets as the model is fitted to them: mean 0 and deviation 1 for numbers, codes for classes."""
        return y if self.n_classes else (y - self.centre) / self.spread

    def predicted(self, X: Rows) -> np.ndarray:
        """Return predicted numbers of shape (n_rows,), in the unit of the target."""
        with self._asked():
            values = np.asarray(self.model.predict(X if self.is_engine else np.asarray(X)), np.float64)
            return values.reshape(len(X)) * self.spread + self.centre

    def classified(self, X: Rows) -> tuple[np.ndarray, np.ndarray | None]:
        """Return predicted classes, and the probability of each class where the model gives one."""
        if self.is_engine:
            probability: np.ndarray = self.model.predict_proba(X)
            return probability.argmax(axis=1), probability
        rows = np.asarray(X)
        with self._asked():
            classes = np.asarray(self.model.predict(rows))
            if not hasattr(self.model, "predict_proba"):
                return classes, None
            found = self.model.predict_proba(rows)
            whole = np.zeros((len(rows), self.n_classes), found.dtype)
            whole[:, self.model.classes_] = found
            return classes, whole

    def _asked(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.is_engine else guarded(f"model={self.name}", self.params, "predict")

    @property
    def is_engine(self) -> bool:
        """Whether the model is one of the engine's networks."""
        return hasattr(self.model, "to_arrays")

    def result(self, **found: Any) -> Result:
        """Return the result of the run: what is known of the fit, and what was `found` with it."""
        arrays = self.arrays() if self.is_engine and self.status != "diverged" else {}
        return Result(
            status=self.status,
            model=arrays,
            pipeline=self.pipeline() if self.status == "completed" else None,
            tables=self.tables | found.pop("tables", {}),
            facts=self.facts | found.pop("facts", {}),
            warnings=[*self.warnings, *found.pop("warnings", [])],
            **found,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the network, and the scaling of features and target that belongs to it."""
        kept = {
            "target_scale": self.spread if self.spread != 1 else None,
            "target_shift": self.centre if self.centre != 0 else None,
        }
        arrays: dict[str, np.ndarray] = self.model.to_arrays()
        kept_arrays = {name: np.asarray(value) for name, value in kept.items() if value is not None}
        return arrays | self.preparation.factors() | kept_arrays

    def pipeline(self) -> Any:
        """Return a scikit-train pipeline of raw rows; of the preparation alone where the engine holds the model."""
        if self.is_engine:
            return None if self.preparation.scales_only else self.preparation.pipeline()
        return self.preparation.pipeline(("model", self._in_unit_of_target()))

    def _in_unit_of_target(self) -> Any:
        if (self.centre, self.spread) == (0.0, 1.0):
            return self.model
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler().fit([[0.0], [1.0]])
        scaler.mean_, scaler.scale_ = np.array([self.centre]), np.array([self.spread])
        scaler.var_ = scaler.scale_**2
        whole = TransformedTargetRegressor(regressor=self.model, transformer=StandardScaler())
        whole.regressor_, whole.transformer_, whole._training_dim = self.model, scaler, 1
        return whole


def train(config: Config, dataset: Dataset, observer: Observer) -> Training:
    """Divide, prepare, check and fit; the test part is prepared but not looked at."""
    return train_together([config], dataset, [observer])[0]


def train_together(
    configs: Sequence[Config], dataset: Dataset, observers: Sequence[Observer]
) -> list[Training]:
    """Fit networks of one shape side by side, each to the bits that it gets alone; other models one at a time.

    The configurations differ in nothing but seed, initialisers and the sizes that `nn.hyperparameters.NUMBERS` names.
    """
    config = configs[0]
    first = _unfitted(config, dataset)
    trainings = [first, *(replace(first, model=built(other, first.parts)) for other in configs[1:])]
    summary = _summary(first)
    check_memory(config, summary)
    iterative = first.is_engine or _by_passes(config)
    for training, observer in zip(trainings, observers, strict=True):
        observer.started(_plan(dataset, training, summary, config.model.epochs if iterative else None))
    begun = time.perf_counter()
    if first.is_engine:
        trainings = _fit_engine(trainings, observers, config.tune.give_up)
    else:
        trainings = [(_fit_passes if iterative else _fit_at_once)(config, first, observers[0])]
    seconds = {"fit_seconds": round(time.perf_counter() - begun, 3)}
    tables = {"layers": columns(summary)} if summary else {}
    return [replace(one, facts=one.facts | seconds, tables=tables | _importances(one)) for one in trainings]


def _unfitted(config: Config, dataset: Dataset) -> Training:
    node = config.split
    raw = split(dataset, **asdict(node))
    parts, preparation = prepared(raw, dataset, config.prepare, config.model.dtype, config.memory_mb)
    training = Training(
        built(config, parts),
        raw,
        parts,
        preparation,
        n_classes=dataset.n_classes,
        name=config.model.name,
        params=config.model.params,
    )
    if config.task.kind == "regression":
        centre, spread = centre_and_deviation(parts.train.y)
        if not (spread > SMALLEST_SPREAD and max(spread, abs(centre)) < 1 / SMALLEST_SPREAD):
            raise DataError(
                f"Targets of data set '{dataset.name}' are about {centre:.3g} ± {spread:.3g}: squares of their errors "
                f"over- or underflow. Change the unit of column '{dataset.target}'."
            )
        training = replace(training, centre=centre, spread=spread)
    return training


def _by_passes(config: Config) -> bool:
    return config.model.name == "sklearn_mlp"


def built(config: Config, parts: Split | None = None) -> Any:
    """Return the unfitted model, sure to be of the kind that the task needs, and to fit the rows if they are there."""
    from sklearn.base import is_classifier, is_regressor

    kind, name = config.task.kind, config.model.name
    own: dict[str, Any] = {}
    if models.class_path(name, kind, config.trusted_packages).startswith(models.ENGINE):
        # Without a validation part the engine would set one apart by itself.
        own = {} if parts is None or len(parts.validation) else {"validation_fraction": 0.0}
        own |= {"output": "linear"} if kind == "regression" else {}
    elif _by_passes(config):
        own = models.by_passes(config.model, len(parts.train) if parts else None)
    model = models.build(
        config.model, kind, seed=config.seed, threads=config.threads, trusted=config.trusted_packages, **own
    )
    try:
        serves = (is_classifier if kind == "classification" else is_regressor)(model)
    except AttributeError as error:  # scikit-train asks the estimator inside, and there is none
        raise ConfigError(
            f"model={name} is made of another estimator, which a configuration cannot hold. Name a model of its own."
        ) from error
    if not serves:
        raise ConfigError(
            f"model={name} cannot serve a task of kind {kind}: {type(model).__name__} is no "
            f"{'classifier' if kind == 'classification' else 'regressor'}. Models for it: "
            f"{', '.join(models.MODELS[kind])}."
        )
    k = getattr(model, "n_neighbors", None)
    if parts and isinstance(k, int) and k > len(parts.train):
        raise ConfigError(
            f"model.params.n_neighbors must be at most {len(parts.train)}, the training rows. Got {k}."
        )
    return model


def _summary(training: Training) -> list[dict[str, Any]]:
    """Return one row for each layer of a network, nothing for other models."""
    n_features, n_outputs = len(training.preparation.feature_names), training.n_classes or 1
    if training.is_engine:
        layers: list[dict[str, Any]] = training.model.plan(n_features, n_outputs)
        return layers
    if not hasattr(training.model, "hidden_layer_sizes"):
        return []
    n_outputs = 1 if n_outputs == 2 else n_outputs  # scikit-train tells two classes apart by one output
    widths = [n_features, *np.atleast_1d(training.model.hidden_layer_sizes).tolist(), n_outputs]
    return [
        {"layer": f"Dense({n})", "outputs": n, "parameters": (m + 1) * n}
        for m, n in itertools.pairwise(widths)
    ]


def _plan(dataset: Dataset, training: Training, summary: list[dict[str, Any]], epochs: int | None) -> Plan:
    return Plan(
        dataset=described(dataset),
        split=sizes(training.parts),
        preparation=training.preparation.record,
        model=summary,
        n_parameters=sum(row["parameters"] for row in summary) if summary else None,
        epochs=epochs,
    )


def hopeless(row: Mapping[str, float], limits: Sequence[Sequence[float]]) -> bool:
    """Return whether the validation loss of an epoch is above what `limits`, (epoch, loss) each, allow there.

    Examples
    --------
    >>> hopeless({"epoch": 2, "validation_loss": 0.9}, [(2, 0.5)])
    True
    """
    return any(row["epoch"] == epoch and row.get("validation_loss", 0) > loss for epoch, loss in limits)


def _fit_engine(
    trainings: Sequence[Training], observers: Sequence[Observer], limits: Sequence[Sequence[float]]
) -> list[Training]:
    """Train networks of the engine; one alone goes on from the last checkpoint of an unfinished run."""
    first, parts = trainings[0], trainings[0].parts
    held = parts.validation if len(parts.validation) else None
    unfinished = [observer.checkpointed() for observer in observers]

    def on_state(state: State) -> None:
        for replica, observer in enumerate(observers):
            observer.checkpoint(state.only(replica).to_arrays)

    def on_epoch(replica: int, row: dict[str, float], seconds: float) -> bool:
        observers[replica].epoch(row, seconds / len(observers))
        return hopeless(row, limits)

    fit_stack(
        [training.model for training in trainings],
        parts.train.X,
        first.scaled(parts.train.y),
        X_validation=held and held.X,
        y_validation=held and first.scaled(held.y),
        n_classes=first.n_classes or None,
        on_epoch=on_epoch,
        should_stop=lambda: any(observer.stop_requested() for observer in observers),
        on_state=on_state,
        resume=unfinished[0] if len(observers) == 1 else None,
    )
    return [_trained(training) for training in trainings]


def _trained(training: Training) -> Training:
    model = training.model
    facts = {
        "epochs": len(model.history_),
        "best_epoch": model.best_epoch_,
        "stopped": "hopeless" if model.status_ == CALLBACK else model.status_,
        "n_parameters": model.n_parameters_,
    }
    return replace(training, facts=facts, status=_status(model.status_))


def _status(stopped: str) -> str:
    return stopped if stopped in ("diverged", "interrupted") else "completed"


def _fit_passes(config: Config, training: Training, observer: Observer) -> Training:
    """Train scikit-train's network one pass at a time, so that every epoch is on record and can be the last."""
    observer.checkpointed()  # it keeps no state: what an earlier process recorded is cut back to nothing
    node, model, parts = config.model, training.model, training.parts
    # With a number for a seed, each partial_fit would draw the same order of the rows again.
    model.set_params(random_state=np.random.RandomState(config.seed))
    X, y = np.asarray(parts.train.X), training.scaled(parts.train.y)
    classes = {"classes": np.arange(training.n_classes)} if training.n_classes else {}
    best, best_epoch, kept, stopped = math.inf, 0, None, "epochs"
    for epoch in range(1, node.epochs + 1):
        begun = time.perf_counter()
        row = {"epoch": epoch} | _one_pass(training, X, y, classes if epoch == 1 else {})
        if not math.isfinite(row["train_loss"]):
            stopped = "diverged"
            break
        observer.epoch(row, time.perf_counter() - begun)
        loss = row.get("validation_loss", -epoch)
        if loss < best:
            best, best_epoch = loss, epoch
            kept = copy.deepcopy((model.coefs_, model.intercepts_)) if node.restore_best else None
        if observer.stop_requested():
            stopped = "interrupted"
            break
        if hopeless(row, config.tune.give_up):
            stopped = "hopeless"
            break
        if node.patience is not None and epoch - best_epoch >= node.patience:
            stopped = "patience"
            break
    if kept is not None:
        model.coefs_, model.intercepts_ = kept
    model.set_params(random_state=config.seed)
    facts = {
        "epochs": epoch,
        "best_epoch": best_epoch,
        "stopped": stopped,
        "n_parameters": sum(array.size for array in (*model.coefs_, *model.intercepts_)),
    }
    return replace(training, facts=facts, status=_status(stopped))


def _one_pass(
    training: Training, X: np.ndarray, y: np.ndarray, classes: dict[str, np.ndarray]
) -> dict[str, float]:
    """Train once through the rows and return losses and accuracies; an infinite loss where they burst."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            with guarded(f"model={training.name}", training.params) as said:
                training.model.partial_fit(X, y, **classes)
            training.warnings[:] = dict.fromkeys(
                [*training.warnings, *(f"{training.name}: {one}" for one in said)]
            )
            return _measured(training, "train") | _measured(training, "validation")
    except (ConfigError, DataError) as error:
        if "non-finite" not in str(error):
            raise
        return {"train_loss": math.inf}


def _measured(training: Training, name: str) -> dict[str, float]:
    """Return loss and accuracy of a part after an epoch; the loss of a regression is that of the scaled target."""
    part: Part = getattr(training.parts, name)
    if not len(part):
        return {}
    if not training.n_classes:
        errors = training.scaled(part.y) - training.model.predict(np.asarray(part.X))
        return {f"{name}_loss": float(np.square(errors).mean())}
    _, probability = training.classified(part.X)
    assert probability is not None
    losses = metrics.log_loss_rows(part.y, probability)
    right = metrics.correct_rows(part.y, probability.argmax(axis=1))
    return {f"{name}_loss": float(losses.mean(dtype=np.float64)), f"{name}_accuracy": float(right.mean())}


def _fit_at_once(config: Config, training: Training, observer: Observer) -> Training:
    """Fit a model that has no epochs; what scikit-train warns of becomes a sentence of the record."""
    train = training.parts.train
    with guarded(f"model={config.model.name}", config.model.params) as said:
        training.model.fit(np.asarray(train.X), training.scaled(train.y))
    return replace(training, warnings=[f"{config.model.name}: {words}" for words in said])


def _importances(training: Training) -> dict[str, Columns]:
    """Return what each feature counts for, the weightiest first, where the model says so."""
    names = training.preparation.feature_names
    for attribute, word in (("feature_importances_", "importance"), ("coef_", "coefficient")):
        # The coefficients of a support vector machine with another kernel are an error to ask for.
        values = np.squeeze(np.asarray(getattr(training.model, attribute, None), dtype=object))
        if values.shape == (len(names),):
            weights = values.astype(np.float64) * (training.spread if word == "coefficient" else 1.0)
            order = np.argsort(-np.abs(weights), kind="stable")
            return {f"{word}s": {"feature": [names[k] for k in order], word: weights[order].tolist()}}
    return {}
