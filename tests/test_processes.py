"""The one-machine process group: what dies is started again."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from clarity_site import processes


def test_a_killed_process_is_started_again_and_one_that_keeps_dying_ends_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    code = (
        f"import os,time; open({str(started)!r},'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    )
    monkeypatch.setattr(processes, "commands", lambda _port: [[sys.executable, "-c", code]])
    group = processes.ProcessGroup(0)
    group.start()
    ended: list[int] = []
    waiting = threading.Thread(target=lambda: ended.append(group.wait()), daemon=True)
    waiting.start()
    killed = 0
    while killed <= processes.MAX_DEATHS:
        pids = started.read_text().split() if started.exists() else []
        if len(pids) > killed:
            os.kill(int(pids[-1]), signal.SIGKILL)
            killed += 1
        time.sleep(0.05)
    waiting.join(10)
    group.stop()
    assert ended == [-signal.SIGKILL]
    assert len(started.read_text().split()) == processes.MAX_DEATHS + 1
