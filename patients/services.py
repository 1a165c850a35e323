"""Writes about patients. Each names its actor and leaves its audit row."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
from django.db import transaction
from django.utils import timezone

from patients.domain.errors import InputError
from patients.domain.packing import pack, unpack
from patients.domain.recording import Channel, Minutes, MinuteSeries, Recording
from patients.domain.recording import SleepEpisode as RecordedSleep
from patients.models import (
    AuditEvent,
    MedicationCourse,
    Patient,
    RecordingDay,
    RecordingFile,
    SleepEpisode,
    TimeZoneSpan,
    User,
)

SYSTEM = "system"
SLEEP_FIELDS = ("end", "asleep_minutes", "awake_minutes", "stages")


def audit_record(
    *, by: User | str, action: str, patient: Patient | None = None, **detail: object
) -> None:
    """Write who did or read what. Details hold codes and counts, never names."""
    AuditEvent.objects.create(
        at=timezone.now(),
        actor=by if isinstance(by, str) else by.username,
        action=action,
        patient_code=patient.code if patient else "",
        detail=detail,
    )


def record_opened(*, patient: Patient, by: User, page: str) -> None:
    """A clinician has opened the record."""
    audit_record(by=by, action="record opened", patient=patient, page=page)


@transaction.atomic
def patient_enrol(*, code: str, zone: str, by: User | str) -> Patient:
    """A new patient, known by code. The zone holds from the first recording on.

    Raises InputError for a code that is too long.
    """
    longest = Patient._meta.get_field("code").max_length or 0
    if len(code) > longest:
        raise InputError(f"The code {code[:12]}… is too long: use up to {longest} characters.")
    patient = Patient.objects.create(code=code)
    TimeZoneSpan.objects.create(patient=patient, first_day=date(1970, 1, 1), zone=zone)
    audit_record(by=by, action="patient enrolled", patient=patient)
    return patient


@dataclass(frozen=True)
class Stored:
    """What taking a recording in changed."""

    days: int
    minutes: int
    changed: bool


@transaction.atomic
def recording_ingest(
    *, patient: Patient, recording: Recording, file_sha256: str, zone: str, by: User | str
) -> Stored:
    """Store a recording; the same minutes again change nothing.

    New minutes win over stored ones of the same source. Raises InputError when the same file
    was stored before under another zone: its minutes would lie there twice, hours apart.
    """
    Patient.objects.select_for_update().get(pk=patient.pk)
    earlier = RecordingFile.objects.filter(patient=patient, sha256=file_sha256).first()
    if earlier and earlier.zone != zone:
        raise InputError(
            f"This file is already stored for {patient.code} as {earlier.zone} time, not {zone}: "
            f"give --timezone {earlier.zone}, or remove it first."
        )
    days = {day for s in recording.series for day, _ in _utc_days(s)}
    changed = sum(_store_series(patient, recording, series) for series in recording.series)
    sleeps = _store_sleep(patient, recording)
    minutes = max((int((~np.isnan(s.values)).sum()) for s in recording.series), default=0)
    if not earlier:
        RecordingFile.objects.create(
            patient=patient,
            source=recording.source,
            device=recording.device[:80],
            sha256=file_sha256,
            zone=zone,
            received_at=timezone.now(),
            minutes=minutes,
            rejected=dict(recording.rejected),
        )
    stored = Stored(len(days), minutes, changed > 0 or sleeps > 0)
    if stored.changed:
        audit_record(
            by=by,
            action="recording stored",
            patient=patient,
            source=recording.source,
            days=stored.days,
            file=file_sha256[:12],
        )
    return stored


def _utc_days(series: MinuteSeries) -> Iterator[tuple[date, Minutes]]:
    day = series.start.astimezone(UTC).date()
    while (midnight := datetime.combine(day, datetime.min.time(), UTC)) < series.end:
        values = series.between(midnight, midnight + timedelta(days=1))
        if not np.isnan(values).all():
            yield day, values
        day += timedelta(days=1)


def _store_series(patient: Patient, recording: Recording, series: MinuteSeries) -> int:
    """Write the days that are new or different; returns how many."""
    stored = {
        row.utc_day: row
        for row in RecordingDay.objects.filter(
            patient=patient,
            channel=series.channel,
            source=recording.source,
            utc_day__range=(series.start.date(), series.end.date()),
        )
    }
    family = (recording.family or "") if series.channel == Channel.ACTIVITY else ""
    written = []
    for day, values in _utc_days(series):
        row = stored.get(day)
        if row:
            old = unpack(bytes(row.values))
            values = np.where(np.isnan(values), old, values)
            if np.array_equal(values, old, equal_nan=True):
                continue
        written.append(
            RecordingDay(
                patient=patient,
                source=recording.source,
                channel=series.channel,
                utc_day=day,
                unit=series.unit,
                family=family,
                values=pack(values),
                minutes=int((~np.isnan(values)).sum()),
                last_minute=int(np.flatnonzero(~np.isnan(values))[-1]),
                updated_at=timezone.now(),
            )
        )
    RecordingDay.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["patient", "channel", "utc_day", "source"],
        update_fields=["unit", "family", "values", "minutes", "last_minute", "updated_at"],
        batch_size=500,
    )
    return len(written)


def _store_sleep(patient: Patient, recording: Recording) -> int:
    """Write the sleep records that are new or different; returns how many."""
    stored = {
        row.start: row
        for row in SleepEpisode.objects.filter(patient=patient, source=recording.source)
    }
    written = []
    # Of two records that begin together the later one in the file stays.
    for episode in {episode.start: episode for episode in recording.sleep}.values():
        row = _sleep_row(patient, recording.source, episode)
        old = stored.get(episode.start)
        if old is None or any(getattr(old, f) != getattr(row, f) for f in SLEEP_FIELDS):
            row.updated_at = timezone.now()
            written.append(row)
    SleepEpisode.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["patient", "source", "start"],
        update_fields=[*SLEEP_FIELDS, "updated_at"],
        batch_size=500,
    )
    return len(written)


def _sleep_row(patient: Patient, source: str, episode: RecordedSleep) -> SleepEpisode:
    def minutes(span: timedelta) -> float:
        return span / timedelta(minutes=1)

    return SleepEpisode(
        patient=patient,
        source=source,
        start=episode.start,
        end=episode.end,
        asleep_minutes=episode.asleep_minutes,
        awake_minutes=episode.awake_minutes,
        stages=[
            [minutes(stage.start - episode.start), minutes(stage.end - stage.start), stage.stage]
            for stage in episode.stages
        ],
    )


def file_sha256(path: Path) -> str:
    """Hash of a file, or of a folder's files in order of their names."""
    digest = sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


