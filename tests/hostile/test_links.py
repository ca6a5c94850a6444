"""A run folder of a stranger: its links, pipes and devices are neither read nor written through."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.running import run

from mlexp import cli, dispatch
from mlexp.config import untrusted
from mlexp.errors import DataError, NotWritten
from mlexp.store import Run, files

SECRET = "a line that nobody else may read"
VERBS = ("show", "report", "resume", "rerun", "compare", "predict", "export")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder with a run and a sweep."""
    outputs = tmp_path_factory.mktemp("whole") / "outputs"
    run(outputs, "size=smoke", "figures=false")
    plan = dispatch.plan_sweep(
        ["size=smoke", "seed=0,1", f"outputs={outputs}", "task.name=two", "figures=false"]
    )
    dispatch.run_sweep(plan)
    return outputs


@pytest.fixture
def outputs(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, beside a folder of secrets."""
    shutil.copytree(whole, tmp_path / "outputs", symlinks=True)
    secret = tmp_path / "secret"
    secret.mkdir()
    for name in ("zzz.png", "x.csv", "metrics.json", "run.json"):
        (secret / name).write_text(SECRET)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "outputs"


def linked(inside: str, to: str) -> Callable[[Path], None]:
    """Return what replaces something of a folder by a link to a secret."""

    def put(folder: Path) -> None:
        place = folder / inside
        place.parent.mkdir(exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        place.unlink(missing_ok=True)
        place.symlink_to(Path("secret", to).absolute() if to != "/etc" else to)

    return put


def piped(name: str) -> Callable[[Path], None]:
    """Return what replaces a file by a pipe that nobody writes to."""

    def put(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return put


LINKS = {
    "figures -> /etc": linked("figures", "/etc"), "figure": linked("figures/zzz.png", "zzz.png"),
    "table": linked("tables/x.csv", "x.csv"), "tables": linked("tables", ""), "log": linked("run.log", "new.log"),
    "page": linked("report.html", "new.html"), "metrics": linked("metrics.json", "metrics.json"),
    "record": linked("run.json", "run.json"), "lock": linked(".lock", "new.lock"), "pipe": piped("metrics.json"),
    "piped log": piped("run.log"), "piped lock": piped(".lock"), "hidden": linked(".hidden/x", "x.csv"),
    "dangling": linked("figures/zzz.png", "nothing"), "model": linked("model.npz", "x.csv"),
    "configuration": linked("config.yaml", "x.csv"), "history": linked("history.csv", "x.csv"),
}  # fmt: skip


@pytest.mark.parametrize("name", LINKS)
def test_a_link_in_a_run_folder_is_refused_by_every_verb(
    name: str, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = (outputs / "digits_mlp" / "latest").resolve()
    LINKS[name](folder)
    Path("new.csv").write_text("a\n1\n")
    before = sorted(Path("secret").iterdir())
    for verb in VERBS:
        words = {"predict": ["new.csv"], "export": ["--config", "mine.yaml"]}.get(verb, [])
        assert cli.main([verb, str(folder), *words]) == 3, verb
        said = capsys.readouterr()
        assert SECRET not in said.out + said.err
        assert said.err.count("\n") == 1
        assert "a link, a pipe or a device" in said.err
    for words in (["list", "runs"], ["report", "--all"], ["clean", "--dry-run"]):
        assert cli.main(words) == 0
    assert SECRET not in capsys.readouterr().out + Path("outputs/index.html").read_text()
    assert sorted(Path("secret").iterdir()) == before
    assert not list(folder.rglob("report.html")) or name == "page"


@pytest.mark.parametrize("inside", ["runs", "runs/job"])
def test_a_link_in_a_sweep_leads_nowhere(
    inside: str, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = (outputs / "two" / "latest").resolve()
    other = next((outputs / "digits_mlp").glob("2*"))
    if inside == "runs":
        shutil.rmtree(folder / "runs")
        (Path("secret") / "001").mkdir()
        shutil.copy(other / "run.json", "secret/001/run.json")
        (folder / "runs").symlink_to(Path("secret").absolute())
    else:
        job = next((folder / "runs").iterdir())
        shutil.rmtree(job)
        job.symlink_to(other)
    for words in (["show"], ["report", "--runs"], ["resume"], ["rerun"], ["compare"]):
        assert cli.main([words[0], str(folder), *words[1:]]) == 3, words
        assert "a link, a pipe or a device" in capsys.readouterr().err
    assert cli.main(["list", "runs", "--jobs", "--task", "two"]) == 0
    assert "damaged" in (out := capsys.readouterr().out)
    assert "/runs/" not in out
    assert not list(Path("secret").rglob("report.html"))
    assert not (other / "report.html").exists()


def test_latest_must_lead_to_a_folder_beside_it(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "outputs/digits_mlp/latest"]) == 0
    link = outputs / "two" / "latest"
    link.unlink()
    link.symlink_to((outputs / "digits_mlp" / "latest").resolve())
    for name in ("outputs/two/latest", "two/latest"):
        assert cli.main(["show", name]) == 3
        assert "out of the folder of its task" in capsys.readouterr().err
    with pytest.raises(DataError, match="out of the folder of its task"):
        Run.open(link)
    assert cli.main(["show", "two"]) == 0  # by the name of its task it is found without the link


def test_files_are_written_beside_a_link_and_never_through_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    for name in ("a.json", "run.log", f".b.json.{os.getpid()}.tmp"):
        (tmp_path / name).symlink_to(secret)
    files.write_bytes(tmp_path / "a.json", b"new")  # takes the place of the link
    assert (tmp_path / "a.json").read_bytes() == b"new"
    with pytest.raises(NotWritten, match="a link"):
        files.write_bytes(tmp_path / "b.json", b"new")
    with pytest.raises(NotWritten, match="a link"), files.appending(tmp_path / "run.log") as file:
        file.write("new")
    assert secret.read_text() == SECRET


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "/nowhere", "/"])
def test_only_plain_files_are_read(name: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        untrusted.read_bytes(Path(name))


def test_a_file_too_large_to_be_read_whole(tmp_path: Path) -> None:
    with open(tmp_path / "run.json", "wb") as file:
        file.truncate(100_000_000)  # of which the disk holds nothing
    with pytest.raises(DataError, match="at most 67 MB"):
        files.read_json(tmp_path / "run.json")


def test_layers_of_a_run_with_links_are_not_read(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = (outputs / "digits_mlp" / "latest").resolve()
    words = ["task=mnist_hidden_tsne", "dataset=digits", "size=smoke", f"layers.run={folder}"]
    linked("model.npz", "x.csv")(folder)
    assert cli.main(words) == 3
    assert "a link, a pipe or a device" in capsys.readouterr().err
