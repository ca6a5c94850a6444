"""What a run must come to: ``expect: {test.accuracy: ">= 0.95"}``, or the words ``test.accuracy>=0.95``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlexp.config.yamltext import leaves
from mlexp.errors import ConfigError, shortened

OPERATORS = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
SIGN = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(.*\S)\s*", re.DOTALL)
OF_WORDS = ("==", "!=")  # operators that a word may follow


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes
    ----------
    name : of a number, such as test.accuracy or seconds; of a comparison also verdict, p, difference ...
    sign : one of `OPERATORS`
    bound : what the value is held against: a number, or the word of a verdict
    """

    name: str
    sign: str
    bound: float | str

    def __str__(self) -> str:
        return (
            f"{self.name} {self.sign} {self.bound if isinstance(self.bound, str) else f'{self.bound:.12g}'}"
        )

    def holds(self, value: Any) -> bool:
        """Return whether a value fulfils the condition; what is None or not finite does not.

        Examples
        --------
        >>> one = of({"test.accuracy": ">= 0.95"})[0]
        >>> one.holds(0.96), one.holds(0.9), one.holds(None), str(one)
        (True, False, False, 'test.accuracy >= 0.95')
        """
        if isinstance(value, str) or isinstance(self.bound, str):
            return self.sign in OF_WORDS and bool(OPERATORS[self.sign](str(value), str(self.bound)))
        return value is not None and math.isfinite(value) and bool(OPERATORS[self.sign](value, self.bound))


def of(conditions: Mapping[str, Any]) -> list[Condition]:
    """Return the conditions of the key `expect`.

    Raises
    ------
    ConfigError
        A value is not an operator and a number; the message names it.
    """
    return [_condition(str(name), str(value)) for name, value in leaves(conditions) if value is not None]


def of_words(words: Iterable[str]) -> list[Condition]:
    """Return the conditions of words such as ``test.accuracy>=0.95`` or ``test.accuracy >= 0.95``."""
    found = []
    for word in words:
        name, sign, rest = re.match(r"([^<>=!]*)([<>=!]*)(.*)", word, re.DOTALL).groups()  # type: ignore[union-attr]
        found.append(_condition(name.strip(), f"{sign}{rest}"))
    return found


def _condition(name: str, text: str) -> Condition:
    match = SIGN.fullmatch(text)
    if match is None or not name:
        raise ConfigError(
            f"A condition is a name, one of {', '.join(OPERATORS)} and a value, such as test.accuracy >= 0.95. Got "
            f"'{shortened(f'{name} {text}'.strip())}'."
        )
    try:
        bound: float | str = float(match[2])
    except ValueError:
        bound = match[2]
    if (isinstance(bound, float) and math.isnan(bound)) or (
        isinstance(bound, str) and match[1] not in OF_WORDS
    ):
        raise ConfigError(
            f"expect: {name} {match[1]} must be followed by a number. Got '{shortened(match[2])}'."
        )
    return Condition(name, match[1], bound)


def problem(value: Mapping[str, Any]) -> str:
    """Return what is wrong with a value of the key `expect`, or nothing."""
    try:
        of(value)
    except ConfigError as error:
        return str(error)
    return ""
