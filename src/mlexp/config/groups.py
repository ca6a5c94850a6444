"""The choices that configuration files offer: the names in each group, and what each file says of itself."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from mlexp.errors import ConfigError

SUFFIXES = (".yaml", ".yml")
ENVIRONMENT = "MLEXP_CONFIG_DIR"  # the folder of own files where --config-dir is not typed
EDITORS = ("@package", "yaml-language-server:")  # what a file says to programs, not of itself
HEADER = 2000  # characters in which a file says of itself what it is
# In a wheel beside the packages; in a checkout at its top, also where the link to it is none (Windows)
CONF = next(
    (path for path in (Path(__file__).parents[number] / "conf" for number in (1, 3)) if path.is_dir()),
    Path(__file__).parents[1] / "conf",
)


def offered(group: str, config_dir: str | None = None) -> dict[str, str]:
    """Return the choices of a group with what their YAML files say of themselves."""
    return {file.stem: next(iter(header(file)), "").strip() for file in files(group, config_dir)}


def files(group: str, config_dir: str | None = None) -> list[Path]:
    """Return the files of a group, ours and then the user's own."""
    folders = [CONF / group]
    if config_dir:
        folders.append(own_folder(config_dir) / group)
    return [
        file
        for folder in folders
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix in SUFFIXES and file.is_file()
    ]


def file_in(folder: Path, path: str) -> Path | None:
    """Return the file of a path without its suffix, or None where there is none."""
    found = [file for suffix in SUFFIXES if (file := folder / f"{path}{suffix}").is_file()]
    return found[0] if found else None


def config_folder(typed: str | None) -> str | None:
    """Return the folder of the person's own files: the typed one, that of the environment, or none."""
    return typed or os.environ.get(ENVIRONMENT) or None


def shadowed(config_dir: str) -> list[str]:
    """Return the files of `config_dir` that Hydra would silently ignore, for ours have the same name."""
    ours = CONF
    theirs = own_folder(config_dir)
    paths = [str(file.relative_to(ours).with_suffix("")) for file in ours.glob("*/*.yaml")]
    hidden = [file for path in paths if (file := file_in(theirs, path))]
    return sorted(str(file.relative_to(theirs)) for file in hidden)


def own_folder(config_dir: str) -> Path:
    """Return the folder of the user's own files; raises `ConfigError` where it is none, which Hydra only warns of."""
    if not os.path.isdir(config_dir):  # False for what can be no path at all
        raise ConfigError(
            f"--config-dir, or else {ENVIRONMENT}, must be a folder with task/ or dataset/ inside. Got {config_dir}: "
            "make it, or leave it out."
        )
    return Path(config_dir)


def header(file: Path) -> list[str]:
    """Return the comment with which a file begins, line by line."""
    with open(file, encoding="utf-8-sig", errors="replace") as opened:
        text = opened.read(HEADER)
    comment = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    lines = [line.lstrip("#").removeprefix(" ").rstrip() for line in comment]
    return [line for line in lines if line and not line.startswith(EDITORS)]
