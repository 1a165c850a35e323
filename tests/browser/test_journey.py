"""A morning in a real browser: log in, look, acknowledge, dismiss."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from alerts.models import Alert
from patients.models import AuditEvent, Patient, Role
from tests import factories
from tests.browser.clinic import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@dataclass
class Visit:
    """A page, and everything that went over the wire or into the console."""

    page: Page
    host: str
    hosts: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    responses: int = 0

    def watch(self) -> None:
        """Write down requests, answers and complaints from now on."""
        self.page.on("request", lambda r: self.hosts.add(urlsplit(r.url).netloc))
        self.page.on("response", self._answered)
        self.page.on("requestfailed", self._failed)
        self.page.on("pageerror", lambda e: self.failures.append(f"script {e}"))
        self.page.on(
            "console",
            lambda m: self.failures.append(m.text) if m.type in {"error", "warning"} else None,
        )

    def _failed(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # what leaving a page cuts short has not failed
            self.failures.append(f"failed {request.url}: {request.failure}")

    def _answered(self, response: Any) -> None:
        self.responses += 1
        if response.status >= 400:
            self.failures.append(f"{response.status} {response.url}")

    def log_in(self, role: str) -> None:
        """Through the door, like anybody."""
        self.page.goto("/")
        self.page.get_by_label("User name").fill(f"{role}.1")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("heading", name="My patients")).to_be_visible()

    def drawn(self) -> None:
        """The charts of the record are there; those further down come when they are near."""
        self.page.locator("#timeline[data-drawn] path.line-mania").first.wait_for()
        for place in ("#actogram", "#raster"):
            self.page.locator(place).scroll_into_view_if_needed()
            self.page.locator(f"{place} svg").first.wait_for()


@pytest.fixture
def visit(chromium: Browser, clinic: dict[str, Any], live_server: Any) -> Iterator[Visit]:
    context = chromium.new_context(base_url=live_server.url)
    made = Visit(context.new_page(), urlsplit(live_server.url).netloc)
    made.watch()
    yield made
    context.close()
    assert made.responses > 5
    assert {host for host in made.hosts if host} == {made.host}
    assert not made.failures


@pytest.mark.parametrize("role", [Role.PSYCHIATRIST, Role.COORDINATOR])
def test_clinician_deals_with_the_morning(visit: Visit, role: str) -> None:
    page = visit.page
    visit.log_in(role)
    expect(page.locator("table.panel tbody tr")).to_have_count(10)
    expect(page.locator("table.panel tbody tr").first).to_contain_text("High")
    page.get_by_role("link", name="CL-0107").click()
    visit.drawn()
    assert AuditEvent.objects.filter(actor=f"{role}.1", patient_code="CL-0107").count() == 1

    page.get_by_label("Note on the mania risk indicator (optional)").fill("Will call at ten.")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Mania alert of CL-0107 acknowledged.")).to_be_visible()
    expect(page.get_by_text("“Will call at ten.”")).to_be_visible()
    visit.drawn()

    page.get_by_role("link", name="Alerts").click()
    card = page.locator("article.alert", has_text="CL-0112")
    card.get_by_text("Dismiss…").click()
    card.get_by_label("Reason").select_option("data-artifact")
    card.get_by_label("Note (needed for “Other”)").fill("Watch lay in a drawer.")
    card.get_by_role("button", name="Dismiss this alert").click()
    is_high = Alert.objects.get(patient__code="CL-0112").tier == "High"
    asks = is_high and role == Role.COORDINATOR
    said = ": a psychiatrist is asked to confirm this." if asks else " dismissed."
    expect(page.get_by_text(f"Depression alert of CL-0112{said}")).to_be_visible()
    alert = Alert.objects.get(patient__code="CL-0112")
    asked = ("new", "dismissal_requested") if asks else ("dismissed", "")
    assert (alert.state, alert.requested) == asked
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in to Clarity")).to_be_visible()


def test_administrator_walks_through_every_page(visit: Visit) -> None:
    page = visit.page
    visit.log_in(Role.ADMINISTRATOR)
    page.get_by_role("link", name="CL-0121").click()
    visit.drawn()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    for name in ("Alerts", "Baselines", "Medications", "Messages", "Runs", "Models"):
        menu = page.get_by_role("navigation", name="Main")
        if not menu.get_by_role("link", name=name).is_visible():
            menu.get_by_text("More").click()
        menu.get_by_role("link", name=name).click()
        expect(page.locator("h1")).to_be_visible()
    page.goto("/baselines/")
    page.get_by_role("link", name="Review the baseline of CL-0121").click()
    page.get_by_role("button", name="Approve version 2 of CL-0121").click()
    expect(page.get_by_text("Baseline 2 of CL-0121 approved.")).to_be_visible()
    page.goto("/medications/")
    page.get_by_role("link", name="CL-0112").click()
    page.get_by_label("Drug").fill("sertraline")
    page.get_by_label("Class").select_option("ssri")
    page.get_by_label("First day").fill("2026-11-02")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("sertraline added. It counts as SSRI.")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_is_wider_than_its_window(visit: Visit, width: int) -> None:
    page = visit.page
    page.set_viewport_size({"width": width, "height": 800})
    visit.log_in(Role.PSYCHIATRIST)
    check = "document.documentElement.scrollWidth"
    factories.questionnaire(Patient.objects.get(code="CL-0107"), [3] * 9)
    factories.episode(Patient.objects.get(code="CL-0107"), note="Seen at the visit " * 9)
    for address in (
        *("/", "/patients/CL-0107/", "/patients/CL-0150/", "/alerts/", "/models/"),
        "/patients/CL-0107/outcomes/",
        "/rules/",
    ):
        page.goto(address)
        if address == "/patients/CL-0107/":
            visit.drawn()
        assert page.evaluate(check) <= width, address
    page.get_by_role("button", name="Log out").click()
    visit.log_in(Role.ADMINISTRATOR)
    for name in (
        "baselines",
        "baselines/CL-0121",
        "medications",
        "medications/CL-0107",
        "messages",
        "runs",
    ):
        page.goto(f"/{name}/")
        assert page.evaluate(check) <= width, name


def test_everything_can_be_read_and_done_without_javascript(
    chromium: Browser, clinic: dict[str, Any], live_server: Any
) -> None:
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    Visit(page, "").log_in(Role.PSYCHIATRIST)
    expect(page.locator("svg.spark polyline").first).to_be_attached()
    page.get_by_role("link", name="CL-0107").click()
    expect(page.locator("p.sentence")).to_contain_text("The mania risk indicator is High since")
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("cell", name="High").first).to_be_visible()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Mania alert of CL-0107 acknowledged.")).to_be_visible()
    context.close()
