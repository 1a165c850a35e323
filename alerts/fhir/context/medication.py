"""MedicationRequest and MedicationStatement as what was taken, from which day to which.

What FHIR leaves open stays open: a proposal is no order, a status “unknown” says nothing, and a
request without the day it began gives no course.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from alerts.fhir.context.values import (
    ENTERED_IN_ERROR,
    RXNORM,
    Concept,
    Fate,
    Json,
    LocalDay,
    concept,
    day_told,
    inner,
    number,
    objects,
    reference_id,
    words,
)

LONGEST_DOSE = 40
DAYS = ("first_day", "last_day")
ORDERS = {"order", "original-order", "reflex-order", "filler-order", "instance-order"}
ON_HOLD = "on-hold"
ENDED = {"completed", "stopped", ON_HOLD}

# RxNorm names a drug by ingredient, strength and form: “sertraline 50 MG Oral Tablet [Zoloft]”.
_STRENGTH = r"\d+(?:\.\d+)? (?:MG|MCG|MEQ|UNT|G)(?:/(?:ML|HR|ACTUAT|MG))?"
_CLINICAL_DRUG = re.compile(
    rf"(?:\d+(?:\.\d+)? (?:HR|ML) )?(?P<name>[A-Za-z][A-Za-z \-]*?) (?P<strength>{_STRENGTH}) "
    r"(?P<form>[A-Z][A-Za-z ,\-]*?)(?: \[[^\]]+\])?"
)


@dataclass(frozen=True)
class MedicationTold:
    """What the EHR says of one drug. ``ended``: the status that says that it is over, which may
    not tell the day. ``why`` says why it does not count.
    """

    fate: Fate
    drug: Concept
    dose: str = ""
    first_day: date | None = None
    last_day: date | None = None
    ended: str = ""
    why: str = ""

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What ``as_plain`` gave."""
        first, last = (told[name] and date.fromisoformat(told[name]) for name in DAYS)
        drug = Concept.from_json(told["drug"])
        return cls(Fate(told["fate"]), drug, told["dose"], first, last, told["ended"], told["why"])


def request_told(
    resource: Json, local_day: LocalDay, medications: Mapping[str, Json]
) -> MedicationTold:
    """A MedicationRequest. ``medications``: the Medication resources it may refer to, by id.

    Until when it may be dispensed is no end of taking it, unless its status says that it is over.
    """
    status, intent = words(resource, "status"), words(resource, "intent")
    is_reported = resource.get("reportedBoolean") is True or bool(
        inner(resource, "reportedReference")
    )
    drug, dosage = drug_told(resource, medications), objects(resource, "dosageInstruction")
    if status in (ENTERED_IN_ERROR, "cancelled"):
        return MedicationTold(Fate.WITHDRAWN, drug, why=f"Its status is {status}.")
    if resource.get("doNotPerform") is True:
        return MedicationTold(Fate.WITHDRAWN, drug, why="It asks not to give the drug.")
    if intent not in ORDERS and not (intent == "plan" and is_reported):
        return MedicationTold(Fate.WAITING, drug, why=f"Its intent is {intent[:20] or 'not told'}.")
    if status not in {"active", *ENDED}:
        return _not_yet(drug, status)
    bounds = inner(inner(inner(_first(dosage), "timing"), "repeat"), "boundsPeriod")
    validity = inner(inner(resource, "dispenseRequest"), "validityPeriod")
    first = day_told(bounds.get("start"), local_day) or day_told(
        resource.get("authoredOn"), local_day
    )
    last = day_told(bounds.get("end"), local_day)
    if last is None and status in ENDED:
        last = day_told(validity.get("end"), local_day)
    return _course(drug, dosage, first, last, status)


