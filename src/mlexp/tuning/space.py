"""The space of a search: which keys vary, over which values, and under which conditions."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mlexp.config import compose as configuration
from mlexp.config import schema
from mlexp.config.messages import is_key, unknown_key
from mlexp.config.rules import as_typed, is_number, is_whole
from mlexp.config.schema import Config, declared, default
from mlexp.errors import ConfigError

TUNABLE = ("model", "prepare")
PARAMS = "model.params."
EXAMPLE = "tune.space.model.learning_rate=[0.1,0.01], or ={low: 0.0001, high: 0.1, log: true}"
WORDS = ("values", "low", "high", "log", "step", "n", "when")
DIGITS = 4  # of drawn values: they can be typed again
MOST = 100_000  # settings of a grid, and values of one key
Setting = dict[str, Any]  # key -> value, of the keys whose conditions hold


@dataclass(frozen=True)
class Axis:
    """One key of the space.

    Attributes
    ----------
    values : what is listed; empty for a range
    low, high, log : ends of a range, drawn evenly or evenly on a logarithmic scale
    when : other key -> its values with which this key matters; elsewhere it keeps its default
    """

    key: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are drawn: both ends are, and the key is not one of real numbers."""
        real = self.key in declared() and "float" in str(declared()[self.key].type)
        return is_whole(self.low) and is_whole(self.high) and not real

    def at(self, share: float) -> Any:
        """Return the value at a share in [0, 1) of the way, rounded to four digits."""
        if self.values:
            return self.values[int(share * len(self.values))]
        end = self.high + self.whole  # every whole number has a stretch of its own, up to the next
        if self.log:
            return self.rounded(self.low * (end / self.low) ** share)
        return self.rounded(self.low + share * (end - self.low))

    def rounded(self, drawn: float) -> Any:
        """Return a drawn number as it is used."""
        return min(max(math.floor(drawn), self.low), self.high) if self.whole else self.real(drawn)

    def real(self, drawn: float) -> float:
        """Return a number of the range with the digits that can be typed."""
        return min(max(float(f"{drawn:.{DIGITS}g}"), self.low), self.high)


@dataclass(frozen=True)
class Space:
    """The keys in order; a condition names a key that stands before, or one that does not vary."""

    axes: tuple[Axis, ...]
    config: Config

    @property
    def keys(self) -> list[str]:
        """The keys that vary."""
        return [axis.key for axis in self.axes]

    @property
    def finite(self) -> bool:
        """Whether every key lists its values."""
        return all(axis.values for axis in self.axes)

    @cached_property
    def grid(self) -> list[Setting]:
        """Every setting once, the first key varying slowest."""
        if ranges := [axis.key for axis in self.axes if not axis.values]:
            raise ConfigError(
                f"tune.space.{ranges[0]} is a range: a grid needs values. Add n: 5 (number of values) or step: 10, "
                "or set tune=random or tune=bayes."
            )
        if (n_settings := math.prod(len(axis.values) for axis in self.axes)) > MOST:
            raise ConfigError(
                f"tune.space must hold at most {MOST:,} settings. Got {n_settings:,}: leave out values, or give ranges "
                "without n and step and set tune=random."
            )
        product = itertools.product(*(axis.values for axis in self.axes))
        return unique(self.held(dict(zip(self.keys, values, strict=True))) for values in product)

    def draws(self, rng: np.random.Generator) -> Iterator[Setting]:
        """Yield settings drawn at random, each key independently and evenly."""
        while True:
            yield self.held({axis.key: axis.at(rng.random()) for axis in self.axes})

    def held(self, values: Mapping[str, Any]) -> Setting:
        """Return the values of the keys whose conditions hold."""
        setting: Setting = {}
        for axis in self.axes:
            if self.holds(axis, setting):
                setting[axis.key] = values[axis.key]
        return setting

    def holds(self, axis: Axis, setting: Setting) -> bool:
        """Return whether the conditions of a key hold, given the keys before it."""
        if not axis.when:
            return True
        varied = set(self.keys)
        flat = schema.flat(self.config)
        flat |= {PARAMS + name: value for name, value in self.config.model.params.items()}
        found = {key: setting.get(key) if key in varied else flat.get(key) for key in axis.when}
        return all(found[key] in allowed for key, allowed in axis.when.items())

    def configured(self, setting: Setting, more: Mapping[str, Any] | None = None) -> Config:
        """Return the checked configuration of a setting; a key whose condition fails has its default."""
        idle = {key for key in self.keys if key not in setting}
        params = {
            name: value for name, value in self.config.model.params.items() if PARAMS + name not in idle
        }
        defaults = {key: default(declared()[key]) for key in idle if not key.startswith(PARAMS)}
        return configuration.with_changes(
            self.config, {"model.params": params} | defaults | setting | dict(more or {})
        )


