"""Condition as a diagnosis that Clarity knows, or as one whose kind the code does not say."""

from dataclasses import dataclass

from alerts.domain.ehr_codes import EhrCodes
from alerts.fhir.context.values import ENTERED_IN_ERROR, Concept, Fate, Json, concept, words

UNKNOWN = "unknown"
PRESENT = {"active", "recurrence", "relapse", "remission"}
UNCONFIRMED = {"unconfirmed", "provisional", "differential"}


@dataclass(frozen=True)
class ConditionTold:
    """``diagnosis`` is empty for what is no mood disorder, “unknown” where its kind is not told."""

    fate: Fate
    code: Concept
    diagnosis: str = ""
    why: str = ""


def condition_told(resource: Json, codes: EhrCodes) -> ConditionTold:
    """A Condition. One that is not confirmed, or is over, is no diagnosis."""
    code = concept(resource, "code")
    verification = _status(resource, "verificationStatus")
    if verification in (ENTERED_IN_ERROR, "refuted"):
        return ConditionTold(Fate.WITHDRAWN, code, why=f"It is {verification}.")
    found = {
        diagnosis
        for coding in code.codings
        if (diagnosis := codes.diagnosis(coding.system, coding.code))
    }
    told = found - {UNKNOWN}
    if not found:
        return ConditionTold(Fate.COUNTS, code)
    if len(told) != 1:
        why = "Its codes say different things." if told else "The code does not say which kind."
        return ConditionTold(Fate.UNCLEAR, code, UNKNOWN, why)
    diagnosis = told.pop()
    if verification in UNCONFIRMED:
        return ConditionTold(Fate.WAITING, code, diagnosis, f"It is {verification}.")
    clinical = _status(resource, "clinicalStatus")
    if clinical and clinical not in PRESENT:
        return ConditionTold(Fate.WITHDRAWN, code, diagnosis, f"It is {clinical[:20]}.")
    return ConditionTold(Fate.COUNTS, code, diagnosis)


def _status(resource: Json, name: str) -> str:
    """The code of a status: a CodeableConcept in R4; the text of one where there is no code."""
    told = concept(resource, name)
    return next((it.code for it in told.codings if it.code), "") or words(resource, name)
