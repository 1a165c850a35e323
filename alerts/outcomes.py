"""Questionnaires come in here: recorded, and their item on self-harm looked at, in one step."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from patients.models import Patient, Questionnaire, User
from patients.outcomes import CLINIC, questionnaire_record, self_harm_item
from patients.services import audit_record


@transaction.atomic
def outcome_record(
    *,
    patient: Patient,
    instrument: str,
    taken_at: datetime,
    by: User,
    items: Sequence[int] | None = None,
    total: int | None = None,
    source: str = CLINIC,
) -> Questionnaire:
    """Record a questionnaire and consider whether it asks for safety at once.

    Raises InputError as ``questionnaire_record`` does, with nothing stored.
    """
    questionnaire = questionnaire_record(
        patient=patient,
        instrument=instrument,
        taken_at=taken_at,
        by=by,
        items=items,
        total=total,
        source=source,
    )
    safety_consider(questionnaire=questionnaire, by=by, now=timezone.now())
    return questionnaire


@transaction.atomic
def safety_consider(*, questionnaire: Questionnaire, by: User | str, now: datetime) -> bool:
    """Note an answer above zero to the item on self-harm, once. Returns whether it was noted now.

    ``by`` is who recorded it, or “system” for what a device told.
    """
    if not self_harm_item(questionnaire):
        return False
    unseen = Questionnaire.objects.filter(
        pk=questionnaire.pk, entered_in_error=False, safety_considered_at=None
    )
    if not unseen.update(safety_considered_at=now):
        return False
    audit_record(
        by=by,
        action="self-harm item above zero",
        patient=questionnaire.patient,
        questionnaire=questionnaire.pk,
    )
    return True
