"""Writes about patients. Each names its actor and leaves its audit row."""

from datetime import date
from hashlib import sha256
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from patients.domain.errors import InputError
from patients.models import (
    AuditEvent,
    MedicationCourse,
    Patient,
    TimeZoneSpan,
    User,
)

SYSTEM = "system"


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
