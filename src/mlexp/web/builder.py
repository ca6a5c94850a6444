"""From a form to a command: the keys that there are, with meaning and limits, checked as the program checks them.

Nothing is started and nothing is written: the page shows what to type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from mlexp import dispatch, system
from mlexp.comparisons import study
from mlexp.config import compose as configuration
from mlexp.config import schema, trust
from mlexp.config.editor import task_schema
from mlexp.config.groups import offered
from mlexp.config.overrides import parsed
from mlexp.config.rules import as_typed
from mlexp.errors import MlexpError

GROUPS = ("task", "dataset", "model", "size", "tune")
NOT_HERE = (*trust.TYPED_ONLY, "sweep", "tracking", "expect")  # what is typed, or is no setting of a study
MULTIRUN = "multirun"
MOST_SETTINGS = 100
LONGEST = 2000  # characters of a value


@dataclass(frozen=True)
class Key:
    """A key of the configuration as a form asks for it.

    Attributes
    ----------
    path : such as model.learning_rate
    meaning : with what is allowed
    default : as YAML writes it
    choices : of a closed list; empty for any other
    """

    path: str
    meaning: str
    default: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Built:
    """What a form comes to.

    Attributes
    ----------
    words : what is typed after ``mlexp``
    command : the whole line, for a shell
    yaml : the configuration that it runs; empty if it is refused
    refused : why the program would refuse it; empty if it would not
    said : what would run, in words
    defaults : key -> the value that it has where it is not typed: that of the task, data set and model
    """

    words: Sequence[str]
    command: str
    yaml: str = ""
    refused: str = ""
    said: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)


@cache
def keys() -> dict[str, tuple[str, list[Key]]]:
    """Return by node, "" for keys that are in none, its meaning and the keys of it, from the JSON Schema."""
    whole = task_schema()
    found: dict[str, tuple[str, list[Key]]] = {"": ("General", [])}
    for name, entry in whole["properties"].items():
        if name == "defaults" or trust.within(name, NOT_HERE):
            continue
        if "properties" in entry:
            found[name] = (entry["description"], list(_inside(name, entry)))
        else:
            found[""][1].append(_key(name, entry))
    return found


def _inside(prefix: str, entry: Mapping[str, Any]) -> list[Key]:
    listed = []
    for name, inner in entry["properties"].items():
        path = f"{prefix}.{name}"
        listed += _inside(path, inner) if "properties" in inner else [_key(path, inner)]
    return listed


def _key(path: str, entry: Mapping[str, Any]) -> Key:
    words: list[str] = []
    for one in entry["anyOf"]:
        words += [str(word) for word in one.get("enum", ())]
        if one.get("type") == "boolean":
            words += ["true", "false"]
    closed = words if all("enum" in one or "pattern" in one or one.get("type") in ("boolean", "null")
                          for one in entry["anyOf"]) else []  # fmt: skip
    return Key(path, entry["description"], as_typed(entry["default"]), tuple(dict.fromkeys(closed)))


@cache
def choices() -> dict[str, dict[str, str]]:
    """Return the choices of each group with their meaning."""
    return {group: offered(group) for group in GROUPS}


def built(form: Sequence[tuple[str, str]]) -> Built:
    """Return the command of a form, checked.

    Parameters
    ----------
    form : names and values of its fields; those of no key, and empty ones, are passed over
    """
    known = {*GROUPS, *(key.path for _, listed in keys().values() for key in listed)}
    given = [(name, value.strip()[:LONGEST]) for name, value in form if name in known and value.strip()]
    ordered = sorted(
        given[:MOST_SETTINGS], key=lambda pair: GROUPS.index(pair[0]) if pair[0] in GROUPS else len(GROUPS)
    )
    words = [f"{name}={value}" for name, value in ordered]
    several = any(name == MULTIRUN for name, _ in form)
    flag = ["-m"] if several else []
    command = system.as_command(["mlexp", *flag, *words])
    defaults: Mapping[str, str] = {}
    try:
        trust.check_set("this page", parsed(words))
        defaults = _defaults(tuple(word for word in words if word.partition("=")[0] in GROUPS))
        said = _checked(words, several)
        yaml = "" if several else configuration.shown(words)
    except MlexpError as error:
        return Built(words, command, refused=str(error), defaults=defaults)
    return Built(words, command, yaml, said=said, defaults=defaults)


@lru_cache(64)
def _defaults(words: tuple[str, ...]) -> Mapping[str, str]:
    """Return each key as these choices leave it; nothing where they do not go together, or are a sweep."""
    try:
        return {key: as_typed(value) for key, value in schema.flat(configuration.compose(words)).items()}
    except MlexpError:
        return {}


def _checked(words: list[str], several: bool) -> str:
    """Check what would run as the program does before it begins, and say it."""
    if several:
        return _jobs(len(dispatch.plan_sweep(words, None, ["mlexp", "-m", *words]).jobs))
    config = configuration.compose_run(words)
    if config.task.kind == "comparison":
        return _jobs(len(study.plan(words, None, ["mlexp", *words]).plan.jobs))
    dispatch.check(config)
    return (
        "One run" if config.tune.strategy is None else "A search, and one run with the settings that it finds"
    )


def _jobs(count: int) -> str:
    return f"{count:,} {'job' if count == 1 else 'jobs'}"
