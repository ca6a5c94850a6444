"""The default test: seeds and test rows are both drawn at random, and every seed scores every row."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlexp.errors import DataError
from mlexp.stats.mixture import Mixture, interval_half, two_sided
from mlexp.stats.outcome import (
    Outcome,
    as_scores,
    check_share,
    from_t,
    is_rounding,
    largest,
    untestable,
    why_flat,
)
from mlexp.stats.scope import RUNS_AND_ROWS
from mlexp.stats.ttests import welch_t

FEW = 5  # runs of an arm; with fewer its spread is known too badly for a t distribution
TRADED = "the runs of an arm score alike and their errors differ at random: this cannot be tested"
FLOOR = 0.25  # share of V_seed below which the variance cannot fall


@dataclass(frozen=True)
class CrossedParts:
    """Variance of a difference between two arms, taken apart; every field has the leading axes' shape.

    Attributes
    ----------
    difference : D, mean of A minus mean of B
    seed_a, seed_b : s_a²/S_a, from the means of the seeds
    v_row : variance over rows of the difference of the arms' row means, divided by the rows
    v_res : residual mean squares of the seed × row tables, summed over arms as MS_a/(S_a·n)
    variance : max(v_seed + v_row − v_res, v_seed/4)
    df : Satterthwaite degrees of freedom, at least min(S_A, S_B, n) − 1
    """

    difference: np.ndarray
    seed_a: np.ndarray
    seed_b: np.ndarray
    v_row: np.ndarray
    v_res: np.ndarray
    variance: np.ndarray
    df: np.ndarray

    @property
    def v_seed(self) -> np.ndarray:
        """Return s_A²/S_A + s_B²/S_B."""
        return np.asarray(self.seed_a + self.seed_b)


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


def crossed_parts(
    a: np.ndarray, b: np.ndarray, *, deterministic: tuple[bool, bool] = (False, False)
) -> CrossedParts:
    """Return difference, variance components and degrees of freedom; leading axes are separate comparisons.

    Parameters
    ----------
    a, b : float64 arrays of shape (..., S_A, n) and (..., S_B, n), with S_A, S_B, n >= 2
    deterministic : whether an arm gives the same predictions whatever the seed: its runs do not vary, and their
        number limits no degrees of freedom
    """
    n_rows = a.shape[-1]
    seed_parts = [_of_seeds(arm, fixed) for arm, fixed in zip((a, b), deterministic, strict=True)]
    (part_a, res_a), (part_b, res_b) = seed_parts
    gaps = a.mean(axis=-2) - b.mean(axis=-2)
    v_row = np.asarray(gaps.var(axis=-1, ddof=1) / n_rows)
    v_seed, v_res = part_a + part_b, res_a + res_b
    variance = np.maximum(v_seed + v_row - v_res, FLOOR * v_seed)

    def share(part: np.ndarray) -> np.ndarray:  # shares, so that squares neither under- nor overflow
        return np.asarray(np.divide(part, variance, out=np.zeros(variance.shape), where=variance > 0))

    spread = share(v_row) ** 2 / (n_rows - 1)
    least = n_rows
    for arm, part, fixed in ((a, part_a, deterministic[0]), (b, part_b, deterministic[1])):
        if not fixed:
            spread = spread + share(part) ** 2 / (arm.shape[-2] - 1)
            least = min(least, arm.shape[-2])
    lowest = np.full(variance.shape, least - 1.0)
    df = np.maximum(np.divide(1.0, spread, out=lowest.copy(), where=spread > 0), lowest)
    return CrossedParts(np.asarray(gaps.mean(axis=-1)), part_a, part_b, v_row, v_res, variance, df)


def _of_seeds(scores: np.ndarray, deterministic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return s_a²/S_a and MS_a/(S_a·n) of one arm."""
    if deterministic:
        zero = np.zeros(scores.shape[:-2])
        return zero, zero
    n_seeds, n_rows = scores.shape[-2:]
    of_means = np.asarray(scores.mean(axis=-1).var(axis=-1, ddof=1) / n_seeds)
    return of_means, residual_mean_square(scores) / (n_seeds * n_rows)


