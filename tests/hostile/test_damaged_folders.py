"""Run folders that were damaged, or made up, in every way that we could think of: each verb ends with one line.

Each mutation is drawn with a seeded generator, so that a failure repeats: its name tells what was done to which folder.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.hostile import harness
from tests.running import comparison_of_widths

from mlexp import cli

FAST, SLOW = 12, 500
UNREADABLE = (ValueError, LookupError, RecursionError, yaml.YAMLError, zipfile.BadZipFile)
QUICK = ("digits_mlp", "two")
MANY = ("two", "widths", "tuned")  # their jobs are processes: those that run them again are tested elsewhere
ALLOWED = (
    *harness.ALLOWED,
    r"subprocess\.Popen: fc-list",  # Matplotlib looks for fonts, once
    # skops imports what is installed
    r"pickle\.find_class: (_operator|dask)\b", r"import: quantile_forest", r"module from elsewhere: torch\.",
)  # fmt: skip
STUDIES = {
    "digits_mlp": ["size=smoke"],
    "classify": ["task=classify", "dataset=iris", "model=random_forest", "model.params.n_estimators=5", "size=smoke"],
    "regress": ["task=regress", "dataset=diabetes", "model=ridge", "size=smoke", "figures=false"],
    "sign_kmeans": ["task=sign_kmeans", "dataset=digits", "size=smoke", "figures=false"],
    "tuned": ["task.name=tuned", "tune=grid", "+tune.space={model.learning_rate: [0.1, 0.01]}", "size=smoke",
              "figures=false", "execution.workers=1"],
    "by_hand": ["task=backprop_by_hand"],
    "data_needed": ["task=data_needed", "dataset=iris", "model=logistic", "size=smoke"],
    "two": ["-m", "size=smoke", "model.activation=relu,sigmoid", "seed=0,1", "execution.workers=1", "task.name=two"],
    "widths": ["task=widths", "size=smoke", "execution.workers=1"],
}  # fmt: skip
VERBS: dict[str, list[str]] = {
    "report": [], "compare": ["outputs/{base}"], "predict": ["new.csv", "--out", "outputs/answers.csv"],
    "export": ["--config", "outputs/mine.yaml"], "rerun": ["-q"], "resume": ["-q"],
}  # fmt: skip
EXPORTS = (
    VERBS["export"], ["--latex", "outputs/tex"], ["--document", "outputs/report.qmd"],
    ["--code", "numpy", "--out", "outputs/listing.py"],
)  # fmt: skip
WORDS: list[Any] = [
    None, True, -1, 0, 3, 10**6, 10**30, -1e308, 0.5, "", "x", "=1+1", "\ud800", "\x1b[2J\x07", "a\nb", "../../../etc",
    "/etc/passwd", "//host/x", "y" * 5000, [], {}, [[]], {"": {}}, [None], ["x"] * 300, {"x": [1, {"y": None}]},
    "2026-13-45T99:99:99", "nan", "${oc.env:PATH}", "{{ 7 * 7 }}", "%s%n", "this.X",
]  # fmt: skip
SOUND = [value for value in WORDS if not isinstance(value, int | float) or isinstance(value, bool)]
JSON_TEXTS = (
    b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"status": "completed"}', b'{"status": NaN}', b"[" * 100_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"status": 1e999}', b'{"x": ' + b"9" * 10_000 + b"}",
    b'{"status": "a", "status": "b"}', b'{"status": "' + b"z" * 3_000_000 + b'"}', b'"\\ud800"',
)  # fmt: skip
YAML_TEXTS = (
    b"", b"a: [", b"\tx: 1", b"- 1", b"\xff", b"a: 1\na: 2", b"seed: !!python/object/apply:os.system ['touch pwned']",
    b"hydra: {callbacks: {x: {_target_: joblib.load, filename: m.pkl}}}", b"x: " + b"[" * 5000,
    b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(b"%c: &%c [%s]\n" % (97 + i, 97 + i, b",".join([b"*%c" % (96 + i)] * 9))
                                             for i in range(1, 12)),
)  # fmt: skip


class Canary:
    """What leaves a file behind when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("pwned",)


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one folder for each of a few kinds of study, as mlexp leaves it."""
    return made(tmp_path_factory.mktemp("bases"), QUICK)


@pytest.fixture(scope="session")
def all_bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of every kind of study."""
    return made(tmp_path_factory.mktemp("all_bases"), [*STUDIES])


