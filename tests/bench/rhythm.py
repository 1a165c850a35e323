"""Rhythm and pacemaker against the packages of the field, each in an environment of its own.

python -m tests.bench rhythm
"""

import subprocess
import tempfile
import time
from collections.abc import Callable

import numpy as np

from tests.bench.environments import COMPARATORS, environment

PEOPLE = 1_000
MOST_MS, TIMES_RHYTHM, TIMES_PACEMAKER = 2.0, 50, 100


def main() -> None:
    """Print both figures and their ratios."""
    rng = np.random.default_rng(12345)
    minute = np.arange(14 * 1440) % 1440
    counts = np.where((minute < 420) | (minute >= 1380), 0, rng.integers(0, 300, minute.size))
    bench_rhythm(counts.astype(np.float64))
    day = np.arange(1440)
    bench_pacemaker(np.where((day < 420) | (day >= 1380), 0.0, 250.0))


def bench_rhythm(counts: np.ndarray) -> None:
    """IS, IV, RA, L5 and M10 of 14 days."""
    from scoring.domain.rhythm import nonparametric

    own = _milliseconds(lambda: nonparametric(counts), 200)
    print(f"IS, IV, RA, L5, M10 of 14 days: {own:.2f} ms (at most {MOST_MS:g})")
    _compare("pyactigraphy", "pyactigraphy_rhythm.py", counts, own, TIMES_RHYTHM)


def bench_pacemaker(lux: np.ndarray) -> None:
    """One night of 1,000 people together, light by the minute."""
    from scoring.domain import pacemaker

    everyone = np.tile(lux, (PEOPLE, 1))
    for step in (pacemaker.STEP_MINUTES, 1):
        own = _milliseconds(lambda s=step: pacemaker.simulate(everyone, step_minutes=s), 5) / PEOPLE
        print(f"pacemaker, {PEOPLE:,} people together, steps of {step} min: {own:.3f} ms each")
        _compare("circadian", "circadian_night.py", lux, own, TIMES_PACEMAKER)


def _milliseconds(run: Callable[[], object], times: int) -> float:
    """The fastest of so many runs: what others do on the machine only slows."""
    found = []
    for _ in range(times + 1):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return min(found) * 1000


def _compare(package: str, script: str, data: np.ndarray, own_ms: float, least: int) -> None:
    python = environment(package)
    if python is None:
        print(f"  {package}: cannot be installed here")
        return
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, data)
        file.flush()
        told = subprocess.run(
            [python, COMPARATORS / script, file.name], capture_output=True, text=True
        )
    if told.returncode:
        print(f"  {package}: does not run here ({told.stderr.strip().splitlines()[-1][:100]})")
        return
    other = float(told.stdout.splitlines()[-1])
    print(f"  {package}: {other:.1f} ms, {other / own_ms:.0f} times as long (at least {least})")
