"""The 36 inputs of the mania model: mean, SD and Z of 12 daily indexes; and 15 of the body.

The rules, for all of them: the window ends with the scored day and never looks ahead. Missing
days are left out, never set to zero. One day has no SD and no Z; an SD of zero gives Z = 0
(nothing moved); a scored day that is missing has no Z.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import numpy as np

from scoring.domain.types import Floats
from scoring.domain.vector_names import BODY_NAMES, INDEX_NAMES, VECTOR_NAMES

WINDOW_NIGHTS = 30
PHASE = INDEX_NAMES.index("Circadian_phase")


@dataclass(frozen=True)
class Vector:
    """The 36 values in the published order (NaN where unknown) and the nights behind them."""

    values: Floats
    nights_present: int
    window_nights: int = WINDOW_NIGHTS

    @property
    def coverage(self) -> float:
        """Share of the window's nights that are there."""
        return self.nights_present / self.window_nights

    def named(self) -> dict[str, float | None]:
        """By the names of the published boosters; unknown values are None."""
        return named(VECTOR_NAMES, self.values)


def named(names: Sequence[str], values: Floats) -> dict[str, float | None]:
    """Values by name; unknown ones are None."""
    return {
        name: None if np.isnan(value) else float(value)
        for name, value in zip(names, values, strict=True)
    }


class Night(Protocol):
    """What a vector needs of a day: DayFeatures, or the same read alone."""

    @property
    def day(self) -> date: ...
    @property
    def night_present(self) -> bool: ...
    @property
    def indexes(self) -> tuple[float | None, ...]: ...


class BodyDay(Night, Protocol):
    """And what the body's columns need."""

    @property
    def activity(self) -> Mapping[str, object]: ...
    @property
    def heart(self) -> Mapping[str, object]: ...


def vector(days: Sequence[Night], scored_day: date, window_nights: int = WINDOW_NIGHTS) -> Vector:
    """Mean, SD (ddof 1) and Z of the scored day over the nights of the window.

    The phase is averaged on the series that does not jump from day to day, then brought to
    [12, 36) h.
    """
    first = scored_day - timedelta(days=window_nights - 1)
    window = [d for d in days if first <= d.day <= scored_day and d.night_present]
    window.sort(key=lambda d: d.day)
    values = np.array([d.indexes for d in window], dtype=np.float64)
    out = np.full((len(INDEX_NAMES), 3), np.nan)
    if window:
        values[:, PHASE] -= _turns(values[:, PHASE]) * 24.0
        today = values[-1] if window[-1].day == scored_day else np.full(len(INDEX_NAMES), np.nan)
        for i in range(len(INDEX_NAMES)):
            out[i] = _mean_sd_z(values[:, i], float(today[i]))
    return Vector(out.reshape(-1), len(window), window_nights)


def body_vector(
    days: Sequence[BodyDay], scored_day: date, window_days: int = WINDOW_NIGHTS
) -> Floats:
    """Mean, SD and Z of steps, sedentary hours, resting heart rate, SDNN and RMSSD; shape (15,).

    In the order of BODY_VECTOR_NAMES. For Clarity's own booster only: the published ones end
    with the 36.
    """
    first = scored_day - timedelta(days=window_days - 1)
    window = {d.day: d for d in days if first <= d.day <= scored_day}
    out = np.full((len(BODY_NAMES), 3), np.nan)
    for i, (group, name) in enumerate(BODY_NAMES.values()):
        of_day = {day: _number(getattr(d, group).get(name)) for day, d in window.items()}
        values = np.array([of_day[day] for day in sorted(of_day)])
        out[i] = _mean_sd_z(values, of_day.get(scored_day, np.nan))
    return out.reshape(-1)


def own_vector(
    days: Sequence[BodyDay], scored_day: date, window_days: int = WINDOW_NIGHTS
) -> Floats:
    """The 36 and then the 15, in the order of OWN_VECTOR_NAMES; shape (51,)."""
    published = vector(days, scored_day, window_days).values
    return np.concatenate((published, body_vector(days, scored_day, window_days)))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


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
