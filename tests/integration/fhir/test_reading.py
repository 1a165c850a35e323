"""What other systems read of Clarity, how they find it, and what is written down of it."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from alerts.fhir_views import FORM
from alerts.models import AlertState, OutboxMessage
from patients.models import AuditEvent, Role
from scoring.models import RiskScore
from tests import factories
from tests.browser.states import DAYS_HIDDEN, HIDDEN, build_withheld
from tests.fhir_server import FhirServer
from tests.integration.fhir.reading import (
    BASE,
    DAY,
    Reading,
    clinic,
    observation_id,
    with_request,
)

pytestmark = pytest.mark.django_db
SERVED = ("CommunicationRequest", "Observation", "Provenance", "RiskAssessment")


def test_a_score_is_read_as_observations_a_decision_and_where_from() -> None:
    made, reading = clinic(), Reading()
    ada = made["patients"][0]
    mania = reading.get(f"Observation/{observation_id(ada, DAY, 'mania')}")
    assert mania["Content-Type"] == "application/fhir+json"
    assert mania["ETag"] == 'W/"1"'
    assert mania.json()["valueQuantity"]["value"] == 0.9
    assert mania.json()["subject"] == {
        "type": "Patient",
        "reference": "Patient/ehr-1",
        "identifier": {"system": "urn:clarity:patient", "value": "CL-1"},
    }
    assert mania.json()["note"][0]["text"].startswith("Research use")
    decision = reading.get(f"RiskAssessment/{observation_id(ada, DAY, 'decision')}").json()
    origin = reading.get(f"Provenance/{observation_id(ada, DAY, 'origin')}").json()
    for reference in [*decision["basis"], *origin["target"]]:
        assert reading.get(reference["reference"]).status_code == 200
    assert len(origin["target"]) == 3


def test_the_reference_to_the_patient_is_to_the_ehr(settings: Any) -> None:
    settings.EHR_BASE_URL = "https://ehr.example/fhir/R4/"
    made, reading = clinic(), Reading()
    found = reading.get(f"Observation/{observation_id(made['patients'][0], DAY, 'mania')}").json()
    assert found["subject"]["reference"] == "https://ehr.example/fhir/R4/Patient/ehr-1"
    other = reading.get(f"Observation/{observation_id(made['patients'][2], DAY, 'mania')}").json()
    assert "reference" not in other["subject"]


def everything(reading: Reading) -> list[dict[str, Any]]:
    found = []
    for name in SERVED:
        bundle = reading.get(f"{name}?_count=200").json()
        found += [entry["resource"] for entry in bundle.get("entry", [])]
    return found


def test_everything_served_passes_two_validators(fhir_server: FhirServer) -> None:
    clinic()
    reading = Reading()
    bundles = [reading.get(name).json() for name in SERVED]
    metadata = reading.get("metadata").json()
    outcome = reading.get("Observation/none").json()
    kinds = set()
    for resource in [*everything(reading), *bundles, metadata, outcome]:
        kinds.add(resource["resourceType"])
        url = f"{fhir_server.base_url}/{resource['resourceType']}"
        answer = requests.post(url, json=resource, timeout=20)
        assert answer.status_code == 201, answer.text
    assert kinds == {*SERVED, "Bundle", "CapabilityStatement", "OperationOutcome"}


def test_an_indeterminate_day_has_no_number_in_any_resource() -> None:
    made = build_withheld()
    for alert in made["patient"].alerts.all():
        with_request(alert)
    reading = Reading()
    found = everything(reading)
    text = json.dumps(found)
    for value in HIDDEN.values():
        assert str(value) not in text and f"{value * 100:.2f}" not in text
    newest = sorted({it["effectiveDateTime"] for it in found if "effectiveDateTime" in it})
    for resource in found:
        if resource.get("effectiveDateTime") in newest[-DAYS_HIDDEN:]:
            assert "valueQuantity" not in resource
            assert resource["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert sum("valueQuantity" in it for it in found) == 2 * (60 - DAYS_HIDDEN) - 1


def test_the_same_numbers_are_shown_where_they_belong_to_assessed_days() -> None:
    build_withheld(assessed=True)
    text = json.dumps(everything(Reading()))
    assert str(HIDDEN["depression"]) in text and str(HIDDEN["mania"]) in text


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (AlertState.NEW, "active"),
        (AlertState.ACKNOWLEDGED, "active"),
        (AlertState.SNOOZED, "active"),
        (AlertState.RESOLVED, "completed"),
        (AlertState.DISMISSED, "revoked"),
    ],
)
def test_a_message_has_the_state_that_its_alert_has_now(state: str, status: str) -> None:
    made, reading = clinic(), Reading()
    made["alert"].state = state
    made["alert"].changed_at += timedelta(hours=3)
    made["alert"].save()
    found = reading.get(f"CommunicationRequest/{made['message'].identifier}").json()
    assert found["status"] == status
    assert found["meta"]["lastUpdated"] == made["alert"].changed_at.isoformat()
    assert found["payload"] == made["message"].resource["payload"]
    assert found["contained"][0]["subject"] == found["subject"]


def test_a_message_that_a_newer_one_overtook_is_revoked() -> None:
    made, reading = clinic(), Reading()
    alert = made["alert"]
    raised = alert.transitions.create(
        event="upgraded", to_state="new", tier="High", actor="system", at=alert.changed_at
    )
    factories.message(alert, raised, "pending")
    newer = with_request(alert)
    states = {it["id"]: it["status"] for it in everything(reading) if it["id"].count("-") == 4}
    assert states == {str(made["message"].identifier): "revoked", str(newer.identifier): "active"}


SEARCHES = [
    ("Observation", "", 8),
    ("Observation", "patient=Patient/ehr-1", 4),
    ("Observation", "patient=ehr-1", 4),
    ("Observation", "subject=http://testserver/fhir/R4/Patient/ehr-1", 4),
    ("Observation", "patient=ehr-1,ehr-2", 6),
    ("Observation", "patient=ehr-9", 0),
    ("Observation", "patient:identifier=urn:clarity:patient|CL-3", 2),
    ("Observation", "subject:identifier=CL-3", 2),
    ("Observation", "patient:identifier=urn:other|CL-3", 0),
    ("Observation", "code=urn:clarity:code|mania-risk-indicator", 4),
    ("Observation", "code=mania-risk-indicator,depression-risk-indicator", 8),
    ("Observation", "code=http://loinc.org|mania-risk-indicator", 0),
    ("Observation", "date=2026-11-20", 6),
    ("Observation", "date=2026-11", 8),
    ("Observation", "date=2026", 8),
    ("Observation", "date=ge2026-11-20", 6),
    ("Observation", "date=gt2026-11-19", 6),
    ("Observation", "date=gt2026-11-20", 0),
    ("Observation", "date=lt2026-11-20", 2),
    ("Observation", "date=le2026-11-20", 8),
    ("Observation", "date=ge2026-11-19&date=lt2026-11-20", 2),
    ("Observation", "_lastUpdated=ge2026-11-21T08:14:00Z", 6),
    ("Observation", "_lastUpdated=gt2026-11-21T08:14:00%2B00:00", 0),
    ("Observation", "_lastUpdated=ge2026-11-21T08:14:00+00:00", 6),
    ("Observation", "_count=0", 0),
    ("RiskAssessment", "patient=ehr-1&date=2026-11-19", 1),
    ("Provenance", "patient=ehr-1", 2),
    ("Provenance", "recorded=ge2026-11-21", 3),
    ("CommunicationRequest", "", 1),
    ("CommunicationRequest", "patient=ehr-1", 1),
    ("CommunicationRequest", "patient=ehr-2", 0),
    ("CommunicationRequest", "authored=2026-11-21", 1),
    ("CommunicationRequest", "authored=lt2026-11-21", 0),
]


@pytest.mark.parametrize(("resource", "query", "count"), SEARCHES)
def test_searches(resource: str, query: str, count: int) -> None:
    clinic()
    reading = Reading()
    bundle = reading.get(f"{resource}?{query}").json()
    assert bundle["type"] == "searchset"
    assert len(bundle.get("entry", [])) == count
    assert bundle["total"] == (8 if "_count=0" in query else count)
    for entry in bundle.get("entry", []):
        read = reading.get(entry["fullUrl"])
        assert read.json() == entry["resource"]
    posted = reading.client.post(
        f"{BASE}/{resource}/_search",
        query.replace("+", "%2B"),
        content_type=FORM,
        headers={"authorization": f"Bearer {reading.token}"},
    )
    assert posted.json().get("entry", []) == bundle.get("entry", [])


@pytest.mark.parametrize("resource", ["Observation", "RiskAssessment", "CommunicationRequest"])
def test_each_resource_is_found_by_its_identifier(resource: str) -> None:
    clinic()
    reading = Reading()
    for entry in reading.get(resource).json()["entry"]:
        (own,) = entry["resource"]["identifier"]
        for text in (f"{own['system']}|{own['value']}", own["value"]):
            assert reading.ids(f"{resource}?identifier={text}") == [entry["resource"]["id"]]
        assert reading.ids(f"{resource}?identifier=urn:other|{own['value']}") == []
        assert reading.ids(f"{resource}?_id={entry['resource']['id']}") == [entry["resource"]["id"]]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("resource", ["Observation", "RiskAssessment"])
def test_pages_give_everything_once(resource: str, count: int) -> None:
    clinic()
    reading = Reading()
    whole = reading.ids(f"{resource}?_count=200")
    assert reading.ids(f"{resource}?_count={count}") == whole
    assert len(set(whole)) == len(whole)
    first = reading.get(f"{resource}?_count={count}&date=2026").json()
    assert len(first["entry"]) == min(count, len(whole))
    onward = [it["url"] for it in first["link"] if it["relation"] == "next"]
    assert bool(onward) == (count < len(whole))
    assert all("date=2026" in url for url in onward)


def test_pages_of_one_track_are_full() -> None:
    who = factories.patient("CL-1", ehr_id="ehr-1")
    factories.history(who, DAY, 12, lambda back: 0.2, lambda back: 0.1)
    reading = Reading()
    path = "Observation?code=mania-risk-indicator&_count=5"
    assert [len(reading.get(path).json()["entry"]), len(reading.ids(path))] == [5, 12]


def test_a_search_that_leaves_out_parts_of_rows_gives_full_pages() -> None:
    who = factories.patient("CL-1", ehr_id="ehr-1")
    scores = factories.history(who, DAY, 4, lambda back: 0.2, lambda back: 0.1)
    named = ",".join(f"{s.pk}-decision" for s in scores[:3]) + f",{scores[3].pk}-mania"
    also = ",".join(f"{s.pk}-depression" for s in scores[:3])
    reading = Reading()
    assert len(reading.ids(f"Observation?identifier={named}&_count=1")) == 1
    path = f"Observation?identifier={also},{scores[3].pk}-mania&code=mania-risk-indicator&_count=1"
    found = reading.get(path).json()
    assert (found["total"], len(found["entry"])) == (1, 1)


@pytest.mark.parametrize("base", ["", "https://ehr.example/fhir/R4", "http://testserver/fhir/R4"])
def test_a_patients_whole_address_is_one_of_a_server_that_is_known(
    base: str, settings: Any
) -> None:
    settings.EHR_BASE_URL = "https://ehr.example/fhir/R4/"
    clinic()
    reference = f"{base}/Patient/ehr-1".lstrip("/")
    assert len(Reading().ids(f"Observation?patient={reference}")) == 4


def test_a_posted_search_takes_the_parameters_of_its_address_too() -> None:
    clinic()
    reading = Reading()
    headers = {"authorization": f"Bearer {reading.token}"}
    address = f"{BASE}/Observation/_search?patient=ehr-1"
    answer = reading.client.post(address, "", content_type=FORM, headers=headers)
    assert answer.json()["total"] == 4
    answer = reading.client.post(address, "date=2026-11-20", content_type=FORM, headers=headers)
    assert answer.json()["total"] == 2


def test_a_message_that_was_never_sent_is_there_to_be_fetched() -> None:
    who = factories.patient("CL-1")
    alert = factories.alert(factories.score(who, DAY, 0.9, 0.9))
    message = alert.messages.get()
    OutboxMessage.objects.update(resource={}, state="held")
    [found] = Reading().ids("CommunicationRequest")
    assert found == str(message.identifier)
    body = Reading().get(f"CommunicationRequest/{found}").json()
    assert body["subject"]["identifier"]["value"] == "CL-1"
    assert "mania: High" in str(body["payload"])
    OutboxMessage.objects.update(state="refused")
    assert Reading().ids("CommunicationRequest") == []


def test_a_day_scored_again_keeps_its_id_and_is_found_by_the_time() -> None:
    made, reading = clinic(), Reading()
    ada, before = made["patients"][0], made["scores"]["high"]
    one = observation_id(ada, DAY, "mania")
    RiskScore.objects.filter(pk=before.pk).update(is_current=False)
    later = before.scored_at + timedelta(days=2)
    factories.score(ada, DAY, 0.3, 0.2, revision=2, scored_at=later)
    found = reading.get(f"Observation/{one}")
    assert (found["ETag"], found.json()["valueQuantity"]["value"]) == ('W/"2"', 0.2)
    since = (later - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert one in reading.ids(f"Observation?_lastUpdated=ge{since}")
    assert reading.ids("Observation?patient=ehr-1").count(one) == 1


def test_each_reading_is_written_down_by_patient() -> None:
    made, reading = clinic(), Reading()
    AuditEvent.objects.all().delete()
    reading.get(f"Observation/{observation_id(made['patients'][0], DAY, 'mania')}")
    reading.get("RiskAssessment")
    reading.get("RiskAssessment?patient=ehr-9")
    reading.get("Observation/none")
    reading.get("Observation?name=Ada")
    rows = [
        (e.actor, e.action, e.patient_code, e.detail["resource"], e.detail["count"])
        for e in AuditEvent.objects.order_by("id")
    ]
    who = "system: Warehouse"
    assert rows[0] == (who, "record opened", "CL-1", "Observation", 1)
    assert sorted(rows[1:4]) == [
        (who, "record opened", "CL-1", "RiskAssessment", 2),
        (who, "record opened", "CL-2", "RiskAssessment", 1),
        (who, "record opened", "CL-3", "RiskAssessment", 1),
    ]
    assert rows[4:] == [
        (who, "FHIR search", "", "RiskAssessment", 0),
        (who, "FHIR read", "", "Observation", 0),
        (who, "FHIR refused", "", "Observation", 0),
    ]


def test_the_record_says_which_system_looked(client: Any) -> None:
    made, reading = clinic(), Reading()
    reading.get("Observation?patient=ehr-1")
    doctor = factories.user(Role.ADMINISTRATOR)
    client.force_login(doctor)
    assert "system: Warehouse" in client.get("/patients/CL-1/").content.decode()
    assert made


class AnySearch(TestCase):
    """Whatever is asked, the answer is FHIR and no failure."""

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(
        st.dictionaries(
            st.sampled_from(
                [
                    "patient",
                    "_id",
                    "date",
                    "_lastUpdated",
                    "identifier",
                    "code",
                    "_count",
                    "page",
                    "patient:identifier",
                    "_sort",
                ]
            ),
            st.text(max_size=30)
            | st.sampled_from(
                [
                    "eq2026-13-45",
                    "ge0000",
                    "9999",
                    "ge9999-12-31",
                    "1-20261120-mania",
                    "99999999999999999999-20261120-mania",
                    "|",
                    ",",
                    "Patient/",
                ]
            ),
            max_size=3,
        ),
        st.sampled_from(SERVED),
    )
    def test_is_answered(self, query: dict[str, str], resource: str) -> None:
        reading = Reading()
        answer = reading.client.get(
            f"{BASE}/{resource}", query, headers={"authorization": f"Bearer {reading.token}"}
        )
        kinds = {200: "Bundle", 400: "OperationOutcome"}
        assert answer.json()["resourceType"] == kinds[answer.status_code]


def test_a_date_before_all_dates_is_no_failure() -> None:
    assert Reading().ids(f"Observation?date=ge{date.min.year:04}") == []
