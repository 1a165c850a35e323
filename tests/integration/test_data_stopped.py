"""Data that have stopped, as the care team sees it: apart from everything about risk."""

import pytest
from django.test import Client

from alerts.absence import absence_watch
from patients.models import Role
from tests import factories
from tests.alerts.test_absence import MORNING, coordinator, stopped

pytestmark = pytest.mark.django_db

FORBIDDEN = ("alert", "risk", "diagnos", "alarm")


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PSYCHIATRIST])
def test_the_panel_has_a_section_of_its_own(client: Client, role: str) -> None:
    who = factories.user(role)
    stopped("CL-1", (who,))
    absence_watch(now=MORNING)
    client.force_login(who)
    body = client.get("/").content.decode()
    section = body[body.index('id="data-stopped"') : body.index("</details>")]
    assert "CL-1" in section and "No data since Tuesday 17 November" in section
    assert not any(word in section.lower() for word in FORBIDDEN)
    first = body.index('id="data-stopped"') < body.index("<table")
    assert first == (role == Role.COORDINATOR) == (" open>" in section)
    assert "data-stopped" not in client.get("/alerts/").content.decode()


def test_a_team_member_says_on_the_record_that_they_look_after_it(client: Client) -> None:
    who = coordinator("jo")
    stopped("CL-1", (who,))
    absence_watch(now=MORNING)
    client.force_login(who)
    assert "No data since Tuesday 17 November" in client.get("/patients/CL-1/").content.decode()
    asked = {"note": "Charger is lost.", "next": "/patients/CL-1/"}
    body = client.post("/patients/CL-1/absence/", asked, follow=True).content.decode()
    assert "Looked after by jo" in body and "“Charger is lost.”" in body
    assert "I look after it" not in body
