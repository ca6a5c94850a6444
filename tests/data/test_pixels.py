"""New pictures for a model: transparent ones, inverted ones, and pixels in another unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.running import run

from mlexp.data.pixels import profile, unlike
from mlexp.data.readers import load
from mlexp.store import Run
from mlexp.store.files import read_table
from mlexp.verbs.predict import predict


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("digits")
    X = load(name="digits").X.reshape(-1, 8, 8)
    images = np.uint8(np.round(X / 16 * 255))
    np.savez(folder / "digits.npz", X=images, y=load(name="digits").y)
    return run(folder, "task=digits_mlp", "dataset=npz", f"dataset.path={folder / 'digits.npz'}", "figures=false",
               "model.epochs=30")  # fmt: skip


@pytest.fixture(scope="module")
def five(digits: Run) -> np.ndarray:
    """One picture of each of 0 1 2 3 4 from the test set, recognised by the model."""
    found = digits.predictions
    rows = found["test_row"][found["test_correct"] == 1]
    data = load(name="digits")
    chosen = [rows[data.y[rows] == digit][0] for digit in range(5)]
    return np.uint8(np.round(data.X[chosen].reshape(-1, 8, 8) / 16 * 255))


def answers(digits: Run, *files: Path) -> list[str]:
    out = digits.path.parents[1] / "out.csv"
    assert predict([str(digits.path), *map(str, files), "--out", str(out)]) == 0
    return read_table(out)["prediction"]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_white_ink_on_transparent_ground(
    digits: Run, five: np.ndarray, mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for k, ink in enumerate(five):
        white = np.full_like(ink, 255)
        if mode == "RGBA":
            image = Image.fromarray(np.dstack([white, white, white, ink]))
        elif mode == "LA":
            image = Image.fromarray(np.dstack([white, ink]))
        else:  # a palette of greys whose first entry, white by its colour, is transparent
            image = Image.fromarray(ink).convert("P")
            image.putpalette([255, 255, 255, *(grey for grey in range(1, 256) for _ in range(3))])
            image.info["transparency"] = 0
        image.save(tmp_path / f"{k}.png")
    assert answers(digits, tmp_path) == ["0", "1", "2", "3", "4"]
    said = capsys.readouterr().err
    assert "5 of 5 images have transparent pixels" in said
    assert "grey 0" in said
    assert "unlike" not in said


def test_opaque_pictures_need_no_word(digits: Run, five: np.ndarray, tmp_path: Path,
                                      capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    for k, ink in enumerate(five):
        Image.fromarray(np.dstack([ink, ink, ink, np.full_like(ink, 255)])).save(tmp_path / f"{k}.png")
    assert answers(digits, tmp_path) == ["0", "1", "2", "3", "4"]
    assert capsys.readouterr().err == ""


def test_inverted_pictures_are_warned_of(digits: Run, five: np.ndarray, tmp_path: Path,
                                         capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    for k, ink in enumerate(five):
        Image.fromarray(255 - ink).save(tmp_path / f"{k}.png")
    answers(digits, tmp_path)
    assert "5 of 5 images are unlike" in capsys.readouterr().err


@pytest.mark.parametrize(("factor", "word"), [(1 / 255, "Multiply them by 255"), (257, "another unit"),
                                              (-1, "another unit"), (1.0, "")])  # fmt: skip
def test_pixels_in_another_unit_are_warned_of(digits: Run, five: np.ndarray, tmp_path: Path, factor: float, word: str,
                                              capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    np.savez(tmp_path / "new.npz", X=five.astype(float) * factor)
    found = answers(digits, tmp_path / "new.npz")
    said = capsys.readouterr().err
    assert (word in said) if word else said == ""
    if not word:
        assert found == ["0", "1", "2", "3", "4"]
    pixels = five.reshape(5, -1).astype(float) * factor
    rows = [",".join(f"p{k}" for k in range(64)), *(",".join(map(str, row)) for row in pixels.tolist())]
    (tmp_path / "new.csv").write_text("\n".join(rows) + "\n")
    answers(digits, tmp_path / "new.csv")
    assert (word in capsys.readouterr().err) if word else True


def test_the_background_is_the_usual_border() -> None:
    rng = np.random.default_rng(0)
    paper = np.full((50, 6, 6), 230)
    paper[:, 2:4, 2:4] = rng.integers(0, 80, (50, 2, 2))
    known = profile(paper.reshape(50, -1), (6, 6))
    assert (known["background"], known["alike"], known["largest"]) == (230, 1, 230)
    assert unlike(paper.reshape(50, -1), (6, 6), known) == []
    assert "unlike" in unlike(255 - paper.reshape(50, -1), (6, 6), known)[0]


def test_the_training_pictures_themselves_are_never_warned_of() -> None:
    for name in ("digits",):
        X = load(name=name).X
        known = profile(X[::2], (8, 8))
        assert unlike(X[1::2], (8, 8), known) == []
    photos = np.random.default_rng(0).integers(0, 256, (40, 64))
    assert unlike(photos, (8, 8), profile(photos, (8, 8))) == []
    assert unlike(np.zeros((2, 64)), (8, 8), profile(np.zeros((3, 64)), (8, 8))) == []
