"""Stacks of jobs: networks of one shape on the same data, trained together with the same bits as alone."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

from mlexp.config import schema
from mlexp.config.schema import Config
from mlexp.kinds import KINDS
from mlexp.nn import device
from mlexp.nn.hyperparameters import NUMBERS, OWN
from mlexp.sweeps.planning import Job

LARGEST = 64  # replicas; more gain no speed
LARGEST_ON_DEVICE = 1024  # replicas; jobs that end together are written together
SMALL = 20_000  # parameters; the time of larger networks goes into arithmetic, which a stack does not save
MANY_CLASSES, MANY_ROWS = 100, 100_000  # for the estimate of memory before the data are known
FREE = ("seed", *(f"model.{name}" for name in (*OWN, *NUMBERS)))

Unit = tuple[Job, ...]


def units(jobs: Sequence[Job], stack: bool | str, workers: int, n_features: int) -> list[Unit]:
    """Return the jobs in stacks, in the order of the first of each; jobs that fit none are units of one.

    Parameters
    ----------
    jobs : jobs to run
    stack : whether to make stacks; auto: of small networks
    workers : minimum number of stacks of a shape, if it has two jobs for each
    n_features : number of features, by which `auto` estimates the size of a network
    """
    alike: dict[str, list[Job]] = {}
    for job in jobs:
        fits = (
            stack is not False and stackable(job.config) and (stack is True or gains(job.config, n_features))
        )
        alike.setdefault(stack_key(job.config) if fits else job.name, []).append(job)
    found = [unit for group in alike.values() for unit in _cut(group, workers, largest(group, n_features))]
    return sorted(found, key=lambda unit: unit[0].number)


def stackable(config: Config) -> bool:
    """Return whether this kind of study and model can train in a stack."""
    alone = config.tune.strategy is not None
    return KINDS[config.task.kind].stacks and config.model.name == "mlp" and not alone


def gains(config: Config, n_features: int) -> bool:
    """Return whether a network trains faster in a stack: a small one, and any on a device."""
    return config.device != "cpu" or small(config, n_features)


def largest(group: Sequence[Job], n_features: int) -> int:
    """Return the number of networks that fit one stack; if they turn out to be too many, it is halved."""
    config = group[0].config
    if config.device == "cpu" or len(group) == 1:
        return LARGEST
    if config.execution.backend != "local":  # the memory of another machine is not known here
        return LARGEST
    widths = [n_features, *config.model.hidden, MANY_CLASSES]
    n_parameters = sum((m + 1) * n for m, n in itertools.pairwise(widths))
    size = config.model.batch_size
    n_rows = MANY_ROWS if size == "full" else int(size)
    each = device.bytes_of(
        n_parameters, sum(widths), n_rows, MANY_ROWS, 8 if config.model.dtype == "float64" else 4
    )
    return max(1, min(LARGEST_ON_DEVICE, device.room(config.device) // each))


def small(config: Config, n_features: int) -> bool:
    """Return whether a network is small enough to gain by a stack."""
    widths = [n_features, *config.model.hidden]
    return bool(sum(m * n for m, n in itertools.pairwise(widths)) <= SMALL)


def stack_key(config: Config) -> str:
    """Return a text that is equal for configurations that may train as one stack."""
    flat = schema.flat(config)
    shape = {key: value for key, value in flat.items() if key not in FREE}
    shape |= {key: flat[key] != 0 for key in (f"model.{name}" for name in NUMBERS)}
    return json.dumps(shape, sort_keys=True, default=str)


def _cut(group: list[Job], workers: int, most: int) -> list[Unit]:
    """Cut a group into stacks of nearly equal size."""
    n_stacks = max(-(-len(group) // most), min(workers, len(group) // 2), 1)
    ends = [len(group) * number // n_stacks for number in range(n_stacks + 1)]
    return [tuple(group[start:end]) for start, end in itertools.pairwise(ends)]
