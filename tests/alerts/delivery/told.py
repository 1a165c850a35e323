"""Alerts, and what the EHR was told of them."""

from base64 import b64decode
from datetime import date, timedelta
from typing import Any

import requests

from alerts.models import Alert
from alerts.services import alerts_consider
from patients.models import Patient
from tests import factories
from tests.fhir_server import FhirServer
from tests.people import morning

DAY = date(2026, 3, 1)
NOW = morning(DAY)


def raised(patient: Patient, mania: float = 0.9, days: int = 0) -> Alert:
    """An alert of a decision, so many days on."""
    day = DAY + timedelta(days=days)
    if not patient.scores.exists():
        factories.score(patient, day - timedelta(days=1), mania=0.1)
    [alert] = alerts_consider(score=factories.score(patient, day, mania=mania), now=morning(day))
    return alert


def held(
    server: FhirServer, alert: Alert, kind: str = "CommunicationRequest"
) -> list[dict[str, Any]]:
    """What the EHR holds of the alert's messages, in their order."""
    found = []
    for message in alert.messages.order_by("id"):
        query = {"identifier": f"urn:clarity:alert|{message.identifier}"}
        answer = requests.get(f"{server.base_url}/{kind}", params=query, timeout=20).json()
        found += [entry["resource"] for entry in answer.get("entry", [])]
    return found


def states(alert: Alert) -> list[tuple[int, str]]:
    return [(m.kind, m.state) for m in alert.messages.order_by("id")]


def text(resource: dict[str, Any]) -> str:
    return b64decode(resource["payload"][0]["contentAttachment"]["data"]).decode()
