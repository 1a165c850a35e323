"""Sends what is in the outbox until it has arrived: nothing lost, nothing twice.

A claim is a row of its own, so two workers never send the same message, and a worker that dies
gives its claim back when the lease ends; what it may have sent is looked for before it is sent
again.
"""

import random
import re
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from alerts import connection
from alerts.closing import close_earlier
from alerts.fhir.answers import Delivered, Refused, TemporaryFailure
from alerts.fhir.capability import COMMUNICATION, FOLDER, REQUEST
from alerts.fhir.client import EhrClient
from alerts.fhir.communication import communication
from alerts.fhir.folder import written
from alerts.fhir.modelled import InvalidResource
from alerts.fhir.retry import GIVE_UP_AFTER, next_attempt_delay_s
from alerts.models import Alert, EhrConnection, OutboxMessage
from alerts.notices import message_failed_notices
from alerts.outbox import FAILED, IN_FLIGHT, Held, NotYet, resource_of
from alerts.results import send_results
from clarity_site.logs import log

State, Kind = OutboxMessage.State, OutboxMessage.Kind
LEASE = timedelta(minutes=5)  # longer than a message takes; who is slower settles nothing
NO_PATIENT_ID = "The patient has no id in the EHR: an administrator can add it."


def outbox_deliver(*, now: datetime | None = None, limit: int = 500) -> int:
    """Send every message that is due; returns how many arrived."""
    at = now or timezone.now()
    ehr = connection.ehr()
    if reason := connection.held_reason(ehr):
        due = OutboxMessage.objects.filter(state=State.PENDING, next_attempt_at__lte=at)
        due.update(state=State.HELD, last_error=reason)
        return 0
    _release(at)
    if connection.is_resting(ehr, at) or not _due(at).exists():
        return 0
    if not settings.EHR_BASE_URL:
        return _deliver(None, now, limit)
    with connection.ehr_client() as client:
        try:
            found = connection.capability_current(client, at)
        except (TemporaryFailure, Refused) as failure:
            _unreachable(str(failure), getattr(failure, "retry_after_s", None), at)
            return 0
        if not found.searchable:
            client.unsearchable.add(found.way)
        return _deliver(client, now, limit)


def _deliver(client: EhrClient | None, now: datetime | None, limit: int) -> int:
    arrived = 0
    for _ in range(limit):
        at = now or timezone.now()  # of each message anew: a slow EHR outlasts a lease
        ehr = connection.ehr()  # another worker may have found that it does not answer
        message = None if connection.is_resting(ehr, at) else _claim(at)
        if message is None:
            break
        arrived += _send(client, ehr, message, at)
    return arrived


def _unreachable(reason: str, retry_after_s: float | None, now: datetime) -> None:
    """Nobody knows yet what the EHR takes: all wait, and none longer than 72 hours."""
    connection.failed(reason, now, retry_after_s)
    log.warning("the EHR's capability could not be read", extra={"reason": reason})
    _due(now).update(last_error=reason[:500])
    for message in _due(now).filter(created_at__lt=now - GIVE_UP_AFTER):
        _settle(message, State.DEAD, reason)


def _release(now: datetime) -> None:
    """Let go what was held for a reason that is gone; its 72 hours begin now."""
    held = OutboxMessage.objects.filter(state=State.HELD)
    held = held.exclude(last_error=NO_PATIENT_ID, alert__patient__ehr_id="")
    held.update(state=State.PENDING, last_error="", created_at=now)


def _due(now: datetime) -> QuerySet[OutboxMessage]:
    lost = Q(state=State.SENDING, claimed_until__lt=now)
    return OutboxMessage.objects.filter(Q(state=State.PENDING, next_attempt_at__lte=now) | lost)


@transaction.atomic
def _claim(now: datetime) -> OutboxMessage | None:
    """Alerts before what takes them back, and scores last; each by its time."""
    message = (
        _due(now)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("alert__patient", "alert__score__mania_model", "transition")
        .order_by("kind", "next_attempt_at", "id")
        .first()
    )
    if message is None:
        return None
    message.state, message.claimed_until = State.SENDING, now + LEASE
    message.attempts += 1
    message.save(update_fields=["state", "claimed_until", "attempts"])
    return message


def _send(
    client: EhrClient | None, ehr: EhrConnection, message: OutboxMessage, now: datetime
) -> bool:
    """One attempt; whatever comes of it is written on the message. Whether it arrived."""
    try:
        if message.kind == Kind.NOTICE:
            delivered = _send_notice(client, ehr, message, now)
        elif message.kind == Kind.CLOSING:
            delivered = close_earlier(client, ehr, message, now)
        else:
            delivered = send_results(client, ehr, message)
    except NotYet as wait:
        message.attempts -= 1  # of no fault of the EHR
        message.next_attempt_at = now + wait.wait
        _settle(message, State.PENDING, message.last_error)
    except TemporaryFailure as failure:
        connection.failed(failure.reason, now, failure.retry_after_s)
        _put_off(message, failure, now)
    except Refused as refusal:
        connection.answered()
        _settle(message, State.REFUSED, f"{refusal} {refusal.outcome_text}".strip())
    except InvalidResource as refusal:  # the EHR was not asked
        _settle(message, State.REFUSED, str(refusal))
    except Held as held:
        _settle(message, State.HELD, held.reason)
    else:
        if delivered is None:
            _settle(message, State.SUPERSEDED)
            return False
        connection.answered()
        message.ehr_resource_id, message.delivered_at = delivered.id or "", now
        if _settle(message, State.DELIVERED):
            _wake_those_who_wait(message, now)
            return True
    finally:
        if client is not None and ehr.searchable and not client.can_search(ehr.way):
            EhrConnection.objects.filter(pk=ehr.pk).update(searchable=False)
    return False


