"""Writes about who a patient is: the diagnosis, and by which id the EHR knows them."""

from django.db import transaction

from patients.domain.errors import InputError
from patients.encryption import blind_index
from patients.models import Diagnosis, Patient, User
from patients.services import audit_record

TAKEN = (
    "The EHR’s record is that of another patient here: see which of the two it is about, and give "
    "the other one its own identifier first."
)


@transaction.atomic
def diagnosis_set(*, patient: Patient, diagnosis: str, by: User | str) -> bool:
    """The patient's diagnosis is that one; False where it was so. Raises InputError for none."""
    if diagnosis not in Diagnosis.values:
        raise InputError(
            f"“{diagnosis[:20]}” is none that a patient can have here: choose one of the list."
        )
    patient.refresh_from_db(from_queryset=Patient.objects.select_for_update())
    before = patient.diagnosis
    if before == diagnosis:
        return False
    patient.diagnosis = diagnosis
    patient.save(update_fields=["diagnosis"])
    audit_record(by=by, action="diagnosis set", patient=patient, before=before, diagnosis=diagnosis)
    return True


@transaction.atomic
def ehr_id_set(*, patient: Patient, ehr_id: str, by: User | str) -> bool:
    """The EHR's Patient with that id is this patient; False where it was so already.

    The audit says that it changed, and not to what: the id identifies. Raises InputError for the
    id of another patient here: whatever is read of it would be written to both.
    """
    patient.refresh_from_db(from_queryset=Patient.objects.select_for_update())
    if patient.ehr_id == ehr_id:
        return False
    others = Patient.objects.filter(ehr_id_index=blind_index(ehr_id)).exclude(pk=patient.pk)
    if ehr_id and others.exists():
        raise InputError(TAKEN)
    patient.ehr_id = ehr_id
    patient.save(update_fields=["ehr_id"])
    audit_record(by=by, action="EHR id set", patient=patient)
    return True
