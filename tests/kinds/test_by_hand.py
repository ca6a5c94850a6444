"""Hand calculations against numbers worked out without the engine."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sklearn.svm import SVC
from tests.running import Silent, run, written

from mlexp import report
from mlexp.config import compose
from mlexp.config.names import ACTIVATIONS, LOSSES, OPTIMIZERS
from mlexp.config.schema import Config
from mlexp.errors import ConfigError
from mlexp.kinds.by_hand.margin import widest
from mlexp.kinds.by_hand.study import CALCULATIONS, study
from mlexp.page.mathml import known
from mlexp.runs.session import load
from mlexp.store.files import write_table
from mlexp.store.result import Result

# Worked out by hand in fractions for x = 1, 2, 3; y = 3, 4, 5; w1 0.1, w2 0.2, no biases; rate 0.01.
GRADIENT = {"w1": -3.4293333333333336, "b1": -1.584, "w2": -1.714666666666667, "b2": -7.92}
AFTER = {"w1": 0.13429333333333335, "b1": 0.01584, "w2": 0.21714666666666668, "b2": 0.0792}


def test_the_step_of_the_report_is_the_right_one(tmp_path: Path) -> None:
    done = run(tmp_path, "task=backprop_by_hand")
    step = done.tables["step"]
    assert step["parameter"] == list(GRADIENT)
    np.testing.assert_allclose([float(v) for v in step["gradient"]], list(GRADIENT.values()), rtol=1e-12)
    np.testing.assert_allclose([float(v) for v in step["after"]], list(AFTER.values()), rtol=1e-12)
    assert done.metrics["before"]["mse"] == pytest.approx(16.32186666666667, rel=1e-12)
    rows = done.tables["rows"]
    np.testing.assert_allclose([float(v) for v in rows["yhat = w2 a + b2"]], [0.02, 0.04, 0.06])
    shares = [float(v) for v in rows["share of dE/dw1 = x dE/dz"]]
    assert sum(shares) == pytest.approx(GRADIENT["w1"])


def test_the_calculation_is_drawn(tmp_path: Path) -> None:
    done = run(tmp_path, "task=backprop_by_hand")
    assert (done.path / "figures" / "computation_graph.png").stat().st_size > 10_000


def test_other_numbers_and_another_activation(tmp_path: Path) -> None:
    done = run(
        tmp_path, "task=backprop_by_hand", "by_hand.x=[1]", "by_hand.y=[0]", "model.activation=sigmoid"
    )
    (a,), (z,) = (done.tables["rows"][name] for name in ("a = f(z)", "z = w1 x + b1"))
    assert float(a) == pytest.approx(1 / (1 + np.exp(-float(z))))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("by_hand.x=[1,2]", "the same length"),
        ("by_hand.weights=[1]", "w1, b1, w2, b2"),
        ("by_hand.x=[a]", "numbers"),
    ],
)
def test_refused_before_a_folder_is_made(tmp_path: Path, typed: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        run(tmp_path, "task=backprop_by_hand", typed)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_formula_engine_and_differences_agree(tmp_path: Path, seed: int) -> None:
    done = run(tmp_path, "task=residual_gradient", f"seed={seed}", "by_hand.width=4", "by_hand.hidden=9")
    assert done.metrics["relative_error"]["engine"] < 1e-14
    assert done.metrics["relative_error"]["finite differences"] < 1e-8
    assert len(done.tables["gradient"]["component"]) == 4
    # a central difference errs with the square of its step as long as rounding is small
    errors = dict(
        zip(done.tables["step_size"]["step"], done.tables["step_size"]["relative_error"], strict=True)
    )
    assert float(errors["0.1"]) / float(errors["0.01"]) == pytest.approx(100, rel=0.1)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert written(run(tmp_path / "a", "task=residual_gradient")) == written(
        run(tmp_path / "b", "task=residual_gradient")
    )


@cache
def composed() -> Config:
    return compose.compose(["task=backprop_by_hand"])


def derived(**node: Any) -> Result:
    """Return the result of a calculation without a folder; keys of `model` begin with model_."""
    config = deepcopy(composed())
    for name, value in node.items():
        of = config.model if name.startswith("model_") else config.by_hand
        assert hasattr(of, name.removeprefix("model_"))
        setattr(of, name.removeprefix("model_"), value)
    return study(config, load(config), Silent())


def formulas(result: Result) -> list[str]:
    table = result.tables["derivation"]
    return [cell for name in ("symbols", "numbers") for cell in table[name] if cell]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", [*LOSSES, "cross_entropy", "binary_cross_entropy"])
def test_every_activation_and_loss_agrees_with_the_engine_and_differences(activation: str, loss: str) -> None:
    y = [0, 1, 1] if "entropy" in loss else [0.5, -1, 2]
    found = derived(
        loss=loss, x=[[1, 2], [0, -1], [3, 1]], y=y, model_hidden=[3, 2], model_activation=activation
    )
    checks = found.facts["checks"]
    assert checks["largest"] > 0
    assert checks["engine"] < 1e-13
    assert checks["finite differences"] < 1e-6
    assert checks["update"] < 1e-13
    assert all(map(known, formulas(found)))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "momentum", [{}, {"model_momentum": 0.9}, {"model_momentum": 0.9, "model_nesterov": True}]
)
def test_the_first_step_of_every_optimizer(optimizer: str, momentum: dict[str, Any]) -> None:
    found = derived(model_hidden=[2], model_activation="tanh", model_optimizer=optimizer, **momentum)
    assert found.facts["checks"]["update"] < 1e-9
    assert found.tables["step"]["before"] != found.tables["step"]["after"]


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=5),
    st.lists(st.integers(1, 3), max_size=2),
    st.integers(0, 50),
)
@settings(max_examples=15)
def test_small_networks_agree_with_the_engine(
    rows: list[tuple[int, int]], hidden: list[int], seed: int
) -> None:
    y = [sum(row) % 3 for row in rows]
    found = derived(
        x=[list(row) for row in rows], y=y, loss="cross_entropy", model_hidden=hidden, model_activation="sigmoid",
        variant=seed,
    )  # fmt: skip
    assert found.facts["checks"]["engine"] < 1e-13
    assert found.facts["checks"]["finite differences"] < 1e-7
    assert all(map(known, formulas(found)))


def test_without_biases_and_with_the_sum() -> None:
    found = derived(model_bias=False, model_reduction="sum", model_hidden=[2])
    assert found.tables["step"]["parameter"] == ["W1[1,1]", "W1[1,2]", "W2[1,1]", "W2[2,1]"]
    assert found.facts["checks"]["engine"] < 1e-13


def test_a_gradient_of_zero_is_said(tmp_path: Path) -> None:
    found = derived(x=[1], y=[0.02])  # 0.1 times 0.2: no error
    assert found.facts["checks"]["largest"] == pytest.approx(0, abs=1e-15)
    assert found.tables["step"]["before"] == pytest.approx(found.tables["step"]["after"])


def test_a_kink_is_warned_of() -> None:
    assert "kink of relu" in derived(x=[0], y=[1]).warnings[0]


POINTS = st.lists(
    st.tuples(*[st.integers(-4, 4)] * 2, st.booleans()), min_size=2, max_size=7, unique_by=lambda p: p[:2]
)


@given(POINTS)
@settings(max_examples=40)
def test_the_widest_margin_is_that_of_a_quadratic_programme(points: list[tuple[int, int, bool]]) -> None:
    X = np.array([p[:2] for p in points], float)
    y = np.where([p[2] for p in points], 1.0, -1.0)
    solved = widest(X, y)
    if len(set(y)) < 2:
        assert solved is None
        return
    sides = -y[:, None] * np.column_stack([X, np.ones(len(X))])  # y (w x + b) >= 1 as a linear programme
    assert (solved is not None) == linprog(np.zeros(3), sides, -np.ones(len(X)), bounds=(None, None)).success
    if solved is not None:
        reference = SVC(kernel="linear", C=1e8, tol=1e-10).fit(X, y)
        w, b = reference.coef_[0], reference.intercept_[0]
        np.testing.assert_allclose(np.append(solved.w, solved.b), np.append(w, b), rtol=1e-5, atol=1e-5)
        slack = y * solved.value(X) - 1
        assert slack.min() > -1e-9
        assert solved.alpha.min() >= 0
        np.testing.assert_allclose(solved.alpha * slack, 0, atol=1e-8)
        np.testing.assert_allclose((solved.alpha * y) @ X, solved.w, atol=1e-9)
        assert solved.alpha @ y == pytest.approx(0, abs=1e-8)


def test_the_six_and_the_four_points_of_the_report(tmp_path: Path) -> None:
    six = run(tmp_path, "task=svm_by_hand", "figures=false")
    assert six.info["facts"]["w"] == pytest.approx([-2, -2])
    assert six.info["facts"]["b"] == pytest.approx(3)
    assert six.metrics["solution"]["margin"] == pytest.approx(2**-0.5)
    four = run(tmp_path, "task=svm_by_hand", "dataset=four_points", "figures=false")
    assert four.info["facts"]["w"] == pytest.approx([-2, 0])
    assert [float(v) for v in four.tables["every_point"]["y (w x + b)"]] == pytest.approx([3, 1, 1, 3])
    assert four.tables["new_points"]["class"] == ["+1"]
    said = page(four.path)
    assert "(1, 3) is of class +1." in said
    assert [float(v) for v in four.tables["kkt"]["missed by"]] == pytest.approx([0, 0, 0, 0], abs=1e-12)


@given(st.lists(st.tuples(*[st.integers(-9, 9)] * 3), min_size=2, max_size=8))
@settings(max_examples=25)
def test_components_are_those_of_scikit_learn(rows: list[tuple[int, ...]]) -> None:
    if len(set(rows)) == 1:
        with pytest.raises(ConfigError, match="at least 2 rows that differ"):
            derived(calculation="pca", x=[list(row) for row in rows])
        return
    found = derived(calculation="pca", x=[list(row) for row in rows])
    assert max(found.facts["checks"][name] for name in ("engine", "eigenvectors")) < 1e-11
    assert found.facts["checks"]["finite differences"] < 1e-6
    assert sum(found.metrics["share_of_variance"].values()) == pytest.approx(1)
    assert all(map(known, formulas(found)))


@given(st.integers(0, 10_000))
@settings(max_examples=25)
@example(5737)  # two of the centres meet
def test_one_step_of_kmeans_and_em_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, centres = rng.integers(-9, 10, (8, 2)) / 2, rng.integers(-9, 10, (3, 2)) / 2
    moved = derived(calculation="kmeans", x=X.tolist(), centres=centres.tolist())
    assert moved.facts["checks"].get("engine", 0) < 1e-12
    assert moved.facts["checks"]["finite differences"] < 1e-6
    assert moved.metrics["after"]["inertia"] <= moved.metrics["before"]["inertia"]
    stepped = derived(calculation="em", x=X.tolist(), centres=centres.tolist(), variance=9.0)
    assert stepped.facts["checks"]["engine"] < 1e-9
    assert stepped.facts["checks"]["finite differences"] < 1e-6
    assert stepped.metrics["after"]["log_likelihood"] >= stepped.metrics["before"]["log_likelihood"] - 1e-9
    assert all(map(known, [*formulas(moved), *formulas(stepped)]))


def test_one_step_of_em_by_hand() -> None:
    found = derived(calculation="em", x=[0, 4], centres=[1, 3], variance=2.0)
    r = np.exp(-1 / 4) / (np.exp(-1 / 4) + np.exp(-9 / 4))  # of the first row for the first component
    assert found.tables["responsibilities"]["component 1"] == pytest.approx([r, 1 - r])
    assert found.tables["mixture"]["mean x1 after"] == pytest.approx([4 * (1 - r), 4 * r])
    assert found.tables["mixture"]["weight after"] == pytest.approx([0.5, 0.5])


def test_a_row_between_two_centres_goes_to_the_first_and_is_warned_of() -> None:
    found = derived(calculation="kmeans", x=[[0, 0], [1, 0], [2, 0]], centres=[[0, 0], [2, 0]])
    assert found.tables["assignment"]["cluster"] == [1, 1, 2]
    assert "equally near" in found.warnings[0]
    assert "engine" not in found.facts["checks"]


@pytest.mark.parametrize("calculation", [name for name in CALCULATIONS if name != "backprop"])
def test_variants_have_no_special_case(calculation: str) -> None:
    for variant in range(12):
        found = derived(calculation=calculation, variant=variant)
        assert not found.warnings
        assert found.facts["checks"]["engine"] < 1e-8
        assert found.facts["checks"]["finite differences"] < 1e-6


def test_a_centre_without_rows_stays_and_is_warned_of() -> None:
    found = derived(calculation="kmeans", x=[[0, 0], [1, 1]], centres=[[0, 0], [50, 50]])
    assert found.tables["centres"]["x1 after"] == [0.5, 50]
    assert "centre 2" in found.warnings[0]


@pytest.mark.parametrize(
    ("calculation", "node", "words"),
    [
        ("svm", {"x": [[0, 0], [2, 2], [1, 1]], "y": [1, 1, -1]}, "not linearly separable"),
        ("svm", {"x": [[0, 0], [0, 0]], "y": [1, -1]}, "not linearly separable"),
        ("svm", {"x": [[0, 0]], "y": [1]}, "both of them"),
        ("svm", {"x": [[0, 0], [1, 1]], "y": [1, 2]}, "both of them"),
        ("svm", {"x": [[i, 0] for i in range(30)], "y": [-1] + [1] * 29}, "at most 20 points"),
        ("svm", {"new_points": [[1]]}, "must have 2 numbers"),
        ("pca", {"x": [[1, 2]]}, "at least 2 rows"),
        ("kmeans", {"x": [[1, 2]], "centres": [[1]]}, "at most 1 rows of 2 numbers"),
        ("em", {"x": [1], "centres": [1]}, "singular"),
        ("em", {"x": [[1, 1], [2, 2], [3, 3]], "centres": [[1, 1], [3, 3]]}, "singular"),
        ("pca", {"x": [[0] * 20, [1] * 20]}, "at most 50 rows of 10"),
    ],
)
def test_degenerate_numbers_are_one_line(calculation: str, node: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as told:
        derived(calculation=calculation, **node)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("calculation", "figure"), [("svm", "margin"), ("kmeans", "centres")])
def test_the_margin_and_the_centres_are_drawn(calculation: str, figure: str, tmp_path: Path) -> None:
    done = run(tmp_path, "task=by_hand", f"by_hand.calculation={calculation}")
    assert (done.path / "figures" / f"{figure}.png").stat().st_size > 10_000


def test_the_eight_partial_derivatives_by_differences() -> None:
    from mlexp.kinds.by_hand.residual import Block

    rng = np.random.default_rng(3)
    W1, W2 = rng.normal(size=(3, 2)), rng.normal(size=(2, 3))
    block = Block(W1, W2, *(rng.normal(size=n) for n in (2, 2, 3)))
    z = W1 @ block.x
    by = {
        "dS/dy": (lambda y: 0.5 * np.sum((y - block.s) ** 2), block.y),
        "dR/dh": (lambda h: block.r @ h, block.h),
        "dy/dx": (lambda x: x + W2 @ block.h, block.x),
        "dy/dh": (lambda h: block.x + W2 @ h, block.h),
        "dh/dz": (lambda z: 1 / (1 + np.exp(-z)), z),
        "dz/dx": (lambda x: W1 @ x, block.x),
    }
    partials = block.partials()
    assert len(partials) == 8
    for name, (function, at) in by.items():
        moves = 1e-6 * np.eye(len(at))
        wanted = np.array([(function(at + m) - function(at - m)) / 2e-6 for m in moves])
        np.testing.assert_allclose(partials[name], np.atleast_2d(wanted.T), atol=1e-8)
    p = partials
    through = p["dh/dz"] @ p["dz/dx"]
    chain = p["dE/dS"] @ p["dS/dy"] @ (p["dy/dx"] + p["dy/dh"] @ through) + p["dE/dR"] @ p["dR/dh"] @ through
    np.testing.assert_allclose(chain[0], block.gradient(), rtol=1e-12)


def page(path: Path) -> str:
    html, _ = report.write(path)
    return html.read_text()


def test_the_page_shows_the_eight_derivatives_and_the_chain(tmp_path: Path) -> None:
    done = run(tmp_path, "task=residual_gradient", "figures=false")
    said = page(done.path)
    assert said.count("<math") > 20
    assert "<code>\\" not in said
    markdown = (done.path / "report.md").read_text()
    assert r"\frac{d E}{d x} = \frac{\partial E}{\partial S}" in markdown
    assert markdown.count("$$") == 2 * said.count("<math")


@pytest.mark.parametrize("calculation", CALCULATIONS)
def test_an_exercise_and_its_key_agree(calculation: str, tmp_path: Path) -> None:
    asked = (
        "task=backprop_by_hand",
        f"by_hand.calculation={calculation}",
        "by_hand.variant=5",
        "figures=false",
    )
    exercise = run(tmp_path / "a", *asked)
    key = run(tmp_path / "b", *asked, "by_hand.answers=shown")
    other = run(tmp_path / "c", *asked[:2], "by_hand.variant=6", "figures=false")
    assert written(exercise) == written(key) != written(other)
    folded, shown = page(exercise.path), page(key.path)
    assert '<details class="solution"><summary>Solution' in folded
    assert '<details class="solution">' not in shown
    inside = folded[folded.index('<section id="derivation"') : folded.index("<details")]
    assert "<math" in inside  # the question stands open
    assert folded.count("<math") == shown.count("<math")
    assert (exercise.path / "report.md").read_text().count("<details>") == 1
    assert all(map(known, [c for n in ("symbols", "numbers") for c in key.tables["derivation"][n] if c]))


def test_a_hostile_derivation_is_text(tmp_path: Path) -> None:
    done = run(tmp_path, "task=backprop_by_hand", "figures=false")
    bad = "<script>alert(1)</script>", r"\href{javascript:alert(1)}{x}", "{" * 9000, "$$<b>$$"
    names = ("part", "given", "sentence", "symbols", "numbers")
    write_table(done.path / "tables" / "derivation.csv", {name: list(bad) for name in names})
    said = page(done.path)
    inside = said[said.index('<section id="derivation"') : said.index('<section id="tables"')]
    assert "<script" not in inside
    assert "href" not in inside.replace(r"\href", "")
    assert "<b>" not in inside
    assert "<math" not in inside
    markdown = (done.path / "report.md").read_text()
    assert "<script" not in markdown
    assert "<b>" not in markdown


def test_a_damaged_or_missing_derivation_leaves_the_page(tmp_path: Path) -> None:
    done = run(tmp_path, "task=backprop_by_hand", "figures=false")
    table = done.path / "tables" / "derivation.csv"
    write_table(table, {"part": ["Given"], "sentence": ["x"]})
    assert '<section id="derivation"' not in page(done.path)
    table.unlink()
    assert "from 16.32 to 15.52" in page(done.path)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["by_hand.x=[[1,2],[3]]"], "rows of one length"),
        (["model.hidden=[30,30]"], "at most 400 parameters"),
        (["by_hand.loss=cross_entropy", "by_hand.y=[0,1,2.5]"], "classes 0 to"),
        (["by_hand.loss=binary_cross_entropy", "by_hand.y=[0,1,2]"], "classes 0 to 1"),
        (["model.dropout=0.5"], "must be off"),
        (["by_hand.x=[1,2,1e9]"], "numbers from -1,000,000"),
        (["by_hand.weights=[1e9,0,0,0]"], "numbers from -1,000,000"),
        (["by_hand.calculation=pca", "dataset=iris"], "Got 150 rows"),
        (["model.hidden=[2]", "by_hand.weights=[1]"], "the 7 numbers"),
    ],
)
def test_what_cannot_be_derived_is_one_line(typed: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        run(tmp_path, "task=backprop_by_hand", *typed)
    assert not list(tmp_path.iterdir())
