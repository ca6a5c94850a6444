"""The journal of a search is not blocked by a process that was killed while it wrote."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from mlexp.tuning.bayes import _Lock


def test_a_killed_process_lets_go_of_the_journal(tmp_path: Path) -> None:
    script = "import sys, time; from pathlib import Path; from mlexp.tuning.bayes import _Lock\n"
    script += "_Lock(Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "journal")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    lock = _Lock(tmp_path / "journal")
    assert lock.acquire()
    lock.release()
