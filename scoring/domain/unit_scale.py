"""Whether a week's level lies where the reference people's weeks lay: a check of the unit."""

import numpy as np

from patients.domain.recording import UNITS, Family
from scoring.domain.pat_window import PatWeek
from scoring.domain.types import Reason

LevelRange = tuple[float, float]


def weekly_level(week: PatWeek) -> float | None:
    """Mean activity of the week's worn minutes, in the sensor's unit; None without any."""
    values = week.activity[week.worn & ~np.isnan(week.activity)]
    return float(values.mean(dtype=np.float64)) if values.size else None


def scale_reason(week: PatWeek, family: Family, seen: LevelRange) -> Reason | None:
    """The reason to read the depression track with care, if the level is out of what was seen.

    ``seen`` are the lowest and highest weekly level among the reference people. A level far
    off is more often another scale of the same unit than another person.
    """
    level = weekly_level(week)
    if level is None or seen[0] <= level <= seen[1]:
        return None
    low, high = map(_short, seen)
    text = (
        f"Unit scale not validated: the week's mean of {_short(level)} {UNITS[family]} lies "
        f"outside {low} to {high}, where the weeks of the reference people lay. The depression "
        "track may be wrong for this sensor."
    )
    return Reason("unit_scale_not_validated", text)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
