"""``mlexp show``: summary of a run or sweep and its results, on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mlexp import store
from mlexp.config.untrusted import printable, reading
from mlexp.kinds.observer import features_in_words
from mlexp.runs.terminal import metrics_table, new_console
from mlexp.store import Comparison, Run, Sweep, find
from mlexp.verbs import add_run, parser
from mlexp.verbs.machine import is_listening, tell


def show(arguments: Sequence[str]) -> int:
    """Show a run or sweep with its results, warnings and files."""
    words = parser("show", show.__doc__, "mlexp show mnist_mlp", "the folder")
    add_run(words)
    parsed = words.parse_args(arguments)
    path = find(parsed.run, parsed.outputs)
    if parsed.quiet and not is_listening():
        print(path)
        return 0
    if is_listening():
        from mlexp.report.facts import facts_of

        tell(**facts_of(path), files=list(_files(path)))
    else:
        _print(path)
    return 0


def _print(path: Path) -> None:
    """Print the summary of a folder."""
    from mlexp import report

    console = new_console()
    with reading(path):
        opened = store.open(path)
        shown = opened.sweep or opened if isinstance(opened, Comparison) else opened
        info = shown.info
        answer = report.page(path).answer
        lines = [" ".join([answer.question, *answer.sentences])]
        told = [*_head(path, info)]
        if isinstance(shown, Sweep):
            told += _of_sweep(shown)
        elif isinstance(shown, Run):
            told += _of_run(info)
        lines += [f"{name:<14} {value}" for name, value in told]
        metrics = shown.metrics if isinstance(shown, Run) else {}
        table = metrics_table(metrics) if metrics else None
        rest = [f"warning: {sentence}" for sentence in info.get("warnings", [])]
        if shown.is_undrawn:
            cure = f"missing: drawing was interrupted. To draw them: mlexp resume {path}"
            rest.append(f"figures        {cure}")
        rest.append("files          " + ", ".join(_files(path)))
    for line in lines:
        console.print(printable(line), markup=False)
    if table is not None:
        console.print(table)
    for line in rest:
        console.print(printable(line), markup=False)


def _head(path: Path, info: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "folder", path
    error = f": {info['error']}" if info.get("error") else ""
    yield "status", f"{info['status']}{error}"
    yield "command", " ".join(info["command"]) or "(from Python)"
    if "started" in info:
        seconds = f", {info['wall_seconds']:.1f} s" if info.get("wall_seconds") is not None else ""
        yield "started", f"{info['started'][:19].replace('T', ' ')} UTC{seconds}"


def _of_run(info: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    data, facts = info["dataset"], info["facts"]
    yield "task", f"{info['task']['name']} ({info['task']['kind']}), seed {info['seed']}"

    features = features_in_words(data["n_features"], info["preparation"])
    yield "data", f"{data['name']}: {data['n_samples']:,} samples, {features}"
    yield "split", ", ".join(f"{n:,} {part}" for part, n in info["split"].items() if part != "fingerprint")
    for name in ("epochs", "best_epoch", "stopped", "n_parameters"):
        if name in facts:
            yield name, facts[name]
    environment = info["environment"]
    yield "versions", ", ".join(f"{name} {version}" for name, version in environment["packages"].items())


def _of_sweep(sweep: Sweep) -> Iterator[tuple[str, Any]]:
    yield "jobs", f"{len(sweep.info['jobs'])}; varied: {', '.join(sweep.info['keys']) or 'nothing'}"
    summary = sweep.summary
    statuses = summary.get("status", [])
    yield (
        "ended",
        ", ".join(f"{statuses.count(word)} {word}" for word in dict.fromkeys(statuses)) or "not yet",
    )
    scores = next(((name, cells) for name, cells in summary.items() if name.startswith("test_")), None)
    if scores is not None:
        name, cells = scores
        number = [float(cell) for cell in cells if cell]
        yield name, f"{min(number):.4f} to {max(number):.4f}" if number else "none"


def _files(path: Path) -> Iterator[str]:
    for file in sorted(path.iterdir()):
        if file.is_dir():
            yield f"{file.name}/ ({sum(1 for _ in file.iterdir())})"
        elif not file.name.startswith("."):
            yield file.name
