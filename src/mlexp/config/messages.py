"""What a word that mlexp does not know is told: the nearest key, or what the name of another tool is here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlexp.config import habits, trust, yamltext
from mlexp.config.groups import files
from mlexp.config.names import ENGINE_MODELS, GROUPS, KINDS
from mlexp.config.overrides import Override, parsed, spelt
from mlexp.config.rules import here, nearest
from mlexp.config.schema import declared, foreign
from mlexp.errors import LONG, ConfigError, did_you_mean, plain, shortened

SHOWN = 8  # names that one line may list
OPEN = (
    "model.params",
    "model.base_params",
    "execution.options",
    "tune.space",
    "comparison.arms",
    "comparison.grid",
    "expect",
)
NAMELESS = (
    "name",
    "type",
    "kind",
    "class",
    "_target_",
)  # optimizer.name says of the optimizer which one it is
A_TABLE = re.compile(r"\.(csv|tsv|txt|npz|parquet|xlsx?|jsonl?|arff)(\.\w+)?$", re.IGNORECASE)
NODES = {key.rpartition(".")[0] for key in declared()} - {""}
ANYWHERE = (
    "model",
    "prepare",
    "split",
    "dataset",
)  # nodes of every study, in the order in which they are offered


@dataclass(frozen=True)
class Context:
    """What a hint depends on.

    Attributes
    ----------
    kinds : kind of the task, and of what a comparison compares
    model : its model
    search : whether settings are searched
    typed : keys that were typed
    """

    kinds: tuple[str, ...] = ("classification",)
    model: str = "mlp"
    search: bool = False
    typed: tuple[str, ...] = ()


def context(overrides: Iterable[Override], config_dir: str | None = None) -> Context:
    """Return what typed settings say of the task, its file included."""
    typed = {one.key: one.value or "" for one in spelt(overrides, config_dir)}
    said = _task_file(typed.get("task", "digits_mlp"), config_dir)
    kind = typed.get("task.kind", said.get("task.kind", "classification"))
    compared = typed.get("comparison.of", said.get("comparison.of", "classification"))
    model = typed.get("model.name", typed.get("model", said.get("override /model", "mlp")))
    tune = typed.get("tune", typed.get("tune.strategy", said.get("override /tune", "none")))
    kinds = (kind, compared) if kind == "comparison" else (kind,)
    return Context(kinds, model, tune not in ("none", "null"), tuple(typed))


def _task_file(name: str, config_dir: str | None) -> dict[str, str]:
    """Return what a task file sets as text, key by key, its defaults list included; nothing of one that is damaged."""
    for file in files("task", config_dir):
        if file.stem == name and file.stat().st_size <= yamltext.LONGEST:
            try:
                values = yamltext.parsed(file.read_bytes())
            except (OSError, yamltext.Broken):  # composing says what is wrong with it
                return {}
            if isinstance(values, dict):
                entries = values.get("defaults")
                chosen = (
                    [entry for entry in entries if isinstance(entry, dict)]
                    if isinstance(entries, list)
                    else []
                )
                found = [*yamltext.leaves(values), *(item for entry in chosen for item in entry.items())]
                return {str(key): value for key, value in found if isinstance(value, str)}
    return {}


def understood(overrides: Sequence[Override], config_dir: str | None = None) -> list[Override]:
    """Return typed settings with names as files and lists spell them, once every key in them is known.

    Raises
    ------
    ConfigError
        A word that is not a setting, or whose key no one declared.
    """
    for one in overrides:
        if one.value is None and not one.text.startswith(("~", "-")):
            raise ConfigError(bare(one.text, config_dir))
        if not one.key or is_key(one.key) or any(map(trust.CALLS.fullmatch, one.key.split("."))):
            continue
        raise ConfigError(unknown_key(one.key, context(overrides, config_dir), one.value or ""))
    for one in overrides:
        value = one.value or ""
        if one.value is not None and one.key in NODES - set(GROUPS) and not re.search(r"[{$]", value):
            raise ConfigError(_not_a_value(one.key, context(overrides, config_dir), value))
        if one.key == "dataset" and A_TABLE.search(value):
            raise ConfigError(f"{shortened(one.text)} names a file, and no data set. Type {data(value)}")
    return spelt(overrides, config_dir)


def is_key(path: str) -> bool:
    """Return whether a key may be typed: it is declared, a node, a group, or lies in a mapping of free names."""
    top = path.partition("@")[0]
    return (
        path in declared()
        or path in NODES
        or top in GROUPS
        or any(f"{path}.".startswith(f"{name}.") for name in OPEN)
    )


def unknown_key(path: str, where: Context | None = None, value: str | None = None) -> str:
    """Say in one line that `path` is not a key, and what to type instead.

    Parameters
    ----------
    path : the key, as typed
    where : what is known of the task
    value : what was typed for it, if that is known

    Examples
    --------
    >>> unknown_key("lr", value="0.1")
    'lr is not a key. Here it is model.learning_rate: type model.learning_rate=0.1'
    >>> unknown_key("model.activaton")
    "model.activaton is not a key. Did you mean 'model.activation'?"
    """
    path = shortened(path, LONG)
    return (
        f"{path} is not a key.{_cure(path, where or Context(), value if len(value or '') <= LONG else None)}"
    )


def typed_instead(name: str, value: str | None = None) -> str | None:
    """Return a sentence that says what to type for an option such as ``--lr 0.1``; None if it is like no key."""
    key = plain(name)
    if key in declared() or key in GROUPS:
        return f"Type {key}={value or 'VALUE'}"
    if (row := _habit(key, Context(), value)) is not None:
        return f"Type {_line(row, value, Context())}" if row.typed else row.note
    found = next(_by_name(key, Context(), value), None) or next(_of_estimators(key, Context(), value), None)
    if found is None:
        return None
    return f"Type {found}" if "=" in found else f"Type {found}={value or 'VALUE'}"


def table() -> list[tuple[str, str, str]]:
    """Return names that other tools use, what is typed here instead, and what else there is to know, row by row."""
    rows = [(row.names, row.typed.format(row.example), row.note) for row in habits.HABITS]
    of_models = {
        name: [model for model, params in habits.PARAMS.items() if name in params.split()]
        for name in dict.fromkeys(" ".join(habits.PARAMS.values()).split())
    }
    short = {name: [word for word, meant in habits.SHORT.items() if meant == name] for name in of_models}
    for name, models in of_models.items():
        rows.append(
            (" ".join([name, *short[name]]), f"model.params.{name}=VALUE", f"model={', '.join(models)}")
        )
    return rows


def keys_of(typed: str) -> set[str]:
    """Return the keys of a line that is typed.

    Examples
    --------
    >>> sorted(keys_of("-m seed=0,1 model.l2=0"))
    ['model.l2', 'seed']
    """
    return {one.key for one in parsed(typed.split()) if one.value is not None}


def bare(word: str, config_dir: str | None = None, value: str | None = None) -> str:
    """Say what to type instead of a word without ``=``: the name of a task, a file, a key."""
    said = f"'{shortened(word, LONG)}' is not a setting: settings are written key=value."
    for group in GROUPS:
        (named,) = spelt([f"{group}={word}"], config_dir)
        if named.value in {file.stem for file in files(group, config_dir)}:
            return f"{said} Type {named.text}"
    if A_TABLE.search(word):
        return f"{said} Type {data(word)}"
    if re.search(r"\.ya?ml$", word):
        return f"{said} Put the file in DIR/task and type --config-dir DIR task={Path(word).stem}"
    instead = typed_instead(word, value)
    if instead is not None:
        return f"{said} {instead}"
    tasks = [file.stem for file in files("task", config_dir)]
    return said + did_you_mean(word, tasks).replace("'", "'task=", 1)


def verb_instead(word: str, rest: Sequence[str], verbs: Sequence[str]) -> str:
    """Say what to type instead of a first word that is not a verb."""
    name = plain(word)
    if (form := habits.VERBS.get(word.lower(), habits.VERBS.get(name))) is not None:
        return f"'{word}' is not a verb. Type {form.format(' '.join(rest)).strip()}"
    near = difflib.get_close_matches(name, list(verbs), n=1, cutoff=0.75)
    if near:
        return f"'{word}' is not a verb. Did you mean '{near[0]}'?"
    said = bare(word, value=next((one for one in rest if one != "=" and not one.startswith("-")), None))
    if said.endswith("key=value."):
        return f"'{word}' is not a verb. Verbs: mlexp --help. Settings are written key=value."
    return said


def flag_instead(flag: str, value: str, flags: Sequence[str], verbs: Sequence[str]) -> str:
    """Say what to type instead of a flag that there is not: a setting, a verb, or the flag that is nearest."""
    said, name = f"'{flag}' is not a flag of mlexp.", plain(flag)
    if name in verbs:
        return f"{said} Type mlexp {name}"
    near = did_you_mean(flag, [one for one in flags if one.startswith("--")]) if flag.startswith("--") else ""
    instead = typed_instead(flag, "" if value.startswith("-") or "=" in value else value)
    if instead is not None and (name in declared() or name in GROUPS or not near):
        return f"{said} {'Settings have no dashes. ' * instead.startswith('Type')}{instead}"
    return f"{said}{near} See mlexp --help."


def _cure(path: str, where: Context, value: str | None) -> str:
    parent, _, last = path.rpartition(".")
    name = plain(last)
    if parent and parent not in NODES and name in NAMELESS:
        parent, _, name = plain(parent).rpartition(".")
    if parent and parent not in NODES:
        of_name = [key for key in declared() if key.rpartition(".")[2] == name]
        if near := difflib.get_close_matches(path, of_name, n=1, cutoff=0.8):
            return f" Did you mean '{near[0]}'?"
    if parent in KINDS:
        where = replace(where, kinds=(parent, *where.kinds))
    elif parent in ("tune", "sweep", "execution"):
        where = replace(where, search=True)
    siblings = {key.rpartition(".")[2]: key for key in declared() if key.rpartition(".")[0] == parent}
    if name in siblings or (not parent and name in GROUPS):
        return f" Did you mean '{siblings.get(name, name)}'?"
    if (parent == "tune" or parent.startswith("tune.space")) and (tuned := _tuned(name, where)):
        return f" Did you mean 'tune.space.{tuned}'?"
    if path.startswith("tune.space."):
        return _cure(path.removeprefix("tune.space."), where, None).replace(" '", " 'tune.space.")
    for found in _of_estimators(name, where, value) if where.model not in ENGINE_MODELS else ():
        return f" Here it is {_key(found)}: type {found}"
    own = next((key for key in _by_name(name, where, value) if _own(key, where) or _lists(key, value)), None)
    if own is not None:
        return f" Did you mean '{own}'?" if not foreign(where.model, own) else _of_networks(own, where)
    row = _habit(name, where, value)
    same = siblings.get(_key(row.typed).rpartition(".")[2]) if row is not None and row.typed else None
    if row is not None and same is not None and same != _key(row.typed):
        return f" Here it is {same}: type {same}={_line(row, value, where).rpartition('=')[2]}"
    if row is not None:
        return _told(row, where, value)
    for found in _by_name(name, where, value):
        return f" Did you mean '{found}'?"
    for found in _of_estimators(name, where, value):
        return f" Here it is {_key(found)}: type {found}"
    return _nearest(name, parent, siblings, where)


def _told(row: habits.Habit, where: Context, value: str | None) -> str:
    """Return what a row of the table says, unless the model has no use for it."""
    if not row.typed:
        return f" {row.note}"
    line = _line(row, value, where)
    key = _key(line)
    if "model=" not in row.typed and foreign(where.model, key):
        return _of_networks(key, where)
    return f" Here it is {key}{f' ({row.note})' if row.note else ''}: type {line}"


def _of_networks(key: str, where: Context) -> str:
    return f" {key} belongs to the built-in networks (model=mlp), and model={where.model} is none of them."


def _tuned(name: str, where: Context) -> str | None:
    """Return the key of `model` or `prepare` that a search could vary under that name."""
    row = _habit(name, where)
    keys = [*_by_name(name, where, None), *([_key(row.typed)] if row is not None and row.typed else [])]
    return next((key for key in keys if key.startswith(("model.", "prepare."))), None)


def _nearest(name: str, parent: str, siblings: Mapping[str, str], where: Context) -> str:
    """Return the nearest spelling, or else where the keys are listed."""
    names = {name: None for row in habits.HABITS for name in row.names.split()}
    everywhere = {key.rpartition(".")[2]: None for key in declared()} | dict.fromkeys((*NODES, *GROUPS))
    for known, cutoff in ((siblings, 0.7), (everywhere, 0.99 if parent in NODES else 0.8), (names, 0.8)):
        close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
        if close and known is names:
            return _cure(close[0], where, None)
        if close:
            near = close[0]
            return f" Did you mean '{siblings.get(near) or next(_by_name(near, where, None), near)}'?"
    if siblings and parent and len(siblings) <= SHOWN:
        return f" Keys of {parent}: {', '.join(siblings)}."
    return f" All keys: mlexp list keys{f' {parent}' if siblings and parent else ''}"


def _by_name(name: str, where: Context, value: str | None) -> Iterator[str]:
    """Yield the keys of that name that take the value: of the model, the task's kind, all studies, other kinds."""
    found = [
        key
        for key in declared()
        if key.rpartition(".")[2] == name
        and key != "model.params"
        and ("." not in key or name not in NAMELESS)
    ]
    ranks = ["model", *where.kinds, *(["tune"] if where.search else []), *ANYWHERE, ""]
    ranked = sorted(
        found, key=lambda key: ranks.index(node) if (node := key.rpartition(".")[0]) in ranks else 99
    )
    yield from (key for key in ranked if value is None or _takes(key, value))


