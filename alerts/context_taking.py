"""One resource of the EHR: understood, compared with what it said before, and written if new."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.db import transaction

from alerts.context_facts import (
    ANSWERS,
    answers_close,
    answers_take,
    answers_withdraw,
    condition_take,
    diagnosis_close,
    patient_take,
    self_harm_take,
    team_close,
    team_take,
)
from alerts.context_items import State, World, settle
from alerts.context_medications import TYPES as MEDICATIONS
from alerts.context_medications import medication_take, medication_withdraw, medications_close
from alerts.context_models import ContextItem, EhrTerm
from alerts.fhir.context.care_team import TeamTold, team_told
from alerts.fhir.context.condition import condition_told
from alerts.fhir.context.medication import request_told, statement_told
from alerts.fhir.context.patient import patient_told
from alerts.fhir.context.questionnaire import FORM, observation_told, response_told
from alerts.fhir.context.values import (
    Fate,
    Json,
    as_plain,
    identity,
    inner,
    last_updated,
    reference_id,
)
from alerts.resources import ehr_codes
from patients.domain.errors import InputError
from patients.resources import instruments
from patients.selectors import zones_of

OTHER = "other"  # about somebody else, or of no concern
SAME, NEW, CHANGED = "same", "new", "changed"

READERS: dict[str, Callable[[Json, World], Any]] = {
    "Patient": lambda it, world: patient_told(it),
    "MedicationRequest": lambda it, world: request_told(
        it, world.zones.local_day, world.of_kind("Medication")
    ),
    "MedicationStatement": lambda it, world: statement_told(
        it, world.zones.local_day, world.of_kind("Medication")
    ),
    "Condition": lambda it, world: condition_told(it, ehr_codes(), disorders()),
    "QuestionnaireResponse": lambda it, world: response_told(
        it, ehr_codes(), forms(), instruments(), world.zones
    ),
    "Observation": lambda it, world: observation_told(
        it, ehr_codes(), totals(), instruments(), world.zones
    ),
    "CareTeam": lambda it, world: team_told(it, world.zones.local_day, world.included),
}
WRITERS: dict[str, Callable[[ContextItem, Any, World], None]] = {
    "Patient": patient_take,
    "MedicationRequest": medication_take,
    "MedicationStatement": medication_take,
    "Condition": condition_take,
    "QuestionnaireResponse": answers_take,
    "Observation": answers_take,
    "CareTeam": team_take,
}
CLOSERS: dict[str, Callable[[World], None]] = {
    "MedicationRequest": medications_close,
    "MedicationStatement": medications_close,
    "Condition": diagnosis_close,
    "Observation": answers_close,
    "CareTeam": team_close,
}


def forms() -> dict[str, str]:
    """The instrument of each form that somebody has named."""
    rows = EhrTerm.objects.filter(kind=EhrTerm.Kind.FORM, system=FORM, meaning__in=instruments())
    return dict(rows.values_list("code", "meaning"))


def disorders() -> dict[tuple[str, str], str]:
    """What somebody has said of each code of a mood disorder; empty for what is of no concern."""
    rows = EhrTerm.objects.filter(kind=EhrTerm.Kind.DISORDER).exclude(meaning="")
    said = rows.values_list("system", "code", "meaning")
    return {(of, code): "" if it == EhrTerm.NO_CONCERN else it for of, code, it in said}


def totals() -> dict[tuple[str, str], str]:
    """The instrument of each code of an Observation that somebody has named."""
    rows = EhrTerm.objects.filter(kind=EhrTerm.Kind.FORM, meaning__in=instruments())
    named = rows.exclude(system=FORM).values_list("system", "code", "meaning")
    return {(system, code): meaning for system, code, meaning in named}


def subject_of(resource: Json) -> str:
    """The id of the Patient it is about, empty where it does not say."""
    if resource.get("resourceType") == "Patient":
        return identity(resource)
    named = (inner(resource, name) for name in ("subject", "patient"))
    return next(filter(None, (reference_id(it, "Patient") for it in named)), "")


@transaction.atomic
def resource_take(resource: Json, world: World) -> str:
    """Write what is new in a resource about the patient; returns what became of it.

    The same twice changes nothing. What cannot be written is kept as not understood, with why.
    """
    kind, key = str(resource.get("resourceType")), identity(resource)
    if kind not in READERS or not key or subject_of(resource) != world.patient.ehr_id:
        return OTHER
    told = READERS[kind](resource, world)
    if told is None:
        return OTHER
    plain = as_plain(told)
    item = ContextItem.objects.select_for_update().filter(resource_type=kind, resource_id=key)
    known = item.first()
    if known and known.patient_id == world.patient.pk and known.told == plain:
        return SAME
    if known and known.patient_id != world.patient.pk:
        _moved(known, world)
    taken = known or ContextItem(patient=world.patient, resource_type=kind, resource_id=key)
    _take(taken, told, plain, _said_on(resource, world), world)
    return CHANGED if known else NEW


def _take(item: ContextItem, told: Any, plain: dict[str, Any], said_on: date, world: World) -> None:
    item.told, item.said_on, item.changed_at = plain, said_on, world.now
    item.state = item.state or State.NOTED
    item.save()  # its terms and conflicts refer to it
    before = (list(item.written), list(item.row_ids), item.agrees_with)
    try:
        with transaction.atomic():
            WRITERS[item.resource_type](item, told, world)
    except InputError as refusal:
        item.written, item.row_ids, item.agrees_with = before
        settle(item, State.UNCLEAR, str(refusal))
    if item.resource_type in ANSWERS:  # beyond the savepoint: it is told whatever went wrong
        self_harm_take(item, told, world)
    item.save()


def _moved(item: ContextItem, world: World) -> None:
    """The resource was another patient's: what it wrote there is taken back first."""
    before = item.patient
    there = World(before, before.in_ehr, zones_of(before), world.now)
    if item.resource_type in MEDICATIONS:
        medication_withdraw(item, there, "It is about another patient.")
    elif item.resource_type in ANSWERS:
        answers_withdraw(item)
    elif item.resource_type == "CareTeam":
        team_take(item, TeamTold(Fate.WITHDRAWN), there)
    item.patient, item.written, item.row_ids = world.patient, [], []
    item.agrees_with, item.self_harm = None, {}


def _said_on(resource: Json, world: World) -> date:
    changed = last_updated(resource)
    return min(world.zones.local_day(changed), world.today) if changed else world.today
