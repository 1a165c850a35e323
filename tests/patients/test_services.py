from datetime import date

import pytest

from patients.domain.errors import InputError
from patients.medication_services import (
    medication_list_set,
    medication_start,
    medication_stop,
)
from patients.models import AuditEvent
from patients.services import patient_enrol
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_patients_zone_holds_from_the_beginning() -> None:
    patient = patient_enrol(code="P-9", zone="Asia/Tokyo", by="tester")
    assert [(z.first_day, z.zone) for z in patient.zones.all()] == [
        (date(1970, 1, 1), "Asia/Tokyo")
    ]
    assert AuditEvent.objects.get().action == "patient enrolled"


def test_a_code_too_long_for_its_column_is_refused() -> None:
    with pytest.raises(InputError, match="40 characters"):
        patient_enrol(code="P" * 41, zone="UTC", by="tester")


def test_medication_writes_are_audited() -> None:
    patient = factories.patient()
    admin = factories.user("administrator", "boss")
    course = medication_start(
        patient=patient,
        drug="sertraline",
        drug_class="ssri",
        dose="50 mg",
        first_day=date(2026, 2, 1),
        by=admin,
    )
    with pytest.raises(InputError, match="2026-01-31"):
        medication_stop(course=course, last_day=date(2026, 1, 31), by=admin)
    medication_stop(course=course, last_day=date(2026, 2, 1), by=admin)
    assert course.active_on(date(2026, 2, 1)) and not course.active_on(date(2026, 2, 2))
    medication_list_set(patient=patient, available=False, by=admin)
    patient.refresh_from_db()
    assert not patient.medication_list_available
    actions = AuditEvent.objects.order_by("id").values_list("actor", "action")
    assert list(actions) == [
        ("boss", "medication started"),
        ("boss", "medication stopped"),
        ("boss", "medication list"),
    ]
