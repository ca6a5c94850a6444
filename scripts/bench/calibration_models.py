"""Check the statistics on models that were really fitted; `calibration.py` prints what this measures.

(4) Equal arms of networks, forests and nearest neighbours on four data sets; networks on handwritten digits.
(5) Coverage of the crossed interval for two different configurations, against their difference on 20,000 rows.
(6) Cross-validation: Nadeau and Bengio's corrected t for two equal learners, the data drawn anew each time.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from mlexp.nn.estimators import MLPClassifier
from mlexp.nn.stack import fit_stack
from mlexp.stats import crossed_parts, welch_parts
from mlexp.stats.crossed import behrens_fisher
from mlexp.stats.mixture import two_sided

ALPHA = 0.05
NOTHING = 1e-12  # variance below which there is nothing but rounding of float32
STACK = 64  # networks side by side
SEEDS = 10  # runs an arm
Shares = dict[str, float]


def t_rejects(difference: np.ndarray, se: np.ndarray, df: np.ndarray, null: float = 0.0) -> np.ndarray:
    """Return which comparisons reject `null` at ALPHA; no variance means no rejection."""
    bound = special.stdtrit(df, 1 - ALPHA / 2) * np.where(se > 0, se, np.inf)
    return np.asarray(np.abs(difference - null) > bound)


def crossed_rejects(a: np.ndarray, b: np.ndarray, null: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return which tables the crossed test rejects `null` on, and on which it can be computed."""
    parts, seeds = crossed_parts(a, b), (a.shape[1], b.shape[1])
    if min(seeds) >= 5:
        testable = parts.variance > NOTHING
        return t_rejects(parts.difference, np.sqrt(parts.variance), parts.df, null), testable
    rejected, testable = np.zeros(len(a), bool), np.zeros(len(a), bool)
    for place in range(len(a)):
        one = type(parts)(**{name: np.asarray(value[place]) for name, value in vars(parts).items()})
        mixture = behrens_fisher(one, (seeds[0] - 1.0, seeds[1] - 1.0))
        assert mixture is not None
        testable[place] = mixture.plain > NOTHING
        if testable[place]:
            rejected[place] = two_sided(mixture, float(one.difference) - null) <= ALPHA
    return rejected, testable


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


Rows = tuple[np.ndarray, np.ndarray]
DATA_SETS = {
    "breast cancer": 0.6,
    "wine": 0.6,
    "moons": 2000,
    "three classes, 20 features": 4000,
}  # held-out rows


def data_set(name: str) -> tuple[Rows, Rows]:
    """Return training and held-out rows of a data set that did not help to choose the rule."""
    from sklearn.datasets import load_breast_cancer, load_wine, make_classification
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    if name == "breast cancer":
        X, y = load_breast_cancer(return_X_y=True)
    elif name == "wine":
        X, y = load_wine(return_X_y=True)
    elif name == "moons":
        X, y = points("moons", 2300, 5)
    else:
        X, y = make_classification(
            4300, 20, n_informative=6, n_classes=3, class_sep=0.8, flip_y=0.05, random_state=0
        )
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=DATA_SETS[name], random_state=0, stratify=y
    )
    scale = StandardScaler().fit(X_train)
    train, held = (scale.transform(part).astype(np.float32) for part in (X_train, X_test))
    return (train, y_train), (held, y_test)


def pool(kind: str, train: Rows, held: Rows, runs: int) -> np.ndarray:
    """Fit `runs` models of a kind that differ in their seed alone; return which held-out rows each gets right."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier

    X, y = train
    if kind == "networks":
        return right(trained(runs, train, hidden=[16], epochs=20, batch_size=32)[0], *held)
    if kind == "forests":
        return right([RandomForestClassifier(20, random_state=seed).fit(X, y) for seed in range(runs)], *held)
    drawn = [
        np.random.default_rng(seed).integers(len(X), size=len(X)) for seed in range(runs)
    ]  # else one model
    return right([KNeighborsClassifier(5).fit(X[rows], y[rows]) for rows in drawn], *held)


KINDS = ("networks", "forests", "nearest neighbours")
PAIRS = (*((kind, kind) for kind in KINDS), *zip(KINDS, (*KINDS[1:], KINDS[0]), strict=True))
COUNTS = (3, 5, 10, 30)  # runs an arm


def equal_arms(
    data: str, kinds: tuple[str, str], *, times: int, seed: int, runs: int = 240, rows: int = 300
) -> list[tuple[int, Shares]]:
    """Return runs an arm, and how often each test rejects a true null between models fitted on a data set.

    Either both arms come from one pool: the same configuration, other seeds. Or they are of two kinds, and on each row
    it is left to chance which of them is called A: rows matter as much as they can, and neither arm is better over new
    rows. Comparisons share models and rows, so their number says less than as many from fresh ones would.
    """
    found = {kind: pool(kind, *data_set(data), runs) for kind in kinds}
    rng = np.random.default_rng([seed, 7])
    one, other = (found[kind] for kind in kinds)
    return [(count, _equal(one, other, count, rows, times, rng)) for count in COUNTS]


def _equal(
    one: np.ndarray, other: np.ndarray, count: int, rows: int, times: int, rng: np.random.Generator
) -> Shares:
    hits: dict[str, list[bool]] = {"crossed": [], "welch": [], "untestable": []}
    for _ in range(times):
        chosen = rng.permutation(len(one))
        row = rng.choice(one.shape[1], min(rows, one.shape[1]), replace=False)
        a, b = one[np.ix_(chosen[:count], row)], other[np.ix_(chosen[count : 2 * count], row)]
        if one is not other:
            swapped = rng.random(len(row)) < 0.5
            a, b = np.where(swapped, b, a), np.where(swapped, a, b)
        rejected, testable = crossed_rejects(a[None], b[None])
        hits["untestable"].append(not testable[0])
        if testable[0]:
            hits["crossed"].append(bool(rejected[0]))
        hits["welch"].append(bool(t_rejects(*welch_parts(a.mean(axis=1), b.mean(axis=1)))))
    return {test: float(np.mean(found)) if found else float("nan") for test, found in hits.items()}


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
    widths: tuple[int, int],
    *,
    runs: int,
    times: int,
    seed: int,
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
