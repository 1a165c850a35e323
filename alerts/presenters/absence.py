"""How data that have stopped look: quiet lines, apart from everything about risk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.absence import words_of
from alerts.models import AbsenceNotice
from alerts.resources import absence_rules
from patients.models import Patient, Role, User
from patients.presenters import zone_now
from patients.templatetags.clarity import moment


@dataclass(frozen=True)
class AbsenceLine:
    """One patient whose data have stopped, ready for the template."""

    patient: Patient
    words: str
    seen: str
    note: str


def absence_line(notice: AbsenceNotice, now: datetime) -> AbsenceLine:
    """The notice in words; ``seen`` is empty until somebody looks after it."""
    seen = ""
    if notice.acknowledged_at:
        at = moment(notice.acknowledged_at, zone_now(notice.patient))
        seen = f"looked after by {notice.acknowledged_by} since {at}"
    return AbsenceLine(notice.patient, words_of(notice, now), seen, notice.note)


def absence_of(patient: Patient, now: datetime) -> AbsenceLine | None:
    """The patient's open notice, if their data have stopped."""
    notice = patient.absences.filter(closed_at=None).first()
    return absence_line(notice, now) if notice else None


def absence_section(
    notices: Sequence[AbsenceNotice], user: User, now: datetime
) -> dict[str, object]:
    """The panel's section: for coordinators it comes first and lies open."""
    return {
        "absences": [absence_line(notice, now) for notice in notices],
        "unseen_absences": sum(notice.acknowledged_at is None for notice in notices),
        "absence_rules": absence_rules(),
        "absences_first": user.role == Role.COORDINATOR,
    }
