"""One step of k-means: distances, assignment, new centres."""

from __future__ import annotations

import warnings

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError
from mlexp.kinds.by_hand import given
from mlexp.kinds.by_hand.differences import central
from mlexp.kinds.by_hand.latex import NAME, Script, difference, matrix, num, row, total
from mlexp.kinds.by_hand.settings import ByHand
from mlexp.kinds.observer import Observer
from mlexp.store.result import Columns, Result

Example = tuple[list[list[float]], list[list[float]]]  # rows, and first centres
EXAMPLE: Example = ([[1, 1], [1.5, 2], [3, 3], [5, 7], [3.5, 5], [4.5, 5], [3.5, 4.5]], [[1, 1], [5, 7]])


def starting(config: Config, dataset: Dataset, example: Example) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (n, d) and first centres (k, d): typed, of the data set, or drawn; default the first and last row.

    Raises
    ------
    ConfigError
        Centres do not have the length of a row, or there are more of them than rows.
    """
    rng = given.generator(config)
    default_x, default_centres = example
    if rng is not None:
        d = len(default_x[0])
        drawn = np.zeros((2, d))
        while has_tie(drawn, drawn[:2]):
            places = rng.choice(10**d, 6, replace=False)
            drawn = np.array([[float(place // 10**k % 10) for k in range(d)] for place in places])
        default_x, default_centres = drawn.tolist(), drawn[:2].tolist()
    X = given.points(config, dataset, default_x)
    if config.of(ByHand).centres is not None:
        centres = given.table(config.of(ByHand).centres, "by_hand.centres")
    else:
        own = X.tolist() == [list(map(float, r)) for r in default_x]
        centres = np.array(default_centres, float) if own else X[[0, -1]] if len(X) > 1 else X
    if centres.shape[1] != X.shape[1] or len(centres) > len(X):
        raise ConfigError(
            f"by_hand.centres must be at most {len(X)} rows of {X.shape[1]} numbers, like the rows. "
            f"Got {len(centres)} of {centres.shape[1]}."
        )
    return X, centres


def squared_distances(X: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the squared distance of each row from each centre, (n, k)."""
    found: np.ndarray = ((X[:, None] - centres) ** 2).sum(axis=2)
    return found


def has_tie(X: np.ndarray, centres: np.ndarray) -> bool:
    """Return whether a row is equally near to two centres."""
    if len(centres) < 2:
        return False
    nearest = np.sort(squared_distances(X, centres), axis=1)[:, :2]
    return bool((nearest[:, 1] - nearest[:, 0] < 1e-9).any())


