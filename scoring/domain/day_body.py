"""Activity and heart of one local day, from its minutes. Missing is None, never NaN."""

from datetime import date

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from patients.domain.days import ZoneHistory
from patients.domain.recording import Minutes
from scoring.domain.grid import Grid
from scoring.domain.sleep import AWAKE

WINDOW_MINUTES = 10
# A minute may be an outlier; two values (a ring gives one in 5 min) are the least of a mean.
WINDOW_VALUES = 2
# Less of a night's heart rate may have missed the low: assumption.
NIGHT_KNOWN_MINUTES = 6 * 60

Numbers = dict[str, float | None]


def day_activity(grid: Grid, low: int, high: int, sedentary_below: float | None) -> Numbers:
    """Activity of the grid's minutes ``low`` to ``high``, in the unit of the sensor.

    ``sedentary_hours`` and ``active_minutes`` are worn minutes known to be awake below
    ``sedentary_below`` or not; ``active_mean_per_minute`` is the intensity of the latter. They
    are None without such minutes, or without a threshold for the sensor's unit.
    """
    worn = grid.worn[low:high]
    activity, steps = (a[low:high].astype(np.float64) for a in (grid.activity, grid.steps))
    measured = worn & ~np.isnan(activity)
    values = activity[measured]
    counted = ~np.isnan(steps)
    return {
        "mean_per_minute": float(values.mean()) if values.size else None,
        "sd_per_minute": float(values.std(ddof=1)) if values.size > 1 else None,
        "steps": float(steps[counted].sum()) if counted.any() else None,
        "recorded_hours": float(grid.recorded[low:high].sum()) / 60,
        "worn_hours": float(worn.sum()) / 60,
        **_intensity(activity[measured & (grid.state[low:high] == AWAKE)], sedentary_below),
    }


def _intensity(awake: NDArray[np.float64], sedentary_below: float | None) -> Numbers:
    hours = minutes = mean = None
    if awake.size and sedentary_below is not None:
        active = awake[awake >= sedentary_below]
        hours, minutes = (awake.size - active.size) / 60, float(active.size)
        mean = float(active.mean()) if active.size else None
    return {"sedentary_hours": hours, "active_minutes": minutes, "active_mean_per_minute": mean}


def day_heart(grid: Grid, zones: ZoneHistory, day: date) -> Numbers:
    """Heart rate (bpm) and its variability (ms; LF/HF a ratio) on the local day.

    Resting rate, SDNN, RMSSD and LF/HF are the means of what the device, or its beats, gave.
    ``minimum_hour`` is the clock hour, 0 to 24, in the middle of the ten minutes with the lowest
    mean heart rate of the noon-to-noon day: the low of the body's rhythm falls into sleep, which a
    calendar day would cut at midnight. It needs a heart rate around half of a night.
    """
    low, high = (grid.index(t) for t in zones.day_bounds(day))
    rate = grid.heart_rate[low:high].astype(np.float64)
    there = ~np.isnan(rate)
    noon, next_noon = (grid.index(t) for t in zones.night_bounds(day))
    lowest = lowest_window(grid.heart_rate[noon:next_noon])
    hour = None
    if lowest is not None:
        moment = grid.moment(noon + lowest + WINDOW_MINUTES / 2)
        hour = zones.minute_of_day(moment, day) / 60 % 24
    return {
        "mean_bpm": float(rate[there].mean()) if there.any() else None,
        "minimum_bpm": float(rate[there].min()) if there.any() else None,
        "minimum_hour": hour,
        "resting_bpm": _mean(grid.resting_heart_rate[low:high]),
        "sdnn_ms": _mean(grid.sdnn[low:high]),
        "rmssd_ms": _mean(grid.rmssd[low:high]),
        "lf_hf_ratio": _mean(grid.lf_hf[low:high]),
    }


def lowest_window(rate: Minutes) -> int | None:
    """Where the ten minutes with the lowest mean begin, the first of equals; None if unknown.

    >>> lowest_window(np.repeat(np.array([60, 50, 70], dtype=np.float32), 200))
    200
    """
    values = rate.astype(np.float64)
    there = ~np.isnan(values)
    if values.size < WINDOW_MINUTES:
        return None
    # Sums of whole windows each, not differences of one long sum: those would not be exact.
    counts = sliding_window_view(there, WINDOW_MINUTES).sum(axis=1)
    sums = sliding_window_view(np.where(there, values, 0.0), WINDOW_MINUTES).sum(axis=1)
    known = counts >= WINDOW_VALUES
    if known.sum() < NIGHT_KNOWN_MINUTES:
        return None
    means = np.where(known, sums / np.maximum(counts, 1), np.inf)
    return int(means.argmin())


def _mean(values: Minutes) -> float | None:
    there = values[~np.isnan(values)].astype(np.float64)
    return float(there.mean()) if there.size else None
