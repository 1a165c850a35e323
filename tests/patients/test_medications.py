"""Medication lists: what is written, and what the rules are told of a day."""

from datetime import date, timedelta
from typing import Any

import pytest

from patients import medication_services as services
from patients.domain.errors import InputError
from patients.medications import (
    antidepressants_active,
    courses_that_count,
    medication_state,
    mood_stabilisers_stopped,
    sleep_drug_changes,
)
from patients.models import AuditEvent, MedicationCourse, Patient
from patients.presenters import medications_shown
from patients.selectors import medications_on
from patients.services import patient_erase
from scoring.domain.router import Antidepressant
from scoring.selectors import antidepressant_state
from tests import factories

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 1)
LONG_AGO = date(2025, 1, 1)


def start(patient: Patient, drug: str, **more: Any) -> MedicationCourse:
    asked = {"first_day": LONG_AGO, "by": "boss", "dose": "1 a day"} | more
    return services.medication_start(patient=patient, drug=drug, **asked)


@pytest.fixture
def patient() -> Patient:
    return factories.patient()


def known(patient: Patient) -> Patient:
    patient.refresh_from_db()
    return patient


def complete(patient: Patient) -> None:
    services.medication_list_set(patient=patient, available=True, by="boss")


def test_the_class_of_a_known_drug_is_the_tables(patient: Patient) -> None:
    for asked in ({"drug": "Sertraline HCl"}, {"drug": "Zoloft", "rxnorm": "36437"},
                  {"drug": "a new one", "atc": "n06ab"}):  # fmt: skip
        course = start(patient, **asked)
        assert (course.drug_class, course.class_from) == ("ssri", "table_unverified")
        assert course.class_unverified
    assert course.atc == "N06AB" and course.source == "clinic"


