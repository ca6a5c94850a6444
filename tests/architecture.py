"""The rules of the architecture, each a function from a folder of sources to what breaks it, one line each.

`test_architecture` holds the package to them, and breaks each of them to see it fire.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path

PACKAGE = "mlexp"
DOTTED = re.compile(rf"{PACKAGE}((?:\.\w+)+)(?::\w+)?")  # "mlexp.x.y", "mlexp.x:function"
IN_CODE = re.compile(
    rf"\b(?:from|import) {PACKAGE}((?:\.\w+)+)"
)  # a script in a string: "from mlexp.x import ..."
EVALUATES = {
    "eval", "exec", "compile", "pickle.load", "pickle.loads", "hydra.main", "hydra.utils.instantiate",
    "hydra.utils.get_object",
}  # fmt: skip


def modules(source: Path) -> list[Path]:
    """Return the files of a package, but for those of its configuration."""
    return [file for file in sorted(source.rglob("*.py")) if "conf" not in file.relative_to(source).parts]


def top(file: Path, source: Path) -> str:
    """Return the module or package at the top to which a file belongs."""
    return file.relative_to(source).with_suffix("").parts[0]


def imports(tree: ast.AST, *, nested: bool = True) -> Iterator[str]:
    """Yield the dotted names that a module imports; those in functions too if `nested`."""
    for node in ast.walk(tree) if nested else ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def named(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names of the package that stand in strings, to be imported later."""
    sentences = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
            start = re.match(rf"{PACKAGE}\.\w+(?=\.)", str(node.values[0].value))  # f"mlexp.verbs.{name}"
            yield from [start.group()] if start else []
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in sentences:
            whole = DOTTED.fullmatch(node.value)
            found = [whole.group(1)] if whole else IN_CODE.findall(node.value)
            yield from (f"{PACKAGE}{name}" for name in found)


def knows(file: Path, source: Path) -> dict[str, None]:
    """Return the dotted names, without the package's own, that a file imports of other tops, by statement or string."""
    tree = ast.parse(file.read_text("utf-8"))
    rests = [
        name.partition(".")[2] for name in (*imports(tree), *named(tree)) if name.partition(".")[0] == PACKAGE
    ]
    others = [rest for rest in rests if rest.partition(".")[0] != top(file, source)]
    return dict.fromkeys(rest for rest in others if _is_top(rest.partition(".")[0], source))


def _is_top(name: str, source: Path) -> bool:
    return (source / name).is_dir() or (source / f"{name}.py").exists()


def out_of_order(
    source: Path, order: Sequence[str], exceptions: Set[tuple[str, str]] = frozenset()
) -> list[str]:
    """Report modules without a place in the order, and imports of what stands later in it.

    Parameters
    ----------
    source : folder of the package
    order : its modules and packages; each may import those before it
    exceptions : (module, a later one that it may name all the same)
    """
    level = {name: place for place, name in enumerate(order)}
    broken = []
    for file in modules(source):
        here = top(file, source)
        if here in ("__init__", "__main__"):
            continue
        if here not in level:
            broken.append(f"{here} has no place in the order of imports")
            continue
        broken += [
            f"{file.relative_to(source)} imports {PACKAGE}.{name}, which stands later in the order"
            for name in knows(file, source)
            if level.get(name.partition(".")[0], -1) > level[here]
            and (here, name.partition(".")[0]) not in exceptions
        ]
    return broken


def forbidden(source: Path, pairs: Set[tuple[str, str]]) -> list[str]:
    """Report imports that the order allows and the design does not: (module, package or module not to import)."""
    return [
        f"{file.relative_to(source)} imports {PACKAGE}.{name}"
        for file in modules(source)
        for name in knows(file, source)
        for here, there in sorted(pairs)
        if top(file, source) == here and f"{name}.".startswith(f"{there}.")
    ]


def useless(pairs: Set[tuple[str, str]], order: Sequence[str]) -> list[str]:
    """Report forbidden pairs that say nothing: not of this package, or forbidden by the order already."""
    level = {name: place for place, name in enumerate(order)}
    return [
        f"{pair} says nothing"
        for pair in sorted(pairs)
        if len(pair) != 2 or level.get(pair[0], -1) <= level.get(pair[1].partition(".")[0], len(order))
    ]


def early(source: Path, libraries: Set[str], allowed: Mapping[str, Set[str]]) -> list[str]:
    """Report libraries that a module imports when it is imported itself; `allowed` : file or folder -> libraries."""
    broken = []
    for file in modules(source):
        name, tree = str(file.relative_to(source)), ast.parse(file.read_text("utf-8"))
        tops = {name.partition(".")[0] for name in imports(tree, nested=False)} & libraries
        for place, some in allowed.items():
            if name == place or name.startswith(f"{place}/"):
                tops -= some
        broken += [f"{name} imports {library} at its top" for library in sorted(tops)]
    return broken


def long_functions(source: Path, lines: int) -> list[str]:
    """Report functions of more lines than fit on a screen, their docstrings not counted."""
    broken = []
    for file in modules(source):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                first = node.body[0]
                documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
                start = (first.end_lineno or 0) if documented else node.lineno
                if (node.end_lineno or 0) - start > lines:
                    broken.append(f"{file.relative_to(source)}: {node.name} is too long")
    return broken


def unsafe(source: Path) -> list[str]:
    """Report calls that evaluate or unpickle what they read."""
    broken = []
    for file in modules(source):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            pickles = [ast.unparse(word.value) for word in node.keywords if word.arg == "allow_pickle"]
            if called in EVALUATES or pickles not in ([], ["False"]) or (called == "np.load" and not pickles):
                broken.append(f"{file.relative_to(source)} calls {ast.unparse(node)}")
    return broken


def late(source: Path, allowed: Set[str]) -> list[str]:
    """Find modules that import others of the package within functions, but for those allowed to, by file or top."""
    return [
        file.relative_to(source).as_posix()
        for file in modules(source)
        if not {file.relative_to(source).as_posix(), top(file, source)} & allowed
        and any(name.partition(".")[0] == PACKAGE for name in _within_functions(file))
    ]


def _within_functions(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(node)


def shared(source: Path) -> list[str]:
    """Find names that are given to a class in several modules."""
    places: dict[str, list[str]] = {}
    for file in modules(source):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(file.relative_to(source).as_posix())
    return [f"{name} in {', '.join(files)}" for name, files in sorted(places.items()) if len(files) > 1]


def levers(folder: Path) -> list[str]:
    """Find private names of the package that a folder of tests imports, reads or replaces."""
    found = []
    for file in sorted(folder.rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        own = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE:
                own |= {alias.asname or alias.name for alias in node.names}
                found += [f"{file.name} imports {one.name}" for one in node.names if _private(one.name)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and _private(node.attr):
                holder = node.value.id if isinstance(node.value, ast.Name) else ""
                found += [f"{file.name} reads {holder}.{node.attr}"] if holder in own else []
            elif isinstance(node, ast.Constant) and re.fullmatch(
                rf"{PACKAGE}(\.\w+)*\._\w+", str(node.value)
            ):
                found.append(f"{file.name} names {node.value}")
            elif isinstance(node, ast.Call) and len(node.args) > 1:
                holder, name = (ast.unparse(word).strip("'") for word in node.args[:2])
                found += [f"{file.name} replaces {holder}.{name}"] if holder in own and _private(name) else []
    return found


def _private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")
