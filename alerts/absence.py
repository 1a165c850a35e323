"""Patients whose data have stopped: a notice with its dates, and a data alert that somebody holds.

No score is looked at, and nothing here raises, closes or lowers an alert about a mood.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from alerts.domain.absence import AbsenceRules, absence_words
from alerts.domain.states import next_state
from alerts.lifecycle import move
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
    for notice in opened:
        alert_raise(
            patient=notice.patient, kind=AlertKind.DATA, tier=Tier.INDETERMINATE, by=SYSTEM,
            now=now, why="no_data",
        )  # fmt: skip
    return opened


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
    """Somebody looks after it; nobody is written to about it any more. False if it was over."""
    alert = _data_alert(notice.patient)
    changed = absence_seen(patient=notice.patient, by=by, note=note)
    if changed:
        if alert and next_state(alert.state, "acknowledged"):
            move(alert, "acknowledged", by=by, at=timezone.now(), note=note)
        audit_record(by=by, action="absence acknowledged", patient=notice.patient)
    return changed


def absence_seen(*, patient: Patient, by: User, note: str) -> bool:
    """The open notice says who looks after it. False where none is open."""
    return bool(
        AbsenceNotice.objects.filter(patient=patient, closed_at=None).update(
            acknowledged_by=by.username, acknowledged_at=timezone.now(), note=note
        )
    )


def words_of(notice: AbsenceNotice, now: datetime) -> str:
    """“No data since Tuesday 17 November (3 days)”, in days of the patient's zone."""
    zones = zones_of(notice.patient)
    return absence_words(zones.local_day(notice.since), zones.local_day(now))
