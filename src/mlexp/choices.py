"""The choices that configuration files offer: the names in each group, and what each file says of itself."""

from __future__ import annotations

from pathlib import Path

from mlexp.errors import ConfigError


def offered(group: str, config_dir: str | None = None) -> dict[str, str]:
    """Return the choices of a group with what their YAML files say of themselves."""
    folders = [Path(__file__).parent / "conf" / group]
    if config_dir:
        folders.append(own_folder(config_dir) / group)
    files = [file for folder in folders if folder.is_dir() for file in sorted(folder.glob("*.yaml"))]
    return {file.stem: _header(file) for file in files}


def shadowed(config_dir: str) -> list[str]:
    """Return the files of `config_dir` that Hydra would silently ignore, for ours have the same name."""
    ours = Path(__file__).parent / "conf"
    theirs = own_folder(config_dir)
    return sorted(
        str(file.relative_to(theirs))
        for file in theirs.rglob("*.yaml")
        if (ours / file.relative_to(theirs)).exists()
    )


def own_folder(config_dir: str) -> Path:
    """Return the folder of the user's own files; raises `ConfigError` where it is none, which Hydra only warns of."""
    if not Path(config_dir).is_dir():
        raise ConfigError(
            f"config-dir must be a folder with task/ or dataset/ inside. Got {config_dir}: make it, or leave it out."
        )
    return Path(config_dir)


def search_path(config_dir: str | None) -> list[str]:
    """Return what lets Hydra look into the user's own folder too."""
    return [f"hydra.searchpath=[file://{own_folder(config_dir).resolve()}]"] if config_dir else []


def _header(file: Path) -> str:
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        words = line.lstrip("# ").strip()
        if words and not words.startswith("@package"):
            return words
    return ""
