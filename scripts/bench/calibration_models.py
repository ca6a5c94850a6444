"""Check the statistics on models that were really fitted; `calibration.py` prints what this measures.

(2) Null comparisons of networks on handwritten digits: the same configuration, other seeds.
(3) Coverage of the crossed interval for two different configurations, against their difference on 20,000 rows.
(4) Cross-validation: Nadeau and Bengio's corrected t for two equal learners, the data drawn anew each time.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from mlexp.nn.estimators import MLPClassifier
from mlexp.nn.stack import fit_stack
from mlexp.stats import crossed_parts, welch_parts

ALPHA = 0.05
STACK = 64  # networks side by side
SEEDS = 10  # runs an arm
Shares = dict[str, float]


def t_rejects(difference: np.ndarray, se: np.ndarray, df: np.ndarray, null: float = 0.0) -> np.ndarray:
    """Return which comparisons reject `null` at ALPHA; no variance means no rejection."""
    bound = special.stdtrit(df, 1 - ALPHA / 2) * np.where(se > 0, se, np.inf)
    return np.asarray(np.abs(difference - null) > bound)


def trained(
    n: int, train: tuple[np.ndarray, np.ndarray], first_seed: int = 0, **settings: object
) -> tuple[list[MLPClassifier], np.ndarray]:
    """Train `n` networks that differ in their seed alone; return them and their training accuracy by epoch."""
    models, curves = [], []
    for start in range(0, n, STACK):
        stack = [
            MLPClassifier(seed=first_seed + seed, patience=None, validation_fraction=0.0, **settings)
            for seed in range(start, min(start + STACK, n))
        ]
        rows: list[list[float]] = [[] for _ in stack]

        def keep(replica: int, row: dict[str, float], seconds: float, rows: list[list[float]] = rows) -> None:
            rows[replica].append(row["train_accuracy"])

        fit_stack(stack, *train, n_classes=len(np.unique(train[1])), on_epoch=keep)
        models += stack
        curves += rows
    return models, np.array(curves)


def right(models: list[MLPClassifier], X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which rows each network gets right, float64 of shape (networks, rows)."""
    return np.stack([model.predict(X) == y for model in models]).astype(np.float64)


