"""Features of each local day, from a person's minutes. No night looks past its own day."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date, time, timedelta
from types import MappingProxyType

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.recording import Family, Minutes
from scoring.domain.day_body import day_activity, day_heart
from scoring.domain.day_sleep import day_sleep
from scoring.domain.grid import Grid, build_grid, known_activity
from scoring.domain.pacemaker import CBTMIN_TO_DLMO_HOURS, dlmo_printed_hour
from scoring.domain.pat_window import PatWeek, week_of
from scoring.domain.phase import PacemakerDay, pacemaker_day
from scoring.domain.quality import day_quality
from scoring.domain.rhythm import Rhythm, interdaily_shift_hours, rhythm
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
PHASE_NAMES = (
    "dlmo_hour", "cbtmin_hour", "amplitude", "dlmo_unwrapped_hours", "measured_light_share"
)  # fmt: skip
NO_THRESHOLDS: Mapping[Family, float] = MappingProxyType({})


def daily_features(
    person: PersonData,
    first: date,
    last: date,
    before: PacemakerDay | None = None,
    sedentary: Mapping[Family, float] = NO_THRESHOLDS,
) -> Iterator[tuple[DayFeatures, PacemakerDay | None]]:
    """Features and pacemaker of every local day from first to last.

    ``before`` is the pacemaker of the day before first; None starts it anew at the first
    night that is known. ``sedentary`` is the least activity of an active minute by unit family.
    """
    day, phase = first, before
    while day <= last:
        features, phase, _ = day_features(person, day, phase, sedentary)
        yield features, phase
        day += timedelta(days=1)


def day_features(
    person: PersonData,
    day: date,
    before: PacemakerDay | None,
    sedentary: Mapping[Family, float] = NO_THRESHOLDS,
) -> tuple[DayFeatures, PacemakerDay | None, PatWeek]:
    """Features, pacemaker and PAT week of one local day, given the pacemaker of the day before."""
    # A grid of its own for each day: nothing after the day's end can touch it.
    grid = build_grid(person, day - timedelta(days=RHYTHM_DAYS - 1), day)
    windows = sleep_windows(grid.state)
    night = _of_the_night(windows, grid, person.zones, day)
    present = _is_present(grid, person.zones, day, night)
    night = night if present else []
    phase = pacemaker_day(grid, person.zones, day, windows, night, before)
    known = known_activity(grid)
    below = sedentary.get(person.family) if person.family else None
    around = [w for w in windows if w not in night]
    crossed = _turn(before) != _turn(phase) if before else False
    features = _features(grid, known, person, day, night, around, present, phase, below, crossed)
    quality = day_quality(person, grid, *person.zones.day_bounds(day))
    return replace(features, quality=quality), phase, week_of(grid, person.zones, day)


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
    person: PersonData,
    day: date,
    windows: list[Window],
    around: list[Window],
    present: bool,
    phase: PacemakerDay | None,
    sedentary_below: float | None,
    crossed: bool,
) -> DayFeatures:
    zones = person.zones
    low, high = (grid.index(t) for t in zones.day_bounds(day))
    noon, next_noon = (grid.index(t) for t in zones.night_bounds(day))
    sleep: tuple[float | None, ...] = (None,) * 10
    if present:
        sleep = sleep_indexes(windows, noon, next_noon - noon, around)
    published = phase.asleep_awake if phase and present else None
    return DayFeatures(
        day=day,
        recorded_minutes=int(grid.recorded[low:high].sum()),
        worn_minutes=int(grid.worn[low:high].sum()),
        night_worn_minutes=int(grid.worn[_night_hours(grid, zones, day)].sum()),
        night_present=present,
        sleep=day_sleep(grid, zones, day, windows, present, person.sleep),
        rhythm=_rhythm(grid, known, zones, day),
        phase=_phase(phase),
        activity=day_activity(grid, low, high, sedentary_below),
        heart=day_heart(grid, zones, day),
        # The boosters were made from the clock that knows sleep only, whatever light was seen.
        indexes=(
            *sleep,
            published.dlmo_hours if published else None,
            published.amplitude if published else None,
        ),
        flags=tuple(_flags(grid, zones, day, windows, present, crossed)),
    )


def _turn(phase: PacemakerDay | None) -> int | None:
    """How often the phase has gone over noon, where the printed hour jumps."""
    return None if phase is None else int((phase.best.dlmo_hours - 12.0) // 24.0)


def _phase(phase: PacemakerDay | None) -> dict[str, float | None]:
    """Hours of the clock; the unwrapped DLMO counts from midnight on and never jumps."""
    if phase is None:
        return dict.fromkeys(PHASE_NAMES)
    best = phase.best
    return dict(
        zip(
            PHASE_NAMES,
            (
                dlmo_printed_hour(best.dlmo_hours),
                (best.dlmo_hours + CBTMIN_TO_DLMO_HOURS) % 24,
                best.amplitude,
                best.dlmo_hours,
                phase.light_share,
            ),
            strict=True,
        )
    )


def _rhythm(grid: Grid, known: Minutes, zones: ZoneHistory, day: date) -> dict[str, float | None]:
    """Rhythm of the 10,080 minutes that end with the day, if each day was recorded."""
    high = grid.index(zones.day_bounds(day)[1])
    low = high - RHYTHM_DAYS * DAY_MINUTES
    found, shift = Rhythm(), None
    if low >= 0:
        recorded = grid.recorded[low:high].reshape(RHYTHM_DAYS, -1).sum(axis=1)
        if (recorded >= FULL_DAY_MINUTES).all():
            week = known[low:high].astype(np.float64)
            found, shift = rhythm(week), interdaily_shift_hours(week)
    return {**asdict(found), "interdaily_shift_hours": shift}


def _flags(
    grid: Grid,
    zones: ZoneHistory,
    day: date,
    windows: list[Window],
    present: bool,
    crossed: bool,
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
    if crossed:
        yield "phase_crossed_noon"


def _is_travel(zones: ZoneHistory, day: date, minutes: int) -> bool:
    """Whether the day is the first in a zone, or was made longer or shorter by the next one."""
    before, here, after = (zones.zone_on(day + timedelta(days=d)) for d in (-1, 0, 1))
    return before != here or (here != after and minutes != DAY_MINUTES)
