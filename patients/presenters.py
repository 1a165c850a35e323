"""How a person's data look: freshness, and moments on the clock of their zone."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.domain.days import zone_named
from patients.medications import courses_that_count
from patients.models import MedicationCourse, Patient
from patients.selectors import zones_of

FRESH_DAYS = ((2, "fresh"), (7, "aging"), (30, "stale"))
STALE_DAYS = 7  # without data for longer, somebody should ask


@dataclass(frozen=True)
class Freshness:
    """How old the newest data are. ``level``: fresh, aging, stale or lost."""

    level: str
    words: str


def freshness(last_data: date | None, today: date) -> Freshness:
    """The chip beside a name: up to 2, 7, 30 days, or longer; both days of the patient's zone."""
    if last_data is None:
        return Freshness("lost", _("no data yet"))
    age = (today - last_data).days
    if age < -1:
        return Freshness("stale", _("dated in the future"))
    age = max(age, 0)  # a device may be a zone ahead
    level = next((name for limit, name in FRESH_DAYS if age <= limit), "lost")
    return Freshness(level, _age_words(age))


def _age_words(days: int) -> str:
    if days == 0:
        return _("today")
    if days == 1:
        return _("yesterday")
    return ngettext("%(days)d day ago", "%(days)d days ago", days) % {"days": days}


def zone_now(patient: Patient) -> str:
    """The name of the zone the patient lives in at present."""
    return zones_of(patient).spans[-1][1]


def in_zone(moment: datetime, zone: str) -> datetime:
    """The moment on that zone's clock."""
    return moment.astimezone(zone_named(zone))


def medications_shown(patient: Patient, day: date) -> dict[str, Any]:
    """What is taken that day, for a template: ``known`` is False where the list is unavailable.

    The rows are then what is recorded all the same, and never all that is taken.
    """
    rows = [_course(c) for c in courses_that_count(patient) if c.active_on(day)]
    known = patient.medication_list_available
    words = ""
    if not known:
        words = _("The medication list is unavailable. This does not mean that nothing is taken.")
    elif not rows:
        words = _("No medication is recorded for this day.")
    return {"known": known, "words": words, "rows": rows}


def _course(course: MedicationCourse) -> dict[str, Any]:
    return {
        "drug": course.drug,
        "dose": course.dose,
        "class": course.get_drug_class_display(),
        "unverified": course.class_unverified,
        "atc": course.atc,
        "rxnorm": course.rxnorm,
        "since": course.first_day,
        "until": course.last_day,
    }
