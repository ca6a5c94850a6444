"""Downloads: several mirrors in turn, and nothing kept that is not what was asked for."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from mlexp.errors import DataError

CONNECT_SECONDS, READ_SECONDS, MOST_SECONDS = 5, 30, 1800  # to answer, between two pieces, for a whole file
MOST_BYTES = 1 << 28  # of a file; the largest that is published has 10 MB


class _Bounded:
    """Takes what is downloaded, until it is too much or takes too long."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.left, self.until = file, MOST_BYTES, time.monotonic() + MOST_SECONDS

    def write(self, piece: bytes) -> None:
        """Take one piece."""
        self.left -= len(piece)
        if self.left < 0:
            raise TooLarge(f"more than {MOST_BYTES:,} bytes")
        if time.monotonic() > self.until:
            raise TimeoutError(f"not there after {MOST_SECONDS} s")
        self.file.write(piece)

    def flush(self) -> None:
        """Do nothing: the file is flushed when it is closed."""


class TooLarge(OSError):
    """A mirror sent more than a file of a data set can have."""


class NotSecure(OSError):
    """An address, or where it leads, is not https: whoever stands in between could answer."""


def retrieve(url: str, target: Path) -> None:
    """Download one file over https, redirections included; every failure of the network is an `OSError`."""
    import pooch

    _check_scheme(url)
    fetch = pooch.HTTPDownloader(timeout=(CONNECT_SECONDS, READ_SECONDS), hooks={"response": _follow})
    with open(target, "wb") as file:
        fetch(url, _Bounded(file), None)


def _check_scheme(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise NotSecure(f"{url} is not https")


def _follow(response: Any, *_: Any, **__: Any) -> None:
    """Refuse a redirection before it is followed, unless it leads to https."""
    if "location" in response.headers:
        _check_scheme(urljoin(response.url, response.headers["location"]))


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
