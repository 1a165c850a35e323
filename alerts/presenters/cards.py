"""How alerts and their messages look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from alerts.domain.escalation import Policy
from alerts.domain.history import kept
from alerts.domain.states import UNDO_WITHIN, UNDOABLE, next_state
from alerts.domain.triage import RANK
from alerts.domain.who_may import NO, alert_class, answer
from alerts.models import (
    Alert,
    AlertKind,
    AlertState,
    AlertTransition,
    DismissReason,
    FollowUp,
)
from alerts.notices import TOLD
from alerts.presenters.advice import AdviceView, advice_view
from alerts.presenters.delivery import Delivery, deliveries
from alerts.presenters.words import span, when
from alerts.queue import names_of, taken_on
from alerts.resources import policy_of
from clarity_site.said import said_again
from patients.models import User
from patients.permissions import Permission, may
from patients.presenters import zone_now
from patients.services import SYSTEM
from patients.templatetags.clarity import day as day_words
from scoring.presenters.explanation import most_raising
from scoring.presenters.tracks import TrackView, track_views

TITLES = {
    AlertKind.DEPRESSION: _("Depression risk indicator"),
    AlertKind.MANIA: _("Mania risk indicator"),
    AlertKind.SAFETY: _("Safety: self-harm item"),
    AlertKind.DATA: _("No data"),
    AlertKind.CONCERN: _("Concern of a clinician"),
}
WHY = {  # by the reason that triage gives
    "high": _("The tier is High."),
    "higher": _("The tier has risen."),
    "persisted": _("Moderate on most of the last days."),
    "rose_fast": _("The indicator rose fast."),
    "early_warning": _("An early-warning rule of sleep."),
    "antidepressant_active": _("An antidepressant is active."),
    "mood_stabiliser_stopped": _("A mood stabiliser was stopped lately."),
    "worse_than_usual": _("Worse than this person’s usual by 2 SD or more."),
    "self_harm_item": _("Item 9 of a PHQ-9 was answered above 0."),
    "no_data": _("Nothing was recorded lately. This does not say how the person is."),
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
ROLES = {  # as the policy of escalation names them
    "coordinator": _("the coordinator"),
    "psychiatrist": _("the psychiatrist"),
    "on_call": _("whoever is on call"),
}
WAITING = {  # what comes next, and the same where they were told before
    "now": (
        _("Waiting for {span}; {next} is being told."),
        _("Waiting for {span}; {next} is being told again."),
    ),
    "late": (
        _("Past its time: waiting for {span}; by {due} {next} is told."),
        _("Past its time: waiting for {span}; by {due} {next} is told again."),
    ),
    "": (
        _("Waiting for {span}; if nobody takes it on by {due}, {next} is told."),
        _("Waiting for {span}; if nobody takes it on by {due}, {next} is told again."),
    ),
}
RAISED = ("raised", "risen", "repeated", "upgraded")
SNOOZES = (1, 4, 24, 72, 168)  # hours that one press gives, as far as the policy allows


@dataclass(frozen=True)
class AlertCard:
    """One alert, ready for the template; moments are of the patient's zone."""

    alert: Alert
    zone: str
    now: datetime
    names: Mapping[str, str]
    deliveries: list[Delivery]
    history: list[AlertTransition]
    advice: AdviceView
    acts: Mapping[str, str]
    undo_until: datetime | None
    may_read_notes: bool

    @property
    def title(self) -> Promise:
        """“Mania risk indicator”."""
        return TITLES[AlertKind(self.alert.kind)]

    def name(self, username: str) -> str:
        """The full name of somebody who acted."""
        system = gettext("system") if username == SYSTEM else username
        return self.names.get(username, system)

    def at(self, moment: datetime) -> SafeString:
        """The moment on the patient's clock."""
        return when(moment, self.zone, self.now)

    def _last(self, *events: str) -> AlertTransition | None:
        return next((t for t in reversed(kept(self.history)) if t.event in events), None)

    @property
    def why(self) -> str:
        """Why it was raised or rose last, and what raises the indicator most; of a concern none.

        An early-warning rule that set the tier is named first: then it is not the model's.
        """
        told = self._last("raised", "risen", "upgraded")
        words = [str(WHY[told.reason])] if told and told.reason in WHY else []
        if (view := self._view()) and view.by_rule and str(WHY["early_warning"]) not in words:
            words.insert(0, str(WHY["early_warning"]))
        if told and told.event == "upgraded":
            by = {"who": self.name(told.actor)}
            words = [gettext("Raised to High by %(who)s, whatever the model says.") % by]
        return " ".join([*words, *self._moved()])

    def _view(self) -> TrackView | None:
        views = track_views(self.alert.score) if self.alert.score else []
        return next((v for v in views if v.name == self.alert.track), None)

    def _moved(self) -> list[str]:
        """What raises the indicator most, in its unit; none where it did not set the tier."""
        score, view = self.alert.score, self._view()
        if score is None or view is None or not view.assessed or view.by_rule:
            return []
        words = most_raising(score, view)
        return [f"{words}."] if words else []

    @property
    def concern(self) -> AlertTransition | None:
        """Who raised a concern, and in which words, for those who may read notes."""
        told = [t for t in kept(self.history) if t.note and t.event in RAISED]
        return told[-1] if told and self.may_read_notes else None

    @property
    def concern_by(self) -> str:
        """Whose concern it is."""
        return self.name(self.concern.actor) if self.concern else ""

    @property
    def raised_words(self) -> SafeString:
        """When it was raised, and of which day its score is."""
        raised, score = self.at(self.alert.raised_at), self.alert.score
        if score is None:
            return _said(gettext("Raised {raised}."), raised=raised)
        said = gettext("Raised {raised}; latest score of {day}.")
        return _said(said, raised=raised, day=day_words(score.day))

    @property
    def request(self) -> AlertTransition | None:
        """What waits for a psychiatrist."""
        asked = [t for t in self.history if t.event == self.alert.requested]
        return asked[-1] if asked else None

    @property
    def acknowledged(self) -> AlertTransition | None:
        """Who holds an open alert."""
        return taken_on(self.alert)

    @property
    def is_late(self) -> bool:
        """Whether it waits longer than its policy meant it to."""
        return self.alert.state == AlertState.NEW and self.alert.level > 0

    @property
    def waiting(self) -> SafeString | str:
        """How long it waits and for whom, or who has it and until when."""
        alert, held = self.alert, self.acknowledged
        due = self.at(alert.due_at) if alert.due_at else ""
        then, told = self._next(), {n.user.role for n in alert.notices.all() if n.event in TOLD}
        if alert.state == AlertState.SNOOZED and held:
            said = gettext("Snoozed by {who} until {due}, or until the tier rises.")
        elif held:
            said = gettext("{who} has it since {since}; it comes back if nothing follows by {due}.")
        else:
            overdue = bool(alert.due_at and alert.due_at <= self.now)
            said = str(WAITING["now" if overdue else "late" if self.is_late else ""][then <= told])
        return format_html(
            said,
            who=self.name(held.actor) if held else "",
            since=self.at(held.at) if held else "",
            due=due,
            span=span(self.now - (alert.new_since or alert.raised_at)),
            next=", ".join(str(ROLES[to]) for to in ROLES if to in then),
        )

    def _next(self) -> set[str]:
        policy: Policy = policy_of(self.alert.kind, self.alert.tier, self.alert.policy)
        return set(policy.recipients(self.alert.level + 1))

    @property
    def told(self) -> str:
        """Who was told of it, and whether they have looked at their notices since."""
        seen: dict[str, bool] = {}
        for notice in self.alert.notices.all():
            if notice.event in TOLD:
                seen[str(notice.user)] = bool(notice.seen_at)
        if not seen:
            return gettext("Nobody was sent a notice of it.")
        looked = {
            True: gettext("%(who)s (has looked)"),
            False: gettext("%(who)s (has not looked yet)"),
        }
        return gettext("Told: %(people)s.") % {
            "people": ", ".join(looked[has] % {"who": who} for who, has in seen.items())
        }

    @property
    def remarks(self) -> list[SafeString]:
        """What a reader would not expect: it came back, was lowered, or the indicator fell."""
        found, alert = [], self.alert
        back = kept(self.history)[-1] if kept(self.history) else None
        if alert.state == AlertState.NEW and back and back.event == "lapsed":
            found.append(_said(gettext("It came back: it was taken on, and nothing followed.")))
        if alert.state == AlertState.NEW and back and back.event == "woken":
            found.append(_said(gettext("It came back: its snooze is over.")))
        moved = self._last("raised", "risen", "upgraded", "downgraded")
        if moved and moved.event == "downgraded":
            lowered = gettext("Lowered from High by {who}, {at}.")
            found.append(_said(lowered, who=self.name(moved.actor), at=self.at(moved.at)))
        fallen = RANK.get(alert.evidence_tier, 0)
        if alert.is_open and 0 < fallen < RANK[alert.tier]:
            words = gettext(
                "The indicator is {tier} now; the alert stays until somebody closes it."
            )
            found.append(_said(words, tier=said_again(alert.evidence_tier)))
        return found

    @property
    def request_words(self) -> str:
        """“dismiss it (Data artefact …), and to look again on 3 March 2026”."""
        asked = self.request
        if asked is None:
            return ""
        who = {"who": self.name(asked.actor)}
        if asked.event == "downgrade_requested":
            return gettext("%(who)s asks to lower it to Moderate") % who
        reason = DismissReason(asked.reason).label if asked.reason in DismissReason.values else ""
        later = next((f for f in self.alert.follow_ups.all() if f.transition_id == asked.pk), None)
        if later is None:
            return gettext("%(who)s asks to dismiss it (%(reason)s)") % {**who, "reason": reason}
        return gettext("%(who)s asks to dismiss it (%(reason)s), and to look again on %(day)s") % (
            {**who, "reason": reason, "day": day_words(later.due_on)}
        )

    @property
    def follow_ups(self) -> list[FollowUp]:
        """What is promised about it."""
        return [f for f in self.alert.follow_ups.all() if f.state == FollowUp.State.OPEN]

    @property
    def snoozes(self) -> list[tuple[int, str]]:
        """How long one press snoozes it: hours and words."""
        most = policy_of(self.alert.kind, self.alert.tier, self.alert.policy).snooze_at_most
        return [(h, span(timedelta(hours=h))) for h in SNOOZES if timedelta(hours=h) <= most]

    @property
    def closing(self) -> AlertTransition | None:
        """The last change."""
        return self.history[-1] if self.history else None

    @property
    def closing_by(self) -> str:
        """Who made the last change."""
        return self.name(self.closing.actor) if self.closing else ""

    @property
    def closing_words(self) -> str:
        """The last change in words."""
        return transition_words(self.closing) if self.closing else ""


