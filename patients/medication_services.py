"""Writes about what patients take. Each names its actor and leaves its audit row."""

from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from patients.domain.day_bounds import day_check
from patients.domain.drugs import code_of_atc, code_of_rxnorm
from patients.domain.errors import InputError
from patients.medications import courses_that_count
from patients.models import MedicationCourse, Patient, User
from patients.resources import drug_table
from patients.services import audit_record

EARLIEST = date(1950, 1, 1)
Classes = MedicationCourse.DrugClass
ClassFrom = MedicationCourse.ClassFrom


def class_settled(
    *, drug: str, drug_class: str = "", atc: str = "", rxnorm: str = ""
) -> tuple[str, str]:
    """The class of a drug, and where it comes from (a ClassFrom).

    Raises InputError for a class that contradicts the table of drugs, for none where the table
    does not know the drug, and for codes that are none or of another class than the name.
    """
    found = drug_table().find(name=drug, atc=atc, rxnorm=rxnorm)
    if found is None:
        if drug_class not in Classes.values:
            raise InputError(f"{drug} is not in the table of drugs: choose its class.")
        return drug_class, ClassFrom.TYPED
    if drug_class not in {"", found.drug_class}:
        right, given = Classes(found.drug_class).label, Classes(drug_class).label
        raise InputError(
            f"The table of drugs has {drug} as {right}, not {given}: "
            "choose that class, or none, or check the name and the codes."
        )
    origin = ClassFrom.TABLE if found.verified else ClassFrom.TABLE_UNVERIFIED
    return found.drug_class, origin


@transaction.atomic
def medication_start(
    *,
    patient: Patient,
    drug: str,
    first_day: date,
    by: User | str,
    drug_class: str = "",
    dose: str = "",
    atc: str = "",
    rxnorm: str = "",
    source: str = MedicationCourse.Source.CLINIC,
    last_day: date | None = None,
) -> MedicationCourse:
    """A drug is taken from that day on. Whether the list is complete is said apart.

    The class is the table's where it knows the drug. Raises InputError as ``class_settled``
    does, and for a day that cannot be meant.
    """
    settled, origin = class_settled(drug=drug, drug_class=drug_class, atc=atc, rxnorm=rxnorm)
    _check_days(drug, first_day, last_day)
    course = MedicationCourse.objects.create(
        patient=patient,
        drug=drug,
        drug_class=settled,
        class_from=origin,
        atc=code_of_atc(atc),
        rxnorm=code_of_rxnorm(rxnorm),
        source=source,
        dose=dose,
        first_day=first_day,
        last_day=last_day,
    )
    audit_record(
        by=by,
        action="medication started",
        patient=patient,
        course=course.pk,
        drug_class=settled,
    )
    return course


@transaction.atomic
def medication_stop(*, course: MedicationCourse, last_day: date, by: User | str) -> None:
    """The drug is taken up to and including that day.

    Raises InputError when that is before the course began, or it was entered in error.
    """
    _lock(course)
    _check_days(course.drug, course.first_day, last_day)
    course.last_day = last_day
    course.save(update_fields=["last_day"])
    _audit(course, by, "medication stopped")


@transaction.atomic
def medication_dose_change(
    *, course: MedicationCourse, dose: str, first_day: date, by: User | str
) -> MedicationCourse:
    """Another dose from that day on: the course ends the day before, and a new one begins.

    Raises InputError for a day on which the course is not going on, its first day (that is a
    correction), the dose it has, and a course entered in error.
    """
    _lock(course)
    _check_days(course.drug, first_day, None)
    if dose.strip() == course.dose:
        raise InputError(f"{course.drug} has this dose already: give the new one.")
    if first_day == course.first_day or not course.active_on(first_day):
        raise InputError(
            f"{course.drug} began on {course.first_day} and is not taken for longer on "
            f"{first_day}: give a later day on which it is taken, or correct the course."
        )
    newer = _copy(course, first_day=first_day, last_day=course.last_day, dose=dose.strip())
    course.last_day = first_day - timedelta(days=1)
    course.save(update_fields=["last_day"])
    _audit(course, by, "medication dose changed", to=newer.pk)
    return newer


