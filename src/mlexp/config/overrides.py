"""Settings as they are typed: each word parsed once, its names spelt as in files and lists, its text quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlexp.config.groups import files
from mlexp.config.names import GROUPS
from mlexp.config.schema import declared
from mlexp.config.yamltext import leaves

PLAIN = re.compile(r"[\w/\\+.$%*@?|: -]*", re.ASCII)  # what Hydra's grammar reads without quotes
QUOTE = re.compile(r"(^|[\[,])\s*['\"]")  # a value that stands in quotes already
WITHIN = re.compile(r"\[(\[|\s*\{|.*,\s*\{)")  # a list that holds a list, or a mapping
GRAMMAR = re.compile(
    r"\{.*\}|\w+\(.*\)|.*\$\{.*", re.ASCII
)  # a mapping, a sweep such as range(0,3), a reference
NO_TEXT = (
    "null",
    "true",
    "false",
    "nan",
    "inf",
)  # words that the grammar reads as something else, in any case
ANY_TEXT = "é ("
OF_SETTINGS = (
    "comparison.arms",
    "comparison.grid",
    "comparison.datasets",
    "tune.space",
    "sweep.list",
)  # keys that hold other keys


@dataclass(frozen=True)
class Override:
    """One typed word.

    Attributes
    ----------
    key : what it sets
    value : what stands behind the first ``=``; None where there is none
    text : the whole word
    operation : what stands before the key: nothing, ``+``, ``++`` or ``~``
    """

    key: str
    value: str | None
    text: str
    operation: str = ""

    @classmethod
    def parse(cls, word: str) -> Override:
        """Return what a word says; any word is one, sound or not.

        Examples
        --------
        >>> Override.parse("+model.params.C=2")
        Override(key='model.params.C', value='2', text='+model.params.C=2', operation='+')
        >>> Override.parse("~seed").value is None
        True
        """
        start, equals, value = word.partition("=")
        key = start.lstrip("+~")
        return cls(key, value if equals else None, word, start[: len(start) - len(key)])

    def with_value(self, value: str) -> Override:
        """Return the same setting with another value."""
        return Override(self.key, value, f"{self.operation}{self.key}={value}", self.operation)


def parsed(words: Iterable[str | Override]) -> list[Override]:
    """Return typed words as settings; those that are already parsed stay as they are."""
    return [Override.parse(word) if isinstance(word, str) else word for word in words]


def spelt(words: Iterable[str | Override], config_dir: str | None = None) -> list[Override]:
    """Return typed settings with the names in them as files and closed lists spell them, whatever their case.

    Examples
    --------
    >>> typed = ["dataset=MNIST,Digits", "model.activation=[ReLU,Sigmoid]", "dataset.label=Species"]
    >>> [one.text for one in spelt(typed)]
    ['dataset=mnist,digits', 'model.activation=[relu,sigmoid]', 'dataset.label=Species']
    """
    return [_spelt(quoted(one), config_dir) for one in parsed(words)]


def _spelt(one: Override, config_dir: str | None) -> Override:
    # What a mapping or a reference holds is read when the configuration is whole.
    if one.value is None or "{" in one.value or QUOTE.search(one.value):
        return one
    return one.with_value(
        re.sub(r"[\w.-]+", lambda name: str(named(one.key, name[0], config_dir)), one.value)
    )


def quoted(one: Override) -> Override:
    """Return a typed setting with the quotes that Hydra's grammar wants around a text such as ``my (é).csv``.

    Only keys that take any text, or a list of such, and only values that the grammar does not read as they stand.

    Examples
    --------
    >>> words = ["dataset.path=my (1).csv", "dataset.ignore=[größe,b]", "seed=(1"]
    >>> [quoted(one).value for one in parsed(words)]
    ["'my (1).csv'", "['größe',b]", '(1']
    """
    value = one.value
    if one.key not in declared() or not value or QUOTE.search(value) or GRAMMAR.fullmatch(value):
        return one
    rule = declared()[one.key].metadata["rule"]
    if WITHIN.match(value):  # lists and mappings in a list are read as they stand
        return one
    if value[0] + value[-1] == "[]":
        inside = ",".join(map(_in_quotes, value[1:-1].split(",")))
        return one.with_value(f"[{inside}]") if rule.accepts([ANY_TEXT]) else one
    if not rule.accepts(ANY_TEXT):
        return one
    pieces = [rule.spelt(piece) if rule.home else piece for piece in value.split(",")]
    return one.with_value(",".join(map(_in_quotes, pieces)))


def _in_quotes(text: str) -> str:
    return text if PLAIN.fullmatch(text) else in_quotes(text)


def in_quotes(text: str) -> str:
    r"""Return a text between quotes, as Hydra's grammar has it: backslashes count where a quote follows.

    Examples
    --------
    >>> print(in_quotes("it's"), in_quotes(r"C:\my runs"))
    'it\'s' 'C:\my runs'
    """
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


def as_settings(values: Mapping[str, Any]) -> list[Override]:
    """Return settings as if typed; ``{model: {l2: 1}}`` and ``{model.l2: 1}`` are the same.

    Examples
    --------
    >>> values = {"model": {"l2": 1, "params": {"C": 2}}, "seed": 3, "dataset": "iris"}
    >>> [one.text for one in as_settings(values)]
    ['model.l2=1', 'model.params={C:2}', 'seed=3', 'dataset=iris']
    """
    return [Override.parse(f"{path}={as_word(value)}") for path, value in leaves(values, declared())]


def as_word(value: Any) -> str:
    """Return a value as it would be typed on the command line.

    Examples
    --------
    >>> as_word([64, 32]), as_word("relu"), as_word("two words"), as_word(None), as_word({"a": True})
    ('[64,32]', 'relu', "'two words'", 'null', '{a:true}')
    """
    if isinstance(value, list):
        return f"[{','.join(map(as_word, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{as_word(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z_][\w./-]*", value, re.ASCII)
        return value if plain and value.lower() not in NO_TEXT else in_quotes(value)
    return json.dumps(value)
