"""The default test in blocks: two arms inside each combination of other settings, averaged over the combinations."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mlexp.errors import DataError
from mlexp.stats.crossed import FLOOR, TRADED, CrossedParts, concluded, group_scores
from mlexp.stats.outcome import Outcome, as_scores, check_share, from_t, largest, untestable, why_flat
from mlexp.stats.scope import ROWS_ALONE, RUNS, RUNS_AND_ROWS

ONE_RUN = "a block holds one run of an arm: its spread between runs is unknown"


@dataclass(frozen=True)
class _Arm:
    """One arm over all blocks: variance of its mean, residual, degrees of freedom, mean score of every row."""

    seed: float
    residual: float
    df: float | None
    rows: np.ndarray


def blocked_t(
    a: Sequence[ArrayLike],
    b: Sequence[ArrayLike],
    *,
    seeds: tuple[Sequence[Sequence[Hashable]], Sequence[Sequence[Hashable]]] | None = None,
    groups: object | None = None,
    fitted: bool = False,
    level: float = 0.95,
) -> Outcome:
    """Compare two arms inside each of B blocks, averaged over the blocks: the crossed test, blocks fixed.

    A block is a combination of the settings that are not compared; every run has scored the same rows. Run s of arm a
    in block b scores row i with x_absi, S_ab runs, n rows::

        D      = mean_b( mean_Ab − mean_Bb )
        u_asi  = sum_b ( x_absi − mean_s x_absi ) / ( B·sqrt(S_ab·(S_ab − 1)) )        over the blocks that hold seed s
        V_a    = sum_s ( mean_i u_asi )²
        V_row  = var_i( mean_b( mean_s x_Absi − mean_s x_Bbsi ) ) / n
        V_res  = sum_a sum_s sum_i ( u_asi − mean_i u_asi )² / (n·(n − 1))
        V      = max( V_A + V_B + V_row − V_res, (V_A + V_B)/4 )

    The rows are shared by all blocks and arms, so V_row is that of the differences averaged over blocks. Runs of one
    seed in several blocks start alike and are *not* independent: their deviations are added before they are squared.
    With other seeds in every block V_a = sum_b s_ab²/(S_ab·B²); with the same S seeds in every block, s² of the seeds'
    means over blocks divided by S; with one block it is `crossed_t`. Degrees of freedom of V_a: S − 1 for blocks that
    share seeds (the smallest S_ab), by Satterthwaite over those that share none; then as in `crossed_t`, with the
    mixture of Behrens and Fisher where an arm has fewer than four.

    Parameters
    ----------
    a, b : for each block the scores of an arm, shape (S_ab, n); or (S_ab,) where the scores of rows are not known
    seeds : for each arm and block a label for each run. Default None: the same seeds 0, 1, 2 ... in every block, which
        supposes nothing of how runs of different blocks depend on each other
    groups : labels of shape (n,) where several rows belong together, default None
    fitted : take the models as they are, one run or several, default False: rows alone vary
    level : confidence level of the interval, default 0.95

    Returns
    -------
    Outcome; not testable with one run in a block (unless `fitted`), one row, or without any variance.

    Examples
    --------
    >>> a = [[[1, 1, 1, 0], [1, 1, 0, 1]], [[1, 1, 0, 0], [1, 1, 1, 1]]]
    >>> b = [[[0, 1, 0, 0], [0, 1, 1, 0]], [[0, 0, 0, 1], [0, 1, 1, 0]]]
    >>> outcome = blocked_t(a, b)
    >>> outcome.estimate, outcome.n["blocks"], outcome.testable
    (0.375, 2, True)
    """
    by_row = np.ndim(a[0]) == 2
    cells = [
        [as_scores(one if by_row else np.asarray(one)[:, None], f"scores of {name}", ndim=2) for one in arm]
        for name, arm in (("A", a), ("B", b))
    ]
    if len(a) != len(b) or len({one.shape[1] for arm in cells for one in arm}) > 1:
        raise DataError(
            f"Both arms must have scores in every block, of the same rows. Got {len(a)} and {len(b)} blocks with "
            f"{', '.join(sorted({str(one.shape[1]) for arm in cells for one in arm}))} rows."
        )
    labels = seeds or tuple([range(len(one)) for one in arm] for arm in cells)
    if groups is not None:
        cells = [[group_scores(one, groups) for one in arm] for arm in cells]
    counts = {"blocks": len(a), "rows": cells[0][0].shape[1] if by_row else 0}
    fewest = {f"seeds_{name}": min(map(len, arm)) for name, arm in zip("ab", cells, strict=True)}
    arms = [_arm(arm, of, fitted) for arm, of in zip(cells, labels, strict=True)]
    shell = Outcome(
        "crossed t in blocks (seeds × rows)",
        replace(ROWS_ALONE if fitted else RUNS_AND_ROWS, blocks=True),
        float((arms[0].rows - arms[1].rows).mean()),
        level=check_share(level, "level"),
        n=counts | fewest,
    )
    if fitted:
        shell = replace(shell, name="paired t over rows, in blocks")
    everything = [one for arm in cells for one in arm]
    scale, flat = largest(*everything), why_flat(*everything)
    narrow = replace(shell, name="Welch t in blocks", scope=replace(RUNS, blocks=True))
    if not fitted and min(fewest.values()) < 2:
        return untestable(shell if by_row else narrow, ONE_RUN)
    welch = _welch(narrow, arms, scale, flat)
    if not by_row:
        return untestable(shell, "the scores of rows are not known") if fitted else welch
    if counts["rows"] < 2:
        return untestable(shell, "one test row only: the spread between rows is unknown")
    parts = _parts(arms)
    shell = replace(shell, second_line=None if fitted else welch)
    flat = TRADED if parts.v_res > 0 else flat
    return concluded(shell, parts, (arms[0].df, arms[1].df), scale=scale, flat=flat)


def blocked_mean(a: Sequence[ArrayLike], **more: Any) -> Outcome:
    """Return the mean of one arm over all blocks with its interval: `blocked_t` against a known 0.

    Parameters
    ----------
    a, more : as in `blocked_t`; `seeds` for this arm alone
    """
    zero = [np.zeros_like(np.asarray(one, dtype=np.float64)[:1].repeat(2, axis=0)) for one in a]
    labels = more.pop("seeds", None) or [range(len(np.asarray(one))) for one in a]
    return blocked_t(a, zero, seeds=(labels, [(0, 1)] * len(zero)), **more)


def _arm(cells: Sequence[np.ndarray], labels: Sequence[Sequence[Hashable]], fitted: bool) -> _Arm:
    """Return what one arm's runs in all blocks say of the variance of its mean."""
    n_rows = cells[0].shape[1]
    rows = np.mean([one.mean(axis=0) for one in cells], axis=0)
    sums: dict[Hashable, np.ndarray] = {}
    linked: list[
        tuple[set[Hashable], int]
    ] = []  # seeds of blocks that share some, and the fewest runs of a block
    for scores, seeds in zip(cells, labels, strict=True):
        deviations = scores - scores.mean(axis=0)
        if fitted or not deviations.any():  # as they are, or the same whatever the seed
            continue
        deviations = deviations / (len(cells) * np.sqrt(len(scores) * (len(scores) - 1)))
        for seed, one in zip(seeds, deviations, strict=True):
            sums[seed] = sums.get(seed, 0) + one
        shared = [link for link in linked if link[0] & set(seeds)]
        linked = [link for link in linked if link not in shared]
        together = set(seeds).union(*(known for known, _ in shared))
        linked.append((together, min([len(scores), *(fewest for _, fewest in shared)])))
    means = {seed: float(one.mean()) for seed, one in sums.items()}
    variances = [(sum(means[seed] ** 2 for seed in seeds), fewest - 1) for seeds, fewest in linked]
    total = sum(variance for variance, _ in variances)
    residual = sum(float(np.square(one - means[seed]).sum()) for seed, one in sums.items())
    df: float | None = None
    if linked:
        df = float(min(n for _, n in variances))
        if total > 0:
            df = max(df, 1 / sum((variance / total) ** 2 / n for variance, n in variances))
    return _Arm(total, residual / max(n_rows * (n_rows - 1), 1), df, rows)


