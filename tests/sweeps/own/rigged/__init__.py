"""A classifier of a user's own that comes to the end that its parameter `fate` names."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


def _out_of_memory() -> None:
    np.empty(1 << 60, dtype=np.uint8)


def _raises() -> None:
    raise RuntimeError("two\nlines")


FATES: dict[str, Any] = {
    "well": lambda: None,
    "slow": lambda: time.sleep(0.3),
    "exit": lambda: sys.exit(3),
    "leave": lambda: os._exit(7),
    "segfault": lambda: ctypes.string_at(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "memory": _out_of_memory,
    "raise": _raises,
}


class Rigged(ClassifierMixin, BaseEstimator):
    def __init__(self, fate: str = "well") -> None:
        self.fate = fate

    def fit(self, X: Any, y: Any) -> Rigged:
        FATES[self.fate]()
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[0])
