"""Rules for single values: what a key accepts, and how to describe it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlexp.config.habits import VALUES
from mlexp.errors import did_you_mean, plain, shortened

LARGEST = 2**63 - 1  # a larger number is no count, seed or size, and NumPy has no type for it
TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Rule:
    """A test of one value, a description of what it accepts, and the choices if it is a closed list.

    `schema`: the same for editors, as JSON Schema writes it; it may accept more than `accepts` does, and no less.
    `lower`: every accepted word is in lower case, though there is no list of them; `home`: a leading ``~`` stands for
    the home folder; `reason`: which part of a refused value is wrong, and why.
    """

    allowed: str
    accepts: Callable[[Any], bool]
    choices: tuple[str, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)
    lower: bool = False
    home: bool = False
    reason: Callable[[Any], str] = lambda value: ""

    def spelt(self, value: Any) -> Any:
        """Return `value` with its words as the list spells them: upper and lower case are the same here.

        Examples
        --------
        >>> choice("relu", "tanh").spelt(["ReLU", "TANH", "Rellu"])
        ['relu', 'tanh', 'Rellu']
        """
        if isinstance(value, list):
            return [self.spelt(item) for item in value]
        if not isinstance(value, str) or value in self.choices:
            return value
        if self.lower:
            return value.lower()
        if self.home:
            return os.path.expanduser(value)
        return next((name for name in self.choices if name.casefold() == value.casefold()), value)

    def complaint(self, key: str, value: Any) -> str:
        """Return a one-line message that `value` does not fit `key`, with the closest choice if there is one."""
        near = nearest(str(value), self.choices) if isinstance(value, str) else ""
        if self.allowed.startswith("null") and str(value).lower() in ("none", "nil", "false", "off"):
            near = f" Type {key}=null."
        elif not near and (numbers := listed(value)) is not None and self.accepts(numbers):
            near = f" Type {key}=[{','.join(map(str, numbers))}]."
        elif value in self.choices and self.accepts([value]):
            near = f" Type {key}=[{value}]."
        why = f" {self.reason(value)}".rstrip()
        return f"{key} must be {self.allowed}. Got {as_typed(value)}.{why}{near}"


def listed(value: Any) -> list[int] | None:
    """Return whole numbers that were meant as a list: 64, or text such as 64-32 or (64, 32)."""
    if is_whole(value):
        return [value]
    found = re.findall(r"\d+", str(value)[:100])
    return [int(word) for word in found] if found and re.fullmatch(r"[\d\s,()x-]+", str(value)) else None


def nearest(value: str, known: Collection[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest word, or for what other tools call `value`; or nothing.

    Examples
    --------
    >>> nearest("logistic", ["relu", "sigmoid"]), nearest("RandomForestClassifier", ["random_forest"])
    (" Did you mean 'sigmoid'?", " Did you mean 'random_forest'?")
    """
    return did_you_mean(meant if (meant := here(value)) in known else value, known)


def here(value: str) -> str:
    """Return what a value of another tool is here, and any other as it is.

    Examples
    --------
    >>> here("MinMaxScaler"), here("swish"), here("mine")
    ('minmax', 'silu', 'mine')
    """
    word = plain(value)
    return VALUES.get(word, VALUES.get(word.replace("_", ""), value))


def as_typed(value: Any) -> str:
    """Return a value as YAML would write it: null, true, false, everything else as Python shows it.

    Examples
    --------
    >>> as_typed(None), as_typed(True), as_typed("fast"), as_typed([1, 2])
    ('null', 'true', "'fast'", '[1, 2]')
    """
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else shortened(repr(value))


def is_number(value: Any) -> bool:
    """Return whether `value` is a finite float or an int that can be recorded (True and False are not numbers)."""
    return math.isfinite(value) if isinstance(value, float) else is_whole(value)


