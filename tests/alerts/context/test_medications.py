"""Prescriptions become courses: never guessed, never twice, never over what a person typed."""

from datetime import date
from typing import Any

import pytest

from alerts.context_models import ContextConflict, EhrTerm
from alerts.context_settle import conflict_settle, term_settle
from patients.domain.errors import InputError
from patients.medication_services import (
    medication_class_set,
    medication_correct,
    medication_list_set,
    medication_start,
    medication_stop,
)
from patients.models import AuditEvent, MedicationCourse, Patient, User
from scoring.domain.router import Antidepressant
from scoring.selectors import antidepressant_state
from tests import factories
from tests.alerts.context.records import (
    NIZATIDINE,
    bounded,
    drug,
    request,
    resource,
)
from tests.alerts.context.taking import courses, item, take

pytestmark = pytest.mark.django_db
SERTRALINE = ("sertraline", "50 MG: 1 tablet daily", "2026-01-05", "")
DAY = date(2026, 3, 1)


def conflict() -> ContextConflict:
    return ContextConflict.objects.get(settled_at=None)


def typed(patient: Patient, **more: Any) -> MedicationCourse:
    return factories.medication(patient, **more)


def test_a_prescription_becomes_a_course_of_the_table_of_drugs(patient: Patient) -> None:
    assert take(patient, request("m-1")) == ["new"]
    assert courses(patient) == [SERTRALINE]
    [course] = patient.medications.all()
    assert (course.drug_class, course.source) == ("ssri", "ehr")
    assert course.class_from == "table_unverified"
    [event] = AuditEvent.objects.filter(action="medication started")
    assert (event.actor, event.patient_code) == ("ehr", "P-1")


@pytest.mark.parametrize(
    ("concept", "drug", "drug_class"),
    [
        ({"text": "Zoloft"}, "sertraline", "ssri"),
        (
            {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.88", "code": "36437"}]},
            "sertraline",
            "ssri",
        ),
        (
            {"coding": [{"system": "http://www.whocc.no/atc", "code": "N06AB<"}], "text": "Odd"},
            "Odd",
            "unknown",
        ),
    ],
)
def test_a_brand_a_code_under_its_oid_and_no_code_at_all(
    patient: Patient, concept: dict[str, Any], drug: str, drug_class: str
) -> None:
    take(patient, request("m-1", medicationCodeableConcept=concept))
    [course] = patient.medications.all()
    assert (course.drug, course.drug_class) == (drug, drug_class)


def test_the_same_twice_changes_nothing_and_writes_nothing(patient: Patient) -> None:
    take(patient, request("m-1"))
    before = AuditEvent.objects.count()
    later = request("m-1", meta={"lastUpdated": "2026-02-20T08:00:00Z", "versionId": "2"})
    assert take(patient, later) == ["same"]
    assert (courses(patient), AuditEvent.objects.count()) == ([SERTRALINE], before)


def test_one_prescription_told_under_two_ids_is_one_course_until_neither_says_it(
    patient: Patient,
) -> None:
    take(patient, request("m-1"), request("m-2"))
    assert courses(patient) == [SERTRALINE]
    take(patient, request("m-1", status="entered-in-error"))
    assert courses(patient) == [SERTRALINE]
    take(patient, request("m-2", status="entered-in-error"))
    assert courses(patient) == []
    [course] = patient.medications.all()
    assert (course.entered_in_error, course.error_reason) == (True, "prescriber")


def test_of_two_that_said_the_same_the_one_that_changes_leaves_the_other_as_it_is(
    patient: Patient,
) -> None:
    take(patient, request("m-1"), request("m-2"))
    take(patient, request("m-1") | bounded("2026-01-05", "2026-02-01"))
    ended = (*SERTRALINE[:3], "2026-02-01")
    assert sorted(courses(patient)) == sorted([SERTRALINE, ended])


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"intent": "proposal"}, "waiting"),
        ({"intent": "plan"}, "waiting"),
        ({"status": "draft"}, "waiting"),
        ({"status": "unknown"}, "unclear"),
        ({"status": "a made-up one"}, "unclear"),
        ({"status": "cancelled"}, "withdrawn"),
        ({"doNotPerform": True}, "withdrawn"),
        ({"authoredOn": "2026"}, "unclear"),
        ({"authoredOn": None}, "unclear"),
        ({"medicationCodeableConcept": None}, "unclear"),
        (bounded("2026-03-01", "2026-02-01"), "unclear"),
        ({"authoredOn": "9999-01-01"}, "unclear"),
    ],
)
def test_what_is_not_in_force_or_not_told_gives_no_course(
    patient: Patient, more: dict[str, Any], state: str
) -> None:
    take(patient, request("m-1", **more))
    assert courses(patient) == []
    assert (item("m-1").state, bool(item("m-1").why)) == (state, True)


