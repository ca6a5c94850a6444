"""``mlexp export``: export the model of a run for other programs, its configuration as a task, its program listing."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mlexp.config.untrusted import reading
from mlexp.errors import ConfigError
from mlexp.store import find, find_run
from mlexp.store.files import write_bytes
from mlexp.verbs import Parser, add_run, add_trust, parser
from mlexp.verbs.machine import tell

CHECKED_ROWS = 1000
LIBRARIES = ("numpy", "torch", "sklearn")
NOT_OF_A_TASK = ("outputs", "data_dir", "sweep.", "execution.", "tracking.", "comparison.", "page.")
EXAMPLES = """mlexp export mnist_mlp --onnx model.onnx
  mlexp export latest --config studies/task/mine.yaml     then: mlexp --config-dir studies task=mine
  mlexp export latest --code numpy --out listing.py       then: python listing.py
  mlexp export latest --latex paper                       then: cd paper; latexmk -pdf main
  mlexp export latest --document report.docx --author "A. Student" --course "Machine learning\""""


def export(arguments: Sequence[str]) -> int:
    """Write a run as ONNX, as a task file, as a script that trains it again, as LaTeX, as a lab report.

    LaTeX and lab report are also written of sweeps and comparisons.
    """
    parsed = _parser().parse_args(arguments)
    asked = [name for name in WRITERS if getattr(parsed, name)]
    if not asked:
        raise ConfigError(
            "mlexp export needs --onnx FILE, --config FILE, --code LIBRARY --out FILE, --latex DIR or --document FILE."
        )
    if bool(parsed.code) != bool(parsed.out):
        raise ConfigError("--code LIBRARY and --out FILE belong together.")
    of_any = set(asked) <= OF_ANY
    folder = (find if of_any else find_run)(parsed.run, parsed.outputs)
    written = {}
    for name in asked:
        with reading(folder) if name in OF_ANY else nullcontext():
            said = WRITERS[name](folder, parsed)
        target = parsed.out if name == "code" else getattr(parsed, name)
        written[name] = {"path": target, "words": said}
        print(target if parsed.quiet else said)
    tell(run=str(folder), written=written)
    return 0


def _parser() -> Parser:
    words = parser("export", export.__doc__, EXAMPLES, "the files that are written")
    add_run(words)
    words.add_argument(
        "--onnx",
        metavar="FILE",
        help="ONNX model that takes unprepared samples; checked against the run to 1e-5",
    )
    words.add_argument(
        "--config", metavar="FILE", help="task file with all settings that differ from the defaults"
    )
    add_trust(words)
    words.add_argument(
        "--code",
        choices=LIBRARIES,
        help="program listing: a script that needs this library alone and gives the run's numbers",
    )
    words.add_argument(
        "--out", metavar="FILE", help="--code: the script; its rows go to a .npz file beside it"
    )
    words.add_argument(
        "--latex",
        metavar="DIR",
        help="folder of LaTeX: tables, figures as PDF, a command a number, references, and a main.tex with them all",
    )
    words.add_argument(
        "--document",
        metavar="FILE",
        help="lab report: .docx, .pdf, .tex, .ipynb or .qmd; needs pip install pypandoc-binary typst",
    )
    words.add_argument("--title", metavar="TEXT", default="", help="--document: its title")
    words.add_argument("--author", metavar="TEXT", default="", help="--document: its author")
    words.add_argument("--course", metavar="TEXT", default="", help="--document: its course")
    return words


def _write_document(folder: Path, parsed: argparse.Namespace) -> str:
    """Write the lab report, and return a summary."""
    from mlexp.documents import report
    from mlexp.documents.markdown import Title

    title = Title(parsed.title, parsed.author, parsed.course)
    target, *beside = report.write(folder, Path(parsed.document), title)
    return f"{target}" + (f", with {len(beside)} files beside it" if beside else "")


def _write_latex(folder: Path, parsed: argparse.Namespace) -> str:
    """Write the folder of LaTeX, and return a summary."""
    from mlexp.documents import latex

    target = Path(parsed.latex)
    written = latex.write(folder, target)
    return f"{target}: {len(written)} files; compile with: cd {target}; latexmk -pdf main"


def _write_code(path: Path, parsed: argparse.Namespace) -> str:
    """Write the program listing, and return a summary."""
    from mlexp.config import recorded
    from mlexp.documents import code
    from mlexp.runs import session
    from mlexp.store import Run

    run = Run.open(path)
    config = recorded.relocated(recorded.read(path / "config.yaml"), run.info.get("began_in"))
    script, rows = code.write(run, config, session.load(config), parsed.code, Path(parsed.out))
    lines = len(script.read_text().splitlines())
    return f"{script}: {lines} lines; rows in {rows} ({rows.stat().st_size / 1e6:.1f} MB)"


def _write_onnx(path: Path, parsed: argparse.Namespace) -> str:
    """Write the model, and return a summary."""
    from mlexp.config import recorded
    from mlexp.runs import session
    from mlexp.store import Run, fitted, onnxfile

    target = Path(parsed.onnx)
    model = fitted.load(path, parsed.trust)
    config = recorded.read(path / "config.yaml")
    X = session.load(recorded.relocated(config, Run.open(path).info.get("began_in"))).X[:CHECKED_ROWS]
    data, apart = onnxfile.exported(model, X)
    write_bytes(target, data)
    return f"{target}: {len(data) / 1e6:.2f} MB; largest difference from the run {apart:.1e} on {len(X):,} samples"


def _write_task(path: Path, parsed: argparse.Namespace) -> str:
    """Write the task file and return how to run it; refuse to leave one that does not give the same configuration."""
    from mlexp.config import compose as configuration
    from mlexp.config import recorded, schema, yamltext

    target = Path(parsed.config)
    if not re.fullmatch(r"[\w-]+\.ya?ml", target.name) or target.suffix != ".yaml":
        raise ConfigError(
            f"--config must be a .yaml file; its name becomes the name of the task. Got {target.name}."
        )
    wanted = recorded.read(path / "config.yaml")
    base = schema.flat(configuration.compose(["~task"]))
    differs = {
        key: value
        for key, value in schema.flat(wanted).items()
        if value != base[key] and not key.startswith(NOT_OF_A_TASK)
    }
    header = f"# @package _global_\n# Repeats the run {path.name} of {path.parent.name}.\n"
    command = f"#   mlexp --config-dir FOLDER task={target.stem}\n"
    write_bytes(target, (header + command + yamltext.dumped(nested(differs))).encode())
    if target.parent.name == "task":
        again = configuration.compose([f"task={target.stem}"], str(target.parent.parent))
        if recorded.config_hash(again) != recorded.config_hash(wanted):
            target.unlink()
            raise ConfigError(f"{path} cannot be written as a task file: composing it gives other settings.")
        return f"{target}: run it with mlexp --config-dir {target.parent.parent} task={target.stem}"
    return (
        f"{target}: put it into a folder named task, then mlexp --config-dir FOLDER_ABOVE task={target.stem}"
    )


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping of full key paths as mappings within mappings."""
    whole: dict[str, Any] = {}
    for key, value in flat.items():
        *parents, name = key.split(".")
        node = whole
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return whole


WRITERS = {
    "config": _write_task,
    "onnx": _write_onnx,
    "code": _write_code,
    "latex": _write_latex,
    "document": _write_document,
}
OF_ANY = {"latex", "document"}  # what is also written of a sweep or a comparison
