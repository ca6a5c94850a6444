"""From YAML and command line to a checked `Config`.

With `cli.py` this is the only file that knows Hydra and OmegaConf. Hydra composes; every value is then
held against the rule that `schema.py` declares for its key, and whatever Hydra or OmegaConf complain of
is put into our own words.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any

import hydra.errors
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlexp import yamltext
from mlexp.checks import (
    cannot_be_removed,
    check_keys,
    check_together,
    check_values,
    check_words,
    unknown_key,
)
from mlexp.choices import named, offered, search_path, spelt
from mlexp.errors import ConfigError, DataError, did_you_mean
from mlexp.names import GROUPS
from mlexp.rules import key_of, shortened
from mlexp.schema import Config, declared

CONFIG_MODULE = "mlexp.conf"
# Hydra refuses a group choice that is null with a bare ValueError.
COMPOSITION_ERRORS = (hydra.errors.HydraException, OmegaConfBaseException, ValueError)
# What is written where, sent where and imported from where: never taken from a file that a stranger may have written.
TYPED_ONLY = ("trusted_packages", "outputs", "sweep.dir", "execution", "tracking.uri")
DOES_NOT_CHANGE_RESULTS = (
    "outputs",
    "trusted_packages",
    "data_dir",
    "figures",
    "memory_mb",
    "checkpoint_seconds",
    "task.name",
    "dataset.path",
    "dataset.test_path",
)


def register() -> None:
    """Tell Hydra of the schema; `config.yaml` names it first in its defaults list."""
    schema = OmegaConf.structured(Config)
    for open_ended in (
        schema.model.params,
        schema.execution.options,
        schema.tune.space,
        schema.comparison.arms,
        schema.comparison.grid,
    ):
        OmegaConf.set_struct(open_ended, False)  # keys of one's own, typed without a +
    ConfigStore.instance().store(name="schema", node=schema)


def compose(overrides: Sequence[str] = (), config_dir: str | None = None) -> Config:
    """Compose and check the configuration that `mlexp *overrides` would run.

    Raises
    ------
    ConfigError
        For an unknown key, a value that its key does not take, or keys that do not fit together.
    """
    register()
    overrides = spelt(overrides, config_dir)
    try:
        with initialize_config_module(config_module=CONFIG_MODULE, version_base="1.3"):
            composed = hydra_compose("config", overrides=[*overrides, *search_path(config_dir)])
        return checked(composed, overrides)
    except COMPOSITION_ERRORS as error:
        raise explain(error, overrides, config_dir) from error


def read(path: Path) -> Config:
    """Return the configuration that `as_yaml` wrote, checked again."""
    try:
        return restored(yamltext.read(path), {})
    except (OmegaConfBaseException, ValueError) as error:
        raise DataError(f"{path} is damaged: {_first_line(str(error))} Run the task again.") from error


def restored(values: Mapping[str, Any], changes: Mapping[str, Any]) -> Config:
    """Return the checked configuration of these values, with some keys changed."""
    register()
    own = copy.deepcopy(dict(values))
    for path, value in changes.items():
        *parents, name = path.split(".")
        node = own
        for parent in parents:
            node = node[parent]
        node[name] = value
    merged = OmegaConf.merge(OmegaConf.structured(Config), own)
    assert isinstance(merged, DictConfig)
    return checked(merged)


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return a configuration with some keys changed, checked as if composed so, in a hundredth of the time."""
    own = copy.deepcopy(config)
    for path, value in changes.items():
        *parents, name = path.split(".")
        node: Any = own
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else getattr(node, parent, None)
        if isinstance(node, dict):
            node[name] = value
        elif path in declared():
            real = "float" in str(declared()[path].type) and isinstance(value, int)
            setattr(node, name, float(value) if real and not isinstance(value, bool) else value)
        else:
            raise ConfigError(unknown_key(path))
    check_values(flat(own))
    check_together(own)
    return own


def flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return every key of a configuration, or of a node, with its full path, and its value."""
    found: dict[str, Any] = {}
    for name, value in vars(config).items():
        found |= flat(value, f"{prefix}{name}.") if is_dataclass(value) else {prefix + name: value}
    return found


def checked(composed: DictConfig, typed: Sequence[str] = ()) -> Config:
    """Return the composed configuration as a `Config` once every key and value has been checked.

    `typed` is what the person wrote, word by word: settings of a task file that a model chosen later has no
    use for are left alone, those that someone typed are refused.
    """
    drop_params(composed, typed)
    values = OmegaConf.to_container(composed, resolve=True, throw_on_missing=False)
    assert isinstance(values, dict)
    flat = dict(yamltext.leaves({str(key): value for key, value in values.items()}, declared()))
    check_keys(flat)
    for path, value in flat.items():
        flat[path] = named(path, value)
        if flat[path] != value:
            OmegaConf.update(composed, path, flat[path], merge=False)
    check_values(flat)
    config = OmegaConf.to_object(composed)
    assert isinstance(config, Config)
    check_together(config)
    check_words(config, typed)
    return config


def again(config: Config, folder: Path, words: Sequence[str] = ()) -> Config:
    """Return a recorded configuration to run once more; of the keys `TYPED_ONLY` only those in `words` count.

    Parameters
    ----------
    config : what `folder` says
    folder : the run or sweep; runs are still written to the recorded `outputs` where the folder lies within
    words : settings as typed, ``execution=local``, ``trusted_packages=[mine]`` or ``tracking.uri=...``

    Raises
    ------
    ConfigError
        If a word sets anything else, or the record names a place of tracking that is not typed again.
    """
    asked = typed_anew(words)
    keys = {key_of(word) for word in words}
    tracking = config.tracking
    if any(within(key, ("tracking",)) for key in keys):
        own = {key.partition(".")[2]: None for key in keys if key.startswith("tracking.")}
        tracking = asked.tracking if "tracking" in keys else replace(tracking, uri=None)
        tracking = replace(tracking, **{name: getattr(asked.tracking, name) for name in own})
    elif tracking.uri is not None:
        raise ConfigError(
            f"{folder} was tracked at tracking.uri={shortened(tracking.uri)}, and a record is not trusted to say where "
            "to send anything: type tracking.uri=... once more, or tracking=none."
        )
    inside = folder.resolve().is_relative_to(Path(config.outputs).resolve())
    return replace(
        config,
        outputs=config.outputs if inside else Config().outputs,
        trusted_packages=asked.trusted_packages,
        sweep=replace(config.sweep, dir=None),
        execution=asked.execution,
        tracking=tracking,
    )


def typed_anew(words: Sequence[str]) -> Config:
    """Return the configuration of words that may be typed for a recorded run: they change no result.

    Raises
    ------
    ConfigError
        If a word sets something else, or a value is not allowed.
    """
    for word in words:
        if "=" not in word or not within(key_of(word), ("execution", "tracking", "trusted_packages")):
            raise ConfigError(
                f"'{shortened(word)}' cannot be set here: what runs is recorded. Only where it runs and what is "
                "trusted can be: execution=local, execution.scheduler=tcp://HOST:PORT, trusted_packages=[mine], "
                "tracking=none ..."
            )
    return compose(words)


def within(key: str, nodes: Sequence[str]) -> bool:
    """Return whether a key is one of `nodes` or lies in one of them.

    Examples
    --------
    >>> within("execution.workers", ("execution",)), within("sweep.zip", ("sweep.dir",))
    (True, False)
    """
    return any(key == node or key.startswith(f"{node}.") for node in nodes)


def drop_params(composed: DictConfig, typed: Sequence[str]) -> None:
    """Take away what a task file says in `model.params` for its own model where someone typed another model."""
    words = {word.lstrip("+").partition("=")[0]: word.partition("=")[2] for word in typed}
    task = Path(__file__).parent / "conf" / "task" / f"{words.get('task', '')}.yaml"
    if "model" not in words or "model.params" in words or not task.is_file():
        return
    chosen = [
        entry for entry in yaml.safe_load(task.read_text()).get("defaults", []) if "override /model" in entry
    ]
    if not chosen or chosen[0]["override /model"] == words["model"]:
        return
    own = Path(__file__).parent / "conf" / "model" / f"{words['model']}.yaml"
    kept = (yaml.safe_load(own.read_text()) if own.is_file() else {}).get("params", {})
    for name in [name for name in composed.model.params if name not in kept]:
        if not any(word.startswith(f"model.params.{name}") for word in words):
            del composed.model.params[name]


def config_hash(config: Config, without: Container[str] = ()) -> str:
    """Return 8 hex digits that change with whatever can change a result but the keys `without`, and nothing else."""
    kept = {
        key: value
        for key, value in flat(config).items()
        if key not in DOES_NOT_CHANGE_RESULTS
        and key not in without
        and not key.startswith(("sweep.", "execution.", "tracking.", "comparison."))
    }
    params = config.model.params.items()
    kept["model.params"] = {name: value for name, value in params if f"model.params.{name}" not in without}
    text = json.dumps(kept, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def as_yaml(config: Config) -> str:
    """Return the resolved configuration as YAML; enough to run again."""
    return yamltext.dumped(asdict(config))


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
        return ConfigError(
            f"'{error.override}' cannot be read; write key=value, with quotes around odd signs."
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
        return ConfigError(unknown_key(own) + _in_file(error))
    for word in overrides:
        group, _, _ = word.partition("=")
        if group in GROUPS and isinstance(error, ValueError):
            names = ", ".join(offered(group, config_dir))
            return ConfigError(f"{word} names no choice. {group} must be one of {names}.")
    ambiguous = re.search(r"Ambiguous value for argument '([^']+)'", str(error))
    if ambiguous:
        return ConfigError(f"{ambiguous.group(1)} names several values: use mlexp -m, or mlexp.sweep.")
    return ConfigError(_first_line(str(error)))


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
        if key in ("hydra.sweeper", "hydra/sweeper"):
            return f"{word}: mlexp plans its sweeps itself. Leave it out; sweep.* and execution.* say how jobs run."
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
    known = offered(group, config_dir)
    near = did_you_mean(name, known)
    return f"{group}={name} is not known.{near} Choices: {', '.join(known)}."


def _first_line(text: str) -> str:
    return next(
        (line.strip() for line in text.splitlines() if line.strip()), "The configuration cannot be read."
    )
