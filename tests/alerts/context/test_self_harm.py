"""An answer on self-harm out of the EHR is told, whatever it comes with, and once."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.context_models import EhrTerm
from alerts.context_settle import conflict_settle
from alerts.models import Alert
from alerts.outcomes import outcome_record
from patients.models import Patient, Questionnaire, User
from tests.alerts.context.records import (
    ANSWERS,
    HARM,
    ITEMS,
    PHQ9,
    drug,
    lately,
    observation,
    resource,
    response,
    with_total,
    without,
)
from tests.alerts.context.taking import answers, conflict, item, take

pytestmark = pytest.mark.django_db


def test_an_answer_on_self_harm_that_comes_alone_is_told_at_once_and_once(
    patient: Patient,
) -> None:
    now = timezone.now()
    lately, long_ago = ((now - timedelta(days=n)).isoformat() for n in (2, 90))
    some = drug(ANSWERS[1], "", "l")
    take(patient, observation("o-0", PHQ9[8], long_ago, valueCodeableConcept=some))
    assert not Alert.objects.exists()
    alone = observation("o-1", PHQ9[8], lately, valueCodeableConcept=some)
    take(patient, alone)
    take(patient, alone | {"note": [{"text": "x"}]})
    alert = Alert.objects.get()
    assert (alert.kind, alert.tier) == ("safety", "High")
    assert alert.transitions.count() == 1


def test_a_recent_response_with_self_harm_raises_the_safety_alert(patient: Patient) -> None:
    lately = (timezone.now() - timedelta(days=2)).isoformat()
    take(patient, response("q-1", (*ITEMS[:8], 1), lately))
    assert Alert.objects.get().kind == "safety"


@pytest.mark.parametrize(
    ("told", "state", "total"),
    [
        (without(response("q-1", HARM, ""), PHQ9[0], "44261-6"), "unclear", None),
        (without(response("q-1", HARM, ""), PHQ9[0]), "written", 13),
        (with_total(response("q-1", HARM, ""), 14), "unclear", None),
        (with_total(response("q-1", HARM, ""), 99), "unclear", None),
        (response("q-1", HARM, "", status="in-progress"), "waiting", None),
    ],
)
def test_an_answer_on_self_harm_is_told_whatever_becomes_of_the_total(
    patient: Patient, told: dict[str, Any], state: str, total: int | None
) -> None:
    told = told | {"authored": lately()}
    take(patient, told)
    assert item("q-1").state == state
    assert [it[1] for it in answers(patient)] == [total][: total is not None]
    alert = Alert.objects.get()
    assert (alert.kind, alert.tier) == ("safety", "High")
    take(patient, told | {"language": "en"})
    take(patient, with_total(told, 3) | {"status": "amended"})
    assert alert.transitions.count() == 1  # told once


def test_an_answer_on_self_harm_without_its_day_is_of_the_day_on_which_the_ehr_said_so(
    patient: Patient,
) -> None:
    take(patient, response("q-1", HARM, "2026", meta={"lastUpdated": lately(90)}))
    assert not Alert.objects.exists()
    take(patient, response("q-2", HARM, "2026", meta={"lastUpdated": lately(1)}))
    take(patient, response("q-3", HARM, "2199-01-01T00:00:00Z", meta={"lastUpdated": lately(90)}))
    assert Alert.objects.get().transitions.count() == 1
    assert "2199" not in Alert.objects.get().recommendation["text"]


@pytest.mark.parametrize(("total", "state"), [(13, "agrees"), (9, "conflict")])
def test_an_answer_on_self_harm_is_told_where_a_person_typed_the_total_of_that_day(
    patient: Patient, boss: User, total: int, state: str
) -> None:
    at = lately()
    moment = datetime.fromisoformat(at)
    outcome_record(patient=patient, instrument="phq9", taken_at=moment, by=boss, total=total)
    take(patient, response("q-1", HARM, at))
    assert item("q-1").state == state
    assert Alert.objects.get().kind == "safety"
    if state == "conflict":
        conflict_settle(conflict=conflict(), outcome="theirs", by=boss)
        assert answers(patient) == [("phq9", 13, list(HARM))]
    assert Alert.objects.get().transitions.count() == 1


def test_an_answer_on_self_harm_that_is_recorded_for_that_day_is_not_told_twice(
    patient: Patient, boss: User
) -> None:
    at, before = datetime.fromisoformat(lately()), timedelta(seconds=1)
    outcome_record(patient=patient, instrument="phq9", taken_at=at, by=boss, items=HARM)
    take(patient, with_total(response("q-1", HARM, (at - before).isoformat()), 20))
    alert = Alert.objects.get()
    assert alert.transitions.count() == 1
    worse = with_total(response("q-2", (*ITEMS[:8], 3), (at - before).isoformat()), 20)
    take(patient, worse)
    assert alert.transitions.count() == 2


def test_the_same_answer_on_self_harm_in_many_resources_is_told_once(patient: Patient) -> None:
    at = lately()
    coded = [
        observation(f"o-{n}", code, at, valueCodeableConcept=drug(ANSWERS[points], "", "l"))
        for n, (code, points) in enumerate(zip(PHQ9, HARM, strict=True))
    ]
    part = without(response("q-1", HARM, at), PHQ9[0], "44261-6")
    take(patient, part, *coded[8:])
    take(patient, *coded[:8])
    take(patient, response("q-1", HARM, at, status="amended"))
    assert answers(patient) == [("phq9", 13, list(HARM))]
    assert Alert.objects.get().transitions.count() == 1
    assert not Questionnaire.objects.filter(safety_considered_at=None).exists()


def test_an_answer_on_self_harm_that_was_taken_back_tells_nothing_until_it_is_said_again(
    patient: Patient,
) -> None:
    part = without(response("q-1", HARM, lately()), PHQ9[0], "44261-6")
    take(patient, part | {"status": "entered-in-error"})
    assert not Alert.objects.exists()
    take(patient, part)
    take(patient, part | {"status": "entered-in-error"})
    take(patient, part)
    assert Alert.objects.get().transitions.count() == 2


@pytest.mark.parametrize(("given", "told"), [(9, True), (8, False)])
def test_of_a_form_without_codes_the_ninth_answer_is_that_on_self_harm_if_all_are_there(
    patient: Patient, boss: User, given: int, told: bool
) -> None:
    EhrTerm.objects.create(
        kind="form", system="questionnaire", code="https://ehr.example/phq", meaning="phq9"
    )
    points = [*HARM[9 - given :], 25]
    asked = [{"linkId": str(n), "answer": [{"valueInteger": it}]} for n, it in enumerate(points)]
    form = resource(
        "QuestionnaireResponse", "q-1", status="completed", authored=lately(), item=asked,
        questionnaire="https://ehr.example/phq",
    )  # fmt: skip
    take(patient, form)
    assert item("q-1").state == "unclear"
    assert Alert.objects.exists() is told