def _own(key: str, where: Context) -> bool:
    """Return whether a key belongs to the model, to the kind of the task, or to the search that there is."""
    return key.rpartition(".")[0] in ("model", *where.kinds, *(["tune"] if where.search else []))


def _lists(key: str, value: str | None) -> bool:
    """Return whether the key has a closed list in which the value stands: that value speaks for it."""
    rule = declared()[key].metadata["rule"]
    return value is not None and rule.spelt(value) in rule.choices


def _of_estimators(name: str, where: Context, value: str | None) -> Iterator[str]:
    """Yield how a parameter of a scikit-learn model is typed, of the chosen model if that has it."""
    name = habits.SHORT.get(name, name)
    having = [model for model, params in habits.PARAMS.items() if name in params.split()]
    if where.model in having:
        yield f"model.params.{name}={value or 'VALUE'}"
    elif having and where.model in ENGINE_MODELS:
        yield f"model={having[0]} model.params.{name}={value or 'VALUE'}"


def _habit(name: str, where: Context, value: str | None = None) -> habits.Habit | None:
    """Return the row of the table that has the name and fits the task; a number is not a file."""
    number = re.fullmatch(r"[\d.]+%?", value or "")
    for row in habits.HABITS:
        fits = (not row.kinds or set(where.kinds) & set(row.kinds)) and (
            not row.models or where.model in row.models
        )
        fits = fits and (where.search or not row.search) and not (number and row.form == "data")
        if name in row.names.split() and fits:
            return row
    return None


