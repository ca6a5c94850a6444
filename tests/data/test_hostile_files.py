"""Files that claim, hide or never end: refused in one line, before memory or time is spent on them."""

from __future__ import annotations

import gzip
import io
import os
import struct
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from mlexp.data import newrows
from mlexp.data.readers import load
from mlexp.data.readers import npz as npzfile
from mlexp.errors import DataError

TABLE = "a,b,label\n" + "1,2,x\n3,4,y\n" * 5


def read(path: Path, reader: str = "csv", **keys: object) -> object:
    return load(name="own", reader=reader, path=str(path), **keys)  # type: ignore[arg-type]


@pytest.mark.parametrize("reader", ["csv", "npz", "idx"])
def test_pipes_and_devices(tmp_path: Path, reader: str) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    (tmp_path / "link.csv").symlink_to(pipe)
    for path in (pipe, tmp_path / "link.csv", Path("/dev/zero")):
        with pytest.raises(DataError, match="pipe, a device or a socket"):
            read(path, reader)
        with pytest.raises(DataError, match="pipe, a device or a socket"):
            newrows.read([path], {})
    table = tmp_path / "a.csv"
    table.write_text(TABLE)
    with pytest.raises(DataError, match="pipe, a device or a socket"):
        read(table, test_path=str(pipe))


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return out.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, zipped], ids=["gz", "zip"])
def test_small_files_that_unpack_to_large_ones(tmp_path: Path, pack: object) -> None:
    path = tmp_path / f"bomb.csv.{'gz' if pack is gzip.compress else 'zip'}"
    path.write_bytes(pack(TABLE.encode() + b"1,2,x\n" * 1_000_000))  # type: ignore[operator]
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="memory_mb=3 allows no more"):
        read(path, memory_mb=3)
    with pytest.raises(DataError, match=r"3,000,0\d\d cells in 6 MB .*memory_mb=100 allows less"):
        read(path, memory_mb=100)


def test_archives_and_idx_files_that_unpack_to_large_ones(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", X=np.zeros((100_000, 40)), y=np.arange(100_000) % 2)
    with pytest.raises(DataError, match=r"33 MB when unpacked; memory_mb=10"):
        read(tmp_path / "bomb.npz", "npz", memory_mb=10)
    header = bytes([0, 0, 8, 2]) + struct.pack(">II", 20_000, 1000)
    with gzip.open(tmp_path / "train-images-idx3-ubyte.gz", "wb") as file:
        file.write(header + bytes(20_000_000))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(
        bytes([0, 0, 8, 1]) + struct.pack(">I", 20_000) + bytes(20_000)
    )
    with pytest.raises(DataError, match=r"20 MB when unpacked; memory_mb=10"):
        read(tmp_path, "idx", memory_mb=10)


def npy(shape: object, body: bytes = b"", descr: str = "<f8") -> bytes:
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        for name, content in members.items():
            out.writestr(f"{name}.npy", content)
    return path


Y = npy((4,), np.arange(4.0).tobytes())


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (npy((10**15,)), "8,000,000,000,000,000 bytes by its header"),
        (npy((10**9, 10**9)), "by its header"),
        (npy((-4, 2)), "shape"),
        (npy((4, 2), bytes(63)), "64 bytes by its header.* has 63"),
        (npy("ab"), "Reading it says"),
        (npy((4, 2), bytes(64), "|O"), "Object arrays"),
        (npy((4, 2), bytes(64), "nonsense"), "Reading it says"),
        (npy((4, 2), bytes(64), "<M8[s]"), "must hold numbers"),
        (b"\x93NUMPY\x09\x00" + npy((4, 2), bytes(64))[8:], "version|Reading it says"),
        (b"\x93NUMPY", "cut short|Reading it says"),
        (npy((4, 2), bytes(64))[:40], "cut short|Reading it says"),
        (b"", "cut short|Reading it says"),
    ],
)  # fmt: skip
def test_headers_of_archives_that_lie(tmp_path: Path, X: bytes, message: str) -> None:
    path = archive(tmp_path / "a.npz", X=X, y=Y)
    for attempt in (lambda: read(path, "npz"), lambda: newrows.read([path], {"n_features": 2})):
        with pytest.raises(DataError, match=message) as caught:
            attempt()
        assert len(str(caught.value)) < 1000


def test_encrypted_and_garbled_archives(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", X=npy((4, 2), bytes(64)), y=Y)
    content = bytearray(path.read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):  # the bit that says "encrypted", in both lists of the archive
        place = content.index(mark) + (6 if mark == b"PK\x03\x04" else 8)
        content[place] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"encrypted|cannot be unpacked"):
        read(path, "npz")
    good = archive(tmp_path / "b.npz", X=npy((4, 2), bytes(64)), y=Y).read_bytes()
    for place in range(0, len(good), 7):
        (tmp_path / "c.npz").write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        with suppress(DataError):  # any other exception is a fault
            read(tmp_path / "c.npz", "npz")
        npzfile.holds(tmp_path / "c.npz", "y")  # no exception either, for `read` says what is wrong


def test_a_table_of_twenty_thousand_columns_is_read_in_a_moment(tmp_path: Path) -> None:
    names = ",".join(f"c{k}" for k in range(20_000))
    path = tmp_path / "wide.csv"
    path.write_text(f"{names},label\n" + "".join(f"{','.join('1' * 20_000)},{k % 2}\n" for k in range(4)))
    started = time.process_time()
    assert read(path).n_features == 20_000  # type: ignore[attr-defined]
    assert (
        time.process_time() - started < 6
    )  # 8 s in the check of the header line alone, when it was quadratic


def test_long_names_cells_and_paths_are_cut_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    long = "x" * 100_000
    for content in (
        f"{long},label\n1,a\n{long},b\n2,a\n",
        f"{long},{long}\n1,2\n",
        f"a,label\n1,{long}\n2,{long}\n",
        f"{long}\n",
        f'a,label\n"{long},b\n' * 3,
        f"a,label\n1,a\n{long * 2},b\n3,a\n",
    ):
        path.write_text(content)
        with pytest.raises(DataError) as caught:
            read(path)
        assert len(str(caught.value)) < 1000
    with pytest.raises(DataError) as caught:
        read(tmp_path / long)
    assert len(str(caught.value)) < 1000


def test_zlib_streams_that_end_early(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TABLE.encode() * 100)[:-30])
    with pytest.raises(DataError, match="cut short"):
        read(path)
    path.write_bytes(b"\x1f\x8b\x08\x00" + bytes(6) + zlib.compress(TABLE.encode())[2:-8] + b"garbage!")
    with pytest.raises(DataError, match=r"a\.csv\.gz"):
        read(path)
