"""Messages to an EHR that asks for tokens: sent with one, renewed once, and none lost by it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from alerts.connection import capability_read, ehr_client
from alerts.delivering import outbox_deliver
from alerts.ehr_tokens import key_folder, keys_rotate, token_source
from alerts.models import EhrConnection, OutboxMessage
from tests import factories
from tests.alerts.test_outbox import NOW, raised
from tests.fhir_server import FhirServer
from tests.fhir_server.auth import AuthServer
from tests.trusted import key_server

pytestmark = pytest.mark.django_db
CLIENT = "clarity-here"


@pytest.fixture
def gate(fhir_server: FhirServer, settings: Any, tmp_path: Any) -> Iterator[AuthServer]:
    """The EHR behind an authorisation server that knows Clarity's keys."""
    settings.EHR_KEYS_DIR = tmp_path / "keys"
    key_folder().make("ES384", datetime.now(UTC))
    with (
        key_server(lambda: key_folder().published(datetime.now(UTC))) as published,
        AuthServer(client_id=CLIENT, jwks_url=published.url, upstream=fhir_server) as server,
    ):
        settings.EHR_BASE_URL, settings.EHR_CLIENT_ID = server.base_url, CLIENT
        settings.EHR_TOKEN_FILE = settings.EHR_TOKEN_URL = settings.EHR_SCOPES = ""
        with ehr_client() as client:
            capability_read(client=client, now=NOW)
        EhrConnection.objects.update(results=[])
        yield server


def message(code: str) -> OutboxMessage:
    return raised(factories.patient(code, ehr_id=f"ehr-{code}"))


def in_the_ehr(fhir_server: FhirServer, sent: OutboxMessage) -> int:
    url = f"{fhir_server.base_url}/CommunicationRequest"
    query = {"identifier": f"urn:clarity:alert|{sent.identifier}"}
    return len(requests.get(url, params=query, timeout=10).json().get("entry", []))


def test_a_message_goes_with_a_token_that_is_renewed_once(
    gate: AuthServer, fhir_server: FhirServer
) -> None:
    first = message("T-1")
    assert outbox_deliver(now=NOW) == 1
    assert gate.tokens_given() == 1
    gate.expire_tokens()
    second = message("T-2")
    assert outbox_deliver(now=NOW) == 1
    assert gate.tokens_given() == 2
    assert [in_the_ehr(fhir_server, it) for it in (first, second)] == [1, 1]


def test_a_message_goes_after_a_rotation_of_the_keys(
    gate: AuthServer, fhir_server: FhirServer
) -> None:
    keys_rotate(by="ada", now=datetime.now(UTC))
    gate.expire_tokens()
    sent = message("T-3")
    assert outbox_deliver(now=NOW) == 1
    assert in_the_ehr(fhir_server, sent) == 1


def test_a_message_waits_while_the_ehr_does_not_know_the_key(
    gate: AuthServer, fhir_server: FhirServer, settings: Any, tmp_path: Any
) -> None:
    known, settings.EHR_KEYS_DIR = settings.EHR_KEYS_DIR, tmp_path / "others"
    waits = message("T-4")
    assert outbox_deliver(now=NOW) == 0
    waits.refresh_from_db()
    assert (waits.state, "no key for" in waits.last_error) == ("pending", True)
    assert "ehr_keys make" in EhrConnection.objects.get().last_failure
    settings.EHR_KEYS_DIR = known
    assert outbox_deliver(now=NOW + timedelta(minutes=10)) == 1
    assert in_the_ehr(fhir_server, waits) == 1


def test_no_token_and_no_key_is_stored_or_logged(
    gate: AuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    message("T-5")
    outbox_deliver(now=NOW)
    source = token_source()
    assert source
    secrets = [source.token()]
    for file in key_folder().path.glob("*.json"):
        secrets.append(json.loads(file.read_text())["jwk"]["d"])
    rows = str(list(OutboxMessage.objects.values())) + str(list(EhrConnection.objects.values()))
    assert "message settled" in caplog.text
    for secret in secrets:
        assert secret not in caplog.text and secret not in rows
