"""Many configurations from one command line: the grid, the pairs and the lists of a sweep.

Hydra composes once for each choice of groups (task, data set, model, size). All other settings are laid over
a copy, with the function that Hydra itself uses for that: a thirtieth of the time of composing anew. Where two
jobs differ in nothing but the values of plain keys, the second one is made from the first: a tenth of that.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from mlexp.config import checks, trust
from mlexp.config import compose as configuration
from mlexp.config.explained import explain
from mlexp.config.messages import understood
from mlexp.config.ownfiles import search_path
from mlexp.config.rules import key_of
from mlexp.config.schema import Config, declared
from mlexp.config.yamltext import leaves
from mlexp.errors import ConfigError, did_you_mean

Axis = list[tuple[str, ...]]  # the values of one swept key, or of several that advance together

MOST_JOBS = 100_000
REMEMBERED = 100  # configurations from which others are made


@dataclass(frozen=True)
class Combination:
    """One job of a sweep: its configuration, and the value of each swept key as it was typed."""

    swept: dict[str, str]
    config: Config


def expand(arguments: Sequence[str], config_dir: str | None = None) -> list[Combination]:
    """Return the checked configuration of every job of ``mlexp -m *arguments``.

    Parameters
    ----------
    arguments : settings as typed; commas, ``range``, ``choice`` and ``glob`` name several values
    config_dir : folder of the user's own configuration files

    Raises
    ------
    ConfigError
        If one of the jobs is impossible; the message names it.
    """
    trust.check_input(arguments)
    arguments = understood(arguments, config_dir)
    with configuration.loaded() as hydra:
        composer = Composer(hydra.config_loader, config_dir)
        try:
            axes = _axes(arguments, composer, config_dir)
        except configuration.COMPOSITION_ERRORS as error:
            raise explain(error, arguments, config_dir) from error
        varied = {key_of(word): None for axis in axes if len(axis) > 1 for words in axis for word in words}
        if (n_jobs := math.prod(map(len, axes))) > MOST_JOBS:
            raise ConfigError(f"A sweep has at most {MOST_JOBS:,} jobs. Got {n_jobs:,}: take values out.")
        combined = [list(itertools.chain(*words)) for words in itertools.product(*axes)]
        return [
            _combination(number, words, varied, composer, config_dir)
            for number, words in enumerate(combined, 1)
        ]


def compose_each(
    arguments: Sequence[str], sets: Mapping[str, Sequence[str]], config_dir: str | None = None
) -> dict[str, Config]:
    """Return the checked configuration of `arguments` with each named set of settings laid over it.

    Raises
    ------
    ConfigError
        If one of them is impossible; the message names the set.
    """
    found = {}
    trust.check_input(arguments)
    arguments = understood(arguments, config_dir)
    with configuration.loaded() as hydra:
        composer = Composer(hydra.config_loader, config_dir)
        for name, words in sets.items():
            try:
                words = understood(words, config_dir)
                found[name] = composer.compose([*arguments, *words])
            except configuration.COMPOSITION_ERRORS as error:
                problem = explain(error, [*arguments, *words], config_dir)
                raise ConfigError(f"{name}: {problem}" if words else str(problem)) from error
            except ConfigError as error:
                raise ConfigError(f"{name}: {error}" if words else str(error)) from error
    return found


def as_settings(values: Mapping[str, Any]) -> list[str]:
    """Return settings as typed; ``{model: {l2: 1}}`` and ``{model.l2: 1}`` are the same.

    Examples
    --------
    >>> as_settings({"model": {"l2": 1, "params": {"C": 2}}, "seed": 3, "dataset": "iris"})
    ['model.l2=1', 'model.params={C:2}', 'seed=3', 'dataset=iris']
    """
    return [f"{path}={_typed(value)}" for path, value in leaves(values, declared())]


def _combination(
    number: int, words: Sequence[str], varied: Mapping[str, None], composer: Composer, config_dir: str | None
) -> Combination:
    values = {key_of(word): word.partition("=")[2] for word in words}
    swept = {key: values.get(key, "") for key in varied}
    try:
        return Combination(swept, composer.compose(words))
    except configuration.COMPOSITION_ERRORS as error:
        problem: Exception = explain(error, words, config_dir)
    except ConfigError as error:
        problem = error
    named = " ".join(f"{key}={value}" for key, value in swept.items())
    raise ConfigError(f"job {number} ({named}): {problem}") if named else problem


class Composer:
    """Composes configurations that have most of their choices in common."""

    def __init__(self, loader: Any, config_dir: str | None = None) -> None:
        self.loader = loader
        self.parser = OverridesParser.create(config_loader=loader)
        self._always = search_path(config_dir)
        self._parsed: dict[str, Any] = {}
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._like: dict[tuple[str, ...], tuple[DictConfig, Config] | None] = {}
        self._values: dict[str, Any] = {}

    def parse(self, word: str) -> Any:
        """Return one setting as Hydra understands it."""
        if word not in self._parsed:
            self._parsed[word] = self.parser.parse_override(word)
        return self._parsed[word]

    def compose(self, words: Sequence[str]) -> Config:
        """Return the checked configuration that these settings make, each with one value."""
        frame = tuple(key_of(word) if self._plain(word) else word for word in words)
        alike = self._like.get(frame)
        if alike is not None:
            return self._varied(*alike, words)
        composed = self.composed(words)
        config = configuration.checked(composed, words)
        if len(self._like) == REMEMBERED:
            self._like.clear()
        self._like[frame] = None if "${" in str(configuration.raw(composed)) else (composed, config)
        return config

    def _varied(self, composed: DictConfig, config: Config, words: Sequence[str]) -> Config:
        """Return the checked configuration of words that differ from those of `config` in plain values alone."""
        for word in words:
            if self._plain(word):
                if word not in self._values:
                    ConfigLoaderImpl._apply_overrides_to_config([self.parse(word)], composed)
                    value = OmegaConf.select(composed, key_of(word))
                    self._values[word] = (
                        OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
                    )
                config = changed(config, key_of(word), self._values[word])
        checks.check_values(configuration.flat(config))
        checks.check_together(config)
        checks.check_words(config, words)
        return config

    def _plain(self, word: str) -> bool:
        """Return whether a word gives a declared key a value that is neither a mapping nor made from other keys."""
        return (
            word[0] not in "+~" and "{" not in word and key_of(word) in declared() and not self._chooses(word)
        )

    def composed(self, words: Sequence[str]) -> DictConfig:
        """Return the configuration that these settings make."""
        groups = tuple(word for word in words if self._chooses(word))
        if groups not in self._composed:
            base = self.loader.load_configuration("config", [*groups, *self._always], RunMode.RUN)
            with open_dict(base):
                del base["hydra"]
            self._composed[groups] = base
        composed = copy.deepcopy(self._composed[groups])
        settings = [self.parse(word) for word in words if not self._chooses(word)]
        ConfigLoaderImpl._apply_overrides_to_config(settings, composed)
        trust.check_plain(configuration.raw(composed))
        return composed

    def _chooses(self, word: str) -> bool:
        override = self.parse(word)
        name = override.key_or_group
        return self.loader.repository.group_exists(name) and not isinstance(override.value(), dict)


def _axes(arguments: Sequence[str], composer: Composer, config_dir: str | None = None) -> list[Axis]:
    """Return what varies, the slowest first: typed keys in their order, zipped ones together, listed sets last."""
    values: dict[str, Axis] = {}
    for override in composer.parser.parse_overrides(list(arguments)):
        _refuse_endless(override)
        words = BasicSweeper.split_arguments([override], None)[0]
        if not words:
            raise ConfigError(
                f"{override.input_line} names no value: glob finds choices of a group, as in dataset=glob(mo*)."
            )
        values[override.get_key_element()] = [tuple(word) for word in words]
    _refuse_twice(values, composer)
    node = composer.composed([words[0][0] for words in values.values()]).sweep
    together, listed = (_checked(node, name) for name in ("zip", "list"))
    zipped = _zipped(values, together)
    if not listed:
        return zipped
    sets = [tuple(understood(as_settings(mapping), config_dir)) for mapping in listed]
    for number, settings in enumerate(sets, 1):
        trust.check_set(f"sweep.list, entry {number}", settings)
    if twice := sorted({key_of(word) for words in sets for word in words} & set(values)):
        raise ConfigError(f"{twice[0]} is typed and stands in sweep.list too. Take one of them away.")
    return [*zipped, sets]


def _refuse_endless(override: Any) -> None:
    """Refuse a range of more values than a sweep may have jobs, before they are written out."""
    if override.is_range_sweep():
        span = override.value()
        if not (span.step and abs(span.stop - span.start) / abs(span.step) <= MOST_JOBS):
            raise ConfigError(
                f"{override.input_line}: a range has at most {MOST_JOBS:,} values, and a step that is not 0."
            )


def _refuse_twice(values: Mapping[str, Axis], composer: Composer) -> None:
    """Refuse a key with several values that a typed mapping sets as well."""
    for word in itertools.chain(*itertools.chain(*values.values())):
        content = composer.parse(word).value() if "{" in word else None
        if not isinstance(content, dict):
            continue
        for key, _ in leaves(content, prefix=f"{key_of(word)}."):
            if len(values.get(key, ())) > 1:
                raise ConfigError(f"{key} has several values, and {word} sets it too. Take one of them away.")


def _checked(node: DictConfig, name: str) -> list[Any]:
    """Return a list of the node `sweep`, needed before the configurations are composed that are checked whole."""
    value: Any = node[name]
    value = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    rule = declared()[f"sweep.{name}"].metadata["rule"]
    if not rule.accepts(value):
        raise ConfigError(rule.complaint(f"sweep.{name}", value))
    return list(value)


def _zipped(values: dict[str, Axis], together: Sequence[str]) -> list[Axis]:
    if not together:
        return list(values.values())
    counts = {key: len(values.get(key, ())) for key in together}
    if len(set(counts.values())) > 1 or 0 in counts.values():
        found = ", ".join(f"{key} has {count}" for key, count in counts.items())
        near = "".join(did_you_mean(key, values) for key, count in counts.items() if not count)
        raise ConfigError(
            f"sweep.zip needs keys that are typed with equally many values. Got: {found}.{near}"
        )
    paired: Axis = [
        tuple(itertools.chain(*row)) for row in zip(*(values[key] for key in together), strict=True)
    ]
    return [paired if key == together[0] else axis for key, axis in values.items() if key not in together[1:]]


def changed(config: Config, path: str, value: Any) -> Config:
    """Return a copy with one other value; what did not change is shared."""
    whole = node = copy.copy(config)
    *parents, name = path.split(".")
    for parent in parents:
        inner = copy.copy(getattr(node, parent))
        setattr(node, parent, inner)
        node = inner
    setattr(node, name, value)
    return whole


def _typed(value: Any) -> str:
    """Return a value as it would be typed on the command line.

    Examples
    --------
    >>> _typed([64, 32]), _typed("relu"), _typed("two words"), _typed(None), _typed({"a": True})
    ('[64,32]', 'relu', "'two words'", 'null', '{a:true}')
    """
    if isinstance(value, list):
        return f"[{','.join(map(_typed, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{_typed(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z_][\w./-]*", value) and value not in ("null", "true", "false")
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return value if plain else f"'{escaped}'"
    return json.dumps(value)
