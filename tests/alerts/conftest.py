"""People who act on alerts, and their patient."""

from datetime import datetime

import pytest
from django.utils import timezone

from patients.models import CareTeamMember, Patient, Role, User
from tests import factories


@pytest.fixture
def doctor() -> User:
    return factories.user(Role.PSYCHIATRIST, username="dr.a")


@pytest.fixture
def coordinator() -> User:
    return factories.user(Role.COORDINATOR, username="coord.b")


@pytest.fixture
def patient(doctor: User, coordinator: User) -> Patient:
    found = factories.patient("P-1", ehr_id="ehr-1")
    for user in (doctor, coordinator):
        CareTeamMember.objects.create(patient=found, user=user)
    return found


@pytest.fixture
def now() -> datetime:
    return timezone.now()
