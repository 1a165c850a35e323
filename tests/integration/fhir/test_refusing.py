"""What is refused, and that every refusal is an OperationOutcome that says what was wrong."""

import logging
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from alerts import fhir_views
from patients.models import AuditEvent, Role
from tests import factories
from tests.integration.fhir.reading import BASE, DAY, Reading, clinic, observation_id
from tests.integration.test_logs import written

pytestmark = pytest.mark.django_db
__all__ = ["written"]


def outcome(answer: Any) -> str:
    assert answer["Content-Type"] == "application/fhir+json"
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    return str(body["issue"][0]["details"]["text"])


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("Observation?name=Ada", 400, "The parameter name is not known here: use _count"),
        ("Observation?_sort=date", 400, "The parameter _sort is not known here"),
        ("Observation?_include=x", 400, "The parameter _include is not known here"),
        ("Provenance?subject=x", 400, "The parameter subject is not known here"),
        ("Observation?date=yesterday", 400, "The parameter date must be a date such as"),
        ("Observation?date=ap2026", 400, "The parameter date must be a date such as"),
        ("Observation?date=2026-02-30", 400, "The parameter date must be a date such as"),
        ("Observation?patient=a/b", 400, "The parameter patient must be Patient/ and the id"),
        (
            "Observation?patient=https://other.example/fhir/Patient/ehr-1",
            400,
            "The parameter patient is the address of a patient of another server.",
        ),
        ("Observation?patient=", 400, "The parameter patient is empty"),
        ("Observation?patient=a&patient=b", 400, "The parameter patient may be given once."),
        ("Observation?_count=-1", 400, "The parameter _count must be a number."),
        ("Observation?page=xyz", 400, "The parameter page must be taken from a link"),
        ("Observation/1-20261120-mania", 404, "There is no Observation of this id."),
        ("Observation/1-20269999-mania", 404, "There is no Observation of this id."),
        ("CommunicationRequest/none", 404, "There is no CommunicationRequest of this id."),
        ("Patient", 404, "Clarity serves CommunicationRequest, Observation"),
        ("Patient/ehr-1", 404, "Clarity serves CommunicationRequest, Observation"),
        ("Observation/1/_history/2", 404, "Clarity serves"),
        ("", 404, "Clarity serves"),
        ("Observation/_search", 405, "Post a search to _search."),
        ("Observation?_format=xml", 406, "application/fhir+json only"),
    ],
)
def test_what_cannot_be_answered(path: str, status: int, sentence: str) -> None:
    clinic()
    answer = Reading().get(path)
    assert (answer.status_code, sentence in outcome(answer)) == (status, True), outcome(answer)


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_search_in_another_form_is_refused_not_answered_about_everybody(kind: str) -> None:
    clinic()
    reading = Reading()
    answer = reading.client.post(
        "/fhir/R4/Observation/_search",
        '{"patient": "ehr-1"}',
        content_type=kind,
        headers={"authorization": f"Bearer {reading.token}"},
    )
    assert (answer.status_code, "application/x-www-form" in outcome(answer)) == (415, True)


def test_a_right_that_is_lacking_is_written_down() -> None:
    Reading("system/RiskAssessment.rs").get("Observation")
    row = AuditEvent.objects.get(action="FHIR refused")
    assert (row.actor, row.detail["resource"]) == ("system: Warehouse", "Observation")


def test_another_format_is_not_given() -> None:
    answer = Reading().get("Observation", accept="application/fhir+xml")
    assert answer.status_code == 406
    assert Reading().get("Observation", accept="text/html,*/*;q=0.1").status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["Observation", "Observation/1", "", "metadata"])
def test_nothing_can_be_written(method: str, path: str) -> None:
    reading = Reading()
    headers = {"authorization": f"Bearer {reading.token}"}
    answer = getattr(reading.client, method)(f"{BASE}/{path}", headers=headers)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert outcome(answer) == "Here one can only read."


ADDRESSES = ("Observation", "Observation/1", "Patient/1", "", "a/b/c", "Observation/_search")


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic eDp4", "Bearer \x00", "é"])
def test_without_a_token_there_is_only_a_challenge(path: str, header: str) -> None:
    made = clinic()
    AuditEvent.objects.all().delete()
    client = Client(raise_request_exception=False)
    client.force_login(factories.user(Role.ADMINISTRATOR))  # a session opens nothing here
    method = client.post if path.endswith("_search") else client.get
    answer = method(f"{BASE}/{path}", headers={"authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "get one at the token endpoint" in outcome(answer)
    assert not AuditEvent.objects.exists() and made


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        ("system/Observation.r", "Observation", 403),
        ("system/Observation.s", "Observation", 200),
        ("system/Observation.s", "Observation/{}", 403),
        ("system/Observation.r", "Observation/{}", 200),
        ("system/Observation.rs", "RiskAssessment", 403),
        ("system/*.read", "RiskAssessment", 200),
    ],
)
def test_a_token_opens_what_its_scopes_say(scopes: str, path: str, status: int) -> None:
    made = clinic()
    known = observation_id(made["patients"][0], DAY, "mania")
    answer = Reading(scopes).get(path.format(known))
    assert answer.status_code == status
    if status == 403:
        assert "insufficient_scope" in answer["WWW-Authenticate"]
        assert "it needs system/" in outcome(answer)


def test_what_is_offered_is_for_everybody() -> None:
    client = Client()
    statement = client.get(f"{BASE}/metadata").json()
    offered = {it["type"] for it in statement["rest"][0]["resource"]}
    assert offered == {"CommunicationRequest", "Observation", "Provenance", "RiskAssessment"}
    assert statement["implementation"]["url"] == "http://testserver/fhir/R4"
    configuration = client.get(f"{BASE}/.well-known/smart-configuration").json()
    assert configuration["token_endpoint"] == "http://testserver/fhir/token"
    assert "RS256" not in str(configuration)


def test_every_parameter_that_is_offered_can_be_used() -> None:
    reading = Reading()
    values = {"token": "x", "reference": "x", "date": "2026"}
    statement = reading.get("metadata").json()
    for kind in statement["rest"][0]["resource"]:
        for param in kind["searchParam"]:
            path = f"{kind['type']}?{param['name']}={values[param['type']]}"
            assert reading.get(path).status_code == 200, path


def test_a_search_that_is_too_long_is_refused() -> None:
    reading = Reading()
    answer = reading.client.post(
        f"{BASE}/Observation/_search",
        "&".join(f"date=ge{year:04}" for year in range(1000, 2100)),
        content_type="application/x-www-form-urlencoded",
        headers={"authorization": f"Bearer {reading.token}"},
    )
    assert answer.status_code == 400
    assert "too long" in outcome(answer)


def test_a_failure_is_an_outcome_that_says_nothing_of_it(monkeypatch: Any) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("Ada Winter")

    monkeypatch.setattr(fhir_views, "search", fails)
    answer = Reading().get("Observation")
    assert answer.status_code == 500
    assert outcome(answer) == "Clarity could not answer this: its administrators see why."


def test_no_log_holds_a_token_a_name_or_an_id_of_the_ehr(
    written: StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clinic()
    reading = Reading()
    for path in (
        "Observation",
        "Observation?patient=ehr-1",
        "Patient/ehr-1",
        "Observation?x=ehr-1",
    ):
        reading.get(path)
    text = written.getvalue()
    assert "request_finished" in text
    for secret in (reading.token, "ehr-1", "Winter", "Ada"):
        assert secret not in text
