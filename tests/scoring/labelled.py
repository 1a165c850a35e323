"""Made-up folders of two groups, one CSV a person, to evaluate on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

START = datetime(2003, 5, 7, 12)


def minutes(
    rng: np.random.Generator, days: int = 9, level: float = 250.0, later_hours: float = 0.0
) -> np.ndarray:
    """Counts of a sleeper from 23:00 to 7:00, from noon on; shape (days * 1440,)."""
    clock = ((np.arange(days * 1440) + 720) / 60 - later_hours - rng.normal(0, 0.7)) % 24
    asleep = (clock >= 23) | (clock < 7)
    bouts = np.repeat(rng.gamma(1.2, 1.0, days * 288), 5)
    awake = rng.poisson(level * bouts * np.exp(rng.normal(0, 0.3)))
    return np.where(asleep, rng.poisson(0.4, len(clock)) * 9, awake).astype(float)


def table(values: np.ndarray, start: datetime = START) -> str:
    """The CSV of minute values."""
    rows = (
        f"{t},{t:%Y-%m-%d},{v:g}"
        for t, v in ((start + timedelta(minutes=i), v) for i, v in enumerate(values))
    )
    return "timestamp,date,activity\n" + "\n".join(rows) + "\n"


def write_folder(
    folder: Path,
    people: int,
    changed: Callable[[np.random.Generator], np.ndarray],
    usual: Callable[[np.random.Generator], np.ndarray] = minutes,
) -> Path:
    """`people` each in the groups condition (changed) and control (usual)."""
    for group, make in (("condition", changed), ("control", usual)):
        (folder / group).mkdir(parents=True)
        for n in range(people):
            rng = np.random.default_rng([n, group == "control"])
            (folder / group / f"{group}_{n + 1}.csv").write_text(table(make(rng)))
    return folder
