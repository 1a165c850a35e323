"""How alerts and their messages look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from alerts.domain.history import TAKEN_ON, kept
from alerts.domain.states import UNDO_WITHIN, UNDOABLE, next_state
from alerts.domain.who_may import NO, alert_class, answer
from alerts.models import (
    Alert,
    AlertKind,
    AlertState,
    AlertTransition,
    DismissReason,
    FollowUp,
    OutboxMessage,
)
from alerts.presenters.advice import AdviceView, advice_view
from alerts.resources import triage_rules
from alerts.selectors import alerts_raised_lately
from patients.models import User
from patients.permissions import Permission, may
from patients.presenters import in_zone, zone_now
from patients.templatetags.clarity import day as day_words

TITLES = {
    AlertKind.DEPRESSION: "Depression risk indicator",
    AlertKind.MANIA: "Mania risk indicator",
    AlertKind.SAFETY: "Safety: self-harm item",
    AlertKind.DATA: "No data",
    AlertKind.CONCERN: "Concern of a clinician",
}
WHY = {  # by the reason that triage gives
    "high": "The tier is High.",
    "higher": "The tier has risen.",
    "persisted": "Moderate on most of the last days.",
    "rose_fast": "The indicator rose fast.",
    "early_warning": "An early-warning rule of sleep.",
    "antidepressant_active": "An antidepressant is active.",
    "mood_stabiliser_stopped": "A mood stabiliser was stopped lately.",
    "worse_than_usual": "Worse than this person’s usual by 2 SD or more.",
    "self_harm_item": "Item 9 of a PHQ-9 was answered above 0.",
    "no_data": "Nothing was recorded lately. This does not say how the person is.",
}
OFFERED = {  # address -> (action of the table of roles, event of the table of states)
    "acknowledge": ("acknowledge", "acknowledged"),
    "contact": ("record contact", "contacted"),
    "follow-up": ("set a follow-up", "follow_up_set"),
    "snooze": ("snooze", "snoozed"),
    "resolve": ("resolve", "resolved"),
    "dismiss": ("dismiss", "dismissed"),
    "upgrade": ("upgrade", "upgraded"),
    "downgrade": ("downgrade", "downgraded"),
    "decide": ("decide a request", "request_declined"),
}
RESENDABLE = (OutboxMessage.State.REFUSED, OutboxMessage.State.DEAD)


@dataclass(frozen=True)
class AlertCard:
    """One alert, ready for the template; moments are of the patient's zone."""

    alert: Alert
    zone: str
    delivery: str
    delivery_level: str
    history: list[AlertTransition]
    advice: AdviceView
    acts: Mapping[str, str]
    may_undo: bool
    may_read_notes: bool

    @property
    def title(self) -> str:
        """“Mania risk indicator”."""
        return TITLES[AlertKind(self.alert.kind)]

    @property
    def why(self) -> str:
        """Why it was raised or rose last, in words; of a concern its own."""
        told = [t for t in kept(self.history) if t.event in ("raised", "risen", "upgraded")]
        return WHY.get(told[-1].reason, "") if told else ""

    @property
    def concern(self) -> AlertTransition | None:
        """Who raised a concern, and in which words, for those who may read notes."""
        changes = [t for t in kept(self.history) if t.note]
        told = [t for t in changes if t.event in ("raised", "risen", "upgraded")]
        return told[-1] if told and self.may_read_notes else None

    @property
    def request(self) -> AlertTransition | None:
        """What waits for a psychiatrist."""
        asked = [t for t in self.history if t.event == self.alert.requested]
        return asked[-1] if asked else None

    @property
    def acknowledged(self) -> AlertTransition | None:
        """Who took an open alert on."""
        if self.alert.state != AlertState.ACKNOWLEDGED:
            return None
        return next((t for t in reversed(kept(self.history)) if t.event in TAKEN_ON), None)

    @property
    def request_words(self) -> str:
        """“dismiss it (Data artefact …), and to look again on 3 March 2026”."""
        asked = self.request
        if asked is None:
            return ""
        if asked.event == "downgrade_requested":
            return "lower it to Moderate"
        reason = DismissReason(asked.reason).label if asked.reason in DismissReason.values else ""
        later = next((f for f in self.alert.follow_ups.all() if f.transition_id == asked.pk), None)
        until = f", and to look again on {day_words(later.due_on)}" if later else ""
        return f"dismiss it ({reason}){until}"

    @property
    def follow_ups(self) -> list[FollowUp]:
        """What is promised about it."""
        return [f for f in self.alert.follow_ups.all() if f.state == FollowUp.State.OPEN]

    @property
    def closing(self) -> AlertTransition | None:
        """The last change."""
        return self.history[-1] if self.history else None

    @property
    def closing_words(self) -> str:
        """The last change in words."""
        return transition_words(self.closing) if self.closing else ""