def test_what_the_patient_reported_counts_as_taken(patient: Patient) -> None:
    take(patient, request("m-1", intent="plan", reportedBoolean=True))
    assert courses(patient) == [SERTRALINE]


def test_an_end_that_is_not_told_is_the_day_on_which_the_ehr_said_so_and_stays(
    patient: Patient,
) -> None:
    take(patient, request("m-1"))
    stopped = request("m-1", status="stopped", meta={"lastUpdated": "2026-02-10T12:00:00Z"})
    take(patient, stopped)
    assert courses(patient) == [(*SERTRALINE[:3], "2026-02-10")]
    again = stopped | {"note": [{"text": "x"}], "meta": {"lastUpdated": "2026-02-25T12:00:00Z"}}
    assert take(patient, again) == ["same"]
    assert [e.action for e in AuditEvent.objects.filter(actor="ehr").order_by("at")] == [
        "medication started",
        "medication stopped",
    ]


@pytest.mark.parametrize(
    ("more", "last"),
    [
        ({"status": "active"}, ""),
        ({"status": "completed"}, "2026-01-20"),
        ({"status": "active"} | bounded("2026-01-05", "2026-01-31"), "2026-01-31"),
        ({"status": "stopped"} | bounded("2026-01-05", "2026-01-31"), "2026-01-31"),
    ],
)
def test_until_when_it_may_be_dispensed_is_no_end_of_taking_it(
    patient: Patient, more: dict[str, Any], last: str
) -> None:
    valid = {"validityPeriod": {"start": "2026-01-05", "end": "2026-01-20"}}
    take(patient, request("m-1", dispenseRequest=valid, **more))
    assert [it[3] for it in courses(patient)] == [last]


def test_a_course_that_the_end_of_its_prescription_had_ended_goes_on_again(
    patient: Patient,
) -> None:
    take(patient, request("m-1", **bounded("2026-01-05", "2026-01-20")))
    valid = {"validityPeriod": {"end": "2026-01-20"}}
    take(patient, request("m-1", dispenseRequest=valid))
    assert [it[3] for it in courses(patient)] == [""]


def test_held_and_taken_up_again_leaves_a_gap(patient: Patient) -> None:
    take(patient, request("m-1"))
    take(patient, request("m-1", status="on-hold", meta={"lastUpdated": "2026-02-10T12:00:00Z"}))
    take(patient, request("m-1", meta={"lastUpdated": "2026-02-20T12:00:00Z"}))
    assert courses(patient) == [
        (*SERTRALINE[:3], "2026-02-10"),
        (*SERTRALINE[:2], "2026-02-20", ""),
    ]
    take(patient, request("m-1", status="entered-in-error"))
    assert courses(patient) == []


def test_another_dose_of_one_prescription_corrects_its_course(patient: Patient) -> None:
    take(patient, request("m-1"))
    take(patient, request("m-1", dosageInstruction=[{"text": "2 tablets daily"}]))
    assert courses(patient) == [("sertraline", "50 MG: 2 tablets daily", "2026-01-05", "")]
    assert MedicationCourse.objects.filter(entered_in_error=True).count() == 1


