"""Conditions out of the EHR, and its own record of the patient."""

from typing import Any

import pytest

from alerts.context_models import ContextConflict, EhrPatient, EhrTerm
from alerts.context_settle import conflict_settle, term_settle
from patients.domain.errors import InputError
from patients.identity import diagnosis_set
from patients.models import AuditEvent, Patient, User
from tests.alerts.context.records import (
    ICD,
    ICD_WHO,
    WHEN,
    condition,
    drug,
)
from tests.alerts.context.taking import conflict, item, take

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("code", "diagnosis"),
    [
        ("F33.1", "mdd"),
        ("F32.9", "mdd"),
        ("F31.13", "bipolar_1"),
        ("F31.81", "bipolar_2"),
        ("F31.9", "unknown"),
        ("F32.A", "unknown"),
        ("K26.9", "unknown"),
    ],
)
def test_a_condition_gives_the_diagnosis_that_its_code_says(
    patient: Patient, code: str, diagnosis: str
) -> None:
    take(patient, condition("c-1", code))
    assert patient.diagnosis == diagnosis
    events = AuditEvent.objects.filter(action="diagnosis set", actor="ehr")
    assert events.count() == (diagnosis != "unknown")


@pytest.mark.parametrize(
    ("code", "diagnosis", "state"),
    [
        ("F32.1", "mdd", "noted"),
        ("F33.9", "mdd", "noted"),
        ("F31.2", "bipolar_1", "noted"),
        ("F31.8", "unknown", "unclear"),  # bipolar II, among others
        ("F32.9", "unknown", "unclear"),
        ("F34.1", "unknown", "unclear"),
        ("F41.1", "unknown", "noted"),
    ],
)
def test_the_who_s_codes_are_known_as_well(
    patient: Patient, code: str, diagnosis: str, state: str
) -> None:
    take(patient, condition("c-1", code, ICD_WHO))
    assert (patient.diagnosis, item("c-1").state) == (diagnosis, state)
    assert EhrTerm.objects.exists() is (code == "F34.1")


@pytest.mark.parametrize(
    ("meaning", "diagnosis"), [("bipolar_1", "bipolar_1"), (EhrTerm.NO_CONCERN, "unknown")]
)
@pytest.mark.parametrize("system", [ICD, ICD_WHO])
def test_a_mood_disorder_that_is_none_of_ours_is_settled_once(
    patient: Patient, boss: User, system: str, meaning: str, diagnosis: str
) -> None:
    take(patient, condition("c-1", "F30.1", system))
    assert (patient.diagnosis, item("c-1").state) == ("unknown", "unclear")
    EhrPatient.objects.update(marks={"Condition": {"since": WHEN}})
    assert term_settle(term=EhrTerm.objects.get(), meaning=meaning, by=boss) == 1
    assert EhrPatient.objects.get().marks == {}  # so that the next reading asks for it again
    take(patient, condition("c-1", "F30.1", system))
    assert (patient.diagnosis, item("c-1").state) == (diagnosis, "noted")
    other = condition("c-2", "F30.1", system, verificationStatus="provisional")
    take(patient, other)
    assert item("c-2").state == ("waiting" if diagnosis != "unknown" else "noted")


@pytest.mark.parametrize(
    "more",
    [
        {"verificationStatus": {"coding": [{"code": "provisional"}]}},
        {"verificationStatus": {"coding": [{"code": "refuted"}]}},
        {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}},
        {"clinicalStatus": {"coding": [{"code": "resolved"}]}},
        {"code": drug("35489007", "Depressive disorder", "http://snomed.info/sct")},
    ],
)
def test_a_condition_that_is_not_certain_or_is_over_gives_none(
    patient: Patient, more: dict[str, Any]
) -> None:
    take(patient, condition("c-1", **more))
    assert patient.diagnosis == "unknown"


def test_a_diagnosis_follows_the_ehr_while_nobody_here_said_another(patient: Patient) -> None:
    take(patient, condition("c-1"))
    take(patient, condition("c-1", "F31.81"))
    assert patient.diagnosis == "bipolar_2"
    gone = condition("c-1", verificationStatus={"coding": [{"code": "entered-in-error"}]})
    take(patient, gone)
    assert patient.diagnosis == "unknown"


def test_a_diagnosis_somebody_typed_is_asked_about(patient: Patient, boss: User) -> None:
    diagnosis_set(patient=patient, diagnosis="bipolar_1", by=boss)
    take(patient, condition("c-1"))
    assert patient.diagnosis == "bipolar_1"
    conflict_settle(conflict=conflict(), outcome="ours", by=boss)
    take(patient, condition("c-2", "F32.1"))
    assert patient.diagnosis == "bipolar_1"
    assert not ContextConflict.objects.filter(settled_at=None).exists()


def test_two_diagnoses_of_the_ehr_are_never_chosen_between(patient: Patient, boss: User) -> None:
    take(patient, condition("c-1"), condition("c-2", "F31.13"))
    assert patient.diagnosis == "unknown"
    with pytest.raises(InputError):
        conflict_settle(conflict=conflict(), outcome="bipolar_2", by=boss)
    conflict_settle(conflict=conflict(), outcome="bipolar_1", by=boss)
    patient.refresh_from_db()
    assert patient.diagnosis == "bipolar_1"


def test_a_record_that_was_replaced_is_followed_only_when_a_person_says_so(
    patient: Patient, boss: User
) -> None:
    link = [{"type": "replaced-by", "other": {"reference": "Patient/pat-7"}}]
    take(patient, {"resourceType": "Patient", "id": "pat-1", "active": False, "link": link})
    patient.refresh_from_db()
    assert patient.ehr_id == "pat-1"
    conflict_settle(conflict=conflict(), outcome="theirs", by=boss)
    patient.refresh_from_db()
    assert patient.ehr_id == "pat-7"
    assert "pat-7" not in str(list(AuditEvent.objects.values_list("detail", flat=True)))
