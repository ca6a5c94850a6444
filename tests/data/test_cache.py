import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from mlexp.data import cache

ARRAYS = {
    "X": np.arange(200, dtype=np.uint8).reshape(20, 10),
    "y": (np.arange(20) % 3).astype(np.uint8),
    "X_test": np.arange(50, dtype=np.uint8).reshape(5, 10),
    "y_test": (np.arange(5) % 3).astype(np.uint8),
}
SHAPES = {name: array.shape for name, array in ARRAYS.items()}
WRITER = """
import os, signal, sys
from pathlib import Path
import numpy as np
from mlexp.data import cache

arrays = {
    "X": np.arange(200, dtype=np.uint8).reshape(20, 10),
    "y": (np.arange(20) % 3).astype(np.uint8),
    "X_test": np.arange(50, dtype=np.uint8).reshape(5, 10),
    "y_test": (np.arange(5) % 3).astype(np.uint8),
}
folder = Path(sys.argv[1])
"""


def written(folder):
    return cache.save_decoded(folder, ARRAYS, {"a": [1, 2]})


def start(code, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(WRITER) + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_what_is_kept_is_what_was_given(tmp_path):
    saved = written(tmp_path / "copy")
    opened = cache.open_decoded(tmp_path / "copy", SHAPES)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(opened.arrays[name], array)
    assert isinstance(saved.arrays["X"], np.memmap)
    assert not saved.arrays["X"].flags.writeable
    assert opened.digests == saved.digests
    assert opened.stamps == {"a": [1, 2]}
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def cut(folder):
    (folder / "X.npy").write_bytes((folder / "X.npy").read_bytes()[:-3])


def lengthen(folder):
    (folder / "X.npy").write_bytes((folder / "X.npy").read_bytes() + b"123")


def other_shape(folder):
    np.save(folder / "X.npy", ARRAYS["X"][:-1])


def other_type(folder):
    np.save(folder / "X.npy", ARRAYS["X"].astype(np.int8))


def no_facts(folder):
    (folder / "facts.json").write_text("{")


def no_file(folder):
    (folder / "y.npy").unlink()


@pytest.mark.parametrize("spoil", [cut, lengthen, other_shape, other_type, no_facts, no_file])
def test_a_copy_that_does_not_fit_is_made_again(tmp_path, spoil):
    written(tmp_path / "copy")
    spoil(tmp_path / "copy")
    assert cache.open_decoded(tmp_path / "copy", SHAPES) is None
    written(tmp_path / "copy")
    np.testing.assert_array_equal(cache.open_decoded(tmp_path / "copy", SHAPES).arrays["X"], ARRAYS["X"])
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


@pytest.mark.parametrize("moment", ["_flush", "_move_in_place"])
def test_a_writer_killed_before_the_rename_leaves_no_copy(tmp_path, moment):
    code = f"""
        def die(*arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        cache.{moment} = die
        cache.save_decoded(folder, arrays, {{}})
    """
    process = start(code, tmp_path / "copy")
    process.communicate(timeout=60)
    assert process.returncode < 0
    assert cache.open_decoded(tmp_path / "copy", SHAPES) is None
    left = list(tmp_path.iterdir())
    assert len(left) == 1
    assert left[0].name.endswith(".tmp")
    written(tmp_path / "copy")
    assert cache.open_decoded(tmp_path / "copy", SHAPES) is not None
    old = time.time() - 2 * cache.STALE_SECONDS
    os.utime(left[0], (old, old))
    written(tmp_path / "another")
    assert not left[0].exists()


def test_writers_at_once_leave_one_whole_copy(tmp_path):
    code = """
        import time
        while not Path(sys.argv[2]).exists():
            time.sleep(0.001)
        for _ in range(20):
            saved = cache.save_decoded(folder, arrays, {})
            assert all((saved.arrays[name] == array).all() for name, array in arrays.items())
    """
    writers = [start(code, tmp_path / "copy", tmp_path / "go") for _ in range(2)]
    (tmp_path / "go").touch()
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors.decode()
        assert errors == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "go"]


def test_the_folder_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MLEXP_CACHE_DIR", str(tmp_path / "own"))
    assert cache.cache_folder() == tmp_path / "own"
    monkeypatch.delenv("MLEXP_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_folder() == tmp_path / "xdg" / "mlexp"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache.cache_folder() == tmp_path / ".cache" / "mlexp"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache.cache_folder() == tmp_path / "Library" / "Caches" / "mlexp"
