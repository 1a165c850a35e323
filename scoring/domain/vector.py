"""The 36 inputs of the mania model: mean, SD and Z of 12 daily indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from scoring.domain.types import DayFeatures, Floats
from scoring.domain.vector_names import INDEX_NAMES, VECTOR_NAMES

WINDOW_NIGHTS = 30
PHASE = INDEX_NAMES.index("Circadian_phase")


@dataclass(frozen=True)
class Vector:
    """The 36 values in the published order (NaN where unknown) and the nights behind them."""

    values: Floats
    nights_present: int

    @property
    def coverage(self) -> float:
        """Share of the 30 nights that are there."""
        return self.nights_present / WINDOW_NIGHTS

    def named(self) -> dict[str, float | None]:
        """By the names of the published boosters; unknown values are None."""
        return {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(VECTOR_NAMES, self.values, strict=True)
        }


def vector(days: Sequence[DayFeatures], scored_day: date) -> Vector:
    """Mean, SD (ddof 1) and Z of the scored day over the 30 days that end with it.

    Missing nights are left out, never set to zero. One night has no SD and no Z; an SD of
    zero gives Z = 0 (nothing moved); a missing scored night has no Z. The phase is averaged
    on the series that does not jump from day to day, then brought to [12, 36) h.
    """
    first = scored_day - timedelta(days=WINDOW_NIGHTS - 1)
    window = [d for d in days if first <= d.day <= scored_day and d.night_present]
    window.sort(key=lambda d: d.day)
    values = np.array([d.indexes for d in window], dtype=np.float64)
    out = np.full((len(INDEX_NAMES), 3), np.nan)
    if window:
        values[:, PHASE] -= _turns(values[:, PHASE]) * 24.0
        today = values[-1] if window[-1].day == scored_day else np.full(len(INDEX_NAMES), np.nan)
        for i in range(len(INDEX_NAMES)):
            out[i] = _mean_sd_z(values[:, i], float(today[i]))
    return Vector(out.reshape(-1), len(window))


def _mean_sd_z(values: Floats, today: float) -> tuple[float, float, float]:
    known = values[~np.isnan(values)]
    if known.size == 0:
        return np.nan, np.nan, np.nan
    mean = float(known.mean())
    if known.size == 1:
        return mean, np.nan, np.nan
    sd = float(known.std(ddof=1))
    return mean, sd, (today - mean) / sd if sd > 1e-9 else 0.0 * today


def _turns(phases: Floats) -> float:
    known = phases[~np.isnan(phases)]
    return float((known.mean() - 12.0) // 24.0) if known.size else 0.0