def _parts(arms: Sequence[_Arm]) -> CrossedParts:
    gaps = arms[0].rows - arms[1].rows
    v_seed, v_res = sum(arm.seed for arm in arms), sum(arm.residual for arm in arms)
    v_row = float(gaps.var(ddof=1) / len(gaps))
    variance = max(v_seed + v_row - v_res, FLOOR * v_seed)
    lowest = min([len(gaps) - 1.0, *(arm.df for arm in arms if arm.df is not None)])
    spread = 0.0
    if variance > 0:
        spread = (v_row / variance) ** 2 / (len(gaps) - 1)
        spread += sum((arm.seed / variance) ** 2 / arm.df for arm in arms if arm.df is not None)
    df = max(1 / spread if spread > 0 else lowest, lowest)
    numbers = (float(gaps.mean()), arms[0].seed, arms[1].seed, v_row, v_res, variance, df)
    return CrossedParts(*map(np.asarray, numbers))


def _welch(shell: Outcome, arms: Sequence[_Arm], scale: float, flat: str) -> Outcome:
    """Return the test over new runs for these rows alone: V_A + V_B with Satterthwaite's degrees of freedom."""
    variance = sum(arm.seed for arm in arms)
    known = [arm for arm in arms if arm.df is not None and arm.seed > 0]
    df = 1 / sum((arm.seed / variance) ** 2 / arm.df for arm in known if arm.df) if known else 1.0
    return from_t(shell, se=float(np.sqrt(variance)), df=df, scale=scale, flat=flat)
