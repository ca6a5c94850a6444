"""Data that are passed from Python: which task they suit, and the copy that is kept of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlexp.api.settings import full_key, is_setting, unquoted
from mlexp.config.overrides import as_settings, parsed
from mlexp.config.schema import Config
from mlexp.data.memory import MANY, Memory, taken
from mlexp.data.roles import NO_LABEL
from mlexp.errors import ConfigError
from mlexp.store import files

FOLDER = ".data"  # within outputs: copies named by their content, each there once


def is_data(one: Any) -> bool:
    """Return whether an argument is meant as samples: a data frame, an array, a list of rows."""
    if isinstance(one, list | tuple):
        return len(one) > 0 and not isinstance(one[0], str)
    return any(hasattr(one, name) for name in ("columns", "__array__", "toarray", "collect"))


def apart(arguments: Sequence[Any], more: Mapping[str, Any]) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Return the data among the arguments of a call, ``[X, y]`` or none, its settings, and its other keywords."""
    rest, keywords = list(arguments), dict(more)
    data: list[Any] = []
    if rest and is_data(rest[0]):
        data = [rest.pop(0), None]
        if rest and (not is_setting(rest[0]) or rest[0] in getattr(data[0], "columns", ())):
            data[1] = rest.pop(0)
    elif is_data(keywords.get("X")):
        data = [keywords.pop("X"), None]
    if data and "y" in keywords:
        data[1] = keywords.pop("y")
    return data, rest, keywords


class Given:
    """Samples that a call was given, with the settings that name their copy.

    Parameters
    ----------
    data : X and y
    feature_names : names of the columns of an array
    test : a test set of its own, ``(X, y)`` or a data frame; else no test set
    typed : settings of the call
    """

    def __init__(
        self, data: Sequence[Any], feature_names: Sequence[str] | None, test: Any, typed: Sequence[str]
    ) -> None:
        X, y = data
        self.main = taken(X, y, feature_names)
        self.test: Memory | None = None
        if test is not None:
            self.test = _test(test, y, self.main, feature_names)
        self.typed = {one.key: one.value or "" for one in parsed(typed)}

    def settings(self) -> list[str]:
        """Return the settings that describe the samples, without the place of their copy."""
        main = self.main
        words: dict[str, Any] = {} if "task" in self.typed else {"task": self._task()}
        words |= {"dataset": "csv" if main.text else "npz", "dataset.reader": "memory"}
        words |= {"dataset.label": NO_LABEL if main.label is None else main.label}
        words |= {} if "dataset.name" in self.typed else {"dataset.name": "memory"}
        if main.image_shape and "dataset.image_shape" not in self.typed:
            words["dataset.image_shape"] = list(main.image_shape)
        return [one.text for one in as_settings(words)]

    def _task(self) -> str:
        """Return the task that the labels suit; refuse to guess between classes and numbers."""
        if self.typed.get("dataset.target") == "numbers" or self.main.numeric:
            return "regress"
        if self.main.label is None:
            raise ConfigError(
                "y is missing. Pass the labels, or name a task that needs none: task='cluster' or 'embed'."
            )
        if self.main.n_labels > MANY:
            raise ConfigError(
                f"y holds {self.main.n_labels:,} different whole numbers, which may be classes or quantities. Say "
                "which: task='classify' or task='regress'."
            )
        return "classify"

    def kept(self) -> list[str]:
        """Keep copies of the samples, each once, and return the settings that name them."""
        folder = Path(unquoted(self.typed.get("outputs", Config().outputs))).expanduser() / FOLDER
        return [one.text for one in as_settings(self._written(folder))]

    @contextmanager
    def lent(self, config: Config) -> Iterator[Config]:
        """Give a configuration copies of the samples that are removed when the context ends."""
        with tempfile.TemporaryDirectory() as place:
            paths: dict[str, Any] = {
                key.partition(".")[2]: path for key, path in self._written(Path(place)).items()
            }
            yield replace(config, dataset=replace(config.dataset, **paths))

    def _written(self, folder: Path) -> dict[str, str]:
        found = {"dataset.path": self.main} | ({"dataset.test_path": self.test} if self.test else {})
        return {key: str(_write(one, folder)) for key, one in found.items()}


def _write(memory: Memory, folder: Path) -> Path:
    path = folder / f"{memory.code}{memory.suffix}"
    if not path.exists():
        if memory.text:
            files.write_bytes(path, memory.text)
        else:
            files.write_npz(path, memory.arrays, compress=False)
    return path


def _test(test: Any, y: Any, main: Memory, feature_names: Sequence[str] | None) -> Memory:
    X, labels = (
        test if isinstance(test, tuple) and len(test) == 2 else (test, y if isinstance(y, str) else None)
    )
    made = taken(
        X, labels, None if hasattr(X, "columns") else feature_names, what="the test set", label=main.label
    )
    if bool(made.text) != bool(main.text) or made.label != main.label:
        raise ConfigError(
            "test must be a share such as 0.2, or (X_test, y_test) of the kind of X and y. Got "
            f"{'a data frame' if made.text else 'an array'} {'without' if made.label is None else 'with'} labels."
        )
    if made.image_shape != main.image_shape:
        raise ConfigError(
            f"The test set must have images of shape {main.image_shape}. Got {made.image_shape}."
        )
    return made


def own_test(keywords: dict[str, Any]) -> Any:
    """Take a test set of its own out of the keywords of a call; ``test=0.2`` is a setting and stays."""
    names = [name for name in keywords if full_key(name) == "split.test" and is_data(keywords[name])]
    return keywords.pop(names[0]) if names else None
