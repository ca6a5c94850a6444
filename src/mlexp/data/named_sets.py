"""What data sets there are by name, where each was found, and whether its files are right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlexp.data import cache
from mlexp.data.dataset import digest
from mlexp.data.published_sets import KNOWN
from mlexp.data.readers import idx, published
from mlexp.data.readers.sklearn import BUNDLED
from mlexp.data.readers.synthetic import GENERATORS
from mlexp.errors import ConfigError, DataError, did_you_mean

SIZES = {"digits": (1797, 64, 10), "iris": (150, 4, 3), "wine": (178, 13, 3), "breast_cancer": (569, 30, 2)}
NUMBERS = {"diabetes": (442, 10)}  # bundled sets whose target is a number


@dataclass(frozen=True)
class NamedSet:
    """One named data set.

    Attributes
    ----------
    name, reader : as in the configuration
    rows, features, classes : sizes in words ("60,000 + 10,000"; "n_samples")
    where : where it was found, or "not here"
    """

    name: str
    reader: str
    rows: str
    features: str
    classes: str
    where: str


def describe(data_dir: str | None = None) -> list[NamedSet]:
    """List the named data sets and where each one is; nothing is read but names of files.

    Parameters
    ----------
    data_dir : str or None, default None
        Folder with data sets; None: MLEXP_DATA_DIR.
    """
    entries = [
        NamedSet(name, "sklearn", f"{rows:,}", str(features), str(classes), "bundled with scikit-learn")
        for name, (rows, features, classes) in SIZES.items()
    ]
    entries += [
        NamedSet(name, "sklearn", f"{rows:,}", str(features), "numbers", "bundled with scikit-learn")
        for name, (rows, features) in NUMBERS.items()
    ]
    for name, known in KNOWN.items():
        rows = f"{known.n_train:,} + {known.n_test:,}"
        entries.append(NamedSet(name, "published", rows, "784", str(known.n_classes), _where(name, data_dir)))
    classes = {"moons": "2", "circles": "2", "blobs": "centers", "spirals": "n_arms"}
    entries += [
        NamedSet(name, "synthetic", "n_samples", "2", classes[name], "generated") for name in GENERATORS
    ]
    return entries


def _where(name: str, data_dir: str | None) -> str:
    try:
        found = published.find(name, published.named_places(KNOWN[name], None, data_dir))
    except DataError as error:
        return str(error)
    if found:
        return found.place.words
    if cache.open_decoded(published.decoded_folder(name), KNOWN[name].shapes):
        return "the user cache (decoded)"
    found = published.find(name, published.quiet_places(name))
    return found.place.words if found else "not here"


def fetch(name: str) -> Path:
    """Download a published set into the user cache, unless its right files are there, and return the folder.

    Files that are damaged are replaced.

    Parameters
    ----------
    name : str
        One of the published sets.

    Raises
    ------
    ConfigError
        The name is unknown, or the set needs no download.
    DataError
        No mirror can be reached, or the cache cannot be written.
    """
    _check_name(name)
    if name not in KNOWN:
        raise ConfigError(f"Data set '{name}' needs no download. These do: {', '.join(KNOWN)}.")
    published.fetch(name)
    return published.download_folder(name)


def verify(name: str, data_dir: str | None = None) -> list[tuple[str, str, str]]:
    """Check every file of a published set, wherever it is found, and its decoded copy.

    Parameters
    ----------
    name : str
        One of the named sets; those that need no files give one line that says so.
    data_dir : str or None, default None
        Folder with data sets; None: MLEXP_DATA_DIR.

    Returns
    -------
    list of (file, state, detail)
        `state` is "ok", "damaged" or "missing"; a missing file is listed once, if it is in no place.
    """
    _check_name(name)
    if name not in KNOWN:
        how = "bundled with scikit-learn" if name in BUNDLED else "generated"
        return [(name, "ok", f"{how}: there are no files to check")]
    lines = [line for role in KNOWN[name].files for line in _verify_file(name, role, data_dir)]
    return lines + _verify_decoded(name)


def _check_name(name: str) -> None:
    names = (*BUNDLED, *KNOWN, *GENERATORS)
    if name not in names:
        raise ConfigError(
            f"The data set must be one of {', '.join(names)}. Got {name!r}.{did_you_mean(name, names)}"
        )


def _verify_file(name: str, role: str, data_dir: str | None) -> list[tuple[str, str, str]]:
    file, lines = KNOWN[name].files[role], []
    for place in (*published.named_places(KNOWN[name], None, data_dir), *published.quiet_places(name)):
        for path in (idx.find(folder, file.name) for folder in place.folders):
            if path is None:
                continue
            try:
                published.check_file(path, file, name)
                lines.append((str(path), "ok", f"in {place.words}"))
            except DataError as error:
                lines.append((str(path), "damaged", str(error)))
    return lines or [(file.name, "missing", f"get it with `mlexp data fetch {name}`")]


def _verify_decoded(name: str) -> list[tuple[str, str, str]]:
    folder = published.decoded_folder(name)
    decoded = cache.open_decoded(folder, KNOWN[name].shapes)
    if decoded is None:
        return []
    wrong = [key for key, known in decoded.digests.items() if digest(decoded.arrays[key]) != known]
    if wrong:
        return [
            (str(folder), "damaged", f"the decoded copy of {', '.join(wrong)} has changed: delete the folder")
        ]
    return [(str(folder), "ok", "decoded copy")]
