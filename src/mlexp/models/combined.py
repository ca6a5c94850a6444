"""Models of scikit-learn made of others: stacking, voting, bagging, calibrated and thresholded classifiers.

What they are made of is named by `model.base`, names of the closed table; never a class or an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlexp.config.names import COMBINED
from mlexp.config.schema import Model
from mlexp.errors import ConfigError, did_you_mean, shortened

# Name of the model and kind -> what it is made of by default.
BASES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "classification": {
        "stacking": ("logistic", "knn", "random_forest"),
        "voting": ("logistic", "knn", "random_forest"),
        "bagging": ("decision_tree",),
        "calibrated": ("random_forest",),
        "thresholded": ("logistic",),
    },
    "regression": {
        "stacking": ("ridge", "knn", "random_forest"),
        "voting": ("ridge", "knn", "random_forest"),
        "bagging": ("decision_tree",),
    },
}
SEVERAL = ("stacking", "voting")
OWN: Mapping[str, Mapping[str, Any]] = {"voting": {"voting": "soft"}}  # defaults that are not scikit-learn's


def base_names(model: Model, kind: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the models that a combined one is made of.

    Parameters
    ----------
    model : the `model` node; its name is in `COMBINED`
    kind : kind of the task
    known : models for it, name -> class

    Raises
    ------
    ConfigError
        A name that cannot be a base, or a number of them that the model does not take.

    Examples
    --------
    >>> base_names(Model(name="bagging"), "regression", {"decision_tree": "sklearn.tree.DecisionTreeRegressor"})
    ('decision_tree',)
    """
    if typed := [name for name in ("estimator", "estimators") if name in model.params]:
        raise ConfigError(
            f"model.params.{typed[0]} is what model={model.name} is made of: set model.base to names of models. "
            f"Got {shortened(repr(model.params[typed[0]]))}."
        )
    able = [name for name, path in known.items() if path.startswith("sklearn.") and name not in COMBINED]
    found = tuple(model.base) or BASES[kind][model.name]
    for name in (*found, *model.base_params):
        if name not in able:
            raise ConfigError(
                f"model.base holds '{shortened(name)}', which model={model.name} cannot be made of in a task of kind "
                f"{kind}. Bases: {', '.join(able)}.{did_you_mean(name, able)}"
            )
    if unused := [name for name in model.base_params if name not in found]:
        raise ConfigError(
            f"model.base_params.{unused[0]} belongs to no model of model.base={list(found)}. Leave it out."
        )
    several = model.name in SEVERAL
    if len(set(found)) < len(found) or (len(found) < 2 if several else len(found) != 1):
        raise ConfigError(
            f"model.base must name {'two or more different models' if several else 'one model'} with "
            f"model={model.name}. Got {list(found)}."
        )
    return found


def base_nodes(model: Model, names: tuple[str, ...]) -> dict[str, Model]:
    """Return the `model` node of each base."""
    for name in names:
        if not isinstance(model.base_params.get(name, {}), Mapping):
            raise ConfigError(
                f"model.base_params.{name} must be a mapping of names to values, such as {{max_depth: 3}}. "
                f"Got {shortened(repr(model.base_params[name]))}."
            )
    return {
        name: replace(model, name=name, params=dict(model.base_params.get(name, {})), base=[], base_params={})
        for name in names
    }


def argument(model: Model, bases: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the class of a combined model takes its bases, and the defaults that are ours."""
    own = dict(OWN.get(model.name, {})) if _gives_classes(bases) else {}
    if model.name in SEVERAL:
        if own and own | dict(model.params) == own:
            _check_probabilities(bases)
        return own | {"estimators": list(bases.items())}
    return own | {"estimator": next(iter(bases.values()))}


def _gives_classes(bases: Mapping[str, Any]) -> bool:
    from sklearn.base import is_classifier

    return all(map(is_classifier, bases.values()))


def _check_probabilities(bases: Mapping[str, Any]) -> None:
    """Refuse to average the probabilities of models that give none."""
    if without := [name for name, base in bases.items() if not hasattr(base, "predict_proba")]:
        raise ConfigError(
            f"model=voting averages probabilities, and {without[0]} gives none. Set model.params.voting=hard to count "
            "votes, or leave it out of model.base."
        )


def settled(model: Any) -> Any:
    """Return a fitted model as it is used and saved: without names of its parts, and of a tuned threshold that alone.

    Files of models hold neither mappings of estimators nor the function by which a threshold was chosen. What is left
    predicts the same.
    """
    from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

    if hasattr(model, "named_estimators_"):
        del model.named_estimators_
    if not isinstance(model, TunedThresholdClassifierCV):
        return model
    fixed = FixedThresholdClassifier(
        model.estimator, threshold=float(model.best_threshold_), response_method=model.response_method
    )
    fixed.estimator_ = model.estimator_
    if hasattr(model, "n_features_in_"):
        fixed.n_features_in_ = model.n_features_in_
    return fixed
