"""Who is told of what happens to an alert: rows that the page shows and that are mailed.

No text of a notice or a mail names a patient; their code is enough for those who may look.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from alerts.domain.states import NEW, UNDO_WITHIN
from alerts.models import (
    OPEN_STATES,
    Alert,
    AlertKind,
    FollowUp,
    Notice,
    OnCallAccess,
    OnCallTurn,
)
from alerts.resources import policy_of
from patients.domain.errors import InputError
from patients.models import CareTeamMember, Role, User
from patients.selectors import patients_visible_to
from patients.services import SYSTEM, audit_record

URGENT_TIER = "High"
# Events of which the people at the alert's level are told. The rest concern nobody else.
TOLD = ("raised", "risen", "repeated", "upgraded", "escalated", "lapsed", "woken")
ASKED = ("dismissal_requested", "downgrade_requested")  # of psychiatrists
MESSAGE_FAILED = "message_failed"  # to administrators: the EHR did not take the alert's message


def notices_make(*, alert: Alert, event: str, at: datetime, actor: str = "") -> list[Notice]:
    """Write a notice for everybody who is to know of the event, but not for who did it.

    Of safety everybody is told, also who filled the questionnaire in.
    """
    if event in ASKED:
        to: Sequence[str] = (Role.PSYCHIATRIST,)
    elif event in TOLD or (event == "undone" and alert.state == NEW):
        to = policy_of(alert.kind, alert.tier, alert.policy).recipients(alert.level)
    else:
        return []
    if _is_inhibited(alert):
        return []
    is_safety = alert.kind == AlertKind.SAFETY
    users = [user for user in _people(alert, to, at) if user.username != actor or is_safety]
    return Notice.objects.bulk_create(
        Notice(
            user=user,
            alert=alert,
            event=event,
            tier=alert.tier,
            is_urgent=alert.tier == URGENT_TIER or "on_call" in to,
            at=at,
        )
        for user in users
    )


def _is_inhibited(alert: Alert) -> bool:
    """Moderate depression beside an open High mania: who looks at that one sees this one."""
    if (alert.kind, alert.tier) != (AlertKind.DEPRESSION, "Moderate"):
        return False
    mania = alert.patient.alerts.filter(kind=AlertKind.MANIA, state__in=OPEN_STATES, tier="High")
    return mania.exists()


def follow_up_notices(*, follow_up: FollowUp, at: datetime) -> list[Notice]:
    """Tell who promised to look again that the day has come; the team where they cannot."""
    alert, user = follow_up.alert, follow_up.promised_by
    can = user and user.is_active and alert.patient in patients_visible_to(user)
    users = [user] if user and can else _people(alert, (Role.COORDINATOR, Role.PSYCHIATRIST), at)
    return Notice.objects.bulk_create(
        Notice(user=user, alert=alert, event="follow_up_due", tier=alert.tier, at=at)
        for user in users
    )


def message_failed_notices(*, alert: Alert, at: datetime) -> list[Notice]:
    """Tell every administrator that a message about the alert did not reach the EHR."""
    administrators = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True)
    return Notice.objects.bulk_create(
        Notice(user=user, alert=alert, event=MESSAGE_FAILED, tier=alert.tier, at=at)
        for user in administrators
    )


def notices_cancel(*, alert: Alert, at: datetime) -> int:
    """Nobody is reminded any more of an alert that somebody took on."""
    waiting = Notice.objects.filter(alert=alert, sent_at=None, cancelled_at=None)
    asked = ASKED if alert.requested else ()
    kept = ("follow_up_due", MESSAGE_FAILED, *asked)
    return waiting.exclude(event__in=kept).update(cancelled_at=at)


def _people(alert: Alert, to: Iterable[str], at: datetime) -> list[User]:
    """Those of the care team with these roles; without any, the team; without one, everybody
    who keeps the clinic running, because somebody must know.
    """
    team = User.objects.filter(care_team_of__patient=alert.patient, is_active=True)
    roles = [role for role in to if role in Role.values]
    found = set(team.filter(role__in=roles))
    if "on_call" in to:
        found |= set(_on_call(alert, at))
    clinicians = Q(role__in=[Role.PSYCHIATRIST, Role.COORDINATOR])
    found = found or set(team.filter(clinicians))
    found = found or set(User.objects.filter(role=Role.ADMINISTRATOR, is_active=True))
    return sorted(found, key=lambda user: user.pk)


def _on_call(alert: Alert, at: datetime) -> list[User]:
    """Who is on call that day; they see the patient until the alert is closed."""
    day = timezone.localtime(at).date()
    turns = OnCallTurn.objects.filter(first_day__lte=day, last_day__gte=day, user__is_active=True)
    users = [turn.user for turn in turns.select_related("user")]
    for user in users:
        member, is_new = CareTeamMember.objects.get_or_create(patient=alert.patient, user=user)
        if is_new or member.on_call.exists():
            OnCallAccess.objects.get_or_create(alert=alert, member=member)
        if is_new:
            audit_record(
                by=SYSTEM, action="on call sees record", patient=alert.patient, user=user.username
            )
    return users


def accesses_end(*, now: datetime) -> int:
    """Whoever saw a patient only because of alerts that are closed sees them no more.

    Not while the last act on the alert can still be undone. Returns how many lost sight.
    """
    closed = OnCallAccess.objects.exclude(alert__state__in=OPEN_STATES)
    ended = 0
    for access in closed.filter(alert__changed_at__lt=now - UNDO_WITHIN).select_related(
        "member__user", "member__patient"
    ):
        member = access.member
        access.delete()
        if not member.on_call.exists():
            user, patient = member.user.username, member.patient
            member.delete()
            audit_record(by=SYSTEM, action="on call access ended", patient=patient, user=user)
            ended += 1
    return ended


@transaction.atomic
def on_call_set(*, user: User, first_day: date, last_day: date, by: User) -> OnCallTurn:
    """Put somebody on call. Raises InputError for days that run backwards or are over."""
    if last_day < first_day or last_day < timezone.localdate():
        raise InputError("The last day lies before the first, or in the past.")
    turn = OnCallTurn.objects.create(user=user, first_day=first_day, last_day=last_day)
    audit_record(by=by, action="on call set", user=user.username, first_day=first_day.isoformat())
    return turn


@transaction.atomic
def on_call_remove(*, turn: OnCallTurn, by: User) -> None:
    """Take the turn away."""
    audit_record(by=by, action="on call removed", user=turn.user.username)
    turn.delete()