def is_whole(value: Any) -> bool:
    """Return whether `value` is an int that can be recorded (True and False are not)."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def number(
    low: float = -math.inf, high: float = math.inf, *, open_low: bool = False, open_high: bool = False
) -> Rule:
    """Accept finite numbers between `low` and `high`; an open end is excluded."""

    def accepts(value: Any) -> bool:
        if not is_number(value):
            return False
        above = value > low if open_low else value >= low
        return bool(above and (value < high if open_high else value <= high))

    ends = {
        "exclusiveMinimum" if open_low else "minimum": low,
        "exclusiveMaximum" if open_high else "maximum": high,
    }
    schema = {"type": "number"} | {name: end for name, end in ends.items() if math.isfinite(end)}
    if math.isinf(low) and math.isinf(high):
        return Rule("a number", accepts, schema=schema)
    if math.isinf(high):
        return Rule(f"a number {'above' if open_low else 'of at least'} {low:g}", accepts, schema=schema)
    left, right = "(" if open_low else "[", ")" if open_high else "]"
    return Rule(f"a number in {left}{low:g}, {high:g}{right}", accepts, schema=schema)


def whole(low: int, high: int = LARGEST) -> Rule:
    """Accept whole numbers from `low` to `high`, by default all that can be recorded."""
    bounded = high < LARGEST
    return Rule(
        f"a whole number from {low:,} to {high:,}" if bounded else f"a whole number of at least {low}",
        lambda value: is_whole(value) and low <= value <= high,
        schema={"type": "integer", "minimum": low} | ({"maximum": high} if bounded else {}),
    )


def check_size(value: Any) -> None:
    """Refuse a whole number that could not be recorded, also in the lists and mappings of a value.

    Raises
    ------
    ValueError
        It is beyond `LARGEST`.

    Examples
    --------
    >>> check_size({"hidden": [64, 10**30]})
    Traceback (most recent call last):
    ValueError: whole numbers go up to 9,223,372,036,854,775,807
    """
    for one in (
        value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    ):
        check_size(one)
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError(f"whole numbers go up to {LARGEST:,}")


def choice(*names: str) -> Rule:
    """Accept one of the given words."""
    allowed = names[0] if len(names) == 1 else f"one of {', '.join(names)}"
    # In a file, upper and lower case are the same: an editor offers the names, and takes other spellings.
    spelled = {"type": "string", "pattern": f"^(?:{'|'.join(map(_any_case, names))})$"}
    schema = {"anyOf": [{"enum": list(names)}, spelled]}
    return Rule(allowed, lambda value: isinstance(value, str) and value in names, names, schema)


def _any_case(name: str) -> str:
    return "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else re.escape(c) for c in name)


def choice_of(table: Mapping[str, Any], serves: Callable[[Any], bool] = lambda row: True) -> Rule:
    """Accept the keys of a table that may still gain rows, such as the kinds of study; `serves` selects rows."""
    names = tuple(name for name, row in table.items() if serves(row))
    return replace(
        choice(*names),
        accepts=lambda value: isinstance(value, str) and value in table and serves(table[value]),
    )


def boolean() -> Rule:
    """Accept true and false."""
    return Rule("true or false", lambda value: isinstance(value, bool), schema={"type": "boolean"})


def text() -> Rule:
    """Accept non-empty text."""
    return Rule("text", lambda value: isinstance(value, str) and value != "", schema=TEXT)


def text_like(*names: str) -> Rule:
    """Accept non-empty text; `names` are recognised in upper case too."""
    return replace(text(), choices=names, schema={"anyOf": [{"enum": list(names)}, TEXT]})


def lower_text() -> Rule:
    """Accept non-empty text and convert it to lower case."""
    return replace(text(), lower=True)


def character() -> Rule:
    """Accept one character that can delimit or quote cells."""
    return Rule(
        "one character",
        lambda value: (
            isinstance(value, str) and len(value) == 1 and not value.isalnum() and value not in "\r\n.+-\0"
        ),
        schema={"type": "string", "minLength": 1, "maxLength": 1},
    )


def codec() -> Rule:
    """Accept the name of a text encoding that Python knows."""

    def accepts(value: Any) -> bool:
        try:
            return isinstance(value, str) and bool("".encode(value) is not None)
        except (LookupError, ValueError, UnicodeError):
            return False

    return Rule("an encoding such as utf-8, latin-1 or cp1252", accepts, schema=TEXT)


def path_text() -> Rule:
    """Accept the path of a file or folder."""
    return replace(text(), home=True)


def optional(rule: Rule) -> Rule:
    """Accept null as well as what `rule` accepts."""
    return replace(
        rule,
        allowed=f"null or {rule.allowed}",
        accepts=lambda value: value is None or rule.accepts(value),
        schema=_any_of({"type": "null"}, rule.schema),
    )


def either(*rules: Rule) -> Rule:
    """Accept what at least one of `rules` accepts."""
    choices = tuple(name for rule in rules for name in rule.choices)
    return Rule(
        " or ".join(rule.allowed for rule in rules),
        lambda value: any(rule.accepts(value) for rule in rules),
        choices,
        _any_of(*(rule.schema for rule in rules)),
    )


def _any_of(*schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Join alternatives; those that are alternatives themselves are taken apart."""
    return {"anyOf": [one for schema in schemas for one in schema.get("anyOf", [schema])]}