def _line(row: habits.Habit, value: str | None, where: Context) -> str:
    """Return what to type for a row, with the value that came if it can be kept, without what was typed already."""
    made = FORMS[row.form](value) if value and len(value) <= LONG else None
    if row.form == "data":
        return made or row.example
    key = _key(row.typed)
    made = here(made) if made and key in declared() and not _takes(key, made) else made
    several = row.typed.startswith("-m")
    if made is None or (key in declared() and not several and not _takes(key, made)):
        made = row.example
    if key in GROUPS:
        near = nearest(made, [file.stem for file in files(key)])
        made = near.split("'")[1] if near else row.example
    (last,) = spelt([f"{key}={made}"])
    *before, _ = row.typed.split()
    return " ".join([*(word for word in before if Override.parse(word).key not in where.typed), last.text])


def _key(line: str) -> str:
    """Return the key of the last word of what is typed."""
    return Override.parse(line.split()[-1]).key


def _takes(key: str, text: str) -> bool:
    """Return whether a key takes what was typed, or every one of several values with commas between."""
    rule = declared()[key].metadata["rule"]
    parts = [part for part in re.split(r",(?![^\[({]*[\])}])", text) if part]
    return bool(parts) and len(text) <= LONG and all(rule.accepts(rule.spelt(_read(part))) for part in parts)


