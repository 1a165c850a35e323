"""The week's activity as the models see it: worn minutes, sleep, wall clock."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

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
from scoring.presenters.flags import flag_words
from scoring.resources import flag_rules, window_days
from scoring.selectors import circumstances_of, features_between, person_data

BIN_MINUTES = 5
BINS = 24 * 60 // BIN_MINUTES
SHORTEST_SLEEP_MINUTES = 20  # estimated stretches below this would only be noise on the chart


@dataclass(frozen=True)
class ActivityDay:
    """One local day in words: the text beside the chart. Hours; ``mean`` in the week's unit."""

    day: date
    worn_hours: float
    mean: float | None
    sleep: str
    asleep_hours: float | None
    note: str = ""


@dataclass(frozen=True)
class ActivityWeek:
    """Seven local days for chart (``data``) and table (``days``), oldest first."""

    unit: str
    zone: str
    sleep_estimated: bool
    days: tuple[ActivityDay, ...]
    data: dict[str, Any]

    @property
    def is_empty(self) -> bool:
        """Whether no minute of the week was worn."""
        return all(day.worn_hours == 0 for day in self.days)


def activity_week(patient: Patient, last_day: date) -> ActivityWeek:
    """The seven local days ending with last_day, in 5-minute means of the worn minutes."""
    zones = zones_of(patient)
    days = [last_day - timedelta(days=back) for back in range(6, -1, -1)]
    person = replace(person_data(patient, days[0], last_day), zones=zones)
    grid = build_grid(person, days[0], last_day)
    sleep = _vendor_sleep(person.sleep) if person.sleep else _estimated_sleep(grid)
    rules, window = flag_rules(), window_days()
    stored = features_between(patient, days[0] - timedelta(days=window), last_day)
    known = {f.day: f for f in stored if f.day in days}
    # A nap of a day whose night is missing must not read as a night of half an hour.
    missing = {day for day, features in known.items() if not features.night_present}
    prefetch_related_objects([patient], "circumstances")  # once for all days
    notes = {
        day: flag_words(
            f.flags,
            clinical_flags(stored, day, rules, window),
            rules.checked_by,
            circumstances_of(patient, day),
        )
        for day, f in known.items()
    }
    unit = person.activity.unit if person.activity else ""
    return ActivityWeek(
        unit=unit,
        zone=str(zones.zone_on(last_day)),
        sleep_estimated=not person.sleep,
        days=tuple(
            replace(
                _in_words(grid, zones, day, [] if day in missing else sleep),
                note=notes.get(day, ""),
            )
            for day in days
        ),
        data={
            "unit": unit,
            "days": [day.isoformat() for day in days],
            "minutes_per_bin": BIN_MINUTES,
            "rows": [_bins(grid, zones, day) for day in days],
            "sleep": _marks(sleep, zones, days),
        },
    )


def _worn(grid: Grid, zones: ZoneHistory, day: date) -> tuple[int, NDArray[np.float32]]:
    """The grid's index of the day's midnight, and its minutes: NaN where nothing is known."""
    start, end = zones.day_bounds(day)
    low, high = grid.index(start), grid.index(end)
    return low, known_activity(grid)[low:high]


def _bins(grid: Grid, zones: ZoneHistory, day: date) -> list[float | None]:
    """Means by wall clock: an hour that a DST day has twice is averaged, one it lacks is empty."""
    columns: list[list[float]] = [[] for _ in range(BINS)]
    low, values = _worn(grid, zones, day)
    for at in range(0, len(values), BIN_MINUTES):
        local = grid.moment(low + at).astimezone(zones.zone_on(day))
        block = values[at : at + BIN_MINUTES]
        column = (local.hour * 60 + local.minute) // BIN_MINUTES
        columns[column].extend(block[~np.isnan(block)].tolist())
    return [round(float(np.mean(c)), 2) if c else None for c in columns]


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


def _in_words(grid: Grid, zones: ZoneHistory, day: date, sleep: list[_Stretch]) -> ActivityDay:
    _, minutes = _worn(grid, zones, day)
    worn = minutes[~np.isnan(minutes)]
    noon, next_noon = zones.night_bounds(day)
    night = [s for s in sleep if noon < s.end <= next_noon]
    zone = zones.zone_on(day)
    window = (night[0].start, night[-1].end) if night else ()
    return ActivityDay(
        day=day,
        worn_hours=len(worn) / 60,
        mean=float(worn.mean()) if len(worn) else None,
        sleep="–".join(f"{moment.astimezone(zone):%H:%M}" for moment in window),
        asleep_hours=sum(s.asleep_minutes for s in night) / 60 if night else None,
    )


def _marks(
    sleep: list[_Stretch], zones: ZoneHistory, days: list[date]
) -> list[dict[str, float | str]]:
    """Sleep cut at midnights: on each day from minute to minute of its wall clock."""
    marks: list[dict[str, float | str]] = []
    for stretch in sleep:
        for day in days:
            start, end = zones.day_bounds(day)
            low, high = max(stretch.start, start), min(stretch.end, end)
            if low < high:
                first, last = zones.minute_of_day(low, day), zones.minute_of_day(high, day)
                marks.append({"day": day.isoformat(), "from": first, "to": last})
    return marks
