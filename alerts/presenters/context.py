"""What was read from the EHR, in the reader's words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.context_models import ContextConflict, ContextItem, ContextRun, EhrTerm
from alerts.context_settle import meanings_of
from patients.models import Diagnosis
from patients.resources import instruments
from patients.selectors import zones_of
from patients.templatetags.clarity import day as day_words

Kind = ContextConflict.Kind
Outcome = ContextConflict.Outcome
RESOURCES: Mapping[str, Promise] = {
    "Patient": gettext_lazy("Patients"),
    "MedicationRequest": gettext_lazy("Prescriptions"),
    "MedicationStatement": gettext_lazy("Statements on medication"),
    "Medication": gettext_lazy("Drugs that prescriptions refer to"),
    "Condition": gettext_lazy("Conditions"),
    "QuestionnaireResponse": gettext_lazy("Questionnaires"),
    "Observation": gettext_lazy("Totals and single answers"),
    "Observation:survey": gettext_lazy("Answers by their category"),
    "CareTeam": gettext_lazy("Care teams"),
    "$export": gettext_lazy("Bulk export"),
}
DIAGNOSES = dict(Diagnosis.choices)


@dataclass(frozen=True)
class Side:
    """One side of a conflict: what it says, in lines."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A conflict: both sides, and the buttons with which it is settled: (value, words)."""

    ours: Side
    theirs: Side
    buttons: tuple[tuple[str, str], ...]


def run_shown(run: ContextRun) -> dict[str, Any]:
    """A reading with its table: what, and how many were read, new and changed."""
    lines = [
        (RESOURCES[kind], sum(found.values()), found.get("new", 0), found.get("changed", 0))
        for kind in RESOURCES
        if (found := run.counts.get(kind))
    ]
    refused = [(RESOURCES.get(kind, kind), why) for kind, why in run.refused.items()]
    return {"run": run, "lines": lines, "refused": refused}


def term_lines(terms: Iterable[EhrTerm]) -> list[tuple[EhrTerm, list[tuple[str, Any]]]]:
    """Each term with what it can mean."""
    meanings = {kind: meanings_of(kind) for kind in EhrTerm.Kind.values}
    return [(term, meanings[term.kind]) for term in terms]


def item_lines(items: Iterable[ContextItem]) -> list[tuple[ContextItem, str]]:
    """Each item with what it is."""
    return [(it, str(RESOURCES.get(it.resource_type, it.resource_type))) for it in items]


def conflict_shown(conflict: ContextConflict, outcomes: Sequence[str]) -> Shown:
    """Both sides in words."""
    worded = SIDES[Kind(conflict.kind)]
    ours, theirs = (
        Side(tuple(worded(values, conflict))) for values in (conflict.ours, conflict.theirs)
    )
    return Shown(ours, theirs, tuple((it, _button(conflict, it)) for it in outcomes))


def _button(conflict: ContextConflict, outcome: str) -> str:
    if outcome == Outcome.BOTH:
        return _("Keep both")
    if outcome == Outcome.OURS:
        return _("Seen: change nothing") if conflict.kind == Kind.RECORD else _("Keep ours")
    if outcome == Outcome.THEIRS:
        return _("Take the EHR’s")
    return _("It is: %(choice)s") % {"choice": DIAGNOSES[outcome]}


def _medication(values: Mapping[str, Any], conflict: ContextConflict) -> Iterable[str]:
    if values.get("withdrawn"):
        yield _("The EHR has taken it back: it was entered in error.")
        return
    yield f"{values['drug']} {values['dose']}".strip()
    yield _span(values["first_day"], values["last_day"])
    if values.get("entered_in_error"):
        yield _("Marked here as entered in error.")
    if values.get("ended"):
        yield _("The EHR says that it is over, not on which day it ended.")


def _span(first: str, last: str | None) -> str:
    days = {"first": day_words(date.fromisoformat(first))}
    if last is None:
        return _("since %(first)s, going on") % days
    days["last"] = day_words(date.fromisoformat(last))
    return _("from %(first)s to %(last)s") % days


def _diagnosis(values: Mapping[str, Any], conflict: ContextConflict) -> Iterable[str]:
    for name in values["diagnoses"]:
        yield str(DIAGNOSES[name])


def _questionnaire(values: Mapping[str, Any], conflict: ContextConflict) -> Iterable[str]:
    asked = instruments()[values["instrument"]]
    zones, at = zones_of(conflict.patient), datetime.fromisoformat(values["taken_at"])
    local = at.astimezone(zones.zone_on(zones.local_day(at)))
    yield _("%(name)s: %(total)d of %(most)d") % {
        "name": asked.name, "total": values["total"], "most": asked.range[1],
    }  # fmt: skip
    yield _("filled in on %(day)s at %(clock)s") % {
        "day": day_words(local.date()), "clock": f"{local:%H:%M}",
    }  # fmt: skip


def _member(values: Mapping[str, Any], conflict: ContextConflict) -> Iterable[str]:
    told = {"person": values["person"]}
    if values["in"]:
        yield _("%(person)s is in the care team.") % told
    else:
        yield _("%(person)s is not in the care team.") % told


def _record(values: Mapping[str, Any], conflict: ContextConflict) -> Iterable[str]:
    if not values:
        yield _("The record that Clarity reads and writes to.")
    if values.get("is_deceased"):
        yield _("The EHR says that the patient has died.")
    if values.get("replaced_by"):
        yield _("The EHR has replaced its record of the patient by another one.")
    elif values.get("is_active") is False:
        yield _("The EHR does not use its record of the patient any more.")


SIDES = {
    Kind.MEDICATION: _medication,
    Kind.DIAGNOSIS: _diagnosis,
    Kind.QUESTIONNAIRE: _questionnaire,
    Kind.MEMBER: _member,
    Kind.RECORD: _record,
}
