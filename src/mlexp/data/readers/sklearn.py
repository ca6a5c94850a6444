"""The small real data sets that come with scikit-learn, read from its files: to import it would take a second."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mlexp.config import schema
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.errors import ConfigError, DataError, did_you_mean

BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")
SIDE = 8  # pixels of a digit
FEATURES = {
    "digits": tuple(f"pixel_{row}_{column}" for row in range(SIDE) for column in range(SIDE)),
    "iris": ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
    "wine": (
        "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
        "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline",
    ),
    "breast_cancer": tuple(
        pattern.format(measure)
        for pattern in ("mean {}", "{} error", "worst {}")
        for measure in (
            "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points",
            "symmetry", "fractal dimension",
        )
    ),
    "diabetes": ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
}  # fmt: skip
CLASSES = {
    "digits": tuple("0123456789"),
    "iris": ("setosa", "versicolor", "virginica"),
    "wine": ("class_0", "class_1", "class_2"),
    "breast_cancer": ("malignant", "benign"),
    "diabetes": (),
}
# Their table with the target last, and the lines above its numbers; or a table and the target apart.
FILES = {
    "digits": (("digits.csv.gz",), 0),
    "iris": (("iris.csv",), 1),
    "wine": (("wine_data.csv",), 1),
    "breast_cancer": (("breast_cancer.csv",), 1),
    "diabetes": (("diabetes_data_raw.csv.gz", "diabetes_target.csv.gz"), 0),
}


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = 0) -> Dataset:
    """Load the data set of scikit-learn that `wanted.name` names."""
    name = wanted.name
    if name not in BUNDLED:
        raise ConfigError(
            f"dataset.name must be one of {', '.join(BUNDLED)} with dataset.reader=sklearn. "
            f"Got {name!r}.{did_you_mean(name, BUNDLED)}"
        )
    table = read(name)
    pictures = name == "digits"
    # The pixels of digits are counts from 0 to 16.
    X = np.ascontiguousarray(table[:, :-1], np.uint8 if pictures else np.float64)
    return assemble(
        wanted,
        Raw(X, table[:, -1].astype(np.int64 if CLASSES[name] else np.float64)),
        feature_names=FEATURES[name],
        image_shape=(SIDE, SIDE) if pictures else None,
        pixel_max=16.0 if pictures else None,
        names=CLASSES[name],
        where=f"data set '{name}'",
        source="bundled with scikit-learn",
    )


def read(name: str) -> np.ndarray:
    """Return a bundled set as it is published, shape (n_samples, n_features + 1), its target last.

    Raises
    ------
    DataError
        If the installed scikit-learn lacks a file of it.
    """
    files, above = FILES[name]
    package = find_spec("sklearn")
    folder = Path(next(iter((package and package.submodule_search_locations) or [""]))) / "datasets" / "data"
    try:
        parts = [_numbers(folder / file, above) for file in files]
        table = np.column_stack(parts)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(
            f"Data set '{name}' is no longer in the files of scikit-learn ({error}). Install scikit-learn again."
        ) from error
    if table.shape[1] != len(FEATURES[name]) + 1:
        raise DataError(
            f"Data set '{name}' of scikit-learn must have {len(FEATURES[name])} features. Got {table.shape[1] - 1}."
        )
    return table


def _numbers(path: Path, above: int) -> np.ndarray:
    """Return the numbers below the first `above` lines of a file; without any, columns may be apart by spaces too."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = text.decode().splitlines()[above:]
    return np.loadtxt(lines, delimiter="," if "," in lines[0] else None, ndmin=2)
