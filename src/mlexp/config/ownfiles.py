"""The door for files of the person's own configuration folder: all of them pass here before Hydra sees what they hold.

A file may be anyone's. It is read within bounds, as plain YAML; what it may not say is refused with its name.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from mlexp import system
from mlexp.config import trust, yamltext
from mlexp.config.groups import SUFFIXES, file_in, offered, own_folder
from mlexp.config.names import GROUPS
from mlexp.config.rules import as_typed
from mlexp.config.schema import Task
from mlexp.errors import ConfigError, shortened

MOST = 20_000  # values in one file
LONGEST_CHAIN = 100  # files that the defaults list of one file leads to
NEEDS_HEADER = ("task", "size")  # groups whose files set keys of all nodes


class OwnFiles(ConfigSource):
    """Where Hydra looks for the person's own files: only those in folders of our groups."""

    def __init__(self, provider: str, path: str) -> None:
        super().__init__(provider, path)
        self.folder = Path(unquote(self.path))
        self._known: dict[str, Own] = {}

    @staticmethod
    def scheme() -> str:
        """Return what a search path of ours begins with."""
        return "mlexp"

    def available(self) -> bool:
        """Return whether the folder is there."""
        return self.folder.is_dir()

    def is_group(self, config_path: str) -> bool:
        """Return whether a path within the folder is one of our groups, or a folder in one."""
        return not config_path or (_inside(config_path) and (self.folder / config_path).is_dir())

    def is_config(self, config_path: str) -> bool:
        """Return whether a path within the folder, without its suffix, is that of a file of a group."""
        return "/" in config_path and _inside(config_path) and file_in(self.folder, config_path) is not None

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Return the names of groups, or of files, at a path within the folder."""
        found = (self.folder / config_path).iterdir() if self.is_group(config_path) else ()
        names = [(entry.stem if entry.suffix in (".yaml", ".yml") else entry.name, entry) for entry in found]
        wanted = {ObjectType.GROUP: Path.is_dir, ObjectType.CONFIG: Path.is_file}
        tests = wanted.values() if results_filter is None else [wanted[results_filter]]
        return sorted({name for name, entry in names if any(test(entry) for test in tests)})

    def load_config(self, config_path: str) -> ConfigResult:
        """Return what a file holds once all of it has been checked.

        Raises
        ------
        ConfigError
            The file is not sound, or says what no file may say.
        """
        path = config_path.removesuffix(".yaml")
        follow(self.folder, path, self._known)
        return ConfigResult(
            provider=self.provider,
            path=f"{self.scheme()}://{self.path}",
            config=OmegaConf.create(self._known[path].values),
            header={"package": self._known[path].package},
        )


@dataclass(frozen=True)
class Own:
    """What one file holds: its values, the package of its header, and the paths that its defaults list names."""

    values: dict[str, Any]
    package: str | None
    links: list[str]


def follow(folder: Path, path: str, known: dict[str, Own], above: Sequence[str] = (), count: int = 0) -> int:
    """Read a file and those that its defaults list leads to into `known`, and return how many that makes.

    Raises
    ------
    ConfigError
        One of them is not sound, the list leads back to its own file, or to very many.
    """
    file = file_in(folder, path)
    if file is None:  # ours, or one that is not there
        return count
    if path in above:
        chain = " -> ".join([*above[list(above).index(path) :], path])
        raise ConfigError(f"{file}: its defaults list leads back to itself ({chain}). Take one of them out.")
    if count == LONGEST_CHAIN:
        raise ConfigError(f"{file}: defaults lists lead to more than {LONGEST_CHAIN} files. Take some out.")
    if path not in known:
        known[path] = read(file, path)
    count += 1
    for link in known[path].links:
        count = follow(folder, link, known, [*above, path], count)
    return count


def search_path(config_dir: str | None) -> list[str]:
    """Return what lets Hydra look into the person's own folder too, through `OwnFiles`."""
    return (
        [f"hydra.searchpath=[mlexp://{quote(str(own_folder(config_dir).resolve()))}]"] if config_dir else []
    )


