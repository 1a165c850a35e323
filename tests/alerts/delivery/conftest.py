"""A FHIR server that a file's tests share, and a patient whom it knows."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from patients.models import Patient
from tests import factories
from tests.fhir_server import FhirServer
from tests.fhir_server.fixtures import require_fhir_server


@pytest.fixture(scope="module")
def server() -> Iterator[FhirServer]:
    require_fhir_server()
    with FhirServer() as running:
        yield running


@pytest.fixture
def patient(settings: Any) -> Patient:
    settings.EHR_RECIPIENT, settings.EHR_TOKEN_FILE = "Practitioner/dr-1", ""
    return factories.patient("P-1", ehr_id=f"ehr-{uuid4()}")
