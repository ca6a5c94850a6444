"""The page of a run, a sweep or a comparison, made from its folder alone.

`report.html` is one file with everything inside, to open by double click, print or hand in; `report.md` says the same
in text, with its pictures beside it. Nothing is fitted or scored here: `answers` puts recorded numbers into sentences.
"""

from mlexp.report.index import write_index
from mlexp.report.write import page, redraw, write

__all__ = ["page", "redraw", "write", "write_index"]
