"""What may follow on a command line: verbs, flags, runs, keys and the values that they take.

Asked at every press of the tab key, so nothing heavy is imported: the flags of a verb are read from its source, for its
module would import NumPy.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from mlexp.config.groups import config_folder, offered
from mlexp.config.names import GROUPS, LISTED
from mlexp.config.plugged import FLAG, asked, installed
from mlexp.errors import ConfigError
from mlexp.verbs.table import BEFORE_VERBS, FLAGS, HELP, OPTIONS, VALUES, VERBS

Offers = dict[str, str]  # what may be typed -> what it means
MOST_PATHS = 200
STATUSES = ("completed", "failed", "diverged", "interrupted", "running", "damaged")


@dataclass(frozen=True)
class Argument:
    """One argument of a verb, as its parser declares it.

    Attributes
    ----------
    flags : its names; empty where its place names it
    takes : what stands for its value in the help, such as RUN or FILE; empty for a switch
    choices : the words that it takes, if they are written out
    """

    flags: tuple[str, ...]
    takes: str
    meaning: str = ""
    choices: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True)
class Line:
    """What has been typed: the words before the one that is completed, and that word up to the cursor."""

    words: Sequence[str]
    word: str
    flags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Line | None:
        """Return the line of a text that begins with the name of the program; None within quotes."""
        try:
            words = shlex.split(text)
        except ValueError:
            return None
        word = words.pop() if words and not text[-1].isspace() else ""
        flags = {}
        for flag, value in zip(words, [*words[1:], word], strict=True):
            name, equals, inside = flag.partition("=")
            flags[name] = inside if equals else value
        return cls(words[1:], word, flags)

    @property
    def config_dir(self) -> str | None:
        """The folder of the person's own files, if there is one."""
        found = config_folder(self.flags.get("--config-dir") or self.flags.get("-cd"))
        return found if found and os.path.isdir(found) else None

    @property
    def outputs(self) -> str:
        """The folder in which runs are searched."""
        return self.flags.get("--outputs", "outputs")


def offers(text: str) -> Offers:
    """Return what the last word of a command line may become, and what each means.

    Examples
    --------
    >>> list(offers("mlexp model.activation=leaky")), list(offers("mlexp sho"))
    (['model.activation=leaky_relu'], ['show'])
    """
    line = Line.of(text)
    if line is None:
        return {}
    line = replace(line, words=_without_plugins(line.words)) if (found := _plugins(line)) is None else line
    before = [word for word in line.words if word not in BEFORE_VERBS]
    verb = before[0] if before and before[0] in VERBS else ""
    if found is None:
        found = _of_verb(line, verb, before[1:]) if verb else _of_run(line, first=not before)
        found |= (
            {FLAG: meanings().get(FLAG, "")} if line.word.startswith("-") and "=" not in line.word else {}
        )
    return {offer: meaning for offer, meaning in found.items() if offer.startswith(line.word)}


def _plugins(line: Line) -> Offers | None:
    """Return the installed plugins where one is to be named; None elsewhere."""
    name, equals, _ = line.word.partition("=")
    prefix = f"{FLAG}=" if equals and name == FLAG else ""
    if not prefix and line.words[-1:] != [FLAG]:
        return None
    return {f"{prefix}{name}": "an installed plugin" for name in installed()}


def _without_plugins(words: Sequence[str]) -> Sequence[str]:
    """Return the words without those that load plugins, which may stand anywhere; all where a name is missing."""
    try:
        return asked(words)[1]
    except ConfigError:
        return words


def _of_run(line: Line, *, first: bool) -> Offers:
    flag = FLAGS.get(line.words[-1], "") if line.words else ""
    if flag in VALUES:
        return dict.fromkeys(VALUES[flag], "") or paths(line.word, only_folders=True)
    if line.word.startswith("-"):
        return {word: meanings().get(word, "") for word in (*OPTIONS, *FLAGS) if word.startswith("--")}
    verbs = {name: meanings().get(name, "") for name in VERBS} if first and "=" not in line.word else {}
    return verbs | settings(line)


