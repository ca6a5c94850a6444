"""Tests by re-arrangement: permutation of arms, flipping of signs, Wilcoxon's signed ranks."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np

from mlexp.errors import ConfigError
from mlexp.stats.outcome import (
    Outcome,
    as_pairs,
    as_scores,
    check_count,
    check_share,
    is_rounding,
    largest,
    untestable,
    why_flat,
    without_rounding,
)
from mlexp.stats.scope import PAIRS, RUNS, Scope

EXACT_UP_TO = 200_000  # arrangements; 10 against 10 runs have 184,756
WILCOXON_EXACT_UP_TO = 50  # pairs; counts of rank sums are exact in float64 up to here
CHUNK = 4096


def permutation_test(
    a: object, b: object, *, rng: np.random.Generator, n_resamples: int = 9999, exact_up_to: int = EXACT_UP_TO
) -> Outcome:
    """Compare the means of two independent groups by exchanging their labels.

    p is the share of arrangements whose |mean_A − mean_B| is at least the observed one. All arrangements are
    counted when there are at most `exact_up_to`; otherwise `n_resamples` random ones are drawn and
    p = (1 + count)/(1 + n_resamples), which is never 0. What is tested is that the arms are exchangeable: a
    difference in spread alone can also show. E. J. G. Pitman, Suppl. J. R. Stat. Soc. 4 (1937) 119–130,
    doi:10.2307/2984124; B. Phipson and G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39,
    doi:10.2202/1544-6115.1585.

    Parameters
    ----------
    a, b : scores of shape (n_A,) and (n_B,), one a run
    rng : generator of the random arrangements
    n_resamples : random arrangements, default 9999
    exact_up_to : largest number of arrangements to count in full, default 200,000

    Examples
    --------
    >>> outcome = permutation_test([4.0, 5.0, 6.0], [1.0, 2.0, 3.0], rng=np.random.default_rng(0))
    >>> outcome.name, outcome.p, outcome.details["arrangements"]
    ('permutation (exact)', 0.1, 20.0)
    """
    left, right = as_scores(a, "scores of A"), as_scores(b, "scores of B")
    pool = np.concatenate((left, right))
    total = comb(len(pool), len(left))
    exact = total <= exact_up_to
    check_count(n_resamples, "n_resamples")
    counts = {"runs_a": len(left), "runs_b": len(right)}
    shell = _shell("permutation", exact, RUNS, float(left.mean() - right.mean()), counts)
    if is_rounding(float(np.ptp(pool)), largest(pool)):
        return untestable(shell, why_flat(left, right))
    if exact:
        chosen = combinations(range(len(pool)), len(left))
        index = np.fromiter(chosen, dtype=np.dtype((np.intp, len(left))), count=total)
        sums = pool[index].sum(axis=1)
    else:
        sums = _random_sums(pool, len(left), n_resamples, rng)
    gaps = np.abs(sums / len(left) - (pool.sum() - sums) / len(right))
    return _count(shell, gaps, largest(pool), exact)


def _shell(name: str, exact: bool, scope: Scope, estimate: float, n: dict[str, int]) -> Outcome:
    return Outcome(f"{name} ({'exact' if exact else 'random'})", scope, estimate, n=n)


def _chunks(total: int) -> list[int]:
    return [min(CHUNK, total - start) for start in range(0, total, CHUNK)]


def _random_sums(pool: np.ndarray, size: int, n_resamples: int, rng: np.random.Generator) -> np.ndarray:
    parts = [
        rng.permuted(np.broadcast_to(pool, (rows, len(pool))), axis=1)[:, :size].sum(axis=1)
        for rows in _chunks(n_resamples)
    ]
    return np.concatenate(parts)


def _count(shell: Outcome, gaps: np.ndarray, scale: float, exact: bool) -> Outcome:
    # sums taken in another order differ in the last bits: what equals the observed value must count
    as_far = int((gaps >= abs(shell.estimate) - 1e-12 * scale).sum())
    p = as_far / len(gaps) if exact else (1 + as_far) / (1 + len(gaps))
    return replace(shell, statistic=shell.estimate, p=p, details={"arrangements": float(len(gaps))})


def wilcoxon_signed_rank(
    a: object, b: object, *, zero_method: str = "zsplit", level: float = 0.95
) -> Outcome:
    """Compare two arms on the same units by the ranks of their differences (Wilcoxon's signed-rank test).

    R+ and R− are the sums of the ranks of |d_i| over positive and negative differences; tied sizes share their
    mean rank. Zeros: `zsplit` ranks them and gives half of their ranks to each side (the default, Demšar's
    convention), `pratt` ranks and then drops them, `wilcox` drops them first. With up to 50 pairs p is exact,
    conditional on ties and zeros; beyond that it is normal with tie correction.
    z = (min(R+, R−) − n(n+1)/4) / sqrt(n(n+1)(2n+1)/24) is in `details` without any tie correction and, as
    z_tie_corrected, with the variance sum(rank²)/4 over the ranks that count: all under zsplit (as SciPy has it,
    on the timid side), those of differences that are not zero under the other two.
    The estimate is the Hodges–Lehmann median of the Walsh averages (d_i + d_j)/2; the interval takes the
    averages at the test's own critical rank and may be missing when pairs are few.
    F. Wilcoxon, Biometrics Bulletin 1 (1945) 80–83, doi:10.2307/3001968; J. W. Pratt, J. Am. Stat. Assoc. 54
    (1959) 655–667, doi:10.1080/01621459.1959.10501526; J. Demšar, J. Mach. Learn. Res. 7 (2006) 1–30.

    Parameters
    ----------
    a, b : scores of shape (n,), matched by position
    zero_method : zsplit, pratt or wilcox
    level : confidence level of the interval, default 0.95

    Returns
    -------
    Outcome with statistic min(R+, R−); r_plus, r_minus, z, z_tie_corrected and zeros in `details`.

    Examples
    --------
    >>> outcome = wilcoxon_signed_rank([5.0, 7.0, 3.0, 9.0, 8.0], [4.0, 5.0, 6.0, 5.0, 3.0])
    >>> outcome.statistic, outcome.p, outcome.estimate
    (3.0, 0.3125, 2.0)
    """
    if zero_method not in ("zsplit", "pratt", "wilcox"):
        raise ConfigError(f"'zero_method' must be one of zsplit, pratt, wilcox. Got {zero_method!r}.")
    left, right = as_pairs(a, b)
    d, scale = left - right, largest(left, right)
    size = without_rounding(np.abs(d), scale)
    d = np.sign(d) * size
    walsh = np.sort(((d[:, None] + d[None, :]) / 2)[np.triu_indices(len(d))])
    shell = Outcome(
        f"Wilcoxon signed rank ({zero_method})",
        PAIRS,
        float(np.median(walsh)),
        level=check_share(level, "level"),
        n={"pairs": len(d)},
    )
    if not d.any():
        return untestable(shell, "every difference is zero: this cannot be tested")
    outcome = _signed_ranks(shell, d[d != 0] if zero_method == "wilcox" else d, zero_method)
    low, high = _walsh_interval(walsh, len(d), level)
    rejected = outcome.p is not None and outcome.p <= 1 - level
    low, high = _agreeing(walsh, shell.estimate, low, high, rejected=rejected)
    return replace(outcome, low=low, high=high)


def _agreeing(
    walsh: np.ndarray, estimate: float, low: float | None, high: float | None, *, rejected: bool
) -> tuple[float | None, float | None]:
    """Return the ends of the interval, moved to the next average where ties make it contradict the test about zero.

    The interval's critical rank supposes no ties; p is exact with them. Where the median difference is zero and the
    test rejects all the same (most pairs are equal, the others agree), there is no interval that says both.
    """
    if low is None or high is None:
        return None, None
    if rejected and low <= 0 <= high:
        if estimate == 0:
            return None, None
        low, high = (walsh[walsh > 0][0], high) if estimate > 0 else (low, walsh[walsh < 0][-1])
    elif not rejected:
        low, high = min(low, 0.0), max(high, 0.0)
    return float(low), float(high)


def _signed_ranks(shell: Outcome, d: np.ndarray, zero_method: str) -> Outcome:
    from scipy.special import ndtr
    from scipy.stats import rankdata

    ranks = rankdata(np.abs(d))
    moving, zeros = ranks[d != 0], float(ranks[d == 0].sum())
    half = zeros / 2 if zero_method == "zsplit" else 0.0
    r_plus, r_minus = float(ranks[d > 0].sum()) + half, float(ranks[d < 0].sum()) + half
    smaller, n = min(r_plus, r_minus), len(d)
    gap = smaller - (r_plus + r_minus) / 2
    counted = ranks if zero_method == "zsplit" else moving
    corrected = gap / float(np.sqrt(np.square(counted).sum() / 4))
    if n <= WILCOXON_EXACT_UP_TO:
        counts = _rank_sum_counts(moving)
        p = min(1.0, 2 * float(counts[: round(2 * (smaller - half)) + 1].sum() / counts.sum()))
    else:
        p = min(1.0, 2 * float(ndtr(corrected)))
    details = {"r_plus": r_plus, "r_minus": r_minus, "z_tie_corrected": corrected}
    details |= {"z": gap / float(np.sqrt(n * (n + 1) * (2 * n + 1) / 24)), "zeros": float((d == 0).sum())}
    return replace(shell, statistic=smaller, p=p, details=details)


def _rank_sum_counts(ranks: np.ndarray) -> np.ndarray:
    """Count the sign patterns by twice their sum of positive ranks (tied ranks are halves)."""
    doubled = np.rint(2 * ranks).astype(int)
    counts = np.zeros(int(doubled.sum()) + 1)
    counts[0] = 1.0
    for rank in doubled:
        counts[rank:] += counts[:-rank].copy()
    return counts


def _walsh_interval(walsh: np.ndarray, n: int, level: float) -> tuple[float | None, float | None]:
    from scipy.special import ndtri

    tail = (1 - level) / 2
    if n <= WILCOXON_EXACT_UP_TO:
        counts = _rank_sum_counts(np.arange(1.0, n + 1))[::2]
        cut = int(np.searchsorted(np.cumsum(counts) / counts.sum(), tail, side="right"))
    else:
        cut = int(n * (n + 1) / 4 + ndtri(tail) * np.sqrt(n * (n + 1) * (2 * n + 1) / 24))
    if cut < 1:
        return None, None
    return float(walsh[cut - 1]), float(walsh[-cut])
