"""The token endpoint: for whom it has a token, and for whom not."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from alerts.models import SystemToken
from patients.models import AuditEvent
from tests.integration.fhir.reading import BASE, Reading, form, reader
from tests.trusted import private_key

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def asked(**given: Any) -> Any:
    return Client(enforce_csrf_checks=True).post("/fhir/token", form(**given))


def opens(token: str, path: str = "Observation") -> int:
    headers = {"authorization": f"Bearer {token}"}
    return Client().get(f"{BASE}/{path}", headers=headers).status_code


@pytest.mark.parametrize(("kid", "algorithm"), [("rsa", "RS384"), ("ec", "ES384")])
def test_both_algorithms_get_a_token_that_opens(kid: str, algorithm: str) -> None:
    reader("system/Observation.rs system/Provenance.r")
    answer = asked(kid=kid, algorithm=algorithm)
    given = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert {k: v for k, v in given.items() if k != "access_token"} == {
        "token_type": "bearer",
        "expires_in": 300,
        "scope": "system/Observation.rs system/Provenance.r",
    }
    assert opens(given["access_token"]) == 200
    event = AuditEvent.objects.get(action="system token issued")
    assert event.actor == "system: Warehouse"


def test_of_a_token_only_the_hash_is_kept() -> None:
    reader()
    text = asked().json()["access_token"]
    row = SystemToken.objects.values().get()
    assert text not in str(row)
    assert text not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    ("given", "error", "status"),
    [
        ({"aud": "https://elsewhere.example/token"}, "invalid_client", 401),
        ({"exp": 1}, "invalid_client", 401),
        ({"exp": 4e9, "iat": None}, "invalid_client", 401),
        ({"jti": None}, "invalid_client", 401),
        ({"sub": "other"}, "invalid_client", 401),
        ({"iss": "other", "sub": "other"}, "invalid_client", 401),
        ({"header": {"kid": "unknown"}}, "invalid_client", 401),
        (
            {"kid": "rsa", "algorithm": "RS256", "key": private_key("rsa", "RS384")},
            "invalid_client",
            401,
        ),
        ({"scope": "system/Patient.rs"}, "invalid_scope", 400),
        ({"scope": "nonsense"}, "invalid_scope", 400),
    ],
)
def test_what_is_wrong_gets_no_token(given: dict[str, Any], error: str, status: int) -> None:
    reader("system/Observation.rs")
    answer = asked(**given)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"].endswith(".")
    assert not SystemToken.objects.exists()


def test_an_assertion_opens_once() -> None:
    reader()
    sent = form()
    assert Client().post("/fhir/token", sent).status_code == 200
    again = Client().post("/fhir/token", sent)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert "used before" in again.json()["error_description"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, "invalid_request"),
        ({"client_assertion": ""}, "invalid_client"),
    ],
)
def test_another_kind_of_request_is_refused(change: dict[str, str], error: str) -> None:
    reader()
    assert Client().post("/fhir/token", form() | change).json()["error"] == error
    assert Client().get("/fhir/token").status_code == 405


def test_a_system_without_scopes_gets_none() -> None:
    reader("")
    assert asked().json()["error"] == "invalid_scope"


def test_less_can_be_asked_for_than_is_allowed() -> None:
    reader()
    given = asked(scope="system/Provenance.read openid").json()
    assert given["scope"] == "system/Provenance.read"
    assert opens(given["access_token"], "Provenance") == 200
    assert opens(given["access_token"], "Observation") == 403


def test_a_token_is_over_after_five_minutes() -> None:
    reading = Reading()
    assert opens(reading.token) == 200
    SystemToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert opens(reading.token) == 401
    asked_again = asked()
    assert asked_again.status_code == 200
    assert SystemToken.objects.count() == 1  # those that are over are forgotten


def test_switching_a_system_off_closes_its_tokens_at_once() -> None:
    reading = Reading()
    reading.system.is_active = False
    reading.system.save()
    assert opens(reading.token) == 401
    assert asked().status_code == 401


def test_scopes_taken_away_are_gone_from_tokens_at_once() -> None:
    reading = Reading()
    reading.system.scopes = "system/Provenance.rs"
    reading.system.save()
    assert (opens(reading.token), opens(reading.token, "Provenance")) == (403, 200)
