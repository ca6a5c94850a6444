"""What every picture of a comparison needs: the arms in their order, their colours, their values, their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.groups import PALETTE
from mlexp.store import Comparison, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DASHES: tuple[Any, ...] = ("-", (0, (4, 1.2)), (0, (1, 1)))
ROW = 0.27  # inches that an arm takes in a figure with a line for each
MOST = 12  # arms up to which every one is drawn
BEST = 10  # arms that are drawn where there are more
LONG = 1.35  # inches from which the names of more than `FEW` arms are shortened
FEW = 4
SYMBOL = 0.6  # inches of the line of a legend and the space around it


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

    @property
    def shown(self) -> list[str]:
        """The arms that are drawn one by one: all of few, the best of many."""
        return self.names if len(self.names) <= MOST else self.names[:BEST]

    @property
    def others(self) -> list[str]:
        """The arms that are not; figures draw them together, in grey."""
        return self.names[len(self.shown) :]

    @property
    def which(self) -> str:
        """How a headline says that not every arm is drawn by itself; empty where every one is."""
        best = f", the {len(self.shown)} best of {len(self.names)} arms" if self.others else ""
        return f"{best}{f' ({self.key})' if self.key else ''}"

    @cached_property
    def _shortened(self) -> tuple[dict[str, str], str]:
        """Return arm -> its name, and what that leaves out: of many long names the words that all of them share."""
        whole = {name: name for name in self.names}
        words = [name.split() for name in self.names]
        widest = max(style.text_width(style.clean(name), style.SMALL) for name in self.names)
        if len(words) <= FEW or widest <= LONG or len(set(map(len, words))) > 1:
            return whole, ""
        shared = [len(set(column)) == 1 for column in zip(*words, strict=True)]
        short = {
            name: " ".join(word for word, same in zip(of, shared, strict=True) if not same)
            for name, of in zip(self.names, words, strict=True)
        }
        pattern = " ".join(word if same else "…" for word, same in zip(words[0], shared, strict=True))
        return (short, pattern) if any(shared) and len(set(short.values())) == len(short) else (whole, "")

    @property
    def key(self) -> str:
        """What the short names leave out, with dots where they stand; empty where names are whole."""
        return self._shortened[1]

    def short(self, arm: str) -> str:
        """Return the name of an arm as figures have it."""
        return self._shortened[0].get(arm, arm)

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
    def choice(self) -> dict[str, Any]:
        """The arm that validation chose, and the order of all by it; empty where none was asked for."""
        return self.info.get("choice") or {}

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
        """The verdict, which is the first line of the answer; of many arms only how many may be best."""
        if self.others and self.with_best:
            n_best = len(self.with_best["may_be_best"])
            some = "Any of the" if n_best == len(self.names) else f"{n_best or 'None'} of"
            return f"{some} {len(self.names)} arms may be best in {self.info['measure']['words']}"
        return str(self.info["answer"][1 if self.choice else 0]).rstrip(".")

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
        return style.class_names([self.short(arm) for arm in arms or self.names], width)

    def titles(self, width: float, arms: Sequence[str]) -> list[str]:
        """Return the names of arms as titles of panels: on two lines where one of `width` inches is too short."""
        cut = self.labels(width, arms)
        broken = [style.wrap(self.short(arm), width, style.SMALL) for arm in arms]
        return [
            style.escape("\n".join(lines)) if len(lines) == 2 else short
            for lines, short in zip(broken, cut, strict=True)
        ]

    def legend(
        self, figure: Figure, handles: Sequence[Any], names: Sequence[str], width: float = 2.4
    ) -> None:
        """Name lines below the axes, in as many columns as fit; names are at most `width` inches wide."""
        labels = style.class_names([self.short(name) for name in names], width, style.NORMAL)
        widest = max(style.text_width(label, style.NORMAL) for label in labels)
        columns = max(1, min(len(labels), int(style.WIDTH / (widest + SYMBOL))))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns)

    @property
    def part(self) -> str:
        """The set that the arms are evaluated on."""
        return str(self.info["metric"]).partition(".")[0]

    @property
    def classes(self) -> list[str]:
        """Names of the classes."""
        return [str(name) for name in self.runs[self.names[0]][0].info["dataset"].get("classes") or []]
