"""The verbs of the command line, one module each: a function of the words after the verb that returns an exit code."""

from __future__ import annotations

import argparse
import inspect
import os
import re
from typing import Any, NoReturn

from mlexp.errors import ConfigError, did_you_mean


class Parser(argparse.ArgumentParser):
    """Reports errors in the arguments of a verb in one line, like every other error."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse words that can be part of a path; a ``~`` in front is the home folder, after ``--outputs=`` too."""
        if any("\0" in word for word in args or ()):
            self.error("an argument contains a NUL character, which no file name can")
        words = [re.sub(r"^(--[\w-]+=)?(~.*)$", _at_home, word) for word in args or ()]
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise `ConfigError` with the closest spelling and the usage."""
        known = [str(choice) for action in self._actions for choice in action.choices or ()]
        wrong = re.search(r"(?:unrecognized arguments:|invalid choice:) '?([^\s'=]+)", message)
        near = did_you_mean(wrong[1], [*self._option_string_actions, *known]) if wrong else ""
        usage = " ".join(self.format_usage().split())
        raise ConfigError(f"{self.prog}: {message}.{near} U{usage[1:]}; more with --help.")


def _at_home(word: re.Match[str]) -> str:
    return f"{word[1] or ''}{os.path.expanduser(word[2])}"


def add_run(words: argparse.ArgumentParser) -> None:
    """Add the argument RUN, and the folder in which runs are searched by name."""
    words.add_argument(
        "run",
        metavar="RUN",
        help="folder of a run or sweep, name of a task (its newest run), or latest (of all tasks)",
    )
    add_outputs(words)


def add_outputs(words: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add the option for the folder in which runs are searched."""
    words.add_argument(
        "--outputs",
        default="outputs",
        metavar="DIR",
        help="folder in which runs are searched (default: outputs)",
    )


def add_trust(words: argparse.ArgumentParser) -> None:
    """Add the packages that the model file of a run may use."""
    words.add_argument(
        "--trust",
        default="",
        type=names,
        metavar="P,Q",
        help="comma-separated packages that the model file may use",
    )


def names(text: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name for name in text.split(",") if name]


def add_settings(words: argparse.ArgumentParser) -> None:
    """Add the settings that are not taken from a record."""
    words.add_argument(
        "settings",
        nargs="*",
        metavar="key=value",
        help="settings not taken from the record: execution=dask ..., trusted_packages=[mine], tracking.uri=...",
    )


def parser(verb: str, description: str | None, example: str, quiet: str = "the result") -> Parser:
    """Return the parser of a verb, whose ``--help`` ends with an example; `quiet` describes the output with -q."""
    words = Parser(
        prog=f"mlexp {verb}",
        description=inspect.cleandoc(description or ""),
        epilog=f"example\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words.add_argument("-q", "--quiet", action="store_const", const=-1, default=0, help=f"print only {quiet}")
    words.add_argument(
        "--json", action="store_true", help="one JSON object on the standard output instead, errors too"
    )  # taken by the command line before it comes here, for whatever is asked
    return words
