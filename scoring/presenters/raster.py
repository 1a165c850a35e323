"""The sleep raster as a drawing: nights side by side, noon to noon, paths for an SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models.fields.json import KT

from patients.domain.days import ZoneHistory
from patients.models import Patient
from patients.selectors import zones_of
from patients.templatetags.clarity import clock
from patients.templatetags.clarity import day as day_words
from scoring.presenters.actogram import LEFT, WIDTH, box

RASTER_SPANS = (30, 90, 365)  # days that the page offers
RASTER_DAYS = RASTER_SPANS[1]
NIGHT_HEIGHT = 240
DAY_MINUTES = 1440


@dataclass(frozen=True)
class Night:
    """A night of the raster, named by the waking morning; hours asleep, moments in words."""

    day: date
    x: float
    window: str
    hours: float | None
    dlmo: str
    present: bool


@dataclass(frozen=True)
class Raster:
    """Nights from left to right, from noon at the top to noon."""

    nights: tuple[Night, ...]
    column: float
    marks: tuple[tuple[float, str], ...]
    hours: tuple[tuple[float, str], ...]
    sleep: str
    missing: str
    dlmo: str
    days: int
    spans: tuple[int, ...] = RASTER_SPANS
    width: int = WIDTH
    left: int = LEFT
    height: int = NIGHT_HEIGHT

    @property
    def is_empty(self) -> bool:
        """Whether no night is known."""
        return not any(night.present for night in self.nights)


NIGHT_FIELDS = {
    "onset": "values__sleep__onset_minutes",
    "offset": "values__sleep__offset_minutes",
    "hours": "values__sleep__time_asleep_hours",
    "dlmo": "values__phase__dlmo_hour",
    "present": "values__night_present",
}


def raster(patient: Patient, last_day: date, count: int = RASTER_DAYS) -> Raster:
    """The nights of the days ending with last_day: sleep records, or the estimated main sleep."""
    first = last_day - timedelta(days=count - 1)
    zones = zones_of(patient)
    rows = patient.features.filter(day__range=(first, last_day)).order_by()
    named = {f"read_{name}": KT(path) for name, path in NIGHT_FIELDS.items()}
    known = {
        day: dict(zip(NIGHT_FIELDS, values, strict=True))
        for day, *values in rows.annotate(**named).values_list("day", *named)
    }
    told = _records(patient, zones, first, last_day)
    column = (WIDTH - LEFT) / count
    days = [first + timedelta(days=n) for n in range(count)]
    nights = tuple(
        _night(day, LEFT + at * column, known.get(day, {}), told.get(day, []), zones)
        for at, day in enumerate(days)
    )
    wide = max(column * 0.82, column - 2)
    return Raster(
        nights=nights,
        column=round(column, 2),
        marks=_months(days, column),
        hours=tuple((h * NIGHT_HEIGHT / 24, f"{(12 + h) % 24:02}:00") for h in range(0, 25, 4)),
        sleep="".join(
            box(night.x, low * NIGHT_HEIGHT, wide, (high - low) * NIGHT_HEIGHT)
            for night in nights
            for low, high in _parts(night, known, told, zones)
        ),
        missing="".join(box(n.x, 0, column, NIGHT_HEIGHT) for n in nights if not n.present),
        dlmo=_dots(nights, known, column),
        days=count,
    )


Stretch = tuple[datetime, datetime, float]


def _records(
    patient: Patient, zones: ZoneHistory, first: date, last: date
) -> dict[date, list[Stretch]]:
    begin, end = zones.night_bounds(first)[0], zones.night_bounds(last)[1]
    rows = patient.sleep_episodes.filter(
        is_chosen=True, asleep_minutes__gt=0, end__gt=begin, end__lte=end
    )
    found: dict[date, list[Stretch]] = {}
    for start, stop, asleep in rows.values_list("start", "end", "asleep_minutes"):
        day = zones.local_day(stop)
        if stop > zones.night_bounds(day)[1]:
            day += timedelta(days=1)
        found.setdefault(day, []).append((start, stop, asleep))
    return found


def _night(
    day: date, x: float, read: dict[str, str | None], told: list[Stretch], zones: ZoneHistory
) -> Night:
    present = read.get("present") == "true" or (not read and bool(told))
    hours, dlmo = _number(read.get("hours")), _number(read.get("dlmo"))
    window = ""
    if present and told:
        zone = zones.zone_on(day)
        ends = (told[0][0], told[-1][1])
        window = "–".join(f"{moment.astimezone(zone):%H:%M}" for moment in ends)
        hours = sum(asleep for *_, asleep in told) / 60 if hours is None else hours
    elif present:
        ends_read = (_number(read.get("onset")), _number(read.get("offset")))
        window = "–".join(clock(end) for end in ends_read if end is not None)
    return Night(
        day=day,
        x=round(x, 1),
        window=window,
        hours=hours if present else None,
        dlmo=clock(dlmo * 60) if dlmo is not None else "",
        present=present,
    )


def _parts(
    night: Night,
    known: dict[date, dict[str, str | None]],
    told: dict[date, list[Stretch]],
    zones: ZoneHistory,
) -> Iterator[tuple[float, float]]:
    """Sleep of a night as shares of noon to noon."""
    if not night.present:
        return
    if night.day in told:
        noon, next_noon = zones.night_bounds(night.day)
        length = (next_noon - noon).total_seconds() or 1.0
        for start, stop, _asleep in told[night.day]:
            low, high = ((t - noon).total_seconds() / length for t in (start, stop))
            yield max(low, 0.0), min(high, 1.0)
        return
    read = known.get(night.day, {})
    onset, offset = _number(read.get("onset")), _number(read.get("offset"))
    if onset is not None and offset is not None:
        low, high = ((minute + DAY_MINUTES / 2) / DAY_MINUTES for minute in (onset, offset))
        yield max(low, 0.0), min(high, 1.0)


def _dots(nights: Sequence[Night], known: dict[date, dict[str, str | None]], column: float) -> str:
    """A short level stroke at the estimated DLMO: the evening's, so of the night that follows."""
    strokes = []
    for before, night in zip(nights, nights[1:], strict=False):
        hour = _number(known.get(before.day, {}).get("dlmo"))
        if hour is not None:
            y = (hour - 12) / 24 * NIGHT_HEIGHT
            strokes.append(f"M{night.x:.1f} {y:.1f}h{column:.1f}")
    return "".join(strokes)


def _months(days: Sequence[date], column: float) -> tuple[tuple[float, str], ...]:
    """Where words stand below: each Monday of a month, else the first of each month."""
    picked = [
        (at, day)
        for at, day in enumerate(days)
        if (day.weekday() == 0 if len(days) <= 31 else day.day == 1)
    ]
    return tuple((round(LEFT + at * column, 1), day_words(day)) for at, day in picked)


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)