def _wake_those_who_wait(message: OutboxMessage, now: datetime) -> None:
    """A notice has arrived: its results and closings that waited for that may go."""
    if message.kind == Kind.NOTICE:
        waiting = OutboxMessage.objects.filter(alert=message.alert_id, state=State.PENDING)
        waiting.filter(attempts=0, next_attempt_at__gt=now).update(next_attempt_at=now)


def _send_notice(
    client: EhrClient | None, ehr: EhrConnection, message: OutboxMessage, now: datetime
) -> Delivered | None:
    """By the way it was tried before, else by the one that is chosen. None: not sent any more."""
    if _overtaken(message):
        return None
    message.resource = message.resource or resource_of(message) or {}
    if not message.resource:
        raise Held(NO_PATIENT_ID)
    way = message.sent_as or (ehr.way if client else FOLDER)
    if not way:
        raise Held(connection.NO_WAY)
    if way == FOLDER and not settings.EHR_FOLDER:
        raise Held(connection.NO_FOLDER)
    if way == COMMUNICATION and _is_behind_another(message, now):
        raise NotYet(IN_FLIGHT)
    resend = message.tried_at is not None
    # Written before it goes: whoever finds it later knows that it may have gone.
    message.sent_as, message.tried_at = way, message.tried_at or now
    message.save(update_fields=["resource", "sent_as", "tried_at"])
    try:
        return _sent_by(way, client, message, resend=resend)
    except (TemporaryFailure, Refused, InvalidResource) as failure:
        if not resend and not getattr(failure, "may_have_arrived", False):
            message.tried_at = None  # kept with what came of the attempt
        raise


def _sent_by(
    way: str, client: EhrClient | None, message: OutboxMessage, *, resend: bool
) -> Delivered:
    if way == FOLDER or client is None:
        return written(Path(settings.EHR_FOLDER), message.resource)
    if way == COMMUNICATION:
        return client.create(communication(message.resource), resend=resend)
    return client.create(dict(message.resource) | _replaces(message), resend=resend)


def _replaces(message: OutboxMessage) -> dict[str, object]:
    """The alert's last notice before, where the EHR has it."""
    earlier = message.alert.messages.filter(kind=Kind.NOTICE, pk__lt=message.pk, sent_as=REQUEST)
    last = earlier.exclude(ehr_resource_id="").last()
    return {"replaces": [{"reference": f"{REQUEST}/{last.ehr_resource_id}"}]} if last else {}


def _is_behind_another(message: OutboxMessage, now: datetime) -> bool:
    """An earlier message of its alert is being sent: the last to arrive is what is read last."""
    earlier = OutboxMessage.objects.filter(alert=message.alert_id, pk__lt=message.pk)
    return earlier.filter(state=State.SENDING, claimed_until__gte=now).exists()


def _overtaken(message: OutboxMessage) -> bool:
    """A newer notice of the alert exists, or the alert was closed before this was sent."""
    alert = Alert.objects.get(pk=message.alert_id)
    newer = alert.messages.filter(kind=Kind.NOTICE, pk__gt=message.pk)
    return not alert.is_open or newer.exists()


@transaction.atomic
def _settle(message: OutboxMessage, state: str, error: str = "") -> bool:
    """Write what came of it; False where the claim has ended and another worker has it now."""
    mine = OutboxMessage.objects.select_for_update().filter(
        pk=message.pk, state=message.state, claimed_until=message.claimed_until
    )
    if not mine.exists():
        log.warning("a claim was lost", extra={"message_id": str(message.identifier)})
        return False
    said = without_name(error, message.alert.patient.name)[:500]
    message.state, message.last_error, message.claimed_until = state, said, None
    message.save()
    if state in FAILED:  # what is shown as told has been told
        message_failed_notices(alert=message.alert, at=timezone.now())
    log.info("message settled", extra={"message_id": str(message.identifier), "state": state})
    return True


def without_name(text: str, name: str) -> str:
    """What an EHR answered, without the patient's name: it is kept and shown as it stands.

    >>> without_name("Quist, Zebulon is not active.", "Zebulon Quist")
    '…, … is not active.'
    """
    for part in re.findall(r"\w{3,}", name):
        text = re.sub(rf"\b{re.escape(part)}\b", "…", text, flags=re.IGNORECASE)
    return text


def _put_off(message: OutboxMessage, failure: TemporaryFailure, now: datetime) -> None:
    if now - message.created_at > GIVE_UP_AFTER:
        _settle(message, State.DEAD, failure.reason)
        return
    wait_s = next_attempt_delay_s(message.attempts, random.random())
    wait_s = max(wait_s, failure.retry_after_s or 0.0)
    message.next_attempt_at = now + timedelta(seconds=wait_s)
    _settle(message, State.PENDING, failure.reason)
