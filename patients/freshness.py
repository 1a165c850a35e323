"""Reads about how fresh every source of every patient is: a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from patients.domain.days import zone_named
from patients.models import (
    Device,
    DeviceToken,
    Patient,
    RecordingDay,
    SleepEpisode,
    TimeZoneSpan,
    User,
)
from patients.selectors import patients_visible_to
from patients.services import audit_record

WEEK, MONTH = 7, 30
COLUMNS = ("pk", "code", "devices__pk", "devices__name", "devices__source", "devices__last_data_at")


@dataclass(frozen=True)
class Source:
    """One device of a patient, or nobody's: a patient who never had one has ``device`` None.

    ``last`` and ``today`` are days of the patient's present zone.
    """

    patient_id: int
    code: str
    device: int | None
    name: str
    format: str
    last: date | None
    today: date

    @property
    def age(self) -> int:
        """Days since the newest data; of what never came more than any."""
        return (self.today - self.last).days if self.last else 10**6


def sources(user: User, now: datetime) -> list[Source]:
    """Every source of the user's patients, what is longest without data first, in two queries."""
    zones = _zones_now()
    rows = patients_visible_to(user).order_by().values_list(*COLUMNS)
    found = [_source(*row, zone=zones.get(row[0], settings.TIME_ZONE), now=now) for row in rows]
    return sorted(found, key=lambda s: (-s.age, s.code, s.name))


def _source(
    pk: int, code: str, device: int | None, name: str | None, source: str | None,
    last: datetime | None, *, zone: str, now: datetime,
) -> Source:  # fmt: skip
    clock = zone_named(zone)
    day = last.astimezone(clock).date() if last else None
    return Source(pk, code, device, name or "", source or "", day, now.astimezone(clock).date())


def _zones_now() -> dict[int, str]:
    spans = TimeZoneSpan.objects.order_by("patient_id", "-first_day").distinct("patient_id")
    return dict(spans.values_list("patient_id", "zone"))


def silent(found: Iterable[Source], days: int) -> set[int]:
    """Keys of patients none of whose sources brought anything in so many days."""
    youngest: dict[int, int] = {}
    for source in found:
        youngest[source.patient_id] = min(source.age, youngest.get(source.patient_id, source.age))
    return {patient for patient, age in youngest.items() if age > days}


def days_with_data(devices: Iterable[int], now: datetime) -> Mapping[int, tuple[int, int]]:
    """On how many of the last 7 and 30 whole UTC days each device reported, in two queries."""
    last = now.astimezone(UTC).date() - timedelta(days=1)
    first, keys = last - timedelta(days=MONTH - 1), list(devices)
    seen: dict[int, set[date]] = defaultdict(set)
    minutes = RecordingDay.objects.filter(
        device__in=keys, utc_day__range=(first, last), minutes__gt=0
    )
    for device, day in minutes.order_by().values_list("device_id", "utc_day").distinct():
        seen[device].add(day)
    nights = SleepEpisode.objects.filter(
        device__in=keys, end__date__range=(first, last), asleep_minutes__gt=0
    )
    for device, end in nights.order_by().values_list("device_id", "end"):
        seen[device].add(end.astimezone(UTC).date())
    week = last - timedelta(days=WEEK - 1)
    return {
        device: (sum(week <= day <= last for day in days), sum(first <= d <= last for d in days))
        for device, days in seen.items()
    }


def freshness_exported(*, by: User, rows: Sequence[Source]) -> None:
    """The table leaves Clarity."""
    audit_record(by=by, action="freshness exported", rows=len(rows))


def patients_with_devices(user: User, stale_before: datetime | None) -> QuerySet[Patient]:
    """The user's patients with their devices and tokens; those with one unheard of since then."""
    rows = patients_visible_to(user)
    if stale_before:
        stale = Device.objects.filter(last_data_at__lt=stale_before)
        idle = DeviceToken.objects.filter(
            revoked_at=None, last_used_at=None, created_at__lt=stale_before
        ) | DeviceToken.objects.filter(revoked_at=None, last_used_at__lt=stale_before)
        rows = rows.filter(pk__in=stale.values("patient")) | rows.filter(
            pk__in=idle.values("patient")
        )
    named = Prefetch("devices", Device.objects.order_by("name", "pk"))
    return rows.prefetch_related(named, "device_tokens", "zones").order_by("code")
