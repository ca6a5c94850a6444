"""Which plugins this process has loaded, and what a record says of them; `mlexp.plugins` loads them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlexp.errors import ConfigError, DataError, shortened

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = ".".join(("mlexp", "plugins"))  # of entry points; no import of the module of that name
FLAG = "--plugin"
TRUSTED = "MLEXP_PLUGINS"  # environment variable: names of plugins that its setter trusts, comma between them
LOADED: dict[str, tuple[str, str]] = {}  # name -> distribution and its version


def trusted() -> list[str]:
    """Return the plugins that the environment names."""
    return [name for word in os.environ.get(TRUSTED, "").split(",") if (name := word.strip())]


def asked(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the plugins that words of a command line name, and the other words.

    Raises
    ------
    ConfigError
        ``--plugin`` without a name.

    Examples
    --------
    >>> asked(["--plugin", "mine", "task=classify", "--plugin=a,b"])
    (['mine', 'a', 'b'], ['task=classify'])
    """
    found: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        flag, equals, value = word.partition("=")
        if flag != FLAG:
            rest.append(word)
            continue
        value = value if equals else next(words, "")
        if not value or value.startswith("-"):
            raise ConfigError(f"{FLAG} needs the name of a plugin after it. Got '{shortened(value)}'.")
        found += [name for one in value.split(",") if (name := one.strip())]
    return found, rest


def installed() -> dict[str, list[EntryPoint]]:
    """Return name -> entry points of the plugins that are installed, which imports none of them."""
    from importlib.metadata import entry_points

    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, []).append(point)
    return found


def recorded() -> dict[str, str]:
    """Return what a record says: plugin -> distribution and version; nothing where none is loaded."""
    return {name: " ".join(where) for name, where in LOADED.items()}


def refuse_without(path: object, plugins: Mapping[str, str]) -> None:
    """Refuse a folder that was made with plugins which this process has not loaded.

    Raises
    ------
    DataError
        The message names them, with their versions, and how to load them.
    """
    if missing := [name for name in plugins if name not in LOADED]:
        made = ", ".join(f"'{shortened(name)}' ({shortened(str(plugins[name]))})" for name in missing)
        raise DataError(
            f"{path} was made with the plugin {made}, which is not loaded: its kinds, metrics and figures are unknown "
            f"here. If you trust it, add --plugin {shortened(missing[0])}, or set {TRUSTED}={shortened(missing[0])}."
        )
