"""What is read of a patient for a recommendation, and how the record and alerts show it."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.presenters.advice import record_advice
from alerts.services import alerts_consider
from alerts.situations import recommendation_for
from patients.models import Patient
from tests import factories
from tests.integration.reading import browser, text, yesterday
from tests.people import morning

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 1)


def patient(**more: Any) -> Patient:
    return factories.patient(**{"diagnosis": "bipolar_1", "medication_list_available": True} | more)


def advised(who: Patient, track: str = "mania", tier: str = "High", **score: Any) -> dict[str, Any]:
    made = factories.score(who, DAY, **{"depression": 0.1, "mania": 0.9} | score)
    return recommendation_for(who, track, tier, made)


def test_every_class_of_antidepressant_counts_and_is_named_with_its_first_day() -> None:
    for drug_class in ("ssri", "snri", "other_antidepressant"):
        who = patient()
        factories.medication(who, "bupropion", drug_class, first_day=date(2026, 1, 5))
        told = advised(who)
        assert told["name"] == "mania_high_antidepressant"
        assert "(bupropion 50 mg/day, since 5 January 2026)" in told["text"]


def test_a_recorded_course_is_known_although_the_list_is_unavailable() -> None:
    who = patient(medication_list_available=False)
    factories.medication(who)
    assert advised(who)["name"] == "mania_high_antidepressant"
    unknown = advised(patient(medication_list_available=False))
    assert unknown["name"] == "mania_high_bipolar"
    assert any("the medication list is unavailable" in line for line in unknown["not_shown"])
    assert advised(patient())["not_shown"] == []


@pytest.mark.parametrize(
    ("days_ago", "name"),
    [(1, "mania_high_stabiliser"), (28, "mania_high_stabiliser"), (29, "mania_high_bipolar")],
)
def test_a_mood_stabiliser_stopped_in_the_last_4_weeks(days_ago: int, name: str) -> None:
    who = patient()
    last = DAY - timedelta(days=days_ago)
    factories.medication(who, "lithium", "lithium", dose="", last_day=last)
    told = advised(who)
    assert told["name"] == name
    if "stabiliser" in name:
        assert f"(lithium, last on {last.day} {last:%B %Y})" in told["text"]


def test_one_taken_up_again_was_not_stopped() -> None:
    who = patient()
    factories.medication(who, "lithium", "lithium", last_day=DAY - timedelta(days=9))
    factories.medication(who, "lithium", "lithium", first_day=DAY - timedelta(days=8))
    assert advised(who)["name"] == "mania_high_bipolar"


def test_coverage_and_the_other_track_are_told() -> None:
    told = advised(patient(), mania=None, depression=0.9, track="depression")
    assert told["limits"] == ["Mania not assessed: this looks at depression alone."]
    assert "because mania was not assessed" in told["not_shown"][-1]
    score = factories.score(patient(), DAY, 0.1, 0.9)
    score.mania["coverage"] = 0.59
    assert recommendation_for(score.patient, "mania", "High", score)["limits"] == [
        "Limited data for mania."
    ]


def test_a_day_without_any_track_is_told_once_for_each() -> None:
    who = patient()
    score = factories.score(who, DAY, None, None)
    told = [found["advice"].told for found in record_advice(who, score, (), DAY)]
    assert [one["limits"] for one in told] == [[], []]
    assert sorted(words for one in told for words in one["not_shown"]) == [
        f"Not shown: anything about {name}, because {name} was not assessed."
        for name in ("depression", "mania")
    ]


def test_an_early_warning_rule_has_a_recommendation_of_its_own() -> None:
    rule = [{"code": "early_warning_sleep", "text": "Three short nights."}]
    told = advised(patient(diagnosis="unknown"), depression=None, mania=None, reasons=rule)
    assert told["name"] == "mania_high_early_warning"
    assert "a rule alone is behind this" in told["limits"][0]
    noted = [{"code": "early_warning_noted", "text": "Noted."}]
    assert advised(patient(diagnosis="mdd"), reasons=noted)["name"] == "mania_high"


def test_the_alert_keeps_it_and_its_message_tells_it() -> None:
    who = patient(ehr_id="ehr-1", medication_list_available=False)
    score = factories.score(who, DAY, None, 0.9)
    [alert] = alerts_consider(score=score, now=morning(DAY))
    payload = alert.messages.get().resource["payload"][0]["contentString"]
    for line in (alert.recommendation["text"], *alert.recommendation["not_shown"]):
        assert line in payload
    assert "Depression not assessed: this looks at mania alone." in payload
    assert "because the medication list is unavailable" in payload


def test_the_record_says_what_to_consider_without_an_alert_and_on_the_alert_with_one() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who], diagnosis="mdd", medication_list_available=True)
    score = factories.score(patient, yesterday(), 0.9, 0.1)
    words = text(client.get("/patients/P-1/"))
    assert "Depression: what to consider" in words and "Mania: what to consider" in words
    assert "Go on as agreed monitor" in words and "review treatment same-day assessment" in words
    [alert] = alerts_consider(score=score, now=timezone.now())
    words = text(client.get("/patients/P-1/"))
    assert "Depression: what to consider" not in words
    assert words.count(alert.recommendation["title"]) == 1
    assert alert.recommendation["text"] in words


def test_pages_of_alerts_kept_before_still_open() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    factories.alert(factories.score(patient, yesterday()))
    for address in ("/alerts/", "/patients/P-1/"):
        assert "Ask about sleep, energy and spending." in text(client.get(address))
