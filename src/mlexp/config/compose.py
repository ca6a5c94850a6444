"""From YAML and command line to a checked `Config`: the one place that composes, through Hydra's public interface.

Hydra composes the choices of groups (task, data set, model, size) once. Settings are laid over a copy, as Hydra itself
would: a thirtieth of the time of composing anew. Where two configurations differ in nothing but the values of plain
keys, the second one is made from the first: a tenth of that. Every value is then held against the rule that `schema.py`
declares for its key, and whatever Hydra or OmegaConf complain of is put into our own words.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import hydra.errors
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from mlexp.config import trust, yamltext
from mlexp.config.checks import check, check_keys, check_single
from mlexp.config.explained import explain, no_choice, several_values
from mlexp.config.groups import CONF
from mlexp.config.messages import understood, unknown_key
from mlexp.config.names import GROUPS
from mlexp.config.overrides import Override, named, parsed
from mlexp.config.ownfiles import OwnFiles, search_path
from mlexp.config.rules import check_size
from mlexp.config.schema import Config, cannot_be_removed, check_values, declared
from mlexp.errors import ConfigError

CONFIG_MODULE = "mlexp.conf"
BAD_VALUES = (OmegaConfBaseException, ValueError)
# Hydra refuses a group choice that is null with a bare ValueError.
COMPOSITION_ERRORS = (hydra.errors.HydraException, *BAD_VALUES)
COMPOSING = threading.RLock()  # Hydra has one state for all threads; mlexp ui composes in one of its own
REMEMBERED = 100  # configurations from which others are made


@cache
def register() -> None:
    """Tell Hydra of the schema, which `config.yaml` names first in its defaults list, and of the door for own files."""
    schema = OmegaConf.structured(Config)
    for open_ended in (
        schema.model.params,
        schema.model.base_params,
        schema.execution.options,
        schema.tune.space,
        schema.comparison.arms,
        schema.comparison.grid,
        schema.expect,
    ):
        OmegaConf.set_struct(open_ended, False)  # keys of one's own, typed without a +
    ConfigStore.instance().store(name="schema", node=schema)
    Plugins.instance().register(OwnFiles)


def compose(words: Iterable[str | Override] = (), config_dir: str | None = None) -> Config:
    """Compose and check the configuration that `mlexp *words` would run.

    Raises
    ------
    ConfigError
        For an unknown key, a value that its key does not take, or keys that do not fit together.
    """
    return compose_each(words, {"": ()}, config_dir)[""]


def compose_run(words: Iterable[str | Override], config_dir: str | None = None) -> Config:
    """Compose what runs without ``-m``: a comparison, or a single run, for which no keys of a sweep may be typed."""
    overrides = parsed(words)
    config = compose(overrides, config_dir)
    if config.task.kind != "comparison":
        check_single(config, overrides)
    return config


def compose_each(
    words: Iterable[str | Override],
    sets: Mapping[str, Iterable[str | Override]],
    config_dir: str | None = None,
) -> dict[str, Config]:
    """Return the checked configuration of `words` with each named set of settings laid over it.

    Raises
    ------
    ConfigError
        If one of them is impossible; the message names the set.
    """
    found = {}
    with composer(config_dir) as composing:
        base = composing.door(words)
        for name, more in sets.items():
            try:
                found[name] = composing.compose([*base, *composing.door(more)])
            except ConfigError as error:
                raise ConfigError(f"{name}: {error}" if name and more else str(error)) from error
    return found


def shown(words: Iterable[str | Override] = (), config_dir: str | None = None) -> str:
    """Return as YAML what `compose` composes and checks, references followed."""
    with composer(config_dir) as composing:
        overrides = composing.door(words)
        with composing.explained(overrides):
            composed = composing.composed(overrides)
            checked(composed, overrides)
            return OmegaConf.to_yaml(composed, resolve=True)


@contextmanager
def loaded() -> Iterator[Any]:
    """Give Hydra with our schema and files; the one before it comes back."""
    register()
    # Hydra 1.4 has one version of its defaults, and warns of being told which
    base = {"version_base": "1.3"} if hydra.__version__.startswith("1.3") else {}
    with COMPOSING, initialize_config_module(config_module=CONFIG_MODULE, **base):
        yield GlobalHydra.instance().hydra


@contextmanager
def composer(config_dir: str | None = None) -> Iterator[Composer]:
    """Give what composes, one configuration after the other."""
    with loaded():
        yield Composer(config_dir)


def print_origin(words: Iterable[str | Override], config_dir: str | None = None) -> None:
    """Print how a configuration comes about: where Hydra looks, its defaults lists, and what they give."""
    overrides = understood(parsed(words), config_dir)
    compose(overrides, config_dir)  # refuses what is not sound
    with loaded() as program:
        program.show_info("config", "config", [*(one.text for one in overrides), *search_path(config_dir)])


class Composer:
    """Composes configurations that have most of their choices in common; `composer` gives one."""

    def __init__(self, config_dir: str | None = None) -> None:
        self.config_dir = config_dir
        self._parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        self._always = search_path(config_dir)
        self._parsed: dict[str, Any] = {}
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._like: dict[tuple[str, ...], tuple[DictConfig, Config] | None] = {}
        self._values: dict[str, Any] = {}

    def door(self, words: Iterable[str | Override]) -> list[Override]:
        """Return typed words parsed and spelt, once all of them may be typed and their keys are known."""
        overrides = parsed(words)
        trust.check_input(overrides)
        return understood(overrides, self.config_dir)

    @contextmanager
    def explained(self, overrides: Sequence[Override]) -> Iterator[None]:
        """Put what Hydra and OmegaConf complain of into our own words."""
        try:
            yield
        except COMPOSITION_ERRORS as error:
            raise explain(error, overrides, self.config_dir) from error

    def parse(self, one: Override) -> Any:
        """Return one setting as Hydra's grammar reads it."""
        if one.text not in self._parsed:
            (self._parsed[one.text],) = self._parser.parse_overrides([one.text])
        return self._parsed[one.text]

    def compose(self, overrides: Sequence[Override]) -> Config:
        """Return the checked configuration that these settings make, each with one value."""
        with self.explained(overrides):
            frame = tuple(one.key if self.is_plain(one) else one.text for one in overrides)
            alike = self._like.get(frame)
            if alike is not None:
                return self._varied(*alike, overrides)
            composed = self.composed(overrides)
            config = checked(composed, overrides)
            if len(self._like) == REMEMBERED:
                self._like.clear()
            self._like[frame] = None if "${" in str(raw(composed)) else (composed, config)
            return config

    def _varied(self, composed: DictConfig, config: Config, overrides: Sequence[Override]) -> Config:
        """Return the checked configuration of words that differ from those of `config` in plain values alone."""
        plain = [one for one in overrides if self.is_plain(one)]
        for one in plain:
            if one.text not in self._values:
                lay_over(self.parse(one), composed)
                value = OmegaConf.select(composed, one.key)
                is_node = OmegaConf.is_config(value)
                self._values[one.text] = OmegaConf.to_container(value) if is_node else value
        return check(_replaced(config, {one.key: self._values[one.text] for one in plain}), overrides)

    def is_plain(self, one: Override) -> bool:
        """Return whether a word gives a declared key a value that is neither a mapping nor made from other keys."""
        return (
            not one.operation
            and "{" not in one.text
            and one.key in declared()
            and not self.parse(one).is_sweep_override()
        )

    def composed(self, overrides: Sequence[Override]) -> DictConfig:
        """Return the configuration that these settings make, its values not checked."""
        for one in overrides:
            if self.parse(one).is_sweep_override():
                raise several_values(one)
            if (
                self._chooses(one)
                and "~" not in one.operation
                and not isinstance(self.parse(one).value(), str)
            ):
                raise no_choice(one, self.config_dir)
        groups = tuple(one.text for one in overrides if self._chooses(one))
        if groups not in self._composed:
            self._composed[groups] = hydra_compose("config", overrides=[*groups, *self._always])
        composed = copy.deepcopy(self._composed[groups])
        for one in overrides:
            if not self._chooses(one):
                lay_over(self.parse(one), composed)
        trust.check_plain(raw(composed))
        return composed

    def _chooses(self, one: Override) -> bool:
        return self.parse(one).key_or_group in GROUPS and not isinstance(self.parse(one).value(), dict)


