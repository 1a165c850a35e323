"""What the EHR says of diagnoses, questionnaires and care teams, written; never over a person."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from django.db import transaction

from alerts.context_items import (
    BY,
    State,
    World,
    conflict_open,
    conflicts_close,
    forgot,
    is_shared,
    settle,
    term_of,
    wrote,
)
from alerts.context_models import ContextConflict, ContextItem, EhrTerm
from alerts.fhir.context.care_team import TeamTold
from alerts.fhir.context.condition import UNKNOWN, ConditionTold
from alerts.fhir.context.patient import PatientTold
from alerts.fhir.context.questionnaire import AnswersTold
from alerts.fhir.context.values import Coding, Concept, Fate
from alerts.inside_models import EhrAccount
from alerts.outcomes import outcome_record, self_harm_answer_consider
from patients.domain.errors import InputError
from patients.identity import diagnosis_set
from patients.models import CareTeamMember, Diagnosis, Questionnaire, User
from patients.outcomes import questionnaire_mark_error, self_harm_item
from patients.people_services import member_remove, member_set
from patients.resources import instruments

ANSWERS = ("QuestionnaireResponse", "Observation")
ASSEMBLED = "assembled"  # from single answers: it cannot stand without any of them
PERSON = "person"  # the system of a practitioner's term
Kind = ContextConflict.Kind
Part = CareTeamMember.Part


def patient_take(item: ContextItem, told: PatientTold, world: World) -> None:
    """Of the record itself nothing is written: what matters is asked about."""
    settle(item, State.NOTED)
    if told.is_active and not told.replaced_by and not told.is_deceased:
        conflicts_close(world.patient, Kind.RECORD, world.now, item)
        return
    asked = conflict_open(
        item, world.patient, Kind.RECORD, ours={}, theirs=dict(item.told), now=world.now
    )
    settle(item, State.CONFLICT if asked else State.NOTED)


def condition_take(item: ContextItem, told: ConditionTold, world: World) -> None:
    """Kept; which diagnosis all of them make is seen once all are read."""
    states = {
        Fate.COUNTS: State.NOTED,
        Fate.WAITING: State.WAITING,
        Fate.UNCLEAR: State.UNCLEAR,
        Fate.WITHDRAWN: State.WITHDRAWN,
    }
    item.terms.set([term_of(EhrTerm.Kind.DISORDER, told.term)] if told.term.codings else [])
    settle(item, states[told.fate], told.why)


def diagnosis_close(world: World) -> None:
    """The one diagnosis of all conditions that count, if they are of one mind."""
    patient, link = world.patient, world.link
    patient.refresh_from_db()
    rows = ContextItem.objects.filter(
        patient=patient, resource_type="Condition", state=State.NOTED
    ).values_list("told__diagnosis", flat=True)
    found = sorted({it for it in rows if it and it != UNKNOWN})
    ours, written = patient.diagnosis, link.diagnosis_written
    is_theirs = ours == written or (ours == Diagnosis.UNKNOWN and not written)
    if found == [ours]:
        conflicts_close(patient, Kind.DIAGNOSIS, world.now)
    elif len(found) == 1 and is_theirs:
        diagnosis_set(patient=patient, diagnosis=found[0], by=BY)
        link.diagnosis_written = found[0]
    elif not found:
        if written and ours == written:
            diagnosis_set(patient=patient, diagnosis=Diagnosis.UNKNOWN, by=BY)
        link.diagnosis_written = ""
        conflicts_close(patient, Kind.DIAGNOSIS, world.now)
    else:
        conflict_open(
            None, patient, Kind.DIAGNOSIS,
            ours={"diagnoses": [ours]}, theirs={"diagnoses": found}, now=world.now,
        )  # fmt: skip
    link.save(update_fields=["diagnosis_written"])


def answers_take(item: ContextItem, told: AnswersTold, world: World) -> None:
    """A questionnaire, or one answer of it. Raises InputError as ``questionnaire_record`` does."""
    term = None
    if told.fate is Fate.UNCLEAR and not told.instrument and told.form.words:
        term = term_of(EhrTerm.Kind.FORM, told.form)
        item.terms.set([term])
    if term and term.meaning == EhrTerm.NO_CONCERN:
        settle(item, State.NOTED)
    elif told.fate is Fate.WITHDRAWN:
        answers_withdraw(item)
        settle(item, State.WITHDRAWN, told.why)
        conflicts_close(world.patient, Kind.QUESTIONNAIRE, world.now, item)
    elif told.fate is not Fate.COUNTS:
        settle(item, State.WAITING if told.fate is Fate.WAITING else State.UNCLEAR, told.why)
    elif told.item is not None:
        answers_withdraw(item)  # of the questionnaire that its former answer was part of
        settle(item, State.NOTED)
    else:
        assert told.taken_at
        answers_write(item, told.instrument, told.taken_at, told.items, told.total, world)


def answers_withdraw(item: ContextItem) -> None:
    """What it wrote is marked as entered in error, unless another resource says the same."""
    for written in list(item.written):
        row = Questionnaire.objects.filter(pk=written["id"]).first()
        if row and written["as"].get(ASSEMBLED):
            questionnaire_mark_error(questionnaire=row, by=BY)
            others = ContextItem.objects.filter(patient=item.patient, row_ids__contains=[row.pk])
            others.filter(resource_type="Observation").exclude(pk=item.pk).update(
                state=State.NOTED, written=[], row_ids=[]
            )
        elif row and not is_shared(item, row.pk, *ANSWERS):
            questionnaire_mark_error(questionnaire=row, by=BY)
        forgot(item, written["id"])


def answers_write(
    item: ContextItem,
    instrument: str,
    taken_at: datetime,
    items: Sequence[int],
    total: int | None,
    world: World,
    *,
    beside: bool = False,
) -> None:
    """Record it, unless it is recorded, or a person recorded something else for that day.

    ``beside``: somebody has said that it is right whatever else is recorded for that day.
    """
    total = sum(items) if items else total
    told = {"instrument": instrument, "taken_at": taken_at.isoformat(), "total": total}
    live = Questionnaire.objects.filter(
        patient=world.patient, instrument=instrument, entered_in_error=False
    )
    first, last = world.zones.day_bounds(world.zones.local_day(taken_at))
    that_day = live.filter(taken_at__gte=first, taken_at__lt=last)
    for row in [] if beside else that_day.exclude(recorded_by=BY):
        if row.total == total:
            item.agrees_with = row.pk
            settle(item, State.AGREES)
            return
        ours = {"instrument": instrument, "questionnaire": row.pk, "total": row.total}
        theirs = told | {"items": list(items)}
        ours["taken_at"] = row.taken_at.isoformat()
        if conflict_open(
            item, world.patient, Kind.QUESTIONNAIRE, ours=ours, theirs=theirs, now=world.now
        ):
            settle(item, State.CONFLICT)
            return
        settle(item, State.AGREES)
        return
    _replace(item, that_day.filter(taken_at=taken_at, recorded_by=BY), items, total)
    row = outcome_record(
        patient=world.patient,
        instrument=instrument,
        taken_at=taken_at,
        by=BY,
        items=list(items) or None,
        total=total,
        source=BY,
        is_told=_holds_told(instrument, taken_at, items, world),
    )
    for other in item.row_ids:
        if other != row.pk and not is_shared(item, other, *ANSWERS):
            questionnaire_mark_error(questionnaire=Questionnaire.objects.get(pk=other), by=BY)
    item.written = []
    wrote(item, row.pk, told)
    settle(item, State.WRITTEN)


def _holds_told(instrument: str, taken_at: datetime, items: Sequence[int], world: World) -> bool:
    """Whether its answer on self-harm was told when it came without the rest."""
    points = instruments()[instrument].self_harm(items)
    return bool(points) and _is_told(self_harm_answer(instrument, taken_at, points or 0), world)


def _replace(item: ContextItem, rows: Any, items: Sequence[int], total: int | None) -> None:
    """What the EHR itself wrote of that moment gives way to what says more, or is this item's."""
    for row in rows:
        says_more = bool(items) and not row.items and row.total == total
        is_own = row.pk in item.row_ids and not is_shared(item, row.pk, *ANSWERS)
        if not (row.total == total and list(items) in ([], row.items)) and (says_more or is_own):
            questionnaire_mark_error(questionnaire=row, by=BY)


