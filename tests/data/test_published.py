import gzip
import logging
import shutil
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import pytest

from mlexp.data import cache, download
from mlexp.data.named_sets import describe, fetch, verify
from mlexp.data.published_sets import KNOWN
from mlexp.data.readers import idx, load, published
from mlexp.errors import ConfigError, DataError


def get(name="toy", **keys):
    return load(name=name, reader="published", **keys)


def test_first_use_decodes_and_later_runs_map(toy, monkeypatch):
    first = get(data_dir=str(toy.store))
    np.testing.assert_array_equal(first.X, toy.arrays["X"].reshape(50, 784))
    np.testing.assert_array_equal(first.y_test, toy.arrays["y_test"])
    assert isinstance(first.X, np.memmap)
    assert first.source == "published files, from data_dir"
    assert (first.image_shape, first.pixel_max, first.classes) == ((28, 28), 255, tuple("0123456789"))

    def never(*args):
        raise AssertionError("read again")

    monkeypatch.setattr(idx, "read", never)
    monkeypatch.setattr(published, "checksum", never)
    again = get(data_dir=str(toy.store))
    shutil.rmtree(toy.store)
    alone = get()
    assert first.fingerprint == again.fingerprint == alone.fingerprint
    assert alone.source == "published files, from the decoded copy in the user cache"


def test_the_stored_digests_are_those_of_the_rows(toy):
    from dataclasses import replace

    dataset = get(data_dir=str(toy.store))
    assert set(dataset.digests) == {"X", "X_test"}
    assert replace(dataset, digests={}).fingerprint == dataset.fingerprint


def test_order_of_search(toy, tmp_path, monkeypatch):
    places = ("path", "dir", "env", "cache", "system")
    folders = {place: tmp_path / place / "toy" for place in places}
    for folder in folders.values():
        shutil.copytree(toy.folder, folder)
    monkeypatch.setenv("MLEXP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MLEXP_DATA_DIR", str(tmp_path / "env"))

    def source(**keys):
        shutil.rmtree(tmp_path / "cache" / "decoded", ignore_errors=True)
        return get(**keys).source.removeprefix("published files, from ")

    both = {"path": str(tmp_path / "path"), "data_dir": str(tmp_path / "dir")}
    assert source(**both) == "dataset.path"
    assert source(path=str(folders["path"])) == "dataset.path"
    assert source(data_dir=both["data_dir"]) == "data_dir"
    assert source() == "MLEXP_DATA_DIR"
    shutil.rmtree(folders["env"])
    assert source() == "the user cache"
    shutil.rmtree(folders["cache"])
    assert source() == "the system data folder"


def test_packed_anew_is_accepted(toy):
    for role in ("X", "y_test"):
        toy.pack(role)
    path = toy.path("X_test")
    with zipfile.ZipFile(f"{path}.zip", "w") as archive:
        archive.write(path, path.name)
    path.unlink()
    assert get(data_dir=str(toy.store)).n_samples == 50


def flip(path, at=300):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_flipped_bit_is_refused_with_both_checksums_and_the_cure(toy):
    right = KNOWN["toy"].files["X"].sums[0]
    flip(toy.path("X"))
    with pytest.raises(
        DataError,
        match=rf"images-idx3-ubyte is damaged .* must be {right}\. Got [0-9a-f]{{64}}: .*data fetch toy",
    ):
        get(data_dir=str(toy.store))
    assert not (cache.cache_folder() / "decoded").exists()


def test_damage_after_the_first_use_is_noticed(toy):
    get(data_dir=str(toy.store))
    flip(toy.path("X_test"))
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte is damaged"):
        get(data_dir=str(toy.store))
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte is damaged"):
        get(path=str(toy.folder))
    assert get().n_samples == 50


def test_a_second_folder_is_checked_once(toy, tmp_path, monkeypatch):
    get(data_dir=str(toy.store))
    shutil.copytree(toy.store, tmp_path / "other")
    checked = []
    monkeypatch.setattr(
        published, "checksum", lambda path, real=published.checksum: checked.append(path) or real(path)
    )
    for _ in range(3):
        get(data_dir=str(tmp_path / "other"))
        get(data_dir=str(toy.store))
    assert len(checked) == 4


@pytest.mark.parametrize(("cut", "message"), [(-400, "cut short"), (-4, "cut short")])
def test_a_truncated_gz_is_refused(toy, cut, message):
    packed = toy.pack("X")
    packed.write_bytes(packed.read_bytes()[:cut])
    with pytest.raises(DataError, match=message):
        get(data_dir=str(toy.store))


def test_a_missing_file_in_a_named_folder(toy):
    get(data_dir=str(toy.store))
    toy.path("y_test").unlink()
    with pytest.raises(DataError, match=r"Missing: t10k-labels-idx1-ubyte \(plain, \.gz or \.zip\)"):
        get(data_dir=str(toy.store))