@transaction.atomic
def medication_correct(
    *,
    course: MedicationCourse,
    dose: str,
    first_day: date,
    last_day: date | None,
    reason: str,
    by: User | str,
) -> MedicationCourse:
    """The course was never as it stands: it is kept as entered in error, a right one counts.

    Returns the right one. Raises InputError without a known reason, where nothing would change,
    for days that cannot be, and for a course entered in error.
    """
    _lock(course)
    _check_days(course.drug, first_day, last_day)
    if (dose, first_day, last_day) == (course.dose, course.first_day, course.last_day):
        raise InputError(f"Nothing of {course.drug} was changed: change its days or its dose.")
    right = _copy(course, first_day=first_day, last_day=last_day, dose=dose)
    _set_in_error(course, reason)
    _audit(course, by, "medication corrected", to=right.pk, reason=reason)
    return right


@transaction.atomic
def medication_class_set(*, course: MedicationCourse, drug_class: str, by: User | str) -> bool:
    """Somebody says of which class a drug is whose class was not known; False where it was.

    Raises InputError for a class that is none, and for a course entered in error.
    """
    _lock(course)
    if drug_class not in Classes.values or drug_class == Classes.UNKNOWN:
        raise InputError(f"Choose the class of {course.drug}.")
    if course.drug_class != Classes.UNKNOWN:
        return False
    course.drug_class, course.class_from = drug_class, ClassFrom.TYPED
    course.save(update_fields=["drug_class", "class_from"])
    _audit(course, by, "medication class set")
    return True


@transaction.atomic
def medication_mark_error(*, course: MedicationCourse, reason: str, by: User | str) -> None:
    """The course was entered in error: it is kept, marked, and counts no more.

    With the last one the list is unavailable again: nobody has said that nothing is taken.
    Raises InputError without a known reason, and where it is marked already.
    """
    _lock(course)
    _set_in_error(course, reason)
    _audit(course, by, "medication entered in error", reason=reason)
    patient = Patient.objects.get(pk=course.patient_id)
    if patient.medication_list_available and not courses_that_count(patient):
        medication_list_set(patient=patient, available=False, by=by)


@transaction.atomic
def medication_list_set(*, patient: Patient, available: bool, by: User | str) -> None:
    """Say whether the patient's list is complete. Nothing else does: one drug is no list."""
    Patient.objects.filter(pk=patient.pk).update(medication_list_available=available)
    audit_record(by=by, action="medication list", patient=patient, available=available)


def _lock(course: MedicationCourse) -> None:
    """Read the course as it stands now, kept from others until the transaction ends."""
    course.refresh_from_db(from_queryset=MedicationCourse.objects.select_for_update())
    if course.entered_in_error:
        raise InputError(f"{course.drug} was entered in error: nothing of it can be changed.")


def _check_days(drug: str, first_day: date, last_day: date | None) -> None:
    for day in (first_day, last_day):
        day_check(day, timezone.localdate(), earliest=EARLIEST)
    if last_day is not None and last_day < first_day:
        raise InputError(f"{drug} began on {first_day}: it cannot have ended on {last_day}.")


def _copy(
    course: MedicationCourse, *, first_day: date, last_day: date | None, dose: str
) -> MedicationCourse:
    same = ("patient", "drug", "drug_class", "class_from", "atc", "rxnorm", "source")
    return MedicationCourse.objects.create(
        **{name: getattr(course, name) for name in same},
        first_day=first_day,
        last_day=last_day,
        dose=dose,
    )


def _set_in_error(course: MedicationCourse, reason: str) -> None:
    if reason not in MedicationCourse.ErrorReason.values:
        raise InputError(f"Choose a reason why {course.drug} was entered in error.")
    course.entered_in_error, course.error_reason = True, reason
    course.save(update_fields=["entered_in_error", "error_reason"])


def _audit(course: MedicationCourse, by: User | str, action: str, **detail: object) -> None:
    audit_record(
        by=by,
        action=action,
        patient=course.patient,
        course=course.pk,
        drug_class=course.drug_class,
        **detail,
    )
