"""From YAML and command line to a checked `Config`.

With `cli.py` this is the only file that knows Hydra and OmegaConf. Hydra composes; every value is then
held against the rule that `schema.py` declares for its key, and whatever Hydra or OmegaConf complain of
is put into our own words.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import hydra.errors
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra._internal.hydra import Hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlexp.config import trust, yamltext
from mlexp.config.checks import check_keys, check_together, check_values, check_words
from mlexp.config.explained import explain, first_line
from mlexp.config.groups import named
from mlexp.config.messages import understood, unknown_key
from mlexp.config.ownfiles import OwnFiles, search_path
from mlexp.config.rules import key_of, shortened
from mlexp.config.schema import Config, declared
from mlexp.errors import ConfigError, DataError

CONFIG_MODULE = "mlexp.conf"
# Hydra refuses a group choice that is null with a bare ValueError.
COMPOSITION_ERRORS = (hydra.errors.HydraException, OmegaConfBaseException, ValueError)
DOES_NOT_CHANGE_RESULTS = (
    "threads",  # but for the last bits: the same run, on more of a machine
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


@cache
def register() -> None:
    """Tell Hydra of the schema, which `config.yaml` names first in its defaults list, and of the door for own files."""
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
    Plugins.instance().register(OwnFiles)


def compose(overrides: Sequence[str] = (), config_dir: str | None = None) -> Config:
    """Compose and check the configuration that `mlexp *overrides` would run.

    Raises
    ------
    ConfigError
        For an unknown key, a value that its key does not take, or keys that do not fit together.
    """
    return _composed(overrides, config_dir)[1]


def shown(overrides: Sequence[str] = (), config_dir: str | None = None) -> str:
    """Return as YAML what `compose` composes and checks, references followed."""
    return OmegaConf.to_yaml(_composed(overrides, config_dir)[0], resolve=True)


def _composed(overrides: Sequence[str], config_dir: str | None) -> tuple[DictConfig, Config]:
    trust.check_input(overrides)
    overrides = understood(overrides, config_dir)
    try:
        with loaded():
            composed = hydra_compose("config", overrides=[*overrides, *search_path(config_dir)])
        return composed, checked(composed, overrides)
    except COMPOSITION_ERRORS as error:
        raise explain(error, overrides, config_dir) from error


@contextmanager
def loaded() -> Iterator[Hydra]:
    """Give Hydra with our schema and files, and with it the loader of configurations; the one before it comes back."""
    register()
    # Hydra 1.4 has one version of its defaults, and warns of being told which
    base = {"version_base": "1.3"} if hydra.__version__.startswith("1.3") else {}
    with initialize_config_module(config_module=CONFIG_MODULE, **base):
        program = GlobalHydra.instance().hydra
        assert program is not None
        yield program


def print_origin(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Print how a configuration comes about: where Hydra looks, its defaults lists, and what they give."""
    compose(overrides, config_dir)  # refuses what is not sound
    with loaded() as program:
        program.show_info("config", "config", [*overrides, *search_path(config_dir)])


def complete(command: str) -> None:
    """Print the tab completion of a shell, ``install=bash``; or with ``query=bash`` what may follow what was typed."""
    if command.startswith("query="):
        trust.check_input(os.environ.get("COMP_LINE", "").split())
    with loaded() as program:
        try:
            program.shell_completion("config", [command])
        except COMPOSITION_ERRORS as error:
            raise explain(error) from error


def read(path: Path) -> Config:
    """Return the configuration that `as_yaml` wrote, checked again."""
    try:
        return restored(yamltext.read(path), {})
    except (OmegaConfBaseException, ValueError) as error:
        raise DataError(f"{path} is damaged: {first_line(str(error))} Run the task again.") from error


def restored(values: Mapping[str, Any], changes: Mapping[str, Any]) -> Config:
    """Return the checked configuration of these values, with some keys changed."""
    own = copy.deepcopy(dict(values))
    if "${" in json.dumps(own, default=str):
        raise ValueError("a record holds values, and no reference such as ${seed}.")
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
    check_values(flat)
    config = OmegaConf.to_object(composed)
    assert isinstance(config, Config)
    check_together(config)
    check_words(config, typed)
    return config


