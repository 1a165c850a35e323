"""Reads about people who log in, and about who cares for whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Prefetch, QuerySet

from patients.models import CareTeamMember, Patient, Role, User

UNUSED_DAYS = 90  # without a log-in: an open account that nobody uses is a door left open
INVITED_DAYS = 14  # so long somebody new may take to log in first


@dataclass(frozen=True)
class Person:
    """Somebody who logs in. ``state``: locked, closed, unused or open."""

    user: User
    patients: int
    state: str


def people(now: datetime) -> list[Person]:
    """Everybody, those whose account is open first, by name, in two queries."""
    users = User.objects.annotate(patients=Count("care_team_of")).order_by(
        "-is_active", "last_name", "first_name", "username"
    )
    locked = usernames_locked(now)
    return [Person(u, u.patients, _state(u, now, locked)) for u in users]


def usernames_locked(now: datetime) -> set[str]:
    """User names that have been locked by wrong passwords and still are."""
    cool_off = get_cool_off() or timedelta(days=36500)
    attempts = AccessAttempt.objects.filter(
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gte=now - cool_off
    )
    return set(attempts.values_list("username", flat=True))


def _state(user: User, now: datetime, locked: set[str]) -> str:
    if not user.is_active:
        return "closed"
    if user.username in locked:
        return "locked"
    begun, days = user.last_login or user.date_joined, UNUSED_DAYS
    days = UNUSED_DAYS if user.last_login else INVITED_DAYS
    return "unused" if now - begun > timedelta(days=days) else "open"


def clinicians() -> QuerySet[User]:
    """Those who can be in a care team."""
    roles = (Role.PSYCHIATRIST, Role.COORDINATOR)
    return User.objects.filter(role__in=roles, is_active=True).order_by(
        "last_name", "first_name", "username"
    )


def teams(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """The patients with ``team``: their members, those responsible first."""
    members = CareTeamMember.objects.select_related("user").annotate(is_on_call=_on_call())
    members = members.order_by("-part", "user__last_name", "user__username")
    return patients.prefetch_related(Prefetch("care_team", members, to_attr="team"))


def caseload(person: User) -> QuerySet[CareTeamMember]:
    """The person's memberships, by patient."""
    rows = CareTeamMember.objects.filter(user=person).select_related("patient")
    return rows.annotate(is_on_call=_on_call()).order_by("patient__code")


def without_team(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """The patients in whose care team nobody can log in: their alerts go to administrators."""
    able = CareTeamMember.objects.filter(
        patient=OuterRef("pk"), user__is_active=True, user__in=clinicians().values("pk")
    )
    return patients.filter(~Exists(able))


def _on_call() -> Exists:
    """Whether somebody sees the patient only until an alert is closed."""
    return Exists(CareTeamMember.objects.filter(pk=OuterRef("pk"), on_call__isnull=False))