def test_folders_that_do_not_exist(toy, tmp_path, monkeypatch):
    nowhere = str(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"data_dir names '.*nowhere', which does not exist"):
        get(data_dir=nowhere)
    with pytest.raises(DataError, match=r"dataset\.path names '.*nowhere', which does not exist"):
        get(path=nowhere)
    with pytest.raises(DataError, match=r"Missing: train-images"):
        get(path=str(tmp_path))
    monkeypatch.setenv("MLEXP_DATA_DIR", nowhere)
    with pytest.raises(DataError, match=r"MLEXP_DATA_DIR names '.*nowhere', which does not exist"):
        get()


def test_no_network_and_no_file(toy):
    with pytest.raises(DataError) as caught:
        get()
    message = str(caught.value)
    for expected in (
        "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
        "one.invalid: ConnectionError; two.invalid: ConnectionError",
        "dataset.path",
        "data_dir or MLEXP_DATA_DIR (not set)",
        str(cache.cache_folder()),
        "system",
        "mlexp task=digits_mlp",
    ):
        assert expected in message
    assert "\n" not in message


class Mirrors:
    """A network of two mirrors; `spoil` says what each does to a file."""

    def __init__(self, toy, monkeypatch, **spoil):
        self.toy, self.spoil, self.asked = toy, spoil, []
        monkeypatch.setattr(download, "retrieve", self)

    def __call__(self, url, target):
        host, name = url.removeprefix("http://").split("/")
        self.asked.append((host, name))
        content = (self.toy.folder / name.removesuffix(".gz")).read_bytes()
        target.write_bytes(self.spoil.get(host.split(".")[0], lambda c: c)(gzip.compress(content)))


def refuse(content):
    raise TimeoutError("timed out")


def test_download_from_the_first_mirror(toy, monkeypatch):
    mirrors = Mirrors(toy, monkeypatch)
    assert get().source == "published files, from a download"
    assert [host for host, _ in mirrors.asked] == ["one.invalid"] * 4
    assert get().source == "published files, from the decoded copy in the user cache"
    assert fetch("toy") == cache.cache_folder() / "toy"
    assert len(mirrors.asked) == 4


@pytest.mark.parametrize(
    "fault", [refuse, lambda c: c[:-9], lambda c: gzip.compress(b"other"), lambda c: b"<html>"]
)
def test_a_faulty_mirror_gives_way_to_the_next(toy, monkeypatch, fault):
    mirrors = Mirrors(toy, monkeypatch, one=fault)
    np.testing.assert_array_equal(get().y, toy.arrays["y"])
    assert [host for host, _ in mirrors.asked] == ["one.invalid", "two.invalid"] * 4
    assert sorted(p.name for p in (cache.cache_folder() / "toy").iterdir()) == sorted(
        f"{name}.gz" for name in idx.STANDARD.values()
    )


def test_no_wrong_file_is_kept(toy, monkeypatch):
    Mirrors(toy, monkeypatch, one=refuse, two=lambda c: gzip.compress(b"other"))
    with pytest.raises(DataError, match=r"one\.invalid: TimeoutError; two\.invalid: not the published file"):
        fetch("toy")
    assert list((cache.cache_folder() / "toy").iterdir()) == []


