"""A program listing: a readable script that trains the model of a run again without mlexp, and gives its numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mlexp.config.names import COMBINED
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.documents import snippets
from mlexp.errors import ConfigError, DataError
from mlexp.kinds.fitting import Training, unfitted
from mlexp.nn.labels import class_weights, scaled_weights
from mlexp.nn.layers import Activation, Dense
from mlexp.nn.network import Network
from mlexp.nn.optimizers import OPTIMIZERS
from mlexp.store import Run
from mlexp.store.files import write_bytes

KINDS = ("classification", "regression")
SHOWN = {"classification": ("accuracy", "loss"), "regression": ("r2", "rmse")}
AS_CONFIGURED = (
    *("epochs", "dtype", "bias", "bias_init", "batch_norm", "dropout", "input_dropout"),
    *("reduction", "l1", "l2", "clip_norm", "max_norm"),
)
PARTS = ("train", "validation", "test")


def write(run: Run, config: Config, dataset: Dataset, library: str, target: Path) -> list[Path]:
    """Write the listing of a completed run to `target`, and its rows beside it.

    Parameters
    ----------
    run : the run
    config, dataset : its configuration, and the rows that it describes
    library : numpy, sklearn or torch: what the listing needs
    target : the script; the rows go to a file of the same name that ends in .npz

    Returns
    -------
    list of Path
        Both files.

    Raises
    ------
    ConfigError
        The run cannot be written with that library; nothing is written.
    """
    if target.suffix != ".py":
        raise ConfigError(
            f"--out must name a Python file, such as {target.with_suffix('.py')}. Got {target}."
        )
    rows = target.with_suffix(".npz")
    text, data = listing(run, config, dataset, library, rows.name)
    write_bytes(rows, data)
    write_bytes(target, text.encode())
    return [target, rows]


def listing(run: Run, config: Config, dataset: Dataset, library: str, rows: str) -> tuple[str, bytes]:
    """Return the listing of a completed run, and the bytes of the file `rows` that it reads; see `write`."""
    if run.status != "completed" or config.task.kind not in KINDS:
        raise ConfigError(
            f"{run.path} has no program listing: it needs a completed run of {' or '.join(KINDS)}. This is a "
            f"{run.status} run of {config.task.kind}."
        )
    if config.prepare.balance is not None or config.model.name in COMBINED:
        what = "prepare.balance" if config.prepare.balance is not None else f"model={config.model.name}"
        raise ConfigError(f"{run.path} has no program listing: {what} has no counterpart in one.")
    training = unfitted(config, dataset)
    known = _common(run, config, training) | {"rows_file": rows}
    text, more = LIBRARIES[library](run, config, training, known)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = _rows(training, as_stored=library != "sklearn") | more
    np.savez_compressed(buffer, **arrays)
    return text, buffer.getvalue()


def _common(run: Run, config: Config, training: Training) -> dict[str, Any]:
    """Return what every listing says of its run."""
    shown = SHOWN[config.task.kind]
    recorded = {
        part: {name: float(scores[name]) for name in shown if scores.get(name) is not None}
        for part, scores in run.metrics.items()
        if part in PARTS
    }
    return {
        "title": _harmless(run.info["task"]["name"]),
        "run": _harmless(run.info["config_hash"]),
        "packages": {
            name: _harmless(version) for name, version in run.info["environment"]["packages"].items()
        },
        "threads": int(run.info["threads"]),
        "recorded": recorded,
        "n_classes": training.n_classes,
        "centre": training.centre,
        "spread": training.spread,
    }


def _harmless(text: object) -> str:
    """Return a text of a record, which may be a stranger's, as a script can hold it: no quote, no line break."""
    return re.sub(r"[^\w .,:+-]", "_", str(text))[:200]


def _rows(training: Training, *, as_stored: bool) -> dict[str, np.ndarray]:
    """Return features and targets by part; if asked, pixels as stored where the preparation only scales them."""
    found: dict[str, np.ndarray] = {}
    stored = as_stored and _factor(training) is not None
    for name in PARTS:
        part, raw = getattr(training.parts, name), getattr(training.raw, name)
        if len(part):
            found[f"X_{name}"] = raw.X.raw(np.arange(len(raw))) if stored else np.asarray(part.X)
            found[f"y_{name}"] = part.y
    return found


