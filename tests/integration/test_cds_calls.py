"""CDS Hooks: who may call, from where, and what else is answered."""

import json
from io import StringIO
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone

from patients.models import AuditEvent
from tests import trusted
from tests.hooks import (
    ORDER,
    SITE,
    VIEW,
    alerted,
    audited,
    bearer,
    body,
    call,
    followed,
    give_back,
    mapped,
    ordering,
    post,
)
from tests.hooks import calling_ehr as calling_ehr
from tests.integration.test_logs import written as written

pytestmark = pytest.mark.django_db
TOKEN = "t0ken-that-no-log-may-hold"


def test_discovery_names_both_services_to_everybody() -> None:
    answer = Client().get("/cds-services")
    services = {s["id"]: s["hook"] for s in answer.json()["services"]}
    assert services == {VIEW: "patient-view", ORDER: "order-select"}
    assert all(s["title"] and s["description"] for s in answer.json()["services"])
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://other.example"}, "not registered"),
        ({"aud": f"{SITE}/cds-services/{ORDER}"}, "another address"),
        ({"exp": 1, "iat": 0}, "expired"),
        ({"exp": int(timezone.now().timestamp()) + 4000}, "longer than 5 minutes"),
        ({"jti": None}, "no id"),
    ],
)
def test_a_token_that_does_not_fit_is_refused(changes: dict[str, Any], reason: str) -> None:
    alerted(followed(mapped()))
    address = f"/cds-services/{VIEW}"
    answer = post(address, body(), bearer(address, **changes))
    assert answer.status_code == 401 and reason in answer.json()["error"]
    assert answer["WWW-Authenticate"] == "Bearer"
    [(actor, action, code, _cards, why)] = audited()
    assert (actor, action, code) == ("ehr", "ehr call refused", "") and reason in why


def test_without_a_token_with_another_and_twice_with_one_it_is_401() -> None:
    address = f"/cds-services/{VIEW}"
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer x.y.z"}):
        assert post(address, body(), headers).status_code == 401
        assert post(f"{address}/feedback", {"feedback": []}, headers).status_code == 401
    once = bearer(address)
    assert post(address, body(), once).status_code == 200
    again = post(address, body(), once)
    assert again.status_code == 401 and "used before" in again.json()["error"]


def test_a_session_of_clarity_opens_nothing_here() -> None:
    doctor = mapped()
    alerted(followed(doctor))
    client = Client()
    client.force_login(doctor)
    answer = client.post(f"/cds-services/{VIEW}", body(), content_type="application/json")
    assert answer.status_code == 401


def test_refused_calls_do_not_fill_the_audit() -> None:
    answers = {post(f"/cds-services/{VIEW}", body(), {}).status_code for _ in range(40)}
    assert answers == {401, 429} and AuditEvent.objects.count() == 30
    assert call() == []  # whoever has a good token is still answered


@pytest.mark.parametrize(
    ("data", "member"),
    [("{", "must be JSON"), ("[]", "The body"), (json.dumps(body(ORDER)), "hook must be")],
)
def test_a_body_that_is_no_call_is_400_and_says_why(data: str, member: str) -> None:
    answer = post(f"/cds-services/{VIEW}", data)
    assert answer.status_code == 400 and member in answer.json()["error"]


def called() -> list[tuple[str, str, str, str]]:
    """Each call of a good token, as it was written down at once."""
    rows = AuditEvent.objects.filter(action="ehr call").order_by("pk")
    return [(r.actor, *(r.detail[name] for name in ("system", "service", "about"))) for r in rows]


def test_a_call_is_written_down_as_soon_as_its_token_is_verified() -> None:
    alerted(followed(mapped()))
    post(f"/cds-services/{ORDER}", "{")
    [card] = call()
    give_back(card, "accepted")
    done = AuditEvent.objects.exclude(action="ehr call").count()
    give_back(card, "accepted")
    post(f"/cds-services/{VIEW}/feedback", {"feedback": 7})
    assert called() == [
        ("ehr", "Test EHR", ORDER, "cards"),
        ("ehr", "Test EHR", VIEW, "cards"),
        *[("ehr", "Test EHR", VIEW, "feedback")] * 3,
    ]
    assert AuditEvent.objects.exclude(action="ehr call").count() == done
    post(f"/cds-services/{VIEW}", body(), {})
    assert len(called()) == 5


FORGED = {"key": ec.generate_private_key(ec.SECP384R1())}


@pytest.mark.parametrize("flood", [{"iss": "https://other.example"}, FORGED])
def test_strangers_do_not_keep_the_refusals_of_others_from_being_written(
    flood: dict[str, Any],
) -> None:
    address = f"/cds-services/{VIEW}"
    statuses = [post(address, body(), bearer(address, **flood)).status_code for _ in range(31)]
    assert statuses == [401] * 30 + [429]
    for changes in ({"exp": 1, "iat": 0}, {"aud": f"{SITE}/elsewhere"}, {"jti": None}):
        assert post(address, body(), bearer(address, **changes)).status_code == 401
    trusted.system(name="B", issuer="https://b.example")
    for _ in range(31):
        post(address, body(), bearer(address, jti=None))
    assert (
        post(address, body(), bearer(address, iss="https://b.example", jti=None)).status_code == 401
    )
    refused = AuditEvent.objects.filter(action="ehr call refused")
    counts = {name: refused.filter(detail__system=name).count() for name in ("", "Test EHR", "B")}
    assert counts == {"": 30, "Test EHR": 30, "B": 1}


def test_an_unknown_service_is_404_another_method_405_too_much_413() -> None:
    assert post("/cds-services/none", body()).status_code == 404
    assert Client().get(f"/cds-services/{VIEW}").status_code == 405
    assert Client().delete("/cds-services").status_code == 405
    large = body() | {"prefetch": "x" * 3_000_000}
    assert post(f"/cds-services/{VIEW}", large).status_code == 413


@pytest.mark.parametrize(
    "address",
    ["/cds-services", f"/cds-services/{VIEW}", f"/cds-services/{ORDER}/feedback"],
)
def test_browsers_of_other_sites_may_call_with_a_token(address: str) -> None:
    preflight = Client().options(
        address,
        headers={
            "Origin": "https://ehr.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert preflight.status_code == 204
    refused = Client().post(address, headers={"Origin": "https://ehr.example"})
    for answer in (preflight, refused):
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "POST" in answer["Access-Control-Allow-Methods"]
        assert "Authorization" in answer["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers  # no cookies


def test_nothing_of_a_call_is_in_a_log(written: StringIO) -> None:
    alerted(followed(mapped()))
    call()
    call(ORDER, **ordering(text="sertraline"))
    post(f"/cds-services/{VIEW}", "{", bearer(f"/cds-services/{VIEW}"))
    post(f"/cds-services/{VIEW}", body(), {"Authorization": "Bearer x.y.z"})
    log = written.getvalue()
    assert log.count("request_finished") == 4
    for word in (TOKEN, "eyJ", "x.y.z", "ehr-1", "Zebulon", "sertraline", "Mania", "d1577c69"):
        assert word not in log
