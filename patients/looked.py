"""Reads of who opened a patient's record, and what else they did in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max

from patients.models import AuditEvent, Patient, User

SHOWN_DAYS = 90
OPENED = "record opened"
PAGE_VIEW = timedelta(hours=12)  # the longest a page is looked at before it counts as opened anew


@dataclass(frozen=True)
class Looked:
    """One person or program: how often the record was opened, when last, and the acts, counted."""

    actor: str
    opened: int
    last_at: datetime
    acts: tuple[tuple[str, int], ...]


def who_looked(patient: Patient, now: datetime) -> list[Looked]:
    """Everybody with an audit row of this patient in the last 90 days, the latest first."""
    rows = (
        AuditEvent.objects.filter(
            patient_code=patient.code, at__gte=now - timedelta(days=SHOWN_DAYS)
        )
        .order_by()
        .values_list("actor", "action")
        .annotate(Count("pk"), Max("at"))
    )
    found: dict[str, list[tuple[str, int, datetime]]] = {}
    for actor, action, count, last in rows:
        found.setdefault(actor, []).append((action, count, last))
    people = [
        Looked(
            actor=actor,
            opened=sum(count for action, count, _ in acts if action == OPENED),
            last_at=max(last for *_, last in acts),
            acts=tuple(sorted((action, count) for action, count, _ in acts if action != OPENED)),
        )
        for actor, acts in found.items()
    ]
    return sorted(people, key=lambda each: each.last_at, reverse=True)


def has_page_open(patient: Patient, user: User, now: datetime) -> bool:
    """Whether this user's opening of the record's page is written down already."""
    return AuditEvent.objects.filter(
        patient_code=patient.code,
        actor=user.username,
        action=OPENED,
        at__gte=now - PAGE_VIEW,
        detail__page="patient",
    ).exists()
