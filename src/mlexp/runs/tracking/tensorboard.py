"""Event files for TensorBoard (tensorboardX): ``tensorboard/`` in the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlexp.config.schema import Config


class TensorBoard:
    """Scalars by epoch as ``loss/train``, ``loss/validation`` ..., the settings as text, the figures as images."""

    errors: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, config: Config) -> None:
        self._writer: Any = None

    def started(self, folder: Path, info: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Begin a file of events; of a resumed run, points drawn twice are the same."""
        from tensorboardX import SummaryWriter

        if "jobs" in info:
            return  # a sweep has no curves of its own: TensorBoard lays those of its runs together
        self._writer = SummaryWriter(str(folder / "tensorboard"))
        rows = "".join(f"| {key} | {value} |\n" for key, value in settings.items())
        self._writer.add_text("settings", f"| key | value |\n|---|---|\n{rows}")

    def epoch(self, row: Mapping[str, float]) -> None:
        """Write the numbers of an epoch; train and validation share a picture."""
        for name, value in row.items():
            part, _, metric = name.partition("_")
            if name != "epoch":
                tag = f"{metric}/{part}" if part in ("train", "validation") else name
                self._writer.add_scalar(tag, value, int(row["epoch"]))

    def ended(self, folder: Path, status: str, metrics: Mapping[str, float]) -> None:
        """Write the last numbers and the figures, and close."""
        if self._writer is None:
            return
        import numpy as np
        from PIL import Image

        for name, value in metrics.items():
            self._writer.add_scalar(f"final/{name.replace('.', '_')}", value, 0)
        for file in sorted((folder / "figures").glob("*.png")):
            with Image.open(file) as image:
                self._writer.add_image(file.stem, np.asarray(image.convert("RGB")), dataformats="HWC")
        self._writer.add_text("status", status)
        self._writer.close()
