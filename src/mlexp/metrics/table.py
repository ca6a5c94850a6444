"""Every metric, a row each: what it is called, which way is better, and what is known of it row by row.

To add one: a row here. A row with `score` is recorded by the studies of its kinds, can be tuned and compared, and is
shown wherever metrics are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlexp.config.names import KINDS, spelled
from mlexp.metrics.agreement import kappa_scores, mcc_scores
from mlexp.metrics.calibration import brier_rows, calibration_scores
from mlexp.metrics.classification import class_scores, label_scores
from mlexp.metrics.ranking import average_precision, macro_precision_scores, roc_auc, roc_auc_scores
from mlexp.metrics.regression import r2_scores, regression_scores, rmse_scores

Score = Callable[[np.ndarray, np.ndarray], float]
RowScores = Callable[[np.ndarray, np.ndarray], np.ndarray]
CLASSIFICATION, REGRESSION, AUTOENCODER = "classification", "regression", "autoencoder"
CLUSTERING, EMBEDDING = "clustering", "embedding"


@dataclass(frozen=True)
class Metric:
    """What is known of a metric.

    Attributes
    ----------
    name : in metrics.json, and as a person types it
    title : in a sentence
    kinds : kinds of study that record it for training, validation and test set
    higher_is_better : bool
    share : whether it is a share of the rows: printed in percent, its differences in points (hundredths)
    limits : the least and the largest value that there can be
    unit : what follows a value; "target" stands for the unit of the target
    digits : decimals in a table, or significant digits (negative) where the scale is the user's
    rows : array of `predictions.npz` with one number a row that it is made of, such as `correct`
    of_mean : value from the mean of `rows` and the variance of the targets; None for the mean itself
    made_of : array of `predictions.npz` that `score` and `row_scores` take beside the truth: predicted of shape
        (runs, n), or probability of shape (runs, n, n_classes)
    score : function of truth and predictions (n, ...) to the value; None where those are not enough
    row_scores : function of truth and predictions (runs, n, ...) to scores of rows that average to the value, for a
        metric that is not a mean over rows: the metric plus the influence of each row
    """

    name: str
    title: str
    kinds: tuple[str, ...] = ()
    higher_is_better: bool = True
    share: bool = False
    limits: tuple[float, float] = (-np.inf, np.inf)
    unit: str = ""
    digits: int = 4
    rows: str | None = None
    of_mean: Callable[[np.ndarray, float], np.ndarray] | None = None
    made_of: str = "predicted"
    score: Score | None = None
    row_scores: RowScores | None = None

    @property
    def is_mean(self) -> bool:
        """Whether it is the mean of a number that `predictions.npz` keeps of every row."""
        return self.rows is not None and self.of_mean is None

    @property
    def sign(self) -> int:
        """1 where more is better, −1 where less is."""
        return 1 if self.higher_is_better else -1


def _of_labels(name: str) -> Score:
    return lambda y, predicted: label_scores(y, predicted, int(max(y.max(), predicted.max())) + 1)[name]


def _averaged(average: str, title: str) -> list[Metric]:
    return [
        Metric(
            f"{average}_{name}",
            f"{title} {said}",
            (CLASSIFICATION,),
            limits=(0, 1),
            score=_of_labels(f"{average}_{name}"),
            row_scores=partial(class_scores, measure=name, average=average),
        )
        for name, said in (("f1", "F1"), ("precision", "precision"), ("recall", "recall"))
    ]


def _mean(rows: RowScores) -> Score:
    return lambda y, predicted: float(rows(y, predicted).mean())


def _of_numbers(name: str) -> Score:
    return lambda y, predicted: regression_scores(y, predicted).get(name, np.nan)


# In the order in which they are shown; the first of a kind is what its searches and comparisons use by default.
ROWS = (
    Metric("accuracy", "accuracy", (CLASSIFICATION,), share=True, limits=(0, 1), rows="correct"),
    Metric("loss", "loss", (CLASSIFICATION,), False, limits=(0, np.inf), unit="nats", rows="log_loss"),
    *_averaged("macro", "macro"),
    *_averaged("weighted", "weighted"),
    Metric("balanced_accuracy", "balanced accuracy", (CLASSIFICATION,), limits=(0, 1), score=_of_labels("macro_recall"),
           row_scores=partial(class_scores, measure="recall")),
    Metric("kappa", "Cohen's kappa", (CLASSIFICATION,), limits=(-1, 1), score=_mean(kappa_scores),
           row_scores=kappa_scores),
    Metric("mcc", "Matthews correlation", (CLASSIFICATION,), limits=(-1, 1), score=_mean(mcc_scores),
           row_scores=mcc_scores),
    Metric("roc_auc", "ROC AUC", (CLASSIFICATION,), limits=(0, 1), made_of="probability", score=roc_auc,
           row_scores=roc_auc_scores),
    Metric("average_precision", "average precision", (CLASSIFICATION,), limits=(0, 1), made_of="probability",
           score=average_precision, row_scores=macro_precision_scores),
    Metric("brier", "Brier score", (CLASSIFICATION,), False, limits=(0, 2), made_of="probability",
           score=_mean(brier_rows), row_scores=brier_rows),
    Metric("calibration_error", "expected calibration error", (CLASSIFICATION,), False, limits=(0, 1),
           made_of="probability", score=_mean(calibration_scores), row_scores=calibration_scores),
    Metric("r2", "R²", (REGRESSION,), limits=(-np.inf, 1), rows="squared_error",
           of_mean=lambda mean, variance: 1 - mean / variance, score=_of_numbers("r2"), row_scores=r2_scores),
    Metric("rmse", "root mean squared error", (REGRESSION,), False, limits=(0, np.inf), unit="target", digits=-4,
           rows="squared_error", of_mean=lambda mean, variance: np.sqrt(mean), score=_of_numbers("rmse"),
           row_scores=rmse_scores),
    Metric("mae", "mean absolute error", (REGRESSION,), False, limits=(0, np.inf), unit="target", digits=-4,
           rows="absolute_error"),
    Metric("median_absolute_error", "median absolute error", (REGRESSION,), False, limits=(0, np.inf), unit="target",
           digits=-4, score=_of_numbers("median_absolute_error")),
    Metric("max_error", "largest error", (REGRESSION,), False, limits=(0, np.inf), unit="target", digits=-4,
           score=_of_numbers("max_error")),
    Metric("mse", "mean squared error", (AUTOENCODER,), False, limits=(0, np.inf), rows="squared_error"),
    Metric("ari", "adjusted Rand index", (CLUSTERING,), limits=(-0.5, 1)),
    Metric("nmi", "normalised mutual information", (CLUSTERING,), limits=(0, 1)),
    Metric("purity", "purity", (CLUSTERING,), share=True, limits=(0, 1)),
    Metric("silhouette", "silhouette", (CLUSTERING,), limits=(-1, 1)),
    Metric("davies_bouldin", "Davies-Bouldin index", (CLUSTERING,), False, limits=(0, np.inf)),
    Metric("calinski_harabasz", "Calinski-Harabasz index", (CLUSTERING,), limits=(0, np.inf)),
    Metric("inertia", "inertia", (CLUSTERING,), False, limits=(0, np.inf)),
    Metric("aic", "AIC", (CLUSTERING,), False),
    Metric("bic", "BIC", (CLUSTERING,), False),
    Metric("noise", "share of noise", (CLUSTERING,), False, limits=(0, 1)),
    Metric("trustworthiness", "trustworthiness", (EMBEDDING,), limits=(0, 1)),
    Metric("continuity", "continuity", (EMBEDDING,), limits=(0, 1)),
    Metric("class_silhouette", "class silhouette", (EMBEDDING,), limits=(-1, 1)),
)  # fmt: skip
METRICS: dict[str, Metric] = {row.name: row for row in ROWS}


def metric(name: str) -> Metric:
    """Return what is known of a metric; of an unknown one its name, and that more is taken to be better.

    Examples
    --------
    >>> metric("ari").title, metric("f1_macro").title, metric("neg_mean_squared_error").title
    ('adjusted Rand index', 'F1 macro', 'negative mean squared error')
    """
    return METRICS.get(name) or Metric(name, spelled(name))


def metrics_of(kind: str) -> tuple[str, ...]:
    """Return the names of the metrics that a kind of study records, the default of searches and comparisons first."""
    named = KINDS[kind].metrics if kind in KINDS else ()
    return (*named, *(name for name, row in METRICS.items() if kind in row.kinds and name not in named))


def with_further(
    kind: str,
    scores: Mapping[str, float],
    y: np.ndarray,
    predicted: np.ndarray,
    probability: np.ndarray | None = None,
) -> dict[str, float]:
    """Return the scores of one part with those metrics of the table that they lack and that truth and prediction give.

    Parameters
    ----------
    kind : of study
    scores : name -> value
    y, predicted : arrays of shape (n_samples,)
    probability : float array of shape (n_samples, n_classes); without it metrics that are made of it are left out
    """
    given = {"predicted": predicted, "probability": probability}
    found = dict(scores)
    for row in (METRICS[name] for name in metrics_of(kind) if name not in scores):
        made_of = given[row.made_of]
        if row.score is not None and made_of is not None and not np.isnan(value := row.score(y, made_of)):
            found[row.name] = value
    return found
