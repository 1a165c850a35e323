"""The outbox: messages are written with their transition and delivered until they arrive."""

import random
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from alerts.domain.wording import message_lines
from alerts.fhir.client import Delivered, EhrClient, Refused, TemporaryFailure, is_loopback
from alerts.fhir.modelled import InvalidResource
from alerts.fhir.resources import AlertMessage, communication_request
from alerts.fhir.retry import GIVE_UP_AFTER, next_attempt_delay_s
from alerts.models import Alert, AlertTransition, EhrSetting, OutboxMessage
from alerts.notices import message_failed_notices
from alerts.resources import triage_rules
from clarity_site.logs import log
from clarity_site.said import said_again
from patients.models import User
from patients.services import audit_record
from scoring.domain.output import RESEARCH_USE
from scoring.engines.artifacts import SIMULATED

State = OutboxMessage.State
FAILED = (State.REFUSED, State.DEAD)
LEASE = timedelta(minutes=2)  # longer than a request can take
NO_EHR = "No EHR is connected: set EHR_BASE_URL."
NO_PATIENT_ID = "The patient has no id in the EHR: an administrator can add it."
DELIVERY_OFF = "Delivery beyond this machine is off: an administrator can turn it on."


def message_enqueue(*, alert: Alert, transition: AlertTransition, at: datetime) -> OutboxMessage:
    """Write the message. Runs in the transaction of the transition that caused it."""
    message = OutboxMessage(
        alert=alert, transition=transition, resource={}, created_at=at, next_attempt_at=at
    )
    try:
        message.resource = _resource(message) or {}
    except InvalidResource as error:  # the clinician's alert must not fail with its message
        message.state, message.last_error = State.REFUSED, str(error)[:500]
        message_failed_notices(alert=alert, at=at)
    message.save()
    return message


def _resource(message: OutboxMessage) -> dict[str, object] | None:
    alert, score = message.alert, message.alert.score
    if score is None or not alert.patient.ehr_id:
        return None
    versions = (score.depression_model, score.mania_model)
    in_research = any(v is None or v.trained_on == SIMULATED for v in versions)
    days = triage_rules().follow_up_days[alert.tier]
    lines = message_lines(
        research_use=in_research,
        track=alert.kind,
        tier=alert.tier,
        score={
            "day": score.day.isoformat(),
            "tier": score.tier,
            "depression": score.depression,
            "mania": score.mania,
            "reasons": score.reasons,
        },
        recommendation=alert.recommendation,
        raised_by_clinician=message.transition.event == "upgraded",
    )
    return communication_request(
        AlertMessage(
            identifier=str(message.identifier),
            patient_reference=f"Patient/{alert.patient.ehr_id}",
            recipient_references=(settings.EHR_RECIPIENT,) if settings.EHR_RECIPIENT else (),
            tier=alert.tier,
            track=alert.kind,
            authored_on=message.created_at,
            follow_up_start=message.created_at,
            follow_up_end=message.created_at + timedelta(days=days),
            lines=tuple(said_again(line, settings.CLINIC_LANGUAGE) for line in lines),
            note="Models: " + ", ".join(v.version for v in versions if v),
            research_use=in_research,
            research_notice=said_again(RESEARCH_USE, settings.CLINIC_LANGUAGE),
        )
    )


def held_reason() -> str | None:
    """Why nothing may be sent now, or None."""
    if not settings.EHR_BASE_URL:
        return NO_EHR
    setting = EhrSetting.objects.first()
    allowed = setting is not None and setting.deliver_beyond_this_machine
    return None if allowed or is_loopback(settings.EHR_BASE_URL) else DELIVERY_OFF


def outbox_deliver(*, now: datetime | None = None, limit: int = 500) -> int:
    """Send every message that is due; returns how many arrived.

    A claim is a row of its own, so two workers never send the same message, and a worker
    that dies gives its claim back when the lease ends.
    """
    if reason := held_reason():
        due = OutboxMessage.objects.filter(
            state=State.PENDING, next_attempt_at__lte=now or timezone.now()
        )
        due.update(state=State.HELD, last_error=reason)
        return 0
    _release(now or timezone.now())
    arrived = 0
    with EhrClient(settings.EHR_BASE_URL, token=_token()) as client:
        for _ in range(limit):
            at = now or timezone.now()  # of each message anew: a slow EHR outlasts a lease
            message = _claim(at)
            if message is None:
                break
            arrived += _send(client, message, at)
    return arrived


