"""Changing what the EHR has, before servers and proxies that answer otherwise."""

from collections.abc import Callable, Iterator

import pytest
import requests

from alerts.fhir.answers import Names
from alerts.fhir.client import EhrClient, Refused, TemporaryFailure, name_of
from alerts.fhir.resources import communication_request
from tests.alerts.ehr import Gateway, Handler
from tests.alerts.fhir.messages import alert_message
from tests.fhir_server import FhirServer

KIND = "CommunicationRequest"
Known = tuple[str, Names]
LOG_IN = b"<html>Please log in</html>"


@pytest.fixture
def gateway(fhir_server: FhirServer) -> Iterator[Gateway]:
    with Gateway(fhir_server.base_url) as running:
        yield running


@pytest.fixture
def client(gateway: Gateway) -> Iterator[EhrClient]:
    with EhrClient(gateway.base_url) as running:
        yield running


@pytest.fixture
def known(client: EhrClient) -> Known:
    """The id of an active request that is there, and its identifier."""
    resource = communication_request(alert_message())
    told = client.create(resource)
    assert told.id
    return told.id, name_of(resource)


def status(server: FhirServer, known: Known) -> str:
    answer = requests.get(f"{server.base_url}/{KIND}/{known[0]}", timeout=10)
    return str(answer.json()["status"])


def answers(
    method: str, status: int, body: bytes, *, times: int = 99, passed: bool = False
) -> Callable[[Handler], bool]:
    """A fault: so many requests of the method are answered so, whether or not they go on."""
    left = [times]

    def fault(handler: Handler) -> bool:
        if handler.command != method or not left[0]:
            return False
        left[0] -= 1
        if passed:
            handler.passed_on()
        handler.reply(status, {}, body)
        return True

    return fault


def test_an_element_is_set_and_what_is_so_already_is_left(
    fhir_server: FhirServer, gateway: Gateway, client: EhrClient, known: Known
) -> None:
    for _ in range(2):
        client.update(KIND, *known, status="revoked")
    assert status(fhir_server, known) == "revoked"
    assert [method for method, *_ in gateway.seen].count("PUT") == 1


@pytest.mark.parametrize("conflict", [409, 412])
def test_what_somebody_else_changed_meanwhile_is_read_again(
    fhir_server: FhirServer, gateway: Gateway, client: EhrClient, known: Known, conflict: int
) -> None:
    gateway.fault = answers("PUT", conflict, b"", times=2)
    client.update(KIND, *known, status="revoked")
    assert status(fhir_server, known) == "revoked"
    gateway.fault = answers("PUT", conflict, b"")
    with pytest.raises(TemporaryFailure, match="again and again"):
        client.update(KIND, *known, status="completed")


@pytest.mark.parametrize("body", [LOG_IN, b"", b'{"resourceType": "Patient", "id": "1"}'])
def test_an_answer_that_is_not_the_resource_is_no_reason_to_give_up(
    fhir_server: FhirServer, gateway: Gateway, client: EhrClient, known: Known, body: bytes
) -> None:
    gateway.fault = answers("GET", 200, body)
    with pytest.raises(TemporaryFailure, match="something else"):
        client.update(KIND, *known, status="revoked")
    assert status(fhir_server, known) == "active"


@pytest.mark.parametrize("arrives", [True, False])
def test_a_page_instead_of_an_answer_is_no_proof_of_the_change(
    fhir_server: FhirServer, gateway: Gateway, client: EhrClient, known: Known, arrives: bool
) -> None:
    gateway.fault = answers("PUT", 200, LOG_IN, passed=arrives)
    if arrives:
        client.update(KIND, *known, status="revoked")
    else:
        with pytest.raises(TemporaryFailure, match="something else"):
            client.update(KIND, *known, status="revoked")
    assert status(fhir_server, known) == ("revoked" if arrives else "active")


def test_what_is_named_otherwise_is_left_as_it_is(
    fhir_server: FhirServer, client: EhrClient, known: Known
) -> None:
    another = (known[0], name_of(communication_request(alert_message())))
    with pytest.raises(Refused, match="another's request"):
        client.update(KIND, *another, status="revoked")
    assert status(fhir_server, known) == "active"
