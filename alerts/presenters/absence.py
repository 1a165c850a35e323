"""How data that have stopped look: quiet lines, apart from everything about risk."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from alerts.absence import holder_of, open_notices, words_of
from alerts.models import AbsenceNotice
from clarity_site.said import said_again
from patients.models import Patient, User
from patients.permissions import Permission, may
from patients.presenters import zone_now
from patients.selectors import full_names
from patients.templatetags.clarity import moment


@dataclass(frozen=True)
class AbsenceLine:
    """One patient whose data have stopped, ready for the template."""

    patient: Patient
    words: str
    seen: str
    note: str


def absence_line(notice: AbsenceNotice, user: User, now: datetime) -> AbsenceLine:
    """The notice in words; ``seen`` is empty until somebody looks after it.

    The note is for those who act on alerts.
    """
    holder, seen, note = holder_of(notice), "", ""
    if holder:
        since = moment(holder.at, zone_now(notice.patient))
        seen = _("looked after by %(who)s since %(since)s") % {
            "who": full_names([holder.by]).get(holder.by, holder.by),
            "since": since,
        }
        note = holder.note if may(user, Permission.ACT_ON_ALERTS) else ""
    return AbsenceLine(notice.patient, said_again(words_of(notice, now)), seen, note)


def absence_of(patient: Patient, user: User, now: datetime) -> AbsenceLine | None:
    """The patient's open notice, if their data have stopped."""
    notice = open_notices().filter(patient=patient).first()
    return absence_line(notice, user, now) if notice else None
