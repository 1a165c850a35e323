"""How a recommendation looks: its words, on whose word, and the marks beside it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from alerts.domain.guidelines import LEVELS
from alerts.situations import recommendation_for
from patients.models import Patient
from scoring.models import RiskScore, Track


@dataclass(frozen=True)
class AdviceView:
    """A recommendation as it was kept, ready for the template; one kept long ago says less."""

    told: Mapping[str, Any]
    level: str
    unverified: bool
    overdue: bool


def advice_view(told: Mapping[str, Any] | None, today: date) -> AdviceView:
    """``overdue``: its review was due before today."""
    told = told or {}
    due, level = told.get("next_review"), told.get("level")
    return AdviceView(
        told=told,
        level=LEVELS[level] if level is not None else "",
        unverified=not told.get("checked_by"),
        overdue=bool(due) and date.fromisoformat(str(due)) < today,
    )


def record_advice(
    patient: Patient, score: RiskScore, shown: Collection[str], today: date
) -> list[dict[str, Any]]:
    """What to consider by track at the score's own tier; an alert says it for ``shown`` ones.

    What is not shown is said once, though it holds for both.
    """
    found: list[dict[str, Any]] = []
    said: set[str] = set()
    for track in Track:
        if track not in shown:
            tier = getattr(score, track)["tier"]
            told = recommendation_for(patient, track, tier, score)
            told["not_shown"] = [words for words in told["not_shown"] if words not in said]
            said.update(told["not_shown"])
            found.append({"label": track.label, "advice": advice_view(told, today)})
    return found
