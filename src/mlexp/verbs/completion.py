"""``mlexp completion``: tab completion of verbs, flags, runs, keys and their values for bash, zsh and fish."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mlexp.verbs import parser
from mlexp.verbs.machine import tell

SHELLS = ("bash", "zsh", "fish")
EXAMPLE = """eval "$(mlexp completion bash)"          in ~/.bashrc
  eval "$(mlexp completion zsh)"           in ~/.zshrc, after compinit
  mlexp completion fish | source           in ~/.config/fish/config.fish"""


def completion(arguments: Sequence[str]) -> int:
    """Print the script by which a shell completes verbs, flags, runs, keys and their values."""
    words = parser("completion", completion.__doc__, EXAMPLE)
    asked = words.add_mutually_exclusive_group(required=True)
    asked.add_argument("shell", nargs="?", type=str.lower, choices=SHELLS, help="shell to complete in")
    asked.add_argument("--line", help=argparse.SUPPRESS)  # what the script asks: what may follow this
    parsed = words.parse_args(
        [f"--line={arguments[1]}"] if arguments[:1] == ["--line"] and arguments[1:] else arguments
    )
    if parsed.line is None:
        script = (Path(__file__).parent / "shells" / f"mlexp.{parsed.shell}").read_text("utf-8")
        tell(shell=parsed.shell, script=script)
        print(script, end="")
        return 0
    from mlexp.verbs.offers import offers

    found = offers(parsed.line)
    tell(offers=found)
    for text, meaning in found.items():
        if text.isprintable():
            print(f"{text}\t{' '.join(meaning.split())}")
    return 0