def kmeans(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Derive one step of k-means from typed centres."""
    X, centres = starting(config, dataset, EXAMPLE)
    observer.started(given.plan(dataset, len(X), X.shape[1]))
    squared = squared_distances(X, centres)
    chosen = squared.argmin(axis=1)
    new = np.array([X[chosen == k].mean(axis=0) if (chosen == k).any() else c for k, c in enumerate(centres)])
    before, after = float(squared.min(axis=1).sum()), float(((X - new[chosen]) ** 2).sum())
    empty = [k + 1 for k in range(len(centres)) if not (chosen == k).any()]
    tied = has_tie(X, centres)
    checked = _check(X, centres, new, chosen, bool(empty) or tied)
    counts = np.bincount(chosen, minlength=len(centres))
    named = [f"x{i + 1}" for i in range(X.shape[1])]
    tables: dict[str, Columns] = {
        "assignment": {name: X[:, i].tolist() for i, name in enumerate(named)}
        | {f"squared distance to centre {k + 1}": squared[:, k].tolist() for k in range(len(centres))}
        | {"cluster": (chosen + 1).tolist()},
        "centres": {
            "cluster": list(range(1, len(centres) + 1)),
            "rows": counts.tolist(),
        }
        | {f"{name} before": centres[:, i].tolist() for i, name in enumerate(named)}
        | {f"{name} after": new[:, i].tolist() for i, name in enumerate(named)},
        NAME: script(X, centres, new, (before, after), checked).table(),
    }
    return Result(
        metrics={"before": {"inertia": before}, "after": {"inertia": after}},
        tables=tables,
        facts={"calculation": "kmeans", "checks": checked},
        warnings=[
            *(f"No row is nearest to centre {k}: it stays where it is." for k in empty),
            *(["A row is equally near to two centres: it goes to the first of them."] if tied else []),
        ],
    )


def _check(
    X: np.ndarray, centres: np.ndarray, new: np.ndarray, chosen: np.ndarray, undecided: bool
) -> dict[str, float]:
    """Return the difference from scikit-learn's first step, and of the derivative by the centres from differences."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    found = {}
    if not undecided:
        with warnings.catch_warnings(category=ConvergenceWarning, action="ignore"):  # two centres may meet
            fitted = KMeans(len(centres), init=centres, n_init=1, max_iter=1, tol=0, algorithm="lloyd").fit(X)
        found["engine"] = float(np.abs(fitted.cluster_centers_ - new).max())

    def inertia(flat: np.ndarray) -> float:
        return float(((X - flat.reshape(centres.shape)[chosen]) ** 2).sum())

    formula = np.array([-2 * (X[chosen == k] - c).sum(axis=0) for k, c in enumerate(centres)]).ravel()
    differences = central(inertia, centres.ravel(), 1e-4)
    return found | {"finite differences": float(np.abs(differences - formula).max())}


def script(
    X: np.ndarray,
    centres: np.ndarray,
    new: np.ndarray,
    errors: tuple[float, float],
    checked: dict[str, float],
) -> Script:
    """Return the derivation with its numbers."""
    found = Script()
    squared = squared_distances(X, centres)
    chosen = squared.argmin(axis=1)
    found.part("Given", given=True)
    found.step("Rows of X and first centres. Wanted is one step of k-means.", "", f"X = {matrix(X, most=12)}")
    found.step("", "", ", ".join(rf"\mu_{{{k}}} = {row(c)}" for k, c in enumerate(centres, 1)))
    found.part("What is minimised")
    found.step(
        "The sum of squared distances to the assigned centres; c is the cluster of a row.",
        r"J = \sum_i \lVert x_i - \mu_{c_i} \rVert^2",
    )
    found.part("Assignment")
    found.step(
        "With the centres fixed, J is smallest if each row goes to the nearest, the first of equal ones.",
        r"D_{i k} = \lVert x_i - \mu_k \rVert^2, \quad c_i \text{ minimises } D_{i k}",
        rf"D = {matrix(squared, most=12)}, \quad c = {row(chosen + 1.0)}",
    )
    _moved(found, X, chosen, new)
    found.step("J before and after the step.", "", rf"J = {num(errors[0])} \rightarrow {num(errors[1])}")
    _said(found, checked)
    return found


def _moved(found: Script, X: np.ndarray, chosen: np.ndarray, new: np.ndarray) -> None:
    found.part("New centres")
    found.step(
        "With the assignment fixed, the derivative by a centre is zero at the mean of its rows.",
        r"\frac{\partial J}{\partial \mu_k} = -2 \sum_{c_i = k} (x_i - \mu_k) = 0 \Rightarrow "
        r"\mu_k = \frac{1}{n_k} \sum_{c_i = k} x_i",
    )
    for k, centre in enumerate(new):
        rows = X[chosen == k]
        if not len(rows):
            found.step(
                f"No row is nearest to centre {k + 1}, which stays.", "", rf"\mu_{{{k + 1}}} = {row(centre)}"
            )
            continue
        parts = ", ".join(rf"\frac{{{total(rows[:, i])}}}{{{len(rows)}}}" for i in range(X.shape[1]))
        found.step("", "", rf"\mu_{{{k + 1}}} = \left( {parts} \right) = {row(centre)}")


def _said(found: Script, checked: dict[str, float]) -> None:
    found.part("Check")
    by = (
        f"Centres after one iteration of scikit-learn's KMeans differ by at most {difference(checked['engine'])}; the"
        if "engine" in checked
        else "scikit-learn, which treats centres without rows and equal distances otherwise, is not compared. The"
    )
    found.step(
        f"{by} derivative by the centres, by its formula and by central differences at the first centres, by at most "
        f"{difference(checked['finite differences'])}."
    )
