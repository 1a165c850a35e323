"""Delivery in trouble: what is told, what is waited for, and what sends it again."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from alerts import connection, delivering
from alerts.checks import ehr_settings
from alerts.delivering import outbox_deliver
from alerts.models import EhrConnection, OutboxMessage
from alerts.outbox import message_resend
from alerts.services import alert_acknowledge, alert_dismiss, alert_retier, alert_undo
from patients.models import Patient, Role
from tests import factories
from tests.alerts.delivery.told import NOW, held, raised, states
from tests.alerts.ehr import Gateway, Handler, outcome
from tests.fhir_server import FhirServer

pytestmark = pytest.mark.django_db
Kind = OutboxMessage.Kind
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ehr(server: FhirServer, settings: Any) -> Iterator[Gateway]:
    with Gateway(server.base_url) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        yield gateway


def answers(status: int, **headers: str) -> Any:
    """A fault: each POST is answered so."""

    def fault(handler: Handler) -> bool:
        if handler.command != "POST":
            return False
        handler.reply(status, headers, outcome("transient"))
        return True

    return fault


def told(alert: Any) -> tuple[str, str]:
    row = alert.messages.earliest("pk")
    return row.state, row.last_error


def test_a_folder_that_is_not_set_holds_what_should_go_there(
    ehr: Gateway,
    patient: Patient,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    settings.EHR_FOLDER = ""
    with pytest.raises(ValueError, match="EHR_FOLDER is not set"):
        connection.way_set(way="folder", by=factories.user())
    connection.ehr()
    EhrConnection.objects.update(override="folder")
    alert = raised(patient)
    assert outbox_deliver(now=NOW) == 0
    assert told(alert) == ("held", connection.NO_FOLDER)
    assert list(tmp_path.iterdir()) == []
    EhrConnection.objects.update(override="")
    OutboxMessage.objects.update(sent_as="folder", state="pending")
    assert outbox_deliver(now=NOW) == 0
    assert told(alert) == ("held", connection.NO_FOLDER)


def test_a_letter_is_made_anew_from_what_was_put_right(
    ehr: Gateway,
    patient: Patient,
    settings: Any,
    server: FhirServer,
) -> None:
    ehr.offers, settings.EHR_RECIPIENT = ("Communication",), ""
    alert, by = raised(patient), factories.user(Role.ADMINISTRATOR)
    outbox_deliver(now=NOW)
    assert told(alert) == ("refused", "recipient must be a Practitioner or a Group: set "
                           "EHR_RECIPIENT.")  # fmt: skip
    settings.EHR_RECIPIENT, patient.ehr_id = "Practitioner/dr-1", "put-right"
    patient.save()
    message_resend(message=alert.messages.get(), by=by)
    outbox_deliver(now=NOW + timedelta(days=400))
    [found] = held(server, alert, "Communication")
    assert found["subject"]["reference"] == "Patient/put-right"


def test_what_was_not_asked_does_not_say_that_the_ehr_works(
    ehr: Gateway,
    patient: Patient,
    settings: Any,
) -> None:
    ehr.fault = answers(503)
    alert = raised(patient)
    outbox_deliver(now=NOW)
    alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
    outbox_deliver(now=NOW + timedelta(hours=1))  # overtaken: nobody is asked
    bad = raised(factories.patient(ehr_id="ehr-2"))
    OutboxMessage.objects.filter(alert=bad).update(resource={"resourceType": "Nothing"})
    outbox_deliver(now=NOW + timedelta(hours=1))
    assert told(bad)[0] == "refused"
    assert connection.ehr().failures >= 1 and connection.ehr().failing_since == NOW


def test_a_rest_that_the_ehr_asked_for_is_not_shortened() -> None:
    connection.failed("503", NOW, 3600)
    for n in range(6):
        connection.failed("timeout", NOW + timedelta(seconds=n))
    assert connection.ehr().rest_until == NOW + timedelta(hours=1)
    connection.answered()
    assert connection.is_resting(connection.ehr(), NOW + timedelta(minutes=59))
    assert not connection.is_resting(connection.ehr(), NOW + timedelta(minutes=61))


@pytest.mark.parametrize("comes_late", [503, 201])
def test_who_lost_the_claim_settles_nothing(
    ehr: Gateway,
    patient: Patient,
    comes_late: int,
) -> None:
    alert = raised(patient)
    row = alert.messages.get()

    claimed = delivering._claim(NOW)
    assert claimed is not None
    OutboxMessage.objects.filter(pk=row.pk).update(
        state="delivered", ehr_resource_id="7", claimed_until=None, delivered_at=NOW
    )
    ehr.fault = answers(comes_late, Location="CommunicationRequest/8/_history/1")
    with connection.ehr_client() as client:
        connection.capability_read(client=client, now=NOW)
        assert not delivering._send(client, connection.ehr(), claimed, NOW)
    row.refresh_from_db()
    assert (row.state, row.ehr_resource_id, row.delivered_at) == ("delivered", "7", NOW)


@pytest.mark.parametrize(
    "statement",
    [
        {"software": "Epic"},
        {"rest": [{"resource": [{"type": "Communication", "interaction": None}]}]},
        {"rest": "none"},
        {"fhirVersion": "4.6.0"},
        {"fhirVersion": "5.0.0"},
    ],
)
def test_a_statement_that_is_none_delays_and_says_so(
    ehr: Gateway,
    patient: Patient,
    statement: dict[str, Any],
) -> None:
    whole = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"} | statement

    def fault(handler: Handler) -> bool:
        handler.reply(200, {"Content-Type": "application/json"}, json.dumps(whole).encode())
        return True

    ehr.fault = fault
    alert = raised(patient)
    assert outbox_deliver(now=NOW) == 0
    state, why = told(alert)
    assert state == "pending" and ("R4" in why)
    assert connection.ehr().failures == 1


def test_where_it_takes_communications_the_scores_go_too_if_it_takes_them(
    ehr: Gateway,
    patient: Patient,
    server: FhirServer,
) -> None:
    ehr.offers = ("Communication", "Observation", "RiskAssessment", "Provenance")
    with connection.ehr_client() as client:
        found = connection.capability_read(client=client, now=NOW)
    assert found.way == "Communication" and len(found.results) == 3
    alert = raised(patient)
    outbox_deliver(now=NOW)
    outbox_deliver(now=NOW)
    assert states(alert) == [(Kind.NOTICE, "delivered"), (Kind.RESULT, "delivered")]


def test_a_result_tried_again_after_a_rise_is_still_that_of_its_score(
    ehr: Gateway,
    patient: Patient,
    server: FhirServer,
) -> None:
    ehr.offers = ("CommunicationRequest", "Observation", "RiskAssessment")
    with connection.ehr_client() as client:
        connection.capability_read(client=client, now=NOW)
    ehr.fault = lambda handler: answers(503)(handler) if "Risk" in handler.path else False
    raised(patient, 0.5)
    for _ in range(2):
        outbox_deliver(now=NOW)
    raised(patient, 0.9, days=1)
    ehr.fault = lambda handler: False
    for _ in range(3):
        outbox_deliver(now=NOW + timedelta(days=2))
    scored = patient.scores.order_by("day").values_list("pk", flat=True)[1:]
    for pk in scored:
        query = {"identifier": f"urn:clarity:score|{pk}-decision"}
        address = f"{server.base_url}/RiskAssessment"
        answer = requests.get(address, params=query, timeout=20).json()
        assert len(answer["entry"]) == 1, pk


def test_where_an_administrator_chose_the_folder_no_score_goes_to_the_server(
    ehr: Gateway, patient: Patient, settings: Any, tmp_path: Path
) -> None:
    ehr.offers = ("CommunicationRequest", "Observation")
    settings.EHR_FOLDER = str(tmp_path / "out")
    with connection.ehr_client() as client:
        connection.capability_read(client=client, now=NOW)
    connection.way_set(way="folder", by=factories.user())
    alert = raised(patient)
    for _ in range(2):
        outbox_deliver(now=NOW)
    assert states(alert) == [(Kind.NOTICE, "delivered"), (Kind.RESULT, "superseded")]
    assert len([*(tmp_path / "out").iterdir()]) == 1
    assert "POST" not in {method for method, *_ in ehr.seen}


def test_a_result_is_held_with_its_notice(ehr: Gateway) -> None:
    ehr.offers = ("CommunicationRequest", "Observation")
    with connection.ehr_client() as client:
        connection.capability_read(client=client, now=NOW)
    unknown = factories.patient("P-2")
    alert = raised(unknown)
    for n in range(3):
        outbox_deliver(now=NOW + n * MINUTE)
    assert states(alert) == [(Kind.NOTICE, "held"), (Kind.RESULT, "held")]
    unknown.ehr_id = "ehr-new"
    unknown.save()
    outbox_deliver(now=NOW + timedelta(days=30))
    outbox_deliver(now=NOW + timedelta(days=30))
    assert states(alert) == [(Kind.NOTICE, "delivered"), (Kind.RESULT, "delivered")]


def test_an_administrators_way_is_searched_by_its_own_type(
    ehr: Gateway,
    patient: Patient,
) -> None:
    def fault(handler: Handler) -> bool:
        if "metadata" not in handler.path:
            return False
        status, headers, body = handler.passed_on()
        told = json.loads(body)
        for row in told["rest"][0]["resource"]:
            if row["type"] == "CommunicationRequest":
                row["searchParam"] = [{"name": "patient", "type": "reference"}]
        handler.reply(status, headers, json.dumps(told).encode())
        return True

    ehr.fault = fault
    with connection.ehr_client() as client:
        assert not connection.capability_read(client=client, now=NOW).searchable
    connection.way_set(way="Communication", by=factories.user())
    raised(patient)
    outbox_deliver(now=NOW)
    assert connection.ehr().searchable


def test_a_type_that_cannot_be_searched_says_nothing_of_the_others(
    ehr: Gateway,
    patient: Patient,
) -> None:
    ehr.offers = ("CommunicationRequest", "Observation", "Provenance")
    first = [True]

    def fault(handler: Handler) -> bool:
        if "Provenance?" in handler.path:
            handler.reply(403, {}, outcome("forbidden"))
            return True
        if handler.command == "POST" and handler.path.endswith("/Provenance") and first:
            first.clear()
            handler.reply(503, {}, outcome("transient"))
            return True
        return False

    ehr.fault = fault
    with connection.ehr_client() as client:
        connection.capability_read(client=client, now=NOW)
    alert = raised(patient)
    for n in range(3):
        outbox_deliver(now=NOW + n * 3 * MINUTE)
    assert (Kind.RESULT, "delivered") in states(alert)
    assert connection.ehr().searchable


def test_a_clinicians_tier_is_named_as_theirs_also_after_an_undo(
    ehr: Gateway,
    patient: Patient,
    server: FhirServer,
) -> None:
    alert, by = raised(patient, 0.5), factories.user()
    alert_acknowledge(alert=alert, by=by)
    alert_retier(alert=alert, by=by, tier="High", note="Two nights of three hours.")
    alert_dismiss(alert=alert, by=by, reason="known-and-managed")
    alert_undo(alert=alert, by=by)
    outbox_deliver(now=NOW + timedelta(days=400))
    found = held(server, alert)[-1]
    said = found["payload"][0]["contentString"]
    assert "mania: High" in said and "Set to High by a clinician; the model says Moderate." in said


def test_what_the_ehr_answers_is_kept_without_the_patients_name(ehr: Gateway) -> None:
    who = factories.patient("P-3", name="Zebulon Quist", ehr_id="ehr-3")
    said = {"resourceType": "OperationOutcome", "issue": [
        {"severity": "error", "code": "invalid", "diagnostics": "QUIST, Zebulon (MRN 5) is closed"}
    ]}  # fmt: skip

    def fault(handler: Handler) -> bool:
        if handler.command == "POST":
            handler.reply(422, {"Content-Type": "application/fhir+json"}, json.dumps(said).encode())
        return handler.command == "POST"

    ehr.fault = fault
    alert = raised(who)
    outbox_deliver(now=NOW)
    state, why = told(alert)
    assert state == "refused" and "is closed" in why
    assert "zebulon" not in why.lower() and "quist" not in why.lower()


def test_on_connecting_where_tokens_are_from_is_read(ehr: Gateway, settings: Any) -> None:
    offered = {
        "token_endpoint": "https://ehr.example/token",
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
    }

    def fault(handler: Handler) -> bool:
        if not handler.path.endswith("/.well-known/smart-configuration"):
            return False
        handler.reply(200, {"Content-Type": "application/json"}, json.dumps(offered).encode())
        return True

    ehr.fault = fault
    with connection.ehr_client() as client:
        found = connection.capability_read(client=client, now=NOW)
    assert found.smart == {
        "token_endpoint": "https://ehr.example/token",
        "algorithms": ["RS384", "ES384"],
    }


@pytest.mark.parametrize(("recipient", "fits"), [("", True), ("Practitioner/1", True),
                                                 ("CareTeam/x", True), ("dr-1", False),
                                                 ("Patient/1", False)])  # fmt: skip
def test_a_recipient_that_is_none_is_said_at_start_up(
    recipient: str, fits: bool, settings: Any
) -> None:
    settings.EHR_RECIPIENT = recipient
    assert [it.id for it in ehr_settings()] == ([] if fits else ["clarity.E008"])


def test_an_answer_that_drips_is_given_up_in_time(
    ehr: Gateway,
    patient: Patient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alerts.fhir.client.WHOLE_ANSWER_S", 0.3)

    def fault(handler: Handler) -> bool:
        if handler.command != "POST":
            return False
        handler.send_response(201)
        handler.send_header("Content-Length", "400")
        handler.end_headers()
        for _ in range(40):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
        return True

    ehr.fault = fault
    alert = raised(patient)
    outbox_deliver(now=NOW)
    assert told(alert) == ("pending", "The EHR did not answer in time.")