def test_an_unknown_drug_asks_for_its_class(patient: Patient) -> None:
    with pytest.raises(InputError, match="Moodol is not in the table of drugs: choose its class"):
        start(patient, "Moodol")
    with pytest.raises(InputError, match="choose its class"):
        start(patient, "Moodol", drug_class="sedative")
    assert not patient.medications.exists() and not known(patient).medication_list_available
    course = start(patient, "Moodol", drug_class="stimulant")
    assert (course.drug_class, course.class_from) == ("stimulant", "typed")
    assert not course.class_unverified


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"drug": "sertraline", "drug_class": "snri"}, "has sertraline as SSRI, not SNRI"),
        ({"drug": "X", "atc": "N05AN01", "drug_class": "antipsychotic"}, "as Lithium, not Anti"),
        ({"drug": "sertraline", "atc": "N05AN01"}, "of different classes"),
        ({"drug": "sertraline", "atc": "zz"}, "is no ATC code"),
        ({"drug": "sertraline", "first_day": date(26, 1, 1)}, "give a day from 1950-01-01"),
    ],
)
def test_what_contradicts_the_table_is_refused(
    patient: Patient, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        start(patient, **asked)
    assert not patient.medications.exists() and not AuditEvent.objects.exists()


def test_a_new_dose_ends_the_course_the_day_before(patient: Patient) -> None:
    course = start(patient, "lithium", dose="900 mg", atc="N05AN01")
    newer = services.medication_dose_change(course=course, dose="1200 mg", first_day=DAY, by="boss")
    assert course.last_day == DAY - timedelta(days=1)
    assert (newer.first_day, newer.last_day, newer.dose) == (DAY, None, "1200 mg")
    assert (newer.drug_class, newer.atc, newer.class_unverified) == ("lithium", "N05AN01", True)
    for dose, on, words in (
        ("1200 mg", DAY + timedelta(days=1), "has this dose already"),
        ("900 mg", DAY, "give a later day"),
        ("900 mg", DAY - timedelta(days=1), "give a later day"),
    ):
        with pytest.raises(InputError, match=words):
            services.medication_dose_change(course=newer, dose=dose, first_day=on, by="boss")
    assert patient.medications.count() == 2


def test_a_correction_keeps_what_stood_before(patient: Patient) -> None:
    course = start(patient, "sertraline", dose="500 mg")
    asked: dict[str, Any] = {
        "course": course,
        "first_day": LONG_AGO,
        "last_day": None,
        "by": "boss",
    }
    with pytest.raises(InputError, match="Nothing of sertraline was changed"):
        services.medication_correct(dose="500 mg", reason="typing", **asked)
    with pytest.raises(InputError, match="Choose a reason"):
        services.medication_correct(dose="50 mg", reason="because", **asked)
    assert [c.pk for c in courses_that_count(known(patient))] == [course.pk]
    right = services.medication_correct(dose="50 mg", reason="typing", **asked)
    assert [c.pk for c in courses_that_count(known(patient))] == [right.pk]
    course.refresh_from_db()
    assert (course.entered_in_error, course.error_reason, course.dose) == (True, "typing", "500 mg")
    row = AuditEvent.objects.get(action="medication corrected")
    assert row.detail == {
        "course": course.pk,
        "to": right.pk,
        "reason": "typing",
        "drug_class": "ssri",
    }


def test_what_was_entered_in_error_counts_nowhere_and_stays_as_it_is(patient: Patient) -> None:
    complete(patient)
    course, _ = start(patient, "sertraline"), start(patient, "lithium")
    assert antidepressant_state(known(patient), DAY) == Antidepressant.ACTIVE
    services.medication_mark_error(course=course, reason="wrong_patient", by="boss")
    who = known(patient)
    assert antidepressant_state(who, DAY) == Antidepressant.NONE
    assert [c.drug for c in medications_on(who, DAY)] == ["lithium"]
    assert antidepressants_active(who, DAY) == ()
    for change in (
        lambda: services.medication_stop(course=course, last_day=DAY, by="boss"),
        lambda: services.medication_mark_error(course=course, reason="typing", by="boss"),
        lambda: services.medication_dose_change(course=course, dose="2", first_day=DAY, by="boss"),
    ):
        with pytest.raises(InputError, match="was entered in error"):
            change()
    assert AuditEvent.objects.filter(action__startswith="medication ").count() == 4


def test_a_list_of_errors_alone_is_unavailable_and_not_empty(patient: Patient) -> None:
    complete(patient)
    first, second = start(patient, "sertraline"), start(patient, "lithium")
    services.medication_mark_error(course=first, reason="wrong_patient", by="boss")
    assert known(patient).medication_list_available
    services.medication_mark_error(course=second, reason="wrong_patient", by="boss")
    assert antidepressants_active(known(patient), DAY) is None
    row = AuditEvent.objects.filter(action="medication list").latest("pk")
    assert row.detail == {"available": False}


def test_one_drug_is_no_list_until_somebody_says_that_it_is_complete(patient: Patient) -> None:
    """A quetiapine that is recorded says nothing about an SSRI that is not."""
    quetiapine = start(patient, "quetiapine")
    services.medication_dose_change(course=quetiapine, dose="2 a day", first_day=DAY, by="boss")
    assert not known(patient).medication_list_available
    assert antidepressant_state(patient, DAY) == Antidepressant.UNAVAILABLE
    assert antidepressants_active(patient, DAY) is None
    complete(patient)
    assert antidepressant_state(known(patient), DAY) == Antidepressant.NONE


@pytest.mark.parametrize("day", [date(1949, 12, 31), date(9999, 12, 31)])
def test_a_day_that_cannot_be_meant_is_refused(patient: Patient, day: date) -> None:
    course = start(patient, "sertraline")
    for change in (
        lambda: start(patient, "lithium", first_day=day),
        lambda: services.medication_stop(course=course, last_day=day, by="boss"),
        lambda: services.medication_dose_change(course=course, dose="9", first_day=day, by="boss"),
    ):
        with pytest.raises(InputError, match=f"{day} cannot be meant: give a day from 1950"):
            change()
    assert patient.medications.get().last_day is None


def test_an_unavailable_list_is_never_none(patient: Patient) -> None:
    start(patient, "sertraline", first_day=DAY)
    start(patient, "lithium")
    services.medication_list_set(patient=patient, available=False, by="boss")
    who = known(patient)
    for told in (antidepressants_active, mood_stabilisers_stopped, sleep_drug_changes):
        assert told(who, DAY) is None
    assert not medication_state(who, DAY).known
    shown = medications_shown(who, DAY)
    assert not shown["known"] and "does not mean that nothing is taken" in shown["words"]
    assert [row["drug"] for row in shown["rows"]] == ["sertraline", "lithium"]


def test_an_empty_list_is_none_and_not_unknown(patient: Patient) -> None:
    services.medication_list_set(patient=patient, available=True, by="boss")
    who = known(patient)
    assert antidepressants_active(who, DAY) == mood_stabilisers_stopped(who, DAY) == ()
    assert medication_state(who, DAY).known
    assert medications_shown(who, DAY)["words"] == "No medication is recorded for this day."


def test_what_the_rules_are_told_of_a_day(patient: Patient) -> None:
    complete(patient)
    start(patient, "mirtazapine")
    lithium = start(patient, "lithium")
    services.medication_stop(course=lithium, last_day=DAY - timedelta(days=10), by="boss")
    start(patient, "prednisone", first_day=DAY - timedelta(days=3), dose="40 mg")
    who = known(patient)
    active = antidepressants_active(who, DAY)
    assert active is not None
    assert [(t.drug, t.since) for t in active] == [("mirtazapine", LONG_AGO)]
    assert antidepressant_state(who, DAY) == Antidepressant.NONE  # the router asks SSRI and SNRI
    gone = mood_stabilisers_stopped(who, DAY)
    assert gone is not None
    assert [(c.drug, c.on) for c in gone] == [("lithium", DAY - timedelta(days=9))]
    assert mood_stabilisers_stopped(who, DAY + timedelta(days=18)) == gone
    assert mood_stabilisers_stopped(who, DAY + timedelta(days=19)) == ()  # four weeks are over
    changed = sleep_drug_changes(who, DAY)
    assert changed is not None
    assert [(c.drug, c.kind) for c in changed] == [("prednisone", "start")]
    assert sleep_drug_changes(who, DAY + timedelta(days=11)) == ()


def test_lithium_that_was_switched_to_valproate_was_not_stopped(patient: Patient) -> None:
    complete(patient)
    lithium = start(patient, "lithium")
    services.medication_stop(course=lithium, last_day=DAY - timedelta(days=10), by="boss")
    assert mood_stabilisers_stopped(known(patient), DAY) != ()
    start(patient, "valproate", first_day=DAY - timedelta(days=9))
    assert mood_stabilisers_stopped(known(patient), DAY) == ()


def test_what_a_template_is_given(patient: Patient) -> None:
    start(patient, "sertraline", atc="N06AB06", rxnorm="36437", dose="50 mg")
    [row] = medications_shown(known(patient), DAY)["rows"]
    assert row == {
        "drug": "sertraline",
        "dose": "50 mg",
        "class": "SSRI",
        "unverified": True,
        "atc": "N06AB06",
        "rxnorm": "36437",
        "since": LONG_AGO,
        "until": None,
    }
    assert medications_shown(known(patient), LONG_AGO - timedelta(days=1))["rows"] == []


def test_erasing_a_patient_takes_courses_questionnaires_and_episodes() -> None:
    patient, other = factories.patient(), factories.patient()
    for who in (patient, other):
        factories.medication(who, entered_in_error=True)
        factories.questionnaire(who)
        factories.episode(who)
    patient_erase(patient=patient, by="boss")
    for rows in (other.medications, other.questionnaires, other.episodes):
        assert rows.count() == rows.model.objects.count() == 1
