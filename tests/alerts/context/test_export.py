"""The first load by an EHR’s bulk export, and what it leaves out."""

import json
from typing import Any

import pytest

from alerts.context import context_read
from alerts.context_export import LEFT_OUT
from alerts.context_models import EhrPatient
from alerts.context_pages import SEARCHES
from patients.models import Patient
from tests import factories
from tests.alerts.context.bulk_ehr import Front
from tests.alerts.context.front import quick, read, referring

pytestmark = pytest.mark.django_db


def test_a_drug_that_an_export_lacks_is_asked_for(
    front: Front, patient: Patient, settings: Any
) -> None:
    bundle, medication = referring(front)
    settings.EHR_GROUP, front.exports = "g-1", True

    def lacking(address: str, headers: Any) -> Any:
        if "/export-file/MedicationRequest" in address:
            return 200, {}, json.dumps(bundle["entry"][0]["resource"]).encode() + b"\n"
        if "/MedicationRequest?" in address:
            return 200, {}, json.dumps(bundle).encode()
        found = "/Medication/d-1" in address
        return (200, {}, json.dumps(medication).encode()) if found else None

    front.fault = lacking
    assert read(front).state == "done"
    assert not any("_lastUpdated" in it for it in front.asked if "/MedicationRequest?" in it)
    assert patient.medications.get().drug == "sertraline"


def test_the_first_load_is_one_export_where_it_is_offered(
    front: Front, patient: Patient, settings: Any
) -> None:
    settings.EHR_GROUP, front.exports, waited = "g-1", True, list[float]()
    run = context_read(reader=quick(front, waited))
    assert run.state == "done" and 7.0 in waited
    assert any("/Group/g-1/$export" in it for it in front.asked)
    assert run.counts["MedicationRequest"]["new"] == 12  # and m-other is nobody's here
    assert patient.medications.count() == 12
    since = EhrPatient.objects.get(patient=patient).marks["Condition"]["since"]
    assert since > "2026-03-01"  # the pages read after it have moved it on
    front.asked.clear()
    read(front)
    assert not any("$export" in it for it in front.asked)


def test_an_export_cut_off_goes_on_at_the_line_where_it_stopped(
    front: Front, patient: Patient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.context_export.LINES_AT_ONCE", 2)
    monkeypatch.setattr("alerts.fhir.reading.CHUNK_BYTES", 64)
    settings.EHR_GROUP, front.exports, front.cut_after = "g-1", True, 5
    run = read(front)
    assert run.state == "stopped" and run.why.startswith("The EHR’s export broke off")
    assert patient.medications.count() == 4
    run = read(front)
    assert run.state == "done" and run.export == {}
    assert run.counts["MedicationRequest"]["new"] == 8
    assert sum("$export" in it for it in front.asked) == 1
    assert patient.medications.count() == 12


def test_whom_the_export_does_not_hold_is_read_page_by_page(
    front: Front, patient: Patient, settings: Any
) -> None:
    settings.EHR_GROUP, front.exports, front.group = "g-1", True, {"pat-2"}
    factories.patient("P-2", ehr_id="pat-2")
    run = read(front)
    assert (run.state, run.refused) == ("done", {})
    assert patient.medications.count() == 12
    assert EhrPatient.objects.get(patient__code="P-2").marks.keys() == SEARCHES.keys()
    pages = [it for it in front.asked if "/MedicationRequest?" in it]
    assert sorted("_lastUpdated" in it for it in pages) == [False, False, False, True]


def test_a_kind_that_the_export_leaves_out_is_read_page_by_page(
    front: Front, patient: Patient, settings: Any
) -> None:
    settings.EHR_GROUP, front.exports, front.left_out = "g-1", True, {"Condition"}
    assert read(front).refused == {}
    patient.refresh_from_db()
    assert patient.diagnosis == "mdd"


@pytest.mark.parametrize(("severity", "said"), [("error", True), ("warning", False)])
def test_what_went_wrong_with_an_export_is_shown_and_all_is_read_page_by_page(
    front: Front, patient: Patient, settings: Any, severity: str, said: bool
) -> None:
    settings.EHR_GROUP, front.exports = "g-1", True
    issue = {"severity": severity, "code": "exception", "diagnostics": "File 2 of 3 was lost."}
    front.errors = [{"resourceType": "OperationOutcome", "issue": [issue]}]
    run = read(front)
    assert run.state == "done" and patient.medications.count() == 12
    told = f"{LEFT_OUT} File 2 of 3 was lost."
    assert run.refused == ({"$export": told} if said else {})
    pages = [it for it in front.asked if "/MedicationRequest?" in it]
    assert ("_lastUpdated" in pages[0]) is not said


def test_whoever_is_found_between_an_export_and_its_end_is_read_page_by_page(
    front: Front, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.context_export.LINES_AT_ONCE", 2)
    monkeypatch.setattr("alerts.fhir.reading.CHUNK_BYTES", 64)
    factories.patient("P-2", ehr_id="pat-2")
    settings.EHR_GROUP, front.exports, front.cut_after = "g-1", True, 5
    assert read(front).state == "stopped"
    late = factories.patient("P-1", ehr_id="pat-1")
    assert read(front).state == "done"
    assert late.medications.count() == 12


def test_an_export_that_is_refused_is_read_page_by_page(
    front: Front, patient: Patient, settings: Any
) -> None:
    settings.EHR_GROUP, front.exports = "g-1", True
    front.fault = lambda address, headers: (403, {}, b"{}") if "$export" in address else None
    run = read(front)
    assert run.state == "done" and "(403)" in run.refused["$export"]
    assert patient.medications.count() == 12
