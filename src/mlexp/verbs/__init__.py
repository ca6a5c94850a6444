"""The verbs of the command line, one module each: a function of the words after the verb that returns an exit code."""

from __future__ import annotations

import argparse
import inspect
import os
import re
from typing import Any, NoReturn

from mlexp.errors import ConfigError, did_you_mean


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the words of a verb in one line, like every other error."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse words that can be part of a path; a ``~`` in front is the home folder, after ``--outputs=`` too."""
        if any("\0" in word for word in args or ()):
            self.error("a word holds a NUL character, which no name of a file can")
        words = [re.sub(r"^(--[\w-]+=)?(~.*)$", _at_home, word) for word in args or ()]
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise `ConfigError` with the nearest spelling and the usage."""
        known = [str(choice) for action in self._actions for choice in action.choices or ()]
        wrong = re.search(r"(?:unrecognized arguments:|invalid choice:) '?([^\s'=]+)", message)
        near = did_you_mean(wrong[1], [*self._option_string_actions, *known]) if wrong else ""
        usage = " ".join(self.format_usage().split())
        raise ConfigError(f"{self.prog}: {message}.{near} U{usage[1:]}; more with --help.")


def _at_home(word: re.Match[str]) -> str:
    return f"{word[1] or ''}{os.path.expanduser(word[2])}"


def add_run(words: argparse.ArgumentParser) -> None:
    """Let a verb take RUN, and the folder in which runs are looked for by name."""
    words.add_argument(
        "run",
        metavar="RUN",
        help="a folder of a run or sweep, the name of a task (its newest), or latest (of all)",
    )
    add_outputs(words)


def add_outputs(words: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Let a verb take the folder in which runs are looked for."""
    words.add_argument(
        "--outputs", default="outputs", metavar="DIR", help="where runs are looked for (outputs)"
    )


def add_settings(words: argparse.ArgumentParser) -> None:
    """Let a verb take the settings that a record does not decide."""
    words.add_argument(
        "settings",
        nargs="*",
        metavar="key=value",
        help="what counts only where it is typed: execution=dask ..., trusted_packages=[mine], tracking.uri=...",
    )


def parser(verb: str, description: str | None, example: str, quiet: str = "the result") -> Parser:
    """Return the parser of a verb, whose ``--help`` ends with an example; `quiet` is what is left of it with -q."""
    words = Parser(
        prog=f"mlexp {verb}",
        description=inspect.cleandoc(description or ""),
        epilog=f"example\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words.add_argument("-q", "--quiet", action="store_const", const=-1, default=0, help=f"print only {quiet}")
    return words
