"""Matplotlib imported lean draws the same bytes, and leaves no stand-in behind."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from tests.drawing.seen import Make

from mlexp import report

SCRIPT = """
import hashlib, json, sys
from pathlib import Path
from mlexp import report
from mlexp.drawing import lean
lean.allow()
folder = Path(sys.argv[1])
report.redraw(folder)
import matplotlib.dviread, mpl_toolkits.mplot3d, pyparsing.testing
drawn = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (folder / "figures").glob("*.png")}
print(json.dumps({
    "figures": drawn,
    "whole": [hasattr(matplotlib.dviread, "PsfontsMap"), hasattr(mpl_toolkits.mplot3d, "axes3d"),
              hasattr(pyparsing.testing, "unittest")],
    "properties": matplotlib.artist.ArtistInspector(matplotlib.lines.Line2D).get_setters(),
}))
"""


def test_a_lean_matplotlib_draws_the_bytes_of_a_whole_one(make_whole: Make, tmp_path: Path) -> None:
    run = make_whole()
    report.redraw(run.path)
    whole = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (run.path / "figures").glob("*.png")
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(run.path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    lean = json.loads(done.stdout)
    assert len(whole) > 5
    assert lean["figures"] == whole
    assert lean["whole"] == [True, True, True]
    assert "linewidth" in lean["properties"]
