"""Tab completion: what is offered, by the scripts of three shells, quickly enough to be waited for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlexp.cli import main, verb
from mlexp.config.schema import declared
from mlexp.verbs import Parser
from mlexp.verbs.offers import described, offers
from mlexp.verbs.table import VERBS

LIMIT = 0.3  # seconds
CASES = {
    "mlexp sho": {"show"},
    "mlexp -q sho": {"show"},
    "mlexp task=mnist_ml": {"task=mnist_mlp"},
    "mlexp TASK=mnist_ml": set(),
    "mlexp model.activation=leaky": {"model.activation=leaky_relu"},
    "mlexp -m model.activation=relu,tan": {"model.activation=relu,tanh"},
    "mlexp model.activation=[relu,tan": {"model.activation=[relu,tanh"},
    "mlexp task=classify model.pat": {"model.patience="},
    "mlexp +model.pat": {"+model.patience="},
    "mlexp seed=1 spl": {"split."},
    "mlexp page.title=": {"page.title=true", "page.title=false"},
    "mlexp split.group_": set(),
    "mlexp --dry": {"--dry-run"},
    "mlexp --cfg ": {"job"},
    "mlexp --plu": {"--plugin"},
    "mlexp --plugin ": {"mine", "yours"},
    "mlexp --plugin=m": {"--plugin=mine"},
    "mlexp show --plugin y": {"yours"},
    "mlexp --plugin mine sho": {"show"},
    "mlexp --plugin mine show lat": {"latest"},
    "mlexp show --plugin=mine lat": {"latest"},
    "mlexp show --plu": {"--plugin"},
    "mlexp --config-dir o": {"outputs/", "own/"},
    "mlexp --config-dir own task=mi": {"task=mine"},
    "mlexp show ": {"latest", "digits_mlp", "other"},
    "mlexp show lat": {"latest"},
    "mlexp show --outputs elsewhere ": {"latest"},
    "mlexp show outputs/digits_mlp/2": {"outputs/digits_mlp/2026-run/"},
    "mlexp show digits_mlp/2": {"digits_mlp/2026-run/"},
    "mlexp export latest --code nu": {"numpy"},
    "mlexp export latest --code=nu": {"--code=numpy"},
    "mlexp predict latest my": {"my table.csv"},
    "mlexp explain model.pat": {"model.patience", "model.patience="},
    "mlexp list runs --status f": {"failed"},
    "mlexp data fetch mni": {"mnist"},
    "mlexp completion ": {"bash", "zsh", "fish"},
    "mlexp dataset.path=my": {"dataset.path=my table.csv"},
    "mlexp 'model.act": set(),
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("outputs/digits_mlp/2026-run", "outputs/other", "own/task"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "own/task/mine.yaml").write_text("# @package _global_\n# What is mine.\n")
    (tmp_path / "my table.csv").write_text("a\n1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLEXP_CONFIG_DIR", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("line", CASES)
def test_what_is_offered(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlexp.verbs.offers.installed", lambda: {"mine": [], "yours": []})
    assert set(offers(line)) == CASES[line]


def test_every_verb_group_and_node_is_offered_at_first() -> None:
    found = offers("mlexp ")
    assert set(VERBS) | {"task=", "model=", "model.", "seed="} <= set(found)
    assert all(found[verb] for verb in VERBS if verb != "schema")  # each with its line of the help


def test_every_key_can_be_reached() -> None:
    for path in declared():
        parts = path.split(".")
        for depth in range(1, len(parts)):
            begun = ".".join(parts[:depth])
            assert f"{begun}." in offers(f"mlexp {begun}"), path
        assert f"{path}=" in offers(f"mlexp {path}")


def test_own_choices_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLEXP_CONFIG_DIR", "own")
    assert offers("mlexp task=mi") == {"task=mine": "What is mine."}


class _Stop(Exception):
    pass


@pytest.mark.parametrize("name", VERBS)
def test_flags_read_from_the_source_are_those_of_the_parser(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: Parser, *arguments: Any) -> None:
        raise _Stop(self)

    monkeypatch.setattr(Parser, "parse_known_args", stop)
    with pytest.raises(_Stop) as stopped:
        verb(name)([])
    words = stopped.value.args[0]
    asked = [one for one in words._actions if "--help" not in one.option_strings]
    found = described(name)
    assert {flag for one in found for flag in one.flags} == {
        flag for one in asked for flag in one.option_strings
    }
    assert sum(not one.flags for one in found) == sum(not one.option_strings for one in asked)
    for one, action in ((one, words._option_string_actions[one.flags[0]]) for one in found if one.flags):
        assert bool(one.takes) == (action.nargs != 0), one.flags


def ask(*command: str, **environment: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_imports_nothing_heavy_and_takes_less_than_a_third_of_a_second() -> None:
    script = (
        "import sys; from mlexp.cli import main; main(['completion', '--line', 'mlexp model.activation=r']); "
        "print([name for name in ('numpy', 'hydra', 'omegaconf', 'sklearn', 'yaml', 'rich') if name in sys.modules])"
    )
    before = os.times()
    said = ask(sys.executable, "-c", script)
    after = os.times()
    assert said.splitlines()[-1] == "[]"
    assert "model.activation=relu" in said
    taken = after.children_user - before.children_user + after.children_system - before.children_system
    assert taken < LIMIT


BASH = """eval "$(mlexp completion bash)"
ask() { COMP_LINE=$1 COMP_POINT=${#1}; _mlexp mlexp; echo "${COMPREPLY[*]}"; }
ask 'mlexp sho'; ask 'mlexp task=mnist_ml'; ask 'mlexp -m model.activation=relu,tan'; ask 'mlexp predict latest my'
COMP_WORDBREAKS=' '; ask 'mlexp task=mnist_ml'
complete -p mlexp
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes() -> None:
    lines = ask("bash", "--norc", "-c", BASH).splitlines()
    assert lines[:5] == ["show", "mnist_mlp", "relu,tanh", r"my\ table.csv", "task=mnist_mlp"]
    assert "_mlexp" in lines[5]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes() -> None:
    typed = "complete -C 'mlexp sho'; complete -C 'mlexp task=mnist_ml'; complete -C 'mlexp model.activation=leak'"
    said = ask("fish", "--no-config", "-c", f"mlexp completion fish | source; {typed}", HOME=str(Path.cwd()))
    offered = [line.partition("\t")[0] for line in said.splitlines()]
    assert offered == ["show", "task=mnist_mlp", "model.activation=leaky_relu"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes() -> None:
    import pty
    import select
    import time

    child, terminal = pty.fork()
    if child == 0:
        os.execvpe("zsh", ["zsh", "-f", "-i"], os.environ | {"TERM": "dumb", "COLUMNS": "200"})

    def said(typed: str, awaited: str) -> str:
        os.write(terminal, typed.encode())
        text, end = "", time.monotonic() + 20
        while awaited not in text and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                text += os.read(terminal, 65536).decode(errors="replace")
        return text

    try:
        start = 'PS1=; autoload -Uz compinit; compinit -u -D; eval "$(mlexp completion zsh)"; print rea""dy\n'
        assert "ready" in said(start, "ready")
        assert "show " in said("mlexp sho\t", "show ")
        assert "mnist_mlp " in said("\x15mlexp task=mnist_ml\t", "mnist_mlp ")
        assert "relu,tanh " in said("\x15mlexp -m model.activation=relu,tan\t", "relu,tanh ")
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


def test_names_that_would_break_a_line_are_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a\nb.csv").write_text("")
    Path("a\tb.csv").write_text("")
    assert main(["completion", "--line", "mlexp predict latest a"]) == 0
    assert capsys.readouterr().out == ""
