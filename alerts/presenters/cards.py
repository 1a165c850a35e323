"""How alerts and their messages look."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from alerts.models import Alert, AlertState, AlertTransition, DismissReason, OutboxMessage
from alerts.presenters.advice import AdviceView, advice_view
from patients.presenters import in_zone, zone_now
from patients.templatetags.clarity import day as day_words
from scoring.models import Track

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

    @property
    def title(self) -> str:
        """“Mania risk indicator”."""
        return f"{Track(self.alert.track).label} risk indicator"

    @property
    def acknowledged(self) -> AlertTransition | None:
        """Who took an open alert on."""
        if self.alert.state != AlertState.ACKNOWLEDGED:
            return None
        return next((t for t in reversed(self.history) if t.to_state == self.alert.state), None)

    @property
    def closing(self) -> AlertTransition | None:
        """The last change."""
        return self.history[-1] if self.history else None

    @property
    def closing_words(self) -> str:
        """The last change in words."""
        return transition_words(self.closing) if self.closing else ""


def alert_cards(alerts: Sequence[Alert]) -> list[AlertCard]:
    """Cards of alerts from ``alerts_visible_to``."""
    return [_card(alert) for alert in alerts]


def _card(alert: Alert) -> AlertCard:
    zone = zone_now(alert.patient)
    messages = list(alert.messages.all())
    level, words = delivery_words(messages[-1] if messages else None, zone)
    return AlertCard(
        alert=alert,
        zone=zone,
        delivery=words,
        delivery_level=level,
        history=list(alert.transitions.all()),
        advice=advice_view(alert.recommendation, timezone.localdate()),
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
            "track": alert.track,
            "label": f"{alert.tier} alert raised",
        }
        for alert in alerts
    ]