def made(place: Path, names: Sequence[str]) -> Path:
    """Run studies and return the folder that holds their folders, by name."""
    (place / "mine/task").mkdir(parents=True)
    (place / "mine/task/widths.yaml").write_text(comparison_of_widths(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        for name in names:
            own = ["--config-dir", str(place / "mine")] if name == "widths" else []
            assert cli.main(["-q", *own, *STUDIES[name], f"outputs={place / 'made'}"]) == 0
            (latest,) = (place / "made").glob("*/latest")
            shutil.copytree(latest.resolve(), place / name)
            shutil.rmtree(place / "made")
    shutil.rmtree(place / "mine")
    return place


def check(bases: Path, place: Path, numbers: Sequence[int]) -> None:
    """Try mutated folders with verbs, and fail with one line for each trouble."""
    (place / "outputs").mkdir()
    names = sorted(path.name for path in bases.iterdir())
    for name in names:
        shutil.copytree(bases / name, place / "outputs" / name / "2026-01-01_00-00-00-sound")
    (place / "new.csv").write_text("a,b,c,d\n1,2,3,4\n5,6,7,8\n")
    lines: list[list[str]] = []
    done: dict[str, str] = {}
    for number in numbers:
        rng = random.Random(number)
        name = rng.choice(names)
        folder = place / "outputs" / name / f"2026-01-02_00-00-00-{number:04d}"
        shutil.copytree(bases / name, folder)
        told = [mutate(folder, rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        done[str(folder.relative_to(place))] = "; ".join(told)
        verbs = [verb for verb in VERBS if name not in MANY or verb not in ("rerun", "resume")]
        for verb in ["show", *rng.sample(verbs, 2 if len(numbers) > FAST else 1)]:
            words = rng.choice(EXPORTS) if verb == "export" else VERBS.get(verb, [])
            words = [word.format(base=f"{name}/2026-01-01_00-00-00-sound") for word in words]
            lines.append([verb, str(folder.relative_to(place)), *words])
    everything = [["list", "runs"], ["list", "runs", "--jobs", "--csv"], ["report", "--all"], ["clean"],
                  ["clean", "--status", "damaged", "--dry-run"], ["list", "runs", "seed=0"]]  # fmt: skip
    results = harness.run([*lines, *everything], place, allowed=ALLOWED)
    troubles = [
        f"{line} [{done.get(result.argv[1] if len(result.argv) > 1 else '', '')}]"
        for result in results
        for line in result.troubles()
        if not (
            result.argv[0] == "rerun" and result.code == 1 and "likely cause: " in result.stdout
        )  # other bytes
    ]
    assert not troubles, f"{len(troubles)} troubles:\n" + "\n".join(troubles)
    assert not list(place.rglob("pwned"))
    listed = results[-len(everything)].stdout
    sound = [name for name in names if f"outputs/{name}/2026-01-01_00-00-00-sound" not in listed]
    assert not sound, f"not listed beside damaged ones: {sound}"


def test_verbs_outlive_damaged_folders(bases: Path, tmp_path: Path) -> None:
    check(bases, tmp_path, range(FAST))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("tenth", range(10))
def test_verbs_outlive_many_damaged_folders(all_bases: Path, tmp_path: Path, tenth: int) -> None:
    check(all_bases, tmp_path, range(1000 + tenth, 1000 + SLOW, 10))


def mutate(folder: Path, rng: random.Random) -> str:
    """Do something to one file of a folder and return what."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    heads = [path for path in files if path.suffix in (".json", ".yaml")]
    file = rng.choice(heads if rng.random() < 0.5 and heads else files)
    how = rng.choice([*KINDS.get(file.suffix, []) * 3, *ANY])
    try:
        said = how(file, rng)
    except UNREADABLE:  # it was damaged before, and has no such content any more
        how, said = cut, cut(file, rng)
    return f"{file.relative_to(folder)}: {how.__name__}{f' {said}' if said else ''}"


def removed(file: Path, rng: random.Random) -> None:
    file.unlink()


def empty(file: Path, rng: random.Random) -> None:
    file.write_bytes(b"")


def cut(file: Path, rng: random.Random) -> None:
    file.write_bytes(file.read_bytes()[: rng.randrange(1 + file.stat().st_size)])


def flipped(file: Path, rng: random.Random) -> None:
    data = bytearray(file.read_bytes())
    for _ in range(rng.choice([1, 5, 50]) if data else 0):
        data[rng.randrange(len(data))] = rng.randrange(256)
    file.write_bytes(bytes(data))


def exchanged(file: Path, rng: random.Random) -> str:
    other = rng.choice(sorted(path for path in file.parent.iterdir() if path.is_file()))
    data = other.read_bytes()
    other.write_bytes(file.read_bytes())
    file.write_bytes(data)
    return f"with {other.name}"


def a_folder(file: Path, rng: random.Random) -> None:
    file.unlink()
    file.mkdir()


def a_link(file: Path, rng: random.Random) -> None:
    file.unlink()
    file.symlink_to("/etc/passwd")


def a_pipe(file: Path, rng: random.Random) -> None:
    file.unlink()
    os.mkfifo(file)


def odd_name(file: Path, rng: random.Random) -> None:
    file.rename(
        file.with_name(rng.choice(["\x1b[31m", "a\nb.png", "<b>.csv", "=1.csv", "%2e%2e", "\udcff.png"]))
    )


def other_value(file: Path, rng: random.Random) -> str:
    """Put another value somewhere into JSON."""
    content = json.loads(file.read_text())
    node, key = rng.choice(list(places(content)))
    node[key] = rng.choice(WORDS)
    file.write_text(json.dumps(content))
    return f"{key} = {str(node[key])[:40]!r}"


def no_value(file: Path, rng: random.Random) -> str:
    content = json.loads(file.read_text())
    node, key = rng.choice(list(places(content)))
    del node[key]
    file.write_text(json.dumps(content))
    return f"without {key}"


def other_text(file: Path, rng: random.Random) -> str:
    text = rng.choice(JSON_TEXTS if file.suffix == ".json" else YAML_TEXTS)
    file.write_bytes(text)
    return repr(text[:30])


def other_setting(file: Path, rng: random.Random) -> str:
    """Put another value into YAML; no numbers, for a run that is long because its settings say so is no fault."""
    content = yaml.safe_load(file.read_text())
    node, key = rng.choice(list(places(content)))
    if rng.random() < 0.2:
        del node[key]
    else:
        node[key] = rng.choice(SOUND)
    file.write_text(yaml.safe_dump(content))
    return (
        f"{key} = {str(node[key])[:40]!r}" if not isinstance(node, dict) or key in node else f"without {key}"
    )


def more_settings(file: Path, rng: random.Random) -> str:
    more = rng.choice(
        ["hydra: {run: {dir: /tmp/pwned}}", "trusted_packages: [this]", "_target_: os.mkdir", "outputs: /tmp/pwned",
         "nosuch: 1", "data_dir: '${oc.env:PATH}'", "execution: {backend: dask, scheduler: 'tcp://10.0.0.1:1'}",
         "tracking: {backend: mlflow, uri: 'http://host'}", "sweep: {dir: /tmp/pwned}"]
    )  # fmt: skip
    name = more.partition(":")[0]
    kept = [line for line in file.read_text().splitlines() if not line.startswith(f"{name}:")]
    file.write_text("\n".join([*kept, more]) + "\n")
    return more


def places(node: Any, seen: set[int] | None = None) -> Iterator[tuple[Any, Any]]:
    """Yield every container of a document with a key of it, once; aliases of YAML lead to one many times."""
    seen = set() if seen is None else seen
    if not isinstance(node, dict | list) or id(node) in seen:
        return
    seen.add(id(node))
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        yield from places(node[key], seen)


def other_cell(file: Path, rng: random.Random) -> str:
    lines = [line.split(",") for line in file.read_text().splitlines()]
    row = rng.choice([0, rng.randrange(len(lines))]) if lines else 0
    word = rng.choice(
        [
            "",
            "x",
            "nan",
            "inf",
            "-1",
            "1e400",
            "=1",
            '"',
            "\x00",
            "a,b",
            "../x",
            "//host/x",
            "9" * 500,
            "[[",
            "0.5.5",
            "<script>alert(1)</script>",
            r"\input{/etc/passwd}",
            "\u202ex",
            "'''+__import__('os').mkdir('pwned')+'''",
        ]
    )
    if lines and lines[row]:
        lines[row][rng.randrange(len(lines[row]))] = word
    file.write_text("\n".join(map(",".join, lines)) + "\n")
    return repr(word[:20])


def fewer_lines(file: Path, rng: random.Random) -> None:
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[: rng.randrange(len(lines) + 1)]))


def fewer_columns(file: Path, rng: random.Random) -> None:
    lines = [line.split(",") for line in file.read_text().splitlines()]
    gone = rng.randrange(len(lines[0])) if lines else 0
    file.write_text("".join(",".join(line[:gone] + line[gone + 1 :]) + "\n" for line in lines))


def other_array(file: Path, rng: random.Random) -> str:
    """Change an array of an archive: type, shape, values, or what its header claims."""
    with np.load(file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    if not arrays:
        return ""
    name = rng.choice([*arrays])
    old = arrays[name]
    new: dict[str, Callable[[], np.ndarray | None]] = {
        "gone": lambda: None, "empty": lambda: old[:0] if old.ndim else old, "scalar": lambda: np.array(7),
        "words": lambda: np.array(["x"] * max(len(old) if old.ndim else 1, 1)), "flat": lambda: old.reshape(-1),
        "deep": lambda: old[None, None], "shorter": lambda: old[:-1] if old.ndim else old,
        "negative": lambda: -1 - old * 0, "object": lambda: np.array([Canary()], dtype=object),
        "large": lambda: old * 0 + 10**6, "nan": lambda: old * np.nan, "complex": lambda: old * 1j,
        "inf": lambda: old * np.float64(0) + np.inf, "bool": lambda: old.astype(bool),
        "bytes": lambda: old.astype("S3"), "twice": lambda: np.concatenate([old, old]) if old.ndim else old,
    }  # fmt: skip
    how = rng.choice([*new, "claims"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive_:
        for each, array in arrays.items():
            changed = array if each != name or how == "claims" else calm(new[how])
            if changed is None:
                continue
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(changed), allow_pickle=True)
            data = member.getvalue()
            if each == name and how == "claims":
                data = claiming(array)
            archive_.writestr(f"{each}.npy", data)
    file.write_bytes(buffer.getvalue())
    return f"{name} {how}"


def calm(make: Callable[[], np.ndarray | None]) -> np.ndarray | None:
    """Return an array, or words where that cannot be made of it."""
    try:
        with np.errstate(all="ignore"):
            return make()
    except (TypeError, ValueError):
        return np.array(["?"])


def claiming(array: np.ndarray) -> bytes:
    """Return an array whose header claims 10¹⁵ values."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    return header.getvalue() + array.tobytes()


def a_pickle(file: Path, rng: random.Random) -> None:
    file.write_bytes(pickle.dumps(Canary()))


ANY = (removed, empty, cut, flipped, exchanged, a_folder, a_link, a_pipe, odd_name)
KINDS: dict[str, list[Callable[[Path, random.Random], Any]]] = {
    ".json": [other_value, other_value, no_value, other_text],
    ".yaml": [other_setting, more_settings, other_text],
    ".csv": [other_cell, fewer_lines, fewer_columns],
    ".npz": [other_array, other_array, a_pickle],
    ".skops": [flipped, cut, a_pickle],
}
