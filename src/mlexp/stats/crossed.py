"""The default test: seeds and test rows are both drawn at random, and every seed scores every row."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlexp.errors import DataError
from mlexp.stats.outcome import Outcome, as_scores, check_share, from_t, largest, untestable, why_flat
from mlexp.stats.ttests import welch_t

CROSSED_LICENCE = "over new training runs and new test images, for this training set and these settings"


@dataclass(frozen=True)
class CrossedParts:
    """Variance of a difference between two arms, taken apart; every field has the leading axes' shape.

    Attributes
    ----------
    difference : D, mean of A minus mean of B
    v_seed : s_A²/S_A + s_B²/S_B, from the means of the seeds
    v_row : variance over rows of the difference of the arms' row means, divided by the rows
    v_res : residual mean squares of the seed × row tables, summed over arms as MS_a/(S_a·n)
    variance : max(v_seed + v_row − v_res, v_seed, v_row)
    df : Satterthwaite degrees of freedom
    """

    difference: np.ndarray
    v_seed: np.ndarray
    v_row: np.ndarray
    v_res: np.ndarray
    variance: np.ndarray
    df: np.ndarray


def residual_mean_square(scores: np.ndarray) -> np.ndarray:
    """Return the mean square of what seed means and row means leave unexplained.

    Parameters
    ----------
    scores : float64 array of shape (..., S, n) with S, n >= 2

    Returns
    -------
    float64 array of shape (...)
    """
    grand = scores.mean(axis=(-2, -1), keepdims=True)
    rest = scores - scores.mean(axis=-1, keepdims=True) - scores.mean(axis=-2, keepdims=True) + grand
    n_seeds, n_rows = scores.shape[-2:]
    return np.asarray(np.square(rest).sum(axis=(-2, -1)) / ((n_seeds - 1) * (n_rows - 1)))


def crossed_parts(a: np.ndarray, b: np.ndarray) -> CrossedParts:
    """Return difference, variance parts and degrees of freedom; leading axes are separate comparisons.

    Parameters
    ----------
    a, b : float64 arrays of shape (..., S_A, n) and (..., S_B, n), with S_A, S_B, n >= 2
    """
    n_rows = a.shape[-1]
    seeds_a, seeds_b = a.shape[-2], b.shape[-2]
    part_a = np.asarray(a.mean(axis=-1).var(axis=-1, ddof=1) / seeds_a)
    part_b = np.asarray(b.mean(axis=-1).var(axis=-1, ddof=1) / seeds_b)
    gaps = a.mean(axis=-2) - b.mean(axis=-2)
    v_seed, v_row = part_a + part_b, np.asarray(gaps.var(axis=-1, ddof=1) / n_rows)
    v_res = residual_mean_square(a) / (seeds_a * n_rows) + residual_mean_square(b) / (seeds_b * n_rows)
    variance = np.maximum(v_seed + v_row - v_res, np.maximum(v_seed, v_row))

    def share(part: np.ndarray) -> np.ndarray:  # shares, so that squares neither under- nor overflow
        return np.asarray(np.divide(part, variance, out=np.zeros(variance.shape), where=variance > 0))

    spread = share(part_a) ** 2 / (seeds_a - 1) + share(part_b) ** 2 / (seeds_b - 1)
    spread = spread + share(v_row) ** 2 / (n_rows - 1)
    pooled = np.full(variance.shape, seeds_a + seeds_b - 2.0)
    df = np.divide(1.0, spread, out=pooled, where=spread > 0)
    return CrossedParts(np.asarray(gaps.mean(axis=-1)), v_seed, v_row, v_res, variance, df)


def group_means(scores: np.ndarray, groups: object) -> np.ndarray:
    """Average the rows of each group, so that groups become the rows.

    Every group then counts once, however many rows it holds.

    Parameters
    ----------
    scores : float64 array of shape (..., n)
    groups : array of shape (n,), one label a row

    Returns
    -------
    float64 array of shape (..., n_groups), in the order of the sorted labels

    Examples
    --------
    >>> group_means(np.array([[1.0, 3.0, 5.0]]), ["x", "x", "y"]).tolist()
    [[2.0, 5.0]]
    """
    labels = np.asarray(groups)
    if labels.shape != scores.shape[-1:]:
        raise DataError(
            f"'groups' must name one group for each of {scores.shape[-1]} rows. Got {labels.shape}."
        )
    _, code = np.unique(labels, return_inverse=True)
    order = np.argsort(code, kind="stable")
    counts = np.bincount(code)
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    return np.asarray(np.add.reduceat(scores[..., order], starts, axis=-1) / counts)


def crossed_t(a: object, b: object, *, groups: object | None = None, level: float = 0.95) -> Outcome:
    """Compare two arms over new training runs *and* new test rows: the crossed seeds × rows test.

    Every run of both arms has scored the same rows. With S_a seeds and n rows::

        D      = mean_A − mean_B
        V_seed = s_A²/S_A + s_B²/S_B               s_a²: variance of the seed means (S_a − 1)
        V_row  = var_i(mean_s A_si − mean_s B_si)/n
        V_res  = sum_a MS_a/(S_a·n)                MS_a: residual mean square of the seed × row table
        V      = max(V_seed + V_row − V_res, V_seed, V_row)
        nu     = V² / (sum_a (s_a²/S_a)²/(S_a − 1) + V_row²/(n − 1))
        D ± t_nu·sqrt(V)

    V_res is contained in both V_seed and V_row and is therefore taken off once. For metrics that average over
    rows: accuracy, log loss, errors. A variance-components test with Satterthwaite's degrees of freedom
    (F. E. Satterthwaite, Biometrics Bulletin 2 (1946) 110–114, doi:10.2307/3002019).

    Parameters
    ----------
    a, b : scores of shape (S_A, n) and (S_B, n): one row a run, one column a test row
    groups : labels of shape (n,) where several rows belong together (pictures of one photograph); their means
        become the rows and every group counts once. Default None: rows are independent
    level : confidence level of the interval, default 0.95

    Returns
    -------
    Outcome with v_seed, v_row, v_res and variance in `details` and Welch's test over the seed means in
    `second_line`. Not testable with one run in an arm, with one row, or without any variance.

    Examples
    --------
    >>> a = [[1, 1, 1, 0], [1, 1, 0, 1]]
    >>> b = [[0, 1, 0, 0], [0, 1, 1, 0]]
    >>> outcome = crossed_t(a, b)
    >>> round(outcome.estimate, 4), round(outcome.details["v_row"], 4), outcome.testable
    (0.375, 0.0573, True)
    """
    left, right = as_scores(a, "scores of A", ndim=2), as_scores(b, "scores of B", ndim=2)
    if left.shape[1] != right.shape[1]:
        raise DataError(
            f"Both arms must score the same test rows. Got {left.shape[1]} rows for A and {right.shape[1]} for B."
        )
    if groups is not None:
        left, right = group_means(left, groups), group_means(right, groups)
    counts = {"seeds_a": len(left), "seeds_b": len(right), "rows": left.shape[1]}
    estimate = float((left.mean(axis=0) - right.mean(axis=0)).mean())
    name = "crossed t (seeds × rows)" if groups is None else "crossed t (seeds × groups of rows)"
    welch = welch_t(left.mean(axis=1), right.mean(axis=1), level=level)
    shell = Outcome(
        name, CROSSED_LICENCE, estimate, level=check_share(level, "level"), n=counts, second_line=welch
    )
    if min(counts.values()) < 2:
        return untestable(shell, _too_few(counts))
    return _test(shell, left, right)


def _test(shell: Outcome, left: np.ndarray, right: np.ndarray) -> Outcome:
    parts = crossed_parts(left, right)
    names = ("v_seed", "v_row", "v_res", "variance")
    shell = replace(shell, details={name: float(getattr(parts, name)) for name in names})
    return from_t(
        shell,
        se=float(np.sqrt(parts.variance)),
        df=float(parts.df),
        scale=largest(left, right),
        flat=why_flat(left, right),
    )


def _too_few(counts: dict[str, int]) -> str:
    if counts["rows"] < 2:
        return "one test row only: the spread between rows is unknown"
    return "an arm has one run only: its spread between runs is unknown (McNemar compares single models)"
