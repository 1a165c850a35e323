"""A process that runs when it is told to, so that two can be timed in turn.

First it prints its outputs, then the seconds of one run for each line it reads, and at the
end of its input the most memory it ever held, in MB. Each is a line of JSON.
"""

import json
import sys
import time
from pathlib import Path


def take_turns(run):
    """`run()` returns a list of numbers, the same each time."""
    print(json.dumps(run()), flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        run()
        print(time.perf_counter() - began, flush=True)
    # Linux hands the most that the parent held down to getrusage; this is the process's own.
    status = Path("/proc/self/status").read_text().splitlines()
    print(next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")))
