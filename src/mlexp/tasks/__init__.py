"""Kinds of study: each is a function of the configuration and the data set that returns a `Result`."""

from __future__ import annotations

from collections.abc import Callable

from mlexp.data.dataset import Dataset
from mlexp.observer import Observer
from mlexp.result import Result
from mlexp.schema import Config
from mlexp.tasks.supervised import classification

TASKS: dict[str, Callable[[Config, Dataset, Observer], Result]] = {"classification": classification}