def alert_cards(alerts: Sequence[Alert], user: User) -> list[AlertCard]:
    """Cards of alerts from ``alerts_visible_to``, with what the user may do."""
    return [_card(alert, user) for alert in alerts]


def _card(alert: Alert, user: User) -> AlertCard:
    zone, history = zone_now(alert.patient), list(alert.transitions.all())
    messages = list(alert.messages.all())
    level, words = delivery_words(messages[-1] if messages else None, zone)
    return AlertCard(
        alert=alert,
        zone=zone,
        delivery=words,
        delivery_level=level,
        history=history,
        advice=advice_view(alert.recommendation, timezone.localdate()),
        acts=_acts(alert, user),
        may_undo=_may_undo(history, user),
        may_read_notes=may(user, Permission.ACT_ON_ALERTS),
    )


def _acts(alert: Alert, user: User) -> dict[str, str]:
    """What may be done to the alert as it stands: action by its address, and “yes” or a request."""
    found = {
        name: answer(user.role, action, alert_class(alert.kind, alert.tier))
        for name, (action, event) in OFFERED.items()
        if next_state(alert.state, event) and (name != "decide" or alert.requested)
    }
    return {name: said for name, said in found.items() if said != NO}


def _may_undo(history: Sequence[AlertTransition], user: User) -> bool:
    last = history[-1] if history else None
    return bool(
        last
        and last.actor == user.username
        and last.event in UNDOABLE
        and timezone.now() - last.at <= UNDO_WITHIN
    )


@dataclass(frozen=True)
class FollowUpLine:
    """A promise that is due; the note of it only for those who may read notes."""

    follow_up: FollowUp
    words: str
    note: str


def follow_up_lines(follow_ups: Sequence[FollowUp], user: User) -> list[FollowUpLine]:
    """What was promised for today or before."""
    reads = may(user, Permission.ACT_ON_ALERTS)
    return [
        FollowUpLine(
            f,
            f"{TITLES[AlertKind(f.alert.kind)]}: follow-up promised by {f.transition.actor} "
            f"for {day_words(f.due_on)}",
            f.transition.note if reads else "",
        )
        for f in follow_ups
    ]


def budget_words(user: User) -> str:
    """A warning where more alerts came in a week than somebody can look at; else empty."""
    seen, most = alerts_raised_lately(user), triage_rules().alerts_a_week
    if not may(user, Permission.ACT_ON_ALERTS) or seen <= most:
        return ""
    return (
        f"{seen} alerts of your patients in seven days, more than the {most} that a clinician is "
        "meant to get. High ones come first; an administrator can look at which rules raise most."
    )


def delivery_words(message: OutboxMessage | None, zone: str) -> tuple[str, str]:
    """Where the message to the EHR is: (level, words)."""
    state = OutboxMessage.State
    if message is None:
        return "none", "no message to the EHR"
    if message.state == state.DELIVERED and message.delivered_at:
        at = in_zone(message.delivered_at, zone)
        return "done", f"delivered to the EHR {day_words(at.date())}, {at:%H:%M} {at.tzname()}"
    why = f": {message.last_error}" if message.last_error else ""
    return {
        state.PENDING: ("waiting", f"waiting, attempt {message.attempts + 1}{why}"),
        state.SENDING: ("waiting", "being sent to the EHR"),
        state.HELD: ("held", "held: delivery is off"),
        state.REFUSED: ("failed", f"refused by the EHR{why}"),
        state.DEAD: ("failed", f"given up after {message.attempts} attempts{why}"),
        state.SUPERSEDED: ("none", "superseded by a newer message"),
    }.get(state(message.state), ("done", "delivered to the EHR"))


def transition_words(transition: AlertTransition) -> str:
    """“Dismissed (Known and managed)”."""
    words = transition.event.replace("_", " ").capitalize()
    if transition.reason in DismissReason.values:
        words += f" ({DismissReason(transition.reason).label})"
    return words


def trend_marks(alerts: Sequence[Alert]) -> list[dict[str, str]]:
    """Alerts as marks on the trend: the day they were raised on the patient's clock."""
    return [
        {
            "day": in_zone(alert.raised_at, zone_now(alert.patient)).date().isoformat(),
            "track": alert.kind,
            "label": f"{alert.tier} alert raised",
        }
        for alert in alerts
        if alert.track
    ]
