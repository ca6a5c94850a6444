"""The structure holds: imports run one way, heavy libraries load late, files stay readable."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "mlexp"

# Each layer may import from those above it, and within itself.
LAYERS = (
    ("errors",),
    ("untrusted",),
    ("config", "studies"),
    ("data",),
    ("nn",),
    ("params", "guarded"),
    ("models", "sklearn_networks", "metrics", "stats"),
    ("result", "observer"),
    ("tasks",),
    (
        "files",
        "shapes",
        "stamp",
        "record",
        "environment",
        "isolated",
        "skopsfile",
        "sweep_folder",
        "comparison_folder",
    ),
    ("fitted", "scoring"),
    ("onnxfile",),
    ("isolatedchild",),
    ("plots",),
    ("report",),
    ("identity",),
    ("runs",),
    ("execution",),
    ("sweeps",),
    ("tuning",),
    ("comparisons",),
    ("dispatch",),
    ("verbs",),
    ("views",),
    ("api",),
    ("cli",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
COMPOSITION = "config.compose"  # a room, or one file of it
FORBIDDEN = {
    ("data", COMPOSITION),
    ("nn", "config"),
    ("nn", "data"),
    ("plots", "tasks"),
}
FORBIDDEN |= {("plots", name) for name in ("nn", "data", "models", "tasks", COMPOSITION)}
FORBIDDEN |= {("report", name) for name in ("nn", "data", "models", "tasks", COMPOSITION, "stats", "fitted")}
FORBIDDEN |= {("record", name) for name in ("nn", "data", "models", "tasks")}
KNOWS_HYDRA = {"compose.py", "ownfiles.py"}
LATE = {"sklearn", "pandas", "matplotlib", "pooch", "jinja2"}


def modules() -> list[Path]:
    return [file for file in sorted(SOURCE.rglob("*.py")) if "conf" not in file.relative_to(SOURCE).parts]


def room(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


def imported(tree: ast.AST, *, nested: bool) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree) if nested else ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= whole if node.module in ("mlexp", "mlexp.config") else {node.module}
    return names


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_run_one_way(file: Path) -> None:
    here = file.relative_to(SOURCE).with_suffix("").parts[0]
    if here in ("__init__", "__main__"):
        return
    assert here in LEVEL, f"say in LAYERS where {here} stands"
    tree = ast.parse(file.read_text())
    for name in imported(tree, nested=True):
        there = room(name) if name.startswith("mlexp") else ""
        if there in LEVEL and there != here:
            assert LEVEL[there] <= LEVEL[here], f"{file.name} imports {name}, which stands below it"
            file_of_it = ".".join(name.split(".")[1:3])
            assert not {(here, there), (here, file_of_it)} & FORBIDDEN, f"{here} must not know {name}"


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(SOURCE)))
def test_heavy_libraries_are_imported_where_they_are_used(file: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(ast.parse(file.read_text()), nested=False)}
    late = tops & LATE
    if file.parent.name == "plots":
        late -= {"matplotlib"}
    if file.name == "estimators.py":
        late -= {"sklearn"}
    assert not late
    if file.name not in KNOWS_HYDRA:
        assert not tops & {"hydra", "omegaconf"}


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(SOURCE)))
def test_functions_fit_on_a_screen(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            start = (first.end_lineno or 0) if documented else node.lineno
            assert (node.end_lineno or 0) - start <= 40, f"{file.name}: {node.name} is too long"


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(SOURCE)))
def test_nothing_is_evaluated_or_unpickled(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {
                "eval",
                "exec",
                "compile",
                "pickle.load",
                "pickle.loads",
                "hydra.main",
                "hydra.utils.instantiate",
                "hydra.utils.get_object",
            }
            allowed = [ast.unparse(word.value) for word in node.keywords if word.arg == "allow_pickle"]
            assert allowed in ([], ["False"])
            assert called != "np.load" or allowed, "np.load must say allow_pickle=False"


def test_help_imports_next_to_nothing() -> None:
    script = "import sys; from mlexp.cli import main; main(['--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for name in ("hydra", "numpy", "sklearn", "pandas", "matplotlib", "rich", "scipy"):
        assert f"'{name}'" not in done.stdout
