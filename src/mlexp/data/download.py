"""Downloads: several mirrors in turn, and nothing kept that is not what was asked for."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from mlexp.errors import DataError

CONNECT_SECONDS, READ_SECONDS = 5, 30


def retrieve(url: str, target: Path) -> None:
    """Download one file; every failure of the network is an `OSError`."""
    import pooch

    pooch.HTTPDownloader(timeout=(CONNECT_SECONDS, READ_SECONDS))(url, str(target), None)


def download(urls: Sequence[str], target: Path, check: Callable[[Path], None]) -> list[str]:
    """Download a file from the first mirror that has it whole.

    Parameters
    ----------
    urls : sequence of str
        The same file at several mirrors, tried in turn.
    target : Path
        Written under a temporary name and renamed once `check` has passed.
    check : function of the downloaded file
        Raises `DataError` on a wrong one.

    Returns
    -------
    list of str
        What went wrong, a line for each mirror; empty on success.
    """
    failures = []
    for url in urls:
        # The ending stays, because it tells how the file is packed.
        temporary = target.with_name(f".{os.getpid()}.{secrets.token_hex(4)}.{target.name}")
        host = urlsplit(url).hostname
        try:
            retrieve(url, temporary)
            check(temporary)
            temporary.replace(target)
            return []
        except DataError:
            failures.append(f"{host}: not the published file")
        except OSError as error:
            failures.append(f"{host}: {type(error).__name__}")
        finally:
            temporary.unlink(missing_ok=True)
    return failures
