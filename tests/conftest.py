"""What holds for all tests, and what several packages of them use."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from tests import folders
from tests.chromium import browser as browser
from tests.running import in_this_process

from mlexp.drawing import style
from mlexp.store import Run

collect_ignore = ["windows"]  # its module hides parts of the standard library as it is imported

settings.register_profile("no deadline", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("no deadline")

# A shell starts what it puts into the background with Ctrl-C ignored, and all its children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Return `folders.build`, which writes the folder of a run that never was, for a folder of this test."""
    return partial(folders.build, tmp_path)


@pytest.fixture
def make_whole(tmp_path: Path) -> Callable[..., Run]:
    """Return `folders.whole`: as `make_run`, with every entry that `run.json` has."""
    return partial(folders.whole, tmp_path)


@pytest.fixture
def styled() -> Iterator[None]:
    """Draw as the program does."""
    with style.settings():
        yield


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the jobs of sweeps, searches and comparisons in this process."""
    in_this_process(monkeypatch)
