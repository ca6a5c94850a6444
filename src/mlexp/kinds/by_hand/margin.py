"""The widest margin between two classes of points by its dual: Lagrangian, KKT conditions, every point, new points."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError
from mlexp.kinds.by_hand import given
from mlexp.kinds.by_hand.differences import central
from mlexp.kinds.by_hand.latex import BREAK, NAME, ON_THE_LINE, Script, difference, matrix, num, row, signed
from mlexp.kinds.by_hand.settings import ByHand
from mlexp.kinds.observer import Observer
from mlexp.store.result import Columns, Result

MOST_ROWS, MOST_FEATURES = 20, 3  # of a search over the sets of support vectors
TOLERANCE = 1e-9
REPORT = ([[0, 0], [1, 0], [0, 1], [1, 1], [2, 2], [3, 0]], [1, 1, 1, -1, -1, -1], [[1, 3]])  # report B
NORMALS = ((1, 1), (1, -1), (1, 2), (2, 1), (2, -1), (1, 0), (0, 1))


@dataclass(frozen=True)
class Margin:
    """The solution: w (d,), b, and the multiplier of each point, (n,)."""

    w: np.ndarray
    b: float
    alpha: np.ndarray

    def value(self, X: np.ndarray) -> np.ndarray:
        """Return w·x + b of each point."""
        found: np.ndarray = X @ self.w + self.b
        return found


def widest(X: np.ndarray, y: np.ndarray) -> Margin | None:
    """Return the separating line with the widest margin; None if there is none.

    The optimum has at most d + 1 multipliers that are not zero. For each such set S of points the conditions
    y_s (w·x_s + b) = 1 and sum alpha_s y_s = 0 are linear in alpha and b; the set whose multipliers are positive and
    whose line leaves every point outside the margin is the solution, for the problem is convex.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    y : ndarray of shape (n,), -1 and 1
    """
    Q = (y[:, None] * y) * (X @ X.T)
    for size in range(2, min(len(X), X.shape[1] + 1) + 1):
        for chosen in combinations(range(len(X)), size):
            S = list(chosen)
            if abs(y[S].sum()) == size:
                continue
            system = np.block([[Q[np.ix_(S, S)], y[S][:, None]], [y[S][None], np.zeros((1, 1))]])
            if np.linalg.matrix_rank(system) <= size:
                continue
            *alpha, b = np.linalg.solve(system, [*np.ones(size), 0])
            w = (np.array(alpha) * y[S]) @ X[S]
            if min(alpha) > TOLERANCE and (y * (X @ w + b)).min() > 1 - 1e-7:
                multipliers = np.zeros(len(X))
                multipliers[S] = alpha
                return Margin(w, float(b), multipliers)
    return None


def svm(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Derive the hard-margin support vector machine of a few points, and check its KKT conditions."""
    X, y, new = _given(config, dataset)
    solved = widest(X, y)
    if solved is None:
        raise ConfigError(
            "The points of by_hand are not linearly separable: no line leaves -1 on one side and 1 on the other. "
            "Change by_hand.x or by_hand.y; for overlapping classes see task=svm_margin with a smaller model.params.C."
        )
    observer.started(given.plan(dataset, len(X), X.shape[1]))
    checked = _check(solved, X, y)
    length = float(np.linalg.norm(solved.w))
    tables = _tables(solved, X, y, new, checked) | {NAME: script(solved, X, y, new, checked).table()}
    facts: dict[str, Any] = {
        "calculation": "svm",
        "w": solved.w.tolist(),
        "b": solved.b,
        "margin": 2 / length,
        "support_vectors": [row(x) for x in X[solved.alpha > TOLERANCE]],
        "checks": checked,
    }
    metrics = {"solution": {"margin": 2 / length, "norm_w": length, "b": solved.b}}
    return Result(metrics=metrics, tables=tables, facts=facts)


def _tables(
    solved: Margin, X: np.ndarray, y: np.ndarray, new: np.ndarray, checked: dict[str, float]
) -> dict[str, Columns]:
    named = [f"x{i + 1}" for i in range(X.shape[1])]
    values = y * solved.value(X)
    tables: dict[str, Columns] = {
        "every_point": {name: X[:, k].tolist() for k, name in enumerate(named)}
        | {
            "class": [f"{c:+.0f}" for c in y],
            "y (w x + b)": (values.round(12) + 0.0).tolist(),
            "slack y (w x + b) - 1": ((values - 1).round(12) + 0.0).tolist(),
            "multiplier": solved.alpha.tolist(),
            "multiplier times slack": ((solved.alpha * (values - 1)).round(12) + 0.0).tolist(),
            "support vector": [bool(a > TOLERANCE) for a in solved.alpha],
        },
        "kkt": {
            "condition": [title for title, _, _ in CONDITIONS],
            "missed by": [checked[name] for _, _, name in CONDITIONS],
        },
    }
    if len(new):
        tables["new_points"] = {name: new[:, k].tolist() for k, name in enumerate(named)} | {
            "w x + b": solved.value(new).tolist(),
            "class": [_class(v) for v in solved.value(new)],
        }
    return tables


