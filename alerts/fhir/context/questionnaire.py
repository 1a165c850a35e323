"""QuestionnaireResponse and Observation as answers to PHQ-9, PHQ-8 or ASRM."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time

from alerts.domain.ehr_codes import Asked, EhrCodes
from alerts.fhir.context.values import (
    ENTERED_IN_ERROR,
    LOINC,
    ORDINAL,
    Coding,
    Concept,
    Fate,
    Json,
    concept,
    concept_of,
    day_told,
    inner,
    moment_told,
    number,
    objects,
    words,
)
from patients.domain.days import ZoneHistory
from patients.domain.questionnaires import Instrument

FORM = "questionnaire"  # the system under which an unknown form is kept
NO_FORM = Concept()
SURVEY = "survey"  # the category of Observations that came of asking somebody
DEEPEST = 6


@dataclass(frozen=True)
class AnswersTold:
    """A questionnaire that was filled in, or (``item`` from 1) one answer of it alone.

    ``form`` is what it is known by where Clarity does not know the instrument. ``self_harm`` is
    the answer to the item on self-harm, told also where the rest does not say enough.
    """

    fate: Fate
    instrument: str = ""
    taken_at: datetime | None = None
    items: tuple[int, ...] = ()
    total: int | None = None
    item: int | None = None
    form: Concept = NO_FORM
    why: str = ""
    self_harm: int | None = None


def response_told(
    resource: Json,
    codes: EhrCodes,
    forms: Mapping[str, str],
    known: Mapping[str, Instrument],
    zones: ZoneHistory,
) -> AnswersTold:
    """A QuestionnaireResponse. ``forms``: the instrument of each address of a form that a person
    has named; ``known``: the instruments by key.
    """
    address = words(resource, "questionnaire").split("|")[0]
    form = Concept((Coding(FORM, address),), address) if address else Concept()
    status = words(resource, "status")
    if status == ENTERED_IN_ERROR:
        return AnswersTold(Fate.WITHDRAWN, form=form, why="Its status is entered-in-error.")
    told = replace(_understood(resource, codes, forms.get(address, ""), known, zones), form=form)
    if status not in ("completed", "amended"):
        return _waiting(told, f"Its status is {status[:20] or 'untold'}.")
    return told


def _understood(
    resource: Json,
    codes: EhrCodes,
    instrument: str,
    known: Mapping[str, Instrument],
    zones: ZoneHistory,
) -> AnswersTold:
    """What was answered, whatever the status."""
    taken_at = _moment(resource, zones, "authored")
    answered = list(_answered(resource))
    for asked in codes.questionnaires:
        if {code for code, _ in answered} & {*asked.items, asked.total}:
            return _coded(asked, dict(reversed(answered)), known, taken_at, codes)
    if not instrument:
        return AnswersTold(Fate.UNCLEAR, why="The form is not known.")
    points = [found for _, it in answered if (found := _points(it, codes)) is not None]
    return _named(known[instrument], points, taken_at)


def _waiting(told: AnswersTold, why: str) -> AnswersTold:
    """Not in force: nothing is to be written; its answer on self-harm is told all the same."""
    return replace(told, fate=Fate.WAITING, items=(), total=None, item=None, why=why)


def _coded(
    asked: Asked,
    answered: Mapping[str, Json],
    known: Mapping[str, Instrument],
    taken_at: datetime | None,
    codes: EhrCodes,
) -> AnswersTold:
    points = [_points(answered.get(code, {}), codes) for code in asked.items]
    total = _points(answered.get(asked.total, {}), codes)
    told = tuple(it for it in points if it is not None)
    if len(told) < len(points) and total is None:
        why = f"{len(told)} of {len(points)} items are told, and no total."
        found = AnswersTold(Fate.UNCLEAR, asked.instrument, taken_at, why=why)
    else:
        items = told if len(told) == len(points) else ()
        found = _whole(asked.instrument, items, total, taken_at)
    return replace(found, self_harm=_self_harm(known[asked.instrument], points))


def _named(asked: Instrument, points: list[int], taken_at: datetime | None) -> AnswersTold:
    """A form without codes: its items are the answers with points, in their order."""
    length = len(asked.topics)
    items, rest = tuple(points[:length]), points[length:]
    if len(items) < length or len(rest) > 1 or (rest and rest[0] != sum(items)):
        why = f"{len(points)} answers have points: {length} are needed, and at most their sum."
        found = AnswersTold(Fate.UNCLEAR, asked.key, taken_at, why=why)
    else:
        found = _whole(asked.key, items, None, taken_at)
    # Where one is missing it is not told which one, so which of them is that on self-harm.
    whole = len(items) == length and all(asked.lowest <= it <= asked.highest for it in items)
    return replace(found, self_harm=_self_harm(asked, items) if whole else None)


def _self_harm(asked: Instrument, points: Sequence[int | None]) -> int | None:
    return points[asked.self_harm_item - 1] if asked.self_harm_item else None


def _whole(
    instrument: str, items: tuple[int, ...], total: int | None, taken_at: datetime | None
) -> AnswersTold:
    if taken_at is None:
        why = "The day on which it was filled in is not told."
        return AnswersTold(Fate.UNCLEAR, instrument, why=why)
    if items and total is not None and sum(items) != total:
        why = f"Its total is {total}, but its items add up to {sum(items)}."
        return AnswersTold(Fate.UNCLEAR, instrument, taken_at, why=why)
    return AnswersTold(Fate.COUNTS, instrument, taken_at, items, total)


def observation_told(
    resource: Json,
    codes: EhrCodes,
    totals: Mapping[tuple[str, str], str],
    known: Mapping[str, Instrument],
    zones: ZoneHistory,
) -> AnswersTold | None:
    """An Observation of a total, of one item, or of a panel with its answers; None for others.

    ``totals``: the instrument of each (system, code) that a person has named.
    """
    code = concept(resource, "code")
    loinc = set(code.codes(LOINC))
    parts = dict(reversed(list(_parts(resource))))
    asked = next((q for q in codes.questionnaires if (loinc | set(parts)) & q.codes), None)
    instrument = asked.instrument if asked else totals.get(code.key, "")
    if not instrument and not _is_survey(resource, codes):
        return None
    status = words(resource, "status")
    if status in (ENTERED_IN_ERROR, "cancelled"):
        return AnswersTold(Fate.WITHDRAWN, instrument, why=f"Its status is {status}.")
    taken_at = _moment(resource, zones, "effectiveDateTime", "effectiveInstant", "issued")
    if asked and set(parts) & asked.codes:
        whole = {} if loinc & set(asked.items) else {asked.total: resource}
        told = _coded(asked, {**whole, **parts}, known, taken_at, codes)
    elif asked and asked.panel in loinc and _points(resource, codes) is None:
        return None  # its answers are resources of their own
    elif asked:
        told = _observed(asked, loinc, _points(resource, codes), known, taken_at)
    elif instrument:
        told = _summed(resource, known[instrument], taken_at, codes)
    else:
        told = AnswersTold(Fate.UNCLEAR, form=code, why="The form is not known.")
    if status not in ("final", "amended", "corrected"):
        return _waiting(told, f"Its status is {status[:20] or 'not told'}.")
    return told


def _observed(
    asked: Asked,
    loinc: set[str],
    points: int | None,
    known: Mapping[str, Instrument],
    taken_at: datetime | None,
) -> AnswersTold:
    """A total, or the answer to one item."""
    if points is None:
        return AnswersTold(Fate.UNCLEAR, asked.instrument, taken_at, why="It holds no points.")
    if loinc & {asked.total, asked.panel}:
        return _whole(asked.instrument, (), points, taken_at)
    place = next(n for n, item in enumerate(asked.items, 1) if item in loinc)
    self_harm = points if place == known[asked.instrument].self_harm_item else None
    if taken_at is None:
        return replace(_whole(asked.instrument, (), None, None), self_harm=self_harm)
    return AnswersTold(
        Fate.COUNTS, asked.instrument, taken_at, total=points, item=place, self_harm=self_harm
    )


def _summed(
    resource: Json, asked: Instrument, taken_at: datetime | None, codes: EhrCodes
) -> AnswersTold:
    """A total whose code a person has named, with the answers in its components if it has any."""
    total = _points(resource, codes)
    points = [it for it in _component_points(resource, codes) if it is not None]
    if points:
        return _named(asked, points if total is None else [*points, total], taken_at)
    if total is None:
        return AnswersTold(Fate.UNCLEAR, asked.key, taken_at, why="It holds no points.")
    return _whole(asked.key, (), total, taken_at)


def _is_survey(resource: Json, codes: EhrCodes) -> bool:
    """Whether it may be a questionnaire’s total: a survey’s number, or points of its parts."""
    named = (concept_of(it).codings for it in objects(resource, "category"))
    is_told = number(inner(resource, "valueQuantity"), "value") is not None
    return any(it.code == SURVEY for codings in named for it in codings) and (
        (is_told or number(resource, "valueInteger") is not None)
        and _points(resource, codes) is not None
        or any(it is not None for it in _component_points(resource, codes))
    )


def _component_points(resource: Json, codes: EhrCodes) -> list[int | None]:
    return [_points(it, codes) for it in objects(resource, "component")]


def _parts(resource: Json) -> Iterator[tuple[str, Json]]:
    """(LOINC code, component) of every component."""
    for component in objects(resource, "component"):
        for code in concept(component, "code").codes(LOINC):
            yield code, component


def _answered(parent: Json, depth: int = 0) -> Iterator[tuple[str, Json]]:
    """(code, first answer) of every item, in order; the code is the end of its linkId."""
    for item in objects(parent, "item") if depth < DEEPEST else []:
        for answer in objects(item, "answer")[:1]:
            link = words(item, "linkId").rstrip("/").split("/")[-1]
            named = words(item, "definition").rpartition("#")[2]
            yield link, answer
            if named and named != link:
                yield named, answer
            yield from _answered(answer, depth + 1)
        yield from _answered(item, depth + 1)


def _points(answer: Json, codes: EhrCodes) -> int | None:
    """What an answer counts: told as a whole number, by its ordinal value, or by its code."""
    coded = inner(answer, "valueCoding")
    for holder in (coded, answer):
        for extension in objects(holder, "extension"):
            if extension.get("url") == ORDINAL:
                return _whole_number(number(extension, "valueDecimal"))
    quantity = number(inner(answer, "valueQuantity"), "value")
    told = number(answer, "valueInteger", "valueDecimal") if quantity is None else quantity
    if told is not None:
        return _whole_number(told)
    codings = (*concept_of(coded).codings, *concept(answer, "valueCodeableConcept").codings)
    points = {codes.answers[it.code] for it in codings if it.code in codes.answers}
    return points.pop() if len(points) == 1 else None


def _whole_number(value: float | None) -> int | None:
    return int(value) if value is not None and value.is_integer() and abs(value) < 1000 else None


def _moment(resource: Json, zones: ZoneHistory, *names: str) -> datetime | None:
    """The first moment that is told; of a day alone its noon on the patient's clock."""
    values = [resource.get(name) for name in names]
    period = inner(resource, "effectivePeriod")
    for value in (*values, period.get("end"), period.get("start")):
        if moment := moment_told(value):
            return moment
        if day := day_told(value, zones.local_day):
            return zones.at(day, time(12))
    return None
