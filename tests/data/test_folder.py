"""Folders of images: classes by subfolder or table, sets, sizes, and what is refused in one line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.running import run

from mlexp import cli
from mlexp.data import images, png_folder
from mlexp.data.dataset import Dataset
from mlexp.data.readers import load
from mlexp.errors import ConfigError, DataError
from mlexp.store.files import read_table


def save(path: Path, level: int = 0, size: tuple[int, int] = (5, 4), mode: str = "L") -> Path:
    """Write an image of one level, `size` wide and high."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colour: Any = level if mode == "L" else (level, 0, 0)
    Image.new(mode, size, colour).save(path)
    return path


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """Two cats and three dogs in subfolders, with a hidden file and a text."""
    root = tmp_path / "zoo"
    for name, levels in {"cat": (1, 2), "dog": (3, 4, 5)}.items():
        for level in levels:
            save(root / name / f"{level}.png", level)
    (root / "cat" / ".hidden.png").write_bytes(b"nothing")
    (root / "cat" / "notes.txt").write_text("nothing")
    return root


def read(root: Path, **keys: Any) -> Dataset:
    return load(name="folder", reader="folder", path=str(root), **keys)


def test_the_subfolders_are_the_classes(zoo: Path) -> None:
    found = read(zoo)
    assert found.classes == ("cat", "dog")
    assert found.y.tolist() == [0, 0, 1, 1, 1]
    assert found.image_shape == (4, 5)
    assert found.pixel_max == 255
    assert found.X.dtype == np.uint8
    assert found.X[:, 0].tolist() == [1, 2, 3, 4, 5]
    assert any("notes.txt" in note for note in found.notes)


def test_pixels_are_in_the_order_of_the_rows_of_the_image(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "1.png")
    assert read(tmp_path).X[0].tolist() == list(range(12))


def test_folders_named_train_and_test_are_the_split(tmp_path: Path, zoo: Path) -> None:
    both = tmp_path / "both"
    both.mkdir()
    zoo.rename(both / "train")
    save(both / "Test" / "dog" / "9.png", 9)
    save(both / "val" / "cat" / "7.png", 7)
    found = read(both)
    assert found.X_test is not None
    assert found.X_test[:, 0].tolist() == [9]
    assert found.y_test is not None
    assert found.y_test.tolist() == [1]
    assert sorted(found.X[:, 0].tolist()) == [1, 2, 3, 4, 5, 7]


def test_images_without_subfolders_have_no_label(tmp_path: Path) -> None:
    for level in range(3):
        save(tmp_path / f"{level}.png", level)
    found = read(tmp_path)
    assert not found.has_labels
    assert len(found.X) == 3


