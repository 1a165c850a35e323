"""Resources as an EHR tells them, and a long history of prescriptions with what must come of it."""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_WHO = "http://hl7.org/fhir/sid/icd-10"
PHQ9 = (
    *("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3"),
    "44260-8",
)
ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")
WHEN = "2026-02-03T09:30:00-05:00"
ITEMS = (2, 2, 2, 2, 1, 1, 2, 0, 0)
HARM = (*ITEMS[:8], 1)
SERTRALINE = ("312940", "sertraline 50 MG Oral Tablet")
NIZATIDINE = ("476872", "Nizatidine 15 MG/ML Oral Solution")


def lately(days: int = 2) -> str:
    """The moment so many days ago."""
    return (timezone.now() - timedelta(days=days)).isoformat()


def resource(kind: str, key: str, patient: str = "pat-1", **more: Any) -> dict[str, Any]:
    """A resource about a patient."""
    return {"resourceType": kind, "id": key, "subject": {"reference": f"Patient/{patient}"}} | more


def drug(code: str, display: str, system: str = RXNORM) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def request(key: str, patient: str = "pat-1", **more: Any) -> dict[str, Any]:
    """An active prescription of sertraline from 5 January 2026 on."""
    values = {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": drug(*SERTRALINE),
        "authoredOn": "2026-01-05",
        "dosageInstruction": [{"text": "1 tablet daily"}],
        "meta": {"lastUpdated": "2026-02-01T12:00:00Z"},
    }
    return resource("MedicationRequest", key, patient, **values | more)


def bounded(start: str, end: str | None = None, text: str = "1 tablet daily") -> dict[str, Any]:
    period = {"start": start} | ({"end": end} if end else {})
    return {"dosageInstruction": [{"text": text, "timing": {"repeat": {"boundsPeriod": period}}}]}


def condition(key: str, code: str = "F33.1", system: str = ICD, **more: Any) -> dict[str, Any]:
    values = {
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": drug(code, "", system),
    }
    return resource("Condition", key, **values | more)


def response(key: str, answers: Sequence[int], when: str, **more: Any) -> dict[str, Any]:
    """A PHQ-9 as US Core tells it."""
    items = [
        {"linkId": f"/{code}", "answer": [{"valueCoding": {"system": LOINC, "code": ANSWERS[n]}}]}
        for code, n in zip(PHQ9, answers, strict=True)
    ]
    items.append({"linkId": "/44261-6", "answer": [{"valueDecimal": sum(answers)}]})
    values = {"status": "completed", "authored": when, "item": items}
    return resource("QuestionnaireResponse", key, **values | more)


def without(told: dict[str, Any], *codes: str) -> dict[str, Any]:
    """The response without its answers to these."""
    left = [it for it in told["item"] if it["linkId"].removeprefix("/") not in codes]
    return told | {"item": left}


def with_total(told: dict[str, Any], total: int) -> dict[str, Any]:
    answer = {"linkId": "/44261-6", "answer": [{"valueDecimal": total}]}
    return told | {"item": [*without(told, "44261-6")["item"], answer]}


def observation(key: str, code: str, when: str, system: str = LOINC, **more: Any) -> dict[str, Any]:
    values = {"status": "final", "code": drug(code, code, system), "effectiveDateTime": when}
    return resource("Observation", key, **values | more)


def parts(codes: Sequence[str], points: Sequence[int]) -> dict[str, Any]:
    """The category and the components of a survey’s panel."""
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "category": [{"coding": [{"system": system, "code": "survey"}]}],
        "component": [
            {"code": drug(code, "", LOINC), "valueInteger": it}
            for code, it in zip(codes, points, strict=True)
        ],
    }


def care_team(key: str, *members: str, **more: Any) -> dict[str, Any]:
    participants = [{"member": {"reference": it, "display": f"Dr {it[-1]}"}} for it in members]
    return resource("CareTeam", key, **{"status": "active", "participant": participants} | more)


def stored(folder: Path, resources: Iterable[dict[str, Any]]) -> Path:
    """The resources as the FHIR server of the tests takes them at its start."""
    file = folder / "ehr.jsonl"
    with file.open("a") as out:
        for each in resources:
            full = {"meta": {"lastUpdated": "2026-02-01T12:00:00Z"}} | each
            out.write(json.dumps(full) + "\n")
    return file


Course = tuple[str, str, str, str, str]  # patient, drug, dose, first day, last day
DRUGS = (
    ("sertraline 50 MG Oral Tablet", "sertraline", "50 MG"),
    ("24 HR venlafaxine 75 MG Extended Release Oral Capsule", "venlafaxine", "75 MG"),
    ("lamotrigine 100 MG Oral Tablet [Lamictal]", "lamotrigine", "100 MG"),
    ("quetiapine 25 MG Oral Tablet", "quetiapine", "25 MG"),
)


KINDS = ("twice", "unknown", "error", "proposal", "plain")


@dataclass(frozen=True)
class History:
    """Prescriptions, and the courses that must stand once they are read."""

    resources: list[dict[str, Any]]
    courses: set[Course]
    unknown_codes: int


def history(patients: Sequence[str], total: int, seed: int = 8) -> History:
    """So many MedicationRequests: duplicates, some entered in error, some of unknown codes."""
    chance = random.Random(seed)
    made: list[dict[str, Any]] = []
    courses, codes = set[Course](), set[str]()
    for number in range(total):
        kind = chance.choices(KINDS, (10, 10, 5, 5, 70))[0]
        if kind == "twice" and made and made[-1]["status"] == "completed":
            made.append(made[-1] | {"id": f"m-{number}"})
            continue
        begun = date(2015, 1, 1) + timedelta(days=chance.randrange(3900))
        ended = begun + timedelta(days=chance.randrange(20, 90))
        who, (display, name, strength) = chance.choice(patients), chance.choice(DRUGS)
        code = str(900_000 + number)
        if kind == "unknown":
            letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
            code, strength = f"7000{ord(letter)}", "5 MG"
            display = name = f"somethingium {letter} 5 MG Oral Tablet"
            codes.add(code)
        told = request(
            f"m-{number}",
            who,
            authoredOn=begun.isoformat(),
            status="entered-in-error" if kind == "error" else "completed",
            intent="proposal" if kind == "proposal" else "order",
            medicationCodeableConcept=drug(code, display),
        )
        made.append(told | bounded(begun.isoformat(), ended.isoformat()))
        if kind not in ("error", "proposal"):
            dose = f"{strength}: 1 tablet daily"
            courses.add((who, name, dose, begun.isoformat(), ended.isoformat()))
    return History(made, courses, len(codes))
