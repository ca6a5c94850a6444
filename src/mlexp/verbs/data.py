"""``mlexp data``: locate, download, verify and export data sets, and inspect a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexp.config import overrides, yamltext
from mlexp.errors import ConfigError, DataError
from mlexp.verbs import parser
from mlexp.verbs.machine import tell

if TYPE_CHECKING:
    from mlexp.data.summary import TableSummary


def data(arguments: Sequence[str]) -> int:
    """List, fetch or verify the named data sets, inspect a table of your own, or export images as PNG files."""
    words = parser(
        "data",
        data.__doc__,
        "mlexp data look my.csv missing=['?']\n  mlexp data verify mnist\n"
        "  mlexp data export mnist mnist_png limit=1000",
        "names, or damaged files",
    )
    words.add_argument(
        "action",
        nargs="?",
        type=str.lower,
        choices=("list", "fetch", "verify", "look", "export"),
        default="list",
    )
    words.add_argument("name", nargs="?", help="data set, required by fetch, verify and export; look: a file")
    words.add_argument(
        "keys",
        nargs="*",
        metavar="KEY=VALUE",
        help="export: the folder to write, first; look and export: keys of dataset, such as label=price or limit=1000",
    )
    words.add_argument("--data-dir", metavar="DIR", help="folder with data sets (default: MLEXP_DATA_DIR)")
    words.add_argument(
        "--yaml",
        action="store_true",
        help="look: print the detected keys as a file for dataset/",
    )
    parsed = words.parse_args(arguments)
    if parsed.action == "look":
        return look(parsed.name, parsed.keys, parsed.yaml)
    if parsed.action == "export":
        return export(parsed.name, parsed.keys, parsed.data_dir, bool(parsed.quiet))
    if parsed.keys or parsed.yaml:
        raise ConfigError(
            f"mlexp data {parsed.action} takes one name. Keys and --yaml belong to mlexp data look FILE."
        )
    if parsed.action != "list" and parsed.name is None:
        raise ConfigError(f"mlexp data {parsed.action} needs the name of a data set. See mlexp data list.")
    name = parsed.name and overrides.named("dataset", parsed.name)
    return ACTIONS[parsed.action](name, parsed.data_dir, bool(parsed.quiet))


def entries(name: str | None, data_dir: str | None, quiet: bool) -> int:
    """Print every named data set, or one, and its location."""
    from mlexp.data import named_sets as catalogue

    known = [entry for entry in catalogue.describe(data_dir) if name in (None, entry.name)]
    if not known:
        catalogue.verify(str(name))
    tell(data_sets=[asdict(entry) for entry in known])
    if not quiet:
        print(f"{'name':<16}{'rows':>18} {'features':>9} {'classes':>8}  where")
    for entry in known:
        print(
            entry.name
            if quiet
            else f"{entry.name:<16}{entry.rows:>18} {entry.features:>9} {entry.classes:>8}  {entry.where}"
        )
    return 0


def fetch(name: str, data_dir: str | None, quiet: bool) -> int:
    """Download a data set and print its location."""
    from mlexp.data import named_sets as catalogue

    place = catalogue.fetch(name)
    tell(name=name, place=str(place))
    print(place)
    return 0


def verify(name: str, data_dir: str | None, quiet: bool) -> int:
    """Check the files of a data set; exit code 3 if one of them is damaged or missing."""
    from mlexp.data import named_sets as catalogue

    lines = catalogue.verify(name, data_dir)
    tell(files=[{"file": file, "state": state, "detail": detail} for file, state, detail in lines])
    for file, state, detail in lines:
        if quiet and state == "ok":
            continue
        print(f"{state:<8} {file}  {detail}")
    return 0 if all(state == "ok" for _, state, _ in lines) else DataError.exit_code


def look(name: str | None, keys: Sequence[str], as_yaml: bool) -> int:
    """Print what mlexp detects in a table, without training; or the keys that make it explicit."""
    if name is None:
        raise ConfigError("mlexp data look needs a file: mlexp data look my.csv.")

    from mlexp.config import compose as configuration
    from mlexp.data import readers, summary
    from mlexp.data.packed import existing

    typed = _keys(keys, "look FILE")
    config = configuration.compose(["dataset=csv", *(f"dataset.{key}" for key in typed)])
    node = config.dataset
    path = existing(name, key="mlexp data look", what="a file with a table")
    source = readers.opened(path, node, config.memory_mb)
    found = summary.look(node, source, source.written, [one.key for one in overrides.parsed(typed)])
    tell(look=_told(found))
    if as_yaml:
        stem = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in Path(name).stem)
        print(f"# {found.n_rows:,} rows of {path.name}. Save as dataset/{stem}.yaml in a folder of your own.")
        values = {"name": stem or "table", "reader": "csv", "path": str(path)} | found.keys
        print(yamltext.dumped(values), end="")
        return 0
    for line in summary.lines(found):
        print(line)
    return 0


def _told(found: TableSummary) -> dict[str, Any]:
    """Return what was seen in a table as values that JSON can say."""
    columns = [
        {
            "name": one.column.name,
            "role": one.role,
            "missing": one.missing,
            "examples": list(one.examples),
            "remark": one.remark,
        }
        for one in found.columns
    ]
    label = {"target": found.target, "target_words": found.target_words}
    return (
        {"file": found.where, "n_rows": found.n_rows, "columns": columns} | label | {"keys": dict(found.keys)}
    )


def _keys(words: Sequence[str], verb: str) -> list[str]:
    """Return keys of dataset as they were typed, without the name of the node."""
    typed = [key.removeprefix("dataset.") for key in words]
    if wrong := [key for key in typed if "=" not in key]:
        raise ConfigError(f"mlexp data {verb} takes keys of dataset as key=value. Got '{wrong[0][:60]}'.")
    return typed


def export(name: str | None, words: Sequence[str], data_dir: str | None, quiet: bool) -> int:
    """Write the images of a data set as PNG files, in a subfolder per class, with a table of their labels."""
    if name is None or not words or "=" in words[0]:
        raise ConfigError(
            "mlexp data export needs a data set and a folder: mlexp data export mnist mnist_png."
        )
    import dataclasses
    from pathlib import Path

    from mlexp.config import compose as configuration
    from mlexp.data import png_folder, readers

    folder = Path(words[0])
    typed = [f"dataset.{key}" for key in _keys(words[1:], "export NAME FOLDER")]
    config = configuration.compose([f"dataset={overrides.named('dataset', name)}", *typed])
    keys = dataclasses.asdict(config.dataset)
    dataset = readers.load(data_dir or config.data_dir, config.memory_mb, **keys)
    written = png_folder.write(dataset, folder)
    tell(folder=folder, n_images=written, table=folder / png_folder.TABLE)
    print(folder if quiet else f"{written:,} images in {folder}, their labels in {folder / png_folder.TABLE}")
    return 0


ACTIONS = {"list": entries, "fetch": fetch, "verify": verify}
