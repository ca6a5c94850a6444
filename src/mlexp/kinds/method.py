"""How a run was done, and what is needed to repeat it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlexp import system
from mlexp.kinds.clustering import names as clustering
from mlexp.kinds.curves import LOSSES
from mlexp.kinds.embedding import names as embedding
from mlexp.kinds.observer import features_in_words, parameters_in_words
from mlexp.page.study import PARTS, RecordedRun
from mlexp.page.words import TITLES, duration, listed, number

ENDED = {
    "patience": "early stopping",
    "epochs": "the maximum number of epochs",
    "interrupted": "interruption by the user",
    "diverged": "a loss that was not finite",
    "hopeless": "a validation loss above what the search allowed",
}
REGULARIZERS = {
    "dropout": "dropout",
    "input_dropout": "input dropout",
    "l1": "L1",
    "l2": "L2",
    "clip_norm": "gradient norm clipped at",
    "max_norm": "maximum weight norm",
    "label_smoothing": "label smoothing",
    "class_weight": "class weights",
}
SCALES = {
    "none": "values unchanged",
    "unit": "pixels divided by their largest value",
    "signed": "pixels scaled to [−1, 1]",
    "standard": "each feature to mean 0 and standard deviation 1",
    "minmax": "each feature to [0, 1]",
}
HARD_SIGMOID = (
    "hard_sigmoid is 0.2 x + 0.5 clipped to [0, 1], constant beyond ±2.5, as in Theano and Keras 2 (PyTorch and "
    "Keras 3: "
    "x / 6 + 0.5, constant beyond ±3)."
)
INITS = {"auto": "He before ReLU and its variants, Xavier elsewhere"}
WILSON = "Wilson's score interval of a proportion (1927), which keeps its level near 0 and 1"
INTERVALS = {
    "classification": WILSON,
    "features": WILSON,
    "regression": "mean ± 1.96 standard errors over samples",
}
NO_SETTINGS = (
    "copy",
    "copy_x",
    "n_jobs",
    "verbose",
    "compute_distances",
    "compute_full_tree",
)  # of what is computed
NETWORKS = ("mlp", "autoencoder")
FEW = 3  # samples of which no interval is given
Terms = list[tuple[str, str]]


def method(study: RecordedRun) -> Terms:
    """Return data, split, preparation, model, training and tuning, each in words."""
    described = (
        _data, _split, _subsets, _preparation, _model, _fitted, _training, _tuning, _importance, _scores, _statistics,
    )  # fmt: skip
    return [term for describe in described for term in describe(study)]


def record(info: Mapping[str, Any]) -> Terms:
    """Return seeds, fingerprints, versions, hardware and time of a run."""
    place = info["environment"]
    git = place.get("git")
    commit = [
        ("Commit", git["commit"] + (" with uncommitted changes" if git["uncommitted_changes"] else ""))
    ] if git else []  # fmt: skip
    kernels = [
        f"{one['internal_api']} {one['version']}, {one['num_threads']} threads" if one["num_threads"] != 1
        else f"{one['internal_api']} {one['version']}, 1 thread"
        for one in place["blas"] if one["user_api"] == "blas"
    ]  # fmt: skip
    return [
        ("Started", info["started"][:19].replace("T", " ") + " UTC"),
        *_spent(info),
        ("Seed", str(info["seed"])),
        ("Configuration", info["config_hash"]),
        *(
            (f"Fingerprint of the {what}", info[what]["fingerprint"])
            for what in ("dataset", "split")
            if info[what].get("fingerprint")
        ),
        (
            "Versions",
            listed(
                [
                    f"Python {place['python']}",
                    *(f"{name} {version}" for name, version in place["packages"].items()),
                ],
                99,
            ),
        ),
        *commit,
        ("Machine", f"{place['processor']}, {place['system']}"),
        *([("Linear algebra", listed(list(dict.fromkeys(kernels))))] if kernels else []),
    ]


def started(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return the command line of a record ready to be typed again; none if it was started from Python."""
    return [("Command", system.as_command(words))] if words else []


