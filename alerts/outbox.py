"""The outbox: what the EHR is to hold of an alert, written with the transition that changed it.

A notice tells of the alert; a closing takes back what earlier notices of it told; a result is
what the score says beside it, for an EHR that takes that. ``delivering`` sends them.
"""

from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerLost

from alerts.connection import ehr
from alerts.domain import states
from alerts.domain.wording import message_lines
from alerts.fhir.modelled import InvalidResource
from alerts.fhir.observations import ScoreResult, TrackResult, observation
from alerts.fhir.resources import AlertMessage, communication_request
from alerts.models import Alert, AlertTransition, OutboxMessage
from alerts.notices import message_failed_notices
from alerts.resources import triage_rules
from clarity_site.logs import log
from clarity_site.said import said_again
from patients.models import User
from patients.services import audit_record
from scoring.domain.output import RESEARCH_USE
from scoring.engines.artifacts import SIMULATED
from scoring.models import RiskScore, Tier, Track

State, Kind = OutboxMessage.State, OutboxMessage.Kind
FAILED = (State.REFUSED, State.DEAD)
TIER_SET = ("raised", "risen", "upgraded", "downgraded")
DELIVER = "alerts.tasks.deliver_messages"
IN_FLIGHT = timedelta(seconds=15)  # how soon to look again at a message that is being sent


class NotYet(Exception):
    """The message waits so long for another of its alert, and for no fault of the EHR."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("waits for another message of its alert")
        self.wait = wait


class Held(Exception):
    """The message cannot be sent until somebody has done something."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def messages_enqueue(*, alert: Alert, transition: AlertTransition, at: datetime) -> None:
    """Write what the EHR is to be told of the transition, if anything. In its transaction."""
    before = transition.before
    was_open, is_open = before.get("state") in states.OPEN, alert.state in states.OPEN
    if is_open and (
        transition.event in states.NOTIFYING or not was_open or before.get("tier") != alert.tier
    ):
        notice_enqueue(alert=alert, transition=transition, at=at)
    elif is_open or not was_open:
        return
    _closing_enqueue(alert, transition, at)
    transaction.on_commit(_wake)


def notice_enqueue(*, alert: Alert, transition: AlertTransition, at: datetime) -> OutboxMessage:
    """Tell of the alert as it stands, and of its score where the EHR takes that."""
    message = OutboxMessage(
        alert=alert, transition=transition, resource={}, created_at=at, next_attempt_at=at
    )
    try:
        message.resource = resource_of(message) or {}
    except InvalidResource as error:  # the clinician's alert must not fail with its message
        message.state, message.last_error = State.REFUSED, str(error)[:500]
        message_failed_notices(alert=alert, at=at)
    message.save()
    if alert.score is not None and ehr().results:
        OutboxMessage.objects.create(
            kind=Kind.RESULT, alert=alert, transition=transition, created_at=at,
            next_attempt_at=at, resource={"score": alert.score.pk},  # a rise brings a later one
        )  # fmt: skip
    return message


def _closing_enqueue(alert: Alert, transition: AlertTransition, at: datetime) -> None:
    """Earlier notices of the alert that the EHR may hold are to be taken back."""
    earlier = alert.messages.filter(kind=Kind.NOTICE).exclude(transition=transition)
    if earlier.exists():
        OutboxMessage.objects.create(
            kind=Kind.CLOSING, alert=alert, transition=transition, resource={}, created_at=at,
            next_attempt_at=at,
        )  # fmt: skip


def _wake() -> None:
    """Say that there is something to send. A broker that is lost is no trouble: beat looks too."""
    try:
        current_app.send_task(DELIVER, retry=False)
    except (BrokerLost, OSError) as failure:
        log.warning("nobody was woken", extra={"error": type(failure).__name__})


def resource_of(message: OutboxMessage) -> dict[str, object] | None:
    """A notice as the EHR is sent it; None while the patient has no id there.

    Raises InvalidResource.
    """
    known = message.alert.score is not None and message.alert.patient.ehr_id
    return notice_resource(message) if known else None


