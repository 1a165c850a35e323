"""Questionnaires come in here: recorded, and their item on self-harm looked at, in one step."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from alerts.models import AlertKind
from alerts.raising import alert_raise
from alerts.resources import safety_words
from patients.models import Patient, Questionnaire, User
from patients.outcomes import CLINIC, questionnaire_record, self_harm_item
from patients.selectors import questionnaires_with_self_harm_since
from patients.services import SYSTEM, audit_record
from scoring.models import Tier

WATCHED = timedelta(days=30)  # what was stored before is not brought up any more


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
    """Raise the safety alert for an answer above zero to the item on self-harm, once.

    Returns whether it was considered now. An open safety alert that somebody holds comes back.

    ``by`` is who recorded it, or “system” for what a device told.
    """
    if not self_harm_item(questionnaire):
        return False
    unseen = Questionnaire.objects.filter(
        pk=questionnaire.pk, entered_in_error=False, safety_considered_at=None
    )
    if not unseen.update(safety_considered_at=now):
        return False
    alert_raise(
        patient=questionnaire.patient, kind=AlertKind.SAFETY, tier=Tier.HIGH, by=by, now=now,
        why="self_harm_item", recommendation=safety_words(),
    )  # fmt: skip
    audit_record(
        by=by,
        action="self-harm item above zero",
        patient=questionnaire.patient,
        questionnaire=questionnaire.pk,
    )
    return True


def safety_watch(*, now: datetime) -> int:
    """Consider what devices and vendors told meanwhile; returns how many were considered."""
    rows = questionnaires_with_self_harm_since(now - WATCHED)
    return sum(safety_consider(questionnaire=row, by=SYSTEM, now=now) for row in rows)
