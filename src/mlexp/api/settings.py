"""Settings as Python passes them: words as on the command line, and keywords."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from mlexp.config.groups import offered
from mlexp.config.names import GROUPS, TESTS
from mlexp.config.overrides import as_settings, as_word
from mlexp.config.schema import Config, declared
from mlexp.config.yamltext import leaves
from mlexp.errors import ConfigError, shortened
from mlexp.kinds.comparison.settings import Comparison

NODES = ("model", "split", "prepare", "dataset")  # whose keys need no prefix as keywords
SHORT = {"name": "dataset.name"}  # else the first of `NODES` that has the key


def is_setting(word: Any) -> bool:
    """Return whether an argument is a setting as typed, such as ``seed=1`` or ``~model.l2``."""
    return isinstance(word, str) and ("=" in word or word.startswith("~"))


def checked(settings: Sequence[Any]) -> list[str]:
    """Return positional arguments that are settings; refuse anything else."""
    for word in settings:
        if not is_setting(word):
            raise ConfigError(
                "Settings are words such as 'model.l2=0.1', or keywords such as seed=1 (a list of words is passed as "
                f"*words, a mapping as **settings). Got {shortened(repr(word))}."
            )
    return list(settings)


def full_key(keyword: str) -> str:
    """Return the key that a keyword means.

    Examples
    --------
    >>> full_key("hidden"), full_key("test"), full_key("one_hot"), full_key("seed"), full_key("model.l2")
    ('model.hidden', 'split.test', 'prepare.one_hot', 'seed', 'model.l2')
    """
    known = {field.name for field in fields(Config)} | {*GROUPS}
    if "." in keyword or keyword in known:
        return keyword
    found = (path for node in NODES if (path := f"{node}.{keyword}") in declared())
    return SHORT.get(keyword) or next(found, keyword)


def of_comparison(keyword: str, value: Any) -> str:
    """Return the key that a keyword of a comparison means: ``test="welch"`` is the test, ``test=0.2`` the test set."""
    if keyword == "test" and value != "auto" and value not in TESTS:
        return full_key(keyword)
    own = {field.name for field in fields(Comparison)}
    return f"comparison.{keyword}" if keyword in own else full_key(keyword)


def flattened(values: Mapping[str, Any], config_dir: str | None = None) -> dict[str, Any]:
    """Return keywords, nested or dotted, as full keys and values; ``model={"name": "svm"}`` chooses a model."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        for key, inner in leaves({full_key(name): value}, declared()):
            if key in found:
                raise ConfigError(f"{key} is given twice ('{name}' means it, too). Leave one out.")
            found[key] = inner
    if (chosen := found.get("model.name")) in offered("model", config_dir):
        del found["model.name"]
        found = {"model": chosen, **found}
    return {key: plain(value, key) for key, value in found.items()}


def typed(values: Mapping[str, Any], config_dir: str | None = None) -> list[str]:
    """Return keywords as they would be typed."""
    return [one.text for one in as_settings(flattened(values, config_dir))]


def several(values: Mapping[str, Any], config_dir: str | None = None) -> Iterator[str]:
    """Yield keywords as a sweep types them: a list means several values."""
    for key, value in flattened(values, config_dir).items():
        yield f"{key}={','.join(map(as_word, value if isinstance(value, list) else [value]))}"


def plain(value: Any, key: str) -> Any:
    """Return a value in the types that a setting has: text for a path, lists, Python's numbers for NumPy's.

    Raises
    ------
    ConfigError
        The value of `key` is, or holds, something that no file of settings can say, such as a function or an estimator.
    """
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist") and not isinstance(value, type):
        value = value.tolist()
    if isinstance(value, list | tuple | range):
        return [plain(one, key) for one in value]
    if isinstance(value, Mapping):
        return {name: plain(one, key) for name, one in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    named = " Models go by name: model='random_forest', params={...}; all: mlexp list models."
    raise ConfigError(
        f"{key} must be text, a number, true or false, None, or a list or mapping of these, for it is recorded. Got "
        f"{shortened(repr(value))}.{named if hasattr(value, 'fit') or key == 'model.name' else ''}"
    )


def unquoted(value: str) -> str:
    r"""Return the text of a typed value that may stand in quotes.

    Examples
    --------
    >>> unquoted("outputs"), unquoted(as_word("it's")), unquoted(as_word(r"C:\my runs"))
    ('outputs', "it's", 'C:\\my runs')
    """
    if len(value) < 2 or value[0] != value[-1] or value[0] not in "'\"":
        return value
    return re.sub(r"(\\*)('|$)", lambda end: end[1][: len(end[1]) // 2] + end[2], value[1:-1])


def command(words: Sequence[str], config_dir: str | None, *flags: str) -> list[str]:
    """Return what would have to be typed for the same, for the record."""
    return ["mlexp", *flags, *(["--config-dir", config_dir] if config_dir else []), *words]