def _spent(info: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if info.get("wall_seconds") is not None:
        yield "Time", f"{duration(info['wall_seconds'])}, CPU time {duration(info['cpu_seconds'])}"
        yield "Memory", f"{info['peak_memory_mb']:,.0f} MB (peak)"
    if info.get("resumed"):
        yield "Resumed", listed([time.replace("T", " ") for time in info["resumed"]])


def _data(study: RecordedRun) -> Iterator[tuple[str, str]]:
    data = study.info["dataset"]
    if not data.get("n_features"):
        return
    words = [data["name"]]
    rows = sum(n for n in study.info["split"].values() if isinstance(n, int))
    words.append(f"{rows:,} samples")
    words.append(features_in_words(data["n_features"], study.info["preparation"]))
    if data.get("classes"):
        words.append(f"{len(data['classes'])} classes ({listed([str(name) for name in data['classes']])})")
    yield "Data", ", ".join(words) + (f"; {data['source']}" if data.get("source") else "") + "."
    if data.get("notes"):
        yield "Table", "; ".join(data["notes"]) + "."


def _split(study: RecordedRun) -> Iterator[tuple[str, str]]:
    split = {
        part: n for part, n in study.info["split"].items() if part != "fingerprint" and isinstance(n, int)
    }
    how = study.config.get("split", {})
    if not set(split) & set(PARTS):
        yield "Samples", ", ".join(f"{n:,} {part}" for part, n in split.items()) + "."
        return
    words = ", ".join(f"{n:,} {part}" for part, n in split.items())
    kept = how.get("stratify") and study.info["dataset"].get("classes")
    drawn = ", stratified by class" if kept else ""
    aside = " The test set was held out." if how.get("judge") is False else ""
    yield "Split", f"{words} samples{drawn}; seed of the split {how.get('seed', 0)}.{aside}"


def _preparation(study: RecordedRun) -> Iterator[tuple[str, str]]:
    done = study.info["preparation"]
    words = [SCALES.get(str(done.get("scale")), "")] if done.get("scale") else []
    for name, what in done.items():
        if isinstance(what, Mapping):
            given = ", ".join(f"{value:,} {key}" for key, value in what.items() if isinstance(value, int))
            words.append(str(what.get("kept") or f"{name.replace('_', '-')}: {given}"))
    if words:
        fitted = ", fitted on the training set alone" if study.parts.get("train") else ""
        yield "Preparation", "; ".join(filter(None, words)) + f"{fitted}."


def _model(study: RecordedRun) -> Iterator[tuple[str, str]]:
    model, facts = study.config.get("model", {}), study.info["facts"]
    if not model or study.info["task"]["kind"] in ("explore", "by_hand", "clustering", "embedding"):
        return
    if model["name"] not in NETWORKS:
        given = ", ".join(f"{name} {value}" for name, value in model.get("params", {}).items())
        yield "Model", f"{model['name']} ({given or 'default parameters'})."
        return
    table = study.run.tables.get("layers", {}).get("layer", [])
    layers = [str(name) for name in table] or [f"Dense({width})" for width in model["hidden"]]
    size = parameters_in_words(facts.get("n_parameters", 0), facts.get("n_biases"))
    size = f"; {size}" if facts.get("n_parameters") else ""
    hard = f" {HARD_SIGMOID}" if "hard_sigmoid" in layers else ""
    yield (
        "Model",
        f"{' → '.join(layers)}{size}; initialisation {INITS.get(model['init'], model['init'])}.{hard}",
    )


def _training(study: RecordedRun) -> Iterator[tuple[str, str]]:
    model, facts = study.config.get("model", {}), study.info["facts"]
    if "epochs" not in facts or not model:
        return
    momentum = "Nesterov momentum" if model["nesterov"] else "momentum"
    added = [f"epsilon {model['epsilon']:g}"] if model.get("epsilon") else []
    named = (
        [f"{momentum} {model['momentum']}"] if model["optimizer"] == "sgd" and model["momentum"] else added
    )
    named += [f"weight decay {model['decay']}"] if model["optimizer"] == "adamw" else []
    yield (
        "Optimizer",
        f"{', '.join([TITLES.get(model['optimizer'], model['optimizer']), *named, _rate(model)])}.",
    )
    of_what = "standardised target" if study.kind in ("regression", "data_needed") else "reconstruction"
    of_numbers = f"{LOSSES[model.get('loss', 'mse')]} of the {of_what}."
    of_classes = study.kind in ("classification", "layers")
    of_classes |= study.kind == "data_needed" and bool(study.info["dataset"]["classes"])
    yield "Loss", "Cross-entropy." if of_classes else of_numbers
    size = "full batch" if model["batch_size"] == "full" else f"{model['batch_size']} samples"
    yield "Batch size", f"{size}; gradient of the {model['reduction']} of the loss over a batch."
    given = [f"{words} {model[key]}" for key, words in REGULARIZERS.items() if model.get(key)]
    if model.get("batch_norm"):
        given.append("batch normalisation")
    if given:
        yield "Regularisation", f"{', '.join(given)}."
    best = f"; best epoch {facts['best_epoch']}" if facts.get("best_epoch") else ""
    yield "Epochs", f"{facts['epochs']:,} of at most {model['epochs']:,}{best}."
    yield "Stopping", f"{_stopping(model, bool(study.parts.get('validation')))} {_ended(facts)}"


def _rate(model: Mapping[str, Any]) -> str:
    rate = f"learning rate {number(model['learning_rate'])}"
    if model.get("schedule", "constant") == "constant":
        return f"{rate}, constant"
    options = model.get("schedule_options") or {}
    given = [f"{name} {value}" for name, value in options.items() if value is not None]
    return f"{rate}, schedule {model['schedule'].replace('_', ' ')}{f' ({listed(given)})' if given else ''}"


def _stopping(model: Mapping[str, Any], validated: bool) -> str:
    """Return when training was to stop, and which weights are kept; without a validation set neither is asked."""
    if not validated:
        return "No validation set: no early stopping, the weights of the last epoch are kept."
    patience = model["patience"]
    rule = f"Early stopping after {patience} epochs" if patience != 1 else "Early stopping after 1 epoch"
    kept = (
        "those of the epoch with the lowest validation loss" if model["restore_best"] else "those of the last"
    )
    early = f"{rule} without a lower validation loss" if patience else "No early stopping"
    return f"{early}; weights kept: {kept}{'' if model['restore_best'] else ' epoch'}."


def _ended(facts: Mapping[str, Any]) -> str:
    stopped = str(facts.get("stopped", ""))
    return f"Ended by {ENDED.get(stopped, stopped)}."


def _tuning(study: RecordedRun) -> Iterator[tuple[str, str]]:
    tuned = study.tuning
    if not tuned:
        return
    trained = f", {number(tuned['epochs_trained'])} epochs in all" if tuned.get("epochs_trained") else ""
    yield "Tuning", f"{tuned['strategy']} search, {tuned['n_trials']:,} trials by {tuned['metric']}{trained}."
    space = [f"{key}: {_range(values)}" for key, values in tuned.get("space", {}).items()]
    if space:
        yield "Settings tried", "; ".join(space)
    told = [words for words in tuned["sentences"] if words not in study.info["warnings"]]
    yield "Result of the search", " ".join(words[:1].upper() + words[1:] for words in told)


def _subsets(study: RecordedRun) -> Iterator[tuple[str, str]]:
    """Yield the sizes of the training sets of a learning curve by number of samples."""
    if found := study.info["facts"].get("data_needed"):
        sizes = listed([f"{size:,}" for size in found.get("sizes", ())])
        yield (
            "Subsets",
            f"{found['repeats']} random subsets of the training set of each size ({sizes} samples), nested and, for "
            "classes, stratified; the preparation is fitted to each. The full set is fitted with as many seeds.",
        )


def _importance(study: RecordedRun) -> Iterator[tuple[str, str]]:
    """Yield how the importance of the features was measured."""
    if found := study.info["facts"].get("importance"):
        times = "shuffle" if found["repeats"] == 1 else "shuffles"
        yield (
            "Importance",
            f"{found['columns']:,} of {found['of_columns']:,} columns, {found['repeats']} {times} of each on "
            f"{found['rows']:,} {found['set']} samples; intervals over {found.get('over', 'samples')}, for this one "
            "fitted model.",
        )


def _scores(study: RecordedRun) -> Iterator[tuple[str, str]]:
    """Yield the conventions of scores that differ between programs."""
    names = {name for scores in study.metrics.values() for name in scores}
    words = []
    if study.kind in ("classification", "features") and "loss" in names:
        words.append(
            "Log loss is in nats; probabilities are clipped at 2⁻¹⁰⁴ (5e-32), so one "
            "sample contributes at most 72.1 (scikit-learn clips float64 at 2e-16: 36.0)."
        )
    if any(name.startswith("macro_") for name in names) and study.rows > FEW:
        words.append(
            "Macro precision, recall and F1 are unweighted means over the classes with samples in the set; a class "
            "without any is skipped even if it was predicted (scikit-learn counts it as 0)."
        )
    if "roc_auc" in names:
        two = len(study.info["dataset"].get("classes") or ()) == 2
        words.append(
            "ROC AUC and average precision are of the second class against the first; the Brier score is at most 1."
            if two
            else "ROC AUC and average precision are macro means of each class against the rest, over the classes with "
            "samples in the set; the Brier score sums over classes and is at most 2."
        )
        words.append("The expected calibration error has 10 bins of equal width by the highest probability.")
    if words:
        yield "Scores", " ".join(words)


def _statistics(study: RecordedRun) -> Iterator[tuple[str, str]]:
    """Yield the kind of interval, the reason for it, and what it does not cover."""
    kind = INTERVALS.get(study.kind)
    if kind and study.metrics and study.part != "train" and study.rows > FEW:
        covers = (
            "It generalises over new samples for this one fitted model; for the variation over seeds and training "
            "sets, "
            "run a sweep over seeds or a comparison."
        )
        yield "Interval", f"95 %, {kind}. {covers}"


def _range(values: Any) -> str:
    if isinstance(values, Mapping):
        scale = ", logarithmic" if values.get("log") else ""
        return f"{values['low']} to {values['high']}{scale}"
    return listed([str(value) for value in values])


def _fitted(study: RecordedRun) -> Iterator[tuple[str, str]]:
    """Yield the parameters of each method of a clustering or an embedding, as they were fitted."""
    called = {"clustering": clustering.called, "embedding": embedding.called}.get(study.kind)
    if called is None:
        return
    for name, given in study.info["facts"].get("parameters", {}).items():
        words = ", ".join(
            f"{key} {number(value) if isinstance(value, float) else value}"
            for key, value in given.items()
            if value is not None and key not in NO_SETTINGS
        )
        yield called(name), f"{words}."
