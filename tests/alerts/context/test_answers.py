"""Questionnaires out of the EHR: whole, as a total, in single answers, in a panel."""

from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.context_models import EhrPatient, EhrTerm
from alerts.context_settle import conflict_settle, term_settle
from alerts.models import Alert
from alerts.outcomes import outcome_record
from patients.models import Patient, Questionnaire, User
from tests.alerts.context.records import (
    ANSWERS,
    HARM,
    ITEMS,
    PHQ9,
    WHEN,
    drug,
    lately,
    observation,
    parts,
    resource,
    response,
)
from tests.alerts.context.taking import answers, conflict, item, take

pytestmark = pytest.mark.django_db


def test_a_questionnaire_response_is_recorded_once_with_its_items(patient: Patient) -> None:
    total = observation("o-1", "44261-6", WHEN, valueQuantity={"value": 12, "unit": "{score}"})
    take(patient, response("q-1", ITEMS, WHEN), total)
    assert answers(patient) == [("phq9", 12, list(ITEMS))]
    row = Questionnaire.objects.get()
    assert (row.source, row.recorded_by) == ("ehr", "ehr")
    assert row.taken_at == datetime(2026, 2, 3, 14, 30, tzinfo=UTC)
    assert take(patient, response("q-1", ITEMS, WHEN), total) == ["same", "same"]
    take(patient, response("q-1", ITEMS, WHEN, status="entered-in-error"))
    assert answers(patient) == [("phq9", 12, list(ITEMS))]  # the total still says so
    take(patient, total | {"status": "entered-in-error"})
    assert answers(patient) == []


def test_a_total_that_came_first_gives_way_to_its_items(patient: Patient) -> None:
    take(patient, observation("o-1", "44261-6", WHEN, valueInteger=12))
    assert answers(patient) == [("phq9", 12, [])]
    take(patient, response("q-1", ITEMS, WHEN))
    assert answers(patient) == [("phq9", 12, list(ITEMS))]


def test_an_amended_response_replaces_what_it_said(patient: Patient) -> None:
    take(patient, response("q-1", ITEMS, WHEN))
    other = (1, *ITEMS[1:])
    take(patient, response("q-1", other, WHEN, status="amended"))
    assert answers(patient) == [("phq9", 11, list(other))]


def test_nine_single_answers_of_one_moment_are_a_questionnaire(patient: Patient) -> None:
    coded = [
        observation(f"o-{n}", code, WHEN, valueCodeableConcept=drug(ANSWERS[points], "", "l"))
        for n, (code, points) in enumerate(zip(PHQ9, ITEMS, strict=True))
    ]
    take(patient, *coded[:5])
    assert answers(patient) == []
    take(patient, *coded[5:])
    assert answers(patient) == [("phq9", 12, list(ITEMS))]
    take(patient, coded[3] | {"status": "entered-in-error"})
    assert answers(patient) == []


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (response("q-1", ITEMS, WHEN, status="in-progress"), "waiting"),
        (response("q-1", ITEMS, "2026"), "unclear"),
        (response("q-1", ITEMS, "2199-01-01T00:00:00Z"), "unclear"),
        (observation("q-1", "44261-6", WHEN, valueQuantity={"value": 12.5}), "unclear"),
        (observation("q-1", "44261-6", WHEN, valueQuantity={"value": 28}), "unclear"),
        (observation("q-1", "44261-6", WHEN, status="preliminary", valueInteger=3), "waiting"),
    ],
)
def test_answers_that_cannot_be_are_kept_and_not_recorded(
    patient: Patient, told: dict[str, Any], state: str
) -> None:
    take(patient, told)
    assert answers(patient) == []
    assert item("q-1").state == state


def test_items_that_do_not_add_up_are_not_recorded(patient: Patient) -> None:
    told = response("q-1", ITEMS, WHEN)
    told["item"][-1]["answer"] = [{"valueDecimal": 13}]
    take(patient, told)
    assert answers(patient) == [] and "add up" in item("q-1").why


def test_a_form_that_nobody_has_named_waits_for_a_person(patient: Patient, boss: User) -> None:
    asked = [
        {"linkId": str(n), "answer": [{"valueInteger": points}]}
        for n, points in enumerate((1, 2, 0, 3, 1))
    ]
    form = resource(
        "QuestionnaireResponse", "q-1", status="completed", authored="2026-02-03", item=asked,
        questionnaire="https://ehr.example/forms/altman|2",
    )  # fmt: skip
    take(patient, form)
    assert (answers(patient), item("q-1").state) == ([], "unclear")
    EhrPatient.objects.update(marks={"QuestionnaireResponse": {"since": WHEN}})
    assert term_settle(term=EhrTerm.objects.get(kind="form"), meaning="asrm", by=boss) == 1
    assert EhrPatient.objects.get().marks == {}  # so that the next reading asks for it again
    take(patient, form)
    assert answers(patient) == [("asrm", 7, [1, 2, 0, 3, 1])]


