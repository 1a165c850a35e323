"""CDS Hooks: what the EHR is told about whom, and what it is not."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation
from jsonschema import validate

from alerts import outcomes
from alerts.models import (
    Alert,
    AlertKind,
    CdsCard,
    DismissReason,
    EhrConnection,
    TrustedSystem,
)
from alerts.presenters.cards import TITLES
from clarity_site.said import said_again
from patients.models import Role
from scoring.domain.output import RESEARCH_USE
from scoring.models import ModelVersion
from tests import factories, trusted
from tests.browser.states import HIDDEN
from tests.hooks import (
    NAME,
    ORDER,
    SITE,
    USER,
    VIEW,
    alerted,
    audited,
    body,
    call,
    followed,
    mapped,
    ordering,
    post,
)
from tests.hooks import calling_ehr as calling_ehr

pytestmark = pytest.mark.django_db
CARD_SHAPE = {
    "type": "object",
    "required": ["uuid", "summary", "indicator", "source", "detail", "links", "overrideReasons"],
    "additionalProperties": False,
    "properties": {
        "uuid": {"type": "string", "pattern": "^[0-9a-f-]{36}$"},
        "summary": {"type": "string", "minLength": 1, "maxLength": 139},
        "detail": {"type": "string", "minLength": 1},
        "indicator": {"enum": ["info", "warning"]},
        "source": {
            "type": "object",
            "required": ["label", "url"],
            "properties": {"url": {"pattern": "^https?://"}},
        },
        "links": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["label", "url", "type"],
                "properties": {
                    "url": {"pattern": "^https?://"},
                    "type": {"enum": ["absolute", "smart"]},
                },
            },
        },
        "overrideReasons": {
            "type": "array",
            "items": {"type": "object", "required": ["code", "system", "display"]},
        },
        "suggestions": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["label", "uuid"]},
        },
        "selectionBehavior": {"enum": ["at-most-one"]},
    },
    "dependentRequired": {"suggestions": ["selectionBehavior"]},
}


def test_an_open_alert_becomes_a_card() -> None:
    doctor = mapped(username="dr.grey")
    alert = alerted(followed(doctor))
    [card] = call()
    validate(card, CARD_SHAPE)
    assert card["summary"].startswith(f"{RESEARCH_USE}. Mania risk indicator: High.")
    assert card["indicator"] == "warning"
    assert card["detail"].startswith(RESEARCH_USE)
    assert "Sleep per night 4.1 h (usually 7.3 h) raises it by 12 points" in card["detail"]
    assert "CANMAT/ISBD 2018 bipolar guideline" in card["detail"]
    assert [link["url"] for link in card["links"]] == [
        f"{SITE}/patients/P-1/",
        f"{SITE}/models/",
    ]
    stored = CdsCard.objects.get()
    assert (str(stored.uuid), stored.alert, stored.fhir_user) == (card["uuid"], alert, USER)
    assert audited() == [("dr.grey", "ehr cards given", "P-1", 1, "")]


def test_a_card_that_nobody_answered_goes_after_a_month() -> None:
    alerted(followed(mapped()))
    for _ in range(3):
        call()
    given = CdsCard.objects.order_by("pk")
    long_ago, lately = (timezone.now() - timedelta(days=days) for days in (31, 29))
    given.filter(pk=given[0].pk).update(given_at=long_ago)
    given.filter(pk=given[1].pk).update(given_at=lately)
    given.filter(pk=given[2].pk).update(given_at=long_ago, outcome=CdsCard.Outcome.ACCEPTED)
    kept = {*given[1:].values_list("pk", flat=True)}
    call()
    assert kept == {*given[:2].values_list("pk", flat=True)} and given.count() == 3


def test_override_reasons_are_the_dismissal_reasons() -> None:
    alerted(followed(mapped()))
    [card] = call()
    assert [r["code"] for r in card["overrideReasons"]] == DismissReason.values
    assert [r["display"] for r in card["overrideReasons"]] == [str(w) for w in DismissReason.labels]


def test_where_the_launch_is_set_up_the_link_is_a_smart_one(settings: Any) -> None:
    settings.EHR_LAUNCH_CLIENT_ID = "clarity"
    alerted(followed(mapped()))
    [card] = call()
    link = card["links"][0]
    assert (link["url"], link["type"]) == (f"{SITE}/launch/", "smart")
    assert link["appContext"] == card["uuid"]


def test_a_quiet_patient_and_one_nobody_knows_give_an_empty_list() -> None:
    doctor = mapped(username="dr.grey")
    patient = followed(doctor, mania=0.1)
    alerted(patient, "mania", "High", "dismissed")
    assert call() == []
    assert call(patientId="ehr-2") == []
    assert audited() == [
        ("dr.grey", "ehr cards asked for", "P-1", 0, ""),
        ("dr.grey", "ehr cards asked for", "", 0, "unknown_patient"),
    ]


@pytest.mark.parametrize("service", [VIEW, ORDER])
def test_who_may_not_see_the_record_is_told_nothing(service: str) -> None:
    alerted(followed(factories.user()))
    order = ordering(text="sertraline") if service == ORDER else {}
    assert call(service, **order) == []
    mapped(fhir_user="Practitioner/8")
    assert call(service, userId="Practitioner/8", **order) == []
    assert call(service, userId="Patient/ehr-1", **order) == []
    assert [why for *_rest, why in audited()] == ["no_account", "not_in_care", "not_clinician"]
    assert not CdsCard.objects.exists()


def test_with_chart_the_ehr_decides_who_sees_a_card_and_only_of_models(settings: Any) -> None:
    settings.EHR_CARDS_FOR = "chart"
    patient = followed(factories.user())
    alerted(patient)
    alerted(patient, "safety", "High")
    [card] = call()
    assert "Mania risk indicator" in card["summary"]
    assert call(userId="Patient/ehr-1") == []
    assert audited()[0] == ("ehr", "ehr cards given", "P-1", 1, "")


def test_a_patient_of_another_server_is_somebody_else() -> None:
    alerted(followed(mapped()))
    asked = body() | {"fhirServer": "https://another.example/fhir"}
    assert post(f"/cds-services/{VIEW}", asked).json() == {"cards": []}
    assert audited()[0][-1] == "other_ehr"


@pytest.mark.parametrize(
    ("fhir_url", "why"), [("https://b.example/fhir", "other_ehr"), ("", "no_fhir_url")]
)
@pytest.mark.parametrize("claims", [True, False])
@pytest.mark.parametrize("service", [VIEW, ORDER])
def test_only_the_clinics_ehr_speaks_for_its_patients(
    fhir_url: str, why: str, claims: bool, service: str
) -> None:
    alerted(followed(mapped()))
    TrustedSystem.objects.update(fhir_url=fhir_url)
    asked = body(service, **(ordering(text="sertraline") if service == ORDER else {}))
    if not claims:
        del asked["fhirServer"]
    assert post(f"/cds-services/{service}", asked).json() == {"cards": []}
    assert audited() == [("ehr", "ehr cards asked for", "", 0, why)]


def test_the_clinics_ehr_may_leave_its_address_out() -> None:
    alerted(followed(mapped()))
    TrustedSystem.objects.update(fhir_url=f"{trusted.FHIR}/")
    asked = body()
    del asked["fhirServer"]
    assert len(post(f"/cds-services/{VIEW}", asked).json()["cards"]) == 1


def test_nothing_leaves_this_machine_until_delivery_is_on(settings: Any) -> None:
    alerted(followed(mapped()))
    settings.EHR_BASE_URL = "https://ehr.example/fhir"
    asked = body() | {"fhirServer": "https://ehr.example/fhir/"}
    TrustedSystem.objects.update(fhir_url="https://ehr.example/fhir")
    assert post(f"/cds-services/{VIEW}", asked).json() == {"cards": []}
    assert audited()[0][-1] == "delivery_off"
    EhrConnection.objects.update(deliver_beyond_this_machine=True)
    assert len(post(f"/cds-services/{VIEW}", asked).json()["cards"]) == 1


def test_snoozed_alerts_are_out_of_the_way_and_held_ones_say_who() -> None:
    patient = followed(mapped())
    alerted(patient, "depression", "Moderate", "snoozed")
    factories.user(username="dr.grey", first_name="Nadia", last_name="Grey")
    alerted(patient, "mania", "High", "acknowledged")
    [card] = call()
    assert "Acknowledged by Nadia Grey." in card["detail"]
    assert "suggestions" not in card


def test_the_most_urgent_card_comes_first() -> None:
    patient = followed(mapped())
    for kind, tier in (("depression", "Moderate"), ("mania", "High"), ("safety", "High")):
        alerted(patient, kind, tier)
    shown = [re.sub(r"^.*data\. ", "", card["summary"])[:6] for card in call()]
    assert shown == ["Safety", "Mania ", "Depres"]


def test_a_safety_alert_says_what_to_consider() -> None:
    patient = followed(mapped(), mania=0.1)
    outcomes.outcome_record(
        patient=patient,
        instrument="phq9",
        items=[0] * 8 + [1],
        taken_at=timezone.now(),
        by=factories.user(),
    )
    [card] = call()
    assert "Safety: self-harm item: High." in card["summary"]
    assert "Consider contacting the patient today" in card["detail"]
    assert "Assessment of suicide risk (unverified)" in card["detail"]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", AlertKind.values)
@pytest.mark.parametrize("tier", ["High", "Moderate"])
def test_every_summary_is_whole_and_short_enough(
    settings: Any, language: str, kind: str, tier: str
) -> None:
    settings.CLINIC_LANGUAGE = language
    longest = timezone.now().replace(month=9, day=30)  # “30 septembre 2026”
    tier = "Indeterminate" if kind == "data" else tier
    made = alerted(followed(mapped()), kind, "High", raised_at=longest)
    Alert.objects.filter(pk=made.pk).update(tier=tier)
    [card] = call()
    with translation.override(language):
        about = [str(TITLES[AlertKind(kind)]), said_again(tier) if kind != "data" else ""]
    assert len(card["summary"]) < 140 and card["summary"].endswith(".")
    assert all(words in card["summary"] for words in about)
    assert "2026" in card["summary"]  # even the longest date fits


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_summary_of_an_order_is_whole(settings: Any, language: str) -> None:
    settings.CLINIC_LANGUAGE = language
    alerted(followed(mapped(), mania=0.4), tier="Moderate")
    [card] = call(ORDER, **ordering(text="sertraline"))
    assert len(card["summary"]) < 140 and card["summary"].endswith(".")
    with translation.override(language):
        assert f"{TITLES[AlertKind.MANIA]}" in card["summary"]
        assert said_again("Moderate") in card["summary"]


@pytest.mark.parametrize("kind", AlertKind.values)
def test_only_what_a_model_said_carries_the_research_use_sentence(kind: str) -> None:
    alerted(followed(mapped()), kind, "High")
    [card] = call()
    said = [card["summary"].startswith(RESEARCH_USE), card["detail"].startswith(RESEARCH_USE)]
    assert said == [kind in ("depression", "mania")] * 2
    assert (RESEARCH_USE in json.dumps(card)) == said[0]


def test_a_model_of_real_people_needs_no_such_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    alerted(followed(mapped()))
    ModelVersion.objects.update(trained_on="a cohort")
    monkeypatch.setattr("alerts.cds_views.research_use", lambda: False)
    [card] = call()
    assert card["summary"].startswith("Mania risk indicator: High.")
    assert RESEARCH_USE not in json.dumps(card)


def test_a_day_that_is_indeterminate_shows_no_number() -> None:
    patient = followed(mapped(), mania=None, depression=None)
    newest = patient.scores.get()
    for name in ("depression", "mania"):  # as an older version may have left them
        sleep = factories.contribution("Sleep per night", 4.1, "h", 7.3, HIDDEN["points"] * 100)
        kept = factories.track(name, HIDDEN[name]) | {"contributions": [sleep]}
        setattr(newest, name, kept)
    newest.save()
    alerted(patient)
    for cards in (call(), call(ORDER, **ordering(text="sertraline"))):
        [card] = cards
        assert "not assessed" in card["detail"]
        told = json.dumps(card["summary"] + card["detail"])
        assert not re.search(r"points|4\.1 h|\d ?%", told)
        for value in HIDDEN.values():
            assert f"{value:.2f}" not in told and f"{value * 100:.0f}" not in told


def test_no_card_holds_a_probability_or_a_name() -> None:
    alerted(followed(mapped(), mania=0.7123))
    told = json.dumps([call(), call(ORDER, **ordering(text="sertraline"))])
    assert NAME not in told and "Zebulon" not in told
    assert "71" not in re.sub(r'"(uuid|appContext)": "[^"]*"', "", told)


def test_an_administrator_sees_cards_but_is_nobody_for_acts() -> None:
    boss = mapped(Role.ADMINISTRATOR)
    alerted(followed())
    assert len(call()) == 1
    assert audited()[0][0] == boss.username
