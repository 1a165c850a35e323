"""Reads about patients. ``patients_visible_to`` is the only way to one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import OuterRef, QuerySet, Subquery

from patients.domain.days import ZoneHistory
from patients.domain.packing import Chosen, unpack, unpack_chosen
from patients.domain.recording import (
    MINUTES_PER_DAY,
    Channel,
    Family,
    Minutes,
    MinuteSeries,
    SleepEpisode,
    unit_of,
)
from patients.encryption import blind_index
from patients.ingest.common.base import Zone
from patients.models import (
    Episode,
    MedicationCourse,
    Patient,
    Questionnaire,
    RecordingDay,
    ResolvedDay,
    TimeZoneSpan,
    User,
)
from patients.models import SleepEpisode as SleepRecord
from patients.permissions import Permission, may
from patients.resources import instruments
from patients.sleep_records import as_recorded

PATIENT_ZONES = "patient"  # instead of a zone's name, where recordings are given


def patients_visible_to(user: User | AnonymousUser) -> QuerySet[Patient]:
    """The patients whose records the user may open."""
    if may(user, Permission.SEE_EVERY_PATIENT):
        return Patient.objects.all()
    if not isinstance(user, User) or not user.is_active:
        return Patient.objects.none()
    return Patient.objects.filter(care_team__user=user)


def patient_of_ehr(patients: QuerySet[Patient], ehr_id: str) -> Patient | None:
    """The one among these with that id in the EHR; None for nobody, and for several."""
    found = list(patients.filter(ehr_id_index=blind_index(ehr_id))[:2]) if ehr_id else []
    return found[0] if len(found) == 1 else None


def zone_history(patient: Patient) -> ZoneHistory:
    """The patient's zones, oldest first."""
    return ZoneHistory(tuple((span.first_day, span.zone) for span in patient.zones.all()))


def zone_histories(patients: Sequence[Patient]) -> dict[int, ZoneHistory]:
    """The zones of each patient, by their key."""
    spans: dict[int, list[tuple[date, str]]] = {patient.pk: [] for patient in patients}
    rows = TimeZoneSpan.objects.filter(patient__in=spans).order_by("first_day")
    for key, first_day, zone in rows.values_list("patient_id", "first_day", "zone"):
        spans[key].append((first_day, zone))
    return {key: ZoneHistory(tuple(of_patient)) for key, of_patient in spans.items()}


def zones_of(patient: Patient) -> ZoneHistory:
    """The patient's zones, or the clinic's while none is known."""
    history = zone_history(patient)
    return history if history.spans else ZoneHistory.of(settings.TIME_ZONE)


def zones_asked(patient: Patient, zone: str) -> Zone:
    """The zones in which naive stamps are to be read: PATIENT_ZONES asks for the patient's."""
    return zones_of(patient) if zone == PATIENT_ZONES else zone


def recorded_span(patient: Patient) -> tuple[datetime, datetime] | None:
    """From the UTC day of the first minute, or the first night, to the last moment of either."""
    days = ResolvedDay.objects.filter(patient=OuterRef("pk"), minutes__gt=0)
    first = days.order_by("utc_day", "channel", "family").values("utc_day")
    last = days.order_by("-utc_day", "-last_minute")
    nights = SleepRecord.objects.filter(patient=OuterRef("pk"), is_chosen=True)
    [(first_day, last_day, last_minute, slept_from, slept_to)] = Patient.objects.filter(
        pk=patient.pk
    ).values_list(
        Subquery(first[:1]),
        Subquery(last.values("utc_day")[:1]),
        Subquery(last.values("last_minute")[:1]),
        Subquery(nights.order_by("start").values("start")[:1]),
        Subquery(nights.order_by("-end").values("end")[:1]),
    )
    starts, ends = [slept_from], [slept_to]
    if first_day:
        starts.append(datetime.combine(first_day, time.min, UTC))
        midnight = datetime.combine(last_day, time.min, UTC)
        ends.append(midnight + timedelta(minutes=last_minute))
    known = [moment for moment in starts if moment], [moment for moment in ends if moment]
    return (min(known[0]), max(known[1])) if known[0] else None


@dataclass(frozen=True)
class ChannelDay:
    """A UTC day of one channel and unit family: its minutes, each from the chosen device.

    ``chosen`` has 0 where there is no minute, or the place in ``devices`` from 1.
    """

    utc_day: date
    channel: Channel
    family: Family | None
    values: Minutes
    chosen: Chosen
    devices: tuple[int, ...]
    minutes: int


def channel_days(patient: Patient, first: date, last: date) -> list[ChannelDay]:
    """The UTC days from first to last of all channels, resolved between devices."""
    return channel_days_of([patient], first, last)[patient.pk]


