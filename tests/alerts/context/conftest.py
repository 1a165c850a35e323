"""A patient whom the EHR knows, and an administrator."""

import pytest

from patients.models import Patient, Role, User
from tests import factories


@pytest.fixture
def patient() -> Patient:
    return factories.patient("P-1", ehr_id="pat-1")


@pytest.fixture
def boss() -> User:
    return factories.user(Role.ADMINISTRATOR, "admin.1")
