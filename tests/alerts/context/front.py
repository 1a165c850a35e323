"""A record in the EHR of the tests, and readings of it that wait for nothing."""

from typing import Any

from alerts.context import context_read
from alerts.context_models import ContextRun
from alerts.fhir.reading import Reader
from tests.alerts.context.bulk_ehr import Front
from tests.alerts.context.records import (
    SERTRALINE,
    WHEN,
    bounded,
    care_team,
    condition,
    drug,
    observation,
    parts,
    request,
    response,
)

MRN = "urn:oid:1.2.3"


def person(key: str, value: str, **more: Any) -> dict[str, Any]:
    """A Patient with an identifier and a name that must be nowhere here."""
    name = [{"text": "Zebulon Quist"}]
    mine = [{"system": MRN, "value": value}, {"system": "urn:other", "value": "77"}]
    return {"resourceType": "Patient", "id": key, "identifier": mine, "name": name} | more


RECORD = [
    person("pat-1", "77"),
    person("pat-2", "88"),
    person("pat-3", "88"),
    person("pat-4", "99", identifier=[{"system": MRN, "value": "99", "use": "old"}]),
    *(
        request(f"m-{n}", **{"authoredOn": f"2025-01-{n:02}"}) | bounded(f"2025-01-{n:02}")
        for n in range(1, 13)
    ),
    request("m-other", "pat-2"),
    condition("c-1"),
    response("q-1", (1,) * 8 + (0,), WHEN),
    observation("o-1", "44261-6", WHEN, valueInteger=8),
    observation("o-2", "8867-4", WHEN, valueInteger=70),
    observation("o-3", "asrm", WHEN, MRN, valueInteger=7, **parts("", ())),
    care_team("t-1", "Practitioner/a"),
]


def quick(front: Front, waited: list[float] | None = None, **more: Any) -> Reader:
    """A reader that waits for nothing."""
    pause = waited.append if waited is not None else lambda seconds: None
    return Reader(front.base_url, sleep=pause, per_minute=60_000, **more)


def read(front: Front, **more: Any) -> ContextRun:
    return context_read(reader=quick(front), **more)


def referring(front: Front) -> tuple[dict[str, Any], dict[str, Any]]:
    """A bundle of a prescription that refers to its drug, and the drug."""
    told = request("m-ref", medicationReference={"reference": "Medication/d-1"})
    del told["medicationCodeableConcept"]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": told}]}
    return bundle, {"resourceType": "Medication", "id": "d-1", "code": drug(*SERTRALINE)}
