"""An EHR that calls CDS Hooks: its calls and its tokens, for tests."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from alerts.models import Alert, EhrAccount
from patients.models import AuditEvent, Patient, Role, User
from tests import factories, trusted

USER, SITE = "Practitioner/7", "http://testserver"
VIEW, ORDER = "clarity-patient-view", "clarity-order-select"
HOOKS = {VIEW: "patient-view", ORDER: "order-select"}
NAME = "Zebulon Quist"


@pytest.fixture(autouse=True)
def calling_ehr(db: None, settings: Any) -> Iterator[None]:
    """An EHR on this machine is registered; whoever imports this fixture has it in each test."""
    settings.EHR_BASE_URL = trusted.FHIR
    trusted.system()
    cache.clear()
    yield
    cache.clear()


def yesterday() -> date:
    """The newest day that is scored."""
    return timezone.localdate() - timedelta(days=1)


def followed(*team: User, mania: float | None = 0.7, depression: float | None = 0.2) -> Patient:
    """The patient “ehr-1” with a score of yesterday."""
    patient = factories.patient("P-1", team, ehr_id="ehr-1", name=NAME)
    factories.score(patient, yesterday(), depression, mania)
    return patient


def alerted(
    patient: Patient, kind: str = "mania", tier: str = "High", state: str = "new", **more: Any
) -> Alert:
    """An alert by the newest score."""
    newest = patient.scores.order_by("-day").first()
    assert newest is not None
    return factories.alert(newest, kind, tier, state, **more)


def audited() -> list[tuple[str, str, str, Any, Any]]:
    """Who, what, about whom, how many cards and why not: what came of each call."""
    rows = AuditEvent.objects.filter(action__startswith="ehr").exclude(action="ehr call")
    return [
        (r.actor, r.action, r.patient_code, r.detail.get("cards"), r.detail.get("why"))
        for r in rows.order_by("pk")
    ]


def mapped(role: str = Role.PSYCHIATRIST, fhir_user: str = USER, **more: Any) -> User:
    """Somebody of the EHR with an account here."""
    user = factories.user(role, **more)
    EhrAccount.objects.create(fhir_user=fhir_user, user=user)
    return user


def body(service: str = VIEW, **context: Any) -> dict[str, Any]:
    """A call about the patient “ehr-1”."""
    asked = {"userId": USER, "patientId": "ehr-1"} | context
    return {
        "hook": HOOKS[service],
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": trusted.FHIR,
        "fhirAuthorization": {"access_token": "t0ken-that-no-log-may-hold"},
        "context": {name: value for name, value in asked.items() if value is not None},
    }


def ordering(**concept: Any) -> dict[str, Any]:
    """The context of an order that is selected."""
    draft = {"resourceType": "MedicationRequest", "id": "m1", "medicationCodeableConcept": concept}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": draft}]}
    return {"selections": ["MedicationRequest/m1"], "draftOrders": bundle}


def bearer(address: str, **changes: Any) -> dict[str, str]:
    """The header with a good token for that address."""
    return {"Authorization": f"Bearer {trusted.token(**{'aud': SITE + address} | changes)}"}


def post(address: str, data: Any, headers: dict[str, str] | None = None) -> Any:
    """What Clarity answers to the EHR; without headers with a good token."""
    given = bearer(address) if headers is None else headers
    return Client(enforce_csrf_checks=True).post(
        address, data, content_type="application/json", headers=given
    )


def call(service: str = VIEW, **context: Any) -> list[dict[str, Any]]:
    """The cards of a call that is answered."""
    answer = post(f"/cds-services/{service}", body(service, **context))
    assert answer.status_code == 200, answer.content
    cards: list[dict[str, Any]] = answer.json()["cards"]
    return cards


def give_back(card: dict[str, Any], outcome: str, service: str = VIEW, **more: Any) -> Any:
    """Feedback about a card; ``reason``, its ``system`` and ``comment`` of an override."""
    said: dict[str, Any] = {"card": card["uuid"], "outcome": outcome}
    if more:
        code, comment = more.get("reason"), more.get("comment")
        named = {"system": more["system"]} if "system" in more else {}
        said["overrideReason"] = {"reason": {"code": code} | named} if code else {}
        said["overrideReason"] |= {"userComment": comment} if comment else {}
    return post(f"/cds-services/{service}/feedback", {"feedback": [said]})
