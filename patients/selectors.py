"""Reads about patients. ``patients_visible_to`` is the only way to one."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from patients.domain.days import ZoneHistory
from patients.domain.packing import unpack
from patients.domain.recording import (
    MINUTES_PER_DAY,
    Channel,
    Family,
    MinuteSeries,
    SleepEpisode,
    SleepStage,
)
from patients.models import MedicationCourse, Patient, RecordingDay, User
from patients.permissions import Permission, may


def patients_visible_to(user: User | AnonymousUser) -> QuerySet[Patient]:
    """The patients whose records the user may open."""
    if may(user, Permission.SEE_EVERY_PATIENT):
        return Patient.objects.all()
    if not isinstance(user, User) or not user.is_active:
        return Patient.objects.none()
    return Patient.objects.filter(care_team__user=user)


def zone_history(patient: Patient) -> ZoneHistory:
    """The patient's zones, oldest first."""
    return ZoneHistory(tuple((span.first_day, span.zone) for span in patient.zones.all()))


def recorded_span(patient: Patient) -> tuple[date, date] | None:
    """First and last UTC day with any recording, or None."""
    days = patient.recording_days.order_by("utc_day").values_list("utc_day", flat=True)
    first, last = days.first(), days.last()
    return (first, last) if first and last else None


def recording_days_between(patient: Patient, first: date, last: date) -> list[RecordingDay]:
    """The packed UTC days from first to last, of all channels and sources."""
    rows = patient.recording_days.filter(utc_day__range=(first, last))
    return list(rows.order_by("utc_day", "source"))


def joined_minutes(
    rows: Iterable[RecordingDay], first_day: date, last_day: date
) -> tuple[dict[Channel, MinuteSeries], Family | None]:
    """The rows, all of UTC days from first to last, as minute series, and the unit family.

    Sources are never summed: of those that hold a channel, each UTC day is the one's with more
    minutes of it. Unit families never mix: the one with more minutes in the span is taken.
    """
    by_channel: dict[str, dict[str, list[RecordingDay]]] = {}
    for row in rows:
        by_channel.setdefault(row.channel, {}).setdefault(row.family, []).append(row)
    series: dict[Channel, MinuteSeries] = {}
    family: Family | None = None
    for channel, families in by_channel.items():
        chosen = max(sorted(families), key=lambda f: sum(row.minutes for row in families[f]))
        days = _best_of_each_day(families[chosen])
        series[Channel(channel)] = _joined(channel, days, first_day, last_day)
        if channel == Channel.ACTIVITY and chosen:
            family = Family(chosen)
    return series, family


def _best_of_each_day(rows: list[RecordingDay]) -> list[RecordingDay]:
    best: dict[date, RecordingDay] = {}
    for row in rows:
        if row.utc_day not in best or row.minutes > best[row.utc_day].minutes:
            best[row.utc_day] = row
    return list(best.values())


def _joined(channel: str, rows: list[RecordingDay], first: date, last: date) -> MinuteSeries:
    values = np.full(((last - first).days + 1) * MINUTES_PER_DAY, np.nan, dtype=np.float32)
    for row in rows:
        offset = (row.utc_day - first).days * MINUTES_PER_DAY
        values[offset : offset + MINUTES_PER_DAY] = unpack(bytes(row.values))
    start = datetime.fromisoformat(f"{first}T00:00:00+00:00")
    return MinuteSeries(Channel(channel), rows[0].unit, start, values)


def sleep_between(patient: Patient, start: datetime, end: datetime) -> tuple[SleepEpisode, ...]:
    """Sleep records that end after start and begin before end."""
    rows = patient.sleep_episodes.filter(end__gt=start, start__lt=end)
    return tuple(
        SleepEpisode(
            row.start,
            row.end,
            row.asleep_minutes,
            row.awake_minutes,
            tuple(
                SleepStage(
                    row.start + timedelta(minutes=offset),
                    row.start + timedelta(minutes=offset + minutes),
                    stage,
                )
                for offset, minutes, stage in row.stages
            ),
        )
        for row in rows
    )


def medications_on(patient: Patient, day: date) -> list[MedicationCourse]:
    """The drugs taken on that day."""
    return [course for course in patient.medications.all() if course.active_on(day)]