def group_scores(scores: np.ndarray, groups: object) -> np.ndarray:
    """Replace rows by groups of rows, one column a group, without changing the mean over rows.

    y_g = x̄ + (G·n_g/n)·(x̄_g − x̄) for G groups of n_g rows: the mean over groups is the mean over rows, and how
    groups vary about it is weighted by their sizes (linearisation of a ratio mean; W. G. Cochran, Sampling
    Techniques, 3rd ed. (1977), section 6.3).

    Parameters
    ----------
    scores : float64 array of shape (..., n)
    groups : array of shape (n,), one label a row

    Returns
    -------
    float64 array of shape (..., n_groups), in the order of the sorted labels

    Examples
    --------
    >>> group_scores(np.array([[1.0, 3.0, 5.0]]), ["x", "x", "y"]).round(4).tolist()
    [[1.6667, 4.3333]]
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
    overall = scores.mean(axis=-1, keepdims=True)
    sums = np.add.reduceat(scores[..., order] - overall, starts, axis=-1)
    return np.asarray(overall + sums * (len(counts) / scores.shape[-1]))


def crossed_t(
    a: object,
    b: object,
    *,
    groups: object | None = None,
    deterministic: tuple[bool, bool] = (False, False),
    level: float = 0.95,
) -> Outcome:
    """Compare two arms over new training runs *and* new test rows: the crossed seeds × rows test.

    Every run of both arms has scored the same rows. With S_a seeds and n rows::

        D      = mean_A − mean_B
        V_seed = s_A²/S_A + s_B²/S_B               s_a²: variance of the seed means (S_a − 1)
        V_row  = var_i(mean_s A_si − mean_s B_si)/n
        V_res  = sum_a MS_a/(S_a·n)                MS_a: residual mean square of the seed × row table

    V_res is contained in both V_seed and V_row and is therefore taken off once. Five runs an arm or more::

        V      = max(V_seed + V_row − V_res, V_seed/4)
        nu     = max(V² / (sum_a (s_a²/S_a)²/(S_a − 1) + V_row²/(n − 1)), min(S_A, S_B, n) − 1)
        D ± t_nu·sqrt(V)

    a variance-components test with Satterthwaite's degrees of freedom (F. E. Satterthwaite, Biometrics Bulletin 2
    (1946) 110–114, doi:10.2307/3002019). With fewer runs in an arm its variance is known too badly for that: the
    probability is averaged over what the variances may be (Behrens and Fisher), timid on purpose::

        p      = E[2·Phi(−|D| / sqrt(sum_a (s_a²/S_a)/q_a + max(V_row − V_res, 0)))],  q_a ~ chi²_{S_a−1}/(S_a − 1)

    and the interval holds the differences that this p does not reject (R. A. Fisher, Annals of Eugenics 6 (1935)
    391–398, doi:10.1111/j.1469-1809.1935.tb02120.x). For metrics that average over rows: accuracy, log loss, errors;
    for others see `influence_scores`.

    Parameters
    ----------
    a, b : scores of shape (S_A, n) and (S_B, n): one row a run, one column a test row
    groups : labels of shape (n,) where several rows belong together (photographs of one object): they take the place
        of the rows, the difference stays that of the rows (`group_scores`). Default None: rows are independent
    deterministic : whether an arm gives the same predictions whatever the seed; it then has no variance between
        runs, and does not count as one of fewer than five runs
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
        left, right = group_scores(left, groups), group_scores(right, groups)
    counts = {"seeds_a": len(left), "seeds_b": len(right), "rows": left.shape[1]}
    estimate = float(left.mean(axis=1).mean() - right.mean(axis=1).mean())
    name = "crossed t (seeds × rows)" if groups is None else "crossed t (seeds × groups of rows)"
    welch = welch_t(left.mean(axis=1), right.mean(axis=1), level=level)
    shell = Outcome(
        name, RUNS_AND_ROWS, estimate, level=check_share(level, "level"), n=counts, second_line=welch
    )
    if min(counts.values()) < 2:
        return untestable(shell, _too_few(counts))
    return _test(shell, left, right, deterministic)


