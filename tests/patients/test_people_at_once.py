"""Administrators who act at the same moment leave one behind, and one person responsible."""

import pytest

from patients import people_services as services
from patients.domain.errors import InputError
from patients.models import AuditEvent, Role, User
from patients.people_services import Part
from tests import factories
from tests.patients.test_outcomes_at_once import AT_ONCE, together

pytestmark = pytest.mark.django_db(transaction=True)


def test_administrators_who_close_each_others_accounts_leave_one() -> None:
    people = [factories.user(Role.ADMINISTRATOR, f"admin{n}") for n in range(AT_ONCE)]
    ends = together(
        lambda n: services.person_deactivate(person=people[(n + 1) % AT_ONCE], by=people[n])
    )
    assert User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).count() == 1
    assert sum(isinstance(end, InputError) for end in ends) == 1
    assert AuditEvent.objects.filter(action="person deactivated").count() == AT_ONCE - 1


def test_of_several_made_responsible_at_once_one_is() -> None:
    boss = factories.user(Role.ADMINISTRATOR)
    people = [factories.user(username=f"doctor{n}") for n in range(AT_ONCE)]
    patient = factories.patient("P-1", people)
    ends = together(
        lambda n: services.member_set(
            patient=patient, person=people[n], part=Part.RESPONSIBLE, by=boss
        )
    )
    assert ends == [None] * AT_ONCE
    assert patient.care_team.filter(part=Part.RESPONSIBLE).count() == 1
    assert patient.care_team.count() == AT_ONCE
