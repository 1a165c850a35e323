"""Builders of alerts, their messages and promises, for tests."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from alerts.domain.escalation import policy_name
from alerts.models import (
    OPEN_STATES,
    Alert,
    AlertState,
    AlertTransition,
    FollowUp,
    OutboxMessage,
)
from alerts.resources import policies
from patients.models import User
from scoring.models import RiskScore

RECOMMENDATION = {
    "title": "Consider a contact within two days",
    "text": "Ask about sleep, energy and spending. Consider whether the antidepressant should be "
    "reviewed, and agree on a regular bedtime.",
    "source": "CANMAT/ISBD 2018 bipolar guideline",
    "section": "section 3",
    "authored_by": "Clarity team",
    "checked_by": "",
    "date_reviewed": "2026-11-20",
    "next_review": "2027-05-20",
}


def alert(
    of: RiskScore,
    track: str = "mania",
    tier: str = "High",
    state: str = AlertState.NEW,
    message_state: str = OutboxMessage.State.DELIVERED,
    **more: Any,
) -> Alert:
    """An alert with its first transition and the message that it caused."""
    at = more.pop("raised_at", of.scored_at + timedelta(minutes=1))
    if state in OPEN_STATES:
        more.setdefault("due_at", timezone.now() + timedelta(days=2))
    made = Alert.objects.create(
        patient=of.patient,
        kind=track,
        tier=tier,
        state=state,
        score=of,
        raised_at=at,
        changed_at=at,
        recommendation=RECOMMENDATION,
        policy=policies()[policy_name(track, tier)].as_dict(),
        new_since=at,
        **more,
    )
    raised = AlertTransition.objects.create(
        alert=made, event="raised", to_state=AlertState.NEW, tier=tier, actor="system", at=at
    )
    if state != AlertState.NEW:
        AlertTransition.objects.create(
            alert=made,
            event=state,
            from_state=AlertState.NEW,
            to_state=state,
            tier=tier,
            actor="dr.grey",
            at=at + timedelta(hours=2),
            note="Called, will see her on Monday.",
            reason="will-monitor" if state == AlertState.DISMISSED else "",
        )
    message(made, raised, message_state)
    return made


def follow_up(of: Alert, promised_by: User) -> FollowUp:
    """A promise about the alert that is due today."""
    return FollowUp.objects.create(
        patient=of.patient,
        alert=of,
        transition=of.transitions.earliest("id"),
        due_on=timezone.localdate(),
        promised_by=promised_by,
    )


def message(of: Alert, transition: AlertTransition, state: str) -> OutboxMessage:
    """A message in some state."""
    delivered = state == OutboxMessage.State.DELIVERED
    trouble = state in {"pending", "refused", "dead"}
    return OutboxMessage.objects.create(
        alert=of,
        transition=transition,
        state=state,
        resource={"resourceType": "x"},
        attempts=2 if trouble else int(delivered),
        next_attempt_at=of.raised_at,
        created_at=of.raised_at,
        delivered_at=of.raised_at if delivered else None,
        last_error="The EHR did not answer in time." if trouble else "",
    )