def statement_told(
    resource: Json, local_day: LocalDay, medications: Mapping[str, Json]
) -> MedicationTold:
    """A MedicationStatement."""
    status = words(resource, "status")
    drug, dosage = drug_told(resource, medications), objects(resource, "dosage")
    if status in (ENTERED_IN_ERROR, "not-taken"):
        return MedicationTold(Fate.WITHDRAWN, drug, why=f"Its status is {status}.")
    if status not in {"active", *ENDED}:
        return _not_yet(drug, status)
    period = inner(resource, "effectivePeriod")
    first = day_told(period.get("start") or resource.get("effectiveDateTime"), local_day)
    last = day_told(period.get("end"), local_day)
    return _course(drug, dosage, first, last, status)


def drug_told(resource: Json, medications: Mapping[str, Json]) -> Concept:
    """The drug: its own code, that of a contained or a known Medication, or the words alone."""
    coded = concept(resource, "medicationCodeableConcept")
    if coded.codings or coded.text:
        return coded
    reference = inner(resource, "medicationReference")
    if named := words(reference, "reference").removeprefix("#"):
        for medication in objects(resource, "contained"):
            if medication.get("id") == named:
                return concept(medication, "code")
    known = medications.get(reference_id(reference, "Medication"), {})
    found = concept(known, "code")
    return found if found.codings or found.text else Concept(text=words(reference, "display")[:160])


def _not_yet(drug: Concept, status: str) -> MedicationTold:
    if status in ("draft", "intended"):
        return MedicationTold(Fate.WAITING, drug, why=f"Its status is {status}.")
    told = f"Its status is {status[:20] or 'not told'}: whether it is taken is not known."
    return MedicationTold(Fate.UNCLEAR, drug, why=told)


def _course(
    drug: Concept,
    dosage: list[dict[str, object]],
    first: date | None,
    last: date | None,
    status: str,
) -> MedicationTold:
    if not drug.words:
        return MedicationTold(Fate.UNCLEAR, drug, why="It names no drug.")
    if first is None:
        return MedicationTold(Fate.UNCLEAR, drug, why="The day on which it began is not told.")
    if last is not None and last < first:
        return MedicationTold(Fate.UNCLEAR, drug, why="It ends before it begins.")
    ended = status if status in ENDED else ""
    return MedicationTold(
        Fate.COUNTS, drug, _dose(clinical_drug(drug)[1], dosage), first, last, ended
    )


def _dose(strength: str, dosage: list[dict[str, object]]) -> str:
    said = words(_first(dosage), "text") or _amount(_first(dosage))
    dose = f"{strength}: {said}" if strength and said else strength or said
    return dose if len(dose) <= LONGEST_DOSE else dose[: LONGEST_DOSE - 1] + "…"


def _amount(dosage: Json) -> str:
    quantity = inner(_first(objects(dosage, "doseAndRate")), "doseQuantity")
    value, unit = number(quantity, "value"), words(quantity, "unit") or words(quantity, "code")
    return f"{value:g} {unit}".strip() if value is not None else ""


def _first(values: list[dict[str, object]]) -> Json:
    return values[0] if values else {}


def clinical_drug(drug: Concept, forms: Collection[str] | None = None) -> tuple[str, str]:
    """(ingredient, strength) of a drug of one ingredient that RxNorm names in full, else empty.

    With ``forms`` only what is given in one of them: a steroid in the eye is not one by mouth.

    >>> from alerts.fhir.context.values import Coding
    >>> drug = Concept((Coding(RXNORM, "312938", "sertraline 50 MG Oral Tablet [Zoloft]"),))
    >>> clinical_drug(drug, {"oral"})
    ('sertraline', '50 MG')
    >>> clinical_drug(drug, {"injection"})
    ('', '')
    """
    for coding in drug.codings:
        named = _CLINICAL_DRUG.fullmatch(coding.display) if coding.system == RXNORM else None
        if named and (forms is None or _is_form(named["form"], forms)):
            return named["name"], named["strength"]
    return "", ""


def _is_form(told: str, forms: Collection[str]) -> bool:
    return bool(set(told.casefold().replace(",", "").split()) & set(forms))
