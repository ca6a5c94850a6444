"""Rows whose features are the pixels of an image, and classes with names of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlexp.data.columns import as_number, listed, short
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError, DataError

BYTE = 255.0


def as_images(dataset: Dataset, shape: Sequence[int]) -> Dataset:
    """Return a data set whose features are the pixels of images, row by row.

    Whole numbers from 0 to 255 become bytes. The largest possible pixel is 1 where all values lie in [0, 1], 255 where
    one is above 127, and else the largest value.

    Parameters
    ----------
    dataset : Dataset
    shape : height and width, and 3 where each pixel has a colour

    Raises
    ------
    ConfigError
        There are more or fewer features than pixels.
    DataError
        A feature is text, or a value is missing.
    """
    size = math.prod(shape)
    if size != dataset.n_features:
        raise ConfigError(
            f"dataset.image_shape={list(shape)} needs {size:,} features. Data set '{dataset.name}' has "
            f"{dataset.n_features:,}: if one of them is the label, name it with dataset.label; leave others out with "
            "dataset.ignore."
        )
    if dataset.categories:
        names = [dataset.feature_names[place] for place in dataset.categories]
        raise DataError(f"dataset.image_shape needs pixels that are numbers. Text in {listed(names)}.")
    parts = [part for part in (dataset.X, dataset.X_test) if part is not None]
    for part in parts:
        if np.isnan(part.sum(dtype=np.float64)):
            raise DataError(
                f"dataset.image_shape needs a value for each pixel. Data set '{dataset.name}' has missing values."
            )
    low, high = min(float(part.min()) for part in parts), max(float(part.max()) for part in parts)
    whole = low >= 0 and high <= BYTE and all(_is_whole(part) for part in parts)
    X, X_test = _bytes(dataset.X, whole), None if dataset.X_test is None else _bytes(dataset.X_test, whole)
    largest = None if low < 0 else 1.0 if high <= 1 else BYTE if 127 < high <= BYTE else high
    return replace(
        dataset,
        X=X,
        X_test=X_test,
        image_shape=tuple(shape),
        pixel_max=largest,
        digests={} if X is not dataset.X else dataset.digests,
    )


def _bytes(X: np.ndarray, whole: bool) -> np.ndarray:
    return X.astype(np.uint8) if whole and X.dtype != np.uint8 else X


def _is_whole(X: np.ndarray) -> bool:
    return X.dtype.kind in "bu" or all(bool((row == np.floor(row)).all()) for row in X)


def with_class_names(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """Return a data set whose classes have other names: of the labels 0, 1, 2 ..., or else in the order of the labels.

    Raises
    ------
    ConfigError
        There are no classes, two names are the same, or more or fewer names than classes.
    """
    if not dataset.classes:
        raise ConfigError(f"dataset.class_names names classes, but data set '{dataset.name}' has none.")
    names = [str(name) for name in names]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(
            f"dataset.class_names holds {short(twice)!r} twice. Each class needs a name of its own."
        )
    numbers = [as_number(label) for label in dataset.classes]
    places = [int(n) if n is not None and n == int(n) and 0 <= n < len(names) else -1 for n in numbers]
    if -1 in places and len(names) == len(places):
        places = list(range(len(names)))
    if -1 in places:
        raise ConfigError(
            f"dataset.class_names must name each of the {len(dataset.classes)} classes of data set '{dataset.name}' "
            f"({listed(dataset.classes)}). Got {len(names)} names ({listed(names)})."
        )
    return replace(
        dataset,
        classes=tuple(names[place] for place in places),
        reading=dataset.reading | {"labels": list(dataset.classes)},
    )
