"""What can go wrong, and the exit code that each kind gives.

    MlexpError            1   a fault of the program itself
    ├── ConfigError       2   a key, a value or the outputs folder
    │   └── NotWritten    2   the disk is full, or may not be written to
    │       └── Unspoken  5   so is the standard output
    ├── DataError         3   a data file or its content
    ├── DivergedError     4   the loss became NaN or infinite
    ├── Interrupted       5   stopped by the user; can be resumed
    ├── SweepError        6   some runs of a sweep failed
    └── ExpectationError  7   all ran, but not to what `expect` asks for

A message is one line, that of unmet expectations one each: what, where, what is allowed, what came, how to cure it.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class MlexpError(Exception):
    """Base of all errors that the program raises on purpose."""

    exit_code = 1
    folder: Path | None = None  # of the run that it ended


class ConfigError(MlexpError):
    """The configuration names an unknown key or holds a value that is not allowed."""

    exit_code = 2


class NotWritten(ConfigError):
    """The outputs folder takes no more; in a sweep, no other job would fare better."""


class Unspoken(NotWritten):
    """The standard output takes no more: what was asked for cannot be said."""

    exit_code = 5


class DataError(MlexpError):
    """A data set is missing, damaged or does not fit its description."""

    exit_code = 3


class DivergedError(MlexpError):
    """Training produced a loss that is not finite."""

    exit_code = 4


class Interrupted(MlexpError):
    """The user stopped the run; what was done so far is kept."""

    exit_code = 5


class SweepError(MlexpError):
    """At least one run of a sweep did not complete; the others are kept."""

    exit_code = 6


class ExpectationError(MlexpError):
    """Conditions of `expect` are not met; what ran is complete, and kept.

    Attributes
    ----------
    lines : one for each condition
    """

    exit_code = 7

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("; ".join(self.lines))


def in_words(error: BaseException) -> str:
    """Return what went wrong in one line; an error that is not ours says of what kind it is.

    Examples
    --------
    >>> in_words(ConfigError("seed must be 1.")), in_words(SystemExit(3)), in_words(MemoryError())
    ('seed must be 1.', 'SystemExit: 3', 'MemoryError')
    """
    words = " ".join(str(error).split())
    return words if isinstance(error, MlexpError) else ": ".join(filter(None, (type(error).__name__, words)))


# What pip installs for each extra of pyproject.toml. mlexp itself may be a checkout, so hints name the libraries.
LIBRARIES = {
    "cuda12": "cupy-cuda12x",
    "cuda13": "cupy-cuda13x",
    "dask": "distributed",
    "documents": "pypandoc-binary typst",
    "excel": "openpyxl",
    "mlflow": "mlflow",
    "onnx": "onnx onnxruntime skl2onnx",
    "opentsne": "openTSNE",
    "optuna": "optuna",
    "parquet": "pyarrow",
    "site": "furo myst-parser sphinx-copybutton sphinx",
    "slurm": "submitit",
    "tensorboard": "tensorboardX",
    "ui": "starlette uvicorn",
    "umap": "umap-learn",
}


def optional(module: str, needed_by: str, extra: str) -> Any:
    """Return a module that comes with an extra of mlexp.

    Raises
    ------
    ConfigError
        If it is not installed; the message says how to.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"{needed_by} needs the package '{error.name or module}', which is not installed: "
            f"pip install {LIBRARIES[extra]}"
        ) from error


LONG = 100  # letters of a word that are compared with those that are known


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known spelling, or the shortest one that begins so; or nothing.

    Examples
    --------
    >>> did_you_mean("sigmiod", ["relu", "sigmoid", "tanh"])
    " Did you mean 'sigmoid'?"
    >>> did_you_mean("minst", ["mnist_capacity", "mnist_mlp"])
    " Did you mean 'mnist_mlp'?"
    >>> did_you_mean("LeakyReLU", ["relu", "leaky_relu"])
    " Did you mean 'leaky_relu'?"
    >>> did_you_mean("zzz", ["relu"])
    ''
    """
    word = plain(word[:LONG])
    names: dict[str, str] = {}
    for name in sorted(known, key=len):
        names.setdefault(plain(name), name)
    near = difflib.get_close_matches(word, list(names), n=1, cutoff=0.6)
    if not near and len(word) > 3:
        near = [name for name in names if difflib.get_close_matches(word, [name[: len(word)]], cutoff=0.75)]
    return f" Did you mean '{names[near[0]]}'?" if near else ""


def plain(word: str) -> str:
    """Return a name in lower case with underscores, however it was written.

    Examples
    --------
    >>> plain("learningRate"), plain("Learning-Rate"), plain("--lr"), plain("ReLU")
    ('learning_rate', 'learning_rate', 'lr', 'relu')
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", word.strip("-"))
    return re.sub(r"[-\s]+", "_", parted).lower()


def shortened(text: str, limit: int = 300) -> str:
    """Return a text on one line of at most `limit` characters, with the middle of a longer one cut out.

    Examples
    --------
    >>> shortened("a word, and\\nanother", limit=12), shortened("abc\\n d")
    ('a word...her', 'abc d')
    """
    if len(text) > 20 * limit:
        text = f"{text[: 10 * limit]} ... {text[-10 * limit :]}"
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit // 2]}...{line[limit // 2 + 3 - limit :]}"