def of(config: Config) -> Space:
    """Return the space that the node `tune` describes, every key and value checked.

    Raises
    ------
    ConfigError
        The space is empty, names what cannot be tuned, or holds a value that its key refuses.
    """
    axes: list[Axis] = []
    for key, node in _entries(config.tune.space, "").items():
        if node is None:
            continue
        _check_key(key)
        axis = axis_of(key, node, config.tune.first)
        for value in axis.values or (axis.low, axis.high):
            _check_value("tune.space", key, value)
        axes.append(axis)
    if not axes:
        raise ConfigError(
            f"tune={config.tune.strategy} needs a search space, and task={config.task.name} defines none. Add one: "
            f"{EXAMPLE}."
        )
    _check_conditions(axes)
    space = Space(tuple(axes), config)
    if space.finite and len(space.grid) < 2:
        raise ConfigError(
            f"tune.space contains a single setting ({words(space.grid[0])}): nothing to search. Add values."
        )
    return space


def unique(settings: Iterator[Setting]) -> list[Setting]:
    """Return the settings without repetitions, in order."""
    return list({canonical(setting): setting for setting in settings}.values())


def canonical(setting: Setting) -> str:
    """Return a text that is equal for equal settings."""
    return json.dumps(setting, sort_keys=True)


def shown(value: Any) -> str:
    """Return a value as it would be typed.

    Examples
    --------
    >>> shown("relu"), shown([64, 32]), shown(None), shown(0.1)
    ('relu', '[64,32]', 'null', '0.1')
    """
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def words(setting: Setting) -> str:
    """Return a setting as it would be typed.

    Examples
    --------
    >>> words({"model.hidden": [64, 32], "model.momentum": 0.9})
    'model.hidden=[64,32] model.momentum=0.9'
    """
    return " ".join(f"{key}={shown(value)}" for key, value in setting.items())


