"""From the EHR into a record, in a real browser, by a real authorization server."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from alerts.models import EhrAccount
from patients.models import Role
from tests.browser.looking import MAIN, window
from tests.fhir_server.launch_server import LaunchServer
from tests.fhir_server.launch_server import launch_server as launch_server
from tests.fhir_server.launch_server import launch_server_of_session as launch_server_of_session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WAITS = "Nobody has said yet which account of Clarity is yours."


@pytest.fixture
def ehr(launch_server: LaunchServer, clinic: dict[str, Any], settings: Any) -> LaunchServer:
    settings.EHR_BASE_URL = launch_server.base_url
    settings.EHR_LAUNCH_CLIENT_ID = "clarity"
    patient = clinic["patients"][MAIN]
    patient.ehr_id = "ehr-1"
    patient.save()
    return launch_server


def test_who_comes_from_the_ehr_is_named_and_then_lands_in_the_record(
    chromium: Browser, ehr: LaunchServer, clinic: dict[str, Any], live_server: Any
) -> None:
    begin = f"/launch/?iss={ehr.base_url}&launch=handle-1"
    doctor = window(chromium, live_server.url).new_page()
    doctor.goto(begin)
    expect(doctor.get_by_role("heading")).to_have_text("Clarity was not opened from the EHR")
    expect(doctor.get_by_text(WAITS)).to_be_visible()

    boss = window(chromium, live_server.url, clinic["people"][Role.ADMINISTRATOR]).new_page()
    boss.goto("/people/")
    boss.get_by_role("navigation", name="Main").get_by_text("More").click()
    boss.get_by_role("link", name="EHR accounts").click()
    expect(boss.get_by_text("1 person waits for an account")).to_be_visible()
    boss.get_by_label("Account of Practitioner/7").select_option("Nadia Grey")
    boss.get_by_role("button", name="Save Practitioner/7").click()
    expect(boss.get_by_text("Practitioner/7 of the EHR comes in as Nadia Grey.")).to_be_visible()

    doctor.goto(begin)
    expect(doctor.get_by_role("heading", level=1)).to_contain_text(MAIN)
    assert doctor.url == f"{live_server.url}/patients/{MAIN}/"
    expect(doctor.get_by_text("Nadia Grey").first).to_be_visible()

    boss.get_by_role("button", name="Remove Practitioner/7").click()
    expect(boss.get_by_text("Nobody has come from the EHR yet.")).to_be_visible()
    for page in (doctor, boss):
        page.context.close()


def test_the_log_in_page_offers_the_ehr(
    chromium: Browser, ehr: LaunchServer, clinic: dict[str, Any], live_server: Any
) -> None:
    doctor = clinic["people"][Role.PSYCHIATRIST]
    EhrAccount.objects.create(fhir_user="Practitioner/7", user=doctor)
    ehr.control(patient=None)
    context = window(chromium, live_server.url)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("link", name="Log in with the EHR").click()
    expect(page.get_by_role("heading", name="My patients")).to_be_visible()
    context.close()


def test_no_page_of_another_site_frames_clarity(
    chromium: Browser, ehr: LaunchServer, live_server: Any
) -> None:
    context = window(chromium, live_server.url)
    page, refused = context.new_page(), []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(f"{ehr.origin}/frame?of={live_server.url}/login/")
    frame = page.frames[1]
    frame.wait_for_load_state()
    assert frame.get_by_text("Log in to Clarity").count() == 0
    assert any("frame-ancestors" in text for text in refused)
    context.close()
