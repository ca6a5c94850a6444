"""Scores of a fitted model on new rows whose labels are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlexp import metrics
from mlexp.data.columns import Column, listed, values
from mlexp.metrics import clustering
from mlexp.store.fitted import FittedModel


def scored(model: FittedModel, X: Any, labels: np.ndarray) -> list[str]:
    """Say how well a model predicts new rows.

    Rows with an empty label, or with one that the model cannot know, are left out of the scores, and that is said.

    Parameters
    ----------
    model : FittedModel
        Of classification, regression or clustering; of an autoencoder nothing is said.
    X : raw rows, as `FittedModel.predict` takes them
    labels : array of str, shape (n_rows,)

    Returns
    -------
    list of sentences
    """
    if model.kind not in ("classification", "regression", "clustering"):
        return []
    filled = labels != ""
    known, notes = filled, []
    if model.kind == "classification":
        known = np.isin(labels, model.classes)
        strange = labels[filled & ~known]
        if len(strange):
            names = listed(sorted(set(strange.tolist())), 5)
            notes.append(
                f"{len(strange):,} rows have labels that the model does not know, and are not scored: {names}."
            )
    elif model.kind == "regression":
        table = model.run.info["dataset"].get("table", {})
        written = Column(**(table.get("target") or {"name": model.target}))
        numbers, _ = values(written, labels.astype(object), table.get("missing", ()))
        known = np.isfinite(numbers)
        if count := int((filled & ~known).sum()):
            notes.append(f"{count:,} rows have no number as '{model.target}', and are not scored.")
    if not known.any():
        return notes
    some = X.iloc[known] if hasattr(X, "iloc") else X[known]
    if model.kind == "classification":
        found = _of_classes(model, some, labels[known])
    elif model.kind == "regression":
        found = metrics.regression_scores(numbers[known], model.predict(some))
    else:
        codes = np.unique(labels[known], return_inverse=True)[1]
        found = clustering.agreement_scores(codes, model.predict(some))
    return [
        f"Scores on the {int(known.sum()):,} rows with a label ('{model.target}'): {_listed(found)}.",
        *notes,
    ]


def _of_classes(model: FittedModel, X: Any, labels: np.ndarray) -> Mapping[str, float]:
    codes = {name: code for code, name in enumerate(model.classes)}
    y = np.array([codes[label] for label in labels])
    predicted = np.array([codes[name] for name in model.predict(X)])
    return metrics.classification_scores(y, predicted, len(codes), model.predict_proba(X))


def _listed(scores: Mapping[str, float]) -> str:
    shown = {name: value for name, value in scores.items() if not name.startswith("weighted_")}
    return ", ".join(
        f"{name} {value:.4{'g' if metrics.metric(name).digits < 0 else 'f'}}" for name, value in shown.items()
    )
