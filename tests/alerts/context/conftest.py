"""A patient whom the EHR knows, an administrator, and the EHR."""

from collections.abc import Iterator
from typing import Any

import pytest

from patients.models import Patient, Role, User
from tests import factories
from tests.alerts.context.bulk_ehr import Front
from tests.alerts.context.front import MRN, RECORD
from tests.alerts.context.records import stored
from tests.fhir_server import FhirServer
from tests.fhir_server.fixtures import require_fhir_server


@pytest.fixture
def patient() -> Patient:
    return factories.patient("P-1", ehr_id="pat-1")


@pytest.fixture
def boss() -> User:
    return factories.user(Role.ADMINISTRATOR, "admin.1")


@pytest.fixture(scope="module")
def ehr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    require_fhir_server()
    with FhirServer(data=stored(tmp_path_factory.mktemp("ehr"), RECORD)) as server:
        yield server


@pytest.fixture
def front(ehr: FhirServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """The EHR, of which every page holds five resources."""
    monkeypatch.setattr("alerts.context_pages.PAGE_SIZE", 5)
    with Front(ehr, exports=False).serving() as served:
        settings.EHR_BASE_URL, settings.EHR_TOKEN_FILE = served.base_url, ""
        settings.EHR_PATIENT_SYSTEM = MRN
        yield served
