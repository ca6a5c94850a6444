"""A fitted run as an ONNX model of raw rows, and the proof that it predicts the same.

The graph does what `FittedModel` does in the same order: early steps and scaling in double precision, then single
precision for principal components and the model. Networks of the engine are written node by node, scikit-learn's
models and early steps are converted by skl2onnx.

Input ``X``: raw features (n_rows, n_features), float for pictures, double for tables. Outputs: ``label`` (text) and
``probabilities`` of a classifier, ``value`` of a regression, ``cluster`` of a clustering, ``codes`` and
``reconstruction`` of an autoencoder. The names of features and classes stand in the metadata.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlexp.errors import ConfigError, DataError, optional, shortened
from mlexp.models.guarded import in_short
from mlexp.nn.activations import LEAK
from mlexp.nn.layers import Activation, BatchNorm, Dense, Dropout
from mlexp.store.fitted import FittedModel

OPSETS = {"": 20, "ai.onnx.ml": 3}
IR_VERSION = 9
BY = ("Exporting to ONNX", "onnx")  # what needs the packages, and the extra that brings them
TOLERANCE = 1e-5
SECONDS, SECONDS_A_BYTE = (
    10.0,
    5e-6,
)  # of processor time to convert a model of scikit-learn: skl2onnx walks its nodes
EXPORTED = (
    "mlp", "autoencoder", "logistic", "svm", "knn", "decision_tree", "random_forest", "hist_gradient_boosting",
    "naive_bayes", "sklearn_mlp", "linear", "ridge", "kmeans", "minibatch_kmeans", "gmm",
)  # fmt: skip
# Activation of the engine -> operator and its attributes; silu is written out.
OPERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": LEAK}),
    "linear": ("Identity", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 0.2, "beta": 0.5}),
    "softmax": ("Softmax", {"axis": -1}),
    "elu": ("Elu", {"alpha": 1.0}),
    "gelu": ("Gelu", {"approximate": "none"}),
    "softplus": ("Softplus", {}),
}


@dataclass
class _Graph:
    """Nodes and constants as they come; `top` is the name of the newest tensor."""

    top: str = "X"
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    def cast(self, kind: int) -> str:
        """Append a change of type."""
        return self.add("Cast", to=kind)

    def add(self, operator: str, *others: str, out: str = "", **attributes: Any) -> str:
        """Append a node that takes `top` and `others`; its output, the new top, may be named with `out`."""
        from onnx import helper

        out = out or f"t{len(self.nodes)}"
        domain = "ai.onnx.ml" if operator in ("LabelEncoder", "TreeEnsembleRegressor") else ""
        self.nodes.append(helper.make_node(operator, [self.top, *others], [out], domain=domain, **attributes))
        self.top = out
        return out

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Keep an array and return its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def splice(self, piece: Any) -> list[str]:
        """Append a converted model after `top` and return the names of its outputs."""
        from onnx import compose

        piece = compose.add_prefix(piece, f"s{len(self.nodes)}_").graph
        self.add("Identity", out=piece.input[0].name)
        self.nodes += piece.node
        self.constants += piece.initializer
        return [output.name for output in piece.output]

    def output(self, source: str, name: str, kind: str, width: int | None = None) -> None:
        """Let `source` be an output of the model: FLOAT, INT64 or STRING, one column or `width`."""
        from onnx import TensorProto, helper

        self.top = source
        self.add("Identity", out=name)
        shape = [None] if width is None else [None, width]
        self.outputs.append(helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape))


def exported(fitted: FittedModel, X: np.ndarray) -> tuple[bytes, float]:
    """Return a fitted run as an ONNX model, and by how much the two differ on rows `X`: see `convert` and `parity`."""
    if fitted.process is None:
        data = convert(fitted)
        return data, parity(data, fitted, X)
    found, apart = fitted.process.ask(
        "onnx", np.asarray(X), seconds=SECONDS + fitted.process.size * SECONDS_A_BYTE
    )
    return found.tobytes(), float(apart)


def convert(fitted: FittedModel) -> bytes:
    """Return a fitted run as an ONNX model.

    Raises
    ------
    ConfigError
        The extra ``onnx`` is not installed.
        Or the model has no counterpart in ONNX.
    """
    onnx = optional("onnx", *BY)
    optional("skl2onnx", *BY)
    graph = _Graph()
    trained = fitted.run.info["dataset"]
    _prepare(graph, fitted)
    (_network if hasattr(fitted.model, "network_") else _converted)(graph, fitted)
    pixels = trained["image_shape"] is not None
    kind = onnx.TensorProto.FLOAT if pixels else onnx.TensorProto.DOUBLE
    X = onnx.helper.make_tensor_value_info("X", kind, [None, trained["n_features"]])
    whole = onnx.helper.make_graph(graph.nodes, "mlexp", [X], graph.outputs, graph.constants)
    opsets = [onnx.helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = onnx.helper.make_model(whole, producer_name="mlexp", opset_imports=opsets, ir_version=IR_VERSION)
    facts = {"classes": fitted.classes, "features": trained["features"], "categories": trained["categories"]}
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in facts.items()})
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def parity(model: bytes, fitted: FittedModel, X: np.ndarray) -> float:
    """Return by how much, at most, onnxruntime and mlexp differ on raw rows, once the labels are found equal.

    Numbers beyond 1 count relative to their size. Labels may differ only where two classes are equally
    probable to within twice the tolerance.

    Raises
    ------
    DataError
        The difference is above 1e-5, or labels differ.
    """
    runtime = optional("onnxruntime", *BY)
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    wanted = np.float32 if session.get_inputs()[0].type == "tensor(float)" else np.float64
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(None, {"X": np.asarray(X, wanted)}), strict=True))
    expected = _expected(fitted, X)
    apart = 0.0
    for name, values in expected.items():
        if values.dtype.kind in "UiO":
            wrong = np.flatnonzero(found[name].astype(values.dtype) != values)
            if len(wrong) and not _tied(expected.get("probabilities"), wrong):
                raise DataError(f"ONNX and mlexp differ in the {name} of {len(wrong)} of {len(values)} rows.")
        else:
            size = np.maximum(1, np.abs(values))
            apart = max(apart, float(np.max(np.abs(found[name].reshape(values.shape) - values) / size)))
    if not apart <= TOLERANCE:
        raise DataError(f"ONNX and mlexp differ by {apart:.1e}, more than {TOLERANCE:g}, on {len(X)} rows.")
    return apart


def _expected(fitted: FittedModel, X: np.ndarray) -> dict[str, np.ndarray]:
    predicted = fitted.predict(X)
    if fitted.kind == "autoencoder":
        return {"reconstruction": predicted, "codes": fitted.transform(X)}
    if fitted.kind != "classification":
        return {"value" if fitted.kind == "regression" else "cluster": predicted}
    probability = fitted.predict_proba(X)
    return {"label": predicted} | ({} if probability is None else {"probabilities": probability})


def _tied(probability: np.ndarray | None, rows: np.ndarray) -> bool:
    if probability is None:
        return False
    best = np.sort(probability[rows], axis=1)
    return bool((best[:, -1] - best[:, -2] <= 2 * TOLERANCE).all())


def _prepare(graph: _Graph, fitted: FittedModel) -> None:
    """Write the preparation: early steps and scaling in double, then single precision."""
    from onnx import TensorProto

    early = [step for name, step in fitted.steps.items() if name not in ("scale", "pca")]
    graph.cast(TensorProto.DOUBLE)
    for step in early:
        (graph.top,) = graph.splice(_skl2onnx(step, step.n_features_in_, double=True))
    scale = fitted.steps.get("scale")
    for operator, factor in (("Mul", scale and scale.scale_), ("Add", scale and scale.min_)):
        if factor is not None:
            graph.add(operator, graph.constant(np.reshape(factor, (1, -1)), np.float64))
    graph.cast(TensorProto.FLOAT)
    if (pca := fitted.steps.get("pca")) is not None:
        graph.add("Sub", graph.constant(pca.mean_[None]))
        graph.add("MatMul", graph.constant(pca.components_.T))


def _network(graph: _Graph, fitted: FittedModel) -> None:
    """Write a network of the engine layer by layer."""
    model = fitted.model
    tops = []
    for layer, views in zip(model.network_.layers, model._views(), strict=True):
        _layer(graph, layer, [view[0] for view in views])
        tops.append(graph.top)
    if fitted.kind == "autoencoder":
        place = model.network_.hidden[int(np.argmin(model.hidden))]
        graph.output(tops[-1], "reconstruction", "FLOAT", model.network_.n_outputs)
        graph.output(tops[place], "codes", "FLOAT", int(min(model.hidden)))
    elif fitted.kind == "regression":
        _value(graph, fitted)
    else:
        if model.output == "sigmoid":
            _two_classes(graph)
        else:
            graph.add("Softmax", axis=-1)
        probability = graph.top
        graph.output(probability, "probabilities", "FLOAT", len(fitted.classes))
        graph.top = probability
        _label(graph, fitted, graph.add("ArgMax", axis=1, keepdims=0))


def _layer(graph: _Graph, layer: Any, parameters: list[np.ndarray]) -> None:
    if isinstance(layer, Dense):
        graph.add("MatMul", graph.constant(parameters[0]))
        if layer.bias:
            graph.add("Add", graph.constant(parameters[1]))
    elif isinstance(layer, BatchNorm):
        scale, shift, mean, variance = (np.float64(values) for values in parameters)
        factor = scale / np.sqrt(variance + layer.eps)
        graph.add("Mul", graph.constant(factor))
        graph.add("Add", graph.constant(shift - mean * factor))
    elif isinstance(layer, Activation) and layer.kind == "silu":
        x = graph.top
        graph.add("Sigmoid")
        graph.add("Mul", x)
    elif isinstance(layer, Activation) and layer.kind in OPERATORS:
        operator, attributes = OPERATORS[str(layer.kind)]
        graph.add(operator, **attributes)
    elif not isinstance(layer, Dropout):  # which does nothing when predicting
        raise DataError(f"A layer of kind {type(layer).__name__} has no counterpart in ONNX here.")


def _converted(graph: _Graph, fitted: FittedModel) -> None:
    """Let skl2onnx write a model of scikit-learn."""
    width = fitted.run.info["dataset"]["n_features"]
    if (pca := fitted.steps.get("pca")) is not None:
        width = pca.n_components_
    elif (scale := fitted.steps.get("scale")) is not None:
        width = len(scale.scale_)
    boosted = hasattr(fitted.model, "_predictors")
    outputs = _boosted(graph, fitted.model) if boosted else graph.splice(_skl2onnx(fitted.model, width))
    graph.top = outputs[0]
    if fitted.kind == "regression":
        _value(graph, fitted)
    elif fitted.kind == "clustering":
        graph.add("Reshape", graph.constant([-1], np.int64))
        graph.output(graph.top, "cluster", "INT64")
    else:
        _label(graph, fitted, outputs[0])
        if hasattr(fitted.model, "predict_proba"):
            graph.top = outputs[1]
            codes, n = np.asarray(fitted.model.classes_, np.int64), len(fitted.classes)
            if len(codes) < n:  # a class without training rows has probability 0
                graph.add("MatMul", graph.constant(np.eye(n)[codes]))
            graph.output(graph.top, "probabilities", "FLOAT", n)


def _boosted(graph: _Graph, model: Any) -> list[str]:
    """Write histogram gradient boosting, of which skl2onnx makes attributes that onnx refuses.

    Thresholds and leaves are double, as scikit-learn compares and adds them. Returns the class codes and their
    probabilities, or the numbers of a regression.
    """
    n_outputs = model.n_trees_per_iteration_
    trees = [(output, tree.nodes) for row in model._predictors for output, tree in enumerate(row)]
    if model.is_categorical_ is not None:
        raise ConfigError(
            "hist_gradient_boosting with categorical_features cannot be exported: leave them out."
        )
    _sum_of_trees(graph, trees, np.broadcast_to(np.ravel(model._baseline_prediction), n_outputs))
    if not hasattr(model, "classes_"):
        return [graph.add("Exp") if model.loss in ("poisson", "gamma") else graph.top]
    probability = _two_classes(graph) if n_outputs == 1 else graph.add("Softmax", axis=-1)
    graph.add("ArgMax", axis=1, keepdims=0)
    place, graph.top = graph.top, graph.constant(model.classes_, np.int64)
    return [graph.add("Gather", place), probability]


def _sum_of_trees(graph: _Graph, trees: Sequence[tuple[int, Any]], baseline: np.ndarray) -> None:
    """Write the baseline of each output plus what its trees add, all in double."""
    from onnx import TensorProto, numpy_helper

    nodes = np.concatenate([nodes for _, nodes in trees])
    tree_ids = np.repeat(np.arange(len(trees)), [len(nodes) for _, nodes in trees])
    node_ids = np.concatenate([np.arange(len(nodes)) for _, nodes in trees])
    leaves = nodes["is_leaf"] != 0
    attributes = {
        "nodes_treeids": tree_ids,
        "nodes_nodeids": node_ids,
        "nodes_featureids": np.where(leaves, 0, nodes["feature_idx"]),
        "nodes_truenodeids": np.where(leaves, 0, nodes["left"]),
        "nodes_falsenodeids": np.where(leaves, 0, nodes["right"]),
        "nodes_missing_value_tracks_true": nodes["missing_go_to_left"],
        "target_treeids": tree_ids[leaves],
        "target_nodeids": node_ids[leaves],
        "target_ids": np.array([output for output, _ in trees])[tree_ids[leaves]],
    }
    tensors = {
        "nodes_values": np.where(leaves, 0.0, nodes["num_threshold"]),
        "target_weights": nodes["value"][leaves],
        "base_values": baseline,
    }
    graph.cast(TensorProto.DOUBLE)
    graph.add(
        "TreeEnsembleRegressor",
        n_targets=len(baseline),
        nodes_modes=np.where(leaves, "LEAF", "BRANCH_LEQ").tolist(),
        **{name: values.astype(np.int64).tolist() for name, values in attributes.items()},
        **{
            f"{name}_as_tensor": numpy_helper.from_array(np.asarray(values, np.float64), name)
            for name, values in tensors.items()
        },
    )


def _two_classes(graph: _Graph) -> str:
    """Write the probabilities of two classes from the log-odds of the second."""
    positive = graph.add("Sigmoid")
    graph.add("Neg")
    graph.add("Add", graph.constant(1.0))
    return graph.add("Concat", positive, axis=1)


def _label(graph: _Graph, fitted: FittedModel, codes: str) -> None:
    graph.top = codes
    names = graph.add(
        "LabelEncoder", keys_int64s=list(range(len(fitted.classes))), values_strings=list(fitted.classes)
    )
    graph.output(names, "label", "STRING")


def _value(graph: _Graph, fitted: FittedModel) -> None:
    graph.add("Mul", graph.constant(fitted.spread))
    graph.output(graph.add("Add", graph.constant(fitted.centre)), "value", "FLOAT", 1)


def _skl2onnx(estimator: Any, n_features: int, *, double: bool = False) -> Any:
    import skl2onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    from sklearn.base import is_classifier

    rows = (DoubleTensorType if double else FloatTensorType)([None, int(n_features)])
    options = {id(estimator): {"zipmap": False}} if is_classifier(estimator) else None
    try:
        with warnings.catch_warnings():  # it reads attributes that scikit-learn deprecates
            warnings.simplefilter("ignore")
            return skl2onnx.convert_sklearn(
                estimator, initial_types=[("rows", rows)], options=options, target_opset=OPSETS
            )
    except Exception as error:  # of many kinds, some with the whole model in their words
        name, said = type(estimator).__name__, shortened(in_short(error), 120)
        raise ConfigError(
            f"{name} cannot be exported: skl2onnx cannot convert it ({said}). Models that can: {', '.join(EXPORTED)}."
        ) from error
