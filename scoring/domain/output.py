"""Outputs and days in the shape that INTERFACES fixes: JSON-ready, None for missing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from scoring.domain.types import DayFeatures, RiskDecision, TrackOutput
from scoring.domain.vector import Vector

NOTHING: Mapping[str, float | None] = MappingProxyType({})
RESEARCH_USE = "Research use: model trained on simulated data"


def track_dict(track: TrackOutput, tier: str, name: str) -> dict[str, Any]:
    """A TRACK object; the mania track also names its two parts."""
    parts = {"mania_probability": None, "hypomania_probability": None} if name == "mania" else {}
    failed = {"failed": True} if track.failed else {}
    return _clean(
        {
            "status": track.status,
            "reason": track.reason,
            "probability": track.probability,
            "tier": tier,
            "coverage": track.coverage,
            "contributions": [asdict(c) for c in track.contributions],
            **parts,
            **track.parts,
            **track.explained,
            **failed,
        }
    )


def weights_dict(decision: RiskDecision) -> dict[str, float | None]:
    """Both weights, or both None."""
    return {"depression": decision.depression_weight, "mania": decision.mania_weight}


def reasons_list(decision: RiskDecision) -> list[dict[str, str]]:
    """The steps taken, in order."""
    return [asdict(reason) for reason in decision.reasons]


def decision_dict(decision: RiskDecision) -> dict[str, Any]:
    """The decision object of ``analyse``."""
    return {
        "date": decision.day.isoformat(),
        "tier": decision.tier,
        "probability": decision.probability,
        "weights": weights_dict(decision),
        "reasons": reasons_list(decision),
    }


def day_dict(
    day: DayFeatures,
    vector: Vector,
    regularity: Mapping[str, float | None] = NOTHING,
    clinical: Sequence[str] = (),
) -> dict[str, Any]:
    """A DAY object, with what the days before it say of its sleep, and its clinical flags."""
    return _clean(
        {
            "date": day.day.isoformat(),
            "sleep": {**day.sleep, **regularity},
            "rhythm": dict(day.rhythm),
            "phase": dict(day.phase),
            "activity": dict(day.activity),
            "heart": dict(day.heart),
            "vector": vector.named(),
            "flags": [*day.flags, *clinical],
            "quality": dict(day.quality),
        }
    )


def _clean(value: Any) -> Any:
    """None in place of every NaN or infinity, at any depth."""
    if isinstance(value, dict):
        return {key: _clean(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