def _class(value: float) -> str:
    return ON_THE_LINE if abs(value) < TOLERANCE else "+1" if value > 0 else "-1"


def _given(config: Config, dataset: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points (n, d), classes -1 and 1, and new points (m, d)."""
    node = config.of(ByHand)
    default_x, default_y, default_new = REPORT
    rng = given.generator(config)
    if rng is not None:
        default_x, default_y, default_new = drawn(rng)
    of_data = node.x is None and len(dataset.X) and rng is None
    if of_data and len(dataset.classes) != 2:
        raise ConfigError(
            f"by_hand.calculation=svm needs two classes. {dataset.name} has {len(dataset.classes)}."
        )
    X = given.points(config, dataset, default_x)
    codes = (2 * dataset.y - 1).tolist() if of_data else default_y
    y = given.table(codes if node.y is None else node.y, "by_hand.y")[:, 0]
    if len(X) > MOST_ROWS or X.shape[1] > MOST_FEATURES:
        raise ConfigError(
            f"by_hand.calculation=svm takes at most {MOST_ROWS} points of {MOST_FEATURES} features. "
            f"Got {len(X)} of {X.shape[1]}."
        )
    if len(X) != len(y) or set(y.tolist()) != {-1.0, 1.0}:
        raise ConfigError(
            f"by_hand.y must hold -1 or 1 for each of the {len(X)} points, both of them. Got {y.tolist()}."
        )
    return X, y, _new(config, dataset, X, default_new)


def _new(config: Config, dataset: Dataset, X: np.ndarray, default: list[list[int]]) -> np.ndarray:
    node = config.of(ByHand)
    if node.new_points:
        new = given.table(node.new_points, "by_hand.new_points")
        if new.shape[1] != X.shape[1]:
            raise ConfigError(f"by_hand.new_points must have {X.shape[1]} numbers each. Got {new.shape[1]}.")
        return new
    if node.x is not None:
        return np.empty((0, X.shape[1]))
    if len(dataset.X) and node.variant is None:
        return np.empty((0, X.shape[1])) if dataset.X_test is None else dataset.X_test.astype(float)
    return np.array(default, float)


def drawn(rng: np.random.Generator) -> tuple[list[list[int]], list[int], list[list[int]]]:
    """Draw six points with small whole coordinates, three on either side of a line, and a new point off the line."""
    while True:
        normal = np.array(NORMALS[rng.integers(len(NORMALS))])
        grid = np.array([(i, j) for i in range(6) for j in range(6)])
        along = grid @ normal
        cut = rng.integers(along.min() + 2, along.max() - 1)
        above, below = grid[along > cut + (rng.random() < 0.5)], grid[along < cut]
        if min(len(above), len(below)) < 3:
            continue
        X = np.vstack([rng.permutation(above)[:3], rng.permutation(below)[:3]])
        y = np.array([1.0] * 3 + [-1.0] * 3)
        solved = widest(X, y)
        new = grid[rng.integers(len(grid))]
        if solved is not None and abs(solved.value(new[None])[0]) > 0.1 and not (new == X).all(axis=1).any():
            return X.tolist(), [1, 1, 1, -1, -1, -1], [new.tolist()]


def _check(solved: Margin, X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return how far each KKT condition is missed, and the differences from scikit-learn and finite differences."""
    from sklearn.svm import SVC

    slack = y * solved.value(X) - 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a narrow margin it may not reach the tolerance, which then shows
        reference = SVC(kernel="linear", C=1e9, tol=1e-10, max_iter=1_000_000).fit(X, y)
    d = X.shape[1]

    def lagrangian(theta: np.ndarray) -> float:
        return float(0.5 * theta[:d] @ theta[:d] - solved.alpha @ (y * (X @ theta[:d] + theta[d]) - 1))

    at = np.append(solved.w + 1, solved.b - 1)  # not at the solution, where both would be zero
    formula = np.append(at[:d] - (solved.alpha * y) @ X, -(solved.alpha @ y))
    differences = central(lagrangian, at, 1e-5)
    return {
        "stationarity": float(np.abs(np.append(solved.w - (solved.alpha * y) @ X, solved.alpha @ y)).max()),
        "primal": float(max(0.0, -slack.min())),
        "dual": float(max(0.0, -solved.alpha.min())),
        "complementarity": float(np.abs(solved.alpha * slack).max()),
        "engine": float(
            np.abs(np.append(reference.coef_[0] - solved.w, reference.intercept_ - solved.b)).max()
        ),
        "finite differences": float(np.abs(differences - formula).max()),
    }


def script(
    solved: Margin, X: np.ndarray, y: np.ndarray, new: np.ndarray, checked: dict[str, float]
) -> Script:
    """Return the derivation with its numbers."""
    found = Script()
    found.part("Given", given=True)
    points = enumerate(zip(X, y, strict=True), 1)
    rows = BREAK.join(f"x_{{{i}}} = {row(x)}, & y_{{{i}}} = {c:+.0f}" for i, (x, c) in points)
    found.step(
        "Points of two classes. Wanted is the line w·x + b = 0 that separates them with the widest margin"
        + (
            f", and the class of {'the new point' if len(new) == 1 else 'each new point'} u."
            if len(new)
            else "."
        ),
        "",
        rf"\begin{{aligned}} {rows} \end{{aligned}}",
    )
    if len(new):
        found.step("", "", ", ".join(f"u_{{{i}}} = {row(u)}" for i, u in enumerate(new, 1)))
    _theory(found, X, y)
    _solution(found, solved, X, y)
    _conditions(found, solved, X, y, checked)
    if len(new):
        found.part("New points" if len(new) > 1 else "The new point")
        for i, (u, value) in enumerate(zip(new, solved.value(new), strict=True), 1):
            side = _class(float(value)).replace("-", "−")
            where = "lies on the line" if side == ON_THE_LINE else f"belongs to class {side}"
            found.step(
                f"{row(u)} {where}.",
                f"w \\cdot u_{{{i}}} + b",
                f"{_dot(solved, u)} = {num(value)}",
            )
    _check_in_words(found, checked)
    return found


def _theory(found: Script, X: np.ndarray, y: np.ndarray) -> None:
    found.part("Primal and Lagrangian")
    found.step(
        "The margin is 2/‖w‖ when the nearest points have y (w·x + b) = 1, so that the widest has the smallest ‖w‖.",
        r"\min_{w, b} \, \frac{1}{2} \lVert w \rVert^2 \quad \text{subject to} \quad y_i (w \cdot x_i + b) \ge 1",
    )
    found.step(
        "One multiplier for each point.",
        r"\mathcal{L}(w, b, \alpha) = \frac{1}{2} \lVert w \rVert^2 - \sum_i \alpha_i \left[ y_i (w \cdot x_i + b) - 1 "
        r"\right], \quad \alpha_i \ge 0",
    )
    found.step(
        "At the optimum its derivatives by w and b are zero.",
        r"\frac{\partial \mathcal{L}}{\partial w} = w - \sum_i \alpha_i y_i x_i = 0, \quad "
        r"\frac{\partial \mathcal{L}}{\partial b} = -\sum_i \alpha_i y_i = 0",
    )
    found.part("Dual")
    found.step(
        "Substituted into the Lagrangian, these conditions remove w and b.",
        r"\max_{\alpha} \, \sum_i \alpha_i - \frac{1}{2} \sum_{i, j} \alpha_i \alpha_j y_i y_j \, x_i \cdot x_j \quad "
        r"\text{subject to} \quad \alpha_i \ge 0, \quad \sum_i \alpha_i y_i = 0",
    )
    found.step(
        "The products of the points in matrix form.",
        r"Q_{i j} = y_i y_j \, x_i \cdot x_j",
        f"Q = {matrix((y[:, None] * y) * (X @ X.T))}",
    )


def _solution(found: Script, solved: Margin, X: np.ndarray, y: np.ndarray) -> None:
    found.part("Solution")
    S = np.flatnonzero(solved.alpha > TOLERANCE)
    Q = (y[:, None] * y) * (X @ X.T)
    system = np.block([[Q[np.ix_(S, S)], y[S][:, None]], [y[S][None], np.zeros((1, 1))]])
    unknown = np.append(solved.alpha[S], solved.b)
    names = BREAK.join([*(rf"\alpha_{{{i + 1}}}" for i in S), "b"])
    points = ", ".join(f"x{i + 1}" for i in S)
    found.step(
        f"Support vectors are {points}: there y (w·x + b) = 1, all other multipliers are zero. With w put in, this is "
        "linear.",
        r"\begin{pmatrix} Q_S & y_S \\ y_S^\top & 0 \end{pmatrix} \begin{pmatrix} \alpha_S \\ b \end{pmatrix} = "
        r"\begin{pmatrix} 1 \\ 0 \end{pmatrix}",
        rf"{matrix(system)} \begin{{pmatrix}} {names} \end{{pmatrix}} = {matrix(np.append(np.ones(len(S)), 0))} "
        rf"\Rightarrow \begin{{pmatrix}} {names} \end{{pmatrix}} = {matrix(unknown)}",
    )
    terms = " + ".join(rf"{num(solved.alpha[i])} \cdot {signed(y[i])} \cdot {row(X[i])}" for i in S)
    found.step("The normal of the line.", r"w = \sum_i \alpha_i y_i x_i", f"w = {terms} = {row(solved.w)}")
    s = S[0]
    found.step(
        f"The offset again, from x{s + 1} alone.",
        rf"b = y_{{{s + 1}}} - w \cdot x_{{{s + 1}}}",
        f"b = {num(y[s])} - {signed(float(solved.w @ X[s]))} = {num(solved.b)}",
    )
    length = float(np.linalg.norm(solved.w))
    found.step(
        "The margin: the distance between the lines w·x + b = 1 and w·x + b = −1.",
        r"\frac{2}{\lVert w \rVert}",
        rf"\frac{{2}}{{{num(length)}}} = {num(2 / length)}",
    )
    found.step(
        "Primal and dual have one value: no feasible line is better.",
        r"\frac{1}{2} \lVert w \rVert^2 = \sum_i \alpha_i - \frac{1}{2} \alpha^\top Q \alpha",
        f"{num(length**2 / 2)} = {num(solved.alpha.sum())} - {num(solved.alpha @ Q @ solved.alpha / 2)}",
    )


def _dot(solved: Margin, x: np.ndarray) -> str:
    terms = " + ".join(rf"{signed(w)} \cdot {signed(v)}" for w, v in zip(solved.w, x, strict=True))
    return f"{terms} + {signed(solved.b)}"


CONDITIONS = (
    ("Stationarity", r"w = \sum_i \alpha_i y_i x_i, \quad \sum_i \alpha_i y_i = 0", "stationarity"),
    ("Primal feasibility", r"y_i (w \cdot x_i + b) \ge 1", "primal"),
    ("Dual feasibility", r"\alpha_i \ge 0", "dual"),
    ("Complementary slackness", r"\alpha_i [ y_i (w \cdot x_i + b) - 1 ] = 0", "complementarity"),
)


def _conditions(
    found: Script, solved: Margin, X: np.ndarray, y: np.ndarray, checked: dict[str, float]
) -> None:
    found.part("Every point, and the KKT conditions")
    for i, (x, c) in enumerate(zip(X, y, strict=True), 1):
        value = c * float(solved.value(x[None])[0])
        found.step(
            "",
            "",
            rf"y_{{{i}}} (w \cdot x_{{{i}}} + b) = {signed(c)} \cdot \left( {_dot(solved, x)} \right) = {num(value)}, "
            rf"\quad \alpha_{{{i}}} = {num(solved.alpha[i - 1])}, \quad "
            rf"\alpha_{{{i}}} [ y_{{{i}}} (w \cdot x_{{{i}}} + b) - 1 ] = {num(solved.alpha[i - 1] * (value - 1))}",
        )
    on_margin = (solved.alpha <= TOLERANCE) & (np.abs(y * solved.value(X) - 1) < 1e-7)
    free = [f"x{i + 1}" for i in np.flatnonzero(on_margin)]
    if free:
        found.step(
            f"On the margin with multiplier 0: {', '.join(free)}. The line would be the same without; other "
            "multipliers, some of these above 0, give it as well."
        )
    for title, formula, name in CONDITIONS:
        found.step(f"{title}: largest violation {difference(checked[name])}.", formula)


def _check_in_words(found: Script, checked: dict[str, float]) -> None:
    found.part("Check")
    by_solver, by_differences = difference(checked["engine"]), difference(checked["finite differences"])
    found.step(
        "w and b by scikit-learn's solver (SVC, linear kernel, C = 10⁹) differ by at most "
        f"{by_solver}; the derivatives of the Lagrangian by the formulas above and by central differences, "
        f"at another w and b, by at most {by_differences}."
    )
