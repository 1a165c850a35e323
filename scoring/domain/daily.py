"""Features of each local day, from a person's minutes. No night looks past its own day."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date, time, timedelta

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.recording import Minutes
from scoring.domain.grid import Grid, build_grid, known_activity
from scoring.domain.pacemaker import CBTMIN_TO_DLMO_HOURS, dlmo_printed_hour
from scoring.domain.phase import PacemakerDay, pacemaker_day
from scoring.domain.quality import day_quality
from scoring.domain.rhythm import Rhythm, rhythm
from scoring.domain.sleep import UNKNOWN, Window, sleep_indexes, sleep_windows
from scoring.domain.types import DayFeatures, PersonData

DAY_MINUTES = 1440
FULL_DAY_MINUTES = 12 * 60
RHYTHM_DAYS = 7
NIGHT_BEGINS, NIGHT_ENDS = time(21), time(9)
# A night counts if its main sleep was recorded by the vendor, or if this much of it is known:
# otherwise the main sleep, or a part of it, may simply not have been recorded.
KNOWN_NIGHT_SHARE = 0.8
HALF = 0.5


def daily_features(
    person: PersonData, first: date, last: date, before: PacemakerDay | None = None
) -> Iterator[tuple[DayFeatures, PacemakerDay | None]]:
    """Features and pacemaker of every local day from first to last.

    ``before`` is the pacemaker of the day before first; None starts it anew at the first
    night that is known.
    """
    day, phase = first, before
    while day <= last:
        # A grid of its own for each day: nothing after the day's end can touch it.
        grid = build_grid(person, day - timedelta(days=RHYTHM_DAYS - 1), day)
        windows = sleep_windows(grid.state)
        night = _of_the_night(windows, grid, person.zones, day)
        present = _is_present(grid, person.zones, day, night)
        night = night if present else []
        phase = pacemaker_day(grid, person.zones, day, windows, night, phase)
        known = known_activity(grid)
        features = _features(grid, known, person.zones, day, night, present, phase)
        quality = day_quality(person, grid, *person.zones.day_bounds(day))
        yield replace(features, quality=quality), phase
        day += timedelta(days=1)


def _of_the_night(windows: list[Window], grid: Grid, zones: ZoneHistory, day: date) -> list[Window]:
    """The windows whose midpoint lies in the noon-to-noon day."""
    low, high = (grid.index(t) for t in zones.night_bounds(day))
    return [w for w in windows if low <= w.midpoint < high]


def _night_hours(grid: Grid, zones: ZoneHistory, day: date) -> slice:
    """21:00 to 09:00 on the grid."""
    begin = zones.at(day - timedelta(days=1), NIGHT_BEGINS)
    return slice(grid.index(begin), grid.index(zones.at(day, NIGHT_ENDS)))


def _is_present(grid: Grid, zones: ZoneHistory, day: date, windows: list[Window]) -> bool:
    known = grid.state[_night_hours(grid, zones, day)] != UNKNOWN
    # Eastwards over the date line a night can be empty.
    if known.size > 0 and float(known.mean()) >= KNOWN_NIGHT_SHARE:
        return True
    return any(w.is_long and grid.in_bed[w.start : w.stop].any() for w in windows)


def _features(
    grid: Grid,
    known: Minutes,
    zones: ZoneHistory,
    day: date,
    windows: list[Window],
    present: bool,
    phase: PacemakerDay | None,
) -> DayFeatures:
    low, high = (grid.index(t) for t in zones.day_bounds(day))
    noon, next_noon = (grid.index(t) for t in zones.night_bounds(day))
    sleep: tuple[float | None, ...] = (None,) * 10
    if present:
        sleep = sleep_indexes(windows, noon, next_noon - noon)
    dlmo = phase.dlmo_hours if phase else None
    amplitude = phase.amplitude if phase else None
    return DayFeatures(
        day=day,
        recorded_minutes=int(grid.recorded[low:high].sum()),
        worn_minutes=int(grid.worn[low:high].sum()),
        night_worn_minutes=int(grid.worn[_night_hours(grid, zones, day)].sum()),
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


def _sleep(
    grid: Grid, zones: ZoneHistory, day: date, windows: list[Window], present: bool
) -> dict[str, float | None]:
    """Durations are minutes that passed; onset, offset and midpoint are read from the clock."""
    main = max(windows, key=lambda w: w.length_minutes, default=None)
    asleep = sum(w.asleep_minutes for w in windows)

    def clock_minutes(index: float) -> float:
        return zones.minute_of_day(grid.moment(index), day)

    return {
        "time_asleep_hours": asleep / 60 if present else None,
        "time_in_bed_hours": sum(w.length_minutes for w in windows) / 60 if present else None,
        "wake_after_onset_minutes": float(main.wake_minutes) if main else None,
        "onset_minutes": clock_minutes(main.start) if main else None,
        "offset_minutes": clock_minutes(main.stop) if main else None,
        "midpoint_hours": clock_minutes(main.midpoint) / 60 if main else None,
    }


def _rhythm(grid: Grid, known: Minutes, zones: ZoneHistory, day: date) -> Rhythm:
    """Rhythm of the 10,080 minutes that end with the day, if each day was recorded."""
    high = grid.index(zones.day_bounds(day)[1])
    low = high - RHYTHM_DAYS * DAY_MINUTES
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
    if _is_travel(zones, day, high - low):
        yield "travel_day"
    elif high - low != DAY_MINUTES:
        yield "clock_change"
    if dlmo is not None and not 12.0 <= dlmo < 36.0:
        yield "phase_crossed_noon"


def _is_travel(zones: ZoneHistory, day: date, minutes: int) -> bool:
    """Whether the day is the first in a zone, or was made longer or shorter by the next one."""
    before, here, after = (zones.zone_on(day + timedelta(days=d)) for d in (-1, 0, 1))
    return before != here or (here != after and minutes != DAY_MINUTES)
