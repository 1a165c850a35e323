"""What the EHR refuses or keeps from being read is said, and is not lost."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.context_models import EhrPatient, EhrTerm
from alerts.context_pages import CIRCLE, TIME_OVER
from patients.models import Patient, Questionnaire
from tests import factories
from tests.alerts.context.bulk_ehr import Front
from tests.alerts.context.front import read, referring
from tests.alerts.context.records import (
    care_team,
    request,
)
from tests.alerts.context.taking import take

pytestmark = pytest.mark.django_db


def test_one_kind_that_is_refused_keeps_no_other_from_being_read(
    front: Front, patient: Patient
) -> None:
    outcome = {"issue": [{"diagnostics": "No scope for this."}]}
    refusal = (403, {}, json.dumps(outcome).encode())
    front.fault = lambda address, headers: refusal if "/Condition?" in address else None
    run = read(front)
    assert run.state == "done"
    assert run.refused == {"Condition": "The EHR refused to be read (403). No scope for this."}
    assert Questionnaire.objects.exists()


def test_a_drug_whose_medication_is_refused_is_read_once_the_right_is_there(
    front: Front, patient: Patient
) -> None:
    bundle, medication = referring(front)
    rights = 403

    def guarded(address: str, headers: Any) -> Any:
        if "/MedicationRequest?" in address:
            old = "_lastUpdated" in address  # what was read before is not new
            told = {"resourceType": "Bundle"} if old else bundle
            return 200, {}, json.dumps(told).encode()
        if "/Medication/d-1" in address:
            return rights, {}, json.dumps(medication if rights == 200 else {}).encode()
        return None

    front.fault = guarded
    for _ in range(2):
        run = read(front)
        assert run.refused == {"Medication": "The EHR refused to be read (403)."}
        assert patient.ehr_items.get(resource_id="m-ref").state == "unclear"
    rights = 200
    assert read(front).refused == {}
    assert patient.medications.get().drug == "sertraline"
    assert read(front).counts["MedicationRequest"] == {}
    rights = 404  # gone for good: it is not asked for again and again
    EhrPatient.objects.update(marks={})
    assert read(front).refused == {}
    assert EhrPatient.objects.get().marks["MedicationRequest"]["since"]


def test_pages_that_lead_in_a_circle_are_refused_and_the_rest_is_read(
    front: Front, patient: Patient
) -> None:
    def circle(address: str, headers: Any) -> Any:
        if "/MedicationRequest" not in address or "?" not in address:
            return None
        page = {"": "b", "page=b": "c", "page=c": "d", "page=d": "b"}[
            address[-6:] if "page=" in address else ""
        ]
        link = {"relation": "next", "url": f"{front.base_url}/MedicationRequest?page={page}"}
        told = request(f"m-{page}", authoredOn="2025-03-01", status="completed")
        bundle = {"resourceType": "Bundle", "link": [link], "entry": [{"resource": told}]}
        return 200, {}, json.dumps(bundle).encode()

    front.fault = circle
    for _ in range(2):
        run = read(front)
        assert (run.state, run.refused) == ("done", {"MedicationRequest": CIRCLE})
        assert sum("/MedicationRequest" in it for it in front.asked) == 4
        front.asked.clear()
    assert sorted(it.resource_id for it in patient.ehr_items.filter(
        resource_type="MedicationRequest"
    )) == ["m-b", "m-c", "m-d"]  # fmt: skip
    assert Questionnaire.objects.exists()
    front.fault = lambda address, headers: None
    assert read(front).refused == {}
    assert patient.ehr_items.filter(resource_type="MedicationRequest").count() == 15


def test_a_reading_stops_at_its_time_in_the_middle_of_a_search(
    front: Front, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = timezone.now() + timedelta(hours=1)

    def late(address: str, headers: Any) -> Any:
        if "_offset=5" in address:
            monkeypatch.setattr("alerts.context_pages.timezone.now", lambda: over)

    front.fault = late
    run = read(front, until=over)
    assert (run.state, run.why) == ("stopped", TIME_OVER)
    assert patient.medications.count() == 10
    assert "_offset=10" in EhrPatient.objects.get().marks["MedicationRequest"]["next"]


def test_whose_time_in_a_team_is_over_leaves_it_though_the_ehr_refuses_care_teams(
    front: Front, patient: Patient
) -> None:
    doctor = factories.user(username="dr.a")
    EhrTerm.objects.create(
        kind="person", system="person", code="Practitioner/a", meaning=doctor.username
    )
    first, last = timezone.now() - timedelta(days=9), timezone.now() - timedelta(days=3)
    told = care_team("t-2", "Practitioner/a", period={"end": last.date().isoformat()})
    take(patient, told, now=first)
    assert patient.care_team.count() == 1
    front.fault = lambda address, headers: (403, {}, b"{}") if "/CareTeam?" in address else None
    assert "CareTeam" in read(front).refused
    assert patient.care_team.count() == 0


def test_an_ehr_that_knows_no_include_and_no_last_updated_is_read_whole(
    front: Front, patient: Patient
) -> None:
    read(front)

    def strict(address: str, headers: Any) -> Any:
        return (400, {}, b"{}") if "_include" in address or "_lastUpdated" in address else None

    front.fault = strict
    run = read(front)
    assert (run.state, run.refused) == ("done", {})
    assert run.counts["MedicationRequest"] == {"same": 12}