def test_fetch_replaces_what_is_damaged_and_goes_on_where_it_stopped(toy, monkeypatch):
    mirrors = Mirrors(toy, monkeypatch)
    folder = fetch("toy")
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(b"nonsense")
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    mirrors.asked.clear()
    fetch("toy")
    assert [name for _, name in mirrors.asked] == ["train-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]


def test_verify_lists_every_file(toy):
    assert {state for _, state, _ in verify("toy")} == {"missing"}
    get(data_dir=str(toy.store))
    flip(toy.path("X"))
    toy.path("y").unlink()
    with pytest.raises(DataError):
        get(data_dir=str(toy.store))
    lines = verify("toy", str(toy.store))
    assert [state for _, state, _ in lines] == ["damaged", "missing", "ok", "ok", "ok"]
    assert lines[-1][2] == "decoded copy"
    flip(published.decoded_folder("toy") / "X.npy", 500)
    assert verify("toy", str(toy.store))[-1][1] == "damaged"
    assert verify("digits") == [("digits", "ok", "bundled with scikit-learn: there are no files to check")]


def test_describe_says_where(toy, tmp_path):
    where = {entry.name: entry.where for entry in describe()}
    assert where["toy"] == "not here"
    assert where["digits"] == "bundled with scikit-learn"
    assert where["moons"] == "generated"
    assert {entry.name: entry.where for entry in describe(str(toy.store))}["toy"] == "data_dir"
    get(data_dir=str(toy.store))
    assert {entry.name: entry.where for entry in describe()}["toy"] == "the user cache (decoded)"
    assert "does not exist" in {e.name: e.where for e in describe(str(tmp_path / "nowhere"))}["mnist"]


def test_unknown_names():
    with pytest.raises(ConfigError, match=r"Did you mean 'mnist'\?"):
        get("mnits")
    with pytest.raises(ConfigError, match=r"Did you mean 'fashion_mnist'\?"):
        verify("fashion-mnist")
    with pytest.raises(ConfigError, match="needs no download"):
        fetch("digits")
    with pytest.raises(ConfigError, match=r"dataset\.reader must be one of .* Did you mean 'csv'\?"):
        load(reader="cvs")


def test_a_cache_that_cannot_be_written(toy, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MLEXP_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with caplog.at_level(logging.WARNING):
        first, second = get(data_dir=str(toy.store)), get(data_dir=str(toy.store))
    assert first.fingerprint == second.fingerprint
    assert len(caplog.records) == 1
    assert "Set MLEXP_CACHE_DIR to a folder that can be written" in caplog.text
    with pytest.raises(DataError, match="cannot be made"):
        fetch("toy")


@pytest.mark.parametrize(
    ("name", "rows", "test_rows", "classes"),
    [("mnist", 60_000, 10_000, "0 9"), ("fashion_mnist", 60_000, 10_000, "T-shirt/top|Ankle boot")],
)
def test_the_real_idx_sets(real, name, rows, test_rows, classes):
    dataset = get(name, data_dir=str(real))
    assert (dataset.X.shape, dataset.X_test.shape) == ((rows, 784), (test_rows, 784))
    assert [dataset.classes[0], dataset.classes[-1]] == classes.replace(" 9", "|9").split("|")
    # Facts of the published files: rows of each class, mean pixel over 255.
    mean = {"mnist": 0.1307, "fashion_mnist": 0.2860}[name]
    assert dataset.X.mean() / 255 == pytest.approx(mean, abs=5e-5)
    assert set(np.bincount(dataset.y_test)) == (
        {1000} if name == "fashion_mnist" else set(np.bincount(dataset.y_test))
    )
    if name == "mnist":
        np.testing.assert_array_equal(
            np.bincount(dataset.y), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        )


def test_the_real_sign_language_set(real):
    closed = get("sign_mnist", data_dir=str(real))
    kept = get("sign_mnist", data_dir=str(real), label_gaps="keep")
    assert (closed.X.shape, closed.X_test.shape) == ((27_455, 784), (7_172, 784))
    assert "".join(closed.classes) == "ABCDEFGHIKLMNOPQRSTUVWXY"
    assert "".join(kept.classes) == "ABCDEFGHIJKLMNOPQRSTUVWXY"
    assert np.bincount(kept.y)[9] == 0
    assert [kept.classes[code] for code in kept.y[:500]] == [closed.classes[code] for code in closed.y[:500]]
    assert closed.X.mean() / 255 == pytest.approx(0.6247, abs=5e-5)
    assert closed.fingerprint != kept.fingerprint
    with gzip.open(real / "sign-mnist" / "sign_mnist_train.csv.gz", "rt") as table:
        lines = table.readlines(20_000)[1:3]
    for line, row, code in zip(lines, closed.X, kept.y, strict=False):
        np.testing.assert_array_equal(np.array(line.split(","), int), [code, *row])


def test_the_real_sets_from_line_feed_copies(real, tmp_path, monkeypatch):
    """The line ends of a table may have been converted; the numbers are the same."""
    file = KNOWN["sign_mnist"].files["test"]
    with gzip.open(real / "sign-mnist" / "sign_mnist_test.csv.gz") as stream:
        (tmp_path / "lf.csv").write_bytes(stream.read().replace(b"\r\n", b"\n"))
    published.check_file(tmp_path / "lf.csv", file, "sign_mnist")
    X, y = published.parse_bytes(tmp_path / "lf.csv")
    dataset = get("sign_mnist", data_dir=str(real), label_gaps="keep")
    np.testing.assert_array_equal(X, dataset.X_test)
    np.testing.assert_array_equal(y, dataset.y_test)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_decoding_mnist_takes_little_memory(real, tmp_path, monkeypatch):
    monkeypatch.setenv("MLEXP_CACHE_DIR", str(tmp_path / "fresh"))
    code = """
        import sys
        from mlexp.data.readers import load
        dataset = load(name="mnist", reader="published", data_dir=sys.argv[1])
        assert dataset.n_samples == 60_000
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        print(int(status["VmHWM"].split()[0]) // 1024)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(real)]
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert int(peak) < 200
