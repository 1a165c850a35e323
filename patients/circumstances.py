"""Writes about what goes on in a patient's life. Scores keep what they were made with."""

from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone

from patients.domain.day_bounds import day_check
from patients.domain.errors import InputError
from patients.models import Circumstance, Patient, User
from patients.services import audit_record


@transaction.atomic
def circumstance_start(
    *, patient: Patient, kind: str, first_day: date, last_day: date | None = None, by: User
) -> Circumstance:
    """It holds from that day on, to the last day where one is known.

    Raises InputError for a last day before the first, days that cannot be meant, and a kind
    that is still going on.
    """
    _in_order(first_day, last_day)
    try:
        with transaction.atomic():
            made = Circumstance.objects.create(
                patient=patient,
                kind=kind,
                first_day=first_day,
                last_day=last_day,
                recorded_by=by.username,
                recorded_at=timezone.now(),
            )
    except IntegrityError:
        raise InputError(
            f"“{Circumstance.Kind(kind).label}” is already recorded and goes on: end it first."
        ) from None
    audit_record(by=by, action="circumstance recorded", patient=patient, kind=kind)
    return made


@transaction.atomic
def circumstance_end(*, circumstance: Circumstance, last_day: date, by: User) -> None:
    """It held up to and including that day.

    Raises InputError for a day before its first, or one that cannot be meant.
    """
    _in_order(circumstance.first_day, last_day)
    circumstance.last_day = last_day
    circumstance.save(update_fields=["last_day"])
    audit_record(
        by=by, action="circumstance ended", patient=circumstance.patient, kind=circumstance.kind
    )


@transaction.atomic
def circumstance_remove(*, circumstance: Circumstance, by: User) -> None:
    """It was recorded by mistake; scores made with it stay as they are and can be replayed."""
    audit_record(
        by=by, action="circumstance removed", patient=circumstance.patient, kind=circumstance.kind
    )
    circumstance.delete()


def _in_order(first_day: date, last_day: date | None) -> None:
    for day in (first_day, last_day):
        day_check(day, timezone.localdate())
    if last_day and last_day < first_day:
        raise InputError("The last day lies before the first: correct one of them.")