def notice_resource(message: OutboxMessage) -> dict[str, Any]:
    """A notice of an alert on a score, as a CommunicationRequest. Raises InvalidResource."""
    alert, score = message.alert, message.alert.score
    assert score is not None
    result = score_result(score)
    lines = message_lines(
        research_use=result.research_use,
        track=alert.kind,
        tier=message.transition.tier,
        score={
            "day": score.day.isoformat(),
            "tier": score.tier,
            "depression": score.depression,
            "mania": score.mania,
            "reasons": score.reasons,
        },
        recommendation=alert.recommendation,
        set_by_clinician=_is_set_by_clinician(message.transition),
    )
    days = triage_rules().follow_up_days[message.transition.tier]
    return communication_request(
        AlertMessage(
            identifier=str(message.identifier),
            group=str(alert.pk),
            patient_reference=result.patient_reference,
            recipient_references=(settings.EHR_RECIPIENT,) if settings.EHR_RECIPIENT else (),
            tier=message.transition.tier,
            track=alert.kind,
            authored_on=message.created_at,
            follow_up_start=message.created_at,
            follow_up_end=message.created_at + timedelta(days=days),
            lines=tuple(said_again(line, settings.CLINIC_LANGUAGE) for line in lines),
            note=f"Models: {result.models}" if result.models else "",
            observations=tuple(observation(result, it, contained=True) for it in result.tracks),
            research_use=result.research_use,
            research_notice=result.research_notice,
        )
    )


def _is_set_by_clinician(transition: AlertTransition) -> bool:
    """Whether the tier that it tells was last set by a person, also where that was acts ago."""
    set_before = transition.alert.transitions.filter(
        event__in=TIER_SET, tier=transition.tier, pk__lte=transition.pk
    )
    last = set_before.order_by("-pk").values_list("event", flat=True).first()
    return last in ("upgraded", "downgraded")


def score_result(score: RiskScore) -> ScoreResult:
    """A stored score as it leaves for another system."""
    versions = (score.depression_model, score.mania_model)
    return ScoreResult(
        identifier=str(score.pk),
        patient_reference=f"Patient/{score.patient.ehr_id or score.patient.code}",
        day=score.day,
        scored_at=score.scored_at,
        tier=score.tier,
        probability=score.probability,
        tracks=tuple(_track_result(score, name) for name in Track.values),
        reasons=tuple(reason["text"] for reason in score.reasons),
        models=", ".join(v.version for v in versions if v),
        research_use=any(v is None or v.trained_on == SIMULATED for v in versions),
        research_notice=said_again(RESEARCH_USE, settings.CLINIC_LANGUAGE),
    )


def _track_result(score: RiskScore, name: str) -> TrackResult:
    """An Indeterminate day gives no number, whatever its tracks hold."""
    track = getattr(score, name)
    known = score.tier != Tier.INDETERMINATE
    return TrackResult(
        track=name,
        probability=track["probability"] if known and track["status"] == "ok" else None,
        tier=track["tier"] if known and track["tier"] != Tier.INDETERMINATE else None,
        coverage=track["coverage"],
        reason=track["reason"] or "",
    )


@transaction.atomic
def message_resend(*, message: OutboxMessage, by: User) -> None:
    """Put a message that was refused or given up back in the queue."""
    again = OutboxMessage.objects.filter(
        pk=message.pk, state__in=[State.REFUSED, State.DEAD, State.HELD, State.PENDING]
    )
    now = timezone.now()
    # The clock of its 72 hours starts anew, its identifier stays: it cannot arrive twice.
    # What surely never arrived goes by the way that is chosen now, and as the record is now.
    again.filter(kind=Kind.NOTICE, tried_at=None).update(sent_as="", resource={})
    if again.update(state=State.PENDING, next_attempt_at=now, created_at=now, last_error=""):
        audit_record(
            by=by, action="message resent", patient=message.alert.patient, message=message.pk
        )


@transaction.atomic
def messages_resend(*, messages: QuerySet[OutboxMessage], by: User) -> int:
    """Put those of these that were refused or given up back in the queue; returns how many."""
    failed = list(messages.filter(state__in=FAILED).defer("resource"))
    for message in failed:
        message_resend(message=message, by=by)
    return len(failed)
