"""Is A better than B? Arms times seeds through the sweep layer, then the test that the design asks for.

`plan` makes a `Study` of what ``mlexp task=...`` would compare; `announce` says what would run, `run` runs it, `resume`
resumes one that was stopped or killed, `answered` analyses a folder again, `past_runs.compare` takes runs and
sweeps that are there already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlexp import lazily

if TYPE_CHECKING:
    from mlexp.comparisons.running import announce, answered, resume, run
    from mlexp.comparisons.study import Study, plan

# Name -> its module, imported when the name is used: pages and figures, which only read, need none of them.
HOMES = {
    "running": (
        "announce",
        "answered",
        "resume",
        "run",
    ),
    "study": (
        "Study",
        "plan",
    ),
}
__all__ = [
    "Study",
    "announce",
    "answered",
    "plan",
    "resume",
    "run",
]

__getattr__ = lazily(__name__, HOMES)
