"""What a person decides about context: which side is right, what a code means, who is who."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from alerts.context_facts import answers_write, team_take
from alerts.context_items import State, World, forgot, settle, wrote
from alerts.context_medications import (
    Course,
    classes_settled,
    course_update,
    course_write,
    drug_known,
    medication_take,
)
from alerts.context_models import (
    ContextConflict,
    ContextItem,
    ContextSetting,
    EhrPatient,
    EhrTerm,
)
from alerts.context_pages import type_of
from alerts.fhir.context.care_team import TeamTold
from alerts.fhir.context.medication import MedicationTold
from patients.domain.errors import InputError
from patients.identity import diagnosis_set, ehr_id_set
from patients.medication_services import (
    medication_class_set,
    medication_mark_error,
    medication_stop,
)
from patients.models import (
    CareTeamMember,
    Diagnosis,
    MedicationCourse,
    Patient,
    Questionnaire,
    User,
)
from patients.outcomes import questionnaire_mark_error
from patients.people import clinicians
from patients.people_services import member_remove, member_set
from patients.resources import instruments
from patients.selectors import zones_of
from patients.services import audit_record

Kind = ContextConflict.Kind
Outcome = ContextConflict.Outcome
PRESCRIBER = MedicationCourse.ErrorReason.PRESCRIBER


@transaction.atomic
def reading_set(*, on: bool, by: User) -> None:
    """Turn the regular reading of the EHR on or off."""
    setting = ContextSetting.objects.select_for_update().first() or ContextSetting()
    setting.is_on, setting.changed_by, setting.changed_at = on, by.username, timezone.now()
    setting.save()
    audit_record(by=by, action="reading from the EHR", on=on)


@transaction.atomic
def identifier_set(*, patient: Patient, system: str, value: str, by: User | str) -> EhrPatient:
    """By which identifier the EHR knows the patient; its record is looked for at the next reading.

    A record found by another identifier before is let go. The audit holds no identifier. Raises
    InputError where one of the two is missing.
    """
    system, value = system.strip(), value.strip()
    if not system or not value or len(system) > 200 or len(value) > 200:
        raise InputError(_("Give the identifier and the system that it belongs to."))
    link, _made = EhrPatient.objects.select_for_update().get_or_create(patient=patient)
    if (link.system, link.value) != (system, value):
        link.system, link.value, link.state, link.marks = system, value, EhrPatient.State.DUE, {}
        link.save()
        ehr_id_set(patient=patient, ehr_id="", by=by)
        audit_record(by=by, action="EHR identifier set", patient=patient)
    return link


def meanings_of(kind: str) -> list[tuple[str, Any]]:
    """What a term of that kind can mean: (value, words)."""
    if kind == EhrTerm.Kind.DRUG:
        return [it for it in MedicationCourse.DrugClass.choices if it[0] != "unknown"]
    none = (EhrTerm.NO_CONCERN, _("of no concern here"))
    if kind == EhrTerm.Kind.FORM:
        return [none, *((key, asked.name) for key, asked in instruments().items())]
    if kind == EhrTerm.Kind.DISORDER:
        return [none, *(it for it in Diagnosis.choices if it[0] != Diagnosis.UNKNOWN)]
    return [none, *((user.username, str(user)) for user in clinicians())]


@transaction.atomic
def term_settle(*, term: EhrTerm, meaning: str, by: User) -> int:
    """What the EHR's term means here, for every patient; returns for how many it is said.

    A drug's courses get their class and a care team its member at once; forms and mood disorders
    are read again at the next reading. Raises InputError for what it cannot mean.
    """
    term = EhrTerm.objects.select_for_update().get(pk=term.pk)
    if meaning not in {value for value, _words in meanings_of(term.kind)}:
        raise InputError(_("Choose what it means."))
    term.meaning, term.settled_by, term.settled_at = meaning, by.username, timezone.now()
    term.save()
    items = list(term.items.select_related("patient__in_ehr"))
    audit_record(by=by, action="EHR term settled", term=term.pk, kind=term.kind, meaning=meaning)
    if term.kind == EhrTerm.Kind.DRUG:
        for course in classes_settled(term):
            medication_class_set(course=course, drug_class=meaning, by=by)
    for item in items:
        if term.kind == EhrTerm.Kind.PERSON and item.state != State.WITHDRAWN:
            world = _world(item)
            team_take(item, TeamTold.from_json(item.told), world)
            item.changed_at = world.now
            item.save()
        if term.kind in (EhrTerm.Kind.FORM, EhrTerm.Kind.DISORDER):
            _read_again(item)
    return len({item.patient_id for item in items})


def _read_again(item: ContextItem) -> None:
    """Its values were not understood when it was read: ask the EHR for all of its kind again."""
    item.told = {}
    item.save(update_fields=["told"])
    link = EhrPatient.objects.select_for_update().get(patient=item.patient_id)
    kept = {it: mark for it, mark in link.marks.items() if type_of(it) != item.resource_type}
    link.marks = kept
    link.save(update_fields=["marks"])


def _world(item: ContextItem) -> World:
    patient = item.patient
    return World(patient, patient.in_ehr, zones_of(patient), timezone.now())


@transaction.atomic
def conflict_settle(*, conflict: ContextConflict, outcome: str, by: User) -> None:
    """Keep ours, take theirs, or keep both where both can be.

    Raises InputError for what cannot be done, and where it was settled meanwhile.
    """
    conflict = ContextConflict.objects.select_for_update().get(pk=conflict.pk)
    if conflict.settled_at:
        raise InputError(_("Somebody has settled this meanwhile: nothing was changed."))
    if outcome not in outcomes_of(conflict):
        raise InputError(_("Choose which of the two is right."))
    SETTLERS[conflict.kind](conflict, outcome, by)
    conflict.outcome = outcome if outcome in Outcome.values else Outcome.THEIRS
    conflict.settled_by, conflict.settled_at = by.username, timezone.now()
    conflict.save()
    audit_record(
        by=by, action="EHR conflict settled", patient=conflict.patient, conflict=conflict.pk,
        kind=conflict.kind, outcome=outcome,
    )  # fmt: skip


def outcomes_of(conflict: ContextConflict) -> list[str]:
    """How it can be settled."""
    if conflict.kind == Kind.DIAGNOSIS:
        return [Outcome.OURS, *conflict.theirs["diagnoses"]]
    if conflict.kind == Kind.RECORD:
        return [Outcome.OURS, *([Outcome.THEIRS] if conflict.theirs.get("replaced_by") else [])]
    if conflict.kind in (Kind.MEDICATION, Kind.QUESTIONNAIRE):
        alone = conflict.theirs.get("withdrawn") or conflict.ours.get("entered_in_error")
        return [Outcome.OURS, Outcome.THEIRS, *([] if alone else [Outcome.BOTH])]
    return [Outcome.OURS, Outcome.THEIRS]


def _medication(conflict: ContextConflict, outcome: str, by: User) -> None:
    item, course = _item(conflict), MedicationCourse.objects.get(pk=conflict.ours["course"])
    is_own, withdrawn = course.pk in item.row_ids, conflict.theirs.get("withdrawn")
    if outcome == Outcome.OURS:
        settle(item, State.AGREES)
        if is_own and withdrawn:
            forgot(item, course.pk)
        elif is_own:
            wrote(item, course.pk, conflict.theirs)
        item.agrees_with = course.pk
    elif withdrawn:
        medication_mark_error(course=course, reason=PRESCRIBER, by=by)
        forgot(item, course.pk)
        settle(item, State.WITHDRAWN)
    else:
        _theirs(item, course, Course.from_json(conflict.theirs), outcome, by)
    item.save()


def _theirs(
    item: ContextItem, course: MedicationCourse, new: Course, outcome: str, by: User
) -> None:
    """Write the EHR's course: beside ours, in its place, or as its end."""
    drug = drug_known(MedicationTold.from_json(item.told).drug)
    is_own = course.pk in item.row_ids
    base = Course.from_json(item.written[-1]["as"]) if is_own else new
    if outcome == Outcome.THEIRS and is_own and not course.entered_in_error:
        course_update(item, course, base, new, drug, by)
        return
    ends = item.agrees_with == course.pk and new.last_day
    if outcome == Outcome.THEIRS and ends:
        medication_stop(course=course, last_day=ends, by=by)
        settle(item, State.AGREES)
        return
    if outcome == Outcome.THEIRS and not course.entered_in_error:
        medication_mark_error(course=course, reason=PRESCRIBER, by=by)
        _let_go(course, item)
    forgot(item, course.pk)
    course_write(item, new, drug, item.patient, by)


