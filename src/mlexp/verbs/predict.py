"""``mlexp predict``: predictions of a fitted model for new samples."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexp.errors import ConfigError
from mlexp.store import find_run
from mlexp.store.files import write_table
from mlexp.verbs import add_run, add_trust, names, parser
from mlexp.verbs.machine import tell

if TYPE_CHECKING:
    from mlexp.store.fitted import FittedModel

EXAMPLES = """mlexp predict classify new.csv --out predictions.csv --probabilities --keep id
  mlexp predict mnist_mlp five.png seven.png"""


def predict(arguments: Sequence[str]) -> int:
    """Predict new samples with the model of a run: classes, numbers, clusters, or the codes of an autoencoder."""
    parsed = _words().parse_args(arguments)
    path = find_run(parsed.run, parsed.outputs)
    if Path(parsed.out).resolve() in {Path(name).resolve() for name in parsed.data}:
        raise ConfigError(f"--out {parsed.out} is also an input file. Name another.")
    from threadpoolctl import threadpool_limits

    from mlexp.data import newrows
    from mlexp.store import fitted
    from mlexp.store.scoring import scored

    model = fitted.load(path, parsed.trust)
    rows = newrows.read([Path(name) for name in parsed.data], model.run.info["dataset"], parsed.keep)
    for sentence in rows.warnings:
        print(f"mlexp: warning: {sentence}", file=sys.stderr)
    with threadpool_limits(model.threads):  # the same bits as in the run
        found = _columns(model, rows.X, parsed.probabilities)
        said = [] if rows.labels is None else scored(model, rows.X, rows.labels)
    if twice := set(found) & set(rows.beside):
        raise ConfigError(
            f"--keep {sorted(twice)[0]} has the name of a column of the predictions. Rename it."
        )
    write_table(Path(parsed.out), rows.beside | found)
    tell(
        file=parsed.out, run=str(path), n_samples=len(rows.X), columns=list(rows.beside | found), scores=said
    )
    print(parsed.out if parsed.quiet else f"{len(rows.X):,} samples by {path}: {parsed.out}")
    for sentence in () if parsed.quiet else said:
        print(sentence)
    return 0


def _words() -> argparse.ArgumentParser:
    words = parser("predict", predict.__doc__, EXAMPLES, "the output file")
    add_run(words)
    words.add_argument(
        "data",
        nargs="+",
        help="CSV, npz or idx file, scored if it contains the label; or PNG and JPEG images",
    )
    words.add_argument(
        "--out", default="predictions.csv", metavar="FILE", help="output file (default: predictions.csv)"
    )
    words.add_argument(
        "--probabilities", action="store_true", help="add a column for the probability of each class"
    )
    words.add_argument(
        "--keep",
        default="",
        type=names,
        metavar="A,B",
        help="columns of the CSV file to copy to the predictions",
    )
    add_trust(words)
    return words


def _columns(model: FittedModel, X: Any, probabilities: bool) -> dict[str, list[Any]]:
    """Return the predictions, by column."""
    if model.kind == "autoencoder":
        codes, rebuilt, rows = model.transform(X), model.predict(X), model.prepared(X)
        columns = {f"code{k + 1}": codes[:, k].tolist() for k in range(codes.shape[1])}
        return columns | {"squared_error": ((rebuilt - rows) ** 2).mean(axis=1).tolist()}
    columns = {"prediction": model.predict(X).tolist()}
    if probabilities:
        found = model.predict_proba(X)
        if found is None:
            raise ConfigError(f"{model.run.path} gives no probabilities: leave --probabilities out.")
        columns |= {f"probability {name}": found[:, k].tolist() for k, name in enumerate(model.classes)}
    return columns
