"""The choices that configuration files offer: the names in each group, and what each file says of itself."""

from __future__ import annotations

from pathlib import Path


def offered(group: str, config_dir: str | None = None) -> dict[str, str]:
    """Return the choices of a group with what their YAML files say of themselves."""
    folders = [Path(__file__).parent / "conf" / group]
    if config_dir:
        folders.append(Path(config_dir) / group)
    files = [file for folder in folders if folder.is_dir() for file in sorted(folder.glob("*.yaml"))]
    return {file.stem: _header(file) for file in files}


def shadowed(config_dir: str) -> list[str]:
    """Return the files of `config_dir` that Hydra would silently ignore, for ours have the same name."""
    ours = Path(__file__).parent / "conf"
    theirs = Path(config_dir)
    return sorted(
        str(file.relative_to(theirs))
        for file in theirs.rglob("*.yaml")
        if (ours / file.relative_to(theirs)).exists()
    )


def _header(file: Path) -> str:
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        words = line.lstrip("# ").strip()
        if words and not words.startswith("@package"):
            return words
    return ""
