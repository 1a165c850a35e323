"""Data that have stopped, as the care team sees it: apart from everything about risk."""

import re

import pytest
from django.test import Client

from alerts.absence import absence_watch
from patients.models import Role
from tests import factories
from tests.alerts.test_absence import MORNING, coordinator, stopped

pytestmark = pytest.mark.django_db

FORBIDDEN = ("risk", "diagnos", "alarm")


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PSYCHIATRIST])
def test_the_panel_says_it_in_the_row_and_has_a_view_of_them(client: Client, role: str) -> None:
    who = factories.user(role)
    stopped("CL-1", (who,))
    factories.patient("CL-2", [who])
    absence_watch(now=MORNING)
    client.force_login(who)
    body = client.get("/?data=stopped").content.decode()
    assert re.findall(r'data-code="([^"]+)"', body) == ["CL-1"]
    said = body[body.index('class="chip chip-stopped"') :].split("</td>")[0]
    assert "No data since 17 Nov" in said
    assert not any(word in said.lower() for word in FORBIDDEN)
    assert re.search(r"Data stopped <b>1</b>", body)
    assert "chip-stopped" not in client.get("/?q=CL-2").content.decode()


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
