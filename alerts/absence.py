"""Writes about patients whose data have stopped. Apart from alerts: no score is looked at."""

from datetime import datetime

from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from alerts.domain.absence import AbsenceRules, absence_words
from alerts.models import AbsenceMail, AbsenceNotice
from alerts.resources import absence_rules
from alerts.selectors import absences_to_tell
from clarity_site.logs import log
from patients.last_data import last_data_at, with_last_data
from patients.models import Patient, User
from patients.selectors import zones_of
from patients.services import audit_record


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
    notice.save(update_fields=["since", "closed_at"])


@transaction.atomic
def absence_acknowledge(*, notice: AbsenceNotice, by: User, note: str = "") -> bool:
    """Somebody looks after it; nobody is written to about it any more. False if it was over."""
    changed = AbsenceNotice.objects.filter(pk=notice.pk, closed_at=None).update(
        acknowledged_by=by.username, acknowledged_at=timezone.now(), note=note
    )
    if changed:
        audit_record(by=by, action="absence acknowledged", patient=notice.patient)
    return bool(changed)


def absence_mail(*, now: datetime) -> int:
    """Write to each coordinator of what is new, at most once a day; returns to how many.

    Mails hold codes, never names. One that could not go out is tried again at the next watch.
    """
    local = timezone.localtime(now)
    if local.hour < absence_rules().mail_from_hour:
        return 0
    told = 0
    for user, notices in absences_to_tell(local.date()).items():
        try:
            with transaction.atomic():
                _mail(user, notices, now)
            told += 1
        except OSError as error:  # also what a mail server answers; the others get theirs
            log.error("absence mail failed", extra={"user": user.username}, exc_info=error)
    return told


def _mail(user: User, notices: list[AbsenceNotice], now: datetime) -> None:
    day = timezone.localtime(now).date()
    mail = AbsenceMail.objects.create(user=user, day=day, sent_at=now)
    mail.notices.set(notices)
    count = f"{len(notices)} patient{'s' if len(notices) > 1 else ''}"
    lines = "\n".join(f"{n.patient.code}: {words_of(n, now)}" for n in notices)
    body = (
        f"{lines}\n\nOpen “My patients” in Clarity to say that you look after it. "
        "This says nothing about how anybody is."
    )
    send_mail(f"Clarity: data have stopped for {count}", body, None, [user.email])


def words_of(notice: AbsenceNotice, now: datetime) -> str:
    """“No data since Tuesday 17 November (3 days)”, in days of the patient's zone."""
    zones = zones_of(notice.patient)
    return absence_words(zones.local_day(notice.since), zones.local_day(now))