def answers_close(world: World) -> None:
    """Once all is read: nine answers of one moment are a questionnaire."""
    rows = ContextItem.objects.filter(
        patient=world.patient, resource_type="Observation", state=State.NOTED,
        told__item__isnull=False,
    )  # fmt: skip
    groups: dict[tuple[str, str], dict[int, ContextItem]] = {}
    for item in rows.exclude(told__item=None):
        key = (item.told["instrument"], item.told["taken_at"])
        groups.setdefault(key, {})[item.told["item"]] = item
    for (instrument, moment), items in groups.items():
        if set(items) == set(range(1, len(instruments()[instrument].topics) + 1)):
            _assemble(instrument, moment, items, world)


def _assemble(instrument: str, moment: str, items: dict[int, ContextItem], world: World) -> None:
    answers, taken_at = (
        [items[n].told["total"] for n in sorted(items)],
        datetime.fromisoformat(moment),
    )
    first = items[1]
    try:
        answers_write(first, instrument, taken_at, answers, None, world)
    except InputError as refusal:
        settle(first, State.UNCLEAR, str(refusal))
    for written in first.written:
        written["as"][ASSEMBLED] = True
    for item in items.values():
        item.state, item.why, item.agrees_with = first.state, first.why, first.agrees_with
        item.written, item.row_ids = list(first.written), list(first.row_ids)
        item.save()


