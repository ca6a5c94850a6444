"""The structure holds: imports run one way, heavy libraries load late, functions fit on a screen.

Each rule is also broken once, on a toy package, to see that it fires.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests import architecture

from mlexp.config.schema import Config

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "mlexp"

# The order of imports: each module or package may import those before it.
ORDER = (
    "errors",
    "system",
    "config",
    "data",
    "nn",
    "metrics",
    "stats",
    "models",
    "store",
    "drawing",
    "page",
    "kinds",
    "runs",
    "execution",
    "sweeps",
    "tuning",
    "comparisons",
    "why",
    "report",
    "documents",
    "plugins",
    "dispatch",
    "web",
    "verbs",
    "views",
    "api",
    "cli",
)  # fmt: skip
# What the order allows and the design does not: (module, what it must not import).
COMPOSITION = "config.compose"
FORBIDDEN = {
    *(("drawing", name) for name in (COMPOSITION, "nn", "data", "models")),
    *(("page", name) for name in (COMPOSITION, "nn", "data", "models", "stats", "drawing")),
    ("nn", "config"),
    ("nn", "data"),
    ("data", COMPOSITION),
}
EXCEPTIONS: set[tuple[str, str]] = set()
LATE = {"sklearn", "pandas", "matplotlib", "pooch", "jinja2"}
MAY_LOAD = {"drawing": {"matplotlib"}, "nn/estimators.py": {"sklearn"}}
OPTIONAL = {
    "dask", "distributed", "mlflow", "onnx", "onnxruntime", "openpyxl", "openTSNE", "optuna", "pyarrow", "skl2onnx",
    "pypandoc", "starlette", "submitit", "tensorboardX", "typst", "umap", "uvicorn",
}  # fmt: skip
HYDRA = {"hydra", "omegaconf"}
KNOWS_HYDRA = dict.fromkeys(
    ("config/compose.py", "config/combinations.py", "config/explained.py", "config/ownfiles.py"), HYDRA
)
LINES = 40
# Where a module may import another one late: the doors of the program, where a word says what is needed, and ...
DOORS = {
    "__init__", "__main__", "cli", "dispatch", "api", "views", "verbs", "plugins",
    "report",  # what a folder is says whose page and figures it has
    "execution/__init__.py",  # a backend
    "config/recorded.py",  # what composes, which workers need not
    "config/rules.py",  # conditions are made of rules
    "store/isolatedchild.py",  # a child process, which is limited in between
    "web/server.py",  # an optional package
}  # fmt: skip


def test_imports_run_one_way() -> None:
    assert not architecture.out_of_order(SOURCE, ORDER, EXCEPTIONS)


@pytest.mark.parametrize("page", ["docs/design.md", "CONTRIBUTING.md"])
def test_the_documents_state_the_same_order(page: str) -> None:
    assert ", ".join(ORDER) in " ".join((ROOT / page).read_text("utf-8").split())


def test_no_optional_package_is_imported_at_the_top_of_a_module() -> None:
    assert not architecture.early(SOURCE, OPTIONAL, {"web/app.py": {"starlette"}})


def test_the_order_names_each_module_once_and_no_other() -> None:
    known = {architecture.top(file, SOURCE) for file in architecture.modules(SOURCE)}
    assert sorted(ORDER) == sorted(known - {"__init__", "__main__"})


def test_packages_that_must_not_know_others_do_not() -> None:
    assert not architecture.forbidden(SOURCE, FORBIDDEN)
    assert not architecture.useless(FORBIDDEN, ORDER)


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    assert not architecture.early(SOURCE, LATE, MAY_LOAD)
    assert not architecture.early(SOURCE, HYDRA, KNOWS_HYDRA)


def test_functions_fit_on_a_screen() -> None:
    assert not architecture.long_functions(SOURCE, LINES)


def test_nothing_is_evaluated_or_unpickled() -> None:
    """But for jobs and messages in the pipes between this program and its own workers, which no file reaches."""
    found = architecture.unsafe(SOURCE)
    assert not [line for line in found if not line.startswith("execution/local.py calls pickle.loads(")]
    assert len(found) == 3


def package(folder: Path, **files: str) -> Path:
    """Write a toy package of the modules `low`, `middle` and `high`, some of them with what is given."""
    source = folder / "mlexp"
    (source / "middle").mkdir(parents=True)
    for name in ("low", "middle/__init__", "high", *files):
        path = source / f"{name.replace('__', '/') if name in files else name}.py"
        path.write_text(files.get(name, ""))
    return source


TOY = ("low", "middle", "high")


@pytest.mark.parametrize(
    "statement",
    [
        "import mlexp.high",
        "from mlexp.high.part import f",
        "from mlexp import high",
        "from mlexp.high import f",
        "def f():\n    from mlexp.high import g",
        "import_module('mlexp.high')",
        "importlib.import_module('mlexp.high.part')",
        "WORKER = 'mlexp.high:work'",
        "TABLE = {'name': ('mlexp.high', 'Class')}",
        "import_module(f'mlexp.high.{name}')",
        "SCRIPT = 'import sys; from mlexp.high import serve; serve()'",
    ],
)
@pytest.mark.parametrize("name", ["low", "middle__part"])
def test_an_import_against_the_order_is_found(statement: str, name: str, tmp_path: Path) -> None:
    source = package(tmp_path, **{name: statement})
    found = architecture.out_of_order(source, TOY)
    assert len(found) == 1
    assert f"{name.replace('__', '/')}.py imports mlexp.high" in found[0]
    assert not architecture.out_of_order(source, TOY, {(name.partition("__")[0], "high")})
    assert len(architecture.forbidden(source, {(name.partition("__")[0], "high")})) == 1
    assert not architecture.forbidden(source, {("high", "low")})


def test_imports_along_the_order_and_what_a_docstring_says_are_no_fault(tmp_path: Path) -> None:
    source = package(
        tmp_path,
        low='"""mlexp.high"""\n"""from mlexp.high import f"""',
        middle__part="from mlexp import low\nfrom mlexp.middle import other\nWORDS = 'call mlexp.high first'",
        high="import mlexp.middle.part\nNAME = 'mlexp.low:f'",
    )
    assert not architecture.out_of_order(source, TOY)


def test_a_forbidden_module_of_a_package_is_found_however_it_is_imported(tmp_path: Path) -> None:
    source = package(tmp_path, high="from mlexp.middle import part, other", middle__part="", low="")
    assert len(architecture.forbidden(source, {("high", "middle.part")})) == 1
    assert not architecture.forbidden(source, {("high", "middle.par")})


def test_a_module_without_a_place_is_found(tmp_path: Path) -> None:
    (found,) = architecture.out_of_order(package(tmp_path), ("low", "middle"))
    assert found.startswith("high ")


@pytest.mark.parametrize(
    "pair", [("low", "high"), ("low", "low"), ("high", "other"), ("high", "low", "middle")]
)
def test_a_forbidden_pair_that_can_never_fire_is_found(pair: tuple[str, str]) -> None:
    assert architecture.useless({pair, ("high", "low")}, TOY) == [f"{pair} says nothing"]


def test_a_library_that_loads_at_once_is_found(tmp_path: Path) -> None:
    source = package(
        tmp_path, low="import heavy.part\ndef f():\n    import late", middle__part="from heavy import f"
    )
    assert len(architecture.early(source, {"heavy", "late"}, {})) == 2
    assert len(architecture.early(source, {"heavy", "late"}, {"middle": {"heavy"}})) == 1
    assert not architecture.early(source, {"heavy"}, {"middle": {"heavy"}, "low.py": {"heavy"}})


def test_a_long_function_is_found(tmp_path: Path) -> None:
    source = package(tmp_path, low='def f():\n    """One.\n\n    Two.\n    """\n    a = 1\n    b = 2')
    assert len(architecture.long_functions(source, 1)) == 1
    assert not architecture.long_functions(source, 2)


@pytest.mark.parametrize(
    "call",
    ["eval('1')", "pickle.loads(b'')", "hydra.utils.instantiate(x)", "np.load(f)", "np.load(f, allow_pickle=True)",
     "read(f, allow_pickle=a)"],
)  # fmt: skip
def test_a_call_that_evaluates_or_unpickles_is_found(call: str, tmp_path: Path) -> None:
    assert len(architecture.unsafe(package(tmp_path, low=call))) == 1
    assert not architecture.unsafe(package(tmp_path / "other", low="np.load(f, allow_pickle=False)"))


def test_late_imports_stand_at_the_doors() -> None:
    assert not architecture.late(SOURCE, DOORS)
    assert all(architecture.late(SOURCE, DOORS - {door}) for door in DOORS)


def test_a_late_import_is_found(tmp_path: Path) -> None:
    source = package(tmp_path, high="def f():\n    from mlexp.low import g", low="def f():\n    import json")
    assert architecture.late(source, set()) == ["high.py"]
    assert not architecture.late(source, {"high"})


def test_a_class_name_is_given_once() -> None:
    """But for nodes, named after their key, what Python users see of a folder, and what `nn` asks of rows."""
    nodes = {entry.name.replace("_", "") for entry in dataclasses.fields(Config)}
    same = nodes | {"run", "sweep", "comparison", "rows"}
    assert not [line for line in architecture.shared(SOURCE) if line.partition(" ")[0].lower() not in same]


def test_a_class_name_that_is_given_twice_is_found(tmp_path: Path) -> None:
    source = package(tmp_path, low="class A: ...\nclass B: ...", high="class A: ...")
    assert architecture.shared(source) == ["A in high.py, low.py"]


def test_no_test_pulls_a_private_lever() -> None:
    assert not architecture.levers(ROOT / "tests")


@pytest.mark.parametrize(
    "lever",
    [
        "from mlexp.low import _f",
        "from mlexp import low\nlow._f()",
        "from mlexp import low\nmonkeypatch.setattr(low, '_f', None)",
        f"monkeypatch.setattr('{architecture.PACKAGE}.low._f', None)",
    ],
)
def test_a_private_lever_is_found(lever: str, tmp_path: Path) -> None:
    (tmp_path / "test_low.py").write_text(lever)
    assert len(architecture.levers(tmp_path)) == 1


def test_help_imports_next_to_nothing() -> None:
    script = "import sys; from mlexp.cli import main; main(['--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for name in ("hydra", "numpy", "sklearn", "pandas", "matplotlib", "rich", "scipy"):
        assert f"'{name}'" not in done.stdout


def test_a_run_of_the_engine_imports_neither_scikit_learn_nor_pandas_nor_scipy_stats(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "own.npz", X=rng.normal(size=(60, 3)), y=rng.normal(size=60))
    own = ["dataset=npz", f"dataset.path={tmp_path / 'own.npz'}", "size=smoke", f"outputs={tmp_path}"]
    commands = [["size=smoke", f"outputs={tmp_path}"], ["task=regress", "model=mlp", *own]]
    script = f"""
import sys
from mlexp.cli import main
for command in {commands!r}:
    assert main(command) == 0
print(sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len([*tmp_path.glob("*/*/figures/*.png")]) > 4
    for name in ("sklearn", "pandas", "scipy.stats", "pyarrow", "joblib", "matplotlib.pyplot"):
        assert f"'{name}'" not in done.stdout
