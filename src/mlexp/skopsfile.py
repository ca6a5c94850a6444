"""Fitted scikit-learn objects in files that are never unpickled (skops), with bytes that repeat."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlexp.errors import DataError

# What the models of the closed table hold beyond the types that skops itself trusts.
NEEDED_TYPES = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
)


def dump(fitted: Any) -> bytes:
    """Return a fitted estimator as the bytes of a skops file.

    skops names the parts of an object by their addresses in memory; they are numbered in their order here, so
    that the same model gives the same bytes.
    """
    import skops.io

    # Packed at once and copied member by member: a large forest is held in memory a single time.
    packed = skops.io.dumps(fitted, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as found, zipfile.ZipFile(buffer, "w") as archive:
        schema = found.read("schema.json").decode()
        addresses = [a or b for a, b in re.findall(r'"__id__": (\d+)|"file": "(\d+)\.', schema)]
        numbers = {address: str(number) for number, address in enumerate(dict.fromkeys(addresses))}

        def numbered(match: re.Match[str]) -> str:
            return match[1] + numbers[match[2]]

        names = {re.sub(r"^()(\d+)", numbered, name): name for name in found.namelist()}
        for new in sorted(names):
            data = found.read(names[new])
            if names[new] == "schema.json":
                data = re.sub(r'("__id__": |"file": ")(\d+)', numbered, schema).encode()
            archive.writestr(zipfile.ZipInfo(new, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 1)
    return buffer.getvalue()


def load(path: Path, trusted: Sequence[str] = ()) -> Any:
    """Return the fitted estimator of a skops file.

    Parameters
    ----------
    path : the file
    trusted : packages whose types may be loaded besides those that the models of mlexp need

    Raises
    ------
    DataError
        The file is missing, damaged, or holds types that are not trusted.
    """
    import skops.io

    try:
        strange = [
            name
            for name in skops.io.get_untrusted_types(file=path)
            if name not in NEEDED_TYPES and name.partition(".")[0] not in trusted
        ]
        if strange:
            raise DataError(
                f"{path} holds types that are not trusted: {', '.join(strange)}. If you know where the file comes "
                "from, name their packages in trusted_packages."
            )
        return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read ({error}). Run the task again.") from error