def self_harm_take(item: ContextItem, told: AnswersTold, world: World) -> None:
    """An answer above 0 to the item on self-harm is considered once, whatever became of the rest.

    Of one without its day, or of a day to come, the day on which the EHR said so counts.
    """
    if told.fate is Fate.WITHDRAWN or not told.self_harm or told.self_harm < 0:
        item.self_harm = {}
        return
    answer = self_harm_answer(told.instrument, told.taken_at, told.self_harm)
    if answer != item.self_harm and not _is_recorded(told, world) and not _is_told(answer, world):
        taken_at = told.taken_at
        if taken_at is None or taken_at > world.now:
            taken_at = min(world.zones.at(item.said_on, time(12)), world.now)
        self_harm_answer_consider(patient=world.patient, taken_at=taken_at, by=BY, now=world.now)
    item.self_harm = answer


def self_harm_answer(instrument: str, taken_at: datetime | None, points: int) -> dict[str, Any]:
    """An answer as it is kept, so that it is told once."""
    at = taken_at.astimezone(UTC).isoformat() if taken_at else ""
    return {"instrument": instrument, "taken_at": at, "points": points}


def _is_recorded(told: AnswersTold, world: World) -> bool:
    """Whether a questionnaire of that day holds such an answer, which was considered with it."""
    if told.taken_at is None:
        return False
    first, last = world.zones.day_bounds(world.zones.local_day(told.taken_at))
    rows = Questionnaire.objects.filter(
        patient=world.patient, instrument=told.instrument, entered_in_error=False,
        taken_at__gte=first, taken_at__lt=last,
    )  # fmt: skip
    return any((self_harm_item(row) or 0) >= (told.self_harm or 0) for row in rows)


def _is_told(answer: Mapping[str, Any], world: World) -> bool:
    """Whether another resource told of just this answer before."""
    return ContextItem.objects.filter(
        patient=world.patient,
        self_harm__instrument=answer["instrument"],
        self_harm__taken_at=answer["taken_at"],
        self_harm__points__gte=answer["points"],
    ).exclude(self_harm__taken_at="").exists()  # fmt: skip


