"""Warnings that the scores of a fitted model give, and the settings to try next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.split import Part, Split

FEW = 20  # validation rows below which a gap of R² shows nothing
GAP = 0.1  # what training must reach above chance before a gap means overfitting

# Model -> settings to try where nothing was learnt, and against overfitting.
NETWORK = ("model.dropout=0.2", "model.l2=1e-4", "narrower layers in model.hidden")
SETTINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mlp": (("a smaller model.learning_rate", "model.init=auto", "more model.epochs"), NETWORK),
    "sklearn_mlp": (("a smaller model.learning_rate", "more model.epochs"), NETWORK[1:]),
    "logistic": (("a larger model.params.C",), ("a smaller model.params.C",)),
    "svm": (("a larger model.params.C", "another model.params.kernel"), ("a smaller model.params.C",)),
    "knn": (("another model.params.n_neighbors",), ("a larger model.params.n_neighbors",)),
    "decision_tree": (("a smaller model.params.min_samples_leaf",), ("model.params.max_depth=4",)),
    "random_forest": (
        ("a smaller model.params.min_samples_leaf",),
        ("a larger model.params.min_samples_leaf",),
    ),
    "hist_gradient_boosting": (
        ("a larger model.params.max_iter",),
        ("a smaller model.params.learning_rate", "model.params.l2_regularization=1"),
    ),
    "ridge": (("a smaller model.params.alpha",), ("a larger model.params.alpha",)),
}
SCALE_FREE = ("decision_tree", "random_forest", "hist_gradient_boosting", "naive_bayes", "linear")


def of_classes(
    config: Config, parts: Split, scores: Mapping[str, Mapping[str, float]], preparation: Mapping[str, Any]
) -> list[str]:
    """Warn when a classifier is no better than a constant prediction, or overfits the training set.

    The measure is macro recall, the mean recall over the k classes: always predicting one class gives 1/k,
    however unbalanced the classes are. Overfitting is a validation score whose excess over 1/k is less than
    half that of the training score, by more than two standard errors.
    """
    name, part = _held_out(parts)
    counts = np.bincount(part.y)
    counts = counts[counts > 0]
    if len(counts) < 2:
        return []
    held, train, chance = scores[name]["macro_recall"], scores["train"]["macro_recall"], 1 / len(counts)
    noise = 2 * float(np.sqrt((held * (1 - held) / counts).sum())) / len(counts)
    blind = f"always predicting one class gives {chance:.4f}, however unbalanced the classes are"
    return _sentence(config, preparation, "macro recall", name, train, held, chance, noise, blind)


def of_numbers(
    config: Config, parts: Split, scores: Mapping[str, Mapping[str, float]], preparation: Mapping[str, Any]
) -> list[str]:
    """Warn when a regression is no better than predicting the mean, or overfits the training set."""
    name, part = _held_out(parts)
    held, train = scores[name].get("r2"), scores["train"].get("r2")
    if held is None or train is None:
        return []
    noise = 0.0 if len(part) >= FEW else np.inf
    blind = "always predicting the mean gives about 0"
    return _sentence(config, preparation, "R²", name, train, held, 0.0, noise, blind)


def of_divergence(config: Config, epoch: int, preparation: Mapping[str, Any]) -> str:
    """Return the message that training diverged, and what to try."""
    rate = config.model.learning_rate
    cures = [f"model.learning_rate={min(rate / 10, 0.01):g} or less", *_scaling(config, preparation)]
    cures += ["model.clip_norm=1"] if config.model.name == "mlp" else []
    return (
        f"Training diverged: the loss was not finite in epoch {epoch} with model.learning_rate={rate:g}. "
        f"Try {_either(cures)}."
    )


def of_no_test_set(config: Config, parts: Split) -> list[str]:
    """Warn when no samples were held out for evaluation."""
    if len(parts.test) or not config.split.judge:
        return []
    return [
        "No test set: these scores are on samples that the model was trained on and do not generalise to new ones."
    ]


def _held_out(parts: Split) -> tuple[str, Part]:
    """Return the first set of samples that were not trained on; the training set if there is none."""
    named = (("validation", parts.validation), ("test", parts.test))
    return next(((name, part) for name, part in named if len(part)), ("train", parts.train))


def _sentence(
    config: Config,
    preparation: Mapping[str, Any],
    measure: str,
    name: str,
    train: float,
    held: float,
    chance: float,
    noise: float,
    blind: str,
) -> list[str]:
    learnt, kept = train - chance, held - chance
    nothing = kept <= 1e-9  # a mean of recalls is rounded
    more, fewer = SETTINGS.get(config.model.name, ((), ()))
    if learnt > GAP and (nothing or (kept < learnt / 2 and train - held > noise)):
        return [
            f"Overfitting: {measure} is {train:.4f} on the training set and {held:.4f} on the {name} set; {blind}. "
            f"Try {_either([*fewer, 'more or different samples', 'fewer features'])}."
        ]
    if not nothing:
        return []
    return [
        f"Nothing was learnt: {measure} is {held:.4f} on the {name} set; {blind}. "
        f"Try {_either([*more, *_scaling(config, preparation), 'other features'])}."
    ]


def _scaling(config: Config, preparation: Mapping[str, Any]) -> list[str]:
    """Suggest scaling where the model depends on it and the features were not scaled."""
    idle = config.model.name in SCALE_FREE or preparation.get("scale") == "standard"
    return [] if idle else ["prepare.scale=standard"]


def _either(cures: list[str]) -> str:
    return f"{', '.join(cures[:-1])} or {cures[-1]}" if cures[1:] else cures[0]
