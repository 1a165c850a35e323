"""Reads that join alerts with scores and patients: the queue, a record's history."""

from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Prefetch, QuerySet
from django.db.models.fields.json import KT
from django.utils import timezone

from alerts.absence import open_notices
from alerts.models import (
    OPEN_STATES,
    AbsenceNotice,
    Alert,
    AlertTransition,
    FollowUp,
    Notice,
    OutboxMessage,
)
from patients.models import Patient, User
from patients.selectors import patients_visible_to
from scoring.domain.points import TIER_RANK
from scoring.domain.points import ScorePoint as ScorePoint
from scoring.models import RiskScore
from scoring.summaries import score_points as score_points


def open_absences(user: User | AnonymousUser) -> list[AbsenceNotice]:
    """Of the user's patients those whose data have stopped, the longest first."""
    return list(open_notices().filter(patient__in=patients_visible_to(user)).order_by("since"))


def latest_score(patient: Patient) -> RiskScore | None:
    """The newest current decision, with the models and the baseline it used."""
    rows = patient.scores.filter(is_current=True)
    return rows.select_related("depression_model", "mania_model", "baseline").first()


def most_urgent_first(alert: Alert) -> tuple[int, datetime]:
    """High first, then the oldest."""
    return -TIER_RANK[alert.tier], alert.raised_at


def alerts_visible_to(user: User | AnonymousUser) -> QuerySet[Alert]:
    """Alerts of the user's patients, with all that a card shows.

    A message comes with its tier and its text, which PostgreSQL picks out of the resource.
    """
    told = OutboxMessage.objects.filter(kind=OutboxMessage.Kind.NOTICE)
    messages = told.defer("resource").order_by("id")
    text = KT("resource__payload__0__contentString")
    return (
        Alert.objects.filter(patient__in=patients_visible_to(user))
        .select_related("patient", "score")
        .prefetch_related(
            "patient__zones",
            Prefetch("transitions", AlertTransition.objects.order_by("at", "id")),
            "follow_ups",
            "on_call_access__member",
            Prefetch("notices", Notice.objects.select_related("user").order_by("at", "id")),
            Prefetch("messages", messages.annotate(text=text, tier=F("transition__tier"))),
        )
    )


def follow_ups_visible_to(user: User) -> QuerySet[FollowUp]:
    """Promises about the user's patients."""
    rows = FollowUp.objects.filter(patient__in=patients_visible_to(user))
    return rows.select_related("patient", "alert", "promised_by", "transition")


def follow_ups_due(user: User) -> QuerySet[FollowUp]:
    """Those that are open and due today or before, the oldest first."""
    rows = follow_ups_visible_to(user)
    return rows.filter(state=FollowUp.State.OPEN, due_on__lte=timezone.localdate())


def alerts_raised_lately(user: User) -> int:
    """How many alerts of the user's patients were raised or rose in the last seven days."""
    since = timezone.now() - timedelta(days=7)
    return AlertTransition.objects.filter(
        alert__patient__in=patients_visible_to(user), event__in=("raised", "risen"), at__gte=since
    ).count()


def alerts_closed_since(user: User, since: datetime) -> list[Alert]:
    """What was closed lately, newest first."""
    closed = alerts_visible_to(user).exclude(state__in=OPEN_STATES)
    return list(closed.filter(changed_at__gte=since).order_by("-changed_at")[:50])


def messages_visible_to(user: User) -> QuerySet[OutboxMessage]:
    """Messages about the user's patients."""
    rows = OutboxMessage.objects.filter(alert__patient__in=patients_visible_to(user))
    return rows.select_related("alert__patient")
