"""The kinds of values in the JSON records of a run; what is of another kind is damage (see `files.read_json`)."""

from __future__ import annotations

from mlexp.store.files import EVERY

NUMBER = (int, float, type(None))
RUN = {
    "format": int, "status": str, "error": (str, type(None)), "task": {"name": str, "kind": str}, "command": [str],
    "config_hash": str, "started": str,
    "began_in": (str, type(None)), "resumed": [str], "stack": int, "wall_seconds": NUMBER, "cpu_seconds": NUMBER,
    "peak_memory_mb": NUMBER, "settings": dict, "chosen": dict, "threads": int, "facts": dict, "warnings": [str],
    "plugins": {EVERY: str}, "split": {EVERY: (int, str)}, "preparation": dict,
    "environment": {"packages": dict, "blas": [dict]},
    "dataset": {"name": str, "n_samples": int, "n_features": int, "classes": list, "fingerprint": str,
                "categories": dict, "features": (list, type(None))},
}  # fmt: skip
METRICS = {EVERY: {EVERY: NUMBER}}
TUNING = {
    "metric": str, "strategy": str, "space": dict, "chosen": {"number": int, "values": dict}, "sentences": [str],
}  # fmt: skip
SWEEP = {
    "format": int, "status": str, "task": str, "started": str, "began_in": (str, type(None)),
    "plugins": {EVERY: str}, "ended": str, "begun_with": int, "keys": [str],
    "command": [str], "sweep": dict, "execution": dict,
    "settings": dict, "settings_hash": str,
    "jobs": [{"number": int, "hash": str, "data": str, "swept": dict, "changes": dict}],
}  # fmt: skip
COMPARISON = {
    "format": int, "status": str, "metric": str, "arms": [{"name": str}], "answer": [str], "question": str,
    "details": dict, "error": (str, type(None)), "started": str, "pairs": [dict],
    "findings": [str], "seconds": [str], "level": {"column": str, "value": (int, float), "words": str},
    "warnings": [str], "comparison": dict, "settings": dict, "design": dict, "command": [str],
    "choice": {"arm": str, "order": [str], "validation": {EVERY: (int, float)}, "words": str},
    "looks": {"runs": [int], "levels": [float], "max_seeds": int, "alpha": float},
}  # fmt: skip
WHY = {
    "name": str, "case": dict, "status": str, "candidates": [{"values": {EVERY: str}, "runs": {EVERY: dict}}],
    "question": str, "answer": [str], "warnings": [str], "shown": [int],
}  # fmt: skip
