"""``mlexp init``: write a study of one's own, small and complete, to be changed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlexp.config.editor import dataset_schema, task_schema
from mlexp.config.groups import offered
from mlexp.errors import ConfigError, shortened
from mlexp.verbs import parser
from mlexp.verbs.machine import tell

TEMPLATES = Path(__file__).parent / "study"
NAME = "STUDY"  # in the templates and in their targets: the name of the study
FILES = {
    "README.md": "README.md",
    "gitignore": ".gitignore",
    "workflow.yml": ".github/workflows/study.yml",
    "plants.csv": "data/plants.csv",
    "dataset.yaml": f"dataset/{NAME}.yaml",
    "task.yaml": f"task/{NAME}.yaml",
    "arms.yaml": f"task/{NAME}_models.yaml",
}  # template -> where it goes
EXAMPLE = "mlexp init plants; cd plants; mlexp --config-dir . task=plants"


def init(arguments: Sequence[str]) -> int:
    """Write a folder with a study: task and data set files with comments, a table, a README, a workflow for CI.

    Nothing that is there already is overwritten.
    """
    words = parser("init", init.__doc__, EXAMPLE, "the folder")
    words.add_argument(
        "name", metavar="NAME", nargs="?", default="my_study", help="folder, and name of the study (my_study)"
    )
    parsed = words.parse_args(arguments)
    folder = Path(parsed.name)
    name = _checked(folder.name)
    texts = {
        folder / target.replace(NAME, name): (TEMPLATES / source).read_text("utf-8").replace(NAME, name)
        for source, target in FILES.items()
    }
    for schema, made in (("mlexp", task_schema()), ("dataset", dataset_schema())):
        texts[folder / f"{schema}.schema.json"] = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    _write(texts)
    tell(folder=folder, files=list(texts))
    if parsed.quiet:
        print(folder)
        return 0
    print(f"{folder}: {len(texts)} files, see {folder / 'README.md'}. To run the study:")
    print(f"  cd {folder}\n  mlexp --config-dir . task={name}\n  mlexp --config-dir . task={name}_models")
    return 0


def _checked(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise ConfigError(
            f"NAME must begin with a letter and hold letters, digits and underscores. Got '{shortened(name)}'. Type "
            "mlexp init my_study"
        )
    for group in ("task", "dataset"):
        if name in offered(group):
            raise ConfigError(
                f"{name} is a {group} of mlexp already: take another name. See mlexp list {group}s."
            )
    return name


def _write(texts: Mapping[Path, str]) -> None:
    """Write all files or none; one that is there is left as it is.

    Raises
    ------
    ConfigError
        One of them is there already, or cannot be written.
    """
    if there := [path for path in texts if path.exists() or path.is_symlink()]:
        raise ConfigError(f"{there[0]} is there already, and nothing is overwritten. Type another name.")
    written: list[Path] = []
    made: list[Path] = []
    try:
        for path, text in texts.items():
            above = [folder for folder in path.parents if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            made += reversed(above)
            with open(path, "x", encoding="utf-8", newline="\n") as opened:
                written.append(path)
                opened.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        for folder in reversed(made):
            folder.rmdir()
        raise ConfigError(f"{path} cannot be written: {error.strerror}. Type another name.") from error
