"""What went to the EHR about an alert, and where it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from alerts.connection import NO_EHR, NO_FOLDER, NO_WAY
from alerts.delivering import NO_PATIENT_ID
from alerts.models import Alert, Notice, OutboxMessage
from alerts.notices import MESSAGE_FAILED
from alerts.outbox import FAILED
from alerts.presenters.words import when
from clarity_site.said import said_again
from patients.templatetags.clarity import moment

State = OutboxMessage.State
RESENDABLE = (State.REFUSED, State.DEAD)
HELD_WORDS = {
    NO_EHR: _("Not sent: no EHR is connected"),
    NO_WAY: _("Not sent: the EHR takes no message"),
    NO_FOLDER: _("Not sent: the folder for it is not set"),
    NO_PATIENT_ID: _("Not sent: the patient has no id in the EHR yet"),
}


@dataclass(frozen=True)
class Delivery:
    """One message. ``level``: done, waiting, held, failed or none; ``text`` as it was written."""

    level: str
    words: str | Promise
    tier: str
    text: str
    error: str


def deliveries(alert: Alert, zone: str, now: datetime) -> list[Delivery]:
    """The alert's messages of ``alerts_visible_to``, the newest first."""
    messages: Sequence[OutboxMessage] = list(alert.messages.all())
    notices = list(alert.notices.all())
    return [_delivery(m, notices, zone, now) for m in reversed(messages)]


def _delivery(
    message: OutboxMessage, notices: Iterable[Notice], zone: str, now: datetime
) -> Delivery:
    level, words = _state(message, notices, zone, now)
    trouble = message.last_error if message.state in (*FAILED, State.PENDING) else ""
    told: str | None = message.text  # type: ignore[attr-defined]
    tier: str = message.tier  # type: ignore[attr-defined]
    return Delivery(level, words, tier, told or "", trouble)


def _state(
    message: OutboxMessage, notices: Iterable[Notice], zone: str, now: datetime
) -> tuple[str, str | Promise]:
    if message.state == State.DELIVERED and message.delivered_at:
        at = when(message.delivered_at, zone, now)
        return "done", format_html(gettext("In the record since {at}"), at=at)
    if message.state == State.PENDING and message.attempts:
        at = when(message.next_attempt_at, zone, now)
        return "waiting", format_html(gettext("Waiting, next try {at}"), at=at)
    if message.state == State.HELD:
        return "held", HELD_WORDS.get(message.last_error, _("Not sent: delivery is off"))
    if message.state in FAILED:
        # Whether they were told stands in the rows; it is never assumed.
        told = any(n.event == MESSAGE_FAILED and n.at >= message.created_at for n in notices)
        return "failed", _("Failed: an administrator was told") if told else _(
            "Failed: ask an administrator to send it again"
        )
    return {
        State.PENDING: ("waiting", _("Waiting to be sent to the record")),
        State.SENDING: ("waiting", _("Being sent to the record")),
        State.SUPERSEDED: ("none", _("Not sent: something newer took its place")),
    }.get(State(message.state), ("done", _("In the record")))


def delivery_words(message: OutboxMessage, zone: str) -> tuple[str, str]:
    """Where the message to the EHR is: (level, words)."""
    state = OutboxMessage.State
    if message.state == state.DELIVERED and message.delivered_at:
        at = {"at": moment(message.delivered_at, zone)}
        return "done", gettext("delivered to the EHR %(at)s") % at
    told = {"n": message.attempts, "next": message.attempts + 1}
    level, words = {
        state.PENDING: ("waiting", gettext("waiting, attempt %(next)d")),
        state.SENDING: ("waiting", gettext("being sent to the EHR")),
        state.HELD: ("held", pgettext("a message", "held")),
        state.REFUSED: ("failed", gettext("refused by the EHR")),
        state.DEAD: ("failed", gettext("given up after %(n)d attempts")),
        state.SUPERSEDED: ("none", gettext("superseded by a newer message")),
    }.get(state(message.state), ("done", gettext("delivered to the EHR")))
    said = words % told
    if message.last_error and message.state in (state.PENDING, state.HELD, *RESENDABLE):
        both = {"state": said, "why": said_again(message.last_error)}
        said = gettext("%(state)s: %(why)s") % both
    return level, said
