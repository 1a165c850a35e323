"""Reads about when somebody was last heard of: the newest data of patients and devices."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from patients.models import Patient, RecordingDay, ResolvedDay, SleepEpisode
from patients.selectors import zones_of


def with_last_data(patients: QuerySet[Patient], now: datetime) -> QuerySet[Patient]:
    """The patients, each with the last minute and the last sleep record that came.

    What a device with a wrong clock dated days ahead does not count.
    """
    latest = now + timedelta(days=1)
    minutes = ResolvedDay.objects.filter(
        patient=OuterRef("pk"), minutes__gt=0, utc_day__lte=latest.astimezone(UTC).date()
    ).order_by("-utc_day", "-last_minute")
    sleep = SleepEpisode.objects.filter(
        patient=OuterRef("pk"), end__lte=latest, asleep_minutes__gt=0
    )
    return patients.annotate(
        last_utc_day=Subquery(minutes.values("utc_day")[:1]),
        last_minute=Subquery(minutes.values("last_minute")[:1]),
        last_sleep=Subquery(sleep.order_by("-end").values("end")[:1]),
    ).prefetch_related("zones")


def last_data_at(patient: Patient) -> datetime | None:
    """The newest moment with data of a patient from ``with_last_data``."""
    utc_day: date | None = getattr(patient, "last_utc_day", None)
    minute: int | None = getattr(patient, "last_minute", None)
    sleep: datetime | None = getattr(patient, "last_sleep", None)
    recorded = _moment(utc_day, minute or 0) if utc_day else None
    return max((moment for moment in (recorded, sleep) if moment), default=None)


def last_data_day(patient: Patient) -> date | None:
    """The newest day with data of a patient from ``with_last_data``, in the patient's zone."""
    moment = last_data_at(patient)
    return zones_of(patient).local_day(moment) if moment else None


def _moment(utc_day: date, minute: int) -> datetime:
    return datetime.combine(utc_day, time.min, UTC) + timedelta(minutes=minute)


def sources_seen(patient: Patient, since: date) -> list[dict[str, Any]]:
    """Per device: its last day in the patient's zone, and how many days it reported since then."""
    zones = zones_of(patient)
    rows = RecordingDay.objects.filter(
        device__patient=patient, minutes__gt=0, utc_day__gte=since
    ).values_list("device__name", "device__source", "utc_day", "last_minute")
    found: dict[tuple[str, str], set[date]] = {}
    for name, source, utc_day, minute in rows:
        found.setdefault((name, source), set()).add(zones.local_day(_moment(utc_day, minute)))
    nights = patient.sleep_episodes.filter(end__gte=_moment(since, 0), asleep_minutes__gt=0)
    for name, source, end in nights.values_list("device__name", "device__source", "end"):
        found.setdefault((name, source), set()).add(zones.local_day(end))
    seen = [
        {"device": name, "source": source, "last": max(days), "days": len(days)}
        for (name, source), days in found.items()
    ]
    return sorted(seen, key=lambda row: (-row["last"].toordinal(), row["device"]))
