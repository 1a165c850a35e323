"""What a score says as FHIR R4: an Observation a track, one RiskAssessment, and their Provenance.

An unassessed track, and an Indeterminate day, carry no number: ``dataAbsentReason`` instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from alerts.fhir.codes import CODE_SYSTEM, SCORE_SYSTEM, clarity_device
from alerts.fhir.modelled import modelled
from scoring.domain.output import RESEARCH_USE

UCUM = "http://unitsofmeasure.org"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
RISK = "http://terminology.hl7.org/CodeSystem/risk-probability"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
NAMES = {"depression": "Depression risk indicator", "mania": "Mania risk indicator"}
OUTCOMES = {"depression": "PHQ-8 of 10 points or more", "mania": "Mania or hypomania"}


@dataclass(frozen=True, kw_only=True)
class TrackResult:
    """One track of a score. Not assessed, it has no ``probability``; an early-warning rule may
    still have given it a ``tier``.
    """

    track: str
    probability: float | None
    tier: str | None
    coverage: float
    reason: str = ""  # why it is not assessed


@dataclass(frozen=True, kw_only=True)
class ScoreResult:
    """A score as it leaves. ``identifier`` is of the score; ``tracks`` depression, then mania.

    ``probability`` is None on an Indeterminate day; ``research_use``: say it first.
    """

    identifier: str
    patient_reference: str
    day: date
    scored_at: datetime
    tier: str
    probability: float | None
    tracks: tuple[TrackResult, ...]
    reasons: tuple[str, ...]
    models: str
    research_use: bool = True
    research_notice: str = RESEARCH_USE

    @property
    def note(self) -> str:
        """What every resource of it says beside its values."""
        said = f"Models: {self.models}." if self.models else ""
        return f"{self.research_notice}. {said}".strip() if self.research_use else said


def observation(
    score: ScoreResult, result: TrackResult, *, contained: bool = False
) -> dict[str, Any]:
    """One track of a day. ``contained``: within a request, known there by its track's name.

    Raises InvalidResource.
    """
    value: dict[str, Any] = {
        "dataAbsentReason": {
            "coding": [{"system": ABSENT, "code": "unknown"}],
            "text": result.reason or "Not assessed.",
        }
    }
    if result.probability is not None:
        value = {
            "valueQuantity": _quantity(round(result.probability, 4), "probability, 0 to 1", "1"),
        }
    return modelled(
        {
            "resourceType": "Observation",
            "id": result.track if contained else None,
            "identifier": None if contained else [identifier(score, result.track)],
            "status": "final",
            "category": [{"coding": [{"system": CATEGORY, "code": "survey"}]}],
            "code": _concept(f"{result.track}-risk-indicator", NAMES[result.track]),
            "subject": {"reference": score.patient_reference},
            "interpretation": [{"text": result.tier}] if result.tier else None,
            "effectiveDateTime": score.day.isoformat(),
            "issued": score.scored_at.isoformat(timespec="seconds"),
            "device": clarity_device(),
            "component": [
                {
                    "code": _concept("data-coverage", "Data coverage"),
                    "valueQuantity": _quantity(round(result.coverage * 100, 1), "%", "%"),
                }
            ],
            "note": [{"text": score.note}] if score.note else None,
            **value,
        }
    )


def risk_assessment(score: ScoreResult, basis: Sequence[str] = ()) -> dict[str, Any]:
    """The decision of a day; ``basis`` references its Observations. Raises InvalidResource.

    R4 writes a decimal probability as a percentage.
    """
    predictions = [
        {
            "outcome": {"text": OUTCOMES[it.track]},
            "probabilityDecimal": (
                None if it.probability is None else round(it.probability * 100, 2)
            ),
            "qualitativeRisk": {
                "coding": [{"system": RISK, "code": str(it.tier).lower()}],
                "text": it.tier,
            },
        }
        for it in score.tracks
        if it.tier is not None and score.tier != "Indeterminate"
    ]
    said = "; ".join(score.reasons)
    notes = [score.note, f"Overall tier: {score.tier}.", said]
    return modelled(
        {
            "resourceType": "RiskAssessment",
            "identifier": [identifier(score, "decision")],
            "status": "final",
            "method": _concept("clarity-router", "Clarity, rules that weigh two models"),
            "subject": {"reference": score.patient_reference},
            "occurrenceDateTime": score.day.isoformat(),
            "performer": clarity_device(),
            "basis": [{"reference": it} for it in basis] or None,
            "prediction": predictions or None,
            "note": [{"text": it} for it in notes if it],
        }
    )


def provenance(targets: Sequence[str], recorded: datetime, models: str) -> dict[str, Any]:
    """Who made these resources, when, and of what. Raises InvalidResource."""
    return modelled(
        {
            "resourceType": "Provenance",
            "target": [{"reference": it} for it in targets],
            "recorded": recorded.isoformat(timespec="seconds"),
            "activity": {"text": "Scored from wearable recordings"},
            "agent": [
                {
                    "type": {
                        "coding": [
                            {
                                "system": "http://terminology.hl7.org/CodeSystem/"
                                "provenance-participant-type",
                                "code": "assembler",
                            }
                        ]
                    },
                    "who": clarity_device(),
                }
            ],
            "entity": [
                {"role": "source", "what": {"display": f"Wearable recordings; models {models}"}}
            ],
        }
    )


def identifier(score: ScoreResult, part: str) -> dict[str, str]:
    """By which another system knows this part of the score again."""
    return {"system": SCORE_SYSTEM, "value": f"{score.identifier}-{part}"}


def _concept(code: str, words: str) -> dict[str, Any]:
    return {"coding": [{"system": CODE_SYSTEM, "code": code, "display": words}], "text": words}


def _quantity(value: float, unit: str, code: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": code}
