"""Features of each local day, from a person's minutes. No night looks past its own day."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, time, timedelta

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.recording import Minutes
from scoring.domain.grid import Grid, build_grid, known_activity
from scoring.domain.pacemaker import CBTMIN_TO_DLMO_HOURS, dlmo_printed_hour
from scoring.domain.phase import PacemakerDay, pacemaker_day
from scoring.domain.rhythm import Rhythm, rhythm
from scoring.domain.sleep import UNKNOWN, Window, sleep_indexes, sleep_windows
from scoring.domain.types import DayFeatures, PersonData

FULL_DAY_MINUTES = 12 * 60
RHYTHM_DAYS = 7
NIGHT_BEGINS, NIGHT_ENDS = time(21), time(9)
# Without a long sleep a night counts (as short, or as awake) only if this much of it is
# known; otherwise the main sleep may simply not have been recorded.
KNOWN_NIGHT_SHARE = 0.8
HALF = 0.5


def daily_features(
    person: PersonData, first: date, last: date, before: PacemakerDay | None = None
) -> Iterator[tuple[DayFeatures, PacemakerDay | None]]:
    """Features and pacemaker of every local day from first to last.

    ``before`` is the pacemaker of the day before first; None starts it anew at the first
    night that is known.
    """
    grid = build_grid(person, first - timedelta(days=RHYTHM_DAYS - 1), last)
    windows = _windows_by_day(grid, person.zones)
    known = known_activity(grid)
    day, phase = first, before
    while day <= last:
        phase = pacemaker_day(grid, person.zones, day, windows.get(day, []), phase)
        yield _features(grid, known, person.zones, day, windows.get(day, []), phase), phase
        day += timedelta(days=1)


def _windows_by_day(grid: Grid, zones: ZoneHistory) -> dict[date, list[Window]]:
    by_day: dict[date, list[Window]] = {}
    for window in sleep_windows(grid.state):
        middle = grid.moment(window.midpoint)
        day = zones.local_day(middle)
        if middle >= zones.night_bounds(day)[1]:
            day += timedelta(days=1)
        by_day.setdefault(day, []).append(window)
    return by_day


def _features(
    grid: Grid,
    known: Minutes,
    zones: ZoneHistory,
    day: date,
    windows: list[Window],
    phase: PacemakerDay | None,
) -> DayFeatures:
    low, high = (grid.index(t) for t in zones.day_bounds(day))
    night = slice(
        grid.index(zones.at(day - timedelta(days=1), NIGHT_BEGINS)),
        grid.index(zones.at(day, NIGHT_ENDS)),
    )
    night_worn = int(grid.worn[night].sum())
    present = any(w.is_long for w in windows) or _is_known(grid, night)
    noon = grid.index(zones.night_bounds(day)[0])
    sleep: tuple[float | None, ...] = sleep_indexes(windows, noon) if present else (None,) * 10
    dlmo = phase.dlmo_hours if phase else None
    amplitude = phase.amplitude if phase else None
    return DayFeatures(
        day=day,
        recorded_minutes=int(grid.recorded[low:high].sum()),
        worn_minutes=int(grid.worn[low:high].sum()),
        night_worn_minutes=night_worn,
        night_present=present,
        sleep=_sleep(grid, zones, day, windows, present),
        rhythm=asdict(_rhythm(grid, known, zones, day)),
        phase={
            "dlmo_hour": None if dlmo is None else dlmo_printed_hour(dlmo),
            "cbtmin_hour": None if dlmo is None else (dlmo + CBTMIN_TO_DLMO_HOURS) % 24,
            "amplitude": amplitude,
        },
        activity=_activity(grid, low, high),
        heart=_heart(grid, low, high),
        indexes=(*sleep, dlmo if present else None, amplitude if present else None),
        flags=tuple(_flags(grid, zones, day, windows, present, dlmo)),
    )


def _is_known(grid: Grid, night: slice) -> bool:
    known = grid.state[night] != UNKNOWN
    # Eastwards over the date line a night can be empty.
    return known.size > 0 and float(known.mean()) >= KNOWN_NIGHT_SHARE


def _sleep(
    grid: Grid, zones: ZoneHistory, day: date, windows: list[Window], present: bool
) -> dict[str, float | None]:
    main = max(windows, key=lambda w: w.length_minutes, default=None) if present else None
    midnight = grid.index(zones.day_bounds(day)[0])
    asleep = sum(w.asleep_minutes for w in windows)
    return {
        "time_asleep_hours": asleep / 60 if present else None,
        "time_in_bed_hours": sum(w.length_minutes for w in windows) / 60 if present else None,
        "wake_after_onset_minutes": float(main.wake_minutes) if main else None,
        "onset_minutes": float(main.start - midnight) if main else None,
        "offset_minutes": float(main.stop - midnight) if main else None,
        "midpoint_hours": (main.midpoint - midnight) / 60 if main else None,
    }


def _rhythm(grid: Grid, known: Minutes, zones: ZoneHistory, day: date) -> Rhythm:
    """Rhythm of the 10,080 minutes that end with the day, if each day was recorded."""
    high = grid.index(zones.day_bounds(day)[1])
    low = high - RHYTHM_DAYS * 1440
    if low < 0:
        return Rhythm()
    recorded = grid.recorded[low:high].reshape(RHYTHM_DAYS, -1).sum(axis=1)
    if (recorded < FULL_DAY_MINUTES).any():
        return Rhythm()
    return rhythm(known[low:high].astype(np.float64))


def _activity(grid: Grid, low: int, high: int) -> dict[str, float | None]:
    worn = grid.worn[low:high]
    activity, steps = (a[low:high].astype(np.float64) for a in (grid.activity, grid.steps))
    values = activity[worn & ~np.isnan(activity)]
    counted = ~np.isnan(steps)
    return {
        "mean_per_minute": float(values.mean()) if values.size else None,
        "sd_per_minute": float(values.std(ddof=1)) if values.size > 1 else None,
        "steps": float(steps[counted].sum()) if counted.any() else None,
        "recorded_hours": float(grid.recorded[low:high].sum()) / 60,
        "worn_hours": float(worn.sum()) / 60,
    }


def _heart(grid: Grid, low: int, high: int) -> dict[str, float | None]:
    rate = grid.heart_rate[low:high].astype(np.float64)
    there = ~np.isnan(rate)
    return {
        "mean_bpm": float(rate[there].mean()) if there.any() else None,
        "minimum_bpm": float(rate[there].min()) if there.any() else None,
        "resting_bpm": _mean(grid.resting_heart_rate[low:high]),
        "sdnn_ms": _mean(grid.sdnn[low:high]),
    }


def _mean(values: Minutes) -> float | None:
    there = values[~np.isnan(values)].astype(np.float64)
    return float(there.mean()) if there.size else None


def _flags(
    grid: Grid,
    zones: ZoneHistory,
    day: date,
    windows: list[Window],
    present: bool,
    dlmo: float | None,
) -> Iterator[str]:
    low, high = (grid.index(t) for t in zones.day_bounds(day))
    if grid.recorded[low:high].sum() < FULL_DAY_MINUTES:
        yield "partial_day"
    if not present:
        yield "night_missing"
    if any(grid.worn[w.start : w.stop].mean() < HALF for w in windows):
        yield "night_unworn"
    if zones.zone_on(day) != zones.zone_on(day - timedelta(days=1)):
        yield "travel_day"
    elif high - low != 1440:
        yield "clock_change"
    if dlmo is not None and not 12.0 <= dlmo < 36.0:
        yield "phase_crossed_noon"
