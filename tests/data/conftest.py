"""No test of the data layer sees this machine's cache, data folders or network, unless it asks for them."""

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from mlexp.data import cache, download
from mlexp.data.published_sets import KNOWN, KnownFile, PublishedSet
from mlexp.data.readers import idx, published

REAL = os.environ.get("MLEXP_DATA_DIR")


@pytest.fixture(autouse=True)
def _isolated(tmp_path, monkeypatch):
    def no_network(url, target):
        raise ConnectionError(f"no network in tests: {url}")

    monkeypatch.delenv("MLEXP_DATA_DIR", raising=False)
    monkeypatch.setenv("MLEXP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(published, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setattr(download, "retrieve", no_network)
    cache.warn_once.cache_clear()


@pytest.fixture(scope="session")
def real_cache(tmp_path_factory):
    """One cache for all tests of the real sets, so that each is decoded once."""
    return tmp_path_factory.mktemp("real-cache")


@pytest.fixture
def real(real_cache, monkeypatch):
    """The folder with the real image sets."""
    if REAL is None:
        pytest.skip("MLEXP_DATA_DIR is not set: no real image sets")
    monkeypatch.setenv("MLEXP_CACHE_DIR", str(real_cache))
    return Path(REAL).resolve()


class Toy:
    """A small set with the form of MNIST, known to the program by the name 'toy'."""

    def __init__(self, store: Path):
        rng = np.random.default_rng(0)
        self.store, self.folder = store, store / "toy"
        self.arrays = {
            "X": rng.integers(0, 256, (50, 28, 28), dtype=np.uint8),
            "y": (np.arange(50) % 10).astype(np.uint8),
            "X_test": rng.integers(0, 256, (20, 28, 28), dtype=np.uint8),
            "y_test": (np.arange(20) % 10).astype(np.uint8),
        }
        self.folder.mkdir(parents=True)
        for role, array in self.arrays.items():
            idx.write(self.path(role), array)

    def path(self, role):
        return self.folder / idx.STANDARD[role]

    def known(self):
        sums = {role: hashlib.sha256(self.path(role).read_bytes()).hexdigest() for role in self.arrays}
        files = {role: KnownFile(idx.STANDARD[role], (sums[role],)) for role in self.arrays}
        mirrors = ("http://one.invalid/{file}", "http://two.invalid/{file}")
        return PublishedSet(("toy",), files, 50, 20, tuple("0123456789"), mirrors)

    def pack(self, role):
        plain = self.path(role)
        packed = plain.with_name(plain.name + ".gz")
        packed.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
        return packed


@pytest.fixture
def toy(tmp_path, monkeypatch):
    made = Toy(tmp_path / "store")
    monkeypatch.setitem(KNOWN, "toy", made.known())
    return made
