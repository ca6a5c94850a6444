"""The other end of `mlexp.store.isolated`: loads a model, sets limits on itself, and answers. Run as a module."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mlexp.errors import ConfigError, MlexpError
from mlexp.models.guarded import in_short
from mlexp.store.isolated import receive, send

try:
    import resource
except ModuleNotFoundError:  # Windows: whoever asks looks at what this process takes, and ends it
    resource = None  # type: ignore[assignment]


def main() -> None:
    """Serve requests from the standard input until it is closed."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is not an answer
    model, path = None, ""
    while True:
        try:
            request, arrays = receive(requests)
        except EOFError:
            return
        try:
            path = request.get("path", path)
            if model is None:
                model = _load(request)
                answer: dict[str, Any] = {"probabilities": model.gives_probabilities}
                found: list[np.ndarray] = []
            else:
                _limit(request["seconds"], request["memory"])
                answer, found = {}, _called(model, request["what"], *arrays)
        except MlexpError as error:
            kind = "ConfigError" if isinstance(error, ConfigError) else "DataError"
            answer, found = {"error": kind, "words": str(error)}, []
        except Exception as error:
            why = f"The model of {path} cannot be used: {in_short(error)}."
            words = f"{why} Its file may be damaged: run the task again."
            answer, found = {"error": "DataError", "words": words}, []
        send(answers, answer, found)


def _load(request: dict[str, Any]) -> Any:
    sys.path += [place for place in request["trusted"].values() if place and place not in sys.path]
    sys.meta_path.insert(0, _Unneeded)
    from mlexp.store import fitted, onnxfile  # noqa: F401  (before the limits: what is imported is ours)

    for package in ("sklearn.ensemble", "sklearn.compose", "skops.io"):
        __import__(package)
    sys.meta_path.remove(_Unneeded)
    if resource:
        for limit in (
            resource.RLIMIT_CORE,
            resource.RLIMIT_FSIZE,
        ):  # it writes no file, least of all one of 4 GB
            resource.setrlimit(limit, (0, 0))
    _limit(request["seconds"], request["memory"])
    return fitted.load(Path(request["path"]), list(request["trusted"]), here=True)


class _Unneeded:
    """Says that some packages are not there: skops imports all of scikit-learn, which tries them for seconds."""

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        if name in ("torch", "dask", "cupy", "jax"):
            raise ModuleNotFoundError(f"{name} is not needed here", name=name)


def _limit(seconds: int, memory: int) -> None:
    """Allow some more seconds of processor time from now on, and so many bytes."""
    if not resource:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds, resource.RLIM_INFINITY))
    with contextlib.suppress(ValueError, OSError):  # macOS has no limit on what is held
        resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.RLIM_INFINITY))


def _called(model: Any, what: str, X: np.ndarray) -> list[np.ndarray]:
    from threadpoolctl import threadpool_limits

    from mlexp.store import onnxfile

    with threadpool_limits(model.threads):  # the same bits as in the run
        if what == "onnx":
            data, apart = onnxfile.exported(model, X)
            return [np.frombuffer(data, np.uint8), np.array(apart)]
        return [np.asarray(getattr(model, what)(X))]


if __name__ == "__main__":
    main()
