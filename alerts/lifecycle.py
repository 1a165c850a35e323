"""How an alert moves: the table of states applied to its row, in one transaction with all of it.

Every change of an alert goes through ``move``: it writes the transition, cancels what is no
longer to be said, tells who is to know, and enqueues the message to the EHR.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from alerts.domain import states
from alerts.domain.escalation import Policy, policy_name
from alerts.domain.history import TAKEN_ON
from alerts.domain.states import NEEDS_REASON, Life, NotInTable
from alerts.models import Alert, AlertTransition
from alerts.notices import notices_cancel, notices_make
from alerts.outbox import messages_enqueue
from alerts.resources import policies
from alerts.resources import policy_of as frozen_policy
from patients.models import Patient, User
from patients.selectors import full_names

POLICY_SET_BY = ("raised", "risen", "upgraded", "downgraded")  # what changes the tier
CLOSING = ("dismissed", "resolved", "ended")


class NotAllowed(ValueError):
    """The alert is not in a state for this; the message says what happened to it."""


def alert_locked(alert: Alert) -> Alert:
    """The alert as it stands now, kept from others until the transaction ends.

    The patient first, as the night does: two who take the same locks in one order never wait for
    each other.
    """
    Patient.objects.select_for_update(no_key=True).get(pk=alert.patient_id)
    rows = Alert.objects.select_for_update(of=("self",)).select_related("patient", "score")
    return rows.get(pk=alert.pk)


def policy_of(alert: Alert, tier: str = "") -> Policy:
    """The policy that was frozen into the alert; ``tier`` where it has none yet."""
    return frozen_policy(alert.kind, tier or alert.tier, alert.policy)


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
    policy_to: dict[str, Any] | None = None,
) -> AlertTransition:
    """Apply the event. Within a transaction that holds the alert's lock, or its patient's.

    Raises NotAllowed, which says what happened to the alert, where the table forbids it.
    """
    if event in NEEDS_REASON and not (reason or note.strip()):
        raise NotAllowed(_("Say in the note why."))
    before, policy_before = alert.life, alert.policy
    if event in POLICY_SET_BY:
        alert.policy = policies()[policy_name(alert.kind, tier)].as_dict()
    policy = policy_of(alert, tier)
    try:
        alert.life = states.step(before, event, at, policy, tier=tier, until=until, before=back_to)
    except NotInTable as error:
        alert.policy = policy_before
        raise NotAllowed(_what_happened(alert, event, before, error)) from None
    if policy_to is not None:
        alert.policy = policy_to
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
        before=before.as_dict() | {"policy": policy_before},
    )
    _tell(alert, transition, at)
    return transition


def _tell(alert: Alert, transition: AlertTransition, at: datetime) -> None:
    taken_back = transition.event == "undone" and alert.state != states.NEW
    if transition.event in TAKEN_ON or taken_back:
        notices_cancel(alert=alert, at=at)
    notices_make(alert=alert, event=transition.event, at=at, actor=transition.actor)
    if alert.track:
        messages_enqueue(alert=alert, transition=transition, at=at)


def _what_happened(alert: Alert, event: str, before: Life, error: NotInTable) -> str:
    """Who did what before, for the one who came second."""
    if event.endswith("_requested") and before.requested:
        said = _("%(who)s has already asked a psychiatrist about this alert.")
        return said % {"who": _who(alert, before.requested)}
    if before.state in states.CLOSED:
        by = {"who": _who(alert, *CLOSING)}
        if before.state == states.DISMISSED:
            return _("This alert has already been dismissed by %(who)s.") % by
        return _("This alert has already been resolved by %(who)s.") % by
    if event == "acknowledged" and before.state == states.ACKNOWLEDGED:
        said = _("This alert has already been acknowledged by %(who)s.")
        return said % {"who": _who(alert, *TAKEN_ON)}
    if event == "resolved":
        return _("Acknowledge the alert or record a contact before you resolve it.")
    return _("This cannot be done to the alert now: %(why)s.") % {"why": error}


def _who(alert: Alert, *events: str) -> str:
    last = alert.transitions.filter(event__in=events).last() if alert.pk else None
    if last is None:
        return _("somebody")
    return full_names([last.actor]).get(last.actor, last.actor)
