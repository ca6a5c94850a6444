"""A figure that a folder can have: what draws it, and its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Drawing:
    """A figure before it is drawn.

    Attributes
    ----------
    draw : function of the opened folder to a Matplotlib figure; None where the folder does not hold what it shows
    shows : what kind of figure it is, for those who cannot see it
    question : what to look for, as its caption asks or says it
    """

    draw: Callable[[Any], Any]
    shows: str
    question: str = ""


def words(figures: dict[str, Drawing]) -> dict[str, tuple[str, str]]:
    """Return what each figure shows and what to look for, in their order."""
    return {name: (figure.shows, figure.question) for name, figure in figures.items()}