def test_a_questionnaire_typed_with_another_total_that_day_is_asked_about(
    patient: Patient, boss: User
) -> None:
    at = datetime(2026, 2, 3, 20, 0, tzinfo=UTC)
    outcome_record(patient=patient, instrument="phq9", taken_at=at, by=boss, total=9)
    take(patient, response("q-1", ITEMS, WHEN))
    assert answers(patient) == [("phq9", 9, [])]
    conflict_settle(conflict=conflict(), outcome="theirs", by=boss)
    assert answers(patient) == [("phq9", 12, list(ITEMS))]


def test_a_questionnaire_typed_with_the_same_total_that_day_is_the_same(
    patient: Patient, boss: User
) -> None:
    at = datetime(2026, 2, 3, 20, 0, tzinfo=UTC)
    outcome_record(patient=patient, instrument="phq9", taken_at=at, by=boss, total=12)
    take(patient, response("q-1", ITEMS, WHEN))
    assert answers(patient) == [("phq9", 12, [])]
    assert item("q-1").state == "agrees"


LOCAL = "urn:oid:1.2.840.9"


def test_the_answers_of_a_panel_are_read_as_those_of_a_questionnaire(patient: Patient) -> None:
    panel = observation("o-1", "44249-1", lately(), **parts(PHQ9, HARM))
    take(patient, panel)
    assert answers(patient) == [("phq9", 13, list(HARM))]
    assert Alert.objects.get().kind == "safety"
    take(patient, panel | {"status": "entered-in-error", "component": []})
    assert answers(patient) == []


def test_the_value_of_a_panel_is_its_total(patient: Patient) -> None:
    members = [{"reference": "Observation/o-2"}]
    take(patient, observation("o-1", "44249-1", WHEN, valueInteger=13, hasMember=members))
    assert answers(patient) == [("phq9", 13, [])]


def test_of_a_panel_that_lacks_an_answer_its_value_is_the_total(patient: Patient) -> None:
    some = parts(PHQ9[1:], HARM[1:])
    take(patient, observation("o-1", "44249-1", lately(), **some))
    assert (answers(patient), item("o-1").state) == ([], "unclear")
    assert Alert.objects.get().kind == "safety"
    take(patient, observation("o-1", "44249-1", WHEN, valueInteger=13, **some))
    assert answers(patient) == [("phq9", 13, [])]


@pytest.mark.parametrize("answered", [True, False])
def test_a_total_whose_code_nobody_has_named_waits_for_a_person(
    patient: Patient, boss: User, answered: bool
) -> None:
    points, codes = ((1, 2, 0, 3, 1), "abcde") if answered else ((), "")
    total = observation(
        "o-1", "Altman", WHEN, LOCAL, valueInteger=7,
        **parts(codes, points),
    )  # fmt: skip
    take(patient, total)
    assert (answers(patient), item("o-1").state) == ([], "unclear")
    marks = {"Observation": {}, "Observation:survey": {}, "Condition": {}}
    EhrPatient.objects.update(marks=marks)
    term = EhrTerm.objects.get()
    assert (term.kind, term.system, term.words) == ("form", LOCAL, "Altman")
    assert term_settle(term=term, meaning="asrm", by=boss) == 1
    assert EhrPatient.objects.get().marks == {"Condition": {}}
    take(patient, total)
    assert answers(patient) == [("asrm", 7, list(points))]
    take(patient, total | {"status": "entered-in-error"})
    assert answers(patient) == []


def test_what_is_of_no_concern_is_asked_about_once(patient: Patient, boss: User) -> None:
    take(patient, observation("o-1", "Apgar", WHEN, LOCAL, valueInteger=7, **parts("", ())))
    term_settle(term=EhrTerm.objects.get(), meaning=EhrTerm.NO_CONCERN, by=boss)
    for key in ("o-1", "o-2"):
        take(patient, observation(key, "Apgar", WHEN, LOCAL, valueInteger=7, **parts("", ())))
        assert item(key).state == "noted"


@pytest.mark.parametrize(
    "more",
    [
        {"valueInteger": 70, "category": [{"coding": [{"code": "vital-signs"}]}]},
        {"valueCodeableConcept": drug(ANSWERS[1], "", "l")} | parts("", ()),
        {"valueString": "x"} | parts("", ()),
    ],
)
def test_what_is_no_total_of_a_survey_is_not_asked_about(
    patient: Patient, more: dict[str, Any]
) -> None:
    told = observation("o-1", "x", WHEN, LOCAL, **more)
    members = observation("o-2", "44249-1", WHEN, hasMember=[{"reference": "Observation/o-1"}])
    assert take(patient, told, members) == ["other", "other"]
    assert not EhrTerm.objects.exists()
