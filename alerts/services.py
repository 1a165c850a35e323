"""Writes about alerts. A change of state is a row; the EHR is told through the outbox."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from alerts.domain.states import NOTIFYING, next_state
from alerts.domain.triage import Standing, triage
from alerts.models import Alert, AlertState, AlertTransition, DismissReason
from alerts.outbox import delivery_set, message_enqueue, message_resend, outbox_deliver
from alerts.resources import triage_rules
from alerts.situations import recommendation_for
from patients.models import Patient, User
from patients.selectors import zones_of
from patients.services import SYSTEM, audit_record
from scoring.models import RiskScore, Track

ALERT_MAX_AGE_DAYS = 3  # nobody is alerted afterwards about a day longer ago than this
HISTORY_DAYS = 30


class NotAllowed(ValueError):
    """The alert is not in a state for this; the message says what happened to it."""


@transaction.atomic
def alerts_consider(*, score: RiskScore, now: datetime) -> list[Alert]:
    """Raise, raise higher or resolve the alerts of both tracks after a score.

    Returns the alerts that changed. Each track looks at its own tiers alone, so a track that
    was not assessed closes and lowers nothing.
    """
    patient = Patient.objects.select_for_update().get(pk=score.patient_id)
    if (zones_of(patient).local_day(now) - score.day).days > ALERT_MAX_AGE_DAYS:
        return []
    first = score.day - timedelta(days=HISTORY_DAYS)
    scores = patient.scores.filter(is_current=True, day__range=(first, score.day)).order_by("day")
    history = list(scores)
    changed = []
    for track in (Track.MANIA, Track.DEPRESSION):
        tiers = [getattr(row, track)["tier"] for row in history]
        latest = patient.alerts.filter(track=track).order_by("-raised_at").first()
        event = triage(score.day, tiers, _standing(latest), triage_rules())
        if event:
            changed.append(_apply(event, latest, patient, track, score, now))
    return changed


def _standing(alert: Alert | None) -> Standing | None:
    if alert is None:
        return None
    dismissed = alert.state == AlertState.DISMISSED
    day = timezone.localtime(alert.changed_at).date() if dismissed else None
    acknowledged = alert.state == AlertState.ACKNOWLEDGED
    return Standing(alert.is_open, alert.tier, day, acknowledged)


def _apply(
    event: str,
    latest: Alert | None,
    patient: Patient,
    track: Track,
    score: RiskScore,
    now: datetime,
) -> Alert:
    tier = getattr(score, track)["tier"]
    if event == "raised" or latest is None:
        alert = Alert(patient=patient, track=track, raised_at=now, state="", tier=tier)
        event = "raised"
    else:
        alert = latest
        tier = tier if event == "risen" else alert.tier
    alert.tier, alert.score = tier, score
    alert.recommendation = recommendation_for(patient, track, tier, score)
    _move(alert, event, by=SYSTEM, at=now)
    return alert


def _move(
    alert: Alert, event: str, *, by: User | str, at: datetime, reason: str = "", note: str = ""
) -> AlertTransition:
    """Save the new state, its transition and, where the EHR is told, its message."""
    before, after = alert.state, next_state(alert.state, event)
    if after is None:
        raise NotAllowed(_what_happened(alert))
    alert.state, alert.changed_at = after, at
    alert.save()
    transition = AlertTransition.objects.create(
        alert=alert,
        event=event,
        from_state=before,
        to_state=after,
        tier=alert.tier,
        actor=by if isinstance(by, str) else by.username,
        reason=reason,
        note=note,
        at=at,
    )
    if event in NOTIFYING:
        message_enqueue(alert=alert, transition=transition, at=at)
    return transition


def _what_happened(alert: Alert) -> str:
    last = alert.transitions.last()
    who = f" by {last.actor}" if last else ""
    return f"This alert has already been {alert.get_state_display().lower()}{who}."


def _locked(alert: Alert) -> Alert:
    return Alert.objects.select_for_update().select_related("patient", "score").get(pk=alert.pk)


@transaction.atomic
def alert_acknowledge(*, alert: Alert, by: User, note: str = "") -> AlertTransition:
    """Somebody has it. Raises NotAllowed when somebody else was first."""
    alert = _locked(alert)
    transition = _move(alert, "acknowledged", by=by, at=timezone.now(), note=note)
    audit_record(by=by, action="alert acknowledged", patient=alert.patient, alert=alert.pk)
    return transition


@transaction.atomic
def alert_dismiss(*, alert: Alert, by: User, reason: str, note: str = "") -> AlertTransition:
    """Close it for a reason. Raises NotAllowed without a known reason, or when it is closed."""
    if reason not in DismissReason.values:
        raise NotAllowed("Choose one of the reasons to dismiss an alert.")
    if reason == DismissReason.OTHER and not note.strip():
        raise NotAllowed("Say in the note what the other reason is.")
    alert = _locked(alert)
    transition = _move(alert, "dismissed", by=by, at=timezone.now(), reason=reason, note=note)
    audit_record(
        by=by, action="alert dismissed", patient=alert.patient, alert=alert.pk, reason=reason
    )
    return transition


__all__ = [
    "NotAllowed",
    "alert_acknowledge",
    "alert_dismiss",
    "alerts_consider",
    "delivery_set",
    "message_enqueue",
    "message_resend",
    "outbox_deliver",
]
