"""What the EHR holds follows the alert, by whichever way it takes messages."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from alerts import connection
from alerts.delivering import outbox_deliver
from alerts.models import EhrConnection, OutboxMessage
from alerts.services import (
    alert_acknowledge,
    alert_dismiss,
    alert_resolve,
    alert_undo,
)
from patients.models import AuditEvent, Patient
from tests import factories
from tests.alerts.delivery.told import NOW, held, raised, states, text
from tests.alerts.ehr import Gateway, Handler
from tests.fhir_server import FhirServer

pytestmark = pytest.mark.django_db
Kind = OutboxMessage.Kind
MINUTE = timedelta(minutes=1)


def test_a_resolved_alert_completes_its_request_and_a_dismissed_one_revokes_it(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    settings.EHR_BASE_URL = server.base_url
    alert, by = raised(patient), factories.user()
    outbox_deliver(now=NOW)
    assert [it["status"] for it in held(server, alert)] == ["active"]
    alert_acknowledge(alert=alert, by=by)
    alert_resolve(alert=alert, by=by)
    outbox_deliver(now=NOW + timedelta(days=400))
    assert [it["status"] for it in held(server, alert)] == ["completed"]
    other = raised(factories.patient(ehr_id="ehr-x"))
    outbox_deliver(now=NOW)
    alert_dismiss(alert=other, by=by, reason="known-and-managed")
    outbox_deliver(now=NOW + timedelta(days=400))
    assert [it["status"] for it in held(server, other)] == ["revoked"]


def test_a_rise_replaces_the_request_before(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    settings.EHR_BASE_URL = server.base_url
    alert = raised(patient, 0.5)
    outbox_deliver(now=NOW)
    assert raised(patient, 0.9, days=1).pk == alert.pk
    outbox_deliver(now=NOW + timedelta(days=1))
    first, second = held(server, alert)
    assert (first["status"], first["priority"]) == ("revoked", "routine")
    assert (second["status"], second["priority"]) == ("active", "urgent")
    assert second["replaces"] == [{"reference": f"CommunicationRequest/{first['id']}"}]
    assert first["groupIdentifier"] == second["groupIdentifier"]


def test_beside_the_alert_its_scores_and_who_made_them_arrive_once(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    settings.EHR_BASE_URL = server.base_url
    with connection.ehr_client() as client:
        connection.capability_read(client=client, now=NOW)
    alert = raised(patient)
    for _ in range(2):
        outbox_deliver(now=NOW)
        OutboxMessage.objects.filter(kind=Kind.RESULT).update(state="pending")
    outbox_deliver(now=NOW)
    assert states(alert) == [(Kind.NOTICE, "delivered"), (Kind.RESULT, "delivered")]
    query = {"subject": f"Patient/{patient.ehr_id}"}

    def found(kind: str, **asked: str) -> list[dict[str, Any]]:
        url = f"{server.base_url}/{kind}"
        answer = requests.get(url, params=asked or query, timeout=20).json()
        return [entry["resource"] for entry in answer.get("entry", [])]

    [assessment] = found("RiskAssessment")
    assert len(found("Observation")) == 2
    assert len(assessment["basis"]) == 2
    [request] = held(server, alert)
    [signed] = found("Provenance", target=f"CommunicationRequest/{request['id']}")
    assert {"reference": f"RiskAssessment/{assessment['id']}"} in signed["target"]
    assert [it["resourceType"] for it in request["contained"]] == ["Observation"] * 2


def test_where_only_a_communication_is_taken_it_is_sent_and_a_short_one_closes(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    with Gateway(server.base_url, offers=("Communication",)) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert = raised(patient)
        assert outbox_deliver(now=NOW) == 1
        ehr = connection.ehr()
        assert (ehr.target, ehr.results) == ("Communication", [])
        alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
        outbox_deliver(now=NOW + timedelta(days=400))
    first, second = held(server, alert, "Communication")
    assert text(first).startswith("Research use: ")
    assert (first["priority"], second["priority"]) == ("urgent", "routine")
    assert text(second).endswith("\nClarity: the mania alert sent before has been dismissed.")


def test_where_neither_is_taken_files_are_written_and_without_a_folder_it_waits(
    server: FhirServer, patient: Patient, settings: Any, tmp_path: Path
) -> None:
    with Gateway(server.base_url, offers=()) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert = raised(patient)
        assert outbox_deliver(now=NOW) == 0
        assert states(alert) == [(Kind.NOTICE, "held")]
        assert alert.messages.get().last_error == connection.NO_WAY
        settings.EHR_FOLDER = str(tmp_path)
        with connection.ehr_client() as client:
            connection.capability_read(client=client, now=NOW)
        assert outbox_deliver(now=NOW + MINUTE) == 1
        alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
        outbox_deliver(now=NOW + timedelta(days=400))
    told = [json.loads(file.read_text()) for file in sorted(tmp_path.iterdir())]
    assert sorted(it["status"] for it in told) == ["active", "revoked"]
    assert len({it["identifier"][0]["value"] for it in told}) == 1


def lost(handler: Handler) -> bool:
    """The first POST arrives, and its answer does not."""
    if handler.command == "POST" and not any(c == "POST" for c, _p, _s in handler.server.seen):
        handler.server.seen.append(("POST", handler.path, 0))
        handler.passed_on()
        handler.close_connection = True
        return True
    return False


@pytest.mark.parametrize(
    ("conditional", "searchable", "copies"),
    [(True, True, 1), (False, True, 1), (True, False, 1), (False, False, 2)],
)
def test_an_answer_that_was_lost_is_not_sent_twice_where_that_can_be_known(
    server: FhirServer,
    patient: Patient,
    settings: Any,
    conditional: bool,
    searchable: bool,
    copies: int,
) -> None:
    ways = {"conditional": conditional, "searchable": searchable}
    with Gateway(server.base_url, fault=lost, offers=("CommunicationRequest",), **ways) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert = raised(patient)
        assert outbox_deliver(now=NOW) == 0
        assert outbox_deliver(now=NOW + 3 * MINUTE) == 1
    assert states(alert) == [(Kind.NOTICE, "delivered")]
    assert len(held(server, alert)) == copies


@pytest.mark.parametrize("searchable", [True, False])
def test_what_may_have_arrived_is_taken_back_when_its_alert_is_dismissed(
    server: FhirServer, patient: Patient, settings: Any, searchable: bool
) -> None:
    ways = {"offers": ("CommunicationRequest",), "searchable": searchable}
    with Gateway(server.base_url, fault=lost, **ways) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert = raised(patient)
        outbox_deliver(now=NOW)
        alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
        outbox_deliver(now=NOW + timedelta(days=400))
    assert [it["status"] for it in held(server, alert)] == ["revoked"]
    assert (Kind.CLOSING, "delivered") in states(alert)


@pytest.mark.parametrize("kind", ["CommunicationRequest", "Communication"])
def test_what_was_dismissed_taken_up_again_and_resolved_ends_as_resolved(
    server: FhirServer, patient: Patient, settings: Any, kind: str
) -> None:
    with Gateway(server.base_url, offers=(kind,)) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alert, by = raised(patient), factories.user()
        outbox_deliver(now=NOW)
        alert_acknowledge(alert=alert, by=by)
        alert_dismiss(alert=alert, by=by, reason="known-and-managed")
        outbox_deliver(now=NOW + timedelta(days=400))
        alert_undo(alert=alert, by=by)
        alert_resolve(alert=alert, by=by)  # before the EHR was told that it is open again
        outbox_deliver(now=NOW + timedelta(days=401))
    found = held(server, alert, kind)
    if kind == "Communication":
        assert text(found[-1]).endswith("has been resolved.")
    else:
        assert [it["status"] for it in found] == ["completed"]


def test_a_message_never_sent_leaves_nothing_to_take_back(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    settings.EHR_BASE_URL = server.base_url
    alert = raised(patient)
    alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed")
    assert outbox_deliver(now=NOW + timedelta(days=400)) == 0
    assert states(alert) == [(Kind.NOTICE, "superseded"), (Kind.CLOSING, "superseded")]
    assert held(server, alert) == []


def test_an_ehr_that_does_not_answer_is_left_alone_and_said_so(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    def down(handler: Handler) -> bool:
        if handler.command == "POST":
            handler.reply(503, {}, b"")
        return handler.command == "POST"

    alerts = [raised(factories.patient(ehr_id=f"e-{n}")) for n in range(8)]
    with Gateway(server.base_url, fault=down) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        outbox_deliver(now=NOW)
        posts = [path for command, path, _status in gateway.seen if command == "POST"]
        assert len(posts) == connection.RESTS_AFTER
        ehr = connection.ehr()
        assert connection.failing_since(ehr) == NOW and connection.is_resting(ehr, NOW)
        outbox_deliver(now=NOW + timedelta(seconds=30))
        assert len([1 for command, *_ in gateway.seen if command == "POST"]) == len(posts)
        gateway.fault = lambda handler: False
        outbox_deliver(now=NOW + 10 * MINUTE)
    assert connection.failing_since(connection.ehr()) is None
    assert {m.state for a in alerts for m in a.messages.filter(kind=Kind.NOTICE)} == {"delivered"}


def test_a_server_that_asks_for_time_gets_it(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    def busy(handler: Handler) -> bool:
        first = handler.command == "POST" and not any(c == "POST" for c, *_ in handler.server.seen)
        if first:
            handler.reply(429, {"Retry-After": "600"}, b"")
        return first

    alerts = [raised(patient), raised(factories.patient(ehr_id="e-2"))]
    with Gateway(server.base_url, fault=busy) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        assert outbox_deliver(now=NOW) == 0
        assert outbox_deliver(now=NOW + 9 * MINUTE) == 0
        assert len([1 for command, *_ in gateway.seen if command == "POST"]) == 1
        outbox_deliver(now=NOW + 11 * MINUTE)
    assert all(a.messages.filter(kind=Kind.NOTICE, state="delivered").exists() for a in alerts)


def test_a_day_without_the_ehr_delays_and_loses_nothing(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    with Gateway(server.base_url, offers=("CommunicationRequest",)) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        alerts = [raised(factories.patient(ehr_id=f"d-{n}")) for n in range(6)]
        gateway.fault = lambda handler: handler.reply(503, {}, b"") or True  # type: ignore[func-returns-value]
        for minutes in range(0, 24 * 60, 10):
            assert outbox_deliver(now=NOW + minutes * MINUTE) == 0
        alert_dismiss(alert=alerts[0], by=factories.user(), reason="known-and-managed")
        gateway.fault = lambda handler: False
        for minutes in range(24 * 60, 31 * 60, 10):
            outbox_deliver(now=NOW + minutes * MINUTE)
    assert [len(held(server, alert)) for alert in alerts] == [0, 1, 1, 1, 1, 1]
    assert {s for a in alerts[1:] for s in states(a)} == {(Kind.NOTICE, "delivered")}


def test_an_administrators_way_goes_before_what_the_ehr_says(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    settings.EHR_BASE_URL = server.base_url
    connection.way_set(way="Communication", by=factories.user("administrator", "boss"))
    alert = raised(patient)
    outbox_deliver(now=NOW)
    assert len(held(server, alert, "Communication")) == 1
    assert AuditEvent.objects.get(action="way to the EHR").detail == {"way": "Communication"}
    with pytest.raises(ValueError, match="no such way"):
        connection.way_set(way="fax", by=factories.user("administrator"))


def test_what_the_ehr_takes_is_read_once_a_day(
    server: FhirServer, patient: Patient, settings: Any
) -> None:
    with Gateway(server.base_url) as gateway:
        settings.EHR_BASE_URL = gateway.base_url
        for n, hours in enumerate((0, 1, 30)):
            raised(factories.patient(ehr_id=f"m-{n}"))
            outbox_deliver(now=NOW + timedelta(hours=hours))
        assert len([1 for _c, path, _s in gateway.seen if path.endswith("/metadata")]) == 2
    assert EhrConnection.objects.get().why.startswith("The EHR lists create")
