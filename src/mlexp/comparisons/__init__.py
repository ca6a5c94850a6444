"""Is A better than B? Arms times seeds through the sweep layer, then the test that the design asks for.

`plan` makes a `Study` of what ``mlexp task=...`` would compare; `run` runs it, `resume` goes on with one that was
stopped or killed, `answered` analyses a folder again, `compare` takes runs and sweeps that are there already.
"""

from mlexp.comparisons.run import answered, resume, run
from mlexp.comparisons.study import Study, plan

__all__ = ["Study", "answered", "plan", "resume", "run"]
