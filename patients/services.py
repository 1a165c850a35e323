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
from patients.domain.recording import MINUTES_PER_DAY, Channel, Minutes, MinuteSeries, Recording
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


def audit_record(*, by: User | str, action: str, patient: Patient | None = None, **detail: object) -> None:
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
    """A new patient, known by code. The zone holds from the first recording on."""
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
    changed = [
        _store_day(patient, recording, series, day, values)
        for series in recording.series
        for day, values in _utc_days(series)
    ]
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
    stored = Stored(len(days), minutes, any(changed) or sleeps > 0)
    if stored.changed:
        audit_record(
            by=by, action="recording stored", patient=patient, source=recording.source,
            days=stored.days, file=file_sha256[:12],
        )
    return stored


def _utc_days(series: MinuteSeries) -> Iterator[tuple[date, Minutes]]:
    day = series.start.astimezone(UTC).date()
    while (midnight := datetime.combine(day, datetime.min.time(), UTC)) < series.end:
        values = series.between(midnight, midnight + timedelta(days=1))
        if not np.isnan(values).all():
            yield day, values
        day += timedelta(days=1)


def _store_day(
    patient: Patient, recording: Recording, series: MinuteSeries, day: date, values: Minutes
) -> bool:
    is_activity = series.channel == Channel.ACTIVITY
    row = RecordingDay.objects.filter(
        patient=patient, channel=series.channel, utc_day=day, source=recording.source
    ).first()
    if row:
        old = unpack(bytes(row.values))
        values = np.where(np.isnan(values), old, values)
        if np.array_equal(values, old, equal_nan=True):
            return False
    row = row or RecordingDay(
        patient=patient, channel=series.channel, utc_day=day, source=recording.source
    )
    row.unit = series.unit
    row.family = (recording.family or "") if is_activity else ""
    row.values = pack(values)
    row.minutes = int((~np.isnan(values)).sum())
    row.save()
    return True


def _store_sleep(patient: Patient, recording: Recording) -> int:
    changed = 0
    for episode in recording.sleep:
        values = {
            "end": episode.end,
            "asleep_minutes": episode.asleep_minutes,
            "awake_minutes": episode.awake_minutes,
            "stages": [
                [
                    (stage.start - episode.start).total_seconds() / 60,
                    (stage.end - stage.start).total_seconds() / 60,
                    stage.stage,
                ]
                for stage in episode.stages
            ],
        }
        row, created = SleepEpisode.objects.get_or_create(
            patient=patient, source=recording.source, start=episode.start, defaults=values
        )
        if not created and any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            row.save()
            created = True
        changed += created
    return changed


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
