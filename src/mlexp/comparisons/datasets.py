"""The data sets of a benchmark before it runs: how each is chosen, and what is refused."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlexp.comparisons import tune_once
from mlexp.config import trust
from mlexp.config.groups import offered
from mlexp.config.messages import A_TABLE
from mlexp.config.names import GROUPS
from mlexp.config.overrides import Override, as_settings, parsed, spelt
from mlexp.config.schema import Config
from mlexp.config.yamltext import leaves
from mlexp.data.packed import PACKED
from mlexp.errors import ConfigError, did_you_mean
from mlexp.kinds.comparison.settings import Comparison

OWN = ("dataset", "split", "prepare")  # nodes that a data set may set for itself
PATHS = ("dataset.path", "dataset.test_path", "dataset.labels")
OPENML = "openml:"
Settings = dict[str, Any]  # key -> value, the choice of the data set under `dataset`


def datasets_of(node: Comparison, config_dir: str | None = None) -> dict[str, list[Override]]:
    """Return the settings that choose each data set of a comparison; none where it has the one of the task.

    Raises
    ------
    ConfigError
        If an entry names no data set, sets what is not its own, or two entries are the same.
    """
    entries = [_settings(entry, config_dir) for entry in node.datasets]
    names = _names(entries)
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ConfigError(f"comparison.datasets names {name} twice. Leave one of the two out.")
    return {name: as_settings(values) for name, values in zip(names, entries, strict=True)}


def _settings(entry: Any, config_dir: str | None) -> Settings:
    """Return one entry of the list as keys and values: a name, a file, ``openml:NUMBER``, or a mapping of settings."""
    if isinstance(entry, str):
        return _chosen(entry, config_dir)
    values = dict(leaves(entry))
    if not values:
        raise ConfigError(
            "comparison.datasets must name a data set in each entry, such as digits, a file, or "
            "{dataset: moons, dataset.noise: 0.3}. Got {}."
        )
    trust.check_set("comparison.datasets", as_settings(values), ("comparison", "task", "seed", "size"))
    for key in values:
        if key.partition(".")[0] not in OWN:
            raise ConfigError(
                f"comparison.datasets: {key} does not belong to a data set, which may set dataset, split and prepare. "
                "Set it in an arm, or type it for all."
            )
    values |= {key: os.path.expanduser(values[key]) for key in PATHS if isinstance(values.get(key), str)}
    chosen = values.pop("dataset", None)
    return (_chosen(str(chosen), config_dir) if chosen is not None else {}) | values


def _chosen(word: str, config_dir: str | None) -> Settings:
    known = offered("dataset", config_dir)
    name = spelt([f"dataset={word}"], config_dir)[0].value
    if name in known:
        return {"dataset": name}
    if word.startswith(OPENML):
        number = word.removeprefix(OPENML)
        if number.isdigit() and int(number):
            return {"dataset": "openml", "dataset.openml_id": int(number)}
        suite = (
            " The members of a suite are not looked up: name them one by one." if "suite" in number else ""
        )
        raise ConfigError(
            f"comparison.datasets: {word} must be openml:NUMBER, the number of a data set at OpenML.{suite}"
        )
    path = os.path.expanduser(word)
    if os.path.isdir(path):
        return {"dataset": "idx", "dataset.path": path}
    if A_TABLE.search(word):
        reader = "npz" if word.lower().endswith(".npz") else "csv"
        return {"dataset": reader, "dataset.path": path}
    raise ConfigError(
        f"comparison.datasets: '{word}' is not a data set.{did_you_mean(word, known)} Write one of {', '.join(known)}, "
        "a file such as my.csv, or openml:NUMBER."
    )


def _names(entries: Sequence[Settings]) -> list[str]:
    """Return what each data set is called: by its name or file, and by its settings where several share that."""
    short = [_name(values) for values in entries]
    return [
        name if name and short.count(name) == 1 else " ".join(filter(None, (name, _rest(values))))
        for name, values in zip(short, entries, strict=True)
    ]


def _name(values: Settings) -> str:
    if "dataset.openml_id" in values:
        return f"{OPENML}{values['dataset.openml_id']}"
    if (path := values.get("dataset.path")) is None:
        return str(values.get("dataset", ""))
    file = Path(str(path))
    return file.with_suffix("").stem if file.suffix in PACKED else file.stem


def _rest(values: Settings) -> str:
    return " ".join(
        f"{key.rpartition('.')[2].replace('_', ' ')} {value}"
        for key, value in values.items()
        if key not in ("dataset", "dataset.openml_id")
    )


def refuse_clashes(
    arguments: Sequence[str],
    datasets: Mapping[str, Sequence[Override]],
    arms: Mapping[str, Mapping[str, Any]],
) -> None:
    """Refuse a key that a data set sets and the command line or an arm sets too: one of them would win unseen."""
    others = {one.key: "the command line" for one in parsed(arguments)}
    for arm, values in arms.items():
        others |= {one.key: f"the arm '{arm}'" for one in as_settings(values)}
    for name, words in datasets.items():
        for key, (other, who) in itertools.product([one.key for one in words], others.items()):
            # a choice of a group says only where its keys begin; a node that is set whole holds all of them
            within = any(
                one.startswith(f"{whole}.") and whole not in GROUPS
                for one, whole in ((key, other), (other, key))
            )
            if key == other or within:
                raise ConfigError(
                    f"{other} is set by {who}, and the data set {name} of comparison.datasets sets {key} too. Leave "
                    "one of the two out."
                )


def refuse_unlike(configs: Mapping[str, Config], kind: str | None) -> None:
    """Refuse data sets of classes beside data sets of numbers, and those that the kind of study cannot use."""
    numbers = [name for name, config in configs.items() if config.dataset.target == "numbers"]
    classes = [name for name in configs if name not in numbers]
    if numbers and classes:
        raise ConfigError(
            f"comparison.datasets mixes numbers to predict ({', '.join(numbers)}) with classes ({', '.join(classes)}): "
            "their scores cannot be averaged. Make two comparisons."
        )
    wanted = {"classification": classes, "regression": numbers}.get(kind or "", list(configs))
    if strange := [name for name in configs if name not in wanted]:
        raise ConfigError(
            f"comparison.of={kind} does not suit the data set {strange[0]} of comparison.datasets. Leave comparison.of "
            "out, or set dataset.target of the data set."
        )


def refuse_unsuited(node: Comparison) -> None:
    """Refuse what a comparison cannot do on several data sets."""
    if node.draws > 1:
        raise ConfigError(
            "comparison.draws takes samples of one generator, and comparison.datasets names unlike data sets. Leave "
            "one of the two out."
        )
    if tune_once.how(node) == "once":
        raise ConfigError(
            "comparison.tune_arms=once chooses settings on one data set, and comparison.datasets names several. Set "
            "comparison.tune_arms=each, or leave one of the two out and set the hyperparameters in the arms."
        )
