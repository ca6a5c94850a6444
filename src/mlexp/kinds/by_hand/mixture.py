"""One EM step of a Gaussian mixture: responsibilities, then weights, means and covariances."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError
from mlexp.kinds.by_hand import given
from mlexp.kinds.by_hand.differences import central
from mlexp.kinds.by_hand.kmeans import Example, starting
from mlexp.kinds.by_hand.latex import NAME, Script, difference, matrix, num, row, total
from mlexp.kinds.by_hand.settings import ByHand
from mlexp.kinds.observer import Observer
from mlexp.store.result import Columns, Result

EXAMPLE: Example = ([[1], [2], [4], [5], [7]], [[2], [5]])
SINGULAR = 1e-10  # smallest eigenvalue of a covariance, as a share of the variance of the data


@dataclass(frozen=True)
class Gaussians:
    """Weights (k,), means (k, d) and covariances (k, d, d)."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def joint(self, X: np.ndarray) -> np.ndarray:
        """Return the logarithm of weight times density, (n, k)."""
        columns = []
        for weight, mean, S in zip(self.weights, self.means, self.covariances, strict=True):
            apart = X - mean
            mahalanobis = (apart * np.linalg.solve(S, apart.T).T).sum(axis=1)
            constant = len(mean) * np.log(2 * np.pi) + np.linalg.slogdet(S)[1]
            columns.append(np.log(weight) - 0.5 * (constant + mahalanobis))
        return np.stack(columns, axis=1)

    def responsibilities(self, X: np.ndarray) -> np.ndarray:
        """Return the share of each component in each row, (n, k)."""
        joint = self.joint(X)
        found: np.ndarray = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
        return found

    def log_likelihood(self, X: np.ndarray) -> float:
        """Return the logarithm of the density of all rows."""
        return float(np.logaddexp.reduce(self.joint(X), axis=1).sum())

    def stepped(self, X: np.ndarray) -> Gaussians:
        """Return the mixture after one EM step."""
        R = self.responsibilities(X)
        N = R.sum(axis=0)
        means = R.T @ X / N[:, None]
        covariances = np.array([(R[:, k, None] * (X - m)).T @ (X - m) / N[k] for k, m in enumerate(means)])
        return Gaussians(N / len(X), means, covariances)


