"""What was read from an EHR, in every state that its page can show."""

from datetime import date, timedelta

from django.utils import timezone

from alerts.context_models import (
    ContextConflict,
    ContextItem,
    ContextRun,
    EhrPatient,
    EhrTerm,
)
from patients.models import Patient

COURSE = {"drug": "lithium", "dose": "900 mg", "first_day": "2026-01-05", "last_day": None}


def context_rows(patient: Patient, other: Patient) -> None:
    """A conflict of each kind about the one; readings, terms, and somebody who is not found."""
    now = timezone.now()
    item = _item(patient, "m-1", "MedicationRequest", "conflict")
    course = patient.medications.first()
    ours = COURSE | {"course": course.pk if course else 0, "entered_in_error": False}
    answered = {"instrument": "phq9", "taken_at": now.isoformat(), "total": 9}
    for kind, mine, theirs in (
        (
            "medication",
            ours,
            COURSE | {"dose": "1200 mg", "ended": "stopped", "last_day": "2026-02-01"},
        ),
        ("diagnosis", {"diagnoses": ["bipolar_1"]}, {"diagnoses": ["bipolar_2", "mdd"]}),
        ("questionnaire", answered | {"questionnaire": 0}, answered | {"total": 12, "items": []}),
        ("member", {"person": "dr.a", "in": False}, {"person": "dr.a", "in": True}),
        ("record", {}, {"is_active": False, "replaced_by": "x", "is_deceased": True}),
    ):
        ContextConflict.objects.create(
            patient=patient, item=None if kind == "diagnosis" else item, kind=kind, ours=mine,
            theirs=theirs, opened_at=now - timedelta(hours=3),
        )  # fmt: skip
    unclear = _item(other, "m-2", "MedicationRequest", "unclear")
    unclear.why = "The day on which it began is not told."
    unclear.save()
    for kind, system, code, words in (
        ("drug", "http://www.nlm.nih.gov/research/umls/rxnorm", "476872",
         "Nizatidine 15 MG/ML Oral Solution"),
        ("form", "questionnaire", "https://ehr.example/forms/altman-self-rating", ""),
        ("person", "person", "Practitioner/eM5CWtq15N0WJeuCet5bJlQ3", "Dr Ronald Bone"),
    ):  # fmt: skip
        term = EhrTerm.objects.create(kind=kind, system=system, code=code, words=words)
        unclear.terms.add(term)
    for who, state in ((patient, "found"), (other, "several")):
        EhrPatient.objects.create(patient=who, state=state, system="urn:oid:1.2.3")
    counts = {"MedicationRequest": {"new": 12, "same": 4100}, "Condition": {"changed": 1}}
    for hours, state, why in (
        (3, "broken", ""),
        (2, "done", ""),
        (1, "stopped", "The EHR did not answer in time."),
    ):
        at = now - timedelta(hours=hours)
        ContextRun.objects.create(
            state=state, started_at=at, beat_at=at, finished_at=at, started_by="system",
            patients=41, counts=counts, why=why,
            refused={"CareTeam": "The EHR refused to be read (403)."},
        )  # fmt: skip


def _item(patient: Patient, key: str, kind: str, state: str) -> ContextItem:
    return ContextItem.objects.create(
        patient=patient, resource_type=kind, resource_id=key, state=state,
        said_on=date(2026, 2, 1), changed_at=timezone.now(),
    )  # fmt: skip
