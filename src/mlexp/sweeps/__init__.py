"""Many runs at once: plan them, run them on worker processes, collect what they found.

`plan` makes a `Plan` of what ``mlexp -m`` would run, `planned` one of configurations at hand; `run` runs
it, `resume` goes on with one that was stopped or killed. Both return an `Outcome`.
"""

from mlexp.sweeps.plan import Job, Plan, plan, planned, restored
from mlexp.sweeps.rounds import Rounds
from mlexp.sweeps.run import Outcome, begin, go_on, resume, run, show, write_plan

__all__ = [
    "Job",
    "Outcome",
    "Plan",
    "Rounds",
    "begin",
    "go_on",
    "plan",
    "planned",
    "restored",
    "resume",
    "run",
    "show",
    "write_plan",
]
