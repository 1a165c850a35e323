"""Everything by keyboard alone: each thing on each page is reached and seen, each act is done."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from alerts.models import Alert
from patients.models import Role
from tests.browser.clinic import PASSWORD
from tests.browser.keyboard import act, tab_to, trouble_with_tab, unfold
from tests.browser.looking import MAIN, open_everything, open_page, window
from tests.browser.pages import pages
from tests.browser.states import build_every_state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NEW, HELD = "CL-0112", "CL-0121"  # an alert that nobody has, and one that somebody has
TOMORROW = f"{timezone.localdate() + timedelta(days=1)}"
ACTS: dict[str, dict[str, str]] = {
    "acknowledge": {},
    "contact": {"note": "Talked by telephone."},
    "follow-up": {"due_on": TOMORROW},
    "snooze": {"hours": "4"},
    "dismiss": {"reason": "data-artifact", "note": "The watch lay in a drawer."},
    "resolve": {},
}
STATES = {
    "acknowledge": "acknowledged",
    "contact": "acknowledged",
    "follow-up": "acknowledged",
    "snooze": "snoozed",
    "dismiss": "dismissed",
    "resolve": "resolved",
}


@pytest.fixture
def every(transactional_db: None, settings: Any) -> dict[str, Any]:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    return build_every_state()


@pytest.fixture
def page(chromium: Browser, every: dict[str, Any], live_server: Any) -> Any:
    context = window(chromium, live_server.url, every["people"][Role.PSYCHIATRIST])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("role", [Role.PSYCHIATRIST, Role.ADMINISTRATOR])
def test_tab_reaches_everything_and_shows_where_it_is(
    role: str, chromium: Browser, every: dict[str, Any], live_server: Any, subtests: Any
) -> None:
    who = every["people"][role]
    context = window(chromium, live_server.url, who)
    page = context.new_page()
    for address in [*pages(who, MAIN, each=1), "/login/"]:
        with subtests.test(address=address):
            open_page(page, address)
            open_everything(page)
            assert not trouble_with_tab(page)
    context.close()


def test_what_is_out_of_reach_is_found(page: Page) -> None:
    open_page(page, "/rules/")
    page.evaluate("""() => {
        document.querySelector("main").insertAdjacentHTML("beforeend",
            '<button id="bare">x</button><a href="/" id="stuck">y</a><a href="/" id="after">z</a>');
        document.getElementById("bare").style.outline = "none";
        const stuck = document.getElementById("stuck");
        stuck.addEventListener("keydown", (event) => event.preventDefault());
    }""")
    found = "\n".join(trouble_with_tab(page))
    assert 'focus is not seen: <button id="bare"' in found
    assert 'never reached: <a href="/" id="after"' in found


@pytest.mark.parametrize("name", ACTS)
def test_each_act_on_an_alert(name: str, page: Page) -> None:
    code = HELD if name == "resolve" else NEW
    open_page(page, f"/patients/{code}/")
    act(page, page.locator(f"main form[action$='/{name}/']").first, **ACTS[name])
    assert Alert.objects.get(patient__code=code).state == STATES[name]


def test_a_concern_is_raised(page: Page) -> None:
    open_page(page, "/patients/CL-0141/")
    form = page.locator("main form[action$='/concern/']").first
    act(page, form, tier="High", note="Her brother telephoned.")
    assert Alert.objects.filter(patient__code="CL-0141", kind="concern", tier="High").exists()


def test_from_the_door_to_a_filter_and_out_again(
    chromium: Browser, every: dict[str, Any], live_server: Any
) -> None:
    context = window(chromium, live_server.url)
    page = context.new_page()
    open_page(page, "/")
    tab_to(page, page.locator("[name=username]"))
    page.keyboard.type(f"{Role.PSYCHIATRIST}.1")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_visible()
    rows = page.locator("#panel tr[data-code]")
    before = rows.count()
    high = page.locator("main a[href*='tier=High']").first
    unfold(page, high)
    tab_to(page, high)
    page.keyboard.press("Enter")
    page.wait_for_url("**tier=High**")
    assert 0 < rows.count() < before
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/patients/**")
    out = page.locator("form[action$='/logout/'] button").first
    unfold(page, out)
    tab_to(page, out)
    page.keyboard.press("Enter")
    page.wait_for_url("**/login/**")
    context.close()


def test_the_language_is_changed(page: Page) -> None:
    open_page(page, "/")
    choice = page.locator("form:has([name=language])").first
    act(page, choice, language="fr")
    assert page.locator("html").get_attribute("lang") == "fr"
