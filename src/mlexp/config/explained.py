"""What Hydra and OmegaConf complain of, in one line of our own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mlexp.config.groups import files, offered
from mlexp.config.messages import SHOWN, context, unknown_key
from mlexp.config.names import GROUPS, LISTED
from mlexp.config.overrides import Override
from mlexp.config.rules import listed, nearest
from mlexp.config.schema import declared
from mlexp.errors import ConfigError


def explain(
    error: Exception, overrides: Sequence[Override] = (), config_dir: str | None = None
) -> ConfigError:
    """Put an error of Hydra or OmegaConf into one line of ours; `overrides` is what the person typed."""
    cause, path = _named_key(error)
    if nameless := [one.text for one in overrides if not one.key]:
        return ConfigError(f"'{nameless[0]}' names no key. Write key=value.")
    if missing := re.search(r"Interpolation key '([^']+)' not found", str(cause)):
        return ConfigError(_dangling(missing.group(1), path, overrides))
    if path in declared():
        return ConfigError(
            declared()[path].metadata["rule"].complaint(path, _offending(path, cause, overrides))
            + _in_file(error)
        )
    if hasattr(error, "missing_cfg_file"):  # Hydra's MissingConfigException
        return ConfigError(_missing_choice(str(error.missing_cfg_file or ""), config_dir))
    if hasattr(error, "override"):  # Hydra's OverrideParseException
        one = Override.parse(str(error.override))
        if one.text == f"{one.key}={one.value}" and one.key in declared() and listed(one.value) is not None:
            return ConfigError(declared()[one.key].metadata["rule"].complaint(one.key, _Verbatim(one.value)))
        return ConfigError(
            f"'{one.text}' cannot be read; write key=value, and odd signs in quotes within quotes: "
            "'dataset.path=\"my (1).csv\"'."
        )
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
    return ConfigError(first_line(str(error)))


def no_choice(one: Override, config_dir: str | None) -> ConfigError:
    """Say that the value of a word is not the name of a file, which a number, a list or null is not."""
    return ConfigError(f"{one.text} names no choice.{_choices(one.key, config_dir)}")


def several_values(one: Override) -> ConfigError:
    """Say that a word names several values where one is meant."""
    value, cure = one.value or "", ""
    rule = declared()[one.key].metadata["rule"] if not one.operation and one.key in declared() else None
    numbers = listed(value)
    if rule is not None and numbers is not None and rule.accepts(numbers):
        cure = f" One list is typed {one.key}=[{value}]."
    elif rule is not None and rule.accepts(value) and "[" not in value:
        cure = f" Or put the text in quotes within quotes: '{one.key}=\"{value}\"'."
    return ConfigError(f"{one.text} names several values: use mlexp -m, or mlexp.sweep.{cure}")


def _dangling(key: str, path: str, overrides: Sequence[Override]) -> str:
    """Say that a reference leads nowhere, in the word that holds it or else in the key that does."""
    words = [one.text for one in overrides if f"${{{key}}}" in one.text]
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


def _offending(path: str, error: BaseException, overrides: Sequence[Override]) -> Any:
    """Return what was given for `path`: as typed, or from a file as the error quotes it."""
    for one in reversed(overrides):
        if one.value is not None and one.key == path and "~" not in one.operation:
            return _Verbatim(one.value)
    quoted = re.search(r"[Vv]alue '(.*?)'", str(error))
    return _Verbatim(quoted.group(1) if quoted else "something else")


def _missing_choice(missing: str, config_dir: str | None) -> str:
    group, _, name = missing.partition("/")
    if group not in GROUPS:
        return f"There is no configuration file '{missing}'."
    if config_dir is None and name in {file.stem for file in files(group, ".")}:
        return f"{group}={name} is not known. To use {group}/{name}.yaml of this folder, add: --config-dir ."
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