@pytest.mark.parametrize(
    ("concept", "name", "drug_class"),
    [
        (drug("36437", "Sertraline"), "sertraline", "ssri"),
        (drug("N06AB06", "", "http://www.whocc.no/atc"), "sertraline", "ssri"),
        ({"text": "Sertraline"}, "sertraline", "ssri"),
        (drug("x", "Lithium Carbonate", "urn:local"), "lithium", "lithium"),
        (drug("1", "24 HR venlafaxine 75 MG Extended Release Oral Capsule"), "venlafaxine", "snri"),
        (drug("2", "Lithium Carbonate 300 MG Oral Tablet"), "lithium", "lithium"),
        # Not by a likeness, not the drop for the eye, not one half of a pair, not a known name
        # with a code of something else.
        (drug("3", "sertralin 50 MG Oral Tablet"), "", "unknown"),
        (drug("4", "prednisolone 10 MG/ML Ophthalmic Suspension"), "", "unknown"),
        (drug("5", "olanzapine 6 MG / fluoxetine 25 MG Oral Capsule"), "", "unknown"),
        (drug("6", "Sertraline"), "", "unknown"),
        (drug(*NIZATIDINE), "", "unknown"),
    ],
)
def test_a_drug_is_known_by_its_codes_or_not_at_all(
    patient: Patient, concept: dict[str, Any], name: str, drug_class: str
) -> None:
    take(patient, request("m-1", medicationCodeableConcept=concept))
    [course] = patient.medications.all()
    assert course.drug_class == drug_class
    if name:
        assert course.drug == name and not EhrTerm.objects.exists()
    else:
        assert EhrTerm.objects.get().kind == "drug"


def test_an_unknown_drug_makes_the_list_unavailable_until_somebody_settles_its_code(
    patient: Patient, boss: User
) -> None:
    medication_list_set(patient=patient, available=True, by=boss)
    patient.refresh_from_db()
    assert antidepressant_state(patient, DAY) is Antidepressant.NONE
    take(patient, request("m-1", medicationCodeableConcept=drug(*NIZATIDINE)))
    assert antidepressant_state(patient, DAY) is Antidepressant.UNAVAILABLE
    term = EhrTerm.objects.get()
    with pytest.raises(InputError):
        term_settle(term=term, meaning="unknown", by=boss)
    assert term_settle(term=term, meaning="other", by=boss) == 1
    assert antidepressant_state(patient, DAY) is Antidepressant.NONE
    other = factories.patient("P-2", ehr_id="pat-2")
    take(other, request("m-2", "pat-2", medicationCodeableConcept=drug(*NIZATIDINE)))
    assert other.medications.get().drug_class == "other"
    assert EhrTerm.objects.count() == 1


def test_a_course_somebody_typed_that_says_the_same_is_left_alone(patient: Patient) -> None:
    own = typed(patient)
    take(patient, request("m-1", authoredOn="2026-02-20"))
    assert courses(patient) == [("sertraline", "50 mg/day", "2026-01-05", "")]
    assert (item("m-1").state, item("m-1").agrees_with) == ("agrees", own.pk)
    assert not ContextConflict.objects.exists()


def contradiction(patient: Patient) -> tuple[MedicationCourse, ContextConflict]:
    """Somebody typed 100 mg where the EHR says 50 mg."""
    own = typed(patient, dose="100 mg/day")
    take(patient, request("m-1"))
    assert courses(patient) == [("sertraline", "100 mg/day", "2026-01-05", "")]
    assert item("m-1").state == "conflict"
    return own, conflict()


def test_a_conflict_settled_for_ours_is_not_asked_again(patient: Patient, boss: User) -> None:
    _own, asked = contradiction(patient)
    conflict_settle(conflict=asked, outcome="ours", by=boss)
    take(patient, request("m-1", note=[{"text": "x"}]), request("m-1"))
    assert courses(patient) == [("sertraline", "100 mg/day", "2026-01-05", "")]
    assert not ContextConflict.objects.filter(settled_at=None).exists()
    [event] = AuditEvent.objects.filter(action="EHR conflict settled")
    assert (event.actor, event.detail["outcome"]) == ("admin.1", "ours")
    with pytest.raises(InputError):
        conflict_settle(conflict=asked, outcome="theirs", by=boss)


def test_a_conflict_settled_for_theirs_keeps_ours_as_entered_in_error(
    patient: Patient, boss: User
) -> None:
    own, asked = contradiction(patient)
    conflict_settle(conflict=asked, outcome="theirs", by=boss)
    assert courses(patient) == [SERTRALINE]
    own.refresh_from_db()
    assert own.entered_in_error
    take(patient, request("m-1", status="entered-in-error"))
    assert courses(patient) == []


def test_both_sides_of_a_conflict_can_be_kept(patient: Patient, boss: User) -> None:
    _own, asked = contradiction(patient)
    conflict_settle(conflict=asked, outcome="both", by=boss)
    assert len(courses(patient)) == 2


