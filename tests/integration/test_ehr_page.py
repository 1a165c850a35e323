"""How it stands with the EHR, for administrators; and what every page says while it fails."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts import connection
from alerts.models import EhrConnection
from patients.models import AuditEvent
from tests import factories
from tests.fhir_server import FhirServer
from tests.fhir_server.fixtures import require_fhir_server

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[FhirServer]:
    require_fhir_server()
    with FhirServer() as running:
        yield running


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(factories.user("administrator", "boss"))
    return client


def test_an_administrator_asks_the_ehr_and_is_told_what_was_chosen_and_why(
    boss: Client, server: FhirServer, settings: Any
) -> None:
    settings.EHR_BASE_URL = server.base_url
    assert "has not been asked yet" in boss.get("/messages/").content.decode()
    boss.post("/messages/ehr/")
    page = boss.get("/messages/").content.decode()
    assert "The EHR lists create for CommunicationRequest." in page
    assert AuditEvent.objects.get(action="EHR's capability read").actor == "boss"


def test_the_way_can_be_overridden_and_is_named_as_such(boss: Client, settings: Any) -> None:
    settings.EHR_FOLDER = ""
    answer = boss.post("/messages/way/", {"way": "folder"}, follow=True)
    assert "but EHR_FOLDER is not set." in answer.content.decode()
    settings.EHR_FOLDER = "/srv/ehr"
    boss.post("/messages/way/", {"way": "folder"})
    assert EhrConnection.objects.get().way == "folder"
    assert "set by an administrator" in boss.get("/messages/").content.decode()
    answer = boss.post("/messages/way/", {"way": "fax"}, follow=True)
    assert "There is no such way." in answer.content.decode()
    assert EhrConnection.objects.get().way == "folder"


def test_an_ehr_that_is_not_there_is_said_so(boss: Client, settings: Any) -> None:
    settings.EHR_BASE_URL = "http://127.0.0.1:9/fhir"
    answer = boss.post("/messages/ehr/", follow=True)
    assert "The EHR could not be reached" in answer.content.decode()


@pytest.mark.parametrize("role", ["psychiatrist", "coordinator"])
def test_only_administrators_ask_and_choose(client: Client, role: str) -> None:
    client.force_login(factories.user(role))
    assert client.post("/messages/ehr/").status_code == 403
    assert client.post("/messages/way/", {"way": "folder"}).status_code == 403
    assert EhrConnection.objects.filter(override="").count() == 1


def test_every_page_says_since_when_delivery_fails_and_then_no_more(client: Client) -> None:
    client.force_login(factories.user())
    words = "Delivery to the EHR has been failing since"
    for _ in range(connection.SAID_AFTER - 1):
        connection.failed("The EHR did not answer in time.", timezone.now())
    assert words not in client.get("/").content.decode()
    connection.failed("The EHR did not answer in time.", timezone.now())
    for address in ("/", "/alerts/", "/today/"):
        assert words in client.get(address).content.decode()
    connection.answered()
    assert words not in client.get("/").content.decode()
