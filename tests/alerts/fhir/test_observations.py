"""What a score says in FHIR: right by fhirclient's models and by two other validators."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from alerts.fhir.modelled import InvalidResource, check_required_codes, modelled
from alerts.fhir.observations import (
    ScoreResult,
    TrackResult,
    observation,
    provenance,
    risk_assessment,
)
from alerts.fhir.resources import communication_request
from tests.alerts.fhir.messages import alert_message
from tests.fhir_server import FhirServer

DEPRESSION = TrackResult(track="depression", probability=0.41236, tier="Low", coverage=0.874)
MANIA = TrackResult(
    track="mania",
    probability=None,
    tier=None,
    coverage=0.3,
    reason="9 of 30 nights are too few: 12 are needed.",
)
SCORE = ScoreResult(
    identifier="17",
    patient_reference="Patient/p-17",
    day=date(2026, 11, 20),
    scored_at=datetime(2026, 11, 21, 3, 0, tzinfo=UTC),
    tier="Low",
    probability=0.41236,
    tracks=(DEPRESSION, MANIA),
    reasons=("Mania was not assessed.",),
    models="pat-m 1",
)
NOTHING = replace(
    SCORE,
    tier="Indeterminate",
    probability=None,
    tracks=(replace(DEPRESSION, probability=None), MANIA),
)


def test_an_assessed_track_has_its_number_with_its_unit() -> None:
    found = observation(SCORE, DEPRESSION)
    assert found["valueQuantity"]["value"] == 0.4124 and found["valueQuantity"]["code"] == "1"
    [coverage] = found["component"]
    assert (coverage["valueQuantity"]["value"], coverage["valueQuantity"]["unit"]) == (87.4, "%")
    assert found["note"][0]["text"].startswith("Research use: model trained on simulated data")


def test_an_unassessed_track_says_why_and_has_no_number() -> None:
    found = observation(SCORE, MANIA)
    assert "valueQuantity" not in found
    assert found["dataAbsentReason"]["text"] == "9 of 30 nights are too few: 12 are needed."


def test_a_decision_names_only_what_was_assessed() -> None:
    [prediction] = risk_assessment(SCORE)["prediction"]
    assert prediction["probabilityDecimal"] == 41.24  # R4: a percentage
    assert prediction["outcome"] == {"text": "PHQ-8 of 10 points or more"}


def test_an_indeterminate_day_has_no_number_anywhere() -> None:
    everything = [risk_assessment(NOTHING), *(observation(NOTHING, it) for it in NOTHING.tracks)]
    assert "prediction" not in everything[0]
    assert not any("valueQuantity" in it for it in everything)
    assert "0.41" not in str(everything) and "41.2" not in str(everything)


def emitted() -> list[dict[str, Any]]:
    """One of every kind that is sent."""
    inside = tuple(observation(SCORE, it, contained=True) for it in SCORE.tracks)
    return [
        *(observation(score, it) for score in (SCORE, NOTHING) for it in score.tracks),
        *(risk_assessment(score) for score in (SCORE, NOTHING)),
        risk_assessment(SCORE, ["Observation/1"]),
        provenance(["RiskAssessment/1"], SCORE.scored_at, SCORE.models),
        communication_request(alert_message(group="7", observations=inside)),
    ]


@pytest.mark.parametrize("resource", emitted(), ids=lambda r: r["resourceType"])
def test_a_server_with_two_validators_takes_it(
    fhir_server: FhirServer, resource: dict[str, Any]
) -> None:
    url = f"{fhir_server.base_url}/{resource['resourceType']}"
    answer = requests.post(url, json=resource, timeout=20)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("resource", emitted(), ids=lambda r: r["resourceType"])
def test_a_made_up_status_is_refused_also_of_what_is_contained(resource: dict[str, Any]) -> None:
    check_required_codes(resource)
    if "status" in resource:
        with pytest.raises(InvalidResource, match="status"):
            check_required_codes(resource | {"status": "sent"})
    for inner in resource.get("contained", []):
        with pytest.raises(InvalidResource, match="status"):
            check_required_codes(resource | {"contained": [inner | {"status": "sent"}]})


def test_a_kind_that_is_never_sent_is_refused() -> None:
    with pytest.raises(InvalidResource, match="resourceType"):
        modelled({"resourceType": "Patient"})