def lay_over(setting: Any, composed: DictConfig) -> None:
    """Set, add or remove one key of a composed configuration; `setting` is an override of Hydra's.

    Raises
    ------
    ConfigError, HydraException, OmegaConfBaseException
        There is no such key, or it does not take the value.
    """
    key, value = setting.key_or_group, setting.value()
    try:
        check_size(value)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}.") from error
    there = OmegaConf.select(composed, key, throw_on_missing=False)
    if setting.is_delete():
        if key in declared():
            raise ConfigError(cannot_be_removed(key))
        if there is None:
            raise ConfigError(unknown_key(key))
        if value is not None and value != there:
            raise ConfigError(f"~{key}: its value is {there}, not {value}. Type ~{key}")
        parent, _, name = key.rpartition(".")
        with open_dict(composed):
            del (OmegaConf.select(composed, parent) if parent else composed)[name]
    elif setting.is_force_add():
        OmegaConf.update(composed, key, value, merge=True, force_add=True)
    elif setting.is_add():
        if there is not None and not isinstance(value, dict | list):
            raise ConfigError(f"{key} is there already: type it without the +.")
        OmegaConf.update(composed, key, value, merge=True, force_add=True)
    else:
        try:
            OmegaConf.update(composed, key, value, merge=True)
        except (ConfigAttributeError, ConfigKeyError) as error:
            raise hydra.errors.ConfigCompositionException(f"Could not override '{key}'.") from error


