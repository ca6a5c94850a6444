"""Plugins: metrics, figures, data readers, activations and kinds of study from a package of the user's own.

A package names its `Plugin` as an entry point of the group ``mlexp.plugins``::

    [project.entry-points."mlexp.plugins"]
    example = "mlexp_example:PLUGIN"

It is loaded where a person names it: ``mlexp --plugin example ...``, or ``MLEXP_PLUGINS=example`` in the environment,
which worker processes inherit. No file names one: neither a configuration nor data nor a run folder. To load a plugin
is to run its code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlexp.config import names
from mlexp.config.plugged import FLAG, GROUP, LOADED, TRUSTED, installed, trusted
from mlexp.config.readers import READERS, Reader
from mlexp.errors import ConfigError, did_you_mean, shortened
from mlexp.kinds import KINDS, MORE_FIGURES, Kind

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from mlexp.drawing.figure import Drawing
    from mlexp.metrics.table import Metric


@dataclass(frozen=True)
class Plugin:
    """What a package adds; each piece is made as CONTRIBUTING.md says of a built-in one.

    Attributes
    ----------
    metrics : rows of the table of metrics; `kinds` of a row names the studies that record it
    figures : kind of study -> name -> figure, drawn from the run folder alone
    readers : name, as dataset.reader takes it -> row, whose `module` is the dotted name of the module that reads
    activations : name, as model.activation takes it -> function of X to the output and its backward
    kinds : rows of kinds of study, each with its `package`
    """

    metrics: Sequence[Metric] = ()
    figures: Mapping[str, Mapping[str, Drawing]] = field(default_factory=dict)
    readers: Mapping[str, Reader] = field(default_factory=dict)
    activations: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    kinds: Sequence[Kind] = ()


def words() -> list[str]:
    """Return the words that load what is loaded, for a command line that repeats this one."""
    return [word for name in LOADED for word in (FLAG, name)]


def load(wanted: Iterable[str] = ()) -> None:
    """Load the plugins that the environment names, and `wanted`; those that are loaded stay as they are.

    Worker processes load the same: the environment of this process names them from then on.

    Raises
    ------
    ConfigError
        No such plugin is installed, it cannot be imported, it is no `Plugin`, or it has a name that is taken.
    """
    new = [name for name in dict.fromkeys([*trusted(), *wanted]) if name not in LOADED]
    if not new:
        return
    known = installed()
    for name in new:
        point = _found(name, known)
        _register(name, _imported(name, point))
        distribution = point.dist
        LOADED[name] = (distribution.name, distribution.version) if distribution else (point.value, "")
    os.environ[TRUSTED] = ",".join(LOADED)


def _found(name: str, installed: Mapping[str, Sequence[EntryPoint]]) -> EntryPoint:
    if name not in installed:
        known = f"Installed: {', '.join(sorted(installed))}." if installed else "None is installed."
        raise ConfigError(
            f"No plugin '{shortened(name)}' is installed (entry points of {GROUP}). {known}"
            f"{did_you_mean(name, installed)} Install its package into the environment of mlexp."
        )
    packages = sorted({point.dist.name for point in installed[name] if point.dist})
    if len(packages) > 1:
        raise ConfigError(
            f"Plugin '{name}' is in several packages: {', '.join(packages)}. Uninstall all but one of them."
        )
    return installed[name][0]


def _imported(name: str, point: EntryPoint) -> Plugin:
    try:
        found = point.load()
    except (Exception, SystemExit) as error:  # whatever its module does when it is imported
        said = shortened(f"{type(error).__name__}: {error}")
        raise ConfigError(f"Plugin '{name}' ({point.value}) cannot be imported ({said}).") from error
    if not isinstance(found, Plugin):
        raise ConfigError(
            f"Plugin '{name}': {point.value} must be an mlexp.plugins.Plugin. Got {type(found).__name__}."
        )
    return found


def _register(name: str, plugin: Plugin) -> None:
    """Add the rows of a plugin to the tables; none of them where one cannot be added."""
    added: list[tuple[Any, str]] = []
    try:
        for what, table, key, row in _rows(plugin):
            if key in table:
                raise ConfigError(
                    f"Plugin '{name}' adds the {what} '{shortened(key)}', and there is one of that name. Rename it in "
                    "the plugin."
                )
            table[key] = row
            added.append((table, key))
        for kind, figures in plugin.figures.items():  # last: to know those of a kind is to import them
            _check_figures(name, kind, figures)
        for kind, figures in plugin.figures.items():
            MORE_FIGURES.setdefault(kind, {}).update(figures)
    except ConfigError:
        for table, key in added:
            del table[key]
        raise


def _rows(plugin: Plugin) -> Iterator[tuple[str, Any, str, Any]]:
    """Yield what each piece is, the table that it belongs in, its name and its row."""
    yield from (("kind", KINDS, kind.name, kind) for kind in plugin.kinds)
    yield from (("reader", READERS, name, row) for name, row in plugin.readers.items())
    if plugin.activations:
        from mlexp.nn.activations import ACTIVATIONS

        yield from (("activation", ACTIVATIONS, name, row) for name, row in plugin.activations.items())
        yield from (("activation", names.ALL_ACTIVATIONS, name, None) for name in plugin.activations)
    if plugin.metrics:
        from mlexp.metrics.table import METRICS

        yield from (("metric", METRICS, row.name, row) for row in plugin.metrics)


def _check_figures(name: str, kind: str, figures: Mapping[str, Drawing]) -> None:
    from mlexp.report.run import figures as known

    if kind not in KINDS:
        raise ConfigError(
            f"Plugin '{name}' adds figures to the kind '{shortened(kind)}', which there is not. Kinds: "
            f"{', '.join(KINDS)}."
        )
    if taken := sorted(set(figures) & set(known(kind))):
        raise ConfigError(
            f"Plugin '{name}' adds the figure '{shortened(taken[0])}' to the kind {kind}, and there is one of that "
            "name. Rename it in the plugin."
        )
