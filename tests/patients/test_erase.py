"""Erasing a patient leaves nothing of them but audit rows."""

from datetime import date

import pytest
from django.apps import apps

from patients.models import AuditEvent, Patient
from patients.services import patient_erase
from tests import factories

pytestmark = pytest.mark.django_db


def test_erased_patient_leaves_only_audit_rows() -> None:
    who, other = factories.patient("P-GONE", name="Somebody"), factories.patient("P-STAYS")
    by = factories.user()
    day = date(2026, 3, 1)
    score = factories.score(who, day, baseline=factories.baseline(who))
    factories.alert(score)
    factories.recording(who, day, days=2)
    patient_erase(patient=who, by=by)
    assert list(Patient.objects.all()) == [other]
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if getattr(field, "related_model", None) is Patient and field.concrete:
                assert not model.objects.exclude(**{field.name: other}).exists(), model
    last = AuditEvent.objects.get(action="patient erased")
    assert (last.patient_code, last.actor) == ("P-GONE", by.username)
