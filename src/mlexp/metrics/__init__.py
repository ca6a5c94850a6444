"""Scores of predictions, groupings and embeddings: pure functions of arrays, and the table that lists them."""

from mlexp.metrics.agreement import kappa_scores, mcc_scores
from mlexp.metrics.calibration import BINS, Reliability, brier_rows, calibration_scores, reliability
from mlexp.metrics.classification import (
    class_scores,
    classification_scores,
    confusion_matrix,
    correct_rows,
    label_scores,
    log_loss_rows,
    precision_recall_f1,
)
from mlexp.metrics.ranking import (
    Operating,
    auc_scores,
    average_precision,
    average_precision_scores,
    operating,
    ranked,
    roc_auc,
)
from mlexp.metrics.regression import r2_scores, regression_scores, rmse_scores
from mlexp.metrics.table import METRICS, Metric, metric, metrics_of, with_further

__all__ = [
    "BINS",
    "METRICS",
    "Metric",
    "Operating",
    "Reliability",
    "auc_scores",
    "average_precision",
    "average_precision_scores",
    "brier_rows",
    "calibration_scores",
    "class_scores",
    "classification_scores",
    "confusion_matrix",
    "correct_rows",
    "kappa_scores",
    "label_scores",
    "log_loss_rows",
    "mcc_scores",
    "metric",
    "metrics_of",
    "operating",
    "precision_recall_f1",
    "r2_scores",
    "ranked",
    "regression_scores",
    "reliability",
    "rmse_scores",
    "roc_auc",
    "with_further",
]
