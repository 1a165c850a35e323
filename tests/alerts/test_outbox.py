from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import requests
from django.db import connection

from alerts.connection import DELIVERY_OFF, NO_EHR, capability_read, delivery_set, ehr_client
from alerts.delivering import LEASE, NO_PATIENT_ID, outbox_deliver
from alerts.fhir.codes import ALERT_SYSTEM
from alerts.fhir.retry import GIVE_UP_AFTER
from alerts.models import EhrConnection, OutboxMessage
from alerts.outbox import message_resend
from alerts.services import alert_dismiss, alerts_consider
from patients.models import AuditEvent, Patient
from tests import factories
from tests.fhir_server import FhirServer
from tests.fhir_server.fixtures import require_fhir_server
from tests.people import morning

pytestmark = pytest.mark.django_db
Kind = OutboxMessage.Kind
DAY = date(2026, 3, 1)
NOW = morning(DAY)
ELSEWHERE = "https://ehr.hospital.example/fhir/R4"


@pytest.fixture(scope="module")
def ehr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    """An EHR of this module's own, which keeps its data when it is stopped."""
    require_fhir_server()
    with FhirServer(data=tmp_path_factory.mktemp("ehr") / "data.jsonl") as server:
        yield server


@pytest.fixture
def connected(ehr: FhirServer, settings: Any) -> FhirServer:
    settings.EHR_BASE_URL, settings.EHR_TOKEN_FILE = ehr.start().base_url, ""
    with ehr_client() as client:
        capability_read(client=client, now=NOW)
    EhrConnection.objects.update(results=[])  # sent by tests of their own
    return ehr


def in_the_ehr(ehr: FhirServer, message: OutboxMessage) -> list[dict[str, Any]]:
    """The CommunicationRequests in the EHR with the message's identifier."""
    found = requests.get(
        f"{ehr.base_url}/CommunicationRequest",
        params={"identifier": f"{ALERT_SYSTEM}|{message.identifier}"},
        timeout=10,
    ).json()
    return [entry["resource"] for entry in found.get("entry", [])]


def raised(patient: Patient, mania: float = 0.9, day: date = DAY) -> OutboxMessage:
    """The message of an alert that a decision has raised."""
    if not patient.scores.exists():  # so that a day after can rise fast
        factories.score(patient, day - timedelta(days=1), mania=0.1)
    [alert] = alerts_consider(score=factories.score(patient, day, mania=mania), now=morning(day))
    return OutboxMessage.objects.filter(alert=alert, kind=Kind.NOTICE).latest("id")


@pytest.fixture
def message() -> OutboxMessage:
    return raised(factories.patient("P-1", ehr_id="ehr-1", name="Zebulon Quist"))


def state(message: OutboxMessage) -> str:
    message.refresh_from_db()
    return message.state


def test_a_message_arrives_once_and_says_where(
    connected: FhirServer, message: OutboxMessage
) -> None:
    assert outbox_deliver(now=NOW) == 1
    assert outbox_deliver(now=NOW + timedelta(days=1)) == 0
    [found] = in_the_ehr(connected, message)
    assert state(message) == "delivered"
    assert (message.ehr_resource_id, message.delivered_at) == (found["id"], NOW)
    assert found["subject"] == {"reference": "Patient/ehr-1"}
    assert (found["status"], found["priority"]) == ("active", "urgent")
    text = found["payload"][0]["contentString"]
    assert text.startswith("Research use: model trained on simulated data")
    assert "Zebulon" not in str(found) and "P-1" not in str(found)


def test_while_the_ehr_is_down_messages_wait_and_then_all_arrive_once(
    connected: FhirServer,
) -> None:
    messages = [raised(factories.patient(ehr_id=f"ehr-{n}")) for n in range(4)]
    connected.stop()
    assert outbox_deliver(now=NOW) == 0
    for message in messages:
        assert (state(message), message.attempts) == ("pending", 1)
        assert "could not be reached" in message.last_error
        assert timedelta(0) < message.next_attempt_at - NOW <= timedelta(minutes=2)
    connected.start()
    assert outbox_deliver(now=NOW + timedelta(seconds=30)) == 0  # not before its time
    assert outbox_deliver(now=NOW + timedelta(minutes=3)) == 4
    assert outbox_deliver(now=NOW + timedelta(hours=3)) == 0
    assert [len(in_the_ehr(connected, m)) for m in messages] == [1] * 4
    assert {state(m) for m in messages} == {"delivered"}


