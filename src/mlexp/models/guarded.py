"""Where models that are not ours are fitted and asked: in this process, and every error of theirs is one line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlexp.errors import ConfigError, DataError, MlexpError, shortened


@contextmanager
def guarded(model: str, params: Mapping[str, Any], what: str = "be fitted to") -> Iterator[list[str]]:
    """Fit or ask a model inside; yield the list that its warnings, one line each, are in at the end.

    joblib starts threads and no processes, which would import from the working folder.

    Parameters
    ----------
    model : its name, for messages
    params : the `model.params` that were set for it; where there are any, an error is put down to them
    what : what is done, as in "cann`what` these rows"

    Raises
    ------
    ConfigError
        The model raised an error, and some of its parameters were set.
    DataError
        It raised one with the parameters that it has by itself.
    """
    from joblib import parallel_config

    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught, parallel_config(backend="threading"):
        warnings.simplefilter("always")
        try:
            yield said
        except MlexpError:
            raise
        except Exception as error:
            reason = f"{model} cannot {what} these rows: {in_short(error)}."
            if params:
                names = ", ".join(f"model.params.{key}" for key in params)
                raise ConfigError(f"{reason} Look at {shortened(names)}.") from error
            raise DataError(f"{reason} Try other rows, or set model.params.") from error
    said += dict.fromkeys(shortened(str(warning.message)) for warning in caught)


def in_short(error: Exception) -> str:
    """Return the first sentence of an error, without its full stop, and its kind where that says more.

    Examples
    --------
    >>> in_short(ValueError("Input X contains NaN.\\nSVC does not accept missing values."))
    'Input X contains NaN'
    >>> in_short(KeyError("a"))
    "KeyError: 'a'"
    """
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    words = shortened(next(iter(str(error).strip().splitlines()), ""))
    words = words.partition(". ")[0].rstrip(".")
    return (
        words if words and isinstance(error, ValueError) else f"{type(error).__name__}: {words}".rstrip(": ")
    )
