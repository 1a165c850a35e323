"""A newcomer's first morning: from log-in to whom to call, why, and the alert acknowledged."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from alerts.models import Alert
from patients.models import AuditEvent, Role
from tests.browser.clinic import PASSWORD
from tests.browser.looking import window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_CLICKS = 6
# The pages themselves count, so that no click of the test is forgotten.
COUNT = """addEventListener("pointerdown", (event) => window.clicked(
    event.target.closest("a, button, summary")?.innerText ?? event.target.tagName), true)"""


class Morning:
    """A page, the steps taken on it, and which of them were clicks."""

    def __init__(self, page: Page) -> None:
        self.page, self.steps = page, list[str]()
        self.clicks: list[str] = []
        page.expose_function("clicked", lambda what: self.clicks.append(what))
        page.add_init_script(COUNT)

    def click(self, target: Locator, why: str) -> None:
        """Click it, which is a step."""
        expect(target).to_be_visible()
        target.click()
        self.steps.append(f"click {len(self.clicks)}: {why}")

    def read(self, target: Locator, why: str) -> str:
        """What stands there, which is a step without a click."""
        expect(target).to_be_visible()
        self.steps.append(f"   read: {why}: {' '.join(target.inner_text().split())[:200]}")
        return target.inner_text()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_from_log_in_to_whom_to_call_why_and_acknowledged(
    size: str, chromium: Browser, clinic: dict[str, Any], live_server: Any
) -> None:
    doctor = clinic["people"][Role.PSYCHIATRIST]
    assert doctor.tour_seen_at is None  # as a newcomer
    context = window(chromium, live_server.url, size=size)
    page = context.new_page()
    morning = Morning(page)
    page.goto("/")
    page.keyboard.type(doctor.username)  # the name has the focus already
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    morning.click(page.get_by_role("button", name="Log in"), "Log in")

    tour = page.get_by_role("region", name="Three things to know")
    assert "Whom to call first" in morning.read(tour, "the tour")
    morning.click(tour.get_by_role("button", name="Got it"), "Got it, which closes the tour")
    expect(tour).to_have_count(0)

    first = page.locator("#panel tr[data-code]").first
    expect(first.locator("th a")).to_be_in_viewport()
    whom = morning.read(first, "whom to call first: the first row")
    assert "CL-0107" in whom and "High" in whom and "Mania" in whom
    morning.click(first.locator("th a"), "the first patient's code")

    why = morning.read(page.locator("p.sentence"), "why, in one sentence")
    expect(page.locator("p.sentence")).to_be_in_viewport()
    assert "mania risk indicator is High since" in why
    morning.read(page.locator("article.alert .why").first, "why, at the alert")
    act = page.get_by_role("button", name="Acknowledge").first
    morning.click(act, "Acknowledge")
    said = page.get_by_text("Mania alert of CL-0107 acknowledged.")
    morning.read(said, "that it is done")

    print("\n".join(morning.steps), f"\n{size}: {len(morning.clicks)} clicks: {morning.clicks}")
    assert 4 <= len(morning.clicks) <= MOST_CLICKS
    taken = Alert.objects.get(patient__code="CL-0107", kind="mania")
    assert (taken.state, taken.transitions.last().actor) == ("acknowledged", doctor.username)
    seen = AuditEvent.objects.filter(actor=doctor.username, patient_code="CL-0107")
    assert {"alert acknowledged"} <= set(seen.values_list("action", flat=True))
    context.close()
