"""Saved models that somebody has tampered with: the same seed gives the same ones."""

from __future__ import annotations

import io
import json
import random
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Members = dict[str, bytes]
EVIL = [-1, 0, 1, 2, 3, 7, 100, 10**6, 2**31 - 1, -(2**31)]


def members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, files: Members) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def arrays(files: Members) -> dict[str, np.ndarray]:
    found = {
        name: np.load(io.BytesIO(data), allow_pickle=False)
        for name, data in files.items()
        if name.endswith(".npy")
    }
    return {name: array for name, array in found.items() if array.size}


def numbers(array: np.ndarray, rng: random.Random) -> np.ndarray:
    """Return an array of numbers within `array`: one field of records, else all of it."""
    if array.dtype.names:
        name = rng.choice([name for name in array.dtype.names if array[name].dtype.kind in "iuf"])
        found: np.ndarray = array[name]
        return found
    return array


def flip_bytes(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 20])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def truncate(path: Path, rng: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: rng.choice([0, 3, len(data) // 2, len(data) - 30])])


def evil_values(path: Path, rng: random.Random) -> None:
    """Put numbers that are no index, no count and no number into a few arrays."""
    files = members(path)
    for name, array in rng.sample(sorted(arrays(files).items()), k=min(3, len(arrays(files)))):
        if array.dtype.names or array.dtype.kind in "iuf":
            array = array.copy()
            part = numbers(array, rng).reshape(-1) if not array.dtype.names else numbers(array, rng)
            places = [rng.randrange(len(part)) for _ in range(max(1, len(part) // 3))]
            with np.errstate(all="ignore"):
                part[places] = np.array(
                    [rng.choice([*EVIL, np.nan, np.inf] if part.dtype.kind == "f" else EVIL) for _ in places]
                ).astype(part.dtype)
            files[name] = npy(array)
    pack(path, files)


def all_the_same(path: Path, rng: random.Random) -> None:
    """Fill the whole arrays of indices and counts with one number."""
    files = members(path)
    value = rng.choice(EVIL)
    for name, array in arrays(files).items():
        if array.dtype.names:
            array = array.copy()
            for field in array.dtype.names:
                if array[field].dtype.kind in "iu":
                    array[field] = np.array(value).astype(array[field].dtype)
            files[name] = npy(array)
        elif array.dtype.kind in "iu":
            files[name] = npy(np.full_like(array, np.array(value).astype(array.dtype)))
    pack(path, files)


def own_children(path: Path, rng: random.Random) -> None:
    """Let every node of a tree be its own child: a walk down never ends."""
    files = members(path)
    for name, array in arrays(files).items():
        if array.dtype.names:
            array = array.copy()
            for field in ("left_child", "right_child", "left", "right"):
                if field in array.dtype.names:
                    array[field] = np.arange(len(array)).astype(array[field].dtype)
            if "is_leaf" in array.dtype.names:
                array["is_leaf"] = 0
            files[name] = npy(array)
    pack(path, files)


def other_kinds(path: Path, rng: random.Random) -> None:
    files = members(path)
    for name, array in arrays(files).items():
        if rng.random() < 0.4 and not array.dtype.names and array.dtype.kind in "iuf":
            files[name] = npy(
                array.astype(rng.choice(["f2", "f4", "f8", "i1", "i8", "u1", "U3", "c16", ">f8"]))
            )
    pack(path, files)


def other_shapes(path: Path, rng: random.Random) -> None:
    files = members(path)
    for name, array in arrays(files).items():
        if rng.random() < 0.5:
            files[name] = npy(
                rng.choice(
                    [array[:0], array.reshape(-1)[:1], array[None], array.T, np.concatenate([array, array])]
                )
                if array.ndim
                else array[None]
            )
    pack(path, files)


def swapped(path: Path, rng: random.Random) -> None:
    files = members(path)
    names = [name for name in files if name.endswith(".npy")]
    others = names.copy()
    rng.shuffle(others)
    pack(path, files | {name: files[other] for name, other in zip(names, others, strict=True)})


def missing(path: Path, rng: random.Random) -> None:
    files = members(path)
    lost = rng.choice(sorted(files))
    pack(path, {name: data for name, data in files.items() if name != lost})


def claims(path: Path, rng: random.Random) -> None:
    """Let an array claim to be huge, or another."""
    files = members(path)
    name = rng.choice([name for name in files if name.endswith(".npy")])
    shape = rng.choice([(10**15,), (10**6, 10**6), (2**62, 4), (-1,), (0,) * 40])
    kind = rng.choice(["<f8", "|O", "<i8", "<U1000000", "|V0"])
    head = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode() + b"\n"
    files[name] = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"\0" * 100
    pack(path, files)


def bomb(path: Path, rng: random.Random) -> None:
    files = members(path)
    name = rng.choice([*files, "more.npy"])
    pack(path, files | {name: b"\0" * 300_000_000})


def traversal(path: Path, rng: random.Random) -> None:
    files = members(path)
    old = rng.choice([name for name in files if name.endswith(".npy")])
    new = rng.choice(["../../escaped.npy", "/tmp/escaped.npy", "a/../../../escaped.npy"])
    changed = {
        name: data.replace(old.encode(), new.encode()) if name == "schema.json" else data
        for name, data in files.items()
    }
    changed[new] = changed.pop(old)
    pack(path, changed)


def encrypted(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = data.find(mark)
        data[at + place] |= 1
    path.write_bytes(data)


def schema(path: Path, rng: random.Random) -> None:
    """Change what the schema of a skops file says: numbers, classes, missing names, other loaders."""
    files = members(path)
    if "schema.json" not in files:
        return evil_values(path, rng)
    whole = json.loads(files["schema.json"])
    nodes: list[dict[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            nodes.append(node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(whole)
    for _ in range(rng.choice([1, 3])):
        node = rng.choice(nodes)
        kind = rng.randrange(4)
        if kind == 0 and "is_json" in node:
            node["content"] = json.dumps(rng.choice([*EVIL, None, "x", [], {}, 1e308]))
        elif kind == 1 and "__class__" in node:
            node["__module__"], node["__class__"] = rng.choice(
                [
                    ("os", "system"),
                    ("this", "X"),
                    ("builtins", "eval"),
                    ("sklearn.svm._classes", "SVC"),
                    ("numpy", "load"),
                ]
            )
        elif kind == 2 and "__loader__" in node:
            node["__loader__"] = rng.choice(
                ["FunctionNode", "MethodNode", "PartialNode", "TypeNode", "ReduceNode", "x"]
            )
        elif node:
            del node[rng.choice(sorted(node))]
    return pack(path, files | {"schema.json": json.dumps(whole).encode()})


def nested(path: Path, rng: random.Random) -> None:
    files = members(path)
    pack(path, files | {"schema.json": b'{"a":' * 50_000 + b"1" + b"}" * 50_000})


TAMPERINGS: list[Callable[[Path, random.Random], None]] = [
    flip_bytes, truncate, evil_values, all_the_same, evil_values, other_kinds, other_shapes, swapped, missing, claims,
    own_children, bomb, traversal, encrypted, schema, schema, nested,
]  # fmt: skip


def made(
    folder: Path, run: Path, seed: int, tamper: Callable[[Path, random.Random], None] | None = None
) -> str:
    """Copy a run folder, tamper with its model, and return the name of the tampering."""
    rng = random.Random(seed)
    shutil.copytree(run, folder)
    files = [
        file for name in ("model.skops", "preparation.skops", "model.npz") if (file := folder / name).exists()
    ]
    change = tamper or TAMPERINGS[seed % len(TAMPERINGS)]
    change(rng.choice(files), rng)
    return change.__name__
