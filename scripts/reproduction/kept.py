"""What is committed of the studies: their figures, the commits that made them, and quick figures to check them by.

The run folders of a full reproduction are large and lie on one machine. `kept.json` holds every number that the table
shows, so that another machine, on another day, resumes where this one stopped. Beside them stand the figures of the
same study at quick size: as long as the current code still gives those, within floating-point tolerance, it would give
the full ones too, and the study is not run again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from readings import Found, every_figure

from mlexp.store.files import write_bytes

FILE = Path(__file__).parent / "kept.json"
RELATIVE, ABSOLUTE = 1e-4, 1e-7  # other processors add float32 numbers in another order
Kept = dict[str, dict[str, Any]]


def load(file: Path = FILE) -> Kept:
    """Return what is kept, by study."""
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def save(kept: Kept, file: Path = FILE) -> None:
    """Write it, studies and figures in their order, one figure a line."""
    blocks = []
    for name, parts in kept.items():
        lines = [f"  {json.dumps(part)}: {_lines(value)}" for part, value in parts.items()]
        blocks.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
    write_bytes(file, ("{\n" + ",\n".join(blocks) + "\n}\n").encode())


def _lines(value: Any) -> str:
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = ",\n".join(
        f"    {json.dumps(key, ensure_ascii=False)}: {json.dumps(one, ensure_ascii=False)}"
        for key, one in value.items()
    )
    return f"{{\n{inner}\n  }}"


def figures(found: Sequence[Found]) -> dict[str, Any]:
    """Return figures as they are kept: values, commits and rows by what they are called."""
    return {
        one.label: [[_short(value) for value in one.values], list(one.commits), one.rows]
        for one in found
        if one.values
    }


def quick(found: Sequence[Found]) -> dict[str, list[float]]:
    """Return the figures of a quick run, by what they are called."""
    return {one.label: [_short(value) for value in one.values] for one in found if one.values}


def _short(value: float) -> float:
    return float(f"{value:.9g}")


def restored(study: Mapping[str, Any], parts: Mapping[str, Any]) -> list[Found]:
    """Return the figures of a study from what is kept."""
    known = parts.get("figures", {})
    return [Found(entry, *known.get(entry["quantity"], ())) for entry in every_figure(study)]


def differences(before: Mapping[str, Sequence[float]], now: Mapping[str, Sequence[float]]) -> list[str]:
    """Return one line for each quick figure that the current code no longer gives; figures added since do not count.

    Examples
    --------
    >>> differences({"loss": [1.0]}, {"loss": [1.00001], "new": [3.0]}), differences({"loss": [1.0]}, {"loss": [1.1]})
    ([], ['loss: 1.0, now 1.1'])
    """
    lines = []
    for label, values in before.items():
        found = now.get(label, [])
        if len(found) != len(values):
            lines.append(f"{label}: {len(values)} values, now {len(found)}")
            continue
        for one, other in zip(values, found, strict=True):
            same = math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
            if not same and not (math.isnan(one) and math.isnan(other)):
                lines.append(f"{label}: {one}, now {other}")
                break
    return lines
