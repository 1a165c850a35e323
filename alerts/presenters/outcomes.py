"""How questionnaires and episodes are shown."""

from typing import Any

from patients.models import Episode, Patient, Questionnaire
from patients.outcomes import self_harm_item
from patients.resources import instruments


def outcomes_shown(patient: Patient) -> dict[str, Any]:
    """Both lists, newest first, with what was entered in error marked as such."""
    questionnaires = patient.questionnaires.filter(instrument__in=instruments())
    return {
        "questionnaires": [_questionnaire(row) for row in questionnaires.order_by("-taken_at")],
        "episodes": [_episode(row) for row in patient.episodes.all()],
    }


def _questionnaire(row: Questionnaire) -> dict[str, Any]:
    asked = instruments()[row.instrument]
    return {
        "row": row,
        "name": asked.name,
        "total": f"{row.total:g} of {asked.range[1]}",
        "meaning": _meaning(row),
        "unverified": not asked.verified,
        "items": ", ".join(map(str, row.items)),
        "self_harm": self_harm_words(row),
        "self_harm_above_zero": bool(self_harm_item(row)),
        "who": row.recorded_by or f"device or file ({row.source})",
    }


def _meaning(row: Questionnaire) -> str:
    asked = instruments()[row.instrument]
    side = "at or above" if asked.positive(row.total) else "below"
    band = asked.band(row.total)
    return f"{band + ', ' if band else ''}{side} the cut-off of {asked.cut_off}"


def self_harm_words(row: Questionnaire) -> str:
    """What is known of the item on self-harm; empty where the questionnaire has none."""
    number = instruments()[row.instrument].self_harm_item
    if number is None:
        return ""
    answer = self_harm_item(row)
    return f"item {number}: {'not told, the total alone is known' if answer is None else answer}"


def _episode(row: Episode) -> dict[str, Any]:
    return {
        "row": row,
        "kind": row.get_kind_display(),
        "goes_on": row.last_day is None and not row.entered_in_error,
    }
