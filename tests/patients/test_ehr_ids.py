"""A patient is found again by the id in the EHR, which the database holds only encrypted."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from patients.encryption import blind_index
from patients.models import Patient
from patients.selectors import patient_of_ehr, patients_visible_to
from tests import factories


def found(ehr_id: str) -> Patient | None:
    return patient_of_ehr(Patient.objects.all(), ehr_id)


@pytest.mark.django_db
def test_patient_is_found_by_the_ehr_id_of_now() -> None:
    patient = factories.patient("P-1", ehr_id="ehr-1")
    factories.patient("P-2")
    assert (found("ehr-1"), found("ehr-2"), found("")) == (patient, None, None)
    patient.ehr_id = "ehr-2"
    patient.save(update_fields=["ehr_id"])
    assert (found("ehr-1"), found("ehr-2")) == (None, patient)
    Patient.objects.bulk_create([Patient(code="P-3", ehr_id="ehr-3")])
    assert found("ehr-3") == Patient.objects.get(code="P-3")


@pytest.mark.django_db
def test_an_id_that_two_patients_have_finds_neither() -> None:
    for code in ("P-1", "P-2"):
        factories.patient(code, ehr_id="ehr-1")
    assert found("ehr-1") is None


@pytest.mark.django_db
def test_among_the_patients_of_somebody_others_are_not_found() -> None:
    doctor = factories.user()
    factories.patient("P-1", ehr_id="ehr-1")
    mine = factories.patient("P-2", [doctor], ehr_id="ehr-2")
    visible = patients_visible_to(doctor)
    assert (patient_of_ehr(visible, "ehr-1"), patient_of_ehr(visible, "ehr-2")) == (None, mine)


@pytest.mark.django_db
def test_the_database_holds_neither_the_id_nor_a_hash_without_the_key(settings: Any) -> None:
    factories.patient("P-1", ehr_id="ehr-1")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ehr_id, ehr_id_index FROM patients_patient")
        [(stored, index)] = cursor.fetchall()
    assert "ehr-1" not in stored + index
    settings.IDENTITY_KEY = "another key of this installation"
    assert blind_index("ehr-1") != index


@given(st.text(), st.text())
def test_only_equal_ids_have_equal_indexes(one: str, other: str) -> None:
    assert (blind_index(one) == blind_index(other)) == (one == other)


@pytest.mark.django_db(transaction=True)
def test_ids_stored_before_get_their_index() -> None:
    try:
        executor = MigrationExecutor(connection)
        executor.migrate([("patients", "0014_reader")])
        old = MigrationExecutor(connection).loader.project_state([("patients", "0014_reader")]).apps
        old.get_model("patients", "Patient").objects.create(
            code="P-1", ehr_id="ehr-1", enrolled_at=timezone.now() - timedelta(days=1)
        )
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    patient = found("ehr-1")
    assert patient is not None and patient.code == "P-1"
