from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests

from alerts.fhir.client import EhrClient, Refused, TemporaryFailure
from alerts.fhir.modelled import InvalidResource
from alerts.fhir.resources import communication_request
from tests.alerts.fhir.messages import TEXT, alert_message
from tests.fhir_server import FhirServer
from tests.fhir_server.fixtures import require_fhir_server

KIND = "CommunicationRequest"


def name(identifier: str) -> dict[str, str]:
    return {"system": "urn:clarity:alert", "value": identifier}


def stored(server: FhirServer, identifier: str) -> list[dict[str, object]]:
    """What the EHR has under this identifier, asked without the client."""
    url = f"{server.base_url}/CommunicationRequest"
    query = {"identifier": f"urn:clarity:alert|{identifier}"}
    bundle = requests.get(url, params=query, timeout=10).json()
    return [entry["resource"] for entry in bundle.get("entry", [])]


@pytest.mark.parametrize("tier", ["High", "Moderate"])
@pytest.mark.parametrize("track", ["depression", "mania"])
def test_create_stores_the_resource_as_sent(fhir_server: FhirServer, tier: str, track: str) -> None:
    message = alert_message(tier=tier, track=track)
    resource = communication_request(message)
    with EhrClient(fhir_server.base_url) as client:
        delivered = client.create(resource)
    (found,) = stored(fhir_server, message.identifier)
    assert not delivered.duplicate
    assert delivered.id == found["id"]
    assert requests.get(str(delivered.location), timeout=10).json() == found
    assert {name: found[name] for name in resource} == resource


@pytest.mark.parametrize("resend", [False, True])
def test_a_second_create_is_a_duplicate_and_stores_nothing(
    fhir_server: FhirServer, resend: bool
) -> None:
    message = alert_message()
    resource = communication_request(message)
    with EhrClient(fhir_server.base_url) as client:
        first = client.create(resource)
        second = client.create(resource, resend=resend)
    assert (second.id, second.duplicate) == (first.id, True)
    assert len(stored(fhir_server, message.identifier)) == 1


def test_creates_at_the_same_time_store_one(fhir_server: FhirServer) -> None:
    message = alert_message()
    resource = communication_request(message)

    def create(_: int) -> bool:
        with EhrClient(fhir_server.base_url) as client:
            return client.create(resource).duplicate

    with ThreadPoolExecutor(8) as pool:
        duplicates = list(pool.map(create, range(8)))
    assert sorted(duplicates) == [False] + [True] * 7
    assert len(stored(fhir_server, message.identifier)) == 1


def test_several_already_there_count_as_delivered(fhir_server: FhirServer) -> None:
    message = alert_message()
    resource = communication_request(message)
    for _ in range(2):
        url = f"{fhir_server.base_url}/CommunicationRequest"
        assert requests.post(url, json=resource, timeout=10).status_code == 201
    with EhrClient(fhir_server.base_url) as client:
        delivered = client.create(resource)
    assert (delivered.id, delivered.duplicate) == (None, True)
    assert len(stored(fhir_server, message.identifier)) == 2


def test_find_knows_what_is_there_and_what_is_not(fhir_server: FhirServer) -> None:
    message = alert_message()
    with EhrClient(fhir_server.base_url) as client:
        assert client.find(KIND, name(message.identifier)) is None
        sent = client.create(communication_request(message))
        found = client.find(KIND, name(message.identifier))
        assert client.find(KIND, name(str(uuid4()))) is None
    assert found is not None and found.id == sent.id
    assert found.location == f"{fhir_server.base_url}/CommunicationRequest/{sent.id}"


def test_an_invalid_status_is_refused_before_sending_and_by_the_server(
    fhir_server: FhirServer,
) -> None:
    message = alert_message()
    wrong = communication_request(message) | {"status": "requested"}
    with EhrClient(fhir_server.base_url) as client, pytest.raises(InvalidResource, match="status"):
        client.create(wrong)
    answer = requests.post(f"{fhir_server.base_url}/CommunicationRequest", json=wrong, timeout=10)
    assert answer.status_code == 400
    assert stored(fhir_server, message.identifier) == []


def test_refused_carries_the_outcome_of_the_server(fhir_server: FhirServer) -> None:
    message = alert_message()
    wrong = communication_request(message) | {"language": "e  n"}  # fhirclient knows no patterns
    with EhrClient(fhir_server.base_url) as client, pytest.raises(Refused) as caught:
        client.create(wrong)
    assert caught.value.status == 400
    assert "CommunicationRequest.language" in caught.value.outcome_text
    assert TEXT not in caught.value.outcome_text


def test_a_server_that_is_down_is_temporary_and_takes_it_once_when_back() -> None:
    require_fhir_server()
    message = alert_message()
    resource = communication_request(message)
    with FhirServer() as server, EhrClient(server.base_url) as client:
        server.stop()
        with pytest.raises(TemporaryFailure) as caught:
            client.create(resource)
        server.start()
        assert not client.create(resource, resend=True).duplicate
        assert client.create(resource, resend=True).duplicate
        assert len(stored(server, message.identifier)) == 1
    assert caught.value.retry_after_s is None
