"""Patients whose data have stopped: a notice with its dates, and a data alert that somebody holds.

No score is looked at, and nothing here raises, closes or lowers an alert about a mood.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.utils import timezone

from alerts.domain.absence import AbsenceRules, absence_words
from alerts.domain.history import TAKEN_ON, kept
from alerts.domain.states import NEW
from alerts.domain.who_may import NO, answer
from alerts.lifecycle import NotAllowed, alert_locked, move
from alerts.models import OPEN_STATES, AbsenceNotice, Alert, AlertKind
from alerts.raising import alert_raise
from alerts.resources import absence_rules
from patients.last_data import last_data_at, with_last_data
from patients.models import Patient, User
from patients.selectors import zones_of
from patients.services import SYSTEM, audit_record
from scoring.models import Tier


@transaction.atomic
def absence_watch(*, now: datetime) -> list[AbsenceNotice]:
    """Open a notice for each patient whose data have stopped, and close those that are over.

    A patient who never had data has none to miss; one of several devices that stops is no
    absence. Returns the notices opened.
    """
    rules, opened = absence_rules(), []
    open_by_patient = {
        notice.patient_id: notice
        for notice in AbsenceNotice.objects.select_for_update().filter(closed_at=None)
    }
    for patient in with_last_data(Patient.objects.only("code"), now):
        last, notice = last_data_at(patient), open_by_patient.get(patient.pk)
        if notice:
            _keep_or_close(notice, last, now, rules)
        elif last and rules.have_stopped(last, now):
            opened.append(AbsenceNotice(patient=patient, since=last, opened_at=now))
    # Of two watches at once one opens the notice.
    AbsenceNotice.objects.bulk_create(opened, ignore_conflicts=True)
    for notice in _never_alerted():
        _raise(notice, now)
    return opened


def _never_alerted() -> QuerySet[AbsenceNotice]:
    """Open notices, also of before there were data alerts; not those whose alert was closed."""
    raised = Alert.objects.filter(
        patient=OuterRef("patient"), kind=AlertKind.DATA, raised_at__gte=OuterRef("opened_at")
    )
    return AbsenceNotice.objects.filter(~Exists(raised), closed_at=None).select_related("patient")


def _raise(notice: AbsenceNotice, now: datetime) -> None:
    alert, is_new = alert_raise(
        patient=notice.patient, kind=AlertKind.DATA, tier=Tier.INDETERMINATE, by=SYSTEM, now=now,
        why="no_data",
    )  # fmt: skip
    if is_new and notice.acknowledged_by:  # somebody looked after it before there were alerts
        move(alert, "acknowledged", by=notice.acknowledged_by, at=now, note=notice.note)


def _keep_or_close(
    notice: AbsenceNotice, last: datetime | None, now: datetime, rules: AbsenceRules
) -> None:
    if last == notice.since:
        return
    if last is not None:
        notice.since = last  # also of old data that came late: the gap is then shorter
    if last is None or not rules.have_stopped(last, now):  # all removed: nothing is missed
        notice.closed_at = now
        if alert := _data_alert(notice.patient):
            move(alert, "ended", by=SYSTEM, at=now, reason="data_again")
    notice.save(update_fields=["since", "closed_at"])


def _data_alert(patient: Patient) -> Alert | None:
    open_ones = patient.alerts.filter(kind=AlertKind.DATA, state__in=OPEN_STATES)
    return open_ones.select_for_update(of=("self",)).first()


@transaction.atomic
def absence_acknowledge(*, notice: AbsenceNotice, by: User, note: str = "") -> bool:
    """Somebody looks after it; nobody is written to about it any more. False if it was over.

    Raises NotAllowed for a role that changes no alert, and where somebody else was first.
    """
    if answer(by.role, "acknowledge", AlertKind.DATA) == NO:
        raise NotAllowed("Your role changes no alert: the patient's care team looks after it.")
    still = AbsenceNotice.objects.filter(pk=notice.pk, closed_at=None)
    if not still.exists():
        return False
    alert = notice.patient.alerts.filter(kind=AlertKind.DATA, state__in=OPEN_STATES).first()
    if alert:
        move(alert_locked(alert), "acknowledged", by=by, at=timezone.now(), note=note)
    else:  # of before there were data alerts, until the next watch
        still.update(acknowledged_by=by.username, acknowledged_at=timezone.now(), note=note)
    audit_record(by=by, action="absence acknowledged", patient=notice.patient)
    return True


@dataclass(frozen=True)
class Holder:
    """Who looks after data that have stopped, since when, and what they noted."""

    by: str
    at: datetime
    note: str


def open_notices() -> QuerySet[AbsenceNotice]:
    """The open notices with what ``holder_of`` and ``words_of`` read."""
    alerts = Alert.objects.filter(kind=AlertKind.DATA).order_by("-raised_at")
    alerts = alerts.prefetch_related("transitions")
    rows = AbsenceNotice.objects.filter(closed_at=None).select_related("patient")
    return rows.prefetch_related(
        "patient__zones", Prefetch("patient__alerts", alerts, to_attr="data_alerts")
    )


def holder_of(notice: AbsenceNotice) -> Holder | None:
    """Who has it, by the data alert raised of it; of one of ``open_notices``."""
    alerts: list[Alert] = notice.patient.data_alerts  # type: ignore[attr-defined]
    alert = next((a for a in alerts if a.raised_at >= notice.opened_at), None)
    if alert is None:  # of before there were data alerts, until the next watch
        by, at = notice.acknowledged_by, notice.acknowledged_at
        return Holder(by, at, notice.note) if at else None
    if alert.state == NEW:
        return None
    taken = [t for t in kept(alert.transitions.all()) if t.event in TAKEN_ON]
    return Holder(taken[-1].actor, taken[-1].at, taken[-1].note) if taken else None


def words_of(notice: AbsenceNotice, now: datetime) -> str:
    """“No data since Tuesday 17 November (3 days)”, in days of the patient's zone."""
    zones = zones_of(notice.patient)
    return absence_words(zones.local_day(notice.since), zones.local_day(now))