def read(file: Path, path: str) -> Own:
    """Return what a file of the folder holds, all of it checked."""
    group = path.partition("/")[0]
    twins = [file.with_suffix(suffix) for suffix in SUFFIXES]
    if all(twin.is_file() for twin in twins):
        raise ConfigError(
            f"{file.parent} has {twins[0].name} and {twins[1].name}. Rename or remove one of them."
        )
    try:
        data = content(file)
        values = yamltext.parsed(data, MOST)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from error
    except yamltext.Broken as error:
        raise ConfigError(f"{file}, {error}") from error
    values = {} if values is None else values
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise ConfigError(f"{file} must hold lines 'key: value'. Got {as_typed(values)}.")
    package = _package(data.decode("utf-8-sig"), file, group)
    prefix = {"_global_": "", None: f"{path.rpartition('/')[0].replace('/', '.')}."}.get(
        package, f"{package}."
    )
    own = {name: value for name, value in values.items() if name != "defaults"}
    try:
        trust.check_own(own, prefix, group)
        trust.check_plain(own)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error
    if group in NEEDS_HEADER and package is None and set(own) - set(vars(Task())):
        raise ConfigError(f"{file}: a {group} file begins with the line '# @package _global_'. Add it there.")
    return Own(values, package, _links(values, path, file))


def content(file: Path) -> bytes:
    """Return what a plain file holds, one byte more than is allowed at most; a pipe or a device would never end."""
    with open(os.open(file, os.O_RDONLY | system.NO_WAIT), "rb") as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise yamltext.Broken("it is not a plain file.")
        return opened.read(yamltext.LONGEST + 1)


def _package(text: str, file: Path, group: str) -> str | None:
    """Return where the keys of a file go, as a comment at its beginning says."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return None
        if found := re.fullmatch(r"\s*#\s*@package\s+(\S+)\s*", line):
            if found[1] not in ("_global_", "_group_", group):
                raise ConfigError(
                    f"{file}: its keys go to _global_ or to {group}. Got '# @package {shortened(found[1])}'."
                )
            return None if found[1] == "_group_" else found[1]
    return None


def _links(values: dict[str, Any], path: str, file: Path) -> list[str]:
    """Return the paths of the files that a defaults list names, each entry checked."""
    entries = values.get("defaults", [])
    if "defaults" in values and not isinstance(entries, list):
        raise ConfigError(f"{file}: defaults must be a list. Got {as_typed(entries)}.")
    found = []
    for entry in entries:
        if entry == "_self_":
            continue
        for place in _named(entry):
            whole = place[1:] if place.startswith("/") else f"{path.rpartition('/')[0]}/{place}"
            group, _, name = whole.partition("/")
            if not name or not _inside(whole) or any(sign in whole for sign in "@${}\\"):
                raise ConfigError(
                    f"{file}: an entry of its defaults list names a file of a group, as in 'override /model: mlp' or "
                    f"'other'. Got {as_typed(entry)}. Groups: {', '.join(GROUPS)}."
                )
            harmless = {"execution": ["local"], "tracking": offered("tracking")}
            if name not in harmless.get(group, name):
                raise ConfigError(
                    f"{file}: where jobs run and what is sent where counts only where it is typed. Take "
                    f"{as_typed(entry)} out of its defaults list, and add {group}={name} to the command."
                )
            found.append(whole)
    return found


def _named(entry: Any) -> Iterator[str]:
    """Yield the paths that an entry of a defaults list names, from the folder of its file or with a / from the top."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict) and len(entry) == 1:
        ((key, names),) = entry.items()
        words = key.split() if isinstance(key, str) else []
        known = bool(words) and set(words[:-1]) <= {"override", "optional"}
        for name in names if isinstance(names, list) else [names]:
            yield f"{words[-1]}/{name}" if known and isinstance(name, str) else ""
    else:
        yield ""


def _inside(path: str) -> bool:
    """Return whether a path begins with one of our groups and does not lead out of the folder."""
    parts = path.split("/")
    fine = all(part not in ("", ".", "..") and len(part) <= trust.LONGEST_NAME for part in parts)
    return fine and parts[0] in GROUPS and "\0" not in path