def crossed_mean(
    a: object, *, groups: object | None = None, deterministic: bool = False, level: float = 0.95
) -> Outcome:
    """Return the mean of one arm with its interval over new training runs and new test rows.

    The rule of `crossed_t` for an arm against a known 0: V = max(s²/S + V_row − MS/(S·n), s²/(4·S)) with
    V_row = var_i(mean_s x_si)/n, the same degrees of freedom, and below five runs the same mixture.

    Parameters
    ----------
    a : scores of shape (S, n)
    groups, deterministic, level : as in `crossed_t`

    Returns
    -------
    Outcome; not testable with one run, with one row, or without any variance.

    Examples
    --------
    >>> found = crossed_mean(np.tile([1, 1, 1, 0, 1, 1, 0, 1], (2, 1)), deterministic=True)
    >>> found.estimate, round(found.low, 3), round(found.high, 3)
    (0.75, 0.363, 1.137)
    """
    scores = as_scores(a, "scores", ndim=2)
    if groups is not None:
        scores = group_scores(scores, groups)
    counts = {"seeds": len(scores), "rows": scores.shape[1]}
    shell = Outcome(
        "mean (seeds × rows)",
        RUNS_AND_ROWS,
        float(scores.mean(axis=1).mean()),
        level=check_share(level, "level"),
        n=counts,
    )
    if min(counts.values()) < 2:
        return untestable(shell, _too_few(counts))
    return _test(shell, scores, np.zeros((1, scores.shape[1])), (deterministic, True))


def _test(shell: Outcome, left: np.ndarray, right: np.ndarray, deterministic: tuple[bool, bool]) -> Outcome:
    parts = crossed_parts(left, right, deterministic=deterministic)
    flat = TRADED if parts.v_res > 0 else why_flat(left, right)
    dfs = [None if fixed else len(arm) - 1.0 for arm, fixed in zip((left, right), deterministic, strict=True)]
    return concluded(shell, parts, (dfs[0], dfs[1]), scale=largest(left, right), flat=flat)


def concluded(
    shell: Outcome, parts: CrossedParts, dfs: tuple[float | None, float | None], *, scale: float, flat: str
) -> Outcome:
    """Fill an outcome that has name, scope, estimate and level, from the variance taken apart.

    Parameters
    ----------
    shell : outcome without a statistic
    parts : of one comparison, without leading axes
    dfs : degrees of freedom of `seed_a` and `seed_b`; None for an arm whose runs do not vary
    scale : largest absolute score; a standard error that is only rounding of it counts as zero
    flat : the reason to give when the standard error is zero
    """
    names = ("v_seed", "v_row", "v_res", "variance")
    shell = replace(shell, details={name: float(getattr(parts, name)) for name in names})
    mixture = behrens_fisher(parts, dfs)
    # where runs do not differ at all the test is a paired t over rows
    if mixture is None or is_rounding(float(np.sqrt(parts.v_seed + parts.v_res)), scale):
        return from_t(shell, se=float(np.sqrt(parts.variance)), df=float(parts.df), scale=scale, flat=flat)
    se = float(np.sqrt(mixture.plain))
    shell = replace(shell, name=shell.name.replace("crossed t", "crossed Behrens–Fisher"))
    if is_rounding(se, scale):
        return untestable(shell, flat)
    half = interval_half(mixture, 1 - shell.level)
    return replace(
        shell,
        statistic=shell.estimate / se,
        p=two_sided(mixture, shell.estimate),
        se=se,
        mixture=mixture,
        low=shell.estimate - half,
        high=shell.estimate + half,
    )


def behrens_fisher(parts: CrossedParts, dfs: tuple[float | None, float | None]) -> Mixture | None:
    """Return the distribution of a difference where an arm that varies has fewer than five runs; else None.

    `dfs` are the degrees of freedom of the arms' variances between runs: runs − 1, None for an arm that does not vary.
    """
    arms = [(float(v), df) for v, df in zip((parts.seed_a, parts.seed_b), dfs, strict=True) if df is not None]
    if not arms or min(df for _, df in arms) >= FEW - 1:
        return None
    return Mixture(
        tuple(v for v, _ in arms), tuple(df for _, df in arms), max(float(parts.v_row - parts.v_res), 0.0)
    )


def _too_few(counts: dict[str, int]) -> str:
    if counts["rows"] < 2:
        return "one test row only: the spread between rows is unknown"
    return "an arm has one run only: its spread between runs is unknown (McNemar compares single models)"
