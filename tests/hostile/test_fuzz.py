"""Command lines and task files made from the schema: whatever comes in costs one line, and never a traceback."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.hostile import harness

from mlexp.config import schema
from mlexp.config.groups import offered
from mlexp.config.names import GROUPS

KEYS = sorted(schema.declared())
NODES = sorted({key.rpartition(".")[0] for key in KEYS} - {""})
ODD = [
    "", " ", "null", "true", "0", "-1", "1e999", ".nan", "[]", "{}", "[[]]", "{a: 1}", "{a:{b:[1,2]}}", "???",
    "${seed}", "${model}", "${nosuch.key}", "${oc.env:HOME}", "${.name}", "${${a}}", "\\${seed}", "'", '"', "'a b'",
    "a,b", "1,2,3", "range(3)", "choice(1,2)", "interval(0,1)", "glob(*)", "shuffle(1,2)", "sort(2,1)", "int(3)",
    "tag(a,1)", "[1,", "{a:", "(", ")", "é", "日本", "\u202e", "\u0000", "\t", "a\nb", "~", "=", "==", "@", "a@b", "*",
    "&a", "!!str", "%", "#", "..", "../..", "/", "/dev/null", "~/x", "C:\\x", "999999999999999999999", "2/5", "5/2",
    "0.2", "1.5", "_target_", "{_target_:os.system}", "\ud800", "x" * 3000, "[" * 40, "\U0001f600",
]  # fmt: skip
RANGES = ("range(1000000000)", "range(0,1,1e-9)", "range(10000),1")
plain = st.one_of(
    st.sampled_from(ODD),
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=12),
    st.sampled_from(KEYS).map(lambda key: f"${{{key}}}"),
)


def fitting(key: str) -> st.SearchStrategy[str]:
    """Return values that a key is likely to take."""
    rule = schema.declared()[key].metadata["rule"]
    known = [st.sampled_from(rule.choices)] if rule.choices else []
    return st.one_of(*known, st.integers(0, 3).map(str), st.sampled_from(["0.1", "true", "[3]", "null", "x"]))


def settled(values: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[str]:
    """Return settings of known keys, with values that fit or that do not."""
    return st.sampled_from(KEYS).flatmap(
        lambda key: st.one_of(fitting(key), values or plain).map(lambda value: f"{key}={value}")
    )


def chosen() -> st.SearchStrategy[str]:
    """Return choices of files, known ones and others."""
    return st.sampled_from(GROUPS).flatmap(
        lambda group: st.one_of(st.sampled_from(sorted(offered(group))), plain).map(
            lambda name: f"{group}={name}"
        )
    )


strange = st.one_of(
    st.tuples(
        st.sampled_from(["", "+", "++", "~"]),
        st.one_of(
            st.sampled_from([*KEYS, *NODES, "nosuch", "model.params.x", "hydra.x", "a.b.c"]),
            st.text(max_size=8),
        ),
        st.sampled_from(["", "=", "@x=", "/y="]),
        plain,
    ).map("".join),
    st.sampled_from(
        ["-m", "--cfg", "job", "--info", "config", "--config-dir", "own", "-sc", "--resolve", "-q", "--help"]
    ),
    st.text(max_size=20),
)
line = st.tuples(
    st.lists(st.one_of(settled(), chosen(), settled(), strange), min_size=1, max_size=4),
    st.sampled_from([["--dry-run"], ["--dry-run"], ["-m", "--dry-run"], ["--cfg", "job"]]),
).map(lambda parts: [word.replace("\0", "") for word in (*parts[0], *parts[1])])
leaf = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10),
    st.sampled_from(ODD).map(lambda text: text.encode("utf-8", "replace").decode()),
)  # fmt: skip
nested = st.recursive(
    leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mapping(draw: Any) -> dict[str, Any]:
    """Return the content of a task file: keys of the schema at their places, some of them odd."""
    whole: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(KEYS), max_size=5, unique=True)):
        node = whole
        *parents, name = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        value = draw(st.one_of(fitting(key).map(yaml.safe_load), nested))
        node[name] = value
    more = ["defaults", "hydra", "nosuch", "model", "task", "comparison", "sweep", "tune", "_target_"]
    for key in draw(st.lists(st.sampled_from(more), max_size=1)):
        entry = st.sampled_from(["_self_", "sound", "/model/knn", "nosuch", "/config", ".."])
        group = st.sampled_from(["override /model", "override /dataset", "/tune", "override /execution", "x"])
        name = st.sampled_from(["knn", "iris", "grid", "dask", "nosuch", "../x"])
        override = st.dictionaries(group, name, min_size=1, max_size=2)
        whole[key] = draw(st.lists(st.one_of(entry, override), max_size=3) if key == "defaults" else nested)
    return whole


@st.composite
def text_of_a_file(draw: Any) -> bytes:
    """Return a task file: sound YAML, or with a piece cut out or put in."""
    heads = ["# @package _global_\n", "# @package _global_\n", "", "# @package model\n", "# @x\n", "\ufeff"]
    head = draw(st.sampled_from(heads))
    data: bytes = (head + yaml.safe_dump(draw(mapping()), allow_unicode=draw(st.booleans()))).encode()
    if draw(st.integers(0, 2)) == 0:
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 3))
        pieces = (b"", b"\t", b"\xff", b"[", b"}", b": ", b"*a", b"&a ", b"- ", b"\x00", b"'", b"!!x ", b"\n")
        piece = draw(st.sampled_from(pieces))
        data = data[:at] + piece + data[at + length :]
    return data


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """Return examples of a strategy, the same ones each time."""
    found: list[Any] = []

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy)
    def collect(one: Any) -> None:
        found.append(one)

    collect()
    return found


def check(lines: Sequence[Sequence[str]], folder: Path) -> None:
    results = harness.run(lines, folder)
    troubles = [line for result in results for line in result.troubles(codes=(0, 2, 3))]
    assert not troubles, f"{len(troubles)} of {len(lines)}:\n" + "\n".join(troubles[:20])
    assert sum(result.code == 0 for result in results) > len(results) / 20, (
        "nearly all is refused: too little is tested"
    )


def check_files(texts: Sequence[bytes], folder: Path) -> None:
    place = folder / "own" / "task"
    place.mkdir(parents=True)
    (place / "sound.yaml").write_text("# @package _global_\nmodel: {epochs: 3}\n")
    lines = []
    for number, text in enumerate(texts):
        (place / f"t{number}.yaml").write_bytes(text)
        lines.append(
            ["--config-dir", "own", f"task=t{number}", *(["-m"] if number % 5 == 0 else []), "--dry-run"]
        )
    check([*lines, ["list", "tasks", "--config-dir", "own"]], folder)


def test_some_command_lines(tmp_path: Path) -> None:
    check([*drawn(line, 80), *(["-m", "--dry-run", f"seed={values}"] for values in RANGES)], tmp_path)


def test_some_task_files(tmp_path: Path) -> None:
    check_files(drawn(text_of_a_file(), 40), tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_2000_command_lines(tmp_path: Path) -> None:
    check(drawn(line, 2000), tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_500_task_files(tmp_path: Path) -> None:
    check_files(drawn(text_of_a_file(), 500), tmp_path)