def _entries(node: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return key -> what stands there; keys may be nested or written with dots, and the later one wins."""
    found: dict[str, Any] = {}
    for name, value in node.items():
        inner = isinstance(value, dict) and not set(value) & {"values", "low", "high"}
        found |= _entries(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return found


def axis_of(key: str, node: Any, first: int | None) -> Axis:
    """Return what a key of the space varies over; of a list only the `first` values.

    Raises
    ------
    ConfigError
        What is neither a list of values nor a range.
    """
    entry = node if isinstance(node, dict) else {"values": node}
    if strange := sorted(set(entry) - set(WORDS)):
        raise ConfigError(f"tune.space.{key} takes {', '.join(WORDS)}. Got '{strange[0]}'.")
    conditions = entry.get("when") or {}
    if not isinstance(conditions, dict):
        raise ConfigError(
            f"tune.space.{key}.when must be a mapping of keys to values, such as {{model.optimizer: sgd}}. Got "
            f"{as_typed(conditions)}."
        )
    when = {
        name: tuple(value) if isinstance(value, list) else (value,)
        for name, value in _entries(conditions, "").items()
    }
    if "values" not in entry:
        return _range(key, entry, when, first)
    if both := [name for name in ("low", "high", "log", "step", "n") if name in entry]:
        raise ConfigError(
            f"tune.space.{key} has both a list of values and a range. Remove values, or {' and '.join(both)}."
        )
    values = entry["values"]
    if not isinstance(values, list) or not values:
        raise ConfigError(
            f"tune.space.{key} must be a list of values or a range. Got {as_typed(values)}. {EXAMPLE}."
        )
    once = {json.dumps(value): value for value in values}
    return Axis(key, tuple(once.values())[:first], when=when)


def _range(key: str, entry: Mapping[str, Any], when: dict[str, tuple[Any, ...]], first: int | None) -> Axis:
    low: Any = entry.get("low")
    high: Any = entry.get("high")
    log: Any = entry.get("log", False)
    if not isinstance(log, bool):
        raise ConfigError(f"tune.space.{key}.log must be true or false. Got {as_typed(log)}.")
    if not is_number(low) or not is_number(high) or not low < high or (log and low <= 0):
        raise ConfigError(
            f"tune.space.{key} must have numbers low < high{', low above 0 for log: true' if log else ''}. Got low "
            f"{as_typed(low)}, high {as_typed(high)}."
        )
    axis = Axis(key, (), low, high, log, when)
    step: Any = entry.get("step")
    n: Any = entry.get("n")
    if step is None and n is None:
        return axis
    if (step is None) == (n is None) or not _fits(step, n, log):
        raise ConfigError(
            f"tune.space.{key} takes n (2 or more values), or step (above 0, without log: true). Got "
            f"{as_typed({'n': n, 'step': step, 'log': log})}."
        )
    count = n if step is None else (high - low) / step + 1 + 1e-9
    if count > MOST:
        raise ConfigError(
            f"tune.space.{key} must have at most {MOST:,} values. Got {count:,.0f}: lower n, or raise step."
        )
    part = 1 / (n - 1) if step is None else step / (high - low)
    shares = [k * part for k in range(math.floor(count))]
    listed = [low * (high / low) ** share if log else low + share * (high - low) for share in shares]
    if axis.whole and (step is None or is_whole(step)):
        listed = list(map(round, listed))  # 5 + 7 steps of 5 is 39.99... in floating point
    else:
        listed = list(map(axis.real, listed))
    return Axis(key, tuple(dict.fromkeys(listed))[:first], when=when)


def _fits(step: Any, n: Any, log: bool) -> bool:
    return is_whole(n) and n >= 2 if step is None else is_number(step) and step > 0 and not log


def _check_key(key: str) -> None:
    if not is_key(key):
        raise ConfigError(unknown_key(f"tune.space.{key}"))
    if key.partition(".")[0] not in TUNABLE or "." not in key:
        raise ConfigError(
            f"tune.space.{key} cannot be tuned: only keys of {' and '.join(TUNABLE)} can. Others change the data or "
            "the randomness, not the model."
        )


def _check_value(place: str, key: str, value: Any) -> None:
    if key not in declared() or (rule := declared()[key].metadata["rule"]).accepts(value):
        return
    cure = (
        f" The key takes a list of candidate values, here a list of lists: [{shown([value])}, ...]."
        if rule.accepts([value])
        else ""
    )
    raise ConfigError(f"{place}: {rule.complaint(key, value)}{cure}")


def _check_conditions(axes: Sequence[Axis]) -> None:
    names = [axis.key for axis in axes]
    for place, axis in enumerate(axes):
        for key, allowed in axis.when.items():
            if key in names[place:]:
                raise ConfigError(
                    f"tune.space.{axis.key}: its condition refers to {key}, which must come before it."
                )
            if key not in declared() and not key.startswith(PARAMS):
                raise ConfigError(f"tune.space.{axis.key}.when: {unknown_key(key)}")
            for value in allowed:
                _check_value(f"tune.space.{axis.key}.when", key, value)
