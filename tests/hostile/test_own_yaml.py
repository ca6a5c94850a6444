"""Mistakes in files of one's own cost one line that says where, and touch nothing but the file itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.hostile import harness

from mlexp.config import compose as configuration
from mlexp.config import groups, yamltext
from mlexp.errors import ConfigError

HEAD = b"# @package _global_\n# Broken.\n"
BOMB = b"a0: &a0 [x, x]\n" + b"".join(
    b"a%d: &a%d [*a%d, *a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 60)
)
BROKEN = {  # what follows the two lines of HEAD -> what the message says
    b"model:\n\tepochs: 3\n": ("line 4, column 1", "tab"),
    b"model: {epochs: 3\n": ("line 4, column 1", "'}'"),
    b"model:\n  hidden: [1, 2\nseed: 1\n": ("line 5, column 5", "']'"),
    b"seed: 1\nseed: 2\n": ("line 4, column 1", "the key seed stands twice"),
    b"model: {l2: 1, l2: 2}\n": ("line 3, column 16", "the key l2 stands twice"),
    b"task: {name: caf\xe9}\n": ("line 3, column 17", "UTF-8"),
    b"task: {name: 'a\x07b'}\n": ("line 3, column 16", "control character"),
    b"seed: 'x\n": ("line 4, column 1",),
    b"seed: *none\n": ("line 3, column 7", "*none leads nowhere"),
    b"model: &m {params: *m}\n": ("line 3, column 20", "back to itself"),
    b"seed: !!python/name:os.system ''\n": ("line 3, column 7", "tag"),
    b"seed: 1\n---\nseed: 2\n": ("line 4, column 1", "another document"),
    b"? [a, b]\n: 1\n": ("line 3, column 3", "a key must be a name"),
    b"model: {params: " + b"[" * 60 + b"]" * 60 + b"}\n": ("line 3, column", "nested more than 50 levels"),
    BOMB: ("line ", "more than 20,000 values"),
    b"a: [" + b"1, " * 30_000 + b"]\n": ("line 3", "more than 20,000 values"),
    b"a: " + b"1" * 5000 + b"\n": ("digits",),
    b"? " + b"x" * 900_000 + b"\n: 1\n": ("line 3, column 3", "a very long key"),
    b"? " + b"x" * 900 + b"\n: 1\n": ("is not a key",),
    b"- a\n- b\n": ("must hold lines 'key: value'",),
    b"1: 2\n": ("must hold lines 'key: value'",),
    b"defaults: {model: mlp}\n": ("defaults must be a list",),
    b"defaults: [broken]\n": ("leads back to itself (task/broken -> task/broken)",),
    b"defaults: [circle]\n": ("leads back to itself", "task/broken -> task/circle -> task/broken"),
    b"defaults: [tree0]\n": ("more than 100 files",),
    b"defaults: [{override /model: 3}]\n": ("names a file of a group",),
    b"defaults: [nosuch]\n": ("task=nosuch is not known",),
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own" / "task"
    folder.mkdir(parents=True)
    (folder / "sound.yaml").write_text("# @package _global_\n# A sound task.\nmodel: {epochs: 3}\n")
    (folder / "circle.yaml").write_text("# @package _global_\ndefaults: [broken]\n")
    for n in range(20):
        (folder / f"tree{n}.yaml").write_text(f"# @package _global_\ndefaults: [tree{n + 1}, tree{n + 1}]\n")
    (folder / "tree20.yaml").write_text("# @package _global_\n")
    return folder.parent


def test_a_mistake_is_one_line_with_its_place_and_breaks_nothing_else(own: Path) -> None:
    for text, said in BROKEN.items():
        (own / "task" / "broken.yaml").write_bytes(HEAD + text)
        with pytest.raises(ConfigError) as caught:
            configuration.compose(["task=broken"], str(own))
        message = str(caught.value)
        assert len(message) < 1000
        assert "task/" in message or "task=nosuch" in message
        for words in said:
            assert words in message, (text[:60], message)
        assert configuration.compose(["task=sound"], str(own)).model.epochs == 3
        assert groups.offered("task", str(own))["sound"] == "A sound task."
        with pytest.raises(ConfigError, match="Did you mean 'sound'"):
            configuration.compose(["task=soond"], str(own))


def test_broken_files_are_one_line_of_the_program_too(own: Path) -> None:
    commands = []
    for number, text in enumerate(BROKEN):
        (own / "task" / f"bad{number}.yaml").write_bytes(HEAD + text)
        commands.append(["--config-dir", "own", f"task=bad{number}", "--dry-run"])
    (own / "task" / "pipe.yaml").unlink(missing_ok=True)
    os.mkfifo(own / "task" / "pipe.yaml")
    commands.append(["--config-dir", "own", "task=pipe", "--dry-run"])
    commands += [["list", "tasks", "--config-dir", "own"], ["--config-dir", "own", "task=sound", "--dry-run"]]
    *refused, listed, sound = harness.run(commands, own.parent)
    assert [result.code for result in refused] == [2] * len(refused)
    assert (listed.code, sound.code) == (0, 0)
    assert "A sound task." in listed.stdout
    troubles = [line for result in (*refused, listed, sound) for line in result.troubles()]
    assert not troubles, "\n".join(troubles)


def test_yml_and_a_byte_order_mark(own: Path) -> None:
    text = "# @package _global_\n# With a mark.\nmodel: {epochs: 4}\n"
    (own / "task" / "marked.yml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (own / "task" / "windows.yaml").write_bytes(text.replace("\n", "\r\n").encode())
    for name in ("marked", "windows", "MARKED"):
        assert configuration.compose([f"task={name}"], str(own)).model.epochs == 4, name
    assert groups.offered("task", str(own))["marked"] == "With a mark."
    (own / "dataset").mkdir()
    (own / "dataset" / "mnist.yml").write_text("name: other\nreader: csv\n")
    assert groups.shadowed(str(own)) == ["dataset/mnist.yml"]
    (own / "task" / "marked.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"has marked\.yaml and marked\.yml"):
        configuration.compose(["task=marked"], str(own))


def test_folders_with_odd_names(tmp_path: Path) -> None:
    for name in (
        "with space",
        "é",
        "a,b",
        "(x)",
        "a=b",
        "'q'",
        "100%",
        "[l]",
        "{m}",
        "a:b",
        "$h",
        "back\\slash",
    ):
        (tmp_path / name / "task").mkdir(parents=True)
        (tmp_path / name / "task" / "mine.yaml").write_text("# @package _global_\nseed: 5\n")
        assert configuration.compose(["task=mine"], str(tmp_path / name)).seed == 5, name


@pytest.mark.parametrize("text", ["a: 1e5", "a: 1.5", "a: .5e-3", "a: 1_000", "a: .inf", "a: no", "a: 2020-01-01",
                                  "a: '1e5'", "a: 0x1f", "a: 1:30", "a: ~", "a: [1, {b: c}]", "a: 1.", "a: +1e-2",
                                  "a: &x {b: 1}\nc: {<<: *x, d: 2}", ""])  # fmt: skip
def test_values_are_read_as_omegaconf_reads_them(text: str) -> None:
    from omegaconf import OmegaConf

    assert OmegaConf.create(yamltext.parsed(text.encode()) or {}) == OmegaConf.create(text)


def test_task_files_say_that_their_keys_are_of_all_nodes(own: Path) -> None:
    (own / "task" / "bare.yaml").write_text("model: {epochs: 3}\n")
    with pytest.raises(
        ConfigError, match=r"bare\.yaml: a task file begins with the line '# @package _global_'"
    ):
        configuration.compose(["task=bare"], str(own))
    (own / "task" / "odd.yaml").write_text("# @package hydra.callbacks\nx: 1\n")
    with pytest.raises(ConfigError, match="its keys go to _global_ or to task"):
        configuration.compose(["task=odd"], str(own))
    (own / "task" / "words.yaml").write_text("# @package _global_\n# @todo describe it later\nseed: 3\n")
    assert configuration.compose(["task=words"], str(own)).seed == 3


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("model.hidden=" + "[" * 300 + "]" * 300, "nested more than 50 levels"),
        ("model.params=" + "{a:" * 300 + "1" + "}" * 300, "nested more than 50 levels"),
        ("model.hidden=[" + "1," * 6_000 + "1]", "at most 100,000 characters and 5,000 values"),
        ("dataset.path=" + "x" * 200_000, "at most 100,000 characters"),
        ("model.name=" + "x" * 20_000, "..."),
        ("model.activation=" + "x" * 20_000, "..."),
        ("nosuch" * 4000 + "=1", "..."),
        ("model." + "x" * 20_000 + "=1", "..."),
        ("+" + "a/" * 10_000 + "b=1", "..."),
        ("~" + "x" * 20_000, "..."),
        ("x" * 20_000, "..."),
        ("--" + "x" * 20_000, "..."),
        ("model.epochs=" + "1" * 20_000, "model.epochs"),
        ("task=" + "x" * 20_000, "name of a choice"),
        ("dataset.path=a\nb", "control character"),
        ("dataset.path=\udcff", "not UTF-8"),
    ],
    ids=lambda text: text[:20].encode("ascii", "backslashreplace").decode(),
)
def test_long_and_deep_words_are_refused_in_a_short_line(word: str, said: str, tmp_path: Path) -> None:
    (result,) = harness.run([[word, "size=smoke"]], tmp_path)
    assert result.code == 2, result
    assert not result.troubles(), result.troubles()
    assert said in result.stderr
    assert len(result.stderr) <= 2001
