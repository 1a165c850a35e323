"""Local days: cut from UTC at read time, by the patient's history of zones."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from patients.domain.errors import InputError

# In the system's folder of zones, but of no place: the server's own zone, one to be replaced.
NO_PLACES = {"localtime", "posixrules", "Factory"}


@cache
def zone_names() -> frozenset[str]:
    """The IANA names; without NO_PLACES and without those that count leap seconds."""
    return frozenset(available_timezones() - NO_PLACES)


@cache
def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name.

    Raises InputError for a name that is none.
    """
    if name not in zone_names():
        raise InputError(
            f"“{name}” is no time zone: give an IANA name such as Europe/Berlin or America/Toronto."
        )
    return ZoneInfo(name)


@dataclass(frozen=True)
class ZoneHistory:
    """Zones with the local day from which each holds, oldest first.

    The first zone also holds for the days before it.

    >>> history = ZoneHistory(((date(2024, 1, 1), "Europe/Berlin"),))
    >>> history.day_bounds(date(2024, 3, 31))[1] - history.day_bounds(date(2024, 3, 31))[0]
    datetime.timedelta(seconds=82800)
    """

    spans: tuple[tuple[date, str], ...]

    @classmethod
    def of(cls, zone: str) -> "ZoneHistory":
        """One zone for all time."""
        return cls(((date.min, zone),))

    @classmethod
    def from_told(cls, words: str) -> "ZoneHistory":
        """The zones that ``told`` put into words; the first also for the days before.

        >>> words = "Europe/Berlin, America/Toronto from 2024-05-03"
        >>> ZoneHistory.from_told(words).zone_on(date(2024, 5, 3)).key
        'America/Toronto'
        """
        before, *later = words.split(", ")
        spans = [(date.min, before)]
        for each in later:
            zone, _, day = each.partition(" from ")
            spans.append((date.fromisoformat(day), zone))
        return cls(tuple(spans))

    def zone_on(self, day: date) -> ZoneInfo:
        """The zone in force on that local day."""
        if not self.spans:
            raise InputError("The patient has no time zone yet: give one with --timezone.")
        name = self.spans[0][1]
        for first_day, zone in self.spans:
            if first_day <= day:
                name = zone
        return zone_named(name)

    def told(self, first_day: date, last_day: date) -> str:
        """The zones in force over those local days, in words.

        >>> move = (date(2024, 5, 3), "America/Toronto")
        >>> history = ZoneHistory(((date(2020, 1, 1), "Europe/Berlin"), move))
        >>> history.told(date(2024, 5, 1), date(2024, 5, 2))
        'Europe/Berlin'
        >>> history.told(date(2024, 5, 1), date(2024, 5, 9))
        'Europe/Berlin, America/Toronto from 2024-05-03'
        """
        before = self.zone_on(first_day).key
        words = [before]
        for day, zone in self.spans:
            if first_day < day <= last_day and zone != before:
                words.append(f"{zone} from {day}")
                before = zone
        return ", ".join(words)

    def at(self, day: date, clock: time) -> datetime:
        """A clock time of that local day, in UTC."""
        return datetime.combine(day, clock, self.zone_on(day)).astimezone(UTC)

    def day_bounds(self, day: date) -> tuple[datetime, datetime]:
        """Midnight to midnight in UTC: 1,380, 1,440 or 1,500 minutes (other when travelling).

        Days lie edge to edge. A journey makes the day before its first day longer or shorter;
        one eastwards over the date line can leave nothing of that day.
        """
        return self._start(day), self._start(day + timedelta(days=1))

    def _start(self, day: date) -> datetime:
        # Where the next day is begun sooner, in its own zone, this one has no minute.
        return min(self.at(day, time.min), self.at(day + timedelta(days=1), time.min))

    def night_bounds(self, day: date) -> tuple[datetime, datetime]:
        """Noon of the day before to noon, in UTC: the night that ends on that morning.

        Each noon is in the zone of its own day; a day too short to have one ends its night
        with itself. Nights lie edge to edge.
        """
        return self._noon(day - timedelta(days=1)), self._noon(day)

    def _noon(self, day: date) -> datetime:
        return min(self.at(day, time(12)), self._start(day + timedelta(days=1)))

    def local_day(self, moment: datetime) -> date:
        """The local day of a UTC moment."""
        guess = moment.astimezone(UTC).date()
        for day in (guess - timedelta(days=1), guess, guess + timedelta(days=1)):
            start, end = self.day_bounds(day)
            if start <= moment < end:
                return day
        return guess

    def days(self, start: datetime, end: datetime) -> Iterator[date]:
        """Every local day that [start, end) touches, in order; none that has no minute."""
        day = self.local_day(start)
        while self.day_bounds(day)[0] < end:
            begins, ends = self.day_bounds(day)
            if begins < ends:
                yield day
            day += timedelta(days=1)

    def minute_of_day(self, moment: datetime, day: date) -> float:
        """Wall-clock minutes since the day's midnight (may be negative or over 1,440)."""
        local = moment.astimezone(self.zone_on(day)).replace(tzinfo=None)
        return (local - datetime.combine(day, time.min)).total_seconds() / 60
