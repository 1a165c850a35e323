"""What one does on the panel: many alerts at once, views of one's own, having looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from alerts.lifecycle import NotAllowed
from alerts.models import Alert
from alerts.panel import last_visit
from alerts.services import alert_acknowledge
from patients.domain.errors import InputError
from patients.models import User
from patients.services import audit_record

MOST_AT_ONCE = 50
MOST_VIEWS, LONGEST_NAME = 12, 40
LOOKED_APART = timedelta(seconds=50)  # closer looks are not written down


@dataclass(frozen=True)
class Skipped:
    """An alert that was not acknowledged, and why."""

    alert: Alert
    why: str


def alerts_acknowledge(
    *, alerts: Sequence[Alert], by: User, note: str
) -> tuple[list[Alert], list[Skipped]]:
    """Take several alerts on, for one reason. Each is a transaction of its own.

    Returns those that were, and those that were not with the reason. Raises NotAllowed without
    words, and for more than fifty.
    """
    if not note.strip():
        raise NotAllowed("Say in one line why you acknowledge these alerts.")
    if len(alerts) > MOST_AT_ONCE:
        raise NotAllowed(f"Acknowledge up to {MOST_AT_ONCE} alerts at once.")
    done, skipped = [], []
    for alert in alerts:
        try:
            alert_acknowledge(alert=alert, by=by, note=note)
            done.append(alert)
        except NotAllowed as refusal:
            skipped.append(Skipped(alert, str(refusal)))
    return done, skipped


@transaction.atomic
def view_save(*, by: User, name: str, query: str) -> None:
    """Keep a view under a name; the same name again puts another in its place."""
    name = " ".join(name.split())[:LONGEST_NAME]
    if not name:
        raise InputError("Give the view a name.")
    locked = User.objects.select_for_update().get(pk=by.pk)
    kept = [view for view in locked.panel_views if view[0] != name]
    if len(kept) >= MOST_VIEWS:
        raise InputError(f"You have {MOST_VIEWS} views: remove one before you save another.")
    locked.panel_views = [*kept, [name, query]]
    locked.save(update_fields=["panel_views"])
    audit_record(by=by, action="panel view saved", name=name)


@transaction.atomic
def view_remove(*, by: User, name: str) -> None:
    """Forget a view."""
    locked = User.objects.select_for_update().get(pk=by.pk)
    locked.panel_views = [view for view in locked.panel_views if view[0] != name]
    locked.save(update_fields=["panel_views"])
    audit_record(by=by, action="panel view removed", name=name)


def looked(*, by: User, now: datetime) -> None:
    """The user looks at the panel: an hour without a look begins another visit."""
    if by.panel_seen_at and now - by.panel_seen_at < LOOKED_APART:
        return
    before = last_visit(by, now)
    User.objects.filter(pk=by.pk).update(panel_seen_at=now, panel_before=before)


def all_seen(*, by: User, now: datetime) -> None:
    """Nothing is marked as changed any more: what comes from now on will be."""
    User.objects.filter(pk=by.pk).update(panel_seen_at=now, panel_before=now)
