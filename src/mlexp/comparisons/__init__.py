"""Is A better than B? Arms times seeds through the sweep layer, then the test that the design asks for.

`plan` makes a `Study` of what ``mlexp task=...`` would compare; `announce` says what would run, `run` runs it, `resume`
resumes one that was stopped or killed, `answered` analyses a folder again, `past_runs.compare` takes runs and
sweeps that are there already.
"""

from mlexp.comparisons.running import announce, answered, resume, run
from mlexp.comparisons.study import Study, plan

__all__ = ["Study", "announce", "answered", "plan", "resume", "run"]
