"""Configuration-driven machine-learning experiments."""

from __future__ import annotations

from mlexp import kinds as kinds  # fills the table by which the configuration knows them

TYPE_CHECKING = False  # as in `typing`, which takes as long to import as all that is here
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mlexp.api import compare, compare_scores, load, run, sweep
    from mlexp.views import Answer, ComparisonView, RunView, SweepView

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "ComparisonView",
    "RunView",
    "SweepView",
    "compare",
    "compare_scores",
    "load",
    "run",
    "sweep",
]


def lazily(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package whose names are imported from its modules when they are used.

    Parameters
    ----------
    package : its dotted name
    homes : module -> the names that it holds
    """

    def get(name: str) -> Any:
        from importlib import import_module

        for module, names in homes.items():
            if name in names:
                return getattr(import_module(f"{package}.{module}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get


__getattr__ = lazily(__name__, {"api": tuple(__all__)})  # `import mlexp` alone costs next to nothing


def __dir__() -> list[str]:
    return [*globals(), *__all__]
