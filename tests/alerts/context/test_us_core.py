"""The examples of US Core come in right out of a real FHIR server."""

import json
from pathlib import Path
from typing import Any

import pytest

from alerts.context import context_read
from alerts.context_models import ContextItem
from patients.models import Questionnaire
from tests import factories
from tests.alerts.context.records import stored
from tests.alerts.context.taking import courses
from tests.fhir_server import FhirServer
from tests.fhir_server.fixtures import require_fhir_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def examples(shared: Path) -> list[dict[str, Any]]:
    files = sorted((shared / "data" / "fhir").glob("*.json"))
    if not files:
        pytest.skip("the examples of US Core are not in ../shared/data/fhir")
    return [json.loads(file.read_text()) for file in files]


def test_the_examples_come_in_right(
    examples: list[dict[str, Any]], tmp_path: Path, settings: Any
) -> None:
    require_fhir_server()
    patient = factories.patient("P-1", ehr_id="example")
    with FhirServer(data=stored(tmp_path, examples)) as server:
        settings.EHR_BASE_URL, settings.EHR_TOKEN_FILE = server.base_url, ""
        for _ in range(2):
            run = context_read()
            assert run.state == "done"
    axid = "Nizatidine 15 MG/ML Oral Solution"
    assert courses(patient) == [
        (axid, "15 MG/ML: 10 mL bid", "2008-04-05", ""),
        (f"{axid} [Axid]", "10 mL bid", "2008-04-05", ""),
        ("Tylenol PM Pill", "Takes 1-2 tablets once daily at bedtime…"[:40], "2019-06-24", ""),
    ]
    assert {c.drug_class for c in patient.medications.all()} == {"unknown"}
    answered = Questionnaire.objects.get(patient=patient)
    assert (answered.instrument, answered.total) == ("phq9", 12)
    assert answered.items == [2, 2, 2, 2, 1, 1, 2, 0, 0]
    item = ContextItem.objects.get(resource_id="PHQ9-item-example-44260-8")
    assert (item.told["item"], item.told["total"], item.state) == (9, 0, "noted")