def _factor(training: Training) -> float | None:
    """Return the number that stored bytes are multiplied by; None where the preparation does more."""
    scaling = training.preparation.scaling
    pixels = training.parts.train.X.source_kind == "u" and training.preparation.scales_only
    return scaling.scale if pixels and isinstance(scaling.scale, float) and scaling.shift is None else None


def _numpy(
    run: Run, config: Config, training: Training, known: dict[str, Any]
) -> tuple[str, dict[str, np.ndarray]]:
    """Return a listing that makes the same operations on the same numbers as the engine."""
    values, arrays = _training(run, config, training, "numpy")
    node, n_outputs, names = config.model, values["sizes"][-1], values["names"]
    loss = values["loss"]
    if loss == "cross_entropy" and n_outputs == 2:
        loss = "cross_entropy_of_two"
    functions = list(values["functions"])
    if set(names) & set(snippets.USE_LOGISTIC) or loss in ("cross_entropy_of_two", "binary_cross_entropy"):
        functions.append(snippets.LOGISTIC)
    if strange := [name for name in names if name not in snippets.ACTIVATIONS]:
        raise DataError(
            f"model.activation={strange[0]} is of a plugin, and has no counterpart in a program listing."
        )
    functions += [snippets.ACTIVATIONS[name] for name in dict.fromkeys(names)]
    more = {
        "functions": functions,
        "loss": snippets.LOSSES[loss],
        "optimizer": _optimizer(node),
        "activation_of": names[0] if len(set(names)) == 1 else f"[{', '.join(names)}][k - 1]",
        "row_sums": loss.startswith("cross_entropy") or "softmax" in names,
        "short_rows": n_outputs <= 4 or "softmax" in names,
        "column_sums": node.bias or node.batch_norm or node.max_norm is not None,
    }
    return _script("numpy_script.jinja", known | values | more), arrays


def _torch(
    run: Run, config: Config, training: Training, known: dict[str, Any]
) -> tuple[str, dict[str, np.ndarray]]:
    """Return a listing that starts from the same weights and sees the rows in the same order."""
    values, arrays = _training(run, config, training, "torch")
    return _script("torch_script.jinja", known | values | {"optimizer": _of_torch(config.model)}), arrays


def _sklearn(
    run: Run, config: Config, training: Training, known: dict[str, Any]
) -> tuple[str, dict[str, np.ndarray]]:
    """Return a listing that fits the same estimator with the same parameters to the same rows."""
    model = training.model
    if config.model.name in ("mlp", "sklearn_mlp") or not type(model).__module__.startswith("sklearn."):
        raise ConfigError(
            f"--code sklearn writes estimators of scikit-learn that are fitted in one call. {run.path} fitted "
            f"model={config.model.name}, epoch by epoch with mlexp's early stopping: use --code numpy or torch where "
            "it is a network of mlexp (model=mlp)."
        )
    module = ".".join(type(model).__module__.split(".")[:2])  # where scikit-learn offers it
    defaults = type(model)().get_params()
    given = {name: value for name, value in model.get_params().items() if value != defaults[name]}
    made = f"{type(model).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"
    values = {"module": module, "name": type(model).__name__, "made": made}
    return _script("sklearn_script.jinja", known | values), {}


