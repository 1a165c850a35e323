"""Takes back what the EHR was told of an alert: once it is resolved, dismissed or told anew."""

from base64 import b64encode
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_noop

from alerts.domain import states
from alerts.fhir.answers import Delivered, Refused
from alerts.fhir.capability import COMMUNICATION, FOLDER, REQUEST
from alerts.fhir.client import EhrClient, name_of
from alerts.fhir.communication import communication
from alerts.fhir.folder import written
from alerts.models import EhrConnection, OutboxMessage
from alerts.outbox import IN_FLIGHT, NotYet, score_result
from clarity_site.said import said_again
from scoring.domain.output import RESEARCH_USE

State, Kind = OutboxMessage.State, OutboxMessage.Kind
# A request whose answer was lost may still be under way so long.
SETTLING = timedelta(minutes=1)


def close_earlier(
    client: EhrClient | None, ehr: EhrConnection, message: OutboxMessage, now: datetime
) -> Delivered | None:
    """Set every earlier notice of the alert that the EHR may hold to the status it has now.

    A Communication has been sent and cannot be taken back: where the alert is closed a short one
    follows it. None where the EHR was told nothing, where it lets no request be changed, and where
    the alert went on since: a later one does it then.
    Raises NotYet while one is being sent, TemporaryFailure, Refused.
    """
    if _overtaken(message):
        return None
    status = _status(message)
    done: dict[str, Delivered] = {}  # by the way it went
    refusals: list[Refused] = []
    for notice in _earlier(message, now):
        way = notice.sent_as
        try:
            # One Communication, however many of them it closes.
            told = done.get(way) if way == COMMUNICATION else None
            told = told or _taken_back(client, ehr, message, notice, status)
        except Refused as refusal:  # the others are to be taken back all the same
            refusals.append(refusal)
            continue
        if told is not None:
            done[way] = told
            notice.closed_as = status
            notice.save(update_fields=["closed_as"])
    if refusals:
        raise refusals[0]
    return next(reversed(done.values()), None)


def _taken_back(
    client: EhrClient | None,
    ehr: EhrConnection,
    message: OutboxMessage,
    notice: OutboxMessage,
    status: str,
) -> Delivered | None:
    """By the way the notice went; None where it never arrived, or nothing can or is to be said."""
    if notice.sent_as == COMMUNICATION:
        return _told_again(client, message, notice, status)
    if notice.sent_as == FOLDER or client is None:
        return written(Path(settings.EHR_FOLDER), notice.resource | {"status": status})
    return _updated(client, notice, status) if ehr.updates else None


def _overtaken(message: OutboxMessage) -> bool:
    """It was of the alert's end, and the alert was taken up again: whoever reads last must not
    read that it has ended.
    """
    later = OutboxMessage.objects.filter(
        alert=message.alert_id, kind=Kind.CLOSING, pk__gt=message.pk
    )
    return _ends(message) and later.exists()


def _status(message: OutboxMessage) -> str:
    """Completed when the alert was dealt with, revoked when it was dismissed or told anew."""
    return "completed" if message.transition.to_state == states.RESOLVED else "revoked"


def _earlier(message: OutboxMessage, now: datetime) -> list[OutboxMessage]:
    """Notices that the EHR may hold and that were not taken back. Raises NotYet."""
    rows = OutboxMessage.objects.filter(
        alert=message.alert_id, kind=Kind.NOTICE, pk__lt=message.pk
    ).exclude(transition=message.transition_id)
    if rows.filter(state=State.SENDING, claimed_until__gte=now).exists():
        raise NotYet(IN_FLIGHT)
    tried = [it for it in rows.exclude(tried_at=None) if _stands_otherwise(it, message)]
    lost = [it.tried_at for it in tried if it.state != State.DELIVERED and it.tried_at]
    if lost and max(lost) + SETTLING > now:
        raise NotYet(SETTLING)
    return tried


def _stands_otherwise(notice: OutboxMessage, message: OutboxMessage) -> bool:
    """It was not taken back yet; or, the last that was told, otherwise than the alert ended.

    An alert may be dismissed, taken up again and resolved before anything new was sent of it.
    """
    if not notice.closed_as:
        return True
    later = OutboxMessage.objects.filter(
        alert=message.alert_id, kind=Kind.NOTICE, pk__gt=notice.pk, pk__lt=message.pk
    )
    is_last = not later.exclude(tried_at=None).exists()
    return is_last and _ends(message) and notice.closed_as != _status(message)


def _ends(message: OutboxMessage) -> bool:
    """Whether its transition closed the alert."""
    return message.transition.to_state in states.CLOSED


def _updated(client: EhrClient, notice: OutboxMessage, status: str) -> Delivered | None:
    """The request with its new status; None where it never arrived.

    Where the EHR cannot be asked whether it did, it is told anew, already closed.
    """
    known_as = notice.ehr_resource_id
    if not known_as:
        found = client.find(REQUEST, name_of(notice.resource))
        if found is None and client.can_search(REQUEST):
            return None
        found = found or client.create(dict(notice.resource) | {"status": status})
        known_as = found.id or ""
        _arrived(notice, found)
    if known_as:
        client.update(REQUEST, known_as, name_of(notice.resource), status=status)
    return Delivered(known_as or None, None, duplicate=True)


def _is_there(client: EhrClient, notice: OutboxMessage) -> bool:
    """Whether the notice arrived; where its answer was lost and nobody can tell, it may have."""
    if notice.state == State.DELIVERED:
        return True
    if found := client.find(COMMUNICATION, name_of(notice.resource)):
        _arrived(notice, found)
    return found is not None or not client.can_search(COMMUNICATION)


def _arrived(notice: OutboxMessage, found: Delivered) -> None:
    """Its answer had been lost: it is there."""
    notice.ehr_resource_id, notice.state = found.id or "", State.DELIVERED
    notice.delivered_at = notice.tried_at
    notice.save(update_fields=["ehr_resource_id", "state", "delivered_at"])


def _told_again(
    client: EhrClient | None, message: OutboxMessage, notice: OutboxMessage, status: str
) -> Delivered | None:
    """A short routine Communication that the alert is closed; None while it is open.

    None too where what it closes never arrived.
    """
    if client is None or not _ends(message) or not _is_there(client, notice):
        return None
    sent, text = communication(notice.resource), _end_in_words(message, status)
    sent["payload"][0]["contentAttachment"]["data"] = b64encode(text.encode()).decode("ascii")
    sent["identifier"] = [{**sent["identifier"][0], "value": str(message.identifier)}]
    sent |= {"priority": "routine", "sent": message.created_at.isoformat(timespec="seconds")}
    return client.create(sent, resend=message.attempts > 1)


def _end_in_words(message: OutboxMessage, status: str) -> str:
    """In the clinic's language; the research-use sentence first, while it applies."""
    score = message.alert.score
    simulated = score is None or score_result(score).research_use
    lines = [f"{RESEARCH_USE}."] if simulated else []
    lines.append(CLOSED_WORDS[status] % {"track": message.alert.kind})
    return "\n".join(said_again(line, settings.CLINIC_LANGUAGE) for line in lines)


CLOSED_WORDS = {
    "completed": gettext_noop("Clarity: the %(track)s alert sent before has been resolved."),
    "revoked": gettext_noop("Clarity: the %(track)s alert sent before has been dismissed."),
}