def _read(text: str) -> Any:
    """Return a typed value as a number, a list, true, false, null or text."""
    try:
        return yamltext.parsed(text.encode())
    except ValueError:  # no YAML, or half a letter
        return text


def _not_a_value(node: str, where: Context, value: str) -> str:
    """Say that a node holds keys and takes no value, with the key that is meant if its name is one elsewhere."""
    row = _habit(node, where, value)
    if row is not None:
        return f"{node} takes no value.{_told(row, where, value)}"
    own = [key.rpartition(".")[2] for key in declared() if key.rpartition(".")[0] == node]
    keys = f"{', '.join(own)}." if len(own) <= SHOWN else f"mlexp list keys {node}"
    return f"{node} takes no value: it holds other keys, written {node}.KEY=VALUE. Its keys: {keys}"


# How a value that another tool takes is written here
def _widths(text: str) -> str | None:
    """Return hidden widths as a list: ``(64, 32)``, ``64,32`` and ``64`` are what other tools take."""
    numbers = re.findall(r"\d+", text)
    if not numbers or re.search(r"[^\d\s,()\[\]x-]", text):
        return None
    return f"[{','.join(numbers)}]"


def _depth(text: str) -> str | None:
    """Return so many hidden layers of the default width."""
    return f"[{','.join(['64'] * int(text))}]" if text.isdigit() and 0 < int(text) < 20 else None


