"""Scores of predictions, groupings and embeddings: pure functions of arrays, and the table that lists them."""

from mlexp.metrics.classification import (
    auc_scores,
    class_scores,
    classification_scores,
    confusion_matrix,
    correct_rows,
    label_scores,
    log_loss_rows,
    precision_recall_f1,
)
from mlexp.metrics.regression import r2_scores, regression_scores, rmse_scores
from mlexp.metrics.table import METRICS, Metric, metric, metrics_of, with_further

__all__ = [
    "METRICS",
    "Metric",
    "auc_scores",
    "class_scores",
    "classification_scores",
    "confusion_matrix",
    "correct_rows",
    "label_scores",
    "log_loss_rows",
    "metric",
    "metrics_of",
    "precision_recall_f1",
    "r2_scores",
    "regression_scores",
    "rmse_scores",
    "with_further",
]
