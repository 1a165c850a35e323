"""An administrator's morning in a real browser, and the tour of a first visit."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from alerts.models import OutboxMessage
from patients.models import AuditEvent, CareTeamMember, Role, User
from tests import factories
from tests.browser.clinic import PASSWORD
from tests.browser.test_journey import Visit
from tests.browser.test_journey import visit as visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = (
    *("clinic", "people", "teams", "patients/CL-0107/team", "devices", "freshness", "rules"),
    *("rules/baselines", "rules/drugs", "messages", "baselines/CL-0121", "help"),
    "account/password",
)


def test_administrator_sees_what_waits_and_deals_with_it(visit: Visit) -> None:
    page = visit.page
    OutboxMessage.objects.filter(alert__patient__code="CL-0107").update(
        state="refused", last_error="The EHR refused it (422): Practitioner/7 was not found."
    )
    taker = factories.user(Role.PSYCHIATRIST, "psychiatrist.2", first_name="Lea", last_name="Holm")
    visit.log_in(Role.ADMINISTRATOR)
    page.get_by_role("link", name="Clinic", exact=True).first.click()
    page.get_by_role("link", name="messages refused or given up").click()
    expect(page.get_by_text("Practitioner/7 was not found.").first).to_be_visible()
    page.get_by_role("button", name="Send all that failed again (2)").click()
    expect(page.get_by_text("2 messages will be sent again.")).to_be_visible()

    page.goto("/people/")
    page.get_by_role("link", name="Nadia Grey").click()
    page.get_by_label("Hand over CL-0112").uncheck()
    page.get_by_label("Hand over to", exact=True).select_option(label="Lea Holm")
    page.get_by_role("button", name="Hand the chosen over").click()
    expect(page.get_by_text("9 patients are handed over to Lea Holm.")).to_be_visible()
    assert CareTeamMember.objects.filter(user=taker).count() == 9
    assert AuditEvent.objects.filter(action="care team left").count() == 9

    page.goto("/baselines/")
    page.get_by_role("link", name="Review the baseline of CL-0121").click()
    expect(page.get_by_text("Proposed against in force")).to_be_visible()
    page.get_by_role("button", name="Approve version 2 of CL-0121").click()
    expect(page.get_by_text("Baseline 2 of CL-0121 approved.")).to_be_visible()
    page.goto("/clinic/")
    expect(page.get_by_role("link", name="0 baselines proposed")).to_be_visible()


def test_somebody_new_comes_in_with_the_link(visit: Visit) -> None:
    page = visit.page
    visit.log_in(Role.ADMINISTRATOR)
    page.goto("/people/")
    for label, words in (
        ("User name (stays as it is)", "ada.roe"),
        ("First name", "Ada"),
        ("Last name", "Roe"),
    ):
        page.get_by_label(label).fill(words)
    page.get_by_label("Role").select_option(label="Care coordinator")
    page.get_by_role("button", name="Add and make a link").click()
    link = page.locator("code.token").inner_text()
    page.get_by_role("button", name="Log out").click()
    page.goto(link)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_label("User name").fill("ada.roe")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Three things to know")).to_be_visible()
    page.get_by_role("link", name="Help", exact=True).first.click()
    expect(page.get_by_role("heading", name="Where to ask")).to_be_visible()


def test_the_tour_is_read_and_closed_by_keyboard_without_javascript(
    chromium: Browser, clinic: dict[str, Any], live_server: Any
) -> None:
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    Visit(page, "").log_in(Role.PSYCHIATRIST)
    tour = page.get_by_role("region", name="Three things to know")
    for heading in ("Whom to call first", "What a pill and an arrow mean", "How to acknowledge"):
        expect(tour.get_by_role("heading", name=heading)).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Tab")
        if tour.get_by_role("button", name="Got it").evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(tour).to_have_count(0)
    expect(page.get_by_role("heading", name="My patients")).to_be_visible()
    assert User.objects.get(username="psychiatrist.1").tour_seen_at
    context.close()


@pytest.mark.parametrize("width", [360, 1360])
def test_no_page_of_the_clinic_is_wider_than_its_window(visit: Visit, width: int) -> None:
    page = visit.page
    page.set_viewport_size({"width": width, "height": 800})
    factories.device_token(factories.patient("CL-0199"), "A band with quite a long label indeed")
    visit.log_in(Role.ADMINISTRATOR)
    person = User.objects.get(username="psychiatrist.1")
    for name in (*PAGES, f"people/{person.pk}"):
        page.goto(f"/{name}/")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page.get_by_text("More", exact=True).click()
    last = page.get_by_role("navigation", name="Main").get_by_role("link", name="Rules", exact=True)
    expect(last).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
