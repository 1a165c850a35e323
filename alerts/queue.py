"""Who holds an alert, for whom it waits, and what others did since somebody's last visit."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Prefetch, Q

from alerts.domain.history import TAKEN_ON, kept
from alerts.domain.states import NEW, UNDO_WITHIN, UNDOABLE
from alerts.domain.who_may import YES, alert_class, answer
from alerts.models import (
    OPEN_STATES,
    Alert,
    AlertTransition,
    FollowUp,
    QueueVisit,
)
from patients.models import User
from patients.selectors import full_names, patients_visible_to
from patients.services import SYSTEM

SAME_VISIT = timedelta(minutes=30)
MINE, TEAM, NOBODY = "mine", "team", "nobody"
CHANGES_SHOWN = 200
ROW_FIELDS = (
    *("kind", "tier", "state", "raised_at", "requested", "due_at", "level", "new_since"),
    "policy",
)


def queue_rows(user: User) -> list[Alert]:
    """The user's open alerts with what tells their order and whose they are, and no more.

    A page shows a few of them: only those are read whole, by ``alerts_visible_to``.
    """
    changes = AlertTransition.objects.only("alert_id", "event", "actor", "at")
    rows = Alert.objects.filter(patient__in=patients_visible_to(user), state__in=OPEN_STATES)
    return list(
        rows.select_related("patient")
        .only(*ROW_FIELDS, "patient__code")
        .prefetch_related(
            Prefetch("transitions", changes.order_by("at", "id")), "on_call_access__member"
        )
    )


def queue_order(alert: Alert) -> tuple[bool, bool, bool, datetime]:
    """Safety, High, the others, the oldest first; what somebody has snoozed comes last."""
    return (
        alert.state == "snoozed",
        alert.kind != "safety",
        alert.tier != "High",
        alert.raised_at,
    )


def taken_on(alert: Alert) -> AlertTransition | None:
    """The act by which somebody holds the alert; None while nobody does."""
    if alert.state not in OPEN_STATES or alert.state == NEW:
        return None
    return next((t for t in reversed(kept(alert.transitions.all())) if t.event in TAKEN_ON), None)


def waits_for(alert: Alert, user: User) -> bool:
    """Whether it was handed to the user: to decide a request, or as the one who is on call."""
    asked = alert.requested and next(
        (t for t in reversed(alert.transitions.all()) if t.event == alert.requested), None
    )
    if asked and asked.actor != user.username:
        return answer(user.role, "decide a request", alert_class(alert.kind, alert.tier)) == YES
    on_call = any(access.member.user_id == user.pk for access in alert.on_call_access.all())
    return on_call and alert.state == NEW


def place_of(alert: Alert, user: User) -> str:
    """Mine, my team's or nobody's; each open alert is in one of the three."""
    held = taken_on(alert)
    if (held and held.actor == user.username) or waits_for(alert, user):
        return MINE
    return TEAM if held else NOBODY


def names_of(alerts: Sequence[Alert]) -> dict[str, str]:
    """The full names of those who acted on the alerts, by username; one query."""
    return full_names({t.actor for alert in alerts for t in alert.transitions.all()})


def names_of_actors(changes: Iterable[AlertTransition]) -> dict[str, str]:
    """The full names of those who made the changes; no query without any."""
    actors = {change.actor for change in changes}
    return full_names(actors) if actors else {}


@transaction.atomic
def queue_visited(*, user: User, now: datetime) -> datetime | None:
    """Write down that the user looks; returns when the visit before ended, None for the first.

    What follows within half an hour is the same visit: reloading hides nothing.
    """
    visit, is_new = QueueVisit.objects.select_for_update().get_or_create(
        user=user, defaults={"seen_at": now}
    )
    if not is_new:
        if now - visit.seen_at > SAME_VISIT:
            visit.since = visit.seen_at
        visit.seen_at = now
        visit.save(update_fields=["seen_at", "since"])
    return visit.since


def changes_since(user: User, since: datetime) -> list[AlertTransition]:
    """What others did about the user's patients since then, the newest first."""
    rows = AlertTransition.objects.filter(
        alert__patient__in=patients_visible_to(user), at__gt=since
    ).exclude(actor__in=[user.username, SYSTEM])
    shown = rows.select_related("alert__patient").prefetch_related("alert__patient__zones")
    return list(shown.defer("before", "note").order_by("-at", "-id")[:CHANGES_SHOWN])


def last_act(user: User, now: datetime) -> AlertTransition | None:
    """The user's last act on an alert while it can still be taken back."""
    rows = AlertTransition.objects.filter(
        actor=user.username,
        event__in=UNDOABLE,
        at__gt=now - UNDO_WITHIN,
        alert__patient__in=patients_visible_to(user),
    )
    made = rows.select_related("alert__patient").order_by("-at", "-id").first()
    later = Q(alert_id=made.alert_id, pk__gt=made.pk) if made else Q(pk=None)
    return made if made and not AlertTransition.objects.filter(later).exists() else None


def last_kept_promise(user: User, now: datetime) -> FollowUp | None:
    """The follow-up that the user said was done last, while that can still be taken back."""
    rows = FollowUp.objects.filter(
        patient__in=patients_visible_to(user),
        state=FollowUp.State.DONE,
        done_by=user.username,
        done_at__gt=now - UNDO_WITHIN,
    )
    return rows.select_related("patient", "alert").order_by("-done_at").first()
