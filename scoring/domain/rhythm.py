"""Non-parametric rhythm of activity: IS, IV, RA, L5 and M10."""

from dataclasses import dataclass

import numpy as np

from patients.domain.recording import MINUTES_PER_DAY
from scoring.domain.types import Floats

MIN_VALID_MINUTES_AN_HOUR = 30
MIN_PROFILE_SHARE = 0.9


@dataclass(frozen=True)
class Rhythm:
    """Rhythm of a recording; a value the data do not allow is None.

    ``l5`` and ``m10`` are in units of the activity per minute, onsets in minutes of the
    local day.
    """

    interdaily_stability: float | None = None
    intradaily_variability: float | None = None
    relative_amplitude: float | None = None
    l5: float | None = None
    l5_onset_minute: int | None = None
    m10: float | None = None
    m10_onset_minute: int | None = None


def hourly_means(minutes: Floats) -> Floats:
    """Mean of each hour over its valid minutes; NaN below 30 of them. Shape (n // 60,)."""
    hours = minutes[: len(minutes) // 60 * 60].reshape(-1, 60)
    valid = (~np.isnan(hours)).sum(axis=1)
    sums = np.nansum(hours, axis=1)
    return np.where(valid >= MIN_VALID_MINUTES_AN_HOUR, sums / np.maximum(valid, 1), np.nan)


def interdaily_stability(hourly: Floats) -> float | None:
    """IS, 0 to 1: how alike the days are (Witting et al. 1990, Van Someren et al. 1999).

    n * sum_h (profile_h - mean)^2 / (24 * sum_i (x_i - mean)^2), over the n valid hours, as
    GGIR does where hours are missing: hours left out, never set to zero.

    >>> day = np.tile([0.0] * 12 + [1.0] * 12, 7)
    >>> interdaily_stability(day)
    1.0
    """
    n, spread = _spread(hourly)
    if not spread:
        return None
    hour = np.arange(len(hourly)) % 24
    there = ~np.isnan(hourly)
    counts = np.bincount(hour[there], minlength=24)
    if (counts == 0).any():
        return None
    profile = np.bincount(hour[there], hourly[there], minlength=24) / counts
    return float(n * np.sum((profile - profile.mean()) ** 2) / (24 * spread))


def intradaily_variability(hourly: Floats) -> float | None:
    """IV: about 0 for a sine, about 2 for noise (Witting et al. 1990).

    n * sum (x_i - x_{i-1})^2 / ((n - 1) * sum (x_i - mean)^2); with missing hours the n - 1
    becomes the number of neighbours that are both there.
    """
    n, spread = _spread(hourly)
    steps = np.diff(hourly)
    steps = steps[~np.isnan(steps)]
    if not spread or steps.size == 0:
        return None
    return float(n * np.sum(steps**2) / (steps.size * spread))


def _spread(hourly: Floats) -> tuple[int, float]:
    there = hourly[~np.isnan(hourly)]
    if there.size < 24:
        return there.size, 0.0
    mean = there.mean()
    spread = float(np.sum((there - mean) ** 2))
    # A constant leaves only the rounding of its mean.
    return there.size, spread if spread > 1e-20 * there.size * mean**2 else 0.0


def mean_profile(minutes: Floats) -> Floats:
    """Mean of each of the 1,440 minutes of the day over the whole days given."""
    days = minutes.reshape(-1, MINUTES_PER_DAY)
    valid = (~np.isnan(days)).sum(axis=0)
    return np.where(valid > 0, np.nansum(days, axis=0) / np.maximum(valid, 1), np.nan)


def _circular_window_means(profile: Floats, minutes: int) -> Floats:
    tiled = np.concatenate((profile, profile[: minutes - 1]))
    sums = np.concatenate(([0.0], np.cumsum(np.nan_to_num(tiled))))
    counts = np.concatenate(([0], np.cumsum(~np.isnan(tiled))))
    window = counts[minutes:] - counts[:-minutes]
    means = (sums[minutes:] - sums[:-minutes]) / np.maximum(window, 1)
    return np.where(window >= MIN_PROFILE_SHARE * minutes, means, np.nan)


def least_active_5_hours(profile: Floats) -> tuple[float, int] | None:
    """L5 and the minute it begins: lowest mean of 5 consecutive hours of the profile."""
    means = _circular_window_means(profile, 300)
    if np.isnan(means).all():
        return None
    onset = int(np.nanargmin(means))
    return float(means[onset]), onset


def most_active_10_hours(profile: Floats) -> tuple[float, int] | None:
    """M10 and the minute it begins: highest mean of 10 consecutive hours of the profile."""
    means = _circular_window_means(profile, 600)
    if np.isnan(means).all():
        return None
    onset = int(np.nanargmax(means))
    return float(means[onset]), onset


def on_whole_days(minutes: Floats, first_minute_of_day: int) -> Floats:
    """The minutes padded with NaN to whole days, so that index 0 is a midnight."""
    behind = -(first_minute_of_day + len(minutes)) % MINUTES_PER_DAY
    return np.pad(minutes.astype(np.float64), (first_minute_of_day, behind), constant_values=np.nan)


def rhythm(minutes: Floats, first_minute_of_day: int = 0) -> Rhythm:
    """All of it for minute activity (NaN = missing) that begins at that minute of the day.

    ``minutes`` has shape (n,); n of less than a day gives nothing.
    """
    if len(minutes) < MINUTES_PER_DAY:
        return Rhythm()
    days = on_whole_days(minutes, first_minute_of_day)
    hourly, profile = hourly_means(days), mean_profile(days)
    low, high = least_active_5_hours(profile), most_active_10_hours(profile)
    total = low[0] + high[0] if low and high else 0.0
    return Rhythm(
        interdaily_stability(hourly),
        intradaily_variability(hourly),
        (high[0] - low[0]) / total if low and high and total > 0 else None,
        *(low or (None, None)),
        *(high or (None, None)),
    )