def team_take(item: ContextItem, told: TeamTold, world: World) -> None:
    """The people who are in the EHR's team today, and whom somebody has named, come into ours, or
    leave it again.
    """
    if told.fate is Fate.WAITING:
        settle(item, State.WAITING, told.why)
        return
    terms = [_person(key, named) for key, named in told.present(world.today).items()]
    item.terms.set(terms)
    named = {term.meaning for term in terms} - {"", EhrTerm.NO_CONCERN}
    people = {user.pk: user for user in User.objects.filter(username__in=named)}
    asked, troubles = False, []
    for key in [key for key in item.row_ids if key not in people]:
        asked |= _leave(item, key, world)
    for user in people.values():
        try:
            asked |= _join(item, user, world)
        except InputError as refusal:
            troubles.append(str(refusal))
    withdrawn = told.fate is Fate.WITHDRAWN
    state = State.WITHDRAWN if withdrawn else State.WRITTEN if item.written else State.NOTED
    waits = any(not term.meaning for term in terms)
    state = State.CONFLICT if asked else State.UNCLEAR if troubles or waits else state
    if not asked:
        conflicts_close(world.patient, Kind.MEMBER, world.now, item)
    settle(item, state, " ".join(troubles) or told.why or _waits(waits))


@transaction.atomic
def team_close(world: World) -> None:
    """Whose time in a team has begun or ended since it was last looked at: nothing new is told."""
    rows = ContextItem.objects.filter(
        patient=world.patient, resource_type="CareTeam", told__fate=Fate.COUNTS
    )
    for item in rows:
        told, before = TeamTold.from_json(item.told), world.zones.local_day(item.changed_at)
        if told.present(before) != told.present(world.today):
            item.changed_at = world.now
            team_take(item, told, world)
            item.save()


def _waits(waits: bool) -> str:
    return "Somebody of the team is not named here yet." if waits else ""


def _person(key: str, named: str) -> EhrTerm:
    """The person's term; who came from the EHR and was named then is known here too."""
    term = term_of(EhrTerm.Kind.PERSON, Concept((Coding(PERSON, key, named),), named))
    account = None if term.meaning else EhrAccount.objects.filter(fhir_user=key).first()
    if account and account.user:
        term.meaning = account.user.username
        term.settled_by, term.settled_at = account.mapped_by, account.mapped_at
        term.save(update_fields=["meaning", "settled_by", "settled_at"])
    return term


def _join(item: ContextItem, user: User, world: World) -> bool:
    """Whether a person must be asked: somebody took out whom the EHR still lists."""
    is_in = world.patient.care_team.filter(user=user, on_call=None).exists()
    if user.pk in item.row_ids:
        return not is_in and _ask(item, user, is_in, True, world)
    if not is_in and not _is_kept_out(item, user):
        member_set(patient=world.patient, person=user, part=Part.MEMBER, by=BY)
        wrote(item, user.pk, {"part": Part.MEMBER})
    return False


def _is_kept_out(item: ContextItem, user: User) -> bool:
    """Whether somebody has said that who is not in our team stays out."""
    kept = {"person": user.username, "in": False}
    return item.conflicts.filter(
        kind=Kind.MEMBER, ours=kept, outcome=ContextConflict.Outcome.OURS
    ).exists()


def _leave(item: ContextItem, key: int, world: World) -> bool:
    """Whether a person must be asked: somebody gave another part to whom the EHR lists no more."""
    member = world.patient.care_team.filter(user=key).select_related("user").first()
    if member and not is_shared(item, key, "CareTeam"):
        if member.part != Part.MEMBER:
            return _ask(item, member.user, True, False, world)
        member_remove(patient=world.patient, person=member.user, by=BY)
    forgot(item, key)
    return False


def _ask(item: ContextItem, user: User, ours: bool, theirs: bool, world: World) -> bool:
    person = {"person": user.username}
    return conflict_open(
        item, world.patient, Kind.MEMBER,
        ours=person | {"in": ours}, theirs=person | {"in": theirs}, now=world.now,
    )  # fmt: skip
