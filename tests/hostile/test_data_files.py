"""Five hundred broken data files through run, `data look` and predict: one line at most, no hang, nothing touched."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.hostile import harness

N_FILES = 500
N_SAMPLE = 24
STARTING = 60.0  # seconds for the first command line, which imports what the others find there
# What scikit-learn and skops import on their first use looks up classes of the packages that happen to be installed.
IMPORTING = (
    r"pickle\.find_class: (_operator|dask)\.",
    r"import: quantile_forest",
    r"module from elsewhere: torch\.",
)
ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "latin-1",
    "cp1252",
    "cp037",
    "shift_jis",
    "utf-7",
)
CELLS = (
    "1", "-2.5", "1e400", "NaN", "NA", "", " ", "x", "007", "1,5", "1.234,5", "5 %", "TRUE", "2024-01-31", "31/01/2024",
    '"', '""', "'", '"a\nb"', "a\tb", "=1+1", "\\", "\x00", "\x1a", "é", "\u202e", "0x1F", "9" * 400, "x" * 5000,
    "[red]x", "inf", "-inf", "None", "${oc.env:HOME}", "{", "%s", "💥",
)  # fmt: skip


def csv_file(rng: random.Random) -> bytes:
    """Return a table, and then break it."""
    n_columns, n_rows = rng.choice([1, 2, 3, 5, 40]), rng.choice([0, 1, 2, 30])
    sign, end = rng.choice(",;\t| "), rng.choice(["\n", "\r\n", "\r"])
    names = [f"c{k}" for k in range(n_columns - 1)] + ["label"]
    rows = [[str(rng.randint(0, 9)) for _ in names[:-1]] + [rng.choice(["a", "b"])] for _ in range(n_rows)]
    for _ in range(rng.choice([0, 1, 5, 50])):
        if rows:
            row = rng.choice(rows)
            row[rng.randrange(len(row))] = rng.choice(CELLS)
    for _ in range(rng.choice([0, 0, 2])):
        names[rng.randrange(n_columns)] = rng.choice([*CELLS, "c0", "label"])
    if rows and rng.random() < 0.2:
        rng.choice(rows).extend(["1"] * rng.randint(1, 3))
    if rows and rng.random() < 0.2:
        del rng.choice(rows)[0]
    text = end.join(sign.join(row) for row in [names, *rows]) + rng.choice([end, ""])
    content = text.encode(rng.choice(ENCODINGS), "replace")
    return rng.choice([same, same, flipped, cut, doubled, noise])(content, rng)


def npz_file(rng: random.Random) -> bytes:
    """Return an archive whose arrays, headers or bytes are wrong."""
    shapes = [(20, 3), (20,), (20, 2, 2), (0, 3), (20, 0), (3, 20)]
    X = np.zeros(
        rng.choice(shapes), rng.choice(["f8", "f4", "u1", "i8", "U3", "c16", "?", "M8[s]", "S2", "f2"])
    )
    y = rng.choice([np.arange(20) % 2, np.arange(20.0), np.full(20, np.nan), np.array(["a", "b"] * 10), np.zeros(3),
                    np.array([{}] * 20, object), np.arange(20) - 10, np.full(20, 2**63, np.uint64)])  # fmt: skip
    out = io.BytesIO()
    rng.choice([np.savez, np.savez_compressed])(out, **{rng.choice(["X", "X", "X", "rows"]): X, "y": y})
    content = out.getvalue()
    if rng.random() < 0.4:
        header = repr({
            "descr": rng.choice(["<f8", "|O", "<f9", "<U9999999", [("a", "<f8")], 7]),
            "fortran_order": rng.choice([False, True, "x"]),
            "shape": rng.choice([(10**15,), (-3, 2), (2**40, 2**40), (20, 3), "ab", (1.5,), ()]),
        }).encode() + b"\n"  # fmt: skip
        member = b"\x93NUMPY\x01\x00" + struct.pack("<H", rng.choice([len(header), 0, 65535])) + header
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
            archive.writestr("X.npy", member + bytes(rng.choice([0, 480, 100])))
            archive.writestr("y.npy", b"" if rng.random() < 0.3 else member)
        content = out.getvalue()
    return rng.choice([same, flipped, cut, noise])(content, rng)


def same(content: bytes, rng: random.Random) -> bytes:
    return content


def flipped(content: bytes, rng: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(rng.choice([1, 3, 20])):
        if found:
            found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def doubled(content: bytes, rng: random.Random) -> bytes:
    return content * rng.choice([2, 3])


def noise(content: bytes, rng: random.Random) -> bytes:
    return rng.choice([rng.randbytes(300), content[:50] + rng.randbytes(200), content + b"\x00" * 100])


def made(folder: Path, numbers: range) -> list[list[str]]:
    """Write the files of these numbers; return the command lines that read them."""
    inputs = []
    for number in numbers:
        rng = random.Random(number)
        kind: Callable[[random.Random], bytes] = csv_file if rng.random() < 0.7 else npz_file
        suffix, content = ("csv", kind(rng)) if kind is csv_file else ("npz", kind(rng))
        if suffix == "csv" and rng.random() < 0.15:
            suffix, content = "csv.gz", rng.choice([same, flipped, cut])(gzip.compress(content), rng)
        path = folder / f"f{number}.{suffix}"
        path.write_bytes(content)
        reader, model = suffix.partition(".")[0], rng.choice(["decision_tree", "logistic"])
        task = rng.choice(["classify", "classify", "regress"])
        name = model if task == "classify" else "ridge"
        more = rng.choice([[], ["prepare.one_hot=true", "prepare.impute=most_frequent"]])
        inputs.append([f"task={task}", f"dataset={reader}", f"dataset.path={path}", f"model={name}", "size=smoke",
                       "figures=false", "-q", *more])  # fmt: skip
        if reader == "csv":
            inputs.append(["data", "look", str(path), *rng.choice([[], ["--yaml"]])])
        inputs.append(["predict", "outputs/good/latest", str(path), "--out", f"outputs/p{number}.csv"])
    return inputs


def troubles(tmp_path: Path, numbers: range) -> list[str]:
    (tmp_path / "good.csv").write_text(
        "c0,c1,label\n" + "".join(f"{k},{k % 4},{'ab'[k % 2]}\n" for k in range(30))
    )
    first = ["task=classify", "dataset=csv", "dataset.path=good.csv", "model=decision_tree", "task.name=good",
             "figures=false", "-q"]  # fmt: skip
    allowed = (*harness.ALLOWED, *IMPORTING)
    results = harness.run([first, *made(tmp_path, numbers)], tmp_path, limit=STARTING, allowed=allowed)
    assert results[0].code == 0, results[0].stderr
    assert any(result.code == 0 for result in results[1:])
    slow = [
        f"{result.argv}: {result.seconds:.0f} s" for result in results[1:] if result.seconds > harness.LIMIT
    ]
    return slow + [line for result in results for line in result.troubles()]


def test_a_sample_of_broken_data_files(tmp_path: Path) -> None:
    found = troubles(tmp_path, range(N_SAMPLE))
    assert not found, "\n".join(found[:20])


@pytest.mark.slow
def test_five_hundred_broken_data_files(tmp_path: Path) -> None:
    found = troubles(tmp_path, range(N_SAMPLE, N_FILES))
    assert not found, "\n".join(found[:20])
