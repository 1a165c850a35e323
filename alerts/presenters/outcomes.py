"""How questionnaires and episodes are shown."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from clarity_site.said import said_again
from patients.models import Episode, Patient, Questionnaire
from patients.outcomes import self_harm_item
from patients.resources import instruments
from patients.selectors import full_names
from patients.templatetags.clarity import number


def outcomes_shown(patient: Patient) -> dict[str, Any]:
    """Both lists, newest first, with what was entered in error marked as such."""
    rows = patient.questionnaires.filter(instrument__in=instruments()).order_by("-taken_at")
    questionnaires, episodes = list(rows), list(patient.episodes.all())
    people = {q.recorded_by for q in questionnaires} | {e.recorded_by for e in episodes}
    names = full_names(people)
    return {
        "questionnaires": [_questionnaire(row, names) for row in questionnaires],
        "episodes": [_episode(row, names) for row in episodes],
    }


def _questionnaire(row: Questionnaire, names: Mapping[str, str]) -> dict[str, Any]:
    asked = instruments()[row.instrument]
    return {
        "row": row,
        "name": asked.name,
        "total": _("%(total)s of %(most)s") % {"total": number(row.total), "most": asked.range[1]},
        "meaning": _meaning(row),
        "unverified": not asked.verified,
        "items": ", ".join(map(str, row.items)),
        "self_harm": self_harm_words(row),
        "self_harm_above_zero": bool(self_harm_item(row)),
        "who": names.get(row.recorded_by, row.recorded_by)
        or _("device or file (%(source)s)") % {"source": row.source},
    }


def _meaning(row: Questionnaire) -> str:
    asked = instruments()[row.instrument]
    words = (
        _("at or above the cut-off of %(cut_off)s")
        if asked.positive(row.total)
        else _("below the cut-off of %(cut_off)s")
    ) % {"cut_off": asked.cut_off}
    band = asked.band(row.total)
    return f"{said_again(band)}, {words}" if band else words


def self_harm_words(row: Questionnaire) -> str:
    """What is known of the item on self-harm; empty where the questionnaire has none."""
    item = instruments()[row.instrument].self_harm_item
    if item is None:
        return ""
    answer = self_harm_item(row)
    if answer is None:
        return _("item %(item)s: not told, the total alone is known") % {"item": item}
    return _("item %(item)s: %(answer)s") % {"item": item, "answer": answer}


def _episode(row: Episode, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "who": names.get(row.recorded_by, row.recorded_by),
        "row": row,
        "kind": row.get_kind_display(),
        "goes_on": row.last_day is None and not row.entered_in_error,
    }