def _said(words: str, **values: Any) -> SafeString:
    return format_html(words, **values) if values else format_html("{}", words)


def alert_cards(
    alerts: Sequence[Alert], user: User, now: datetime | None = None
) -> list[AlertCard]:
    """Cards of alerts from ``alerts_visible_to``, with what the user may do; one query."""
    names = names_of(alerts) if alerts else {}
    return [_card(alert, user, names, now or timezone.now()) for alert in alerts]


def _card(alert: Alert, user: User, names: Mapping[str, str], now: datetime) -> AlertCard:
    zone, history = zone_now(alert.patient), list(alert.transitions.all())
    return AlertCard(
        alert=alert,
        zone=zone,
        now=now,
        names=names,
        deliveries=deliveries(alert, zone, now),
        history=history,
        advice=advice_view(alert.recommendation, timezone.localdate(now)),
        acts=_acts(alert, user),
        undo_until=_undo_until(history, user, now),
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


def _undo_until(history: Sequence[AlertTransition], user: User, now: datetime) -> datetime | None:
    """Until when the user can take back the last act; None where it is not theirs, or too late."""
    last = history[-1] if history else None
    if last is None or last.actor != user.username or last.event not in UNDOABLE:
        return None
    return last.at + UNDO_WITHIN if now - last.at <= UNDO_WITHIN else None


EVENTS = {
    "raised": _("Raised"),
    "risen": _("Risen"),
    "repeated": _("Told again"),
    "escalated": _("Escalated"),
    "lapsed": _("Came back: nothing followed"),
    "woken": _("Came back: its snooze is over"),
    "acknowledged": _("Acknowledged"),
    "contacted": _("Contacted"),
    "follow_up_set": _("Follow-up set"),
    "snoozed": _("Snoozed"),
    "upgraded": _("Raised to High"),
    "downgraded": _("Lowered to Moderate"),
    "dismissal_requested": _("Dismissal asked for"),
    "downgrade_requested": _("Lowering asked for"),
    "request_declined": _("Request declined"),
    "dismissed": _("Dismissed"),
    "ended": _("Ended: data have come again"),
    "resolved": _("Resolved"),
    "undone": _("Undone"),
}


def transition_words(transition: AlertTransition) -> str:
    """“Dismissed (Known and managed)”."""
    words = str(EVENTS.get(transition.event, transition.event))
    if transition.reason in DismissReason.values:
        words += f" ({DismissReason(transition.reason).label})"
    return words
