"""Reads of what a patient takes, on a given local day. None: the medication list is unavailable.

None is never “nothing is taken”: that is the empty tuple.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from patients.domain.medications import Change, Course, Taken, changes, stopped, taken_on
from patients.models import MedicationCourse, Patient
from patients.resources import medication_rules


@dataclass(frozen=True)
class MedicationState:
    """What the rules ask of one day; each None exactly where the list is unavailable."""

    known: bool
    antidepressants: tuple[Taken, ...] | None = None
    mood_stabilisers_stopped: tuple[Change, ...] | None = None
    sleep_changes: tuple[Change, ...] | None = None


def courses_that_count(patient: Patient) -> list[MedicationCourse]:
    """The patient's courses, newest first, without what was entered in error."""
    return [course for course in patient.medications.all() if not course.entered_in_error]


def list_known(patient: Patient, day: date) -> bool:
    """Whether all that is taken that day is known: the list is complete, and so is every class.

    A drug of the EHR whose class nobody has said yet may be an antidepressant.
    """
    return patient.medication_list_available and not any(
        course.drug_class == MedicationCourse.DrugClass.UNKNOWN and course.active_on(day)
        for course in patient.medications.all()
    )


def medication_state(patient: Patient, day: date) -> MedicationState:
    """Everything at once: one read of the courses."""
    state = recorded_state(patient, day)
    return state if state.known else MedicationState(known=False)


def recorded_state(patient: Patient, day: date) -> MedicationState:
    """The same of what is recorded, also where the list is unavailable: then, nothing recorded
    does not mean that nothing is taken.
    """
    rules, courses = medication_rules(), _as_courses(courses_that_count(patient))
    return MedicationState(
        known=list_known(patient, day),
        antidepressants=taken_on(courses, day, rules.antidepressants),
        mood_stabilisers_stopped=stopped(
            courses, day, rules.stopped_days, rules.mood_stabilisers, rules.switched_within_days
        ),
        sleep_changes=changes(courses, day, rules.sleep_days, rules.sleep_drugs),
    )


def antidepressants_active(patient: Patient, day: date) -> tuple[Taken, ...] | None:
    """The antidepressants taken that day, of any class, and since when."""
    return medication_state(patient, day).antidepressants


def mood_stabilisers_stopped(patient: Patient, day: date) -> tuple[Change, ...] | None:
    """Those stopped within the days of medication_rules.toml; ``on`` is the first day without."""
    return medication_state(patient, day).mood_stabilisers_stopped


def sleep_drug_changes(patient: Patient, day: date) -> tuple[Change, ...] | None:
    """Starts, stops and new doses of drugs that affect sleep, within the days of the file."""
    return medication_state(patient, day).sleep_changes


def _as_courses(rows: Iterable[MedicationCourse]) -> list[Course]:
    return [Course(r.drug, r.drug_class, r.dose, r.first_day, r.last_day) for r in rows]
