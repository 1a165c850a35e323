"""How an alert moves: the table of states applied to its row, in one transaction with all of it.

Every change of an alert goes through ``move``: it writes the transition, cancels what is no
longer to be said, tells who is to know, and enqueues the message to the EHR.
"""

from datetime import datetime
from typing import Any

from alerts.domain import states
from alerts.domain.escalation import Policy, policy_name
from alerts.domain.states import Life, NotInTable
from alerts.models import Alert, AlertTransition
from alerts.notices import access_end, notices_cancel, notices_make
from alerts.outbox import message_enqueue
from alerts.resources import policies
from patients.models import User

POLICY_SET_BY = ("raised", "risen", "upgraded", "downgraded")  # what changes the tier
TAKEN_ON = (
    "acknowledged", "contacted", "follow_up_set", "snoozed", "dismissed", "resolved",
)  # fmt: skip


class NotAllowed(ValueError):
    """The alert is not in a state for this; the message says what happened to it."""


def alert_locked(alert: Alert) -> Alert:
    """The alert as it stands now, kept from others until the transaction ends."""
    rows = Alert.objects.select_for_update(of=("self",)).select_related("patient", "score")
    return rows.get(pk=alert.pk)


def move(
    alert: Alert,
    event: str,
    *,
    by: User | str,
    at: datetime,
    tier: str = "",
    until: datetime | None = None,
    reason: str = "",
    note: str = "",
    back_to: Life | None = None,
) -> AlertTransition:
    """Apply the event. Within a transaction that holds the alert's lock, or its patient's.

    Raises NotAllowed, which says what happened to the alert, where the table forbids it.
    """
    before = alert.life
    if event in POLICY_SET_BY:
        alert.policy = policies()[policy_name(alert.kind, tier)].as_dict()
    policy = Policy.of(alert.policy)
    try:
        alert.life = states.step(before, event, at, policy, tier=tier, until=until, before=back_to)
    except NotInTable as error:
        raise NotAllowed(_what_happened(alert, before, error)) from None
    if event == "undone":
        alert.policy = policies()[policy_name(alert.kind, alert.tier)].as_dict()
    alert.changed_at = at
    alert.save()
    transition = AlertTransition.objects.create(
        alert=alert,
        event=event,
        from_state=before.state,
        to_state=alert.state,
        tier=alert.tier,
        actor=by if isinstance(by, str) else by.username,
        reason=reason,
        note=note,
        at=at,
        before=before.as_dict(),
    )
    _tell(alert, transition, at)
    return transition


def _tell(alert: Alert, transition: AlertTransition, at: datetime) -> None:
    if transition.event in TAKEN_ON:
        notices_cancel(alert=alert, at=at)
    if not alert.is_open:
        access_end(alert=alert)
    notices_make(alert=alert, event=transition.event, at=at)
    reopened = transition.event == "undone" and transition.from_state in states.CLOSED
    if alert.track and (transition.event in states.NOTIFYING or reopened):
        message_enqueue(alert=alert, transition=transition, at=at)


def _what_happened(alert: Alert, before: Life, error: NotInTable) -> str:
    last: Any = alert.transitions.last() if alert.pk else None
    who = f" by {last.actor}" if last else ""
    if before.state in states.CLOSED or (last and last.actor != "system"):
        return f"This alert has already been {before.state}{who}."
    return f"This cannot be done to the alert now: {error}."
