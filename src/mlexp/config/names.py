"""The words that keys accept, written out so that checking a configuration imports no numerical code.

A test compares them with the tables of the program that they name.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, which takes as long to import as all that is here
if TYPE_CHECKING:
    from typing import Any

ACTIVATIONS = (
    "sigmoid", "tanh", "relu", "leaky_relu", "linear", "hard_sigmoid", "softmax", "elu", "gelu", "silu", "softplus",
)  # fmt: skip
ALL_ACTIVATIONS: dict[str, Any] = dict.fromkeys(ACTIVATIONS)  # to which `mlexp.plugins` adds those of plugins
INITIALIZERS = (
    "zeros", "ones", "random", "normal", "standard_normal", "uniform", "xavier", "xavier_uniform", "xavier_normal",
    "he", "he_uniform", "he_normal", "lecun", "lecun_uniform", "lecun_normal", "orthogonal",
)  # fmt: skip
LOSSES = ("mse", "mae", "huber")  # of numbers; that of classes is cross-entropy
# Kind of study -> metrics that its networks record by epoch on request
RECORDED = {
    "classification": ("precision", "recall", "f1"), "layers": ("precision", "recall", "f1"), "regression": ("r2",),
}  # fmt: skip
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad")
SCHEDULES = {
    "constant": (),
    "step": ("every", "factor"),
    "exponential": ("factor",),
    "cosine": ("epochs", "floor"),
    "warm_up": ("epochs",),
    "on_plateau": ("factor", "patience", "threshold"),
}
# Of each, one file of conf is chosen.
GROUPS = ("dataset", "model", "tune", "task", "size", "execution", "tracking")
LISTED = {
    "task": "tasks", "dataset": "datasets", "model": "models", "size": "sizes", "tune": "tunings",
    "execution": "executions", "tracking": "trackings",
}  # fmt: skip
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
QUOTES = {"double": '"', "single": "'", "none": ""}
# Kind of study -> its row; `mlexp.kinds` fills this table when `mlexp` is imported, for config imports no kind.
KINDS: dict[str, Any] = {}
GENERIC_TASKS = (
    "classify",
    "regress",
    "cluster",
    "embed",
    "data_needed",
)  # for any table; their runs are named after it
TESTS = (
    "crossed", "welch", "permutation", "paired", "wilcoxon", "mcnemar", "corrected", "bayesian", "five_by_two",
    "bootstrap_seeds_rows", "anova", "friedman",
)  # fmt: skip
OVER_DATASETS = ("paired", "wilcoxon", "friedman")  # tests whose units may be data sets
MODEL_NAMES = (
    "mlp", "logistic", "svm", "knn", "decision_tree", "random_forest", "hist_gradient_boosting", "naive_bayes",
    "sklearn_mlp", "linear", "ridge", "kmeans", "minibatch_kmeans", "spectral", "gmm", "dbscan", "agglomerative", "pca",
    "tsne", "lle", "mds", "isomap", "umap", "opentsne", "autoencoder", "stacking", "voting", "bagging", "calibrated",
    "thresholded",
)  # fmt: skip
COMBINED = ("stacking", "voting", "bagging", "calibrated", "thresholded")  # made of models of `model.base`
COMBINED_KEYS = ("base", "base_params")  # of the node `model`
ENGINE_MODELS = ("mlp", "autoencoder")
UNTRAINED_KINDS = ("by_hand", "explore", "clustering", "embedding")  # train no network of the engine
SHARED_KEYS = ("name", "params", "dtype")  # of the node `model`: what every model has
NETWORK_KEYS = (
    "hidden", "activation", "optimizer", "learning_rate", "momentum", "nesterov", "batch_size", "l2", "epochs",
    "patience", "restore_best",
)  # fmt: skip
IMPUTATIONS = ("mean", "median", "most_frequent")
SELECTIONS = ("f_test", "mutual_information")
BALANCES = ("over", "under")
SCALES = ("auto", "none", "unit", "signed", "standard", "minmax")
FEATURES = ("bottleneck", "penultimate", "pca", "raw")
CLUSTERINGS = (
    "kmeans", "minibatch_kmeans", "spectral_neighbors", "spectral_gaussian", "gmm", "dbscan", "agglomerative",
)  # fmt: skip
EMBEDDINGS = ("pca", "tsne", "lle", "mds", "isomap", "umap", "opentsne")
STRATEGIES = ("grid", "random", "halving", "bayes")
CALCULATIONS = ("backprop", "softmax", "svm", "residual", "pca", "kmeans", "em")

# Parts of the names of measures that prose writes in another way; some are of scikit-learn's scorers alone.
CAPITALS = {
    "ari": "ARI", "nmi": "NMI", "auc": "AUC", "rmse": "RMSE", "mse": "MSE", "mae": "MAE", "r2": "R²", "f1": "F1",
    "aic": "AIC", "bic": "BIC", "roc": "ROC", "d2": "D²", "ovr": "one-vs-rest", "ovo": "one-vs-one",
    "jaccard": "Jaccard", "brier": "Brier", "neg": "negative", "mcc": "MCC",
}  # fmt: skip


def read_elsewhere(key: str, kind: str) -> bool:
    """Return whether only another kind of study than `kind` reads a key, such as ``clustering.first``."""
    node = key.partition(".")[0]
    return node in KINDS and kind in KINDS and node not in (kind, KINDS[kind].node)


def spelled(name: str) -> str:
    """Return the name of a measure or column as prose writes it.

    Examples
    --------
    >>> spelled("test_ari"), spelled("macro_f1"), spelled("epochs_to_target")
    ('test ARI', 'macro F1', 'epochs to target')
    """
    return " ".join(CAPITALS.get(word, word) for word in name.split("_"))
