"""What Hydra and OmegaConf complain of, in one line of our own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import hydra.errors

from mlexp.config.checks import cannot_be_removed
from mlexp.config.groups import offered
from mlexp.config.messages import SHOWN, context, unknown_key
from mlexp.config.names import GROUPS, LISTED
from mlexp.config.rules import key_of, listed, nearest
from mlexp.config.schema import declared
from mlexp.errors import ConfigError


def explain(error: Exception, overrides: Sequence[str] = (), config_dir: str | None = None) -> ConfigError:
    """Put an error of Hydra or OmegaConf into one line of ours; `overrides` is what the person typed."""
    cause, path = _named_key(error)
    if told := _of_a_word(str(error), overrides):
        return ConfigError(told)
    if missing := re.search(r"Interpolation key '([^']+)' not found", str(cause)):
        return ConfigError(_dangling(missing.group(1), path, overrides))
    if path in declared():
        return ConfigError(
            declared()[path].metadata["rule"].complaint(path, _offending(path, cause, overrides))
            + _in_file(error)
        )
    if isinstance(error, hydra.errors.MissingConfigException):
        return ConfigError(_missing_choice(str(error.missing_cfg_file or ""), config_dir))
    if isinstance(error, hydra.errors.OverrideParseException):
        key, _, value = str(error.override).partition("=")
        if key in declared() and listed(value) is not None:
            return ConfigError(declared()[key].metadata["rule"].complaint(key, _Verbatim(value)))
        return ConfigError(
            f"'{error.override}' cannot be read; write key=value, and odd signs in quotes within quotes: "
            "'dataset.path=\"my (1).csv\"'."
        )
    if there := re.search(r"Could not append to config. An item is already at '([^']+)'", str(error)):
        return ConfigError(f"{there.group(1)} is there already: type it without the +.")
    named = re.search(r"Could not override '([^']+)'", str(error))
    if named and "@task." in named.group(1):
        return ConfigError(
            f"A task file begins with the line '# @package _global_'.{_in_file(error)} Add it there."
        )
    own = path or str(named and named.group(1))
    if own.startswith("tune.space."):
        return ConfigError(
            f"{own} is a list in the task file, and a list cannot become a mapping in one step. Type two words: ~{own} "
            f"'+{own}={{low: ..., high: ...}}'."
        )
    if path or named:
        return ConfigError(unknown_key(own, context(overrides, config_dir)) + _in_file(error))
    return ConfigError(_of_values(str(error), overrides, config_dir) or first_line(str(error)))


def _of_values(said: str, overrides: Sequence[str], config_dir: str | None) -> str:
    """Say that a word names no choice of a group, or several values where one is meant; nothing for another error."""
    for word in overrides:
        group, _, _ = word.partition("=")
        if group in GROUPS and said.startswith("Config group override must be"):
            return f"{word} names no choice.{_choices(group, config_dir)}"
    if ambiguous := re.search(r"Ambiguous value for argument '([^']+)'", said):
        word = ambiguous.group(1)
        key, _, value = word.partition("=")
        rule = declared()[key].metadata["rule"] if key in declared() else None
        numbers, cure = listed(value), ""
        if rule is not None and numbers is not None and rule.accepts(numbers):
            cure = f" One list is typed {key}=[{value}]."
        elif rule is not None and rule.accepts(value) and "[" not in value:
            cure = f" Or put the text in quotes within quotes: '{key}=\"{value}\"'."
        return f"{word} names several values: use mlexp -m, or mlexp.sweep.{cure}"
    return ""


def _dangling(key: str, path: str, overrides: Sequence[str]) -> str:
    """Say that a reference leads nowhere, in the word that holds it or else in the key that does."""
    words = [word for word in overrides if f"${{{key}}}" in word]
    return f"{words[-1] if words else path}: the reference ${{{key}}} leads nowhere. {unknown_key(key)}"


def _named_key(error: BaseException) -> tuple[BaseException, str]:
    """Return the error of OmegaConf that names a key, and that key; Hydra wraps it with and without ``from``."""
    inner: BaseException | None = error
    while inner is not None:
        if path := getattr(inner, "full_key", None):
            return inner, str(path)
        inner = inner.__cause__ or inner.__context__
    return error, ""


class _Verbatim(str):
    """Text that shows itself as it was typed, without quotation marks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _in_file(error: BaseException) -> str:
    where = re.match(r"In '([^']+)'", str(error))
    return f" It stands in {where.group(1)}.yaml." if where else ""


def _offending(path: str, error: BaseException, overrides: Sequence[str]) -> Any:
    """Return what was given for `path`: as typed, or from a file as the error quotes it."""
    for word in reversed(overrides):
        name, equals, value = word.partition("=")
        if equals and name.lstrip("+") == path:
            return _Verbatim(value)
    quoted = re.search(r"[Vv]alue '(.*?)'", str(error))
    return _Verbatim(quoted.group(1) if quoted else "something else")


def _of_a_word(said: str, overrides: Sequence[str]) -> str | None:
    """Say what is wrong with a typed word of which Hydra tells neither the word nor a cure."""
    for word in overrides:
        key = key_of(word)
        if not key:
            return f"'{word}' names no key. Write key=value."
        if word == f"~{key}" and key in declared():
            return cannot_be_removed(key)
        if word.startswith("~") and f"Could not delete from config. '{key}'" in said:
            return unknown_key(key)
        if "INTERVAL_SWEEP" in said and "interval(" in word:
            return f"{word}: an interval names no values. Write them with commas, or search them with tune=random."
    return None


def _missing_choice(missing: str, config_dir: str | None) -> str:
    group, _, name = missing.partition("/")
    if group not in GROUPS:
        return f"There is no configuration file '{missing}'."
    near = nearest(name, offered(group, config_dir))
    return f"{group}={name} is not known.{near or _choices(group, config_dir)}"


def _choices(group: str, config_dir: str | None) -> str:
    """Return the choices of a group, or where they are listed if they are many."""
    known = offered(group, config_dir)
    if len(known) <= SHOWN:
        return f" Choices: {', '.join(known)}."
    return f" All {len(known)} choices: mlexp list {LISTED[group]}"


def first_line(text: str) -> str:
    """Return the first line of a message that says anything."""
    return next(
        (line.strip() for line in text.splitlines() if line.strip()), "The configuration cannot be read."
    )