def em(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Derive one EM step of a Gaussian mixture from typed means, equal weights and one variance."""
    X, means = starting(config, dataset, EXAMPLE)
    k, d = means.shape
    first = Gaussians(np.full(k, 1 / k), means, np.stack([config.of(ByHand).variance * np.eye(d)] * k))
    then = first.stepped(X)
    least = SINGULAR * max(float(X.var()), 1e-300)
    if (
        not np.isfinite(then.covariances).all()
        or min(np.linalg.eigvalsh(S)[0] for S in then.covariances) <= least
    ):
        raise ConfigError(
            "One EM step makes a covariance of by_hand singular: a component keeps rows that do not spread in every "
            "direction. Give more rows, other by_hand.centres, or a larger by_hand.variance."
        )
    observer.started(given.plan(dataset, len(X), d))
    checked = _check(X, first, then)
    R = first.responsibilities(X)
    named = [f"x{i + 1}" for i in range(d)]
    likelihoods = first.log_likelihood(X), then.log_likelihood(X)
    tables: dict[str, Columns] = {
        "responsibilities": {name: X[:, i].tolist() for i, name in enumerate(named)}
        | {f"component {j + 1}": R[:, j].tolist() for j in range(k)},
        "mixture": {
            "component": list(range(1, k + 1)),
            "weight before": first.weights.tolist(),
            "weight after": then.weights.tolist(),
        }
        | {f"mean {name} before": means[:, i].tolist() for i, name in enumerate(named)}
        | {f"mean {name} after": then.means[:, i].tolist() for i, name in enumerate(named)},
        NAME: script(X, first, then, checked).table(),
    }
    return Result(
        metrics={
            when: {"log_likelihood": v} for when, v in zip(("before", "after"), likelihoods, strict=True)
        },
        tables=tables,
        facts={"calculation": "em", "checks": checked},
    )


def _check(X: np.ndarray, first: Gaussians, then: Gaussians) -> dict[str, float]:
    """Return the difference from scikit-learn's first step, and of the gradient by the means from differences."""
    from sklearn.mixture import GaussianMixture

    k = len(first.weights)
    model = GaussianMixture(
        k, max_iter=1, reg_covar=0, weights_init=first.weights, means_init=first.means,
        precisions_init=np.linalg.inv(first.covariances), init_params="random", random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one iteration does not converge
        model.fit(X)
    pairs = (
        (model.weights_, then.weights), (model.means_, then.means), (model.covariances_, then.covariances),
    )  # fmt: skip
    R = first.responsibilities(X)
    formula = np.array(
        [
            np.linalg.solve(first.covariances[j], (R[:, j, None] * (X - mean)).sum(axis=0))
            for j, mean in enumerate(first.means)
        ]
    ).ravel()

    def likelihood(flat: np.ndarray) -> float:
        return Gaussians(first.weights, flat.reshape(first.means.shape), first.covariances).log_likelihood(X)

    differences = central(likelihood, first.means.ravel(), 1e-5)
    return {
        "engine": max(float(np.abs(theirs - ours).max()) for theirs, ours in pairs),
        "finite differences": float(np.abs(differences - formula).max()),
    }


def script(X: np.ndarray, first: Gaussians, then: Gaussians, checked: dict[str, float]) -> Script:
    """Return the derivation with its numbers."""
    found = Script()
    d = X.shape[1]
    R = first.responsibilities(X)
    N = R.sum(axis=0)
    scale, of = ("\\sigma_{%d}^2", "\\sigma_k^2") if d == 1 else ("\\Sigma_{%d}", "\\Sigma_k")
    found.part("Given", given=True)
    found.step("Rows of X and a first mixture. Wanted is one EM step.", "", f"X = {matrix(X, most=12)}")
    found.step("", "", r"; \quad ".join(_component(first, k, scale) for k in range(len(N))))
    found.part("Likelihood")
    found.step(
        "The logarithm of the density of all rows, with normal densities.",
        rf"\ell = \sum_i \log \, \sum_k \pi_k N(x_i \mid \mu_k, {of})",
        rf"\ell = {num(first.log_likelihood(X))}",
    )
    _shares(found, R, of)
    _moved(found, X, R, then, (scale, of))
    found.step(
        "The likelihood never falls with an EM step.",
        "",
        rf"\ell = {num(first.log_likelihood(X))} \rightarrow {num(then.log_likelihood(X))}",
    )
    found.part("Check")
    engine, apart = difference(checked["engine"]), difference(checked["finite differences"])
    found.step(
        "Weights, means and covariances after one iteration of scikit-learn's GaussianMixture differ by at most "
        f"{engine}; the derivative of the likelihood by the means, by its formula and by central "
        f"differences at the first means, by at most {apart}."
    )
    return found


def _shares(found: Script, R: np.ndarray, of: str) -> None:
    found.part("E step")
    of_j = of.replace("k", "j")
    shares = rf"\frac{{\pi_k N(x_i \mid \mu_k, {of})}}{{\sum_j \pi_j N(x_i \mid \mu_j, {of_j})}}"
    found.step(
        "The responsibility of a component for a row: its share of the density there.",
        f"r_{{i k}} = {shares}",
        rf"R = {matrix(R, most=12)}",
    )


def _moved(found: Script, X: np.ndarray, R: np.ndarray, then: Gaussians, names: tuple[str, str]) -> None:
    scale, of = names
    d, N = X.shape[1], R.sum(axis=0)
    found.part("M step")
    found.step("The effective number of rows of each component.", r"N_k = \sum_i r_{i k}", f"N = {row(N)}")
    found.step(
        "With the responsibilities fixed, the derivative by a mean is zero at the weighted mean.",
        r"\frac{\partial \ell}{\partial \mu_k} = "
        + (r"\frac{1}{\sigma_k^2}" if d == 1 else r"\Sigma_k^{-1}")
        + r" \sum_i r_{i k} (x_i - \mu_k) = 0 \Rightarrow \mu_k = \frac{1}{N_k} \sum_i r_{i k} x_i",
    )
    for k, mean in enumerate(then.means):
        parts = [rf"\frac{{{total(R[:, k] * X[:, i])}}}{{{num(N[k])}}}" for i in range(d)]
        written = (
            rf"\left( {', '.join(parts)} \right) = {row(mean)}" if d > 1 else f"{parts[0]} = {num(mean[0])}"
        )
        found.step("", "", rf"\mu_{{{k + 1}}} = {written}")
    spread = r"(x_i - \mu_k)^2" if d == 1 else r"(x_i - \mu_k)(x_i - \mu_k)^\top"
    found.step(
        "Variances in the same way, about the new means.",
        rf"{of} = \frac{{1}}{{N_k}} \sum_i r_{{i k}} {spread}",
        r", \quad ".join(f"{scale % (k + 1)} = {matrix(S)}" for k, S in enumerate(then.covariances)),
    )
    found.step(
        "The weights sum to 1, which takes a multiplier.",
        r"\frac{\partial}{\partial \pi_k} \left[ \sum_j N_j \log \, \pi_j - "
        r"\lambda \left( \sum_j \pi_j - 1 \right) \right] = \frac{N_k}{\pi_k} - \lambda = 0 "
        r"\Rightarrow \pi_k = \frac{N_k}{n}",
        rf"\pi = {row(then.weights)}",
    )


def _component(mixture: Gaussians, k: int, scale: str) -> str:
    mean = mixture.means[k]
    where = num(mean[0]) if len(mean) == 1 else row(mean)
    return (
        rf"\pi_{{{k + 1}}} = {num(mixture.weights[k])}, \; \mu_{{{k + 1}}} = {where}, \; {scale % (k + 1)} = "
        f"{matrix(mixture.covariances[k])}"
    )
