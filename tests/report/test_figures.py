"""What holds for every figure, and which are drawn."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.transforms import Bbox
from tests.drawing.seen import GARMENTS, NASTY, Make, figure_of, shown

from mlexp.errors import DataError
from mlexp.kinds.classification import classes, gallery
from mlexp.report import run as pages
from mlexp.store import Run, record
from mlexp.store.files import write_npz
from mlexp.store.result import Result

pytestmark = pytest.mark.usefixtures("styled")

ALL = [
    "confusion", "learning_curves", "roc_and_precision", "mistakes", "calibration", "examples", "per_class", "gallery",
]  # fmt: skip
LETTERS = [*"ABCDEFGHIKLMNOPQRSTUVWXY"]
CASES: dict[str, dict[str, object]] = {
    "two": {"classes": ["no", "yes"], "n": 100},
    "digits": {},
    "garments": {"classes": GARMENTS, "shape": (28, 28), "wrong": 0.15},
    "letters": {"classes": LETTERS, "shape": (28, 28), "n": 2000},
    "hundred": {"classes": [f"class number {k}" for k in range(100)], "shape": (64, 64), "n": 3000},
    "nasty": {"classes": NASTY, "dtype": "float32", "wrong": 0.3},
}


def inner(box: Bbox) -> Bbox:
    """Return the box without its outermost pixel: letters that only touch can still be read."""
    return box.padded(-1)


@pytest.mark.parametrize("case", CASES)
def test_texts_neither_overlap_nor_leave_the_page(make_run: Make, case: str) -> None:
    run = make_run(**CASES[case])
    for name in ALL:
        figure = figure_of(run, name)
        boxes = [(text.get_text(), inner(text.get_window_extent())) for text in shown(figure)]
        assert len(boxes) > 10, name
        page = figure.bbox.padded(1)
        outside = [text for text, box in boxes if not (page.containsx(box.x0) and page.containsx(box.x1))]
        outside += [text for text, box in boxes if not (page.containsy(box.y0) and page.containsy(box.y1))]
        assert outside == [], name
        clashes = [(a, b) for (a, box), (b, other) in itertools.combinations(boxes, 2) if box.overlaps(other)]
        assert clashes == [], name


@pytest.mark.parametrize("case", CASES)
def test_figures_are_as_wide_as_a_page_and_no_higher(make_run: Make, case: str) -> None:
    run = make_run(**CASES[case])
    for name in ALL:
        width, height = figure_of(run, name).get_size_inches()
        assert width * 2.54 == pytest.approx(16, abs=0.05)
        assert height * 2.54 < 29.7, name


def test_draw_writes_every_figure_and_the_same_bytes_again(make_run: Make) -> None:
    run = make_run(shape=(28, 28))
    paths = pages.draw(run)
    assert [path.relative_to(run.path).as_posix() for path in paths] == [
        f"figures/{name}.png" for name in ALL
    ]
    first = [path.read_bytes() for path in paths]
    assert all(data.startswith(b"\x89PNG") and b"Software" not in data for data in first)
    with matplotlib.rc_context(
        {"lines.linewidth": 9, "font.size": 30, "text.usetex": True, "axes.facecolor": "k"}
    ):
        again = [path.read_bytes() for path in pages.draw(Run.open(run.path))]
    assert again == first
    assert sorted(path.name for path in (run.path / "figures").iterdir()) == sorted(
        f"{name}.png" for name in ALL
    )


def test_drawing_leaves_the_host_program_alone(make_run: Make) -> None:
    run = make_run()
    code = f"""
import sys, warnings, matplotlib
from pathlib import Path
from mlexp.report import run as pages
from mlexp.store import Run, record
assert "matplotlib.figure" not in sys.modules
matplotlib.rcParams["lines.linewidth"] = 7
before, filters = dict(dict.items(matplotlib.rcParams)), list(warnings.filters)
assert len(pages.draw(Run.open(Path({str(run.path)!r})))) == 8
assert dict(dict.items(matplotlib.rcParams)) == before
assert warnings.filters == filters
unwanted = {{"matplotlib.pyplot", "pandas", "sklearn", "scipy", "mlexp.nn", "mlexp.data.dataset"}}
assert not unwanted & set(sys.modules), unwanted & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_import_of_plots_does_not_import_matplotlib() -> None:
    code = "import sys, mlexp.report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_what_the_folder_holds_is_drawn(make_run: Make) -> None:
    def names(**options: object) -> list[str]:
        return [path.stem for path in pages.draw(make_run(**options))]

    assert names(shape=None) == [name for name in ALL if name not in ("mistakes", "examples", "gallery")]
    assert names(wrong=0) == [name for name in ALL if name != "mistakes"]
    assert names(status="diverged", stopped="diverged") == ["learning_curves"]
    assert names(status="failed", history=[]) == []
    assert names(classes=["only"], wrong=0, history=[]) == ["gallery"]


def test_arrays_that_do_not_belong_together_are_refused(make_run: Make) -> None:
    run = make_run(n=100)
    write_npz(run.path / "arrays.npz", run.arrays | {"gallery_position": np.full(24, 100)})
    with pytest.raises(DataError, match=r"gallery_position must hold one position below 100 for each of 24"):
        gallery.gallery(Run.open(run.path))
    with pytest.raises(DataError, match="names class 3 of 3"):
        classes.count(np.array([0, 3]), np.array([0, 1]), 3)
    with pytest.raises(DataError, match="do not match"):
        classes.count(np.array([0, 1]), np.array([0]), 3)


def test_results_of_other_kinds_draw_what_they_have(tmp_path: Path) -> None:
    folder = record.create(tmp_path, "bare", "0a1b2c3d")
    folder.write_info({"status": "completed", "task": {"name": "bare", "kind": "clustering"}, "seed": 0})
    folder.write_result(Result(metrics={}))
    folder.close(keep_checkpoint=False)
    assert pages.draw(Run.open(folder.path)) == []
