"""The working folder may be a stranger's repository: asking git for its state starts nothing that it names."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mlexp.store import environment

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(*words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always")
    return subprocess.run(["git", *who, *words], check=True, capture_output=True, text=True).stdout.strip()


def program(path: Path, canary: Path) -> str:
    path.write_text(f"#!/bin/sh\necho {path.name} >> {canary}\ncat\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose configuration names programs wherever git looks for one; they write into a canary."""
    canary = tmp_path / "canary"
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    for folder in (inner, outer):
        folder.mkdir()
        monkeypatch.chdir(folder)
        git("init", "-q")
        (folder / "data.txt").write_text("1\n")
        (folder / ".gitattributes").write_text("*.txt filter=mine\n")
        git("add", ".")
        git("commit", "-qm", "first")
    git("submodule", "--quiet", "add", str(inner), "below")
    git("commit", "-qm", "second")
    bad = {name: program(tmp_path / name, canary) for name in ("monitor", "clean", "process", "hook", "ssh")}
    for folder in (outer, outer / "below"):
        monkeypatch.chdir(folder)
        (folder / "data.txt").write_text("2\n")
        os.utime(folder / "data.txt", (1, 1))
        hooks = Path(git("rev-parse", "--absolute-git-dir")) / "hooks"
        hooks.mkdir(exist_ok=True)
        program(hooks / "post-index-change", canary)
        for key, value in {
            "core.fsmonitor": bad["monitor"], "filter.mine.clean": bad["clean"],
            "filter.mine.required": "true", "core.sshCommand": bad["ssh"], "diff.external": bad["hook"],
            "core.pager": bad["hook"], "status.submoduleSummary": "true",
        }.items():  # fmt: skip
            git("config", key, value)
    monkeypatch.chdir(outer)
    canary.unlink(missing_ok=True)
    return canary


def test_nothing_of_the_repository_is_started(stranger: Path) -> None:
    for but in ([], ["-c", "core.fsmonitor=false"]):  # what a plain question starts
        subprocess.run(["git", *but, "status", "--porcelain"], capture_output=True)
    assert {"monitor", "clean", "post-index-change"} <= set(stranger.read_text().split())
    stranger.unlink()
    found = environment.git_commit.__wrapped__()
    assert not stranger.exists(), stranger.read_text()
    assert found == {"commit": git("rev-parse", "HEAD"), "uncommitted_changes": True}


def test_a_missing_object_is_not_fetched(tmp_path: Path, stranger: Path) -> None:
    blob = git("rev-parse", "HEAD:.gitattributes")
    tree = git("rev-parse", "HEAD^{tree}")
    for name in (blob, tree):
        (Path(".git/objects") / name[:2] / name[2:]).unlink()
    git("config", "core.repositoryformatversion", "1")
    git("config", "extensions.partialClone", "origin")
    git("config", "remote.origin.promisor", "true")
    git("config", "remote.origin.url", f"ext::sh -c 'echo fetched >> {stranger}'")
    git("config", "protocol.ext.allow", "always")
    stranger.unlink(missing_ok=True)
    environment.git_commit.__wrapped__()
    assert not stranger.exists(), stranger.read_text()


def test_outside_a_repository_and_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert environment.git_commit.__wrapped__() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.git_commit.__wrapped__() is None