def _of_verb(line: Line, verb: str, before: Sequence[str]) -> Offers:
    known = described(verb)
    flags = {flag: one for one in known for flag in one.flags}
    name, equals, _ = line.word.partition("=")
    if equals and name in flags:
        inside = Line(line.words, line.word[len(name) + 1 :], line.flags)
        return {f"{name}={offer}": meaning for offer, meaning in values_of(flags[name], inside, verb).items()}
    if line.word.startswith("-"):
        return {flag: one.meaning for one in known for flag in one.flags if flag.startswith("--")} | {
            "--help": "how it is used"
        }
    if before and before[-1] in flags and flags[before[-1]].takes:
        return values_of(flags[before[-1]], line, verb)
    places = [one for one in known if not one.flags]
    values = {place + 1 for place, word in enumerate(before) if word in flags and flags[word].takes}
    count = sum(not word.startswith("-") and place not in values for place, word in enumerate(before))
    if not places or (count >= len(places) and not places[-1].many):
        return {}
    return values_of(places[min(count, len(places) - 1)], line, verb)


def values_of(argument: Argument, line: Line, verb: str) -> Offers:
    """Return what an argument of a verb takes."""
    makers: dict[str, Callable[[], Offers]] = {
        "RUN": lambda: runs(line),
        "KEY": lambda: keys(line.word) | (settings(line) if verb == "explain" else {}),
        "key=value": lambda: settings(line),
        "KEY=VALUE": lambda: settings(line),
        "TEXT": dict,
        "DIR": lambda: paths(line.word, only_folders=True),
        "what": lambda: dict.fromkeys((*LISTED.values(), "keys", "runs"), ""),
        "task": lambda: tasks(line),
        "status": lambda: dict.fromkeys(STATUSES, ""),
        "name": lambda: offered("dataset", line.config_dir) | paths(line.word),
    }
    if argument.choices:
        return dict.fromkeys(argument.choices, "")
    return makers.get(argument.takes, lambda: paths(line.word))()


def settings(line: Line) -> Offers:
    """Return keys that begin with the word, up to their next dot; or behind a ``=`` the values of its key."""
    bare = line.word.lstrip("+~")
    prefix = line.word[: len(line.word) - len(bare)]
    key, equals, value = bare.partition("=")
    if not equals:
        groups = {f"{group}=": f"one of mlexp list {LISTED[group]}" for group in GROUPS}
        named = {f"{name}{'' if name.endswith('.') else '='}": text for name, text in keys(key).items()}
        return {prefix + offer: meaning for offer, meaning in (groups | named).items()}
    begun = value[: max(value.rfind(sign) for sign in ",[") + 1]  # several values, or a list of them
    found = offered(key, line.config_dir) if key in GROUPS else values(key, value[len(begun) :])
    return {f"{prefix}{key}={begun}{one}": meaning for one, meaning in found.items()}


def keys(word: str) -> Offers:
    """Return the keys that begin with a word, up to their next dot, and what they mean."""
    from mlexp.config.schema import declared

    found: Offers = {}
    for path, entry in declared().items():
        if path.startswith(word):
            node, dot, _ = path[len(word) :].partition(".")
            found[f"{word}{node}{dot}"] = "" if dot else entry.metadata["meaning"]
    return found


def values(key: str, word: str) -> Offers:
    """Return the values that a key takes, as far as they can be listed, and the paths that begin with a word."""
    from mlexp.config.schema import declared

    if key not in declared():
        return {}
    rule = declared()[key].metadata["rule"]
    return dict.fromkeys(_listed(rule.schema), "") | (paths(word) if rule.home else {})


