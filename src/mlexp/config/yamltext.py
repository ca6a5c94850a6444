"""Configurations as YAML text: read within bounds, whoever wrote it, and written so that it is read back as it was."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from mlexp.config.rules import check_size
from mlexp.config.schema import ADDED, Config
from mlexp.config.untrusted import read_bytes
from mlexp.errors import DataError, shortened

LONGEST = 4_000_000  # bytes of a file
MOST = 50_000  # values in it, each counted as often as it is referred to
DEEPEST = 50  # levels of nesting
LONGEST_KEY = 1000  # characters
TEXT_OF_A_VALUE = 64  # characters that count as one value more


class Broken(ValueError):
    """Text that is no sound YAML, or more of it than a configuration needs; the message says where."""


def parsed(data: bytes, most: int = MOST) -> Any:
    """Return what YAML text holds, as OmegaConf understands it: plain values, 1e5 a number, no dates.

    Raises
    ------
    Broken
        It is not UTF-8 (a byte-order mark is allowed) or not YAML, a key stands twice, or it holds too much, such as
        references to references.
    """
    if len(data) > LONGEST:
        raise Broken(f"it has more than {LONGEST:,} bytes.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place(data[: error.start].decode("latin-1"))
        raise Broken(f"{place}: the file is not UTF-8 text. Save it as UTF-8.") from error
    try:
        _check_size(text, most)
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        row = text.splitlines()[line : line + 1]
        tab = row and "\t" in row[0][: column + 1]
        problem = "a tab; YAML is indented with spaces" if tab else error.problem or error.context
        raise Broken(f"line {line + 1}, column {column + 1}: {problem}.") from error
    except yaml.reader.ReaderError as error:
        place = _place(text[: error.position])
        raise Broken(f"{place}: a control character, which YAML does not allow.") from error
    except ValueError as error:
        raise Broken(f"{error}.") from error


def _place(before: str) -> str:
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


def _check_size(text: str, most: int) -> None:
    """Refuse text that would be far more once its references are followed, before anything is built from it."""
    known: dict[str, int] = {}  # anchor -> values below it
    above: list[list[Any]] = [["", 0]]  # of each open list or mapping: its anchor, values so far
    for event in yaml.parse(text, _Loader):
        if getattr(event, "tag", None) not in (None, "tag:yaml.org,2002:str"):
            raise _at(event, f"the tag {shortened(event.tag)} has no meaning here")
        if isinstance(event, yaml.CollectionStartEvent):
            above.append([event.anchor, 1])
            if len(above) > DEEPEST:
                raise _at(event, f"values are nested more than {DEEPEST} levels")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = above.pop()
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1 + len(event.value) // TEXT_OF_A_VALUE
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in known:
                raise _at(event, f"the reference *{event.anchor} leads nowhere, or back to itself")
            anchor, size = "", known[event.anchor]
        else:
            continue
        above[-1][1] += size
        if anchor:
            known[anchor] = size
        if sum(size for _, size in above) > most:
            raise _at(event, f"more than {most:,} values, references counted as often as they stand")


def _at(event: yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def read(path: Path) -> dict[str, Any]:
    """Return the configuration that `dumped` wrote, its values not checked.

    Raises
    ------
    DataError
        If the file is not whole: it cannot be read, or a key or node of the top level is missing.
    """
    try:
        values = parsed(read_bytes(path))
    except Broken as error:
        raise DataError(f"{path} is damaged: {error} Run the task again.") from error
    found = {str(name): value for name, value in values.items()} if isinstance(values, dict) else {}
    for name, default in vars(Config()).items():
        if name in ADDED and name not in found:
            found[name] = asdict(Config())[name]
        if name not in found or (is_dataclass(default) and not isinstance(found[name], dict)):
            raise DataError(f"{path} is damaged: it holds no {name}. Run the task again.")
    return found


def leaves(
    values: Mapping[str, Any], whole: Container[str] = (), prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield the full path of each key and its value; a mapping whose path is in `whole` is a value.

    Examples
    --------
    >>> dict(leaves({"model": {"l2": 0.1, "params": {"C": 2}}, "seed": 3}, whole=["model.params"]))
    {'model.l2': 0.1, 'model.params': {'C': 2}, 'seed': 3}
    """
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and path not in whole:
            yield from leaves(value, whole, f"{path}.")
        else:
            yield path, value


def dumped(values: Mapping[str, Any]) -> str:
    """Return plain values as YAML that OmegaConf reads back as they were."""
    return str(
        yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False)
    )


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads as OmegaConf reads, and refuses a key that stands twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Build a mapping whose keys are names or numbers, each of them once."""
        seen = set()
        for key, _ in node.value:
            if key.tag.rpartition(":")[2] not in ("str", "int", "float", "bool", "merge"):
                raise yaml.MarkedYAMLError(problem="a key must be a name", problem_mark=key.start_mark)
            if len(key.value) > LONGEST_KEY:
                raise yaml.MarkedYAMLError(problem="a very long key", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {shortened(key.value)} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _whole(loader: Any, node: Any) -> int:
    try:
        number = int(loader.construct_yaml_int(node))
        check_size(number)
    except ValueError as error:  # Python itself reads no more than a few thousand digits
        raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error
    return number


_Loader.add_constructor("tag:yaml.org,2002:int", _whole)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if tag.rpartition(":")[2] not in ("timestamp", "float")]
    for first, rules in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"(?:[-+]?\d[\d_]*\.[\d_]*(?:e[-+]?\d+)?|[-+]?\d[\d_]*e[-+]?\d+|[-+]?\.\d[\d_]*(?:e[-+]?\d+)?"
        r"|[-+]?\.inf|\.nan)$",
        re.IGNORECASE,
    ),
    list("-+0123456789."),
)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes what OmegaConf reads back as it was: it takes 1e5 for a number, YAML does not."""

    def represent_text(self, text: str) -> Any:
        """Put text that looks like a number between quotes."""
        style = "'" if re.fullmatch(r"[-+]?[\d._]+(e[-+]?\d+)?", text, re.IGNORECASE) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def ignore_aliases(self, data: Any) -> bool:
        """Write a list out wherever it stands."""
        return True


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_multi_representer(dict, yaml.SafeDumper.represent_dict)
