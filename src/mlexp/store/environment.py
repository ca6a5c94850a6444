"""What a run ran on: versions, processor, linear algebra, commit. Facts for the record, nothing more."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController

from mlexp import __version__, system
from mlexp.config import plugged

PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "matplotlib", "hydra-core", "omegaconf")


def describe() -> dict[str, Any]:
    """Return versions, system, processor, BLAS and commit of the working folder."""
    return {
        "python": platform.python_version(),
        "packages": versions(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": system.processor(),
        "blas": blas(),
        "git": git_commit(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the packages, those of plugins among them, that a result can depend on."""
    return _versions() | dict(plugged.LOADED.values())


@cache
def _versions() -> dict[str, str]:
    return {"mlexp": __version__} | {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    """Return the version of an installed package: the line of its metadata, whose whole takes milliseconds to parse."""
    installed = importlib.metadata.distribution(package)
    line = re.search(r"^Version: *(\S+)", installed.read_text("METADATA") or "", re.MULTILINE)
    return line[1] if line else installed.version


def libraries() -> ThreadpoolController:
    """Return what sets the threads of all loaded BLAS and OpenMP libraries.

    They are looked for again only when modules have been imported since: that takes milliseconds.
    """
    return _libraries(len(sys.modules))


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> ThreadpoolController:
    return ThreadpoolController()


def blas() -> list[dict[str, Any]]:
    """Return name, version and number of threads of every loaded BLAS and OpenMP library."""
    kept = ("user_api", "internal_api", "version", "num_threads", "architecture")
    return [{name: library.get(name) for name in kept} for library in libraries().info()]


@cache
def git_commit() -> dict[str, Any] | None:
    """Return commit and state of the repository of the working folder; None outside one or without git."""
    try:
        commit = _git("rev-parse", "HEAD")
        filters = _filters()
        changed = bool(
            _git("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all", unset=filters)
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "uncommitted_changes": changed}


def peak_memory_mb() -> float:
    """Return the largest resident memory of this process so far, in MB (10⁶ bytes)."""
    return round(system.peak_memory() / 1e6, 1)


def _git(*arguments: str, unset: Sequence[str] = ()) -> str:
    """Ask git, which runs none of the programs that the repository's own configuration names.

    A working folder may come from a stranger, its `.git` too. `git status` would start a monitor of files, a hook when
    it writes the index, a filter to compare a file, and what fetches an object that is missing. `unset` are more keys
    to leave without effect.
    """
    asked = [
        "git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}",
        "-c", "protocol.allow=never", *arguments,
    ]  # fmt: skip
    numbered = {f"GIT_CONFIG_KEY_{place}": key for place, key in enumerate(unset)}
    empty = {f"GIT_CONFIG_VALUE_{place}": "" for place in range(len(unset))}
    environment = {
        **os.environ,
        **numbered,
        **empty,
        "GIT_CONFIG_COUNT": str(len(unset)),
        "GIT_ALLOW_PROTOCOL": "",
    }
    done = subprocess.run(
        asked, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=5, check=True,
        env=environment,
    )  # fmt: skip
    return done.stdout.strip()


def _filters() -> list[str]:
    """Return the keys by which the repository's own configuration names programs to pass files through."""
    words = _git("config", "--null", "--name-only", "--show-scope", "--list").split("\0")
    scopes_and_keys = zip(words[::2], words[1::2], strict=False)
    return [
        key for scope, key in scopes_and_keys if scope in ("local", "worktree") and key.startswith("filter.")
    ]
