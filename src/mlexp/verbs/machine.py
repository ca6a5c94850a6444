"""``--json``: one JSON object on the standard output, and nothing else there, of whatever was asked.

    {"mlexp": "1.0", "exit_code": 0, "result": {...}, "error": null}

`result` holds what the verb, run, sweep or comparison found, and is null where it came to nothing; `error` has `kind`
(the class in `mlexp.errors`) and `message`. A run that diverged has both. Numbers that are not finite are null. What a
person would read of a long command goes to the standard error, as warnings and the line of an error do.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexp import __version__
from mlexp.errors import DataError, Interrupted, MlexpError, in_words

if TYPE_CHECKING:
    from mlexp.config.conditions import Condition

FLAG = "--json"
LONG = (
    "resume",
    "rerun",
    "why",
    "",
)  # verbs whose progress a person may want to see; "": no verb, but settings of a run
_told: ContextVar[dict[str, Any] | None] = ContextVar("_told", default=None)


def tell(**facts: Any) -> None:
    """Hand over what a verb found, for ``--json``; without that flag it does nothing."""
    if (told := _told.get()) is not None:
        told |= facts


def tell_folder(path: Path) -> None:
    """Hand over what the folder of a run, a sweep or a comparison holds, for ``--json``.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    if is_listening():
        from mlexp.report.facts import facts_of

        tell(**facts_of(path))


def tell_done(path: Path, conditions: Sequence[Condition] = ()) -> None:
    """Hand over what a folder holds, and how it meets its conditions.

    Raises
    ------
    ExpectationError
        If it does not meet them.
    """
    tell_folder(path)
    if conditions:
        from mlexp.report import expected

        checks = expected.checked(path, conditions)
        tell(expect=list(expected.told(checks)))
        expected.hold(path, checks)


def tell_failed(path: Path) -> None:
    """Hand over what a folder holds beside an error; a folder that cannot be read does not hide that error."""
    with suppress(DataError):
        tell_folder(path)


def is_listening() -> bool:
    """Return whether ``--json`` was typed: no person is there to be asked."""
    return _told.get() is not None


def answered(
    words: Sequence[str],
    verb: str,
    obey: Callable[[list[str]], int],
    report: Callable[[MlexpError], int],
) -> int:
    """Carry out a command, print the object and return the exit code.

    Parameters
    ----------
    words : the arguments, the verb first, without ``--json``
    verb : name of the verb, "" where there is none
    obey : carries them out and returns the exit code
    report : prints an error on the standard error, and returns its exit code
    """
    from mlexp.store.files import jsonable

    told: dict[str, Any] = {}
    token = _told.set(told)
    fault: Exception | None = None
    error: BaseException | None = None
    try:
        with redirect_stdout(sys.stderr if verb in LONG else io.StringIO()):
            code = obey(list(words))
    except MlexpError as known:
        error, code = known, report(known)
    except KeyboardInterrupt as stop:
        error = Interrupted(str(stop) or "Stopped. What was recorded so far is kept.")
        code = report(error)
    except Exception as unknown:  # a fault of mlexp, whose traceback follows
        error, fault, code = unknown, unknown, MlexpError.exit_code
    finally:
        _told.reset(token)
    said = error and {"kind": type(error).__name__, "message": in_words(error)}
    whole = {"mlexp": __version__, "exit_code": code, "result": told or None, "error": said}
    print(json.dumps(jsonable(whole), indent=2, allow_nan=False))
    if fault is not None:
        raise fault
    return code
