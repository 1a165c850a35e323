"""What the EHR says of drugs, written as medication courses; never over what a person typed."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

from django.db.models import Q

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
from alerts.fhir.context.medication import ON_HOLD, MedicationTold, clinical_drug
from alerts.fhir.context.values import ATC, RXNORM, Concept, Fate
from alerts.resources import ehr_codes
from patients.domain.drugs import ATC as ATC_CODE
from patients.domain.drugs import AtcClass, Drug
from patients.medication_services import (
    medication_correct,
    medication_mark_error,
    medication_start,
    medication_stop,
)
from patients.models import MedicationCourse, Patient, User
from patients.resources import drug_table

TYPES = ("MedicationRequest", "MedicationStatement")
Kind = ContextConflict.Kind
Classes = MedicationCourse.DrugClass
TOLD_OTHERWISE = MedicationCourse.ErrorReason.PRESCRIBER
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s*mg\b(?!\s*/\s*ml)", re.IGNORECASE)


@dataclass(frozen=True)
class Course:
    """A course as the EHR tells it; ``ended`` is the status that ended it on a day untold."""

    drug: str
    dose: str
    first_day: date
    last_day: date | None
    ended: str = ""

    def as_json(self) -> dict[str, Any]:
        """For ``written``, and for conflicts."""
        return {k: v.isoformat() if isinstance(v, date) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Self:
        """What ``as_json`` gave."""
        first, last = (told[name] for name in ("first_day", "last_day"))
        days = (date.fromisoformat(first), date.fromisoformat(last) if last else None)
        return cls(told["drug"], told["dose"], *days, told.get("ended", ""))

    def says(self, course: MedicationCourse) -> bool:
        """Whether the stored course is just this."""
        return not course.entered_in_error and (
            (self.dose, self.first_day, self.last_day)
            == (course.dose, course.first_day, course.last_day)
        )

    def is_within(self, course: MedicationCourse) -> bool:
        """Whether the stored course says this already, and perhaps more."""
        ends = course.last_day is None or (
            self.last_day is not None and self.last_day <= course.last_day
        )
        return course.first_day <= self.first_day and ends and _same_amount(self.dose, course.dose)


@dataclass(frozen=True)
class KnownDrug:
    """What the table of drugs, or else a person, says of a drug of the EHR."""

    name: str
    drug_class: str
    atc: str = ""
    rxnorm: str = ""
    term: EhrTerm | None = None

    @property
    def names(self) -> Q:
        """Stored courses of the same drug."""
        same = Q(drug__iexact=self.name)
        return same | Q(rxnorm=self.rxnorm) if self.rxnorm else same


def drug_known(concept: Concept) -> KnownDrug:
    """By its codes, by RxNorm's name of it, or by a name without codes; never by a likeness.

    What none of these knows has the class that a person gave its code, or “Class not known”.
    """
    rxnorm, atc = concept.codes(RXNORM), _atc(concept)
    names: set[str] = set()
    if name := clinical_drug(concept, ehr_codes().forms)[0]:
        names = {name}
    elif not rxnorm and not atc:
        names = {concept.text, *(it.display for it in concept.codings)} - {""}
    known = set(table_rows(concept, sorted(names)))
    drugs = [row for row in known if isinstance(row, Drug)]
    if len({row.drug_class for row in known}) == 1 and len(drugs) <= 1:
        found = next(iter(drugs or known))
        if isinstance(found, Drug):
            code = found.rxnorm[0] if found.rxnorm else ""
            return KnownDrug(found.name, found.drug_class, found.atc, code)
        return KnownDrug(_name(concept), found.drug_class, next(iter(atc), ""))
    term = term_of(EhrTerm.Kind.DRUG, concept)
    code = next((it for it in rxnorm if re.fullmatch(r"\d{1,8}", it)), "")
    return KnownDrug(_name(concept), term.meaning or Classes.UNKNOWN, "", code, term)


def table_rows(concept: Concept, names: Iterable[str]) -> Iterator[Drug | AtcClass]:
    """What the table of drugs has by the codes of a concept, and by these names."""
    table = drug_table()
    rows = [
        *map(table.by_rxnorm, concept.codes(RXNORM)),
        *map(table.by_atc, _atc(concept)),
        *map(table.by_name, names),
    ]
    return (row for row in rows if row)


def _atc(concept: Concept) -> list[str]:
    codes = [it.upper() for it in concept.codes(ATC)]
    return [code for code in codes if ATC_CODE.fullmatch(code)]


def _name(concept: Concept) -> str:
    longest = MedicationCourse._meta.get_field("drug").max_length or 80
    name = concept.words
    return name if len(name) <= longest else name[: longest - 1] + "…"


def medication_take(item: ContextItem, told: MedicationTold, world: World) -> None:
    """Write what a resource says now. Raises InputError as the services do."""
    if told.fate is Fate.WITHDRAWN:
        medication_withdraw(item, world, told.why)
        return
    if told.fate is not Fate.COUNTS:
        settle(item, State.WAITING if told.fate is Fate.WAITING else State.UNCLEAR, told.why)
        return
    drug = drug_known(told.drug)
    item.terms.set([drug.term] if drug.term else [])
    new, base = _course(told, drug, item), _last(item)
    if base is None:
        _write(item, new, drug, world)
    elif base.ended == ON_HOLD and not told.ended and new.last_day is None:
        # Held and taken up again: the days between were without it.
        again = max(item.said_on, new.first_day)
        _write(item, Course(new.drug, new.dose, again, None), drug, world)
    else:
        _change(item, base, new, drug, world)


def medication_withdraw(item: ContextItem, world: World, why: str) -> None:
    """The EHR takes it back: what it wrote is marked as entered in error, unless somebody has
    changed it since, which is asked about.
    """
    for written in list(item.written):
        course, base = _stored(written), Course.from_json(written["as"])
        if course is None or is_shared(item, course.pk, *TYPES):
            forgot(item, written["id"])
        elif base.says(course):
            medication_mark_error(course=course, reason=TOLD_OTHERWISE, by=BY)
            forgot(item, course.pk)
        elif course.entered_in_error:
            forgot(item, course.pk)
        else:
            ours, theirs = course_json(course), {"withdrawn": True}
            if _ask(item, ours, theirs, world):
                return
    conflicts_close(world.patient, Kind.MEDICATION, world.now, item)
    item.agrees_with = None
    settle(item, State.WITHDRAWN, why)


def _course(told: MedicationTold, drug: KnownDrug, item: ContextItem) -> Course:
    assert told.first_day
    said_on, last, base = item.said_on, told.last_day, _last(item)
    if told.ended and (last is None or last > said_on):
        # The day is untold: at the latest it was over when the EHR first said so.
        known = base.last_day if base and base.ended == told.ended else None
        last = known or max(said_on, told.first_day)
        return Course(drug.name, told.dose, told.first_day, last, told.ended)
    return Course(drug.name, told.dose, told.first_day, last)


def _last(item: ContextItem) -> Course | None:
    return Course.from_json(item.written[-1]["as"]) if item.written else None


def _stored(written: dict[str, Any]) -> MedicationCourse | None:
    return MedicationCourse.objects.filter(pk=written["id"]).first()


def course_json(course: MedicationCourse) -> dict[str, Any]:
    """A stored course for a conflict."""
    told = Course(course.drug, course.dose, course.first_day, course.last_day).as_json()
    return told | {"course": course.pk, "entered_in_error": course.entered_in_error}


def _write(item: ContextItem, new: Course, drug: KnownDrug, world: World) -> None:
    """A course of its own, unless one says it already, or a person typed something else."""
    own = item.row_ids
    live = MedicationCourse.objects.filter(
        drug.names, patient=world.patient, entered_in_error=False
    ).exclude(pk__in=own)
    same = live.filter(
        source=MedicationCourse.Source.EHR,
        dose=new.dose,
        first_day=new.first_day,
        last_day=new.last_day,
    ).first()
    if same:
        wrote(item, same.pk, new.as_json())
        settle(item, State.WRITTEN)
        return
    typed = live.filter(Q(last_day=None) | Q(last_day__gte=new.first_day), source="clinic")
    if new.last_day:
        typed = typed.filter(first_day__lte=new.last_day)
    for course in typed.order_by("first_day", "pk"):
        if not new.is_within(course) and _ask(item, course_json(course), new.as_json(), world):
            return
        item.agrees_with = course.pk
        settle(item, State.AGREES)
        return
    course_write(item, new, drug, world.patient, BY)


def course_write(
    item: ContextItem, new: Course, drug: KnownDrug, patient: Patient, by: User | str
) -> None:
    """The course stands because of the item."""
    course = medication_start(
        patient=patient,
        drug=drug.name,
        first_day=new.first_day,
        last_day=new.last_day,
        dose=new.dose,
        drug_class=drug.drug_class if drug.term else "",
        atc=drug.atc,
        rxnorm=drug.rxnorm,
        source=MedicationCourse.Source.EHR,
        by=by,
    )
    wrote(item, course.pk, new.as_json())
    item.agrees_with = None
    settle(item, State.WRITTEN)


def _change(item: ContextItem, base: Course, new: Course, drug: KnownDrug, world: World) -> None:
    """The EHR says something else than before of a course that it wrote."""
    course = _stored(item.written[-1])
    if course is None or is_shared(item, course.pk, *TYPES):
        forgot(item, item.written[-1]["id"])
        _write(item, new, drug, world)
    elif new.says(course) and new.drug == base.drug:
        wrote(item, course.pk, new.as_json())
        settle(item, State.WRITTEN)
        conflicts_close(world.patient, Kind.MEDICATION, world.now, item)
    elif base.says(course):
        course_update(item, course, base, new, drug, BY)
    elif not _ask(item, course_json(course), new.as_json(), world):
        wrote(item, course.pk, new.as_json())


def course_update(
    item: ContextItem,
    course: MedicationCourse,
    base: Course,
    new: Course,
    drug: KnownDrug,
    by: User | str,
) -> None:
    """Bring the stored course to what the EHR says, so that history shows the change."""
    if new.drug != base.drug:
        medication_mark_error(course=course, reason=TOLD_OTHERWISE, by=by)
        forgot(item, course.pk)
        course_write(item, new, drug, course.patient, by)
        return
    same_start = (new.dose, new.first_day) == (course.dose, course.first_day)
    if same_start and new.last_day and course.last_day is None:
        medication_stop(course=course, last_day=new.last_day, by=by)
    elif not new.says(course):
        right = medication_correct(
            course=course,
            dose=new.dose,
            first_day=new.first_day,
            last_day=new.last_day,
            reason=TOLD_OTHERWISE,
            by=by,
        )
        forgot(item, course.pk)
        course = right
    wrote(item, course.pk, new.as_json())
    settle(item, State.WRITTEN)


def _ask(item: ContextItem, ours: dict[str, Any], theirs: dict[str, Any], world: World) -> bool:
    asked = conflict_open(
        item, world.patient, Kind.MEDICATION, ours=ours, theirs=theirs, now=world.now
    )
    settle(item, State.CONFLICT if asked else State.AGREES)
    return asked


def medications_close(world: World) -> None:
    """Once all is read: a course that a person typed as going on, while of all that the EHR has
    of it the last is over, is asked about.
    """
    items = ContextItem.objects.filter(
        patient=world.patient, resource_type__in=TYPES, state__in=[State.AGREES, State.CONFLICT]
    ).exclude(agrees_with=None)
    by_course: dict[int, list[tuple[ContextItem, Course]]] = {}
    for item in items:
        told = MedicationTold.from_json(item.told)
        new = _course(told, drug_known(told.drug), item)
        by_course.setdefault(item.agrees_with or 0, []).append((item, new))
    going_on = MedicationCourse.objects.filter(
        pk__in=by_course, entered_in_error=False, last_day=None
    )
    for course in going_on:
        item, latest = max(by_course[course.pk], key=lambda it: it[1].last_day or date.max)
        if latest.last_day is not None and item.state == State.AGREES:
            _ask(item, course_json(course), latest.as_json(), world)
            item.save()


def _same_amount(one: str, other: str) -> bool:
    """Whether two labels can mean one dose: no amount in mg in one of them, or one in common."""
    amounts = [_amounts(one), _amounts(other)]
    return not all(amounts) or bool(amounts[0] & amounts[1])


def _amounts(dose: str) -> set[float]:
    return {float(it.replace(",", ".")) for it in _AMOUNT.findall(dose)}


def classes_settled(term: EhrTerm) -> Iterable[MedicationCourse]:
    """The courses whose class is not known and that stand because of this term."""
    ids = {row for item in term.items.all() for row in item.row_ids}
    return MedicationCourse.objects.filter(
        pk__in=ids, drug_class=Classes.UNKNOWN, entered_in_error=False
    )