def test_a_table_names_files_labels_and_sets(zoo: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,kind,set\ncat/1.png,a,train\ndog/3,b,train\ndog/4.png,a,test\n")
    found = read(zoo, labels=str(table), label="kind")
    assert found.classes == ("a", "b")
    assert found.X[:, 0].tolist() == [1, 3]
    assert found.X_test is not None
    assert found.X_test[:, 0].tolist() == [4]


def test_numbers_to_predict_stand_in_a_table(zoo: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,age\ncat/1.png,1.5\ndog/3.png,2.5\n")
    assert read(zoo, labels=str(table), target="numbers").y.tolist() == [1.5, 2.5]


def test_images_are_resized_on_request_and_only_then(zoo: Path) -> None:
    large = save(zoo / "dog" / "8.png", 8, (9, 9))
    with pytest.raises(DataError, match="image_shape") as caught:
        read(zoo)
    assert str(large) in str(caught.value)
    found = read(zoo, image_shape=[2, 3])
    assert found.image_shape == (2, 3)
    assert sorted(found.X[:, 0].tolist()) == [1, 2, 3, 4, 5, 8]


def test_colours_become_grey_or_three_numbers_a_pixel(tmp_path: Path) -> None:
    for name in "ab":
        save(tmp_path / name / "1.png", 200, mode="RGB")
    grey, colours = read(tmp_path), read(tmp_path, channels="rgb")
    assert grey.X.shape == (2, 20)
    assert any("grey" in note for note in grey.notes)
    assert colours.image_shape == (4, 5, 3)
    assert colours.X[0, :3].tolist() == [200, 0, 0]


def test_a_photograph_that_was_stored_on_its_side_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.new("L", (8, 4)).save(tmp_path / name / "1.jpg", exif=exif)
    assert read(tmp_path).image_shape == (8, 4)


def broken(root: Path, how: str) -> str:
    """Put something wrong into a folder; return what the message must name."""
    file = root / "dog" / "wrong.png"
    if how == "text":
        file.write_text("no image")
    elif how == "cut short":
        file.write_bytes(save(root / "dog" / "3.png", 3, (50, 40)).read_bytes()[:-30])
    elif how == "16 bits":
        Image.fromarray(np.zeros((4, 5), np.uint16)).save(file)
    elif how == "link outside":
        file.symlink_to(save(root.parent / "secret.png"))
    elif how == "link to a folder":
        file = root / "fox"
        file.symlink_to(root / "dog")
    elif how == "pipe":
        os.mkfifo(file)
    elif how == "empty class":
        file = root / "fox"
        file.mkdir()
    elif how == "bomb":
        side = b"\x00\x00\xff\xff"
        header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + side + side + b"\x08\x00\x00\x00\x00"
        file.write_bytes(header + b"\x00" * 100)
    return str(file)


@pytest.mark.parametrize(
    "how",
    ["text", "cut short", "16 bits", "link outside", "link to a folder", "pipe", "empty class", "bomb"],
)
def test_what_cannot_be_read_is_one_line_that_names_it(how: str, zoo: Path) -> None:
    named = broken(zoo, how)
    with pytest.raises(DataError) as caught:
        read(zoo, image_shape=[4, 5])
    assert named in str(caught.value) or (how == "cut short" and "3.png" in str(caught.value))
    assert "\n" not in str(caught.value)


def test_a_link_within_the_folder_is_followed(zoo: Path) -> None:
    (zoo / "dog" / "again.png").symlink_to(zoo / "dog" / "3.png")
    assert read(zoo).y.tolist() == [0, 0, 1, 1, 1, 1]


def test_the_limit_of_memory_holds(zoo: Path) -> None:
    with pytest.raises(DataError, match="memory_mb"):
        read(zoo, image_shape=[1000, 1000], memory_mb=4)


def test_images_without_a_class_are_told_what_to_do(tmp_path: Path) -> None:
    save(tmp_path / "flat" / "1.png")
    with pytest.raises(ConfigError, match=r"subfolder.*dataset\.labels"):
        run(tmp_path, "task=classify", "dataset=folder", f"dataset.path={tmp_path / 'flat'}")


@pytest.mark.parametrize("row", ["../secret.png,a", "missing.png,a", "/etc/passwd,a"])
def test_a_table_names_files_of_the_folder_alone(row: str, zoo: Path, tmp_path: Path) -> None:
    save(tmp_path / "secret.png")
    (tmp_path / "labels.csv").write_text(f"file,label\ncat/1.png,b\n{row}\n")
    with pytest.raises(DataError, match="row 2"):
        read(zoo, labels=str(tmp_path / "labels.csv"))


def test_keys_of_a_folder_are_refused_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dataset=digits", "dataset.labels=a.csv"]) == ConfigError.exit_code
    assert "dataset.labels" in capsys.readouterr().err


def test_a_run_on_a_folder_predicts_another_and_scores_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for name, low in {"dark": 0, "light": 150}.items():
        for k in range(20):
            for root in ("data", "new"):
                (tmp_path / root / name).mkdir(parents=True, exist_ok=True)
                pixels = rng.integers(low, low + 100, (3, 3), np.uint8)
                Image.fromarray(pixels).save(tmp_path / root / name / f"{k}.png")
    words = ["dataset=folder", f"dataset.path={tmp_path / 'data'}", "model=logistic", "figures=false"]
    done = run(tmp_path / "out", "task=classify", *words)
    assert done.info["dataset"]["image_shape"] == [3, 3]
    out = tmp_path / "out.csv"
    assert cli.main(["predict", str(done.path), str(tmp_path / "new"), "--out", str(out)]) == 0
    assert "accuracy 1.0000" in capsys.readouterr().out
    assert read_table(out)["prediction"] == ["dark"] * 20 + ["light"] * 20


def test_an_exported_data_set_reads_back_equal(tmp_path: Path) -> None:
    digits = load(name="digits", limit=50)
    assert png_folder.write(digits, tmp_path / "png") == 50
    table = read_table(tmp_path / "png" / png_folder.TABLE)
    assert table["label"] == [digits.classes[code] for code in digits.y]
    assert all((tmp_path / "png" / path).is_file() for path in table["path"])
    back = read(tmp_path / "png", labels=str(tmp_path / "png" / png_folder.TABLE))
    np.testing.assert_array_equal(back.y, digits.y)
    np.testing.assert_array_equal(np.round(back.X / 255 * 16), digits.X)


def test_an_export_never_writes_over_files_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = load(name="digits", limit=20)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        png_folder.write(digits, tmp_path / "kept")
    with pytest.raises(DataError, match="images"):
        png_folder.write(load(name="iris"), tmp_path / "iris")

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", stopped)
    with pytest.raises(KeyboardInterrupt):
        png_folder.write(digits, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept"]


def test_the_verb_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "export", "digits", str(tmp_path / "png"), "limit=12"]) == 0
    assert "12 images" in capsys.readouterr().out
    assert cli.main(["data", "export", "digits"]) == ConfigError.exit_code


def test_files_in_colour_with_transparency_are_read(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (255, 255, 255, 0)).save(tmp_path / "1.png")
    X, seen, shape = images.read([tmp_path / "1.png"], images.ImageFormat(background=7), 1)
    assert X.tolist() == [[7, 7, 7, 7]]
    assert seen.transparent == 1
    assert shape == (2, 2)
