"""``mlexp list``: available names, configuration keys and past runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlexp.config.names import LISTED
from mlexp.config.untrusted import printable
from mlexp.errors import ConfigError, shortened
from mlexp.verbs import add_outputs, parser
from mlexp.verbs.machine import is_listening, tell

if TYPE_CHECKING:
    from mlexp.verbs.runs import ListedRun

GROUPS = {plural: group for group, plural in LISTED.items()}
EXAMPLES = """mlexp list tasks
  mlexp list keys model
  mlexp list keys lr
  mlexp list runs --task mnist_mlp --status completed model.activation=relu
  mlexp list runs --csv > runs.csv"""


def list_verb(arguments: Sequence[str]) -> int:
    """Print available names, or configuration keys, one line each; or past runs, newest first."""
    words = parser("list", list_verb.__doc__, EXAMPLES, "names, or folders of runs")
    words.add_argument(
        "what",
        nargs="?",
        type=_plural,
        choices=[*GROUPS, "keys", "runs"],
        help="what to list (default: all names)",
    )
    words.add_argument("--config-dir", metavar="DIR", help="also list the files of this folder")
    runs = words.add_argument_group("runs")
    runs.add_argument(
        "filters",
        nargs="*",
        metavar="key=value",
        help="only runs with this setting; or only keys that contain this word",
    )
    runs.add_argument("--task", help="only runs of this task")
    runs.add_argument(
        "--status", type=str.lower, help="only completed, failed, diverged, interrupted or running ones"
    )
    runs.add_argument("--jobs", action="store_true", help="also list the runs within sweeps")
    add_outputs(runs)
    runs.add_argument("--csv", action="store_true", help="as CSV")
    parsed = words.parse_intermixed_args(arguments)
    if parsed.what == "runs":
        return _runs(parsed)
    if parsed.what == "keys":
        return _keys(parsed.filters, quiet=parsed.quiet)
    if parsed.filters:
        raise ConfigError(
            f"mlexp list {parsed.what} takes no '{parsed.filters[0]}': only runs and keys can be filtered."
        )
    return _names(parsed.what, parsed.config_dir, quiet=parsed.quiet)


def _plural(word: str) -> str:
    """Return what is listed: ``mlexp list model`` lists the models."""
    name = word.lower()
    return LISTED.get(name, {"key": "keys", "run": "runs"}.get(name, name))


def _names(wanted: str | None, config_dir: str | None, *, quiet: bool) -> int:
    from mlexp.config.groups import config_folder, offered

    for what, group in GROUPS.items():
        if wanted in (None, what):
            entries = offered(group, config_folder(config_dir))
            tell(**{what: entries})
            if wanted is None and not quiet:
                print(f"{what} ({group}=NAME)")
            for name, meaning in entries.items():
                print(name if quiet else f"{'' if wanted else '  '}{name:<18} {meaning}")
    return 0


def _keys(patterns: Sequence[str], *, quiet: bool) -> int:
    """Print the keys that contain one of the patterns, followed by the names that other tools use for them."""
    from mlexp.config import messages
    from mlexp.config.rules import as_typed
    from mlexp.config.schema import declared, default

    wanted = [pattern.lower().removesuffix(".*") for pattern in patterns]
    keys = {path: entry for path, entry in declared().items() if _like(path, wanted)}
    other = [
        (names, typed, note)
        for names, typed, note in messages.table()
        if not wanted
        or any(word in names.split() or messages.keys_of(typed) & keys.keys() for word in wanted)
    ]
    tell(
        keys=[
            {
                "key": path,
                "default": default(entry),
                "meaning": entry.metadata["meaning"],
                "allowed": entry.metadata["rule"].allowed,
            }
            for path, entry in keys.items()
        ],
        other_names=[
            {"names": names.split(), "typed": typed or None, "note": note} for names, typed, note in other
        ],
    )
    for path, entry in keys.items():
        rule, meaning = entry.metadata["rule"], entry.metadata["meaning"]
        print(path if quiet else f"{path}={as_typed(default(entry))}  {meaning}; {rule.allowed}")
    if other and not quiet:
        print("names that other tools use, and what to type here")
    for names, typed, note in () if quiet else other:
        print(f"  {names.replace(' ', ', ')}: {typed}{f' ({note})' if typed and note else note}")
    if not keys and not other:
        raise ConfigError(messages.unknown_key(patterns[0]))
    return 0


def _like(path: str, wanted: Sequence[str]) -> bool:
    """Return whether a key is one of those wanted: a node with all its keys, a whole key, or a part of its name."""
    from mlexp.config.messages import NODES

    if not wanted:
        return True
    return any(path.startswith(f"{word}.") if word in NODES else word in path for word in wanted)


def _runs(parsed: argparse.Namespace) -> int:
    from mlexp.verbs import runs

    found = runs.entries(Path(parsed.outputs), task=parsed.task, jobs=parsed.jobs)
    kept = list(runs.chosen(found, parsed.status, parsed.filters))
    if parsed.csv or is_listening():
        rows = [one.row() | one.told() for one in kept]
        tell(runs=rows)
        print(printable(runs.as_csv(rows)), end="")
        return 0
    if parsed.quiet:
        for one in kept:
            print(printable(str(one.path)))
        return 0
    shared = runs.shared(kept)
    for one in sorted(kept, key=lambda one: one.kind == "run"):  # what consists of several runs first
        print(printable(" ".join(_line(one).split("\n"))))
        own = " ".join(word for word in one.own if word not in shared[one.task])
        for said in (own, *one.answer, *(f"reason: {shortened(reason, 200)}" for reason in one.reasons)):
            if said:
                print(printable(f"    {' '.join(said.split())}"))
    if not kept and not parsed.quiet:
        print(
            f"No such run in {parsed.outputs}. It contains {len(found)} runs in all; for another folder: --outputs DIR."
        )
    return 0


def _line(one: ListedRun) -> str:
    row = one.row()
    metric = f"{row['metric']} {row['value']:.4g}" if row["metric"] else ""
    seconds = "" if row["seconds"] is None else f"{row['seconds']:.1f} s"
    return (
        f"{row['started']}  {row['status']:<11} {row['kind']:<10} {metric:<28} {seconds:>9}  {row['folder']}"
    )
