"""What pictures look like as a whole: their background and how light they are, and new ones that look otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

ROWS = 2000  # pictures that are looked at
MARGIN = 0.25  # share of the range of mean greys by which a new picture may lie beyond it
APART = 0.5  # share of the largest pixel by which a border is another one
ALIKE = 0.9  # share of the training pictures that must have a border like the background


def profile(X: np.ndarray, shape: tuple[int, ...]) -> dict[str, float]:
    """Return what is recorded of training pictures.

    Parameters
    ----------
    X : array of shape (n_pictures, height * width), as stored
    shape : height and width

    Returns
    -------
    dict
        background (median of the border pixels), alike (share of pictures with that background, in [0, 1]),
        darkest and lightest (lowest and highest mean of a picture), largest (median of their largest pixels).

    Examples
    --------
    >>> profile(np.array([[0, 0, 0, 0, 255, 0, 0, 0, 0]]), (3, 3))["background"]
    0.0
    """
    places = np.unique(np.linspace(0, len(X) - 1, min(len(X), ROWS)).astype(np.intp))
    pictures = np.asarray(X[places], np.float64)
    borders, means = _borders(pictures, shape), pictures.mean(axis=1)
    background, largest = float(np.median(borders)), float(np.median(pictures.max(axis=1)))
    return {
        "background": background,
        "alike": float((np.abs(borders - background) < APART * max(largest, 1e-300)).mean()),
        "darkest": float(means.min()),
        "lightest": float(means.max()),
        "largest": largest,
    }


def unlike(X: np.ndarray, shape: tuple[int, ...], known: Mapping[str, float]) -> list[str]:
    """Return warnings where new pictures lie far outside what the training pictures are.

    Parameters
    ----------
    X : array of shape (n_pictures, height * width), in the unit of the training pictures
    shape : height and width
    known : what `profile` returned of them
    """
    pictures, largest = np.asarray(X, np.float64), known["largest"]
    reached = float(np.abs(pictures).max())
    if not np.isfinite(reached):
        return []
    if reached < 0.05 * largest:
        return [
            f"The new pixels reach {reached:.3g}, those of the training images {largest:.3g}: the predictions mean "
            f"nothing if they are fractions of it. Multiply them by {largest:.3g}."
        ]
    if reached > 1.5 * largest or pictures.min() < -APART * largest:
        return [
            f"The new pixels go from {pictures.min():.3g} to {pictures.max():.3g}, those of the training images to "
            f"{largest:.3g}: the predictions mean nothing if they are in another unit. Bring them to the same range."
        ]
    means, borders = pictures.mean(axis=1), _borders(pictures, shape)
    room = MARGIN * (known["lightest"] - known["darkest"])
    strange = (means > known["lightest"] + room) | (means < known["darkest"] - room)
    if known["alike"] >= ALIKE:
        strange |= np.abs(borders - known["background"]) > APART * largest
    if not strange.any():
        return []
    return [
        f"{int(strange.sum()):,} of {len(pictures):,} images are unlike those of the training set: mean grey "
        f"{means[strange].mean():.3g} (training {known['darkest']:.3g} to {known['lightest']:.3g}), border "
        f"{np.median(borders[strange]):.3g} (training {known['background']:.3g}). Are light and dark exchanged?"
    ]


def _borders(pictures: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the median border pixel of each picture."""
    border = np.ones(shape, bool)
    border[1:-1, 1:-1] = False
    return np.asarray(np.median(pictures[:, border.ravel()], axis=1))
