"""Training logs that the reports print, drawn over our curves: a log says more of unstated settings than one figure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import readings
from matplotlib.figure import Figure

from mlexp.drawing import style
from mlexp.store.files import write_bytes

HERE = Path(__file__).parent
COLUMNS = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
WORDS = {
    "train_loss": "training loss",
    "train_accuracy": "training accuracy",
    "validation_loss": "validation loss",
    "validation_accuracy": "validation accuracy",
}


def printed(path: str) -> dict[str, np.ndarray]:
    """Return a log of `published_curves.json` by its path, parts by slashes: epochs and the columns that it prints."""
    rows = json.loads((HERE / "published_curves.json").read_text(encoding="utf-8"))
    for name in path.split("/"):
        rows = rows[int(name)] if isinstance(rows, list) else rows[name]
    table = np.array(rows, dtype=float)
    return dict(zip(("epoch", *COLUMNS), table.T, strict=False))


def drawn(log: Mapping[str, Any], folder: Path, path: Path) -> bool:
    """Draw a printed log over the curves of our runs; nothing where none has run."""
    runs = list(readings.matching(folder / log["run"], log.get("where", {})))
    if not runs:
        return False
    theirs = printed(log["log"])
    columns = [name for name in COLUMNS if name in theirs and name in runs[0].history]
    losses = [name for name in columns if name.endswith("loss")]
    with style.settings():
        figure = Figure(figsize=(3.2 * max(2, len(columns)), 3.4))
        for place, name in enumerate(columns, 1):
            axes = figure.add_subplot(1, len(columns), place)
            for number, run in enumerate(runs):
                axes.plot(
                    run.history["epoch"], run.history[name], color="0.65", linewidth=0.8,
                    label="our runs" if number == 0 else None,
                )  # fmt: skip
            axes.plot(
                theirs["epoch"],
                theirs[name],
                "o-",
                color="#d55e00",
                markersize=3,
                linewidth=1,
                label="report",
            )
            if name in losses:
                axes.set_yscale("log")
            axes.set_xlabel("epoch")
            axes.set_title(WORDS[name])
            if place == 1:
                axes.legend()
        figure.tight_layout()
        write_bytes(path, style.png(figure))
    return True
