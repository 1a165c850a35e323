"""Rhythm of activity: IS, IV, RA, L5 and M10, its cosine, and its shift from day to day."""

from dataclasses import dataclass, replace

import numpy as np

from patients.domain.recording import MINUTES_PER_DAY
from scoring.domain.cosinor import cosinor, counted
from scoring.domain.types import Floats

MIN_VALID_MINUTES_AN_HOUR = 30
MIN_PROFILE_SHARE = 0.9


@dataclass(frozen=True)
class Rhythm:
    """Rhythm of a recording; a value the data do not allow is None.

    ``l5``, ``m10``, ``mesor`` and ``cosinor_amplitude`` are in units of the activity per
    minute, onsets in minutes and ``acrophase_hours`` in hours of the local day.
    """

    interdaily_stability: float | None = None
    intradaily_variability: float | None = None
    relative_amplitude: float | None = None
    l5: float | None = None
    l5_onset_minute: int | None = None
    m10: float | None = None
    m10_onset_minute: int | None = None
    mesor: float | None = None
    cosinor_amplitude: float | None = None
    acrophase_hours: float | None = None


def hourly_means(minutes: Floats) -> Floats:
    """Mean of each hour over its valid minutes; NaN below 30 of them. Shape (n // 60,)."""
    valid, sums = counted(minutes[: len(minutes) // 60 * 60].reshape(-1, 60), axis=1)
    return np.where(valid >= MIN_VALID_MINUTES_AN_HOUR, sums / np.maximum(valid, 1), np.nan)


def interdaily_stability(hourly: Floats) -> float | None:
    """IS, 0 to 1: how alike the days are (Witting et al. 1990, Van Someren et al. 1999).

    n * sum_h (profile_h - mean)^2 / (24 * sum_i (x_i - mean)^2), over the n valid hours. Where
    hours are missing each hour of the profile weighs by its number of valid hours, n_h in place
    of n / 24, so that IS stays the share of variance that the profile explains.

    >>> day = np.tile([0.0] * 12 + [1.0] * 12, 7)
    >>> interdaily_stability(day)
    1.0
    """
    _, spread = _spread(hourly)
    if not spread:
        return None
    hour = np.arange(len(hourly)) % 24
    there = ~np.isnan(hourly)
    counts = np.bincount(hour[there], minlength=24)
    if (counts == 0).any():
        return None
    profile = np.bincount(hour[there], hourly[there], minlength=24) / counts
    return float(np.sum(counts * (profile - hourly[there].mean()) ** 2) / spread)


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
    valid, sums = counted(minutes.reshape(-1, MINUTES_PER_DAY), axis=0)
    return np.where(valid > 0, sums / np.maximum(valid, 1), np.nan)


def _circular_window_means(profile: Floats, minutes: int) -> Floats:
    tiled = np.concatenate((profile, profile[: minutes - 1]))
    there = ~np.isnan(tiled)
    sums = np.concatenate(([0.0], np.cumsum(np.where(there, tiled, 0.0))))
    counts = np.concatenate(([0], np.cumsum(there)))
    window = counts[minutes:] - counts[:-minutes]
    means = (sums[minutes:] - sums[:-minutes]) / np.maximum(window, 1)
    return np.where(window >= MIN_PROFILE_SHARE * minutes, means, np.nan)


def least_active_5_hours(profile: Floats) -> tuple[float, int] | None:
    """L5 and the minute it begins: lowest mean of 5 consecutive hours of the profile."""
    means = _circular_window_means(profile, 300)
    if np.isnan(means).all():
        return None
    lowest = float(np.nanmin(means))
    return lowest, _first_equal(means, lowest)


def most_active_10_hours(profile: Floats) -> tuple[float, int] | None:
    """M10 and the minute it begins: highest mean of 10 consecutive hours of the profile."""
    means = _circular_window_means(profile, 600)
    if np.isnan(means).all():
        return None
    highest = float(np.nanmax(means))
    return highest, _first_equal(means, highest)


def _first_equal(means: Floats, wanted: float) -> int:
    """The first of the equal windows after the longest stretch of the circle without one.

    A counter of steps has hours of zeros every night: the first after midnight would not move
    with the sleeper. What only rounding parts is equal.
    """
    near = np.abs(means - wanted) <= 1e-9 * np.nanmax(np.abs(means))
    equal = np.flatnonzero((means == wanted) | near)
    without = np.diff(equal, prepend=equal[-1] - len(means))
    return int(equal[np.argmax(without)])


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
    wave = cosinor(days)
    return replace(
        nonparametric(days),
        mesor=wave.mesor,
        cosinor_amplitude=wave.amplitude,
        acrophase_hours=wave.acrophase_hours,
    )


def nonparametric(days: Floats) -> Rhythm:
    """IS, IV, RA, L5 and M10 of minutes from a midnight on, shape (n * 1440,), NaN = missing."""
    hourly, profile = hourly_means(days), mean_profile(days)
    low, high = least_active_5_hours(profile), most_active_10_hours(profile)
    total = low[0] + high[0] if low and high else 0.0
    return Rhythm(
        interdaily_stability=interdaily_stability(hourly),
        intradaily_variability=intradaily_variability(hourly),
        relative_amplitude=(high[0] - low[0]) / total if low and high and total > 0 else None,
        l5=low[0] if low else None,
        l5_onset_minute=low[1] if low else None,
        m10=high[0] if high else None,
        m10_onset_minute=high[1] if high else None,
    )


def interdaily_shift_hours(minutes: Floats) -> float | None:
    """How far the last day's activity lies behind (+) or ahead (-) of the days before it.

    The lag, in whole minutes between -12 and 12 h, at which the last day correlates best with
    the mean profile of the others, both taken as circles. The definition is ours. ``minutes``
    has shape (n * 1440,), two days or more, NaN where nothing is known; such minutes weigh
    nothing. None if a tenth of the day or of the profile is missing, or one of them is flat.
    """
    usual = _around_mean(mean_profile(minutes[:-MINUTES_PER_DAY]))
    last = _around_mean(minutes[-MINUTES_PER_DAY:])
    if usual is None or last is None:
        return None
    alike = np.fft.irfft(np.fft.rfft(last) * np.conj(np.fft.rfft(usual)), MINUTES_PER_DAY)
    half = MINUTES_PER_DAY // 2
    return ((int(np.argmax(alike)) + half) % MINUTES_PER_DAY - half) / 60


def _around_mean(profile: Floats) -> Floats | None:
    """The profile less its mean, 0 where nothing is known; None if it shows no course."""
    there = ~np.isnan(profile)
    if there.mean() < MIN_PROFILE_SHARE:
        return None
    mean = profile[there].mean()
    course = np.where(there, profile - mean, 0.0)
    # A constant leaves only the rounding of its mean.
    return course if np.abs(course).max() > 1e-9 * abs(mean) else None
