"""What a classifier must exceed to have learnt anything: the scores of a constant prediction, each measure its own."""

from __future__ import annotations

import numpy as np

ERRORS = 2.0  # standard errors by which a score must exceed that of a constant prediction


def is_constant_as_good(truth: np.ndarray, predicted: np.ndarray | None, *, accuracy: float) -> bool:
    """Return whether predictions exceed a constant one neither in accuracy nor in the mean recall of the classes.

    Always predicting one class is right for the share p of the majority class, and has a mean recall of 1/k over the k
    classes there are. A score exceeds it by more than two standard errors: √(p(1 − p)/n) for the accuracy, and
    √(Σ r(1 − r)/n_c)/k for the mean recall r, n_c being the samples of class c. On unbalanced classes a good
    classifier can have the accuracy of the majority class; its mean recall shows what it learnt.

    Parameters
    ----------
    truth : whole numbers of shape (n,), n > 0
    predicted : whole numbers of shape (n,); None if they were not kept, so that accuracy alone decides
    accuracy : share of right predictions

    Examples
    --------
    >>> truth, constant = np.repeat([0, 1], [90, 10]), np.zeros(100, int)
    >>> is_constant_as_good(truth, constant, accuracy=0.9)
    True
    >>> found = np.repeat([0, 1, 1], [81, 9, 10])  # all of the rare class, and 9 others
    >>> is_constant_as_good(truth, found, accuracy=0.91)
    False
    """
    counts = np.bincount(truth)
    share = float(counts.max() / len(truth))
    if accuracy > share + ERRORS * float(np.sqrt(share * (1 - share) / len(truth))):
        return False
    if predicted is None or len(predicted) != len(truth):
        return True
    hits = np.bincount(truth, weights=predicted == truth, minlength=len(counts))[counts > 0]
    counts = counts[counts > 0]
    if len(counts) < 2:  # one class alone: nothing to tell apart
        return True
    recall = float((hits / counts).mean())
    error = float(np.sqrt((recall * (1 - recall) / counts).sum())) / len(counts)
    return recall <= 1 / len(counts) + max(ERRORS * error, 1e-9)