def test_a_worker_killed_after_the_post_does_not_send_twice(
    connected: FhirServer, message: OutboxMessage
) -> None:
    outbox_deliver(now=NOW)
    OutboxMessage.objects.update(  # as if the worker had died before it wrote what came of it
        state="sending", claimed_until=NOW + LEASE, delivered_at=None, ehr_resource_id=""
    )
    assert outbox_deliver(now=NOW + LEASE - timedelta(seconds=1)) == 0
    assert state(message) == "sending"
    assert outbox_deliver(now=NOW + LEASE + timedelta(seconds=1)) == 1
    [found] = in_the_ehr(connected, message)
    assert state(message) == "delivered" and message.ehr_resource_id == found["id"]


def test_what_the_ehr_refuses_is_kept_with_its_answer_and_blocks_nobody(
    connected: FhirServer, message: OutboxMessage
) -> None:
    other = raised(factories.patient(ehr_id="ehr-2"))
    bad = message.resource | {"language": "e  n"}  # fhirclient knows no patterns
    OutboxMessage.objects.filter(pk=message.pk).update(resource=bad)
    assert outbox_deliver(now=NOW) == 1
    assert (state(message), state(other)) == ("refused", "delivered")
    assert "(400)" in message.last_error and "language" in message.last_error
    assert outbox_deliver(now=NOW + timedelta(days=1)) == 0


def test_a_message_of_an_alert_closed_meanwhile_is_not_sent(
    connected: FhirServer, message: OutboxMessage
) -> None:
    alert_dismiss(alert=message.alert, by=factories.user(), reason="known-and-managed")
    assert outbox_deliver(now=NOW) == 0
    assert state(message) == "superseded" and in_the_ehr(connected, message) == []


def test_of_two_waiting_messages_of_an_alert_the_newer_is_sent(connected: FhirServer) -> None:
    patient = factories.patient(ehr_id="ehr-1")
    first = raised(patient, 0.5)
    second = raised(patient, 0.9, DAY + timedelta(days=1))
    assert first.alert_id == second.alert_id
    assert outbox_deliver(now=NOW + timedelta(days=1)) == 1
    assert (state(first), state(second)) == ("superseded", "delivered")


def test_without_an_ehr_messages_are_held_and_say_why(
    message: OutboxMessage, settings: Any
) -> None:
    settings.EHR_BASE_URL = ""
    assert outbox_deliver(now=NOW) == 0
    assert (state(message), message.last_error) == ("held", NO_EHR)


def test_delivery_beyond_this_machine_is_held_until_an_administrator_turns_it_on(
    message: OutboxMessage, settings: Any, connected: FhirServer
) -> None:
    here, settings.EHR_BASE_URL = settings.EHR_BASE_URL, ELSEWHERE
    assert outbox_deliver(now=NOW) == 0
    assert (state(message), message.last_error, message.attempts) == ("held", DELIVERY_OFF, 0)
    admin = factories.user("administrator", "boss")
    delivery_set(on=True, by=admin)
    event = AuditEvent.objects.get(action="delivery beyond this machine")
    assert (event.actor, event.detail) == ("boss", {"on": True})
    assert EhrConnection.objects.get().changed_by == "boss"
    # No test may leave this machine: that it now tries to is enough.
    assert outbox_deliver(now=NOW) == 0
    assert (state(message), message.attempts) == ("pending", 0)
    assert "could not be reached" in message.last_error  # what it takes was not to be read
    settings.EHR_BASE_URL = here
    assert outbox_deliver(now=NOW + timedelta(minutes=3)) == 1
    delivery_set(on=False, by=admin)
    assert EhrConnection.objects.count() == 1


