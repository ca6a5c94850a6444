"""Pages that compute, in a real browser: they answer as `predict` does, and everybody can use them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.chromium import MISSING
from tests.report.test_browser import opened as opened
from tests.report.test_browser import serious
from tests.running import run

from mlexp import report
from mlexp.data import newrows
from mlexp.nn.learners import PerceptronClassifier
from mlexp.store import Run, fitted

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
Open = Callable[..., Any]
QUICK = ("figures=false", "page.living=true")
WALK = """() => {
  const next = [...document.querySelectorAll("#living button")].find((one) => one.textContent === "Next");
  return Array.from({length: %d}, () => {
    const values = [...document.querySelectorAll("#living .answers li")].map((one) => Number(one.dataset.value));
    next.click();
    return values;
  });
}"""
ANSWER = "[...document.querySelectorAll('#living .answers li')].map((one) => Number(one.dataset.value))"


def page_of(outputs: Path, *words: str) -> Run:
    done = run(outputs, *QUICK, *words)
    report.write(done.path)
    assert (done.path / "report.html").stat().st_size < 2_000_000
    return done


def compare(page: Any, done: Run) -> None:
    """Hold what the page computes for all samples that it carries to the predictions of the run."""
    part, places = str(done.living["part"]), done.living["part_place"]
    name = "predicted" if done.info["task"]["kind"] == "regression" else "probability"
    expected = done.predictions[f"{part}_{name}"][places].reshape(len(places), -1)
    found = np.array(page.evaluate(WALK % len(places)))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert np.ptp(found, axis=0).max() > 0.01


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return page_of(tmp_path_factory.mktemp("digits"), "model.epochs=8")


@pytest.fixture(scope="module")
def moons(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return page_of(
        tmp_path_factory.mktemp("moons"), "task=moons_boundary", "model.epochs=25", "model.hidden=[8,5]"
    )


def test_images_are_answered_as_the_run_did(digits: Run, opened: Open) -> None:
    compare(opened(digits.path / "report.html"), digits)


def test_points_are_answered_as_the_run_did(moons: Run, opened: Open) -> None:
    compare(opened(moons.path / "report.html"), moons)


TABLE = ("dataset=csv", "model=mlp", "prepare.one_hot=true", "prepare.impute=median", "model.epochs=6",
         "model.learning_rate=0.02")  # fmt: skip
OTHERS = {
    "words, empty cells, products": ("prepare.polynomial=2", "prepare.select=0.6", "prepare.scale=minmax"),
    "smooth": ("model.activation=[gelu,silu,elu,softplus]", "model.hidden=[9,8,7,6]", "prepare.pca=3"),
    "bent": ("model.activation=[relu,leaky_relu,hard_sigmoid]", "model.hidden=[9,8,7]", "model.dropout=0.1"),
    "squashed": (
        "model.activation=[tanh,sigmoid,softmax,linear]",
        "model.hidden=[9,8,7,6]",
        "model.bias=false",
    ),
    "normalised": ("model.batch_norm=true", "model.dtype=float64", "model.output=sigmoid"),
    "numbers": ("dataset.target=numbers", "dataset.label=size"),
}


def table(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    size, width = rng.normal(170, 9, 160), rng.normal(3, 1, 160)
    lines = []
    for row, (a, b) in enumerate(zip(size, width, strict=True)):
        colour = ["red", "green", "blue"][int(rng.integers(3))]
        cells = [f"{a:.2f}", f"{b:.3f}" if row % 9 else "", colour if row % 11 else ""]
        lines.append(",".join([*cells, "yes" if a / 9 + 2 * b + (colour == "red") > 25 else "no"]))
    path = folder / "mine.csv"
    path.write_text("\n".join(["size,width,colour,answer", *lines]))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("what", OTHERS)
def test_tables_are_answered_as_the_run_did(what: str, tmp_path: Path, opened: Open) -> None:
    task = "task=regress" if what == "numbers" else "task=classify"
    done = page_of(tmp_path, task, *TABLE, f"dataset.path={table(tmp_path)}", *OTHERS[what])
    compare(opened(done.path / "report.html"), done)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["fashion_mnist", "sign_mnist"])
def test_larger_images_are_answered_as_the_run_did(dataset: str, tmp_path: Path, opened: Open) -> None:
    done = page_of(
        tmp_path, f"dataset={dataset}", "dataset.limit=400", "model.epochs=3", "prepare.scale=signed"
    )
    compare(opened(done.path / "report.html"), done)


def draw(page: Any, strokes: list[list[tuple[float, float]]]) -> None:
    """Draw with the mouse, in shares of the pad."""
    pad = page.locator("#living .pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    for stroke in strokes:
        first, *rest = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*first)
        page.mouse.down()
        for place in rest:
            page.mouse.move(*place, steps=4)
        page.mouse.up()


def saved(page: Any, folder: Path) -> Path:
    """Return the file of the image that the network sees, as the page saves it."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as PNG").click()
    file = folder / "drawn.png"
    waiting.value.save_as(file)
    return file


