"""Fitted scikit-learn objects in files that are never unpickled (skops), with bytes that repeat."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlexp.config.untrusted import opened, reading
from mlexp.errors import DataError, shortened
from mlexp.store.files import damaged

MODEST = 100_000_000  # bytes to which any file may unpack
MOST_PACKED = (
    200  # bytes unpacked from one of a file: 1 to 30 in saved models, more where arrays are constant
)
# What the models of the closed table hold beyond the types that skops itself trusts.
NEEDED_TYPES = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
)
DISTANCES = re.compile(r"sklearn\.metrics\._dist_metrics\.[A-Za-z]+Distance(32|64)")
# Of what skops trusts, only that which models of rows of numbers are made of: no functions and methods, no readers of
# text files, no searches.
LOADERS = {
    "ObjectNode", "DictNode", "JsonNode", "NdArrayNode", "ListNode", "TypeNode", "TupleNode", "TreeNode",
    "RandomStateNode", "RandomGeneratorNode", "LossNode", "DTypeNode", "SparseMatrixNode", "SliceNode",
}  # fmt: skip
NOT_NEEDED = ("sklearn.feature_extraction.", "sklearn.model_selection.")
NEEDED_ALL_THE_SAME = "sklearn.model_selection._classification_threshold.FixedThresholdClassifier"
NOT_NEEDED_TYPES = ("sklearn.preprocessing._function_transformer.FunctionTransformer",)


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

    unpacked_size(path)
    try:
        beyond = skops.io.get_untrusted_types(file=path)
        strange = [name for name in _strange(path, beyond) if name.partition(".")[0] not in trusted]
        if not strange:
            return skops.io.load(path, trusted=beyond)
    except Exception as error:  # whatever skops and the classes say of a file that they did not write
        said = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise damaged(path, said) from error
    raise DataError(
        f"{path} holds types that are not trusted: {shortened(', '.join(strange))}. If you know where the file comes "
        "from, name their packages, such as --trust mine."
    )


def _strange(path: Path, beyond: Sequence[str]) -> list[str]:
    """Return the types in a file that no model of ours needs; `beyond` are those that skops does not trust."""
    with zipfile.ZipFile(path) as archive:
        nodes: list[Any] = [json.loads(archive.read("schema.json"))]
    found = {name for name in beyond if name not in NEEDED_TYPES and not DISTANCES.fullmatch(name)}
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict) and "__loader__" in node:
            name = f"{node.get('__module__')}.{node.get('__class__')}"
            unneeded = name.startswith(NOT_NEEDED) and name != NEEDED_ALL_THE_SAME
            if node["__loader__"] not in LOADERS or name in NOT_NEEDED_TYPES or unneeded:
                found.add(name)
        nodes += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return sorted(found)


def unpacked_size(path: Path) -> int:
    """Return the bytes that a file of scikit-learn objects unpacks to, as its own list of members has them.

    Raises
    ------
    DataError
        It is not an archive, or unpacks to far more than one of its size does.
    """
    import psutil

    with reading(path), opened(path) as file, zipfile.ZipFile(file) as archive:
        size, packed = sum(member.file_size for member in archive.infolist()), os.fstat(file.fileno()).st_size
    most = psutil.virtual_memory().total // 4
    if size > min(most, max(MODEST, MOST_PACKED * packed)):
        raise damaged(
            path,
            f"its {packed / 1e6:,.1f} MB would unpack to {size / 1e6:,.0f} MB, more than what a run writes does, or "
            f"than a quarter of the memory here ({most / 1e6:,.0f} MB)",
        )
    return size