def digits_pool(n: int, epochs: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Train `n` networks 64-32-10 on 1,437 digits; return their scores on the other 360, and training curves."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    split = train_test_split((X / 16).astype(np.float32), y, test_size=360, random_state=0, stratify=y)
    X_train, X_test, y_train, y_test = split
    models, curves = trained(n, (X_train, y_train), hidden=[32], epochs=epochs, batch_size=32)
    return right(models, X_test, y_test), curves


def null_comparisons(scores: np.ndarray, curves: np.ndarray, *, times: int, seed: int) -> Shares:
    """Draw two arms of ten runs from one pool, again and again; return how often each test tells them apart.

    The twenty runs of a comparison are different ones; comparisons share runs, so their number says less than
    as many from fresh runs would.
    """
    rng = np.random.default_rng([seed, 2])
    found: dict[str, list[bool]] = {"crossed": [], "welch": [], "epochwise": []}
    for _ in range(times):
        drawn = rng.permutation(len(scores))[: 2 * SEEDS]
        a, b = scores[drawn[:SEEDS]], scores[drawn[SEEDS:]]
        parts = crossed_parts(a, b)
        found["crossed"].append(bool(t_rejects(parts.difference, np.sqrt(parts.variance), parts.df)))
        found["welch"].append(bool(t_rejects(*welch_parts(a.mean(axis=1), b.mean(axis=1)))))
        d = curves[drawn[0]] - curves[drawn[SEEDS]]
        se, df = d.std(ddof=1) / np.sqrt(len(d)), np.array(len(d) - 1.0)
        found["epochwise"].append(bool(t_rejects(d.mean(), np.asarray(se), df)))
    return {test: float(np.mean(hits)) for test, hits in found.items()}


def points(name: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw two-dimensional points of two classes that overlap."""
    from sklearn import datasets

    if name == "moons":
        X, y = datasets.make_moons(n, noise=0.3, random_state=seed)
    else:
        X, y = datasets.make_circles(n, noise=0.15, factor=0.6, random_state=seed)
    return X.astype(np.float32), y


def coverage_of_points(
    name: str,
    *,
    runs: int,
    times: int,
    seed: int,
    widths: tuple[int, int] = (4, 16),
    rows: int = 500,
    epochs: int = 40,
) -> Shares:
    """Train two configurations on one training set; return how often the interval holds their true difference.

    The truth is the difference of the means over all runs of a pool and 20,000 held-out rows. Each comparison draws
    ten runs an arm and `rows` test rows from them.
    """
    train, held = points(name, 300, seed + 1), points(name, 20_000, seed + 2)
    pools = [
        right(
            trained(runs, train, hidden=[width], epochs=epochs, batch_size=32, learning_rate=0.01)[0], *held
        )
        for width in widths
    ]
    truth = float(pools[1].mean() - pools[0].mean())
    rng = np.random.default_rng([seed, 3])
    covered, found = [], []
    for _ in range(times):
        row = rng.choice(held[1].size, rows, replace=False)
        a, b = (pool[np.ix_(rng.permutation(runs)[:SEEDS], row)] for pool in pools)
        parts = crossed_parts(b, a)
        se = np.sqrt(parts.variance)
        covered.append(not t_rejects(parts.difference, se, parts.df, truth))
        found.append(bool(t_rejects(parts.difference, se, parts.df)))
    return {"truth": truth, "covered": float(np.mean(covered)), "found": float(np.mean(found))}


def divisions(n: int, plan: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the test rows of each division: `10-fold`, `10x10-fold`, or `15 x 20 %`."""
    if plan.endswith("fold"):
        repeats = int(plan.split("x")[0]) if "x" in plan else 1
        return [fold for _ in range(repeats) for fold in np.array_split(rng.permutation(n), 10)]
    times, share = plan.removesuffix(" %").split(" x ")
    return [rng.permutation(n)[: n * int(share) // 100] for _ in range(int(times))]


PLANS = ("10-fold", "10x10-fold", "15 x 10 %", "15 x 20 %", "15 x 50 %")


def _errors(X: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return the share of wrong rows of least squares, for each of the blocks of features: shape (blocks,)."""
    held = np.zeros(len(y), bool)
    held[test] = True
    train = X[:, ~held]
    gram = train.transpose(0, 2, 1) @ train + 1e-6 * np.eye(X.shape[2])
    weights = np.linalg.solve(gram, (train.transpose(0, 2, 1) @ y[~held])[..., None])
    return np.asarray(((X[:, held] @ weights)[..., 0] * y[held] < 0).mean(axis=1))


def exchangeable_blocks(
    *, times: int, seed: int, n: int = 200, width: int = 20, plans: tuple[str, ...] = PLANS
) -> dict[str, Shares]:
    """Compare one learner on two blocks of features that tell as much about the class as one another.

    The blocks are drawn alike and enter the class alike, so that over all data sets neither is better. Data are drawn
    anew in each comparison. Returns for each plan how often the corrected and the plain paired t reject.
    """
    rng = np.random.default_rng([seed, 4])
    found: dict[str, dict[str, list[bool]]] = {plan: {"corrected": [], "plain": []} for plan in plans}
    for _ in range(times):
        X = rng.standard_normal((2, n, width))
        y = np.sign(X.sum(axis=(0, 2)) + 2 * rng.standard_normal(n))
        X = np.concatenate([X, np.ones((2, n, 1))], axis=2)
        for plan in plans:
            tests = divisions(n, plan, rng)
            d = np.array([np.subtract(*_errors(X, y, test)) for test in tests])
            ratio = len(tests[0]) / (n - len(tests[0]))
            df = np.array(len(d) - 1.0)
            for name, share in (("corrected", 1 / len(d) + ratio), ("plain", 1 / len(d))):
                se = np.sqrt(share * d.var(ddof=1))
                found[plan][name].append(bool(t_rejects(d.mean(), np.asarray(se), df)))
    return {plan: {name: float(np.mean(hits)) for name, hits in of.items()} for plan, of in found.items()}
