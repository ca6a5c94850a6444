"""``mlexp data``: where data sets are, and whether they are sound."""

from __future__ import annotations

from collections.abc import Sequence

from mlexp.errors import ConfigError, DataError
from mlexp.verbs import parser


def data(arguments: Sequence[str]) -> int:
    """Show, fetch or verify the data sets that mlexp knows by name."""
    words = parser("data", data.__doc__, "mlexp data verify mnist")
    words.add_argument("action", nargs="?", choices=("list", "fetch", "verify"), default="list")
    words.add_argument("name", nargs="?", help="data set; needed by fetch and verify")
    words.add_argument("--data-dir", metavar="DIR", help="folder with data sets; MLEXP_DATA_DIR if left out")
    parsed = words.parse_args(arguments)
    if parsed.action != "list" and parsed.name is None:
        raise ConfigError(f"mlexp data {parsed.action} needs the name of a data set. See mlexp data list.")
    return ACTIONS[parsed.action](parsed.name, parsed.data_dir)


def entries(name: str | None, data_dir: str | None) -> int:
    """Print every named data set, or one, and where it is."""
    from mlexp.data import catalogue

    known = [entry for entry in catalogue.describe(data_dir) if name in (None, entry.name)]
    if not known:
        catalogue.verify(str(name))
    print(f"{'name':<16}{'rows':>18} {'features':>9} {'classes':>8}  where")
    for entry in known:
        print(f"{entry.name:<16}{entry.rows:>18} {entry.features:>9} {entry.classes:>8}  {entry.where}")
    return 0


def fetch(name: str, data_dir: str | None) -> int:
    """Download a data set and say where it is now."""
    from mlexp.data import catalogue

    print(catalogue.fetch(name))
    return 0


def verify(name: str, data_dir: str | None) -> int:
    """Check the files of a data set; exit code 3 if one of them is damaged or missing."""
    from mlexp.data import catalogue

    lines = catalogue.verify(name, data_dir)
    for file, state, detail in lines:
        print(f"{state:<8} {file}  {detail}")
    return 0 if all(state == "ok" for _, state, _ in lines) else DataError.exit_code


ACTIONS = {"list": entries, "fetch": fetch, "verify": verify}
