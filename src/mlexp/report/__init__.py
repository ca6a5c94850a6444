"""The page of a run, a sweep or a comparison, made from its folder alone.

`report.html` is one file with everything inside, to open by double click, print or hand in; `report.md` says the same
in text, with its pictures beside it. Nothing is fitted or scored here: the `answer.py` of a kind puts recorded numbers
into sentences.
"""

from mlexp.report.folder import drawn, figure, page, redraw, show, write

__all__ = ["drawn", "figure", "page", "redraw", "show", "write"]
