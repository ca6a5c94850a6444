"""A case: what a report states, what it published, and what its unstated settings may have been."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlexp.config import ownfiles, trust, yamltext
from mlexp.config.groups import SUFFIXES, offered
from mlexp.config.overrides import as_settings
from mlexp.errors import ConfigError, did_you_mean, shortened

GROUP = "why"  # folder of conf
KEY = re.compile(r"[a-z]+\.[a-z_.]+")  # of the configuration
APART = 3.0  # difference of log-likelihoods that distinguishes two candidates
MOST_CANDIDATES = 1000
MOST_RUNS = 100  # runs that a report tells of
MOST_POINTS = 10_000  # of a curve
MOST_VALUES = 200_000  # in a file
NOT_OF_A_CASE = ("seed", "tune", "comparison", "page", "figures", "outputs", "size")
COLUMN = re.compile(r"(train|validation)_[a-z0-9_]{1,40}")
OWN = {
    "case": ("about", "source", "settings", "seeds", "finalists", "prefixes", "runs", "unstated"),
    "run": ("settings", "figures", "curves"),
    "figure": ("quantity", "metric", "fact", "value", "digits", "rows", "n_rows"),
    "curve": ("quantity", "column", "epochs", "values", "digits"),
}


@dataclass(frozen=True)
class Published:
    """A figure that was published.

    Attributes
    ----------
    quantity : what a reader calls it
    source : metric such as test.accuracy, fact such as epochs, or column of the history
    kind : metric, fact or column
    epochs : of a curve, one for each value; −1 is the last epoch of a run, −2 the one before
    values : as printed
    half : half a unit of the last digit that was printed
    n_rows : test rows of the report where they are others than ours; 0 where they are the same
    """

    quantity: str
    source: str
    kind: str
    epochs: tuple[int, ...]
    values: tuple[float, ...]
    half: float
    n_rows: int = 0


@dataclass(frozen=True)
class Case:
    """What is known and asked.

    Attributes
    ----------
    name : of the file
    about, source : in words
    settings : what the report states, key -> value
    runs : name -> settings of that run alone, and what was published of it
    unstated : setting -> label of a value -> key -> value
    seeds : runs of each candidate at full length
    finalists : candidates that are run at full length, at most
    prefixes : epochs of the short stages; None: a 16th and a 4th of the longest curve
    values : the file as it was read, for the record
    """

    name: str
    about: str
    source: str
    settings: dict[str, Any]
    runs: dict[str, tuple[dict[str, Any], tuple[Published, ...]]]
    unstated: dict[str, dict[str, dict[str, Any]]]
    seeds: int
    finalists: int
    prefixes: tuple[int, ...] | None
    values: dict[str, Any]

    @property
    def candidates(self) -> list[dict[str, str]]:
        """Every combination of values: setting -> label."""
        labels = [[(name, label) for label in values] for name, values in self.unstated.items()]
        return [dict(pairs) for pairs in itertools.product(*labels)]

    def of(self, candidate: Mapping[str, str]) -> dict[str, Any]:
        """Return the settings of a candidate."""
        return {
            key: value
            for name, label in candidate.items()
            for key, value in self.unstated[name][label].items()
        }


def called(setting: str) -> str:
    """Return the name of an unstated setting in a sentence; one that is called by its key by the end of that.

    Examples
    --------
    >>> called("model.batch_size"), called("weights kept")
    ('batch size', 'weights kept')
    """
    return setting.rpartition(".")[2].replace("_", " ") if KEY.fullmatch(setting) else setting


def read(word: str) -> Case:
    """Return the case of a shipped file by its name, or of a person's own file by its path.

    Raises
    ------
    ConfigError
        There is none, or something in it cannot be; nothing in it is evaluated.
    """
    file = _file(word)
    try:
        values = yamltext.parsed(ownfiles.content(file), MOST_VALUES)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from error
    except yamltext.Broken as error:
        raise ConfigError(f"{file}, {error}") from error
    try:
        return of(file.stem, values)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def _file(word: str) -> Path:
    known = offered(GROUP)
    if word in known:
        return Path(yamltext.__file__).parents[1] / "conf" / GROUP / f"{word}.yaml"
    path = Path(word)
    if path.suffix in SUFFIXES and "\0" not in word:
        return path
    raise ConfigError(
        f"'{shortened(word)}' is no case.{did_you_mean(word, known)} Name one of {', '.join(known)}, or a file of "
        "yours that ends in .yaml."
    )


def of(name: str, values: Any) -> Case:
    """Return the case that a file holds, all of it checked.

    Raises
    ------
    ConfigError
        The message names the place.
    """
    values = _mapping("the file", values, OWN["case"])
    settings = _settings("settings", values.get("settings"))
    runs = {
        _name("runs", run): _run(f"runs.{run}", entry)
        for run, entry in _mapping("runs", values.get("runs")).items()
    }
    unstated = {
        _name("unstated", setting): _values(f"unstated.{setting}", setting, choices)
        for setting, choices in _mapping("unstated", values.get("unstated")).items()
    }
    _refuse_clashes({run: own for run, (own, _) in runs.items()}, unstated)
    n_candidates = math.prod(map(len, unstated.values()))
    if not 1 <= len(runs) <= MOST_RUNS or not 2 <= n_candidates <= MOST_CANDIDATES:
        raise ConfigError(
            f"A case has 1 to {MOST_RUNS} runs and 2 to {MOST_CANDIDATES:,} candidates, all combinations of the values "
            f"of its unstated settings. Got {len(runs)} and {n_candidates:,}."
        )
    prefixes = values.get("prefixes")
    if prefixes is not None:
        prefixes = tuple(sorted({_whole("prefixes", one, 1) for one in _list("prefixes", prefixes)}))
    return Case(
        name=name,
        about=_text("about", values.get("about", "")),
        source=_text("source", values.get("source", "")),
        settings=settings,
        runs=runs,
        unstated=unstated,
        seeds=_whole("seeds", values.get("seeds", 5), 3, 1000),
        finalists=_whole("finalists", values.get("finalists", 8), 2),
        prefixes=prefixes,
        values=values,
    )


def narrowed(case: Case, *, seeds: int | None = None, only: Sequence[str] = ()) -> Case:
    """Return the case with another number of seeds, or with some of its runs alone."""
    values = dict(case.values)
    if seeds is not None:
        values["seeds"] = seeds
    if unknown := [name for name in only if name not in case.runs]:
        near = did_you_mean(unknown[0], list(case.runs))
        raise ConfigError(
            f"--only names the run '{unknown[0]}', which this case does not have.{near} Its runs: "
            f"{', '.join(case.runs)}."
        )
    if only:
        values["runs"] = {name: entry for name, entry in values["runs"].items() if str(name) in only}
    return of(case.name, values)


def _run(where: str, entry: Any) -> tuple[dict[str, Any], tuple[Published, ...]]:
    own = _mapping(where, entry, OWN["run"])
    figures = [
        _figure(f"{where}.figures[{k}]", one) for k, one in enumerate(_list(where, own.get("figures", [])))
    ]
    curves = [
        _curve(f"{where}.curves[{k}]", one) for k, one in enumerate(_list(where, own.get("curves", [])))
    ]
    if not figures and not curves:
        raise ConfigError(f"{where} needs figures or curves that were published. Got neither.")
    return _settings(f"{where}.settings", own.get("settings", {}), empty=True), (*figures, *curves)


def _figure(where: str, entry: Any) -> Published:
    own = _mapping(where, entry, OWN["figure"])
    if ("metric" in own) == ("fact" in own) or "value" not in own:
        raise ConfigError(
            f"{where} needs a value, and either a metric such as test.accuracy or a fact such as epochs."
        )
    kind = "metric" if "metric" in own else "fact"
    source = _text(f"{where}.{kind}", own[kind])
    if kind == "metric" and not re.fullmatch(r"(train|validation|test)\.[a-z0-9_]+", source):
        raise ConfigError(
            f"{where}.metric must be a set and a metric, such as test.accuracy. Got '{source}'."
        )
    if own.get("rows", "same") not in ("same", "others"):
        raise ConfigError(f"{where}.rows must be same or others. Got {own['rows']!r}.")
    n_rows = 0
    if own.get("rows") == "others":
        if kind == "fact" or "n_rows" not in own:
            raise ConfigError(f"{where}: rows: others needs a metric, and n_rows, the number of those rows.")
        n_rows = _whole(f"{where}.n_rows", own["n_rows"], 1, 10**9)
    values, half = _numbers(where, [own["value"]], own.get("digits"))
    quantity = _text(f"{where}.quantity", own.get("quantity", source.replace(".", " ")))
    return Published(quantity, source, kind, (), values, half, n_rows)


def _curve(where: str, entry: Any) -> Published:
    own = _mapping(where, entry, OWN["curve"])
    column = _text(f"{where}.column", own.get("column", ""))
    if not COLUMN.fullmatch(column):
        raise ConfigError(
            f"{where}.column must be a column of history.csv, such as validation_loss. Got '{column}'."
        )
    epochs = _list(f"{where}.epochs", own.get("epochs"))
    values, half = _numbers(where, _list(f"{where}.values", own.get("values")), own.get("digits"))
    if not 1 <= len(epochs) <= MOST_POINTS or len(epochs) != len(values):
        raise ConfigError(
            f"{where} needs one value for each epoch. Got {len(epochs)} epochs and {len(values)} values."
        )
    whole = tuple(_whole(f"{where}.epochs", epoch, -(10**6)) for epoch in epochs)
    if not (min(whole) > 0 or max(whole) < 0) or list(whole) != sorted(set(whole)):
        raise ConfigError(f"{where}.epochs must rise, from 1, or to −1 where they count from the last epoch.")
    quantity = _text(f"{where}.quantity", own.get("quantity", column.replace("_", " ")))
    return Published(quantity, column, "column", whole, values, half)


def _numbers(where: str, values: Sequence[Any], digits: Any) -> tuple[tuple[float, ...], float]:
    """Return values, and half a unit of the last digit of the longest one, or of those that `digits` says."""
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(f"{where}: a published figure is a number. Got {shortened(repr(value))}.")
    if digits is None:
        places = [len(repr(value).partition(".")[2]) if "e" not in repr(value) else 12 for value in values]
        digits = max(
            (0 if float(value).is_integer() else place for value, place in zip(values, places, strict=True)),
            default=0,
        )
    return tuple(map(float, values)), 0.5 * 10.0 ** -_whole(f"{where}.digits", digits, 0, 15)


def _values(where: str, setting: str, choices: Any) -> dict[str, dict[str, Any]]:
    """Return label -> settings; a list of values is of the key that the setting is called by."""
    if isinstance(choices, list):
        choices = {_label(one): {setting: one} for one in choices}
    found = {
        _name(where, label): _settings(f"{where}.{label}", bundle, empty=True)
        for label, bundle in _mapping(where, choices).items()
    }
    if not found:
        raise ConfigError(f"{where} needs at least one value.")
    return found


def _label(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(map(_label, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _settings(where: str, values: Any, *, empty: bool = False) -> dict[str, Any]:
    found = dict(yamltext.leaves(_mapping(where, values or {})))
    if not found and not empty:
        raise ConfigError(f"{where} must name what the report states, at least task. Got nothing.")
    more = NOT_OF_A_CASE if where == "settings" else (*NOT_OF_A_CASE, "task")
    trust.check_set(where, as_settings(found), more)
    return found


def _refuse_clashes(
    runs: Mapping[str, Mapping[str, Any]],
    unstated: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> None:
    """Refuse a key that two unstated settings vary, or a run sets too: one of them would win unseen."""
    keys = {name: {key for bundle in values.values() for key in bundle} for name, values in unstated.items()}
    others = {f"runs.{run}.settings": set(own) for run, own in runs.items()}
    for name, own in keys.items():
        for place, theirs in {
            **{f"unstated.{other}": keys[other] for other in keys if other != name},
            **others,
        }.items():
            if both := sorted(own & theirs):
                raise ConfigError(f"unstated.{name} and {place} both set {both[0]}. Leave it to one of them.")


def _mapping(where: str, value: Any, known: Sequence[str] = ()) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str | int | float) for name in value):
        raise ConfigError(f"{where} must be a mapping of names. Got {shortened(repr(value))}.")
    for name in value:
        if known and name not in known:
            near = did_you_mean(str(name), list(known))
            raise ConfigError(
                f"{where} has no entry '{shortened(str(name))}'.{near} Entries: {', '.join(known)}."
            )
    return {str(name): one for name, one in value.items()}


def _list(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} must be a list. Got {shortened(repr(value))}.")
    return value


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 1000:
        raise ConfigError(f"{where} must be text of at most 1,000 characters. Got {shortened(repr(value))}.")
    return " ".join(value.split())


def _name(where: str, value: str) -> str:
    if not value.strip() or len(value) > 80 or not value.isprintable():
        raise ConfigError(f"{where}: a name has 1 to 80 printable characters. Got {shortened(repr(value))}.")
    return value


def _whole(where: str, value: Any, least: int, most: int = 10**6) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(
            f"{where} must be a whole number from {least:,} to {most:,}. Got {shortened(repr(value))}."
        )
    return value