def raw(composed: DictConfig) -> dict[str, Any]:
    """Return what was composed, its references not followed."""
    values = OmegaConf.to_container(composed, resolve=False)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def again(config: Config, folder: Path, words: Sequence[str] = ()) -> Config:
    """Return a recorded configuration to run once more; of the keys `trust.TYPED_ONLY` only those in `words` count.

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
    if any(trust.within(key, ("tracking",)) for key in keys):
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


def relocated(config: Config, began: str | None) -> Config:
    """Return a recorded configuration with its relative paths made absolute where they lie in the folder it began in.

    Parameters
    ----------
    config : the configuration
    began : the working folder of the process that recorded it; None where that is not known

    Raises
    ------
    DataError
        If a file of the data set is neither there nor in the working folder of this process.
    """
    if began is None or Path(began) == Path.cwd():
        return config
    data = config.dataset
    data = replace(data, path=_at(began, data.path), test_path=_at(began, data.test_path))
    for name, path in (("path", data.path), ("test_path", data.test_path)):
        if path is not None and not Path(path).exists():
            raise DataError(
                f"dataset.{name}={path} is neither in {shortened(began)}, where this began, nor in {Path.cwd()}. Bring "
                "the file back, or go to the folder in which it lies."
            )
    return replace(config, dataset=data, data_dir=_at(began, config.data_dir))


def _at(began: str, path: str | None) -> str | None:
    return str(Path(began, path)) if path is not None and Path(began, path).exists() else path


def typed_anew(words: Sequence[str]) -> Config:
    """Return the configuration of words that may be typed for a recorded run: they change no result.

    Raises
    ------
    ConfigError
        If a word sets something else, or a value is not allowed.
    """
    for word in words:
        if "=" not in word or not trust.within(key_of(word), ("execution", "tracking", "trusted_packages")):
            raise ConfigError(
                f"'{shortened(word)}' cannot be set here: what runs is recorded. Only where it runs and what is "
                "trusted can be: execution=local, execution.scheduler=tcp://HOST:PORT, trusted_packages=[mine], "
                "tracking=none ..."
            )
    asked = compose(words)
    if asked.execution.scheduler is not None and asked.execution.backend != "dask":
        raise ConfigError("execution.scheduler belongs to execution=dask, and that must be typed too.")
    return asked


def drop_params(composed: DictConfig, typed: Sequence[str]) -> None:
    """Take away what a task file says in `model.params` for its own model where someone typed another model."""
    words = {word.lstrip("+").partition("=")[0]: word.partition("=")[2] for word in typed}
    task = Path(__file__).parents[1] / "conf" / "task" / f"{words.get('task', '')}.yaml"
    if "model" not in words or "model.params" in words or not task.is_file():
        return
    chosen = [
        entry for entry in yaml.safe_load(task.read_text()).get("defaults", []) if "override /model" in entry
    ]
    if not chosen or chosen[0]["override /model"] == words["model"]:
        return
    own = Path(__file__).parents[1] / "conf" / "model" / f"{words['model']}.yaml"
    kept = (yaml.safe_load(own.read_text()) if own.is_file() else {}).get("params", {})
    for name in [name for name in composed.model.params if name not in kept]:
        if not any(word.startswith(f"model.params.{name}") for word in words):
            del composed.model.params[name]


def of_results(config: Config, without: Container[str] = ()) -> dict[str, Any]:
    """Return every key that can change a result, but the keys `without`, and its value."""
    kept = {
        key: value
        for key, value in flat(config).items()
        if key not in DOES_NOT_CHANGE_RESULTS
        and key not in without
        and not key.startswith(("sweep.", "execution.", "tracking.", "comparison."))
    }
    params = config.model.params.items()
    kept["model.params"] = {name: value for name, value in params if f"model.params.{name}" not in without}
    return kept


def config_hash(config: Config, without: Container[str] = ()) -> str:
    """Return 8 hex digits that change with whatever can change a result but the keys `without`, and nothing else."""
    text = json.dumps(of_results(config, without), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def as_yaml(config: Config) -> str:
    """Return the resolved configuration as YAML; enough to run again."""
    return yamltext.dumped(asdict(config))