def _complement(text: str) -> str | None:
    try:
        share = float(text)
    except ValueError:
        return None
    return f"{1 - share:.4g}" if 0 < share < 1 else None


def data(text: str) -> str | None:
    """Return how a data set is named: by the name of one of ours, or as a file."""
    (named,) = spelt([f"dataset={text}"])
    if named.value in {file.stem for file in files("dataset")}:
        return named.text
    reader = "npz" if text.lower().endswith(".npz") else "csv"
    return f"dataset={reader} dataset.path={text}"


FORMS: dict[str, Callable[[str], str | None]] = {
    "same": lambda text: f"{float(text[:-1]) / 100:g}" if re.fullmatch(r"\d+(\.\d+)?%", text) else text,
    "widths": _widths,
    "layers": lambda text: _depth(text) if len(text) == 1 else _widths(text),
    "depth": _depth,
    "list": lambda text: text if text.startswith("[") else f"[{text}]",
    "complement": _complement,
    "switch": lambda text: "null" if text.lower() in ("false", "0", "none", "null") else None,
    "true": lambda text: text if text.lower() in ("true", "false") else "true",
    "scale": lambda text: "none" if text.lower() in ("false", "none", "null") else here(text),
    "folds": lambda text: (
        ",".join(f"{k}/{text}" for k in range(1, int(text) + 1))
        if text.isdigit() and 1 < int(text) <= 10
        else None
    ),
    "range": lambda text: f"range(0,{text})" if text.isdigit() and int(text) > 1 else None,
    "values": lambda text: text.strip("[]") if re.fullmatch(r"\[?\d+(,\d+)*\]?", text) else None,
    "mapping": lambda text: text if text.startswith("{") else None,
    "data": data,
    "problem": lambda text: {"regression": "regress", "regressor": "regress"}.get(text.lower(), "classify"),
    "tracking": lambda text: "none" if text.lower() in ("false", "none") else None,
}
