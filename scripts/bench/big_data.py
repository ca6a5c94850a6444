"""Train from a file larger than a memory bound, and show that memory does not grow with the file.

    python scripts/bench/big_data.py --gigabytes 6 --limit-mb 400

Generates rows of 784 bytes whose class can be learnt, sets a bound on the memory that the process may
allocate (RLIMIT_DATA; pages of the mapped file belong to the system's cache and are not counted),
trains one epoch on a sixteenth of the rows and one on all of them, and prints the peak of
anonymous memory for both.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from mlexp.data.rows import Rows
from mlexp.nn.estimators import MLPClassifier

WIDTH, N_CLASSES = 784, 10


def generate(folder: Path, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Write rows of noise around one prototype a class; return read-only memory maps."""
    rng = np.random.default_rng(0)
    prototypes = rng.integers(0, 128, (N_CLASSES, WIDTH), dtype=np.uint8)
    step = 100_000
    with open(folder / "X", "wb") as rows, open(folder / "y", "wb") as labels:
        for start in range(0, n_rows, step):
            y = rng.integers(0, N_CLASSES, min(step, n_rows - start), dtype=np.uint8)
            X = prototypes[y] + rng.integers(0, 128, (len(y), WIDTH), dtype=np.uint8)
            rows.write(X.data)
            labels.write(y.data)
    X = np.memmap(folder / "X", np.uint8, "r", shape=(n_rows, WIDTH))
    return X, np.memmap(folder / "y", np.uint8, "r", shape=(n_rows,))


class Peak:
    """Follow the anonymous memory of this process, in MB."""

    def __enter__(self) -> Peak:
        self.mb, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    self.mb = max(self.mb, int(line.split()[1]) * 1024 / 1e6)


def epoch(X: np.ndarray, y: np.ndarray, n_rows: int) -> None:
    """Train one epoch on the first rows, with the last thousand as validation part, and print the peak."""
    model = MLPClassifier(
        hidden=[128, 64, 32], optimizer="sgd", learning_rate=0.01, momentum=0.9, batch_size=128, epochs=1
    )
    started = time.perf_counter()
    with Peak() as peak:
        model.fit(
            Rows(X[:n_rows], scale=1 / 64, shift=-2.0),
            y[:n_rows],
            X_validation=Rows(X[-1000:], scale=1 / 64, shift=-2.0),
            y_validation=y[-1000:],
            n_classes=N_CLASSES,
        )
    seconds = time.perf_counter() - started
    print(
        f"{n_rows:>10,} rows  {n_rows * WIDTH / 1e9:5.2f} GB  {seconds:7.1f} s  "
        f"{n_rows * WIDTH / 1e6 / seconds:6.0f} MB/s  peak {peak.mb:5.0f} MB  "
        f"validation accuracy {model.history_[-1]['validation_accuracy']:.4f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=6.0)
    parser.add_argument("--limit-mb", type=int, default=400, help="bound on what the process may allocate")
    parser.add_argument(
        "--folder", type=Path, default=None, help="where the file is written; a temporary folder"
    )
    settings = parser.parse_args()
    n_rows = int(settings.gigabytes * 1e9 / WIDTH)
    with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
        X, y = generate(Path(folder), n_rows)
        bound = settings.limit_mb * 10**6
        resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
        for part in (n_rows // 16, n_rows):
            epoch(X, y, part)


if __name__ == "__main__":
    main()