def _release(now: datetime) -> None:
    """Let go what was held for a reason that is gone; its 72 hours begin now."""
    held = OutboxMessage.objects.filter(state=State.HELD)
    held = held.exclude(last_error=NO_PATIENT_ID, alert__patient__ehr_id="")
    held.update(state=State.PENDING, last_error="", created_at=now)


def _token() -> str | None:
    path = settings.EHR_TOKEN_FILE
    return Path(path).read_text().strip() if path else None


@transaction.atomic
def _claim(now: datetime) -> OutboxMessage | None:
    lost = Q(state=State.SENDING, claimed_until__lt=now)
    due = OutboxMessage.objects.filter(Q(state=State.PENDING, next_attempt_at__lte=now) | lost)
    message = (
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("alert__patient", "alert__score", "alert__score__mania_model")
        .order_by("next_attempt_at", "id")
        .first()
    )
    if message is None:
        return None
    message.state, message.claimed_until = State.SENDING, now + LEASE
    message.attempts += 1
    message.save(update_fields=["state", "claimed_until", "attempts"])
    return message


def _send(client: EhrClient, message: OutboxMessage, now: datetime) -> bool:
    """One attempt; whatever comes of it is written on the message."""
    if _overtaken(message):
        _settle(message, State.SUPERSEDED)
        return False
    try:
        message.resource = message.resource or _resource(message) or {}
        if not message.resource:
            _settle(message, State.HELD, NO_PATIENT_ID)
            return False
        delivered = client.create(
            dict(message.resource), str(message.identifier), resend=message.attempts > 1
        )
    except TemporaryFailure as failure:
        _put_off(message, failure, now)
    except (Refused, InvalidResource) as refusal:
        outcome = getattr(refusal, "outcome_text", "")
        _settle(message, State.REFUSED, f"{refusal} {outcome}".strip())
    else:
        _arrived(message, delivered, now)
        return True
    return False


def _overtaken(message: OutboxMessage) -> bool:
    """A newer message of the alert exists, or the alert was closed before this was sent."""
    alert = Alert.objects.get(pk=message.alert_id)
    return not alert.is_open or alert.messages.filter(pk__gt=message.pk).exists()


@transaction.atomic
def _settle(message: OutboxMessage, state: str, error: str = "") -> None:
    message.state, message.last_error, message.claimed_until = state, error[:500], None
    message.save()
    if state in FAILED:  # what is shown as told has been told
        message_failed_notices(alert=message.alert, at=timezone.now())
    log.info("message settled", extra={"message_id": str(message.identifier), "state": state})


def _arrived(message: OutboxMessage, delivered: Delivered, now: datetime) -> None:
    message.ehr_resource_id, message.delivered_at = delivered.id or "", now
    _settle(message, State.DELIVERED)


def _put_off(message: OutboxMessage, failure: TemporaryFailure, now: datetime) -> None:
    if now - message.created_at > GIVE_UP_AFTER:
        _settle(message, State.DEAD, failure.reason)
        return
    wait_s = next_attempt_delay_s(message.attempts, random.random())
    wait_s = max(wait_s, failure.retry_after_s or 0.0)
    message.next_attempt_at = now + timedelta(seconds=wait_s)
    _settle(message, State.PENDING, failure.reason)


@transaction.atomic
def message_resend(*, message: OutboxMessage, by: User) -> None:
    """Put a message that was refused or given up back in the queue."""
    again = OutboxMessage.objects.filter(
        pk=message.pk, state__in=[State.REFUSED, State.DEAD, State.HELD, State.PENDING]
    )
    now = timezone.now()
    # The clock of its 72 hours starts anew, its identifier stays: it cannot arrive twice.
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


@transaction.atomic
def delivery_set(*, on: bool, by: User) -> None:
    """Turn delivery beyond this machine on or off."""
    setting = EhrSetting.objects.select_for_update().first() or EhrSetting()
    setting.deliver_beyond_this_machine = on
    setting.changed_by, setting.changed_at = by.username, timezone.now()
    setting.save()
    audit_record(by=by, action="delivery beyond this machine", on=on)
