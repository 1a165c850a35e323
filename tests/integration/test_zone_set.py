"""A patient's zones: one is set from a day on, and every day it touches is made anew."""

from datetime import date
from typing import Any

import pytest

from patients.domain.errors import InputError
from patients.models import AuditEvent, Patient, ResolvedDay
from patients.services import zone_set
from scoring.features import features_update
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 10)


def test_a_zone_that_is_none_and_a_day_that_cannot_be_are_refused() -> None:
    patient = factories.patient()
    for first_day, zone in (
        (DAY, "Atlantis/City"),
        (DAY, "../../etc/passwd"),
        (date(1969, 12, 31), "Asia/Tokyo"),
        (date(2099, 1, 1), "Asia/Tokyo"),
    ):
        with pytest.raises(InputError, match=r": give .*\.$"):
            zone_set(patient=patient, first_day=first_day, zone=zone, by="t")
    assert patient.zones.count() == 1 and not AuditEvent.objects.exists()


def test_a_zone_that_begins_the_same_day_is_replaced_and_one_that_changes_nothing_dropped() -> None:
    patient = factories.patient("P-1", zone="Europe/Paris")
    for zone in ("Asia/Tokyo", "America/New_York"):
        zone_set(patient=patient, first_day=DAY, zone=zone, by="t")
    spans = [(s.first_day, s.zone) for s in patient.zones.all()]
    assert spans == [(date(2020, 1, 1), "Europe/Paris"), (DAY, "America/New_York")]
    zone_set(patient=patient, first_day=DAY, zone="Europe/Paris", by="t")
    assert [s.zone for s in patient.zones.all()] == ["Europe/Paris"]


@pytest.mark.parametrize("first_day", [date(2026, 11, 3), date(2026, 11, 7), date(2026, 11, 13)])
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
def test_after_a_change_of_zone_features_are_those_of_a_patient_who_always_had_it(
    zone: str, first_day: date
) -> None:
    """Also where the change lies in a gap of days without data, and where the last day moves."""
    fresh, changed = (factories.patient(code, zone="Asia/Tokyo") for code in ("P-1", "P-2"))
    for patient in (fresh, changed):
        factories.recording(patient, date(2026, 11, 4), 6)
        factories.recording(patient, date(2026, 11, 12), 3, seed=1)
    features_update(patient=changed)
    for patient in (changed, fresh):
        zone_set(patient=patient, first_day=first_day, zone=zone, by="t")
    for patient in (changed, fresh):
        features_update(patient=patient)
    assert table(changed) == table(fresh)


def table(patient: Patient) -> dict[date, Any]:
    return dict(patient.features.values_list("day", "values"))


def test_a_zone_before_all_others_reaches_every_day_before() -> None:
    patient = factories.patient()
    factories.recording(patient, DAY, 0)
    before = ResolvedDay.objects.get().updated_at
    zone_set(patient=patient, first_day=date(2019, 1, 1), zone="Asia/Tokyo", by="t")
    assert ResolvedDay.objects.get().updated_at > before