def _listed(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the values that a JSON Schema of one key writes out, as they are typed."""
    for one in schema.get("anyOf", ()):
        yield from _listed(one)
    yield from schema.get("enum", ())
    if "items" in schema:
        yield from _listed(schema["items"])
    yield from {"boolean": ("true", "false"), "null": ("null",)}.get(schema.get("type", ""), ())


def tasks(line: Line) -> Offers:
    """Return the tasks that have runs."""
    try:
        with os.scandir(line.outputs) as found:
            names = sorted(entry.name for entry in found if entry.is_dir() and not entry.name.startswith("."))
    except (OSError, ValueError):
        return {}
    return dict.fromkeys(names, "its newest run")


def runs(line: Line) -> Offers:
    """Return what may stand for a run: latest, a task, a folder."""
    found = {"latest": "the newest run of all tasks"} | tasks(line)
    if "/" not in line.word:
        return found
    below = f"{line.outputs}/"
    named = {path.removeprefix(below): "" for path in paths(below + line.word, only_folders=True)}
    return paths(line.word, only_folders=True) | named


def paths(word: str, *, only_folders: bool = False) -> Offers:
    """Return the files and folders whose path begins with a word; a ``~`` in front is the home folder."""
    folder, start = os.path.split(word)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            found = [
                os.path.join(folder, entry.name) + ("/" if entry.is_dir() else "")
                for entry in entries
                if entry.name.startswith(start)
                and (start.startswith(".") or not entry.name.startswith("."))
                and (entry.is_dir() or not only_folders)
            ]
    except (OSError, ValueError):
        return {}
    return dict.fromkeys(sorted(found)[:MOST_PATHS], "")


@cache
def meanings() -> Offers:
    """Return what the help says of verbs, flags and groups."""
    lines = re.findall(r"^  mlexp (\w+)\b.*?  +(\S.*)$", HELP, re.MULTILINE)
    found = {name: meaning for name, meaning in lines if name in VERBS}
    for names, meaning in re.findall(r"^  (-.*?)  +(\S.*)$", HELP, re.MULTILINE):
        found |= dict.fromkeys(re.findall(r"-[\w-]+", names), meaning)
    return found


def described(verb: str) -> list[Argument]:
    """Return the arguments of a verb, in their order, as the source of its module adds them to its parser."""
    module, _, function = VERBS[verb].partition(":")
    return list(_added(_source(module), function, set()))


@cache
def _source(module: str) -> Mapping[str, ast.AST]:
    """Return the functions, and the constants, of a module of verbs by their names."""
    file = Path(__file__).with_name(f"{module}.py")
    found: dict[str, ast.AST] = {}
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
    return found


def _added(source: Mapping[str, ast.AST], function: str, seen: set[str]) -> Iterator[Argument]:
    """Yield the arguments that a function adds, and those of the functions that it calls."""
    seen.add(function)
    calls = [node for node in ast.walk(source[function]) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument":
            yield _argument(call, source)
        elif isinstance(call.func, ast.Name) and call.func.id not in seen:
            name = call.func.id
            for place in (source, _source("__init__")):
                if isinstance(place.get(name), ast.FunctionDef):
                    yield from _added(place, name, seen)
                    break


def _argument(call: ast.Call, source: Mapping[str, ast.AST]) -> Argument:
    names = [str(word) for one in call.args if (word := _literal(one, source)) is not None]
    said = {one.arg: _literal(one.value, source) for one in call.keywords if one.arg}
    flags = tuple(name for name in names if name.startswith("-"))
    switch = str(said.get("action", "")).startswith(("store_", "count"))
    choices = said.get("choices")
    return Argument(
        flags=flags,
        takes="" if switch else str(said.get("metavar") or names[-1].lstrip("-")),
        meaning=str(said.get("help") or ""),
        choices=tuple(map(str, choices)) if isinstance(choices, list | tuple | dict) else (),
        many=said.get("nargs") in ("*", "+"),
    )


def _literal(node: ast.AST, source: Mapping[str, ast.AST]) -> Any:
    """Return the value of an expression that is written out, or of a constant of its module; None of any other."""
    if isinstance(node, ast.Name):
        node = source.get(node.id, node)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
