"""A registered system that reads from Clarity, and a clinic that it reads about."""

from datetime import date
from typing import Any

from django.test import Client
from django.utils import timezone

from alerts.fhir.observations import observation
from alerts.fhir.resources import communication_request
from alerts.models import Alert, OutboxMessage, TrustedSystem
from alerts.outbox import score_result
from alerts.system_tokens import system_token_issue
from patients.models import Patient
from tests import factories, trusted
from tests.alerts.fhir.messages import alert_message

BASE = "/fhir/R4"
TOKEN_URL = "http://testserver/fhir/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DAY = date(2026, 11, 20)
EVERYTHING = "system/*.rs"


def reader(scopes: str = EVERYTHING, **more: Any) -> TrustedSystem:
    """A system that may read."""
    values = {"name": "Warehouse", "issuer": "", "client_id": "warehouse", "scopes": scopes}
    return trusted.system(**(values | more))


def form(
    kid: str = "ec", algorithm: str = "ES384", scope: str = "", **claims: Any
) -> dict[str, str]:
    """A good request for a token; claims change the assertion."""
    mine = {"iss": "warehouse", "sub": "warehouse", "aud": TOKEN_URL}
    given = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": trusted.token(kid, algorithm, **(mine | claims)),
    }
    return given | ({"scope": scope} if scope else {})


class Reading:
    """A client with a token of a system."""

    def __init__(self, scopes: str = EVERYTHING) -> None:
        self.system = TrustedSystem.objects.filter(name="Warehouse").first() or reader(scopes)
        self.token, _ = system_token_issue(system=self.system, asked="", now=timezone.now())
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, **headers: str) -> Any:
        """The answer to a GET of an address below the base, or of a whole one."""
        where = (
            path.removeprefix("http://testserver") if path.startswith("http") else f"{BASE}/{path}"
        )
        return self.client.get(where, headers={"authorization": f"Bearer {self.token}"} | headers)

    def ids(self, path: str) -> list[str]:
        """The ids that a search finds, all pages."""
        found: list[str] = []
        url: str | None = path
        while url:
            answer = self.get(url)
            assert answer.status_code == 200, answer.content
            bundle = answer.json()
            found += [entry["resource"]["id"] for entry in bundle.get("entry", [])]
            url = next((it["url"] for it in bundle["link"] if it["relation"] == "next"), None)
        return found


def with_request(alert: Alert) -> OutboxMessage:
    """The alert's message as the outbox makes it."""
    message: OutboxMessage = alert.messages.latest("pk")
    assert alert.score
    result = score_result(alert.score)
    message.resource = communication_request(
        alert_message(
            identifier=str(message.identifier),
            tier=alert.tier,
            track=alert.kind,
            authored_on=message.created_at,
            observations=tuple(observation(result, it, contained=True) for it in result.tracks),
        )
    )
    message.save()
    return message


def clinic() -> dict[str, Any]:
    """Two patients of the EHR and one who is not known there, with scores and alerts."""
    ada = factories.patient("CL-1", name="Ada Winter", ehr_id="ehr-1")
    bea = factories.patient("CL-2", name="Bea Summer", ehr_id="ehr-2")
    cal = factories.patient("CL-3", name="Cal Autumn")
    scores = {
        "high": factories.score(ada, DAY, 0.9, 0.9),
        "none": factories.score(ada, date(2026, 11, 19), None, None),
        "one": factories.score(bea, DAY, 0.61, None),
        "low": factories.score(cal, DAY, 0.2, 0.1),
    }
    open_one = factories.alert(scores["high"])
    message = with_request(open_one)
    return {"patients": (ada, bea, cal), "scores": scores, "alert": open_one, "message": message}


def observation_id(patient: Patient, day: date, part: str) -> str:
    """The id under which it is served."""
    return f"{patient.pk}-{day:%Y%m%d}-{part}"
