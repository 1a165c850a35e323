"""Condition as a diagnosis that Clarity knows, or as one whose kind the code does not say."""

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.domain.ehr_codes import EhrCodes
from alerts.fhir.context.values import (
    ENTERED_IN_ERROR,
    Coding,
    Concept,
    Fate,
    Json,
    concept,
    words,
)

UNKNOWN = "unknown"
NO_TERM = Concept()
PRESENT = {"active", "recurrence", "relapse", "remission"}
UNCONFIRMED = {"unconfirmed", "provisional", "differential"}


@dataclass(frozen=True)
class ConditionTold:
    """``diagnosis`` is empty for what is no mood disorder, “unknown” where its kind is not told.

    ``term`` is the code of a mood disorder that a person must name first.
    """

    fate: Fate
    code: Concept
    diagnosis: str = ""
    why: str = ""
    term: Concept = NO_TERM


def condition_told(
    resource: Json, codes: EhrCodes, named: Mapping[tuple[str, str], str]
) -> ConditionTold:
    """A Condition. One that is not confirmed, or is over, is no diagnosis.

    ``named``: what a person has said of (system, code), empty for what is of no concern.
    """
    code = concept(resource, "code")
    verification = _status(resource, "verificationStatus")
    if verification in (ENTERED_IN_ERROR, "refuted"):
        return ConditionTold(Fate.WITHDRAWN, code, why=f"It is {verification}.")
    found, strange = set[str](), list[Coding]()
    for coding in code.codings:
        key = (coding.system, coding.code)
        said = codes.diagnosis(*key) or named.get(key)
        if said:
            found.add(said)
        elif said is None and codes.is_mood(*key):
            strange.append(coding)
    told = found - {UNKNOWN}
    if strange and not told:
        term = Concept((strange[0],), code.text)
        return ConditionTold(Fate.UNCLEAR, code, UNKNOWN, "The code is not known.", term)
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
