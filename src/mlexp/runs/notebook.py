"""Progress in a notebook: one line that changes, by IPython's own display, without widgets."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from mlexp.kinds.observer import RunPlan
from mlexp.runs.terminal import NORMAL, SILENT, Terminal, state

SECONDS_BETWEEN_UPDATES = 0.3


def shell() -> Any:
    """Return the running IPython shell; None outside of one."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def is_notebook() -> bool:
    """Return whether outputs are shown below a cell: a Jupyter kernel, also that of Colab or an editor."""
    return hasattr(shell(), "kernel")


def terminal(progress: bool | None) -> Terminal:
    """Return what shows a run: below the cell in a notebook; elsewhere nothing, or lines if `progress` is True."""
    if is_notebook() and progress is not False:
        return Inline()
    return Terminal(verbosity(progress))


def verbosity(progress: bool | None) -> int:
    """Return how much sweeps and comparisons print."""
    return NORMAL if progress or (progress is None and is_notebook()) else SILENT


def show_figures() -> None:
    """Make the shell show Matplotlib's figures, whichever way they were made, as PNG."""
    if (running := shell()) is not None:
        from IPython.core.pylabtools import select_figure_formats

        select_figure_formats(running, {"png"})  # type: ignore[no-untyped-call]


class Inline(Terminal):
    """Shows the progress of a run in one line below the cell."""

    def __init__(self) -> None:
        super().__init__(SILENT)
        self._task = ""
        self._handle: Any = None
        self._shown = 0.0

    def begin(self, task: str, plan: RunPlan) -> None:
        """Show what is about to run."""
        self._task, self._epochs = task, plan.epochs
        self._say("running")

    def epoch(self, row: Mapping[str, float], seconds: float) -> None:
        """Show the last epoch, a few times a second."""
        if time.monotonic() - self._shown > SECONDS_BETWEEN_UPDATES:
            self._say(f"epoch {row['epoch']:.0f}/{self._epochs}  {state(row)}")

    def end(self, info: Mapping[str, Any], folder: Path) -> None:
        """Show how it ended."""
        epochs = info["facts"].get("epochs")
        after = f" after {epochs} epochs" if epochs is not None else ""
        self._say(f"{info['status']}{after}, {info['wall_seconds']:.1f} s: {folder}")

    def _say(self, words: str) -> None:
        from IPython.display import display

        self._shown = time.monotonic()
        line = f"{self._task}: {words}"
        shown = {"text/plain": line, "text/html": f"<pre>{escape(line)}</pre>"}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(shown, raw=True)
