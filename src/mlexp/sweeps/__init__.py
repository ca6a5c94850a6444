"""Many runs at once: plan them, run them on worker processes, collect what they found.

`plan` makes a `Plan` of what ``mlexp -m`` would run, `planned` one of configurations at hand; `run` runs
it, `resume` goes on with one that was stopped or killed. Both return an `Outcome`.
"""

from mlexp.sweeps.plan import Job, Plan, plan, planned
from mlexp.sweeps.run import Outcome, resume, run, show

__all__ = ["Job", "Outcome", "Plan", "plan", "planned", "resume", "run", "show"]
