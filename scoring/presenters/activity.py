"""Days of activity as the models see them: worn minutes, sleep, light, wall clock."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
from django.db.models import prefetch_related_objects
from numpy.typing import NDArray

from patients.domain.days import ZoneHistory
from patients.domain.recording import SleepEpisode
from patients.domain.wear import runs
from patients.models import Patient
from patients.selectors import zones_of
from scoring.domain.clinical_flags import clinical_flags
from scoring.domain.grid import Grid, build_grid, known_activity
from scoring.domain.types import DayFeatures
from scoring.presenters.flags import flag_words
from scoring.resources import flag_rules, window_days
from scoring.selectors import circumstances_of, features_between, person_data

BIN_MINUTES = 10
BINS = 24 * 60 // BIN_MINUTES
SHORTEST_SLEEP_MINUTES = 20  # estimated stretches below this would only be noise on the chart
ONE_DAY = timedelta(days=1)

Bins = NDArray[np.float64]


@dataclass(frozen=True)
class ActivityDay:
    """One local day. Hours, ``mean`` in the unit of all; bins of 10 minutes, NaN: nothing known.

    ``sleep`` is the night before in words, ``asleep`` all sleep of the day from minute to minute
    of its wall clock; ``dlmo_hour`` lies in [12, 36) of this day.
    """

    day: date
    worn_hours: float
    mean: float | None
    activity: Bins
    light: Bins | None
    asleep: tuple[tuple[float, float], ...]
    sleep: str
    asleep_hours: float | None
    dlmo_hour: float | None = None
    note: str = ""


@dataclass(frozen=True)
class ActivityDays:
    """Local days one after the other, the oldest first."""

    unit: str
    light_unit: str
    zone: str
    sleep_estimated: bool
    days: tuple[ActivityDay, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no minute was worn."""
        return all(day.worn_hours == 0 for day in self.days)


def activity_days(patient: Patient, last_day: date, count: int) -> ActivityDays:
    """The ``count`` local days ending with last_day, in means of the worn minutes."""
    zones = zones_of(patient)
    days = [last_day - ONE_DAY * back for back in range(count - 1, -1, -1)]
    person = replace(person_data(patient, days[0], last_day), zones=zones)
    grid = build_grid(person, days[0], last_day)
    sleep = _vendor_sleep(person.sleep) if person.sleep else _estimated_sleep(grid)
    stored = features_between(patient, days[0] - ONE_DAY * window_days(), last_day)
    notes, known = _notes(patient, stored, days), {f.day: f for f in stored}
    shown = known_activity(grid)
    return ActivityDays(
        unit=person.activity.unit if person.activity else "",
        light_unit=person.light.unit if person.light else "",
        zone=str(zones.zone_on(last_day)),
        sleep_estimated=not person.sleep,
        days=tuple(
            _day(
                day, grid, shown, zones, sleep,
                known.get(day), notes.get(day, ""), has_light=person.light is not None,
            )
            for day in days
        ),
    )  # fmt: skip


def _notes(patient: Patient, stored: list[DayFeatures], days: list[date]) -> dict[date, str]:
    rules, window = flag_rules(), window_days()
    prefetch_related_objects([patient], "circumstances")  # once for all days
    return {
        f.day: flag_words(
            f.flags,
            clinical_flags(stored, f.day, rules, window),
            rules.checked_by,
            circumstances_of(patient, f.day),
        )
        for f in stored
        if f.day >= days[0]
    }


def _day(
    day: date,
    grid: Grid,
    shown: NDArray[np.float32],
    zones: ZoneHistory,
    sleep: list["_Stretch"],
    features: DayFeatures | None,
    note: str,
    has_light: bool,
) -> ActivityDay:
    start, end = zones.day_bounds(day)
    low, high = grid.index(start), grid.index(end)
    columns = _columns(grid, zones, day, low, high)
    minutes = shown[low:high]
    worn = minutes[~np.isnan(minutes)]
    # A nap of a day whose night is missing must not read as a night of half an hour.
    night = [] if features and not features.night_present else _night(sleep, zones, day)
    zone = zones.zone_on(day)
    window = (night[0].start, night[-1].end) if night else ()
    dlmo = features.phase.get("dlmo_hour") if features else None
    return ActivityDay(
        day=day,
        worn_hours=len(worn) / 60,
        mean=float(worn.mean()) if len(worn) else None,
        activity=_bins(minutes, columns),
        light=_bins(grid.light[low:high], columns) if has_light else None,
        asleep=tuple(_on_the_clock(sleep, zones, day)),
        sleep="–".join(f"{moment.astimezone(zone):%H:%M}" for moment in window),
        asleep_hours=sum(s.asleep_minutes for s in night) / 60 if night else None,
        dlmo_hour=float(dlmo) if dlmo is not None else None,
        note=note,
    )


def _columns(grid: Grid, zones: ZoneHistory, day: date, low: int, high: int) -> NDArray[np.int64]:
    """The bin of each minute by wall clock: an hour that a DST day has twice falls in one place."""
    zone = zones.zone_on(day)
    starts = (grid.moment(at).astimezone(zone) for at in range(low, high, BIN_MINUTES))
    columns = np.array([(s.hour * 60 + s.minute) // BIN_MINUTES for s in starts], dtype=np.int64)
    return np.repeat(columns, BIN_MINUTES)[: high - low]


def _bins(values: NDArray[np.float32], columns: NDArray[np.int64]) -> Bins:
    """Mean of each bin's known minutes, shape (BINS,); NaN where there is none."""
    known = ~np.isnan(values)
    counts = np.bincount(columns[known], minlength=BINS)
    sums = np.bincount(columns[known], weights=values[known], minlength=BINS)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


@dataclass(frozen=True)
class _Stretch:
    """Sleep from start to end, with the minutes asleep in it."""

    start: datetime
    end: datetime
    asleep_minutes: float


def _vendor_sleep(episodes: tuple[SleepEpisode, ...]) -> list[_Stretch]:
    return [_Stretch(e.start, e.end, e.asleep_minutes) for e in episodes]


def _estimated_sleep(grid: Grid) -> list[_Stretch]:
    return [
        _Stretch(grid.moment(start), grid.moment(stop), float(stop - start))
        for start, stop in runs(grid.state == 1).tolist()
        if stop - start >= SHORTEST_SLEEP_MINUTES
    ]


def _night(sleep: list[_Stretch], zones: ZoneHistory, day: date) -> list[_Stretch]:
    noon, next_noon = zones.night_bounds(day)
    return [s for s in sleep if noon < s.end <= next_noon]


def _on_the_clock(
    sleep: list[_Stretch], zones: ZoneHistory, day: date
) -> list[tuple[float, float]]:
    """Sleep within the day, cut at its midnights."""
    start, end = zones.day_bounds(day)
    parts = [(max(s.start, start), min(s.end, end)) for s in sleep]
    return [
        (zones.minute_of_day(low, day), zones.minute_of_day(high, day))
        for low, high in parts
        if low < high
    ]
