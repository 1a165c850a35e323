"""Questionnaires come in here: recorded, and their item on self-harm looked at, in one step."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from alerts.models import AlertKind
from alerts.raising import alert_raise
from alerts.resources import safety_rules
from patients.models import Patient, Questionnaire, User
from patients.outcomes import CLINIC, questionnaire_record, self_harm_item
from patients.selectors import questionnaires_with_self_harm_since, zones_of
from patients.services import SYSTEM, audit_record
from scoring.models import Tier


@transaction.atomic
def outcome_record(
    *,
    patient: Patient,
    instrument: str,
    taken_at: datetime,
    by: User | str,
    items: Sequence[int] | None = None,
    total: int | None = None,
    source: str = CLINIC,
    is_told: bool = False,
) -> Questionnaire:
    """Record a questionnaire and consider whether it asks for safety at once.

    ``is_told``: its answer on self-harm came alone before, and was considered then. Raises
    InputError as ``questionnaire_record`` does, with nothing stored.
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
    if is_told:
        unseen = Questionnaire.objects.filter(pk=questionnaire.pk, safety_considered_at=None)
        unseen.update(safety_considered_at=timezone.now())
    else:
        safety_consider(questionnaire=questionnaire, by=by, now=timezone.now())
    return questionnaire


@transaction.atomic
def safety_consider(*, questionnaire: Questionnaire, by: User | str, now: datetime) -> bool:
    """Raise the safety alert for an answer above zero to the item on self-harm, once.

    Returns whether it was raised or told again now: an open safety alert that somebody holds
    comes back. An answer of longer ago than safety.toml says is written down and raises nothing.

    ``by`` is who recorded it, or “system” for what a device told.
    """
    if not self_harm_item(questionnaire):
        return False
    unseen = Questionnaire.objects.filter(
        pk=questionnaire.pk, entered_in_error=False, safety_considered_at=None
    )
    if not unseen.update(safety_considered_at=now):
        return False
    at_once = safety_rules().is_recent(questionnaire.taken_at, now)
    audit_record(
        by=by,
        action="self-harm item above zero",
        patient=questionnaire.patient,
        questionnaire=questionnaire.pk,
        at_once=at_once,
    )
    if at_once:
        _raise(questionnaire, by, now)
    return at_once


@transaction.atomic
def self_harm_answer_consider(
    *, patient: Patient, taken_at: datetime, by: User | str, now: datetime
) -> bool:
    """An answer above zero to the item on self-harm that came alone, without its questionnaire.

    It is in no questionnaire that could say that it was looked at: the caller asks once. Returns
    whether the safety alert was raised or told again.
    """
    at_once = safety_rules().is_recent(taken_at, now)
    audit_record(by=by, action="self-harm item above zero", patient=patient, at_once=at_once)
    if at_once:
        _raise_of(patient, taken_at, by, now)
    return at_once


def _raise(questionnaire: Questionnaire, by: User | str, now: datetime) -> None:
    _raise_of(questionnaire.patient, questionnaire.taken_at, by, now)


def _raise_of(patient: Patient, taken_at: datetime, by: User | str, now: datetime) -> None:
    told = safety_rules().told_of(zones_of(patient).local_day(taken_at))
    alert, _ = alert_raise(
        patient=patient, kind=AlertKind.SAFETY, tier=Tier.HIGH, by=by, now=now,
        why="self_harm_item", recommendation=told,
    )  # fmt: skip
    if alert.recommendation != told:  # it was open: its card says of which day it was told last
        alert.recommendation = told
        alert.save(update_fields=["recommendation"])


def safety_watch(*, now: datetime) -> int:
    """Consider what devices and vendors told meanwhile; returns how many were told."""
    stored_since = now - timedelta(days=safety_rules().at_once_days)
    rows = questionnaires_with_self_harm_since(stored_since)
    return sum(safety_consider(questionnaire=row, by=SYSTEM, now=now) for row in rows)