def test_drawn_digit_is_answered_as_predict_does(digits: Run, tmp_path: Path, opened: Open) -> None:
    page = opened(digits.path / "report.html")
    draw(page, [[(0.35, 0.2), (0.7, 0.2), (0.45, 0.85)]])
    page.locator("#living .where", has_text="your drawing").wait_for()
    file = saved(page, tmp_path)
    rows = newrows.read([file], digits.info["dataset"])
    assert rows.X.max() == 16
    ink = rows.X.reshape(8, 8) > 3
    assert ink.any(axis=1).all()  # scaled to the height that the digits of this set have
    expected = fitted.load(digits.path).predict_proba(rows.X)
    np.testing.assert_allclose([page.evaluate(ANSWER)], expected, atol=1e-5)
    assert "Predicted" in page.locator("#living [role=status]").inner_text()


def test_picture_of_dark_ink_is_turned_and_centred(digits: Run, tmp_path: Path, opened: Open) -> None:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(picture).line([(30, 30), (60, 30), (40, 90)], fill="black", width=9)
    picture.save(tmp_path / "seven.png")
    page = opened(digits.path / "report.html")
    page.get_by_label("choose or drop an image").set_input_files(tmp_path / "seven.png")
    page.locator("#living .where", has_text="seven.png").wait_for()
    X = newrows.read([saved(page, tmp_path)], digits.info["dataset"]).X.reshape(8, 8)
    assert X[0, 0] == X[7, 7] == 0  # light on dark, as the training images are
    assert (X.max(axis=1) > 3).all()
    columns = np.flatnonzero(X.max(axis=0) > 3)
    assert abs(columns.mean() - 3.5) <= 1


def test_moved_point_is_answered_as_predict_does(moons: Run, opened: Open) -> None:
    page = opened(moons.path / "report.html")
    model = fitted.load(moons.path)
    for point in ([0.25, -0.5], [1.5, 0.75], [-3.0, 8.0]):
        for name, value in zip(("x1", "x2"), point, strict=True):
            page.get_by_role("spinbutton", name=name).fill(str(value))
        expected = model.predict_proba(np.array([point]))
        np.testing.assert_allclose([page.evaluate(ANSWER)], expected, atol=1e-5)


def test_boundary_by_epoch_is_that_of_a_shorter_training(moons: Run, opened: Open, tmp_path: Path) -> None:
    page = opened(moons.path / "report.html")
    slider = page.get_by_label("Epoch")
    assert slider.get_attribute("aria-valuetext").startswith("epoch 25, the network of this run")
    assert "before training" not in slider.get_attribute("aria-valuetext")
    slider.press("Home")
    assert slider.get_attribute("aria-valuetext") == "before training"
    for _ in range(3):
        slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "epoch 3"
    shorter = run(tmp_path, "task=moons_boundary", "model.epochs=3", "model.hidden=[8,5]", "figures=false")
    point = np.array([[0.25, -0.5]])
    for name, value in zip(("x1", "x2"), point[0], strict=True):
        page.get_by_role("spinbutton", name=name).fill(str(value))
    np.testing.assert_allclose(
        [page.evaluate(ANSWER)], fitted.load(shorter.path).predict_proba(point), atol=1e-5
    )


def test_unit_that_is_switched_off_gives_nothing(moons: Run, opened: Open) -> None:
    page = opened(moons.path / "report.html")
    before = page.evaluate(ANSWER)
    for unit in range(8):
        page.get_by_role("button", name=f"Unit {unit + 1} of layer 1").click()
        page.get_by_label("switched off").check()
    model = PerceptronClassifier.from_arrays(moons.model)
    hidden = model.network_.bind(model.theta_, model.running_)
    zero = model.network_.outputs(hidden, np.zeros((1, 8), np.float32), start=2)[-1]
    one = 1 / (1 + np.exp(-zero[0, 0]))
    np.testing.assert_allclose(page.evaluate(ANSWER), [1 - one, one], atol=1e-5)
    page.get_by_role("button", name="Switch all on").click()
    assert page.evaluate(ANSWER) == before


def test_keyboard_is_enough(digits: Run, opened: Open) -> None:
    page = opened(digits.path / "report.html")
    pad = page.get_by_role("application")
    pad.focus()
    for key in ["Space", *["ArrowDown"] * 14, "Space"]:
        pad.press(key)
    page.locator("#living .where", has_text="your drawing").wait_for()
    pad.press("Delete")
    page.get_by_role("button", name="Next", exact=True).press("Enter")
    assert page.locator("#living .where").first.inner_text() == "test image 1 of 100"
    page.get_by_role("button", name="Next error").press("Enter")
    assert "Wrong" in page.locator("#living .verdict").inner_text()


@pytest.mark.parametrize("name", ["digits", "moons"])
def test_pages_that_compute_are_accessible(name: str, request: pytest.FixtureRequest, opened: Open) -> None:
    done = request.getfixturevalue(name)
    for width, scheme in ((1280, "light"), (390, "dark")):
        page = opened(done.path / "report.html", width, scheme)
        page.wait_for_timeout(300)  # what is computed late is there
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#living").is_visible()
        assert not serious(page)


def test_without_script_the_page_does_not_show_it(digits: Run, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((digits.path / "report.html").as_uri())
    assert page.locator("#living").is_hidden()
    assert page.locator("a[href='#living']").is_hidden()
    context.close()
