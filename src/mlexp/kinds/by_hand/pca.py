"""Principal components of a small table: covariance, characteristic polynomial, components, scores."""

from __future__ import annotations

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError
from mlexp.kinds.by_hand import given
from mlexp.kinds.by_hand.differences import central
from mlexp.kinds.by_hand.latex import NAME, Script, difference, matrix, num, row, signed
from mlexp.kinds.observer import Observer
from mlexp.store.result import Result

EXAMPLE = [[2, 1], [3, 4], [5, 0], [7, 6], [9, 2], [4, 5]]


def components(S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues, the largest first, and eigenvectors as columns, their largest entry positive.

    Parameters
    ----------
    S : covariance matrix, (d, d)
    """
    values, vectors = np.linalg.eigh(S)
    values, vectors = values[::-1].clip(min=0), vectors[:, ::-1]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(len(S))]
    return values, vectors * np.sign(largest)


def pca(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Derive the principal components of a small table."""
    rng = given.generator(config)
    X = given.points(config, dataset, EXAMPLE if rng is None else rng.integers(0, 10, (5, 2)).tolist())
    if len(X) < 2 or not np.ptp(X, axis=0).any():
        raise ConfigError(
            f"by_hand.calculation=pca needs at least 2 rows that differ. Got {len(X)} row{'s' * (len(X) != 1)}"
            f"{', all equal' if len(X) > 1 else ''}."
        )
    observer.started(given.plan(dataset, len(X), X.shape[1]))
    centred = X - X.mean(axis=0)
    S = centred.T @ centred / (len(X) - 1)
    values, V = components(S)
    shares = values / values.sum()
    scores = centred @ V
    checked = _check(X, S, values, V)
    names = [f"component {k + 1}" for k in range(len(values))]
    tables = {
        "components": {"component": names, "variance": values.tolist(), "share": shares.tolist()}
        | {f"x{i + 1}": V[i].tolist() for i in range(len(V))},
        "component_scores": {"row": list(range(1, len(X) + 1))}
        | {name: scores[:, k].tolist() for k, name in enumerate(names)},
        NAME: script(X, S, values, V, checked).table(),
    }
    gaps = -np.diff(values)
    return Result(
        metrics={"share_of_variance": dict(zip(names, shares.tolist(), strict=True))},
        tables=tables,
        facts={"calculation": "pca", "checks": checked},
        warnings=["Two components have the same variance: their axes are not unique."]
        if len(gaps) and gaps.min() < 1e-9 * values[0]
        else [],
    )


def _check(X: np.ndarray, S: np.ndarray, values: np.ndarray, V: np.ndarray) -> dict[str, float]:
    """Return the differences from scikit-learn, of S v from lambda v, and of a gradient from differences."""
    from sklearn.decomposition import PCA

    fitted = PCA(svd_solver="full").fit(X)
    kept = len(fitted.explained_variance_)

    def lagrangian(v: np.ndarray) -> float:
        return float(v @ S @ v - values[0] * (v @ v - 1))

    at = V[:, 0] + np.arange(1, len(S) + 1)  # not at the solution, where both would be zero
    differences = central(lagrangian, at, 1e-4)
    return {
        "engine": float(np.abs(fitted.explained_variance_ - values[:kept]).max()),
        "eigenvectors": float(np.abs(S @ V - V * values).max()),
        "finite differences": float(np.abs(differences - (2 * S @ at - 2 * values[0] * at)).max()),
    }


def script(
    X: np.ndarray, S: np.ndarray, values: np.ndarray, V: np.ndarray, checked: dict[str, float]
) -> Script:
    """Return the derivation with its numbers."""
    found = Script()
    n = len(X)
    found.part("Given", given=True)
    found.step(
        "A table, one row a sample. Wanted are its principal components.", "", f"X = {matrix(X, most=12)}"
    )
    found.part("Mean and covariance")
    found.step("", r"m = \frac{1}{n} \sum_i x_i", f"m = {row(X.mean(axis=0))}")
    centred = X - X.mean(axis=0)
    found.step(
        "Each row less the mean.",
        r"\tilde{X} = X - \mathbf{1} m",
        rf"\tilde{{X}} = {matrix(centred, most=12)}",
    )
    found.step(
        "The covariance, with n − 1.",
        r"S = \frac{1}{n - 1} \tilde{X}^\top \tilde{X}",
        rf"S = \frac{{1}}{{{n - 1}}} {matrix(centred.T @ centred)} = {matrix(S)}",
    )
    _axes(found, S, values, V, len(X))
    found.step(
        "Scores: the rows along the components.",
        r"T = \tilde{X} V",
        f"T = {matrix(centred @ V, most=12)}",
    )
    found.part("Check")
    engine, apart = difference(checked["engine"]), difference(checked["finite differences"])
    found.step(
        f"Variances by scikit-learn's PCA differ by at most {engine}; S v differs from λ v by at most "
        f"{difference(checked['eigenvectors'])}; the derivative of the Lagrangian by its formula and by central "
        f"differences, at another v, by at most {apart}."
    )
    return found


def _axes(found: Script, S: np.ndarray, values: np.ndarray, V: np.ndarray, n: int) -> None:
    d = len(S)
    found.part("The axis of largest variance")
    found.step(
        "The variance along a direction v of length 1 is vᵀSv. Its maximum has a multiplier for the length.",
        r"\mathcal{L}(v, \lambda) = v^\top S v - \lambda (v^\top v - 1), \quad "
        r"\frac{\partial \mathcal{L}}{\partial v} = 2 S v - 2 \lambda v = 0 \Rightarrow S v = \lambda v",
    )
    if d == 2:
        trace, determinant = float(np.trace(S)), float(np.linalg.det(S))
        found.step(
            "Eigenvalues are the zeros of the characteristic polynomial.",
            r"\det(S - \lambda I) = \lambda^2 - (s_{11} + s_{22}) \lambda + (s_{11} s_{22} - s_{12}^2) = 0",
            rf"\lambda^2 - {signed(trace)} \lambda + {signed(determinant)} = 0 \Rightarrow \lambda = "
            rf"\frac{{{num(trace)} \pm \sqrt{{{num(trace**2)} - 4 \cdot {signed(determinant)}}}}}{{2}}",
        )
    for k, value in enumerate(values[: min(d, n - 1)]):
        found.step(
            "",
            "",
            rf"\lambda_{{{k + 1}}} = {num(value)}, \quad v_{{{k + 1}}} = {matrix(V[:, k])}, \quad "
            rf"\frac{{\lambda_{{{k + 1}}}}}{{\sum_j \lambda_j}} = {num(value / values.sum())}",
        )
