"""Many runs at once: plan them, run them on worker processes, collect what they found.

`plan` makes a `Plan` of what ``mlexp -m`` would run, `planned` one of configurations at hand; `run` runs
it, `resume` resumes one that was stopped or killed. Both return an `Outcome`, and are handed the `worker`: what runs a
unit of jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlexp import lazily

if TYPE_CHECKING:
    from mlexp.sweeps.conductor import Outcome, Sparing, resume, run, run_rest, show
    from mlexp.sweeps.opening import begin, taken_over, write_plan
    from mlexp.sweeps.planning import Job, Plan, plan, planned, read, restored
    from mlexp.sweeps.rounds import Rounds

# Name -> its module, imported when the name is used: pages and figures, which only read, need none of them.
HOMES = {
    "opening": (
        "begin",
        "taken_over",
        "write_plan",
    ),
    "planning": (
        "Job",
        "Plan",
        "plan",
        "planned",
        "read",
        "restored",
    ),
    "rounds": ("Rounds",),
    "conductor": (
        "Outcome",
        "Sparing",
        "resume",
        "run",
        "run_rest",
        "show",
    ),
}
__all__ = [
    "Job",
    "Outcome",
    "Plan",
    "Rounds",
    "Sparing",
    "begin",
    "plan",
    "planned",
    "read",
    "restored",
    "resume",
    "run",
    "run_rest",
    "show",
    "taken_over",
    "write_plan",
]

__getattr__ = lazily(__name__, HOMES)