def channel_days_of(
    patients: Sequence[Patient], first: date, last: date
) -> dict[int, list[ChannelDay]]:
    """The same of many patients at once, by their key."""
    found: dict[int, list[ChannelDay]] = {patient.pk: [] for patient in patients}
    span = (first, last)
    resolved = (
        ResolvedDay.objects.filter(patient__in=found, utc_day__range=span)
        .order_by("utc_day")
        .values_list("patient_id", "utc_day", "channel", "family", "devices", "chosen", "minutes")
    )
    rows = RecordingDay.objects.filter(device__patient__in=found, utc_day__range=span)
    packed = {
        (device, day, channel, family): bytes(values)
        for device, day, channel, family, values in rows.values_list(
            "device_id", "utc_day", "channel", "family", "values"
        )
    }
    for key, day, channel, family, devices, chosen, minutes in resolved:
        if devices:
            found[key].append(_channel_day(packed, day, channel, family, devices, chosen, minutes))
    return found


def _channel_day(
    packed: Mapping[tuple[int, date, str, str], bytes],
    utc_day: date,
    channel: str,
    family: str,
    devices: list[int],
    chosen_packed: bytes | memoryview,
    minutes: int,
) -> ChannelDay:
    every = [unpack(packed[device, utc_day, channel, family]) for device in devices]
    chosen = unpack_chosen(bytes(chosen_packed), every[0])
    values = every[0]
    if len(every) > 1:
        values = np.full(MINUTES_PER_DAY, np.nan, dtype=np.float32)
        for number, each in enumerate(every, start=1):
            values[chosen == number] = each[chosen == number]
    unit = Family(family) if family else None
    return ChannelDay(utc_day, Channel(channel), unit, values, chosen, tuple(devices), minutes)


def joined_minutes(
    days: Iterable[ChannelDay], first_day: date, last_day: date
) -> tuple[dict[Channel, MinuteSeries], Family | None]:
    """The days, all of UTC days from first to last, as minute series, and the unit family.

    Unit families never mix: the one with more minutes in the span is taken.
    """
    lanes: dict[Channel, dict[Family | None, list[ChannelDay]]] = {}
    for day in days:
        lanes.setdefault(day.channel, {}).setdefault(day.family, []).append(day)
    series: dict[Channel, MinuteSeries] = {}
    family: Family | None = None
    for channel, families in lanes.items():
        chosen = max(
            sorted(families, key=str), key=lambda f: sum(day.minutes for day in families[f])
        )
        series[channel] = _joined(channel, chosen, families[chosen], first_day, last_day)
        if channel is Channel.ACTIVITY:
            family = chosen
    return series, family


def _joined(
    channel: Channel, family: Family | None, days: list[ChannelDay], first: date, last: date
) -> MinuteSeries:
    values = np.full(((last - first).days + 1) * MINUTES_PER_DAY, np.nan, dtype=np.float32)
    for day in days:
        offset = (day.utc_day - first).days * MINUTES_PER_DAY
        values[offset : offset + MINUTES_PER_DAY] = day.values
    start = datetime.combine(first, time.min, UTC)
    return MinuteSeries(channel, unit_of(channel, family), start, values)


def sleep_between(patient: Patient, start: datetime, end: datetime) -> tuple[SleepEpisode, ...]:
    """The sleep records that count, of those that end after start and begin before end."""
    return tuple(sleep_between_of([patient], start, end)[patient.pk])


def sleep_between_of(
    patients: Sequence[Patient], start: datetime, end: datetime
) -> dict[int, list[SleepEpisode]]:
    """The same of many patients at once, by their key."""
    found: dict[int, list[SleepEpisode]] = {patient.pk: [] for patient in patients}
    rows = SleepRecord.objects.filter(
        patient__in=found, is_chosen=True, end__gt=start, start__lt=end
    )
    for row in rows:
        found[row.patient_id].append(as_recorded(row))
    return found


def medications_on(patient: Patient, day: date) -> list[MedicationCourse]:
    """The drugs taken on that day."""
    return [course for course in patient.medications.all() if course.active_on(day)]


def questionnaires_of(patient: Patient) -> QuerySet[Questionnaire]:
    """The questionnaires that count and are scored (PHQ-8, PHQ-9, ASRM), newest first."""
    rows = Questionnaire.objects.filter(patient=patient, entered_in_error=False)
    return rows.filter(instrument__in=instruments()).order_by("-taken_at", "-pk")


def episodes_of(patient: Patient) -> QuerySet[Episode]:
    """The episodes that count, the latest first."""
    return Episode.objects.filter(patient=patient, entered_in_error=False)


def questionnaires_with_self_harm_since(moment: datetime) -> list[Questionnaire]:
    """Those stored since then whose item on self-harm is above zero and was not looked at yet.

    By when they were stored, not filled in: files bring old ones late.
    """
    rows = Questionnaire.objects.filter(
        recorded_at__gte=moment, entered_in_error=False, safety_considered_at=None
    ).select_related("patient")
    found = [
        row
        for key, asked in instruments().items()
        if asked.self_harm_item
        for row in rows.filter(instrument=key, **{f"items__{asked.self_harm_item - 1}__gt": 0})
        if asked.self_harm(row.items)
    ]
    return sorted(found, key=lambda row: (row.recorded_at, row.pk))


def full_names(usernames: Iterable[str]) -> dict[str, str]:
    """The full names of people by username, as far as they are known; one query."""
    people = User.objects.filter(username__in=set(usernames))
    return {user.username: str(user) for user in people}
