"""Writes about patients. Each names its actor and leaves its audit row."""

from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from django.db import OperationalError, connection, transaction
from django.db.models import Max
from django.utils import timezone

from patients.domain.days import zone_named
from patients.domain.errors import InputError
from patients.models import (
    AuditEvent,
    Patient,
    TimeZoneSpan,
    User,
)

SYSTEM = "system"
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's own code
BUSY = "A recording of this patient is being stored at the moment: try again in a minute."


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
def reader_set(*, user: User, language: str | None = None, time_zone: str | None = None) -> None:
    """In which language and zone the person reads; what is None stays as it is.

    Raises InputError for a zone that is none.
    """
    if time_zone is not None:
        zone_named(time_zone)
        user.time_zone = time_zone
    if language is not None:
        user.language = language
    user.save(update_fields=["language", "time_zone"])
    audit_record(by=user, action="reader set", language=user.language, zone=user.time_zone)


def patient_lock(patient: Patient) -> None:
    """Keep others from changing the patient's recordings until the transaction ends.

    Within one. Raises InputError where somebody does so just now: a big file takes minutes.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # Not at once: a worker that looks for uploads touches the row for a moment.
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") != LOCK_NOT_AVAILABLE:
            raise
        raise InputError(BUSY) from None


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


FIRST_DAY = date(1970, 1, 1)


@transaction.atomic
def zone_set(*, patient: Patient, first_day: date, zone: str, by: User | str) -> None:
    """The patient lives in the zone from that local day on, until the next change that is known.

    A change that began the same day is replaced; one that changes nothing is dropped. The
    days from the one before on are marked as changed, so that their features are made anew.
    Raises InputError for a zone that is none, a day before 1970 or in the future, and while a
    recording of the patient is being stored.
    """
    zone_named(zone)
    patient_lock(patient)
    now = timezone.now()
    if not FIRST_DAY <= first_day <= (now + timedelta(hours=14)).date():
        raise InputError(f"{first_day} lies before 1970 or in the future: give the day of arrival.")
    TimeZoneSpan.objects.update_or_create(
        patient=patient, first_day=first_day, defaults={"zone": zone}
    )
    _drop_repeats(patient)
    _mark_changed(patient, first_day, now)
    audit_record(
        by=by, action="time zone", patient=patient, first_day=first_day.isoformat(), zone=zone
    )


def _drop_repeats(patient: Patient) -> None:
    before = ""
    for span in TimeZoneSpan.objects.filter(patient=patient).order_by("first_day"):
        if span.zone == before:
            span.delete()
        before = span.zone


def _mark_changed(patient: Patient, first_day: date, now: datetime) -> None:
    """Make features stale from the local day before on: its night reaches into the new zone.

    From the last recorded day before that on, because a gap of days without any has features
    too; all of them where the first zone changed, which also holds for the days before it.
    """
    days = patient.resolved_days.all()
    if patient.zones.filter(first_day__lt=first_day).exists():
        before = days.filter(utc_day__lt=first_day - timedelta(days=1))
        newest = before.aggregate(Max("utc_day"))["utc_day__max"]
        days = days.filter(utc_day__gte=newest) if newest else days
    days.update(updated_at=now)


def file_sha256(path: Path) -> str:
    """Hash of a file, or of a folder's files in order of their names."""
    digest = sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


@transaction.atomic
def patient_erase(*, patient: Patient, by: User | str) -> None:
    """Delete the patient with every recording, score, alert and message.

    The audit rows stay: they hold the code and nothing that identifies.
    """
    audit_record(by=by, action="patient erased", patient=patient)
    patient.delete()