def _let_go(course: MedicationCourse, but: ContextItem) -> None:
    """What else of the EHR only agreed with the course is written now that it is gone."""
    for item in ContextItem.objects.filter(
        patient=course.patient_id, agrees_with=course.pk, resource_type__startswith="Medication"
    ).exclude(pk=but.pk):
        item.agrees_with = None
        medication_take(item, MedicationTold.from_json(item.told), _world(item))
        item.save()


def _questionnaire(conflict: ContextConflict, outcome: str, by: User) -> None:
    item, theirs = _item(conflict), conflict.theirs
    row = Questionnaire.objects.get(pk=conflict.ours["questionnaire"])
    if outcome == Outcome.OURS:
        item.agrees_with = row.pk
        settle(item, State.AGREES)
    else:
        taken_at = datetime.fromisoformat(theirs["taken_at"])
        if outcome == Outcome.THEIRS:
            questionnaire_mark_error(questionnaire=row, by=by)
        elif row.taken_at == taken_at:
            raise InputError(_("Both are of one moment: choose which of the two is right."))
        told = (theirs["items"], theirs["total"])
        answers_write(item, theirs["instrument"], taken_at, *told, _world(item), beside=True)
    item.save()


def _diagnosis(conflict: ContextConflict, outcome: str, by: User) -> None:
    if outcome == Outcome.OURS:
        return
    diagnosis_set(patient=conflict.patient, diagnosis=outcome, by=by)
    link = conflict.patient.in_ehr
    link.diagnosis_written = outcome if len(conflict.theirs["diagnoses"]) == 1 else ""
    link.save(update_fields=["diagnosis_written"])


