"""The most typical, the most doubtful and the most confidently wrong samples of each class."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mlexp.data.dataset import Dataset
from mlexp.data.split import Part
from mlexp.store.result import Columns

MOST_CLASSES = 10  # of more, those with the lowest recall
EACH = 3  # samples of a class and kind
MOST_FEATURES = 12  # columns of a table beside them
KINDS = ("typical", "doubtful", "wrong")


def chosen(y: np.ndarray, probability: np.ndarray) -> list[tuple[str, int, int]]:
    """Return kind, class and position of the samples to show, class by class.

    Typical: predicted as their class with the highest probability. Doubtful: the smallest distance between the two
    highest probabilities. Wrong: predicted as another class with the highest probability.

    Parameters
    ----------
    y : int array of shape (n_samples,)
    probability : float array of shape (n_samples, n_classes), n_classes at least 2

    Examples
    --------
    >>> chosen(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]))[:3]
    [('typical', 0, 0), ('doubtful', 0, 1), ('doubtful', 0, 0)]
    """
    highest = np.partition(probability, -2, axis=1)[:, -2:]
    apart, sure, predicted = highest[:, 1] - highest[:, 0], highest[:, 1], probability.argmax(axis=1)
    codes = np.flatnonzero(np.bincount(y, minlength=probability.shape[1]))
    recall = np.array([(predicted[y == code] == code).mean() for code in codes])
    kept = np.sort(codes[np.argsort(recall, kind="stable")[:MOST_CLASSES]])
    found = []
    for code in kept:
        own = np.flatnonzero(y == code)
        right, wrong = own[predicted[own] == code], own[predicted[own] != code]
        of_kind = (
            right[np.argsort(-sure[right], kind="stable")],
            own[np.argsort(apart[own], kind="stable")],
            wrong[np.argsort(-sure[wrong], kind="stable")],
        )
        for kind, rows in zip(KINDS, of_kind, strict=True):
            found += [(kind, int(code), int(row)) for row in rows[:EACH]]
    return found


def recorded(
    dataset: Dataset, part: Part, probability: np.ndarray | None, important: Sequence[str] = ()
) -> tuple[dict[str, Columns], dict[str, np.ndarray]]:
    """Return the chosen samples of a set: as images, or as a table of their features in the units of the file.

    Parameters
    ----------
    dataset : where the samples come from
    part : the set, as stored
    probability : float array of shape (n_samples, n_classes); None where the model has none: nothing is recorded
    important : names of features, the most important first; of more than `MOST_FEATURES` the first are shown
    """
    if probability is None or not len(part):
        return {}, {}
    kinds, codes, rows = zip(*chosen(part.y, probability), strict=True)
    positions = np.array(rows)
    if dataset.image_shape is not None:
        images = part.X.raw(positions).reshape(-1, *dataset.image_shape)
        kind = np.array([KINDS.index(name) for name in kinds], np.uint8)
        return {}, {"example_image": images, "example_position": positions, "example_kind": kind}
    predicted = probability[positions].argmax(axis=1)
    table: Columns = {
        "kind": list(kinds),
        "class": [dataset.classes[code] for code in codes],
        "predicted": [dataset.classes[code] for code in predicted],
        "probability": probability[positions, predicted].tolist(),
        "row": (part.index[positions] + 1).tolist(),
    }
    for place in _shown(dataset, important):
        name = dataset.feature_names[place]
        table[f"{name}_" if name in table else name] = _values(dataset, part, positions, place)
    return {"examples": table}, {}


def _shown(dataset: Dataset, important: Sequence[str]) -> list[int]:
    """Return the columns to show: all if they are few, else the most important ones in their order."""
    if dataset.n_features <= MOST_FEATURES:
        return list(range(dataset.n_features))
    names = list(dataset.feature_names)
    first = [names.index(name) for name in important if name in names]
    others = [place for place in range(dataset.n_features) if place not in first]
    return sorted([*first, *others][:MOST_FEATURES])


def _values(dataset: Dataset, part: Part, rows: np.ndarray, place: int) -> list[object]:
    values = [float(str(value)) for value in part.X.raw(rows)[:, place]]  # 0.1 of 32 bits reads 0.1
    words = dataset.categories.get(place)
    if words is None:
        return ["" if math.isnan(value) else value for value in values]
    return [
        words[int(code)] if 0 <= code < len(words) else "" for code in np.nan_to_num(values, nan=-1).tolist()
    ]