def list_of(rule: Rule, *, what: str) -> Rule:
    """Accept a list, possibly empty, in which every item passes `rule`; `what` names it in words."""

    def accepts(value: Any) -> bool:
        return (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and all(rule.accepts(item) for item in value)
        )

    return Rule(what, accepts, rule.choices, {"type": "array", "items": dict(rule.schema)})


def mapping() -> Rule:
    """Accept a mapping of names to values."""
    return Rule(
        "a mapping of names to values", lambda value: isinstance(value, dict), schema={"type": "object"}
    )


def conditions() -> Rule:
    """Accept a mapping of names to conditions, such as ``{test.accuracy: ">= 0.95"}``."""

    def reason(value: Any) -> str:
        from mlexp.config.conditions import problem

        return problem(value) if isinstance(value, dict) else ""

    condition = {"type": "string", "pattern": r"^\s*(>=|<=|==|!=|>|<)"}
    return Rule(
        'a mapping of names to conditions, such as {test.accuracy: ">= 0.95", seconds: "<= 60"}',
        lambda value: isinstance(value, dict) and not reason(value),
        reason=reason,
        schema={"type": "object", "additionalProperties": {"anyOf": [condition, {"type": "object"}]}},
    )


def line() -> Rule:
    """Accept text on a single line: it becomes one line of a script."""
    return Rule(
        "text on one line",
        lambda value: isinstance(value, str) and value != "" and value.isprintable(),
        schema=TEXT,
    )


def size_of_image() -> Rule:
    """Accept height and width of an image, with a third number 3 where each pixel has a colour; [] for none."""

    def accepts(value: Any) -> bool:
        return (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and len(value) in (0, 2, 3)
            and all(is_whole(side) and side >= 1 for side in value)
            and list(value[2:]) in ([], [3])
        )

    return Rule(
        "[height, width] or [height, width, 3], whole numbers from 1",
        accepts,
        schema={"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": 3},
    )


def options_of_sbatch() -> Rule:
    """Accept a mapping of names such as mail-user to single-line text, numbers, true or false."""

    def accepts(value: Any) -> bool:
        return isinstance(value, dict) and all(
            isinstance(name, str)
            and re.fullmatch(r"[a-z]+(-[a-z]+)*", name) is not None
            and (isinstance(one, bool) or is_number(one) or line().accepts(one))
            for name, one in value.items()
        )

    return Rule(
        "a mapping of options (lower-case letters and hyphens) to numbers or text on one line",
        accepts,
        schema={"type": "object"},
    )


def share_or_count() -> Rule:
    """Accept a share of the samples in (0, 1) or a whole number of samples, 0 for none."""
    share = number(0, 1, open_low=True, open_high=True)
    return Rule(
        "a share in (0, 1) or a whole number of samples from 0",
        lambda value: share.accepts(value) or (is_whole(value) and value >= 0),
        schema=_any_of(share.schema, whole(0).schema),
    )


def fold() -> Rule:
    """Accept one fold of a cross-validation, written k/K: 2/5 is the second of five."""

    def accepts(value: Any) -> bool:
        found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", value) if isinstance(value, str) else None
        return found is not None and int(found[1]) <= int(found[2]) > 1

    pattern = "^[1-9][0-9]*/[1-9][0-9]*$"
    return Rule(
        "a fold such as 2/5 (the second of five)", accepts, schema={"type": "string", "pattern": pattern}
    )


def key(default: Any, rule: Rule, meaning: str) -> Any:
    """Declare one key of the configuration: its default, what it accepts and what it means."""
    metadata = {"rule": rule, "meaning": meaning}
    if isinstance(default, list | dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)
