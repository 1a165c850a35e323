"""A long history out of a real FHIR server: right, twice without change, and after a kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from alerts.context import context_read
from alerts.context_models import ContextItem, ContextRun, EhrPatient, EhrTerm
from patients.models import AuditEvent, MedicationCourse, Patient
from tests import factories
from tests.alerts.context.records import History, history, stored
from tests.conftest import ROOT
from tests.fhir_server import FhirServer
from tests.fhir_server.fixtures import require_fhir_server
from tests.people import every_row

PEOPLE = [f"pat-{n}" for n in range(10)]


@pytest.fixture(scope="module")
def told() -> History:
    return history(PEOPLE, 5000)


@pytest.fixture(scope="module")
def ehr(told: History, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    require_fhir_server()
    people = [{"resourceType": "Patient", "id": key, "active": True} for key in PEOPLE]
    file = stored(tmp_path_factory.mktemp("history"), [*people, *told.resources])
    with FhirServer(data=file) as server:
        yield server


@pytest.fixture
def connected(ehr: FhirServer, settings: Any) -> FhirServer:
    settings.EHR_BASE_URL, settings.EHR_TOKEN_FILE = ehr.base_url, ""
    settings.EHR_READS_PER_MINUTE = 60_000
    for key in PEOPLE:
        factories.patient(f"C-{key}", ehr_id=key)
    return ehr


def of_people(told: History, people: list[str]) -> History:
    """What the history says of these alone."""
    named = {f"Patient/{key}" for key in people}
    resources = [it for it in told.resources if it["subject"]["reference"] in named]
    return History(resources, {c for c in told.courses if c[0] in people}, told.unknown_codes)


def stand() -> set[tuple[Any, ...]]:
    """The courses that count, as ``History`` names them."""
    ids = {it.pk: it.ehr_id for it in Patient.objects.all()}
    rows = MedicationCourse.objects.filter(entered_in_error=False)
    return {
        (ids[c.patient_id], c.drug, c.dose, c.first_day.isoformat(), str(c.last_day)) for c in rows
    }


def kept() -> dict[str, Any]:
    """Every row but those that say that the EHR was read once more."""
    rows = every_row()
    for name in ("alerts.ContextRun", "alerts.EhrPatient", "patients.AuditEvent"):
        del rows[name]
    return rows


@pytest.mark.django_db
def test_five_thousand_prescriptions_come_in_right_and_twice_without_change(
    connected: FhirServer, told: History
) -> None:
    run = context_read()
    assert (run.state, run.refused) == ("done", {})
    assert run.counts["MedicationRequest"] == {"new": len(told.resources)}
    assert stand() == told.courses
    assert MedicationCourse.objects.count() == len(told.courses)  # nothing written and taken back
    assert EhrTerm.objects.filter(kind="drug").count() == told.unknown_codes
    started = AuditEvent.objects.filter(actor="ehr", action="medication started")
    assert started.count() == len(told.courses)
    unknown = MedicationCourse.objects.filter(drug_class="unknown")
    assert unknown.exists() and not unknown.exclude(drug__startswith="somethingium").exists()

    before, audited = kept(), AuditEvent.objects.count()
    again = context_read()
    assert again.counts["MedicationRequest"].get("new", 0) == 0
    EhrPatient.objects.update(marks={})  # read all of it once more
    again = context_read()
    assert again.counts["MedicationRequest"] == {"same": len(told.resources)}
    assert kept() == before
    assert AuditEvent.objects.count() == audited + 2  # that it was read, twice


@pytest.mark.django_db(transaction=True)
def test_a_reading_killed_in_the_middle_goes_on_where_it_stopped(
    connected: FhirServer, told: History
) -> None:
    for code in [f"C-{key}" for key in PEOPLE[3:]]:  # what seven have is not needed here
        Patient.objects.get(code=code).delete()
    told = of_people(told, PEOPLE[:3])
    command = [sys.executable, "manage.py", "ehr_context", "--json"]
    reading = subprocess.Popen(
        command, cwd=ROOT, env=_environment(connected), stdout=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 120
        while ContextItem.objects.count() < 600 and time.monotonic() < deadline:
            assert reading.poll() is None, "it ended by itself"
            time.sleep(0.02)
    finally:
        reading.send_signal(signal.SIGKILL)
        reading.wait(10)
    read = ContextItem.objects.filter(resource_type="MedicationRequest").count()
    assert 0 < read < len(told.resources)
    due = [it.marks["MedicationRequest"] for it in EhrPatient.objects.exclude(marks={})]
    assert any("next" in mark for mark in due) or read % 100 == 0

    run = context_read()
    assert run.state == "done"
    assert ContextRun.objects.filter(state="broken").count() == 1
    assert stand() == told.courses
    assert run.counts["MedicationRequest"] == {"new": len(told.resources) - read}


def _environment(ehr: FhirServer) -> dict[str, str]:
    name, url = str(connection.settings_dict["NAME"]), os.environ.get("DATABASE_URL", "")
    database = {"DATABASE_URL": f"{url.rsplit('/', 1)[0]}/{name}"} if url else {}
    return os.environ | database | {
        "CLARITY_DATABASE_NAME": name,
        "EHR_BASE_URL": ehr.base_url,
        "EHR_TOKEN_FILE": "",
        "EHR_READS_PER_MINUTE": "60000",
    }  # fmt: skip
