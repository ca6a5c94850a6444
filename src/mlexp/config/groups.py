"""The choices that configuration files offer: the names in each group, and what each file says of itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlexp.config.names import GROUPS
from mlexp.config.rules import key_of
from mlexp.config.schema import declared
from mlexp.errors import ConfigError

SUFFIXES = (".yaml", ".yml")
HEADER = 2000  # characters in which a file says of itself what it is
PLAIN = re.compile(r"[\w/\\+.$%*@?|: -]*", re.ASCII)  # what Hydra's grammar reads without quotes
QUOTE = re.compile(r"(^|[\[,])\s*['\"]")  # a value that stands in quotes already
WITHIN = re.compile(r"\[(\[|\s*\{|.*,\s*\{)")  # a list that holds a list, or a mapping
GRAMMAR = re.compile(
    r"\{.*\}|\w+\(.*\)|.*\$\{.*", re.ASCII
)  # a mapping, a sweep such as range(0,3), a reference
ANY_TEXT = "é ("
OF_SETTINGS = (
    "comparison.arms",
    "comparison.grid",
    "comparison.datasets",
    "tune.space",
    "sweep.list",
)  # keys that hold other keys


def offered(group: str, config_dir: str | None = None) -> dict[str, str]:
    """Return the choices of a group with what their YAML files say of themselves."""
    return {file.stem: _header(file) for file in files(group, config_dir)}


def files(group: str, config_dir: str | None = None) -> list[Path]:
    """Return the files of a group, ours and then the user's own."""
    folders = [Path(__file__).parents[1] / "conf" / group]
    if config_dir:
        folders.append(own_folder(config_dir) / group)
    return [
        file
        for folder in folders
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix in SUFFIXES and file.is_file()
    ]


def file_in(folder: Path, path: str) -> Path | None:
    """Return the file of a path without its suffix, or None where there is none."""
    found = [file for suffix in SUFFIXES if (file := folder / f"{path}{suffix}").is_file()]
    return found[0] if found else None


def spelt(words: Sequence[str], config_dir: str | None = None) -> list[str]:
    """Return typed settings with the names in them as files and closed lists spell them, whatever their case.

    Examples
    --------
    >>> spelt(["dataset=MNIST,Digits", "model.activation=[ReLU,Sigmoid]", "dataset.label=Species"])
    ['dataset=mnist,digits', 'model.activation=[relu,sigmoid]', 'dataset.label=Species']
    """
    return [_spelt(word, config_dir) for word in words]


def _spelt(word: str, config_dir: str | None) -> str:
    word = quoted(word)
    key, (start, equals, value) = key_of(word), word.partition("=")
    if "{" in value or QUOTE.search(
        value
    ):  # a mapping or a reference: what it holds is read when the configuration is whole
        return word
    return start + equals + re.sub(r"[\w.-]+", lambda name: str(named(key, name[0], config_dir)), value)


def quoted(word: str) -> str:
    """Return a typed setting with the quotes that Hydra's grammar wants around a text such as ``my (é).csv``.

    Only keys that take any text, or a list of such, and only values that the grammar does not read as they stand.

    Examples
    --------
    >>> quoted("dataset.path=my (1).csv"), quoted("dataset.ignore=[größe,b]"), quoted("seed=(1")
    ("dataset.path='my (1).csv'", "dataset.ignore=['größe',b]", 'seed=(1')
    """
    key, (start, _, value) = key_of(word), word.partition("=")
    if key not in declared() or not value or QUOTE.search(value) or GRAMMAR.fullmatch(value):
        return word
    rule = declared()[key].metadata["rule"]
    if WITHIN.match(value):  # lists and mappings in a list are read as they stand
        return word
    if value[0] + value[-1] == "[]":
        inside = ",".join(map(_in_quotes, value[1:-1].split(",")))
        return f"{start}={inside.join('[]')}" if rule.accepts([ANY_TEXT]) else word
    if not rule.accepts(ANY_TEXT):
        return word
    pieces = [rule.spelt(piece) if rule.home else piece for piece in value.split(",")]
    return f"{start}={','.join(map(_in_quotes, pieces))}"


def _in_quotes(text: str) -> str:
    if PLAIN.fullmatch(text):
        return text
    return "'" + re.sub(r"(\\*)('|$)", lambda end: 2 * end[1] + end[2].replace("'", "\\'"), text) + "'"


def named(key: str, value: Any, config_dir: str | None = None) -> Any:
    """Return the value of a key with the names in it as files and closed lists spell them."""
    if key in declared():
        return (
            _of_settings(value, "") if key in OF_SETTINGS else declared()[key].metadata["rule"].spelt(value)
        )
    if key not in GROUPS or not isinstance(value, str):
        return [named(key, item, config_dir) for item in value] if isinstance(value, list) else value
    names = {file.stem for file in files(key, config_dir)}
    alike = [name for name in names if name.casefold() == value.casefold()]
    return alike[0] if len(alike) == 1 and value not in names else value


def _of_settings(value: Any, key: str) -> Any:
    """Return a mapping of keys to values, a part of one, or a list of them, spelt as `named` spells."""
    if key == "model.params":  # those names are scikit-learn's
        return value
    if isinstance(value, Mapping):
        return {name: _of_settings(inner, _joined(key, str(name))) for name, inner in value.items()}
    if isinstance(value, list) and not key:
        return [_of_settings(item, key) for item in value]
    return named(key, value)


def _joined(key: str, name: str) -> str:
    """Return the key that `name` means within `key`: an arm has a name of its own, a range has words.

    Examples
    --------
    >>> _joined("model", "activation"), _joined("model.activation", "values"), _joined("", "my arm")
    ('model.activation', 'model.activation', '')
    """
    known = {*GROUPS, *declared(), *(path.rpartition(".")[0] for path in declared())}
    within = [path for path in (f"{key}.{name}", name) if path in known]
    return within[0] if within else key if name == "values" else ""


def shadowed(config_dir: str) -> list[str]:
    """Return the files of `config_dir` that Hydra would silently ignore, for ours have the same name."""
    ours = Path(__file__).parents[1] / "conf"
    theirs = own_folder(config_dir)
    paths = [str(file.relative_to(ours).with_suffix("")) for file in ours.glob("*/*.yaml")]
    hidden = [file for path in paths if (file := file_in(theirs, path))]
    return sorted(str(file.relative_to(theirs)) for file in hidden)


def own_folder(config_dir: str) -> Path:
    """Return the folder of the user's own files; raises `ConfigError` where it is none, which Hydra only warns of."""
    if not os.path.isdir(config_dir):  # False for what can be no path at all
        raise ConfigError(
            f"config-dir must be a folder with task/ or dataset/ inside. Got {config_dir}: make it, or leave it out."
        )
    return Path(config_dir)


def _header(file: Path) -> str:
    with open(file, encoding="utf-8-sig", errors="replace") as opened:
        text = opened.read(HEADER)
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        words = line.lstrip("# ").strip()
        if words and not words.startswith("@package"):
            return words
    return ""