@transaction.atomic
def medication_start(
    *, patient: Patient, drug: str, drug_class: str, dose: str, first_day: date, by: User | str
) -> MedicationCourse:
    """A drug is taken from that day on; the patient now has a medication list."""
    course = MedicationCourse.objects.create(
        patient=patient, drug=drug, drug_class=drug_class, dose=dose, first_day=first_day
    )
    Patient.objects.filter(pk=patient.pk).update(medication_list_available=True)
    audit_record(by=by, action="medication started", patient=patient, drug_class=drug_class)
    return course


@transaction.atomic
def medication_stop(*, course: MedicationCourse, last_day: date, by: User | str) -> None:
    """The drug is taken up to and including that day.

    Raises InputError when that is before the course began.
    """
    if last_day < course.first_day:
        raise InputError(
            f"{course.drug} began on {course.first_day}: it cannot have ended on {last_day}."
        )
    course.last_day = last_day
    course.save(update_fields=["last_day"])
    audit_record(
        by=by, action="medication stopped", patient=course.patient, drug_class=course.drug_class
    )


@transaction.atomic
def medication_list_set(*, patient: Patient, available: bool, by: User | str) -> None:
    """Say whether the patient's medication list is known at all."""
    Patient.objects.filter(pk=patient.pk).update(medication_list_available=available)
    audit_record(by=by, action="medication list", patient=patient, available=available)


@transaction.atomic
def patient_erase(*, patient: Patient, by: User | str) -> None:
    """Delete the patient with every recording, score, alert and message.

    The audit rows stay: they hold the code and nothing that identifies.
    """
    audit_record(by=by, action="patient erased", patient=patient)
    patient.delete()