def from_values(values: Mapping[str, Any]) -> Config:
    """Return the checked configuration of recorded values."""
    if "${" in json.dumps(values, default=str):
        raise ValueError("a record holds values, not references such as ${seed}.")
    merged = OmegaConf.merge(OmegaConf.structured(Config), dict(values))
    assert isinstance(merged, DictConfig)
    return checked(merged)


def with_changes(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return a checked copy with some keys changed, as if composed so, in a hundredth of the time.

    Raises
    ------
    ConfigError
        For a key that there is not, or a value that it does not take.
    """
    values = {}
    for path, value in changes.items():
        if path not in declared() and not path.startswith("model.params."):
            raise ConfigError(unknown_key(path))
        real = path in declared() and "float" in str(declared()[path].type) and isinstance(value, int)
        values[path] = float(value) if real and not isinstance(value, bool) else value
    return _replaced(config, values)


def _replaced(config: Config, values: Mapping[str, Any]) -> Config:
    """Return a copy with other values; nodes that did not change are shared."""
    whole: dict[str, Any] = {}
    for path, value in values.items():
        name, _, rest = path.partition(".")
        whole[name] = _laid(whole.get(name, getattr(config, name)), rest, value) if rest else value
    return replace(config, **whole)


def _laid(node: Any, path: str, value: Any) -> Any:
    """Return a copy of a node, or of the mapping in it, with one other value."""
    name, _, rest = path.partition(".")
    whole = copy.copy(node)
    if isinstance(whole, dict):
        whole[path] = value
    else:
        setattr(whole, name, _laid(getattr(node, name), rest, value) if rest else value)
    return whole


def checked(composed: DictConfig, typed: Sequence[Override] = ()) -> Config:
    """Return the composed configuration as a `Config` once every key and value has been checked.

    `typed` is what the person wrote, word by word: settings of a task file that a model chosen later has no
    use for are left alone, those that someone typed are refused.
    """
    trust.check_plain(raw(composed))
    drop_params(composed, typed)
    values = OmegaConf.to_container(composed, resolve=True, throw_on_missing=False)
    assert isinstance(values, dict)
    flat = dict(yamltext.leaves({str(key): value for key, value in values.items()}, declared()))
    check_keys(flat)
    for path, value in flat.items():
        flat[path] = named(path, value)
        if flat[path] != value:
            OmegaConf.update(composed, path, flat[path], merge=False)
    check_values(flat)  # before they are turned into objects, which some could not be
    config = OmegaConf.to_object(composed)
    assert isinstance(config, Config)
    return check(config, typed)


def raw(composed: DictConfig) -> dict[str, Any]:
    """Return what was composed, its references not followed."""
    values = OmegaConf.to_container(composed, resolve=False)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def drop_params(composed: DictConfig, typed: Sequence[Override]) -> None:
    """Take away what a task file says in `model.params` for its own model where someone typed another model."""
    words = {one.key: one.value or "" for one in typed if "~" not in one.operation}
    task = CONF / "task" / f"{words.get('task', '')}.yaml"
    if "model" not in words or "model.params" in words or not task.is_file():
        return
    chosen = [
        entry for entry in yaml.safe_load(task.read_text()).get("defaults", []) if "override /model" in entry
    ]
    if not chosen or chosen[0]["override /model"] == words["model"]:
        return
    own = CONF / "model" / f"{words['model']}.yaml"
    kept = (yaml.safe_load(own.read_text()) if own.is_file() else {}).get("params", {})
    for name in [name for name in composed.model.params if name not in kept]:
        if not any(word.startswith(f"model.params.{name}") for word in words):
            del composed.model.params[name]
