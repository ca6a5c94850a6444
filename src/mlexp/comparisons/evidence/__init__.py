"""What ran: the runs of every arm, what each scored, and what two runs must share to be compared."""

from mlexp.comparisons.evidence.runs import Block, Entry, Evidence

__all__ = ["Block", "Entry", "Evidence"]
