"""What somebody can take back, and how long they still can."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext

from alerts.domain.states import UNDO_WITHIN
from alerts.models import Alert, FollowUp
from alerts.presenters.cards import transition_words
from alerts.queue import last_act, last_kept_promise
from patients.models import User


@dataclass(frozen=True)
class Undo:
    """An act that can be taken back: by which form, for how many seconds more, in words."""

    action: str
    seconds: int
    words: str
    target: str = ""  # the element that the page swaps, where it is there for certain


def undo_of(alert: Alert, until: datetime | None, now: datetime, target: str) -> Undo | None:
    """The last act on the alert, if it is the user's own and not too old."""
    if until is None:
        return None
    action = reverse("alert-undo", args=[alert.pk])
    return Undo(action, _seconds(until, now), "", target)


def undo_of_promise(follow_up: FollowUp, now: datetime, target: str) -> Undo | None:
    """A follow-up that was done a moment ago."""
    if follow_up.done_at is None:
        return None
    action = reverse("follow-up-reopen", args=[follow_up.pk])
    return Undo(action, _seconds(follow_up.done_at + UNDO_WITHIN, now), "", target)


def undo_offered(user: User, now: datetime) -> Undo | None:
    """The user's last act on any alert or follow-up while it can be taken back."""
    act, kept = last_act(user, now), last_kept_promise(user, now)
    if kept and kept.done_at and (act is None or kept.done_at > act.at):
        words = gettext("You can take back: follow-up of %(patient)s done.")
        action, at = reverse("follow-up-reopen", args=[kept.pk]), kept.done_at
        named = words % {"patient": kept.patient}
        return Undo(action, _seconds(at + UNDO_WITHIN, now), named)
    if act is None:
        return None
    words = gettext("You can take back: %(what)s, %(patient)s, %(kind)s.") % {
        "what": transition_words(act).lower(),
        "patient": act.alert.patient,
        "kind": act.alert.get_kind_display(),
    }
    action = reverse("alert-undo", args=[act.alert_id])
    return Undo(action, _seconds(act.at + UNDO_WITHIN, now), words)


def _seconds(until: datetime, now: datetime) -> int:
    return max(int((until - now).total_seconds()), 0)