def _member(conflict: ContextConflict, outcome: str, by: User) -> None:
    item = _item(conflict)
    person = User.objects.get(username=conflict.theirs["person"])
    if outcome == Outcome.OURS:
        forgot(item, person.pk)
    elif conflict.theirs["in"]:
        member_set(patient=conflict.patient, person=person, part=CareTeamMember.Part.MEMBER, by=by)
    else:
        member_remove(patient=conflict.patient, person=person, by=by)
        forgot(item, person.pk)
    settle(item, State.WRITTEN if item.written else State.AGREES)
    item.save()


def _record(conflict: ContextConflict, outcome: str, by: User) -> None:
    item, successor = _item(conflict), conflict.theirs.get("replaced_by")
    settle(item, State.NOTED)
    item.save()
    if outcome == Outcome.THEIRS and successor:
        ehr_id_set(patient=conflict.patient, ehr_id=successor, by=by)
        link = conflict.patient.in_ehr
        link.marks = {}
        link.save(update_fields=["marks"])


def _item(conflict: ContextConflict) -> ContextItem:
    assert conflict.item
    return conflict.item


SETTLERS: dict[str, Callable[[ContextConflict, str, User], None]] = {
    Kind.MEDICATION: _medication,
    Kind.DIAGNOSIS: _diagnosis,
    Kind.QUESTIONNAIRE: _questionnaire,
    Kind.MEMBER: _member,
    Kind.RECORD: _record,
}
