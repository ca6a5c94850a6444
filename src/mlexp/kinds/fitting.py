"""Fit a model to the training set: networks epoch by epoch, with the observer's hooks; other models in one call."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from mlexp import models
from mlexp.config.names import COMBINED
from mlexp.config.schema import Config
from mlexp.data.balance import balanced
from mlexp.data.dataset import Dataset
from mlexp.data.preparation import Preparation, load_libraries, prepared
from mlexp.data.rows import Rows
from mlexp.data.scaling import centre_and_deviation
from mlexp.data.split import Part, Split, split
from mlexp.errors import ConfigError, DataError
from mlexp.kinds import weights
from mlexp.kinds.observer import Observer
from mlexp.kinds.score_warnings import of_divergence
from mlexp.kinds.sets import check_memory, columns, plan
from mlexp.kinds.snapshots import Snapshots, watched
from mlexp.models import combined, sklearn_networks
from mlexp.models.guarded import guarded
from mlexp.models.sklearn_networks import EpochByEpoch
from mlexp.nn.device import opened, slower
from mlexp.nn.stack import fit_stack
from mlexp.nn.state import CALLBACK, DIVERGED, INTERRUPTED, State
from mlexp.store.result import Columns, Result

MOST_NAMES = 2000  # inputs of a network whose names are kept
SMALL = 1_000_000  # parameters up to which the layers of a network are looked at unasked
SMALLEST_SPREAD = 1e-150  # of targets: squared errors neither vanish nor overflow


@dataclass(frozen=True, eq=False)
class Training:
    """A fitted model, the samples it was fitted to, and the outcome of the fit.

    Attributes
    ----------
    model : the fitted estimator
    n_classes : number of classes, 0 for a regression
    raw, parts : the sets as stored, and prepared
    preparation : the fitted preparation, of the training set alone
    centre, spread : regression: a prediction times `spread` plus `centre` is in the unit of the target
    name, params : name and parameters of the model, from the configuration
    facts, tables, warnings : entries of the record about the fit
    status : completed, diverged or interrupted
    image_shape : height and width of the images whose pixels are the features, None for others
    outputs : names of the outputs of a network: classes, or the target
    sampled : what the model is fitted to where that is not the training set, but a balanced sample of it
    snapshots : networks by epoch, see `snapshots.Snapshots`; empty unless they were wanted
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
    image_shape: tuple[int, ...] | None = None
    outputs: tuple[str, ...] = ()
    sampled: Part | None = None
    snapshots: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def fitted_to(self) -> Part:
        """The samples that the model is fitted to."""
        return self.parts.train if self.sampled is None else self.sampled

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """Return the targets for the fit: mean 0 and standard deviation 1 for numbers, codes for classes."""
        return y if self.n_classes else (y - self.centre) / self.spread

    def predicted(self, X: Rows) -> np.ndarray:
        """Return predicted numbers of shape (n_rows,), in the unit of the target."""
        with self._asked():
            values = np.asarray(self.model.predict(X if self.is_engine else np.asarray(X)), np.float64)
            return values.reshape(len(X)) * self.spread + self.centre

    def classified(self, X: Rows) -> tuple[np.ndarray, np.ndarray | None]:
        """Return predicted classes, and class probabilities if the model provides them."""
        probability = self.probabilities(X)
        if self.is_engine:
            assert probability is not None
            return probability.argmax(axis=1), probability
        return self.labels(X), probability

    def labels(self, X: Rows) -> np.ndarray:
        """Return predicted classes, shape (n_rows,)."""
        if self.is_engine:
            return np.asarray(self.model.predict_proba(X).argmax(axis=1))
        with self._asked():
            return np.asarray(self.model.predict(np.asarray(X)))

    def probabilities(self, X: Rows) -> np.ndarray | None:
        """Return probabilities of shape (n_rows, n_classes); None of a model that provides none."""
        if self.is_engine:
            return np.asarray(self.model.predict_proba(X))
        if not hasattr(self.model, "predict_proba"):
            return None
        with self._asked():
            found = self.model.predict_proba(np.asarray(X))
        whole = np.zeros((len(X), self.n_classes), found.dtype)
        whole[:, self.model.classes_] = found
        return whole

    def _asked(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.is_engine else guarded(f"model={self.name}", self.params, "predict")

    @property
    def is_engine(self) -> bool:
        """Whether the model is stored as plain arrays: the engine's networks, and autoencoders."""
        return hasattr(self.model, "to_arrays")

    def result(self, **found: Any) -> Result:
        """Return the result of the run: the facts of the fit, and what was `found` with it."""
        completed = self.status == "completed"
        model = self.arrays() if self.is_engine and self.status != "diverged" else {}
        arrays = self._of_network() if completed else {}
        known: dict[str, Any] = {"model": model, "pipeline": self.pipeline() if completed else None}
        return Result(
            status=self.status,
            arrays=arrays | found.pop("arrays", {}),
            tables=self.tables
            | (self._weights(model, arrays) if completed else {})
            | found.pop("tables", {}),
            facts=self.facts | found.pop("facts", {}),
            warnings=[*self.warnings, *found.pop("warnings", [])],
            **known | found,
        )

    def _of_network(self) -> dict[str, np.ndarray]:
        """Return what a page needs to show the weights of a network, where its model does not say it.

        Names of inputs that are no pixels; weights and biases of a network of scikit-learn.
        """
        arrays = {}
        names = self.preparation.feature_names
        pixels = self.preparation.scales_only and self.image_shape is not None
        if "n_biases" in self.facts and not pixels and len(names) <= MOST_NAMES:
            arrays["input_names"] = np.array(names)
        if hasattr(self.model, "coefs_") and self.facts.get("n_parameters", math.inf) <= SMALL:
            for kind, found in (("W", self.model.coefs_), ("b", self.model.intercepts_)):
                arrays |= {f"network_{kind}{k}": array.astype(np.float32) for k, array in enumerate(found)}
        return arrays

    def _weights(self, model: dict[str, np.ndarray], arrays: dict[str, np.ndarray]) -> dict[str, Columns]:
        """Return the table of all weights of a network that has few."""
        if self.facts.get("n_parameters", math.inf) > weights.FEW:
            return {}
        layers = weights.of_arrays(model, arrays)
        return (
            {"weights": weights.table(layers, self.preparation.feature_names, self.outputs)} if layers else {}
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
        """Return a scikit-learn pipeline of raw rows; of the preparation alone where the engine holds the model."""
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


def check_labels(config: Config, dataset: Dataset) -> None:
    """Refuse a data set without labels."""
    if not dataset.has_labels and config.dataset.reader == "folder" and config.dataset.labels is None:
        raise ConfigError(
            f"dataset.path={config.dataset.path} holds images and no subfolders, so no image has a class. Put the "
            "images of each class into a subfolder, or name a table of file names and labels: dataset.labels=FILE.csv."
        )
    if not dataset.has_labels:
        raise ConfigError(
            f"dataset.label=none leaves nothing to predict, and a task of kind {config.task.kind} needs a label. Name "
            "a column, or choose a task that needs none: task=cluster, task=embed."
        )


def train(config: Config, dataset: Dataset, observer: Observer) -> Training:
    """Split, prepare, check and fit; the test set is prepared but not evaluated."""
    return train_together([config], dataset, [observer])[0]


def train_together(
    configs: Sequence[Config], dataset: Dataset, observers: Sequence[Observer]
) -> list[Training]:
    """Fit networks of one shape as a stack, with the same bits as one by one; other models one at a time.

    The configurations differ only in seed, initialisers and the sizes that `nn.hyperparameters.NUMBERS` names.
    """
    config = configs[0]
    first = unfitted(config, dataset)
    trainings = [first, *(replace(first, model=built(other, first.parts)) for other in configs[1:])]
    summary = _summary(first)
    check_memory(config, summary)
    iterative = first.is_engine or config.model.name == "sklearn_mlp"
    for observer in observers:
        observer.started(
            plan(dataset, first.parts, first.preparation, summary, config.model.epochs if iterative else None)
        )
    begun = time.perf_counter()
    trainings = _fit_epochs(config, trainings, observers) if iterative else [_fit_at_once(first)]
    seconds = {"fit_seconds": round(time.perf_counter() - begun, 3)}
    tables = {"layers": columns(summary)} if summary else {}
    return [replace(one, facts=one.facts | seconds, tables=tables) for one in trainings]


def fitted_to(config: Config, dataset: Dataset, raw: Split, observer: Observer) -> Training:
    """Prepare, check and fit to a split that is given; the observer is told of epochs, and not that a run starts."""
    training = unfitted(config, dataset, raw)
    if training.is_engine or config.model.name == "sklearn_mlp":
        return _fit_epochs(config, [training], [observer])[0]
    return _fit_at_once(training)


def unfitted(config: Config, dataset: Dataset, raw: Split | None = None) -> Training:
    """Split unless `raw` is given, prepare and check, and build the model; only the preparation is fitted yet."""
    raw = raw or split(dataset, **asdict(config.split))
    load_libraries(dataset, config.prepare)
    begun = time.perf_counter()
    parts, preparation = prepared(raw, dataset, config.prepare, config.model.dtype, config.memory_mb)
    spent = round(time.perf_counter() - begun, 3)
    sampled = _balanced(config, parts.train, dataset.n_classes)
    if sampled is not None:
        made = {"how": config.prepare.balance, "samples": len(sampled), "of": len(parts.train)}
        made |= {
            "kept": f"fitted to {len(sampled):,} samples, classes balanced ({config.prepare.balance}-sampling)"
        }
        preparation = replace(preparation, record=preparation.record | {"balance": made})
    training = Training(
        built(config, parts),
        raw,
        parts,
        preparation,
        n_classes=dataset.n_classes,
        name=config.model.name,
        params=config.model.params,
        image_shape=dataset.image_shape,
        outputs=dataset.classes or (dataset.target,),
        facts={"preparation_seconds": spent},
        sampled=sampled,
    )
    if config.task.kind == "regression":
        centre, spread = centre_and_deviation(parts.train.y)
        if not (spread > SMALLEST_SPREAD and max(spread, abs(centre)) < 1 / SMALLEST_SPREAD):
            raise DataError(
                f"Targets of data set '{dataset.name}' are about {centre:.3g} ± {spread:.3g}: their squared errors "
                f"overflow or underflow. Change the unit of column '{dataset.target}'."
            )
        training = replace(training, centre=centre, spread=spread)
    return training


def _balanced(config: Config, train: Part, n_classes: int) -> Part | None:
    """Return the balanced sample of a training set that the model is to be fitted to; None for the set itself.

    It is drawn by `split.seed`, so that runs with different seeds share it.
    """
    if config.prepare.balance is None:
        return None
    if not n_classes:
        raise ConfigError("prepare.balance is for classes, and this label is a number. Leave it out.")
    return balanced(train, config.prepare.balance, rng=np.random.default_rng(config.split.seed))


def built(config: Config, parts: Split | None = None) -> Any:
    """Return the unfitted model, checked against the kind of the task and, if given, against the data."""
    kind, name = config.task.kind, config.model.name
    own: dict[str, Any] = {}
    is_engine = models.class_path(name, kind, config.trusted_packages).startswith(models.ENGINE)
    if is_engine:
        # Without a validation part the engine would set one apart by itself.
        own = {} if parts is None or len(parts.validation) else {"validation_fraction": 0.0}
        own |= {"output": "linear"} if kind == "regression" else {}
    model = models.build(
        config.model, kind, seed=config.seed, threads=config.threads, trusted=config.trusted_packages, **own
    )
    if not is_engine:
        _check_serves(kind, name, model)
    k = getattr(model, "n_neighbors", None)
    if parts and isinstance(k, int) and k > len(parts.train):
        raise ConfigError(
            f"model.params.n_neighbors must be at most {len(parts.train)}, the number of training samples. Got {k}."
        )
    return model


def _check_serves(kind: str, name: str, model: Any) -> None:
    """Refuse an estimator of scikit-learn, or of a user's own, that is of another kind than the task."""
    from sklearn.base import is_classifier, is_regressor

    try:
        serves = (is_classifier if kind == "classification" else is_regressor)(model)
    except AttributeError as error:  # scikit-learn asks the estimator inside, and there is none
        raise ConfigError(
            f"model={name} wraps another estimator, which a configuration cannot express. Name a model that stands "
            "alone."
        ) from error
    if not serves:
        raise ConfigError(
            f"model={name} does not fit a task of kind {kind}: {type(model).__name__} is not a "
            f"{'classifier' if kind == 'classification' else 'regressor'}. Models for it: "
            f"{', '.join(models.MODELS[kind])}."
        )


def _summary(training: Training) -> list[dict[str, Any]]:
    """Return one row per layer of a network, nothing for other models."""
    n_features, n_outputs = len(training.preparation.feature_names), training.n_classes or 1
    if training.is_engine:
        layers: list[dict[str, Any]] = training.model.plan(n_features, n_outputs)
        return layers
    if not hasattr(training.model, "hidden_layer_sizes"):
        return []
    # scikit-learn tells two classes apart by one output
    return sklearn_networks.layers(training.model, n_features, 1 if n_outputs == 2 else n_outputs)


def hopeless(row: Mapping[str, float], limits: Sequence[Sequence[float]]) -> bool:
    """Return whether the validation loss of an epoch is above what `limits`, (epoch, loss) each, allow there.

    Examples
    --------
    >>> hopeless({"epoch": 2, "validation_loss": 0.9}, [(2, 0.5)])
    True
    """
    return any(row["epoch"] == epoch and row.get("validation_loss", 0) > loss for epoch, loss in limits)


def _fit_epochs(
    config: Config, trainings: Sequence[Training], observers: Sequence[Observer]
) -> list[Training]:
    first, parts = trainings[0], trainings[0].parts
    networks = [training.model for training in trainings]
    if not first.is_engine:
        networks = [EpochByEpoch(first.model, config.model, config.seed)]
    held = parts.validation if len(parts.validation) else None
    n_features = first.raw.train.X.shape[1]
    kept = watched(config, n_features, len(networks)) if first.is_engine else None
    fit_observed(
        networks,
        observers,
        (
            first.fitted_to.X,
            first.scaled(first.fitted_to.y),
            held and held.X,
            held and first.scaled(held.y),
        ),
        n_classes=first.n_classes or None,
        give_up=config.tune.give_up,
        metrics=config.record.metrics,
        diagnosed=diagnosed(config, _summary(first)),
        device=config.device,
        snapshots=kept,
    )
    if kept is not None:
        trainings = [
            replace(training, snapshots=kept.to_arrays(replica, network))
            for replica, (training, network) in enumerate(zip(trainings, networks, strict=True))
        ]
    advice = launch_bound(config, len(trainings), networks[0].n_parameters_)
    return [
        trained(replace(training, warnings=[*training.warnings, *advice]), network)
        for training, network in zip(trainings, networks, strict=True)
    ]


def fit_observed(
    networks: Sequence[Any],
    observers: Sequence[Observer],
    data: Sequence[Any],
    *,
    n_classes: int | None = None,
    give_up: Sequence[Sequence[float]] = (),
    metrics: Sequence[str] = (),
    diagnosed: bool = False,
    device: str = "cpu",
    snapshots: Snapshots | None = None,
) -> None:
    """Train networks epoch by epoch; one alone resumes from the last checkpoint of an unfinished run.

    Parameters
    ----------
    networks : estimators of the engine that can share a stack, or one network of scikit-learn
    observers : one for each
    data : X, y, X_validation, y_validation
    n_classes : of a classifier
    give_up : (epoch, loss) pairs; a validation loss above one ends the training there
    metrics : further metrics to record by epoch
    diagnosed : whether the layers are looked at
    device : where networks of the engine train
    snapshots : where networks are kept by epoch; they are part of a checkpoint
    """
    checkpoints = [observer.checkpointed() for observer in observers]
    if snapshots and checkpoints[0]:
        snapshots.resume(0, checkpoints[0])

    def checkpoint(state: State, replica: int) -> dict[str, np.ndarray]:
        return state.only(replica).to_arrays() | (snapshots.to_arrays(replica) if snapshots else {})

    def on_state(state: State) -> None:
        for replica, observer in enumerate(observers):
            if snapshots:
                snapshots.look(replica, state)
            observer.checkpoint(partial(checkpoint, state, replica))

    def on_epoch(replica: int, row: dict[str, float], seconds: float) -> bool:
        observers[replica].epoch(row, seconds / len(observers))
        return hopeless(row, give_up)

    def on_diagnosis(replica: int, row: dict[str, float]) -> None:
        observers[replica].diagnosis(row)

    hooks: dict[str, Any] = {
        "n_classes": n_classes,
        "metrics": metrics,
        "on_diagnosis": on_diagnosis if diagnosed else None,
        "should_stop": lambda: any(observer.stop_requested() for observer in observers),
        "on_state": on_state,
        "resume": checkpoints[0] if len(observers) == 1 else None,
    }
    if isinstance(networks[0], EpochByEpoch):
        networks[0].fit(*data, on_epoch=partial(on_epoch, 0), **hooks)
    else:
        fit_stack(networks, *data, on_epoch=on_epoch, like=opened(device), **hooks)


def launch_bound(config: Config, n_networks: int, n_parameters: int) -> list[str]:
    """Return the advice to train on the processor where a GPU only waits for its next kernel; else nothing."""
    size = config.model.batch_size
    if config.device == "cpu" or size == "full" or not slower(n_networks, n_parameters, int(size)):
        return []
    networks = "one network" if n_networks == 1 else f"a stack of {n_networks} networks"
    return [
        f"device=cpu is faster for this run: {networks} of {n_parameters:,} parameters in batches of {size} leaves a "
        "GPU waiting for its next kernel."
    ]


def diagnosed(config: Config, summary: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the layers of a network are looked at while it trains: `record.diagnostics`."""
    asked = config.record.diagnostics
    if asked == "auto":
        return config.split.judge and sum(row["parameters"] for row in summary) <= SMALL
    return bool(asked)


def trained(training: Training, model: Any) -> Training:
    """Return a training, completed with the facts of its fitted `model`."""
    facts = {
        "epochs": len(model.history_),
        "best_epoch": model.best_epoch_,
        "stopped": "hopeless" if model.status_ == CALLBACK else model.status_,
        "n_parameters": model.n_parameters_,
        "n_biases": model.n_biases_,
    }
    return replace(
        training,
        facts=training.facts | facts,
        status=model.status_ if model.status_ in (DIVERGED, INTERRUPTED) else "completed",
        warnings=[
            *training.warnings,
            *(f"{training.name}: {said}" for said in getattr(model, "warnings_", ())),
        ],
    )


def unfinished(config: Config, training: Training) -> Result | None:
    """Return the result of a training that diverged or was interrupted; None if it was completed."""
    if training.status == "completed":
        return None
    if training.status == INTERRUPTED:
        return training.result()
    epoch = training.facts["epochs"]
    return training.result(problem=of_divergence(config, epoch, training.preparation.record))


def _fit_at_once(training: Training) -> Training:
    """Fit a model that has no epochs; warnings of scikit-learn are kept for the record."""
    rows = training.fitted_to
    with guarded(f"model={training.name}", training.params) as said:
        training.model.fit(np.asarray(rows.X), training.scaled(rows.y))
    return replace(
        training,
        model=combined.settled(training.model) if training.name in COMBINED else training.model,
        warnings=[f"{training.name}: {words}" for words in said],
    )
