"""The closed table of models: kind of task and name in the configuration → estimator.

Classes are named by text and imported when they are built, so that a run pays for what it uses. An
estimator outside the table is named ``package.module.Class`` and accepted only if its package is trusted.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Sequence
from typing import Any

from mlexp.config.names import COMBINED
from mlexp.config.schema import Model
from mlexp.errors import LIBRARIES, ConfigError, did_you_mean, shortened
from mlexp.models import combined, sklearn_networks
from mlexp.models.params import check_params
from mlexp.models.sklearn_networks import SklearnAutoencoder

# What is built when a task of this kind asks for a model of that name.
MODELS: dict[str, dict[str, str]] = {
    "classification": {
        "mlp": "mlexp.nn.learners.PerceptronClassifier",
        "logistic": "sklearn.linear_model.LogisticRegression",
        "svm": "sklearn.svm.SVC",
        "knn": "sklearn.neighbors.KNeighborsClassifier",
        "decision_tree": "sklearn.tree.DecisionTreeClassifier",
        "random_forest": "sklearn.ensemble.RandomForestClassifier",
        "hist_gradient_boosting": "sklearn.ensemble.HistGradientBoostingClassifier",
        "naive_bayes": "sklearn.naive_bayes.GaussianNB",
        "sklearn_mlp": "sklearn.neural_network.MLPClassifier",
        "stacking": "sklearn.ensemble.StackingClassifier",
        "voting": "sklearn.ensemble.VotingClassifier",
        "bagging": "sklearn.ensemble.BaggingClassifier",
        "calibrated": "sklearn.calibration.CalibratedClassifierCV",
        "thresholded": "sklearn.model_selection.TunedThresholdClassifierCV",
    },
    "regression": {
        "mlp": "mlexp.nn.learners.PerceptronRegressor",
        "linear": "sklearn.linear_model.LinearRegression",
        "ridge": "sklearn.linear_model.Ridge",
        "svm": "sklearn.svm.SVR",
        "knn": "sklearn.neighbors.KNeighborsRegressor",
        "decision_tree": "sklearn.tree.DecisionTreeRegressor",
        "random_forest": "sklearn.ensemble.RandomForestRegressor",
        "hist_gradient_boosting": "sklearn.ensemble.HistGradientBoostingRegressor",
        "sklearn_mlp": "sklearn.neural_network.MLPRegressor",
        "stacking": "sklearn.ensemble.StackingRegressor",
        "voting": "sklearn.ensemble.VotingRegressor",
        "bagging": "sklearn.ensemble.BaggingRegressor",
    },
    "clustering": {
        "kmeans": "sklearn.cluster.KMeans",
        "minibatch_kmeans": "sklearn.cluster.MiniBatchKMeans",
        "spectral": "sklearn.cluster.SpectralClustering",
        "gmm": "sklearn.mixture.GaussianMixture",
        "dbscan": "sklearn.cluster.DBSCAN",
        "agglomerative": "sklearn.cluster.AgglomerativeClustering",
    },
    "embedding": {
        "pca": "sklearn.decomposition.PCA",
        "tsne": "sklearn.manifold.TSNE",
        "lle": "sklearn.manifold.LocallyLinearEmbedding",
        "mds": "sklearn.manifold.MDS",
        "isomap": "sklearn.manifold.Isomap",
        "umap": "umap.UMAP",
        "opentsne": "openTSNE.sklearn.TSNE",
    },
    "autoencoder": {
        "autoencoder": "mlexp.nn.learners.PerceptronAutoencoder",
        "sklearn_mlp": "sklearn.neural_network.MLPRegressor",
    },
}
EXTRAS = {"umap": "umap", "openTSNE": "opentsne"}
NOT_PUBLIC = ("tests", "conftest", "externals")
ENGINE = "mlexp.nn.learners."
NOT_PARALLEL = (
    "sklearn.linear_model.LogisticRegression",
)  # their `n_jobs` has no effect; scikit-learn 1.8 warns of it, and 1.10 has it no longer
NAMES = tuple(dict.fromkeys(name for table in MODELS.values() for name in table))


def build(
    model: Model,
    kind: str = "classification",
    *,
    seed: int,
    threads: int = 1,
    trusted: Sequence[str] = ("sklearn",),
    **params: Any,
) -> Any:
    """Return an unfitted estimator for the `model` node of a configuration.

    Parameters
    ----------
    model : the `model` node
    kind : kind of the task
    seed : becomes `seed` or `random_state` where the estimator has one
    threads : becomes `n_jobs` where the estimator has one that works
    trusted : packages from which a dotted name may come
    params : parameters that the task itself sets; they win over `model.params`

    Raises
    ------
    ConfigError
        The model does not belong to this kind of task, is not trusted, is not installed, or a parameter
        is unknown or out of range.

    Examples
    --------
    >>> build(Model(hidden=[5]), seed=1).hidden
    [5]
    >>> build(Model(name="knn", params={"n_neighbors": 3}), seed=0).n_neighbors
    3
    """
    path = class_path(model.name, kind, trusted)
    estimator_class = imported(path)
    if path.startswith(ENGINE):
        return estimator_class(**engine_settings(model, estimator_class, seed) | params)
    accepted = inspect.signature(estimator_class).parameters
    own = sklearn_networks.settings(model) if model.name == "sklearn_mlp" else {}
    common = {"random_state": seed} | ({} if path in NOT_PARALLEL else {"n_jobs": threads})
    given = common | own | dict(model.params) | params
    chosen = {name: value for name, value in given.items() if name in accepted or name in model.params}
    made_of = _with_bases(model, kind, seed, trusted) if model.name in COMBINED else {}
    check_params(estimator_class, chosen)
    chosen = made_of | chosen
    widths = chosen.get("hidden_layer_sizes", [])
    if not all(type(n) is int and n > 0 for n in (widths if isinstance(widths, list | tuple) else [widths])):
        raise ConfigError(
            f"model.params.hidden_layer_sizes must be whole numbers above 0. Got {shortened(repr(widths))}."
        )
    try:
        return estimator_class(**chosen)
    except Exception as error:  # of a class of the user's own
        said = shortened(f"{type(error).__name__}: {error}")
        raise ConfigError(f"model.params do not fit {estimator_class.__name__} ({said}).") from error


def _with_bases(model: Model, kind: str, seed: int, trusted: Sequence[str]) -> dict[str, Any]:
    """Return the parameter that holds the unfitted bases of a combined model, and its defaults."""
    names = combined.base_names(model, kind, MODELS[kind])
    nodes = combined.base_nodes(model, names)
    bases = {name: build(node, kind, seed=seed, trusted=trusted) for name, node in nodes.items()}
    return combined.argument(model, bases)


def class_path(name: str, kind: str, trusted: Sequence[str]) -> str:
    """Return the dotted path of the class that `name` stands for in a task of this kind."""
    table = MODELS[kind]
    if name in table:
        return table[name]
    if "." in name:
        if name.partition(".")[0] not in trusted:
            raise ConfigError(
                f"model.name={name} comes from package '{name.partition('.')[0]}', which is not trusted. "
                f"Trusted: {', '.join(trusted)}. Add it with trusted_packages=[...] if you know its code."
            )
        return name
    others = [other for other, names in MODELS.items() if name in names]
    hint = (
        f" '{name}' belongs to tasks of kind {' or '.join(others)}." if others else did_you_mean(name, table)
    )
    raise ConfigError(
        f"model={name} is not a model for a task of kind {kind}. Models for it: {', '.join(table)}.{hint}"
    )


def imported(path: str) -> Any:
    """Return the class at a dotted path; it must be an estimator that the package itself defines."""
    module, _, name = path.rpartition(".")
    package = module.partition(".")[0]
    parts = module.split(".")
    if package == "sklearn" and any(part.startswith("_") or part in NOT_PUBLIC for part in parts):
        raise ConfigError(
            f"model.name={path}: module '{module}' is not public. Name the class as its page does."
        )
    try:
        found = getattr(importlib.import_module(module), name, None)
    except (Exception, SystemExit) as error:  # whatever the module does when it is imported
        extra = EXTRAS.get(package)
        cure = f"pip install {LIBRARIES[extra]}" if extra else f"install the package '{package}'"
        if isinstance(error, ModuleNotFoundError) and package not in (error.name, extra):
            cure = "check the name of the module"
        said = shortened(f"{type(error).__name__}: {error}")
        raise ConfigError(f"model.name={path} cannot be imported ({said}). To cure it: {cure}.") from error
    if found is None:
        raise ConfigError(f"model.name={path}: module '{module}' has no class '{name}'.")
    if not (inspect.isclass(found) and hasattr(found, "fit")):
        raise ConfigError(f"model.name={path} is not an estimator: it must be a class with a method fit.")
    if found.__module__.partition(".")[0] != package:
        raise ConfigError(
            f"model.name={path}: '{name}' comes from {found.__module__}. Name it there, if you trust that package."
        )
    return found


def engine_settings(model: Model, estimator_class: Any, seed: int) -> dict[str, Any]:
    """Return the parameters of an estimator of the engine: the keys of the node that it has."""
    accepted = inspect.signature(estimator_class).parameters
    settings = {
        entry.name: getattr(model, entry.name)
        for entry in dataclasses.fields(model)
        if entry.name in accepted
    }
    options = dataclasses.asdict(model.schedule_options)
    settings["schedule_options"] = {name: value for name, value in options.items() if value is not None}
    return settings | {"seed": seed}


def build_autoencoder(model: Model, *, seed: int, trusted: Sequence[str] = ("sklearn",)) -> Any:
    """Return an unfitted autoencoder: the engine's, or scikit-learn's MLPRegressor with the same methods."""
    path = class_path(model.name, "autoencoder", trusted)
    if path.startswith(ENGINE):
        output = "sigmoid" if model.output == "sigmoid" else "linear"
        return build(model, "autoencoder", seed=seed, trusted=trusted, output=output)
    if not path.endswith(".MLPRegressor"):
        raise ConfigError(
            f"model.name={model.name} is not an autoencoder. Models for it: autoencoder, sklearn_mlp."
        )
    return SklearnAutoencoder(build(model, "autoencoder", seed=seed, trusted=trusted), model, seed)