def _training(
    run: Run, config: Config, training: Training, library: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what a listing of a network's training says, and the arrays besides the rows that it needs."""
    model, network = _network(run, config, training, library)
    node = config.model
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    starts, bias_start = [_initializer(layer.init) for layer in dense], _initializer(node.bias_init)
    weights, (schedule, functions) = _weights(model, training), _schedule(config)
    functions += [snippets.ORTHOGONAL] if "orthogonal" in (*starts, bias_start) else []
    validated, n_rows = len(training.parts.validation) > 0, len(training.parts.train)
    batch = n_rows if node.batch_size == "full" else min(int(node.batch_size), n_rows)
    kept = n_rows // batch * batch if node.drop_last else n_rows
    return {name: getattr(node, name) for name in AS_CONFIGURED} | {
        "sizes": [network.n_features, *(layer.units for layer in dense)],
        "names": [layer.kind for layer in network.layers[:-1] if isinstance(layer, Activation)],
        "batch": batch,
        "rate": node.learning_rate,
        "patience": node.patience if validated else None,
        "seed": config.seed,
        "factor": _factor(training),
        "smoothing": node.label_smoothing,
        "single": bool(training.n_classes) and model.output == "sigmoid",
        "functions": functions,
        "loss": _loss(model, training.n_classes),
        "inits": [snippets.INITIALIZERS[name] for name in starts],
        "bias_init_code": snippets.INITIALIZERS[bias_start].replace("(n, m)", "(1, m)"),
        "schedule": schedule,
        "looks_back": node.schedule == "on_plateau",
        "validated": validated,
        "restore": node.restore_best and validated,
        "n_seen": kept,
        "weighted": weights is not None,
    }, ({} if weights is None else {"weights": weights})


def _network(run: Run, config: Config, training: Training, library: str) -> tuple[Any, Network]:
    """Return the model and its network, not fitted; refuse models that are not of the engine."""
    if config.model.name != "mlp":
        raise ConfigError(
            f"--code {library} writes networks of mlexp's own engine (model=mlp). {run.path} fitted "
            f"model={config.model.name}: use --code sklearn."
        )
    model = training.model
    if training.n_classes:
        model.classes_ = np.arange(training.n_classes)
    else:
        model.n_outputs_ = 1
    return model, model.network(len(training.preparation.feature_names))


def _loss(model: Any, n_classes: int) -> str:
    if not n_classes:
        return str(model.loss)
    return "binary_cross_entropy" if model.output == "sigmoid" else "cross_entropy"


def _initializer(name: Any) -> str:
    return str(snippets.SAME_INITIALIZER.get(name, name))


def _optimizer(node: Any) -> str:
    name = node.optimizer
    if name == "sgd" and node.momentum:
        name = "nesterov" if node.nesterov else "momentum"
    return _filled(
        snippets.OPTIMIZERS[name], {"momentum": node.momentum, "decay": node.decay, "epsilon": _epsilon(node)}
    )


def _of_torch(node: Any) -> str:
    return snippets.TORCH_OPTIMIZERS[node.optimizer].format(**asdict(node) | {"epsilon": _epsilon(node)})


def _epsilon(node: Any) -> float:
    return float(node.epsilon or getattr(OPTIMIZERS[node.optimizer], "eps", 0))


def _schedule(config: Config) -> tuple[str, list[str]]:
    """Return the learning rate of an epoch as an expression, and the functions that it calls."""
    node = config.model
    given = {name: value for name, value in asdict(node.schedule_options).items() if value is not None}
    epochs = {"cosine": node.epochs, "warm_up": 5}.get(node.schedule)
    values = (
        snippets.SCHEDULE_DEFAULTS | {"epochs": epochs, "factor": snippets.FACTORS.get(node.schedule)} | given
    )
    functions = [_filled(snippets.REDUCED, values)] if node.schedule == "on_plateau" else []
    return _filled(snippets.SCHEDULES[node.schedule], values), functions


def _filled(code: str, values: Mapping[str, Any]) -> str:
    for name, value in values.items():
        code = code.replace(f"{{{name}}}", repr(value))
    return code


def _weights(model: Any, training: Training) -> np.ndarray | None:
    """Return the weight of each training row, as the fit made it of the classes."""
    if not training.n_classes or model.class_weight is None:
        return None
    y = training.parts.train.y
    return scaled_weights(class_weights(model.class_weight, y, model.classes_), len(y), model.dtype)


def _script(name: str, values: Mapping[str, Any]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python, not HTML; names of a record are checked before they come here
    )
    return str(environment.get_template(name).render(values))


LIBRARIES = {"numpy": _numpy, "torch": _torch, "sklearn": _sklearn}
