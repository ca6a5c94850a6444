"""What every picture of a comparison needs: the arms in their order, their colours, their values, their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.groups import PALETTE
from mlexp.store import Comparison, Run

DASHES: tuple[Any, ...] = ("-", (0, (4, 1.2)), (0, (1, 1)))
ROW = 0.27  # inches that an arm takes in a figure with a line for each


@dataclass(frozen=True)
class Arms:
    """The arms of a comparison as they are drawn, the best mean first.

    Attributes
    ----------
    comparison : the folder
    """

    comparison: Comparison

    @property
    def info(self) -> dict[str, Any]:
        """What `comparison.json` holds."""
        return self.comparison.info

    @cached_property
    def names(self) -> list[str]:
        """Arms with a run that counts."""
        return [str(name) for name in self.info["ranking"]]

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """Arm -> the metric of each run, in percent where it is a share."""
        table = self.comparison.tables["runs"]
        found: dict[str, list[float]] = {name: [] for name in self.names}
        for arm, value in zip(table["arm"], table["value"], strict=True):
            if value != "":
                found[arm].append(self.scale * float(value))
        return {arm: np.array(values) for arm, values in found.items()}

    @property
    def means(self) -> dict[str, float]:
        """Arm -> its mean: of its runs, or of its means on several data sets."""
        return {
            str(arm["name"]): self.scale * arm["mean"]
            for arm in self.info["arms"]
            if arm["name"] in self.names
        }

    @property
    def runs(self) -> dict[str, list[Run]]:
        """Arm -> its runs that count."""
        return self.comparison.runs

    @property
    def with_best(self) -> dict[str, Any]:
        """Which arms may be best, how far each is from the best of the others; empty where the verdict is on pairs."""
        return self.info.get("with_best") or {}

    @property
    def direction(self) -> int:
        """1 where more is better, −1 where less is."""
        return 1 if self.info["measure"]["higher_is_better"] else -1

    @property
    def scale(self) -> float:
        """Shares are drawn in percent."""
        return 100.0 if self.info["measure"]["share"] else 1.0

    @property
    def headline(self) -> str:
        """The verdict, which is the first line of the answer."""
        return str(self.info["answer"][0]).rstrip(".")

    @property
    def axis(self) -> str:
        """Name of an axis of values."""
        words = str(self.info["measure"]["words"])
        return f"{words[0].upper()}{words[1:]}{' (%)' if self.scale > 1 else ''}"

    @property
    def axis_of_differences(self) -> str:
        """Name of an axis of differences."""
        words = self.info["measure"]["words"]
        return f"Difference in {words}{' (points)' if self.scale > 1 else ''}"

    @property
    def lead(self) -> tuple[str, str]:
        """The two best arms: what pictures of one pair show."""
        return self.names[0], self.names[1]

    @property
    def lead_words(self) -> str:
        """How a picture of one pair says which pair it is."""
        of = f", the two best of {len(self.names)} arms" if len(self.names) > 2 else ""
        return f"{self.lead[0]} and {self.lead[1]}{of}"

    def colour(self, arm: str) -> str:
        """Return the colour of an arm."""
        return PALETTE[self.names.index(arm) % len(PALETTE)]

    def dashes(self, arm: str) -> Any:
        """Return the line of an arm: another one when the colours begin again."""
        return DASHES[self.names.index(arm) // len(PALETTE) % len(DASHES)]

    def labels(self, width: float, arms: Sequence[str] = ()) -> list[str]:
        """Return the names of arms ready to draw, at most `width` inches wide."""
        return style.class_names(list(arms) or self.names, width)

    @property
    def part(self) -> str:
        """The set that the arms are evaluated on."""
        return str(self.info["metric"]).partition(".")[0]

    def rows(self, arm: str, what: str) -> np.ndarray | None:
        """Return what every run of an arm kept of the rows, shape (runs, n); None unless all have the same rows."""
        part = self.part
        found = [run.predictions.get(f"{part}_{what}") for run in self.runs[arm]]
        index = [run.predictions.get(f"{part}_row") for run in self.runs[arm]]
        first = self.runs[self.names[0]][0].predictions.get(f"{part}_row")
        same = first is not None and all(one is not None and np.array_equal(one, first) for one in index)
        kept = [one for one in found if one is not None]
        return np.stack(kept) if same and len(kept) == len(found) else None

    @property
    def classes(self) -> list[str]:
        """Names of the classes."""
        return [str(name) for name in self.runs[self.names[0]][0].info["dataset"].get("classes") or []]
