"""Many configurations from one command line: the grid, the pairs and the lists of a sweep."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlexp.config import trust
from mlexp.config.compose import Composer, composer, raw
from mlexp.config.messages import understood
from mlexp.config.overrides import Override, as_settings, parsed
from mlexp.config.schema import Config, declared
from mlexp.config.yamltext import leaves
from mlexp.errors import ConfigError, did_you_mean

Axis = list[tuple[Override, ...]]  # the values of one swept key, or of several that advance together

MOST_JOBS = 100_000


@dataclass(frozen=True)
class Combination:
    """One job of a sweep: its configuration, and the value of each swept key as it was typed."""

    swept: dict[str, str]
    config: Config


def expand(words: Iterable[str | Override], config_dir: str | None = None) -> list[Combination]:
    """Return the checked configuration of every job of ``mlexp -m *words``.

    Parameters
    ----------
    words : settings as typed; commas, ``range``, ``choice`` and ``glob`` name several values
    config_dir : folder of the user's own configuration files

    Raises
    ------
    ConfigError
        If one of the jobs is impossible; the message names it.
    """
    with composer(config_dir) as composing:
        overrides = composing.door(words)
        with composing.explained(overrides):
            axes = _axes(overrides, composing)
        varied = {one.key: None for axis in axes if len(axis) > 1 for together in axis for one in together}
        if (n_jobs := math.prod(map(len, axes))) > MOST_JOBS:
            raise ConfigError(f"A sweep has at most {MOST_JOBS:,} jobs. Got {n_jobs:,}: take values out.")
        combined = [list(itertools.chain(*together)) for together in itertools.product(*axes)]
        return [_combination(number, job, varied, composing) for number, job in enumerate(combined, 1)]


def _combination(
    number: int, job: Sequence[Override], varied: Mapping[str, None], composing: Composer
) -> Combination:
    values = {one.key: one.value or "" for one in job}
    swept = {key: values.get(key, "") for key in varied}
    try:
        return Combination(swept, composing.compose(job))
    except ConfigError as error:
        named = " ".join(f"{key}={value}" for key, value in swept.items())
        raise ConfigError(f"job {number} ({named}): {error}" if named else str(error)) from error


def _axes(overrides: Sequence[Override], composing: Composer) -> list[Axis]:
    """Return what varies, the slowest first: typed keys in their order, zipped ones together, listed sets last."""
    values: dict[str, Axis] = {}
    for one in overrides:
        found = composing.parse(one)
        key = found.get_key_element()
        if found.is_sweep_override():
            _refuse_endless(one, found)
            words = [f"{key}={value}" for value in found.sweep_string_iterator()]
        else:
            words = [f"{key}={found.get_value_element_as_str()}"]
        if not words:
            raise ConfigError(
                f"{one.text} names no value: glob finds choices of a group, as in dataset=glob(mo*)."
            )
        values[key] = [(single,) for single in parsed(words)]
    _refuse_twice(values, composing)
    node = raw(composing.composed([axis[0][0] for axis in values.values()]))["sweep"]
    together, listed = (_checked(node, name) for name in ("zip", "list"))
    zipped = _zipped(values, together)
    if not listed:
        return zipped
    sets = [tuple(understood(as_settings(mapping), composing.config_dir)) for mapping in listed]
    for number, settings in enumerate(sets, 1):
        trust.check_set(f"sweep.list, entry {number}", settings)
    if twice := sorted({one.key for settings in sets for one in settings} & set(values)):
        raise ConfigError(f"{twice[0]} is typed and stands in sweep.list too. Take one of them away.")
    return [*zipped, sets]


def _refuse_endless(one: Override, found: Any) -> None:
    """Refuse an interval, and a range of more values than a sweep may have jobs, before they are written out."""
    if not found.is_discrete_sweep():
        raise ConfigError(
            f"{one.text}: an interval names no values. Write them with commas, or search them with tune=random."
        )
    if found.is_range_sweep():
        span = found.value()
        if not (span.step and abs(span.stop - span.start) / abs(span.step) <= MOST_JOBS):
            raise ConfigError(
                f"{one.text}: a range has at most {MOST_JOBS:,} values, and a step that is not 0."
            )


def _refuse_twice(values: Mapping[str, Axis], composing: Composer) -> None:
    """Refuse a key with several values that a typed mapping sets as well."""
    for one in itertools.chain(*itertools.chain(*values.values())):
        content = composing.parse(one).value() if "{" in one.text else None
        if not isinstance(content, dict):
            continue
        for key, _ in leaves(content, prefix=f"{one.key}."):
            if len(values.get(key, ())) > 1:
                raise ConfigError(
                    f"{key} has several values, and {one.text} sets it too. Take one of them away."
                )


def _checked(node: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list of the node `sweep`, needed before the configurations are composed that are checked whole."""
    value: Any = node[name]
    rule = declared()[f"sweep.{name}"].metadata["rule"]
    if not rule.accepts(value):
        raise ConfigError(rule.complaint(f"sweep.{name}", value))
    return list(value)


def _zipped(values: dict[str, Axis], together: Sequence[str]) -> list[Axis]:
    if not together:
        return list(values.values())
    counts = {key: len(values.get(key, ())) for key in together}
    if len(set(counts.values())) > 1 or 0 in counts.values():
        found = ", ".join(f"{key} has {count}" for key, count in counts.items())
        near = "".join(did_you_mean(key, values) for key, count in counts.items() if not count)
        raise ConfigError(
            f"sweep.zip needs keys that are typed with equally many values. Got: {found}.{near}"
        )
    paired: Axis = [
        tuple(itertools.chain(*row)) for row in zip(*(values[key] for key in together), strict=True)
    ]
    return [paired if key == together[0] else axis for key, axis in values.items() if key not in together[1:]]