def test_a_patient_the_ehr_does_not_know_is_held_until_an_id_is_given(
    connected: FhirServer,
) -> None:
    patient = factories.patient("P-2")
    message = raised(patient)
    assert message.resource == {}
    for _ in range(2):
        assert outbox_deliver(now=NOW) == 0
        assert (state(message), message.last_error) == ("held", NO_PATIENT_ID)
    patient.ehr_id = "ehr-2"
    patient.save()
    assert outbox_deliver(now=NOW) == 1
    assert in_the_ehr(connected, message)[0]["subject"]["reference"] == "Patient/ehr-2"


def test_what_was_held_long_has_its_72_hours_before_it(
    connected: FhirServer, message: OutboxMessage, settings: Any
) -> None:
    here, settings.EHR_BASE_URL = settings.EHR_BASE_URL, ""
    outbox_deliver(now=NOW)
    settings.EHR_BASE_URL = here
    connected.stop()
    outbox_deliver(now=NOW + 2 * GIVE_UP_AFTER)
    assert state(message) == "pending"


def tries(now: datetime, until: datetime) -> Iterator[datetime]:
    """Deliver whenever the message is due, as the beat does."""
    while now <= until:
        outbox_deliver(now=now)
        yield now
        due = OutboxMessage.objects.filter(state="pending").values_list("next_attempt_at").first()
        if due is None:
            return
        rest = EhrConnection.objects.get().rest_until
        now = max(due[0], rest or due[0])


def test_after_72_hours_a_message_is_given_up_and_can_be_sent_again(
    connected: FhirServer, message: OutboxMessage
) -> None:
    connected.stop()
    tried = list(tries(NOW, NOW + timedelta(days=9)))
    assert 15 < len(tried) < 60
    assert state(message) == "dead" and message.last_error
    assert timedelta(hours=72) < tried[-1] - NOW < timedelta(hours=80)
    connected.start()
    assert outbox_deliver(now=NOW + timedelta(days=10)) == 0
    message_resend(message=message, by=factories.user("administrator", "boss"))
    assert AuditEvent.objects.get(action="message resent").actor == "boss"
    assert (state(message), message.last_error) == ("pending", "")
    assert outbox_deliver() == 1
    assert len(in_the_ehr(connected, message)) == 1


@pytest.mark.parametrize("settled", ["delivered", "superseded", "sending"])
def test_what_has_arrived_or_is_on_its_way_is_not_sent_again(
    message: OutboxMessage, settled: str
) -> None:
    OutboxMessage.objects.update(state=settled)
    message_resend(message=message, by=factories.user("administrator"))
    assert state(message) == settled
    assert not AuditEvent.objects.filter(action="message resent").exists()


def test_the_token_travels_in_a_header_and_stands_in_no_message(
    connected: FhirServer, message: OutboxMessage, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("s3cret-token-of-the-ehr\n")
    settings.EHR_TOKEN_FILE = str(tmp_path / "token")
    connected.stop()
    outbox_deliver(now=NOW)
    message.refresh_from_db()
    assert "s3cret" not in message.last_error and message.last_error


@pytest.mark.parametrize("half_written", ["", "two\nlines", "s3cret token"])
def test_a_file_without_a_token_delays_and_says_so(
    connected: FhirServer,
    message: OutboxMessage,
    settings: Any,
    tmp_path: Path,
    half_written: str,
) -> None:
    (tmp_path / "token").write_text(half_written)
    settings.EHR_TOKEN_FILE = str(tmp_path / "token")
    outbox_deliver(now=NOW)
    message.refresh_from_db()
    assert (state(message), message.last_error) == ("pending", "EHR_TOKEN_FILE holds no token.")


@pytest.mark.django_db(transaction=True)
def test_workers_who_deliver_at_once_send_each_message_once(connected: FhirServer) -> None:
    messages = [raised(factories.patient(ehr_id=f"ehr-{n}")) for n in range(12)]
    barrier = Barrier(4)

    def deliver(_: int) -> int:
        try:
            barrier.wait(timeout=10)
            return outbox_deliver(now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        arrived = list(pool.map(deliver, range(4)))
    assert sum(arrived) == 12
    assert {(state(m), m.attempts) for m in messages} == {("delivered", 1)}
    assert [len(in_the_ehr(connected, m)) for m in messages] == [1] * 12