def test_typed_as_going_on_while_the_last_of_the_ehr_is_over_is_asked_once(
    patient: Patient, boss: User
) -> None:
    own = typed(patient)
    first = request("m-1") | bounded("2026-01-05", "2026-02-01")
    second = request("m-2") | bounded("2026-02-02")
    take(patient, first, second)
    assert not ContextConflict.objects.exists()
    ended = request("m-2") | bounded("2026-02-02", "2026-02-20")
    take(patient, ended)
    asked = conflict()
    take(patient, first, ended)
    assert ContextConflict.objects.count() == 1
    conflict_settle(conflict=asked, outcome="theirs", by=boss)
    own.refresh_from_db()
    assert own.last_day == date(2026, 2, 20)


def test_what_a_person_changed_of_the_ehrs_course_is_not_overwritten(
    patient: Patient, boss: User
) -> None:
    take(patient, request("m-1"))
    medication_stop(course=patient.medications.get(), last_day=date(2026, 2, 1), by=boss)
    take(patient, request("m-1") | bounded("2026-01-05", "2026-02-15"))
    assert courses(patient) == [(*SERTRALINE[:3], "2026-02-01")]
    asked = conflict()
    assert (asked.ours["last_day"], asked.theirs["last_day"]) == ("2026-02-01", "2026-02-15")
    conflict_settle(conflict=asked, outcome="theirs", by=boss)
    assert courses(patient) == [(*SERTRALINE[:3], "2026-02-15")]


def test_what_a_person_marked_as_an_error_is_asked_about_when_the_ehr_says_more(
    patient: Patient, boss: User
) -> None:
    take(patient, request("m-1"))
    medication_correct(
        course=patient.medications.get(), dose="25 mg", first_day=date(2026, 1, 6),
        last_day=None, reason="patient", by=boss,
    )  # fmt: skip
    take(patient, request("m-1") | bounded("2026-01-05", "2026-02-15"))
    assert courses(patient) == [("sertraline", "25 mg", "2026-01-06", "")]
    conflict_settle(conflict=conflict(), outcome="ours", by=boss)
    assert courses(patient) == [("sertraline", "25 mg", "2026-01-06", "")]


def test_taken_back_by_the_ehr_after_a_person_changed_it_is_asked(
    patient: Patient, boss: User
) -> None:
    take(patient, request("m-1"))
    medication_stop(course=patient.medications.get(), last_day=date(2026, 2, 1), by=boss)
    take(patient, request("m-1", status="entered-in-error"))
    assert len(courses(patient)) == 1
    conflict_settle(conflict=conflict(), outcome="theirs", by=boss)
    assert courses(patient) == []


def test_a_prescription_that_moves_to_another_patient_leaves_the_first(patient: Patient) -> None:
    other = factories.patient("P-2", ehr_id="pat-2")
    take(patient, request("m-1"))
    take(other, request("m-1", "pat-2"))
    assert (courses(patient), courses(other)) == ([], [SERTRALINE])


def test_a_resource_about_somebody_else_is_never_written(patient: Patient) -> None:
    told = request("m-1", "pat-9"), request("m-2", subject={"display": "P-1"})
    assert take(patient, *told) == ["other", "other"]
    assert not patient.medications.exists()


def test_a_statement_counts_as_taken_in_its_period(patient: Patient) -> None:
    statement = resource(
        "MedicationStatement", "s-1", status="active",
        medicationReference={"reference": "Medication/med-1"},
        effectivePeriod={"start": "2026-01-05T23:30:00-05:00", "end": "2026-02-01"},
    )  # fmt: skip
    medication = {"resourceType": "Medication", "id": "med-1", "code": drug("36437", "Sertraline")}
    take(patient, statement, included={"Medication/med-1": medication})
    assert courses(patient) == [("sertraline", "", "2026-01-05", "2026-02-01")]
    take(patient, statement | {"status": "not-taken"})
    assert courses(patient) == []


def test_the_class_can_be_said_of_an_unknown_drug_alone(patient: Patient, boss: User) -> None:
    course = medication_start(
        patient=patient, drug="sertraline", first_day=date(2026, 1, 5), by=boss
    )
    assert medication_class_set(course=course, drug_class="snri", by=boss) is False
    course.refresh_from_db()
    assert course.drug_class == "ssri"
