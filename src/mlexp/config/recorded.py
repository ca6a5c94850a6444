"""A configuration as a run folder keeps it: written and read, made to run once more, and hashed.

What composes is imported where it is used, for workers are sent configurations and need it not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mlexp.config import trust, yamltext
from mlexp.config.explained import first_line
from mlexp.config.overrides import Override, parsed
from mlexp.config.schema import ADDED_KEYS, Config, declared, default, flat
from mlexp.errors import ConfigError, DataError, shortened

PATHS = ("path", "test_path", "labels")  # keys of dataset that name files
DOES_NOT_CHANGE_RESULTS = (
    "threads",  # but for the last bits: the same run, on more of a machine
    "outputs",
    "trusted_packages",
    "data_dir",
    "figures",
    "memory_mb",
    "checkpoint_seconds",
    "task.name",
    "expect",
    "dataset.path",
    "dataset.test_path",
    "dataset.labels",
)


def read(path: Path) -> Config:
    """Return the configuration that `as_yaml` wrote, checked again."""
    from mlexp.config.compose import BAD_VALUES, from_values

    try:
        return from_values(yamltext.read(path))
    except BAD_VALUES as error:
        raise DataError(f"{path} is damaged: {first_line(str(error))} Run the task again.") from error


def again(config: Config, folder: Path, words: Iterable[str | Override] = ()) -> Config:
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
    overrides = parsed(words)
    asked = typed_anew(overrides)
    keys = {one.key for one in overrides}
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
    paths: dict[str, Any] = {name: _at(began, getattr(data, name)) for name in PATHS}
    data = replace(data, **paths)
    for name, path in paths.items():
        if path is not None and not Path(path).exists():
            raise DataError(
                f"dataset.{name}={path} is neither in {shortened(began)}, where this began, nor in {Path.cwd()}. Bring "
                "the file back, or go to the folder in which it lies."
            )
    return replace(config, dataset=data, data_dir=_at(began, config.data_dir))


def _at(began: str, path: str | None) -> str | None:
    return str(Path(began, path)) if path is not None and Path(began, path).exists() else path


def typed_anew(overrides: Sequence[Override]) -> Config:
    """Return the configuration of words that may be typed for a recorded run: they change no result.

    Raises
    ------
    ConfigError
        If a word sets something else, or a value is not allowed.
    """
    from mlexp.config.compose import compose

    for one in overrides:
        if one.value is None or not trust.within(one.key, ("execution", "tracking", "trusted_packages")):
            raise ConfigError(
                f"'{shortened(one.text)}' cannot be set here: what runs is recorded. Only where it runs and what is "
                "trusted can be: execution=local, execution.scheduler=tcp://HOST:PORT, trusted_packages=[mine], "
                "tracking=none ..."
            )
    asked = compose(overrides)
    if asked.execution.scheduler is not None and asked.execution.backend != "dask":
        raise ConfigError("execution.scheduler belongs to execution=dask, and that must be typed too.")
    return asked


def page_typed(words: Iterable[str]) -> dict[str, Any]:
    """Return the keys of the node `page` that were typed, without it in their names; nothing else may be typed.

    Raises
    ------
    ConfigError
        If a word sets another key, or a value is not allowed.
    """
    from mlexp.config.compose import compose

    overrides = parsed(words)
    for one in overrides:
        if one.value is None or not trust.within(one.key, ("page",)) or one.key == "page":
            raise ConfigError(
                f"'{shortened(one.text)}' cannot be set here: what ran is recorded. Only how it is shown can be set: "
                "page.figures=all, page.format=[png,pdf,svg], page.title=false, page.living=false."
            )
    asked = asdict(compose(overrides).page)
    return {one.key.partition(".")[2]: asked[one.key.partition(".")[2]] for one in overrides}


def of_results(config: Config, without: Container[str] = ()) -> dict[str, Any]:
    """Return every key that can change a result, but the keys `without`, and its value."""
    kept = {
        key: value
        for key, value in flat(config).items()
        if key not in DOES_NOT_CHANGE_RESULTS
        and key not in without
        and not key.startswith(("sweep.", "execution.", "tracking.", "comparison.", "page.", "record."))
    }
    params = config.model.params.items()
    kept["model.params"] = {name: value for name, value in params if f"model.params.{name}" not in without}
    return kept


def config_hash(config: Config, without: Container[str] = ()) -> str:
    """Return 8 hex digits that change with whatever can change a result but the keys `without`, and nothing else.

    A key that earlier versions lack enters only where it is not at its default: hashes that they recorded still hold.
    """
    found = of_results(config, without)
    usual = {key: default(declared()[key]) for key in ADDED_KEYS}
    found = {key: value for key, value in found.items() if key not in usual or value != usual[key]}
    text = json.dumps(found, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def as_yaml(config: Config) -> str:
    """Return the resolved configuration as YAML; enough to run again."""
    return yamltext.dumped(asdict(config))
