"""The patient's page in a real browser: zoom by button, drag and key, tables, notes, summary."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from patients.models import AuditEvent, Patient, Role
from tests import factories
from tests.browser.test_journey import Visit
from tests.browser.test_journey import visit as visit  # the fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "/patients/CL-0107/"


@pytest.fixture
def record(visit: Visit, clinic: dict[str, Any]) -> Page:
    """The page of a patient with 200 scored days, drawn."""
    ada = clinic["patients"]["CL-0107"]
    day = clinic["day"] - timedelta(days=60)
    factories.history(ada, day, 140, lambda back: None if back < 9 else 0.3, lambda back: 0.1)
    visit.log_in(Role.PSYCHIATRIST)
    visit.page.goto(ADDRESS)
    visit.page.locator("#timeline[data-drawn]").wait_for()
    return visit.page


def window(page: Page) -> int:
    """Days that the time line shows."""
    first, last = page.locator("#timeline").get_attribute("data-drawn").split()  # type: ignore[union-attr]
    return int(last) - int(first) + 1


def shows(page: Page, days: int) -> None:
    """Wait until the time line shows so many days."""
    page.wait_for_function(
        "days => { const [a, b] = document.querySelector('#timeline').dataset.drawn.split(' ');"
        " return b - a + 1 === days; }",
        arg=days,
    )


def test_buttons_zoom_from_a_week_to_two_years_and_the_table_follows(record: Page) -> None:
    assert window(record) == 90
    record.get_by_text("The same as a table").first.click()
    for name, days in (("1 w", 7), ("1 y", 365), ("2 y", 730), ("3 m", 90)):
        button = record.get_by_role("button", name=name)
        button.click()
        shows(record, days)
        expect(button).to_have_attribute("aria-pressed", "true")
    record.get_by_role("button", name="2 y").click()
    expect(record.locator("#timeline-table tbody tr")).to_have_count(200)
    record.get_by_role("button", name="1 w").click()
    expect(record.locator("#timeline-table tbody tr")).to_have_count(6)  # today has no score yet


def test_zooming_writes_no_more_audit_rows(record: Page) -> None:
    rows = AuditEvent.objects.filter(action="record opened", patient_code="CL-0107")
    before = rows.count()
    record.get_by_role("button", name="2 y").click()
    shows(record, 730)
    record.get_by_role("button", name="1 m").click()
    shows(record, 30)
    assert rows.count() == before == 1


def test_keys_move_the_day_and_zoom(record: Page) -> None:
    place, said = record.locator("#timeline"), record.locator("#timeline-said")
    place.focus()
    place.press("ArrowLeft")  # the last day, today
    expect(said).to_contain_text("not scored")
    place.press("ArrowLeft")
    expect(said).to_contain_text("Mania: ")
    expect(said).to_contain_text("High")
    expect(said).to_contain_text("coverage 93")
    place.press("+")
    shows(record, 45)
    place.press("-")
    shows(record, 90)
    place.press("Home")
    place.press("-")
    place.press("-")
    shows(record, 360)
    place.press("Escape")
    shows(record, 90)
    place.press("Tab")
    assert record.evaluate("document.activeElement.id") != "timeline"  # no trap


def test_a_drag_shows_the_days_that_were_chosen(record: Page) -> None:
    place = record.locator("#timeline svg")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box
    record.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    record.mouse.down()
    record.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=4)
    expect(record.locator("#timeline .chosen")).not_to_have_attribute("width", "0")
    record.mouse.up()
    record.wait_for_function(
        "() => { const [a, b] = document.querySelector('#timeline').dataset.drawn.split(' ');"
        " return b - a < 40; }"
    )
    assert 10 < window(record) < 30


def test_a_day_without_an_assessment_is_a_gap_in_the_line(record: Page) -> None:
    record.get_by_role("button", name="1 y").click()
    shows(record, 365)
    assert record.locator("#timeline path.line-depression").count() == 2
    assert record.locator("#timeline rect.gap").count() >= 1


def test_alerts_stand_in_a_lane_of_their_own_and_days_without_a_score_are_no_gaps(
    record: Page,
) -> None:
    record.get_by_role("button", name="1 y").click()
    shows(record, 365)
    lanes = record.evaluate(LANES)
    assert lanes["alerts"] and min(lanes["alerts"]) > lanes["tracksEnd"]
    assert record.locator("#timeline rect.unscored").count() >= 2  # before the first score
    for words in (
        "alert of mania",
        "another time zone",
        "PHQ-8 or PHQ-9",
        "ASRM",
        "day without a score",
    ):
        expect(record.locator(".timeline-tools")).to_contain_text(words)


LANES = """() => {
    const of = (what) => [...document.querySelectorAll(what)]
        .map((it) => it.getBoundingClientRect());
    return {
        alerts: of("#timeline .alert-mark").map((box) => box.top),
        tracksEnd: Math.max(...of("rect.gap, rect.unscored").map((box) => box.bottom)),
    };
}"""


def test_scrolling_on_by_touch_chooses_no_days(record: Page) -> None:
    assert window(record) == 90
    record.evaluate(SCROLLED_THEN_TAPPED)
    assert window(record) == 90
    expect(record.locator("#timeline .chosen")).to_have_attribute("width", "0")


# A finger comes down on the time line, the page takes it over to scroll, and later it taps below.
SCROLLED_THEN_TAPPED = """() => {
    const place = document.getElementById("timeline"), box = place.getBoundingClientRect();
    const at = (share) => ({ clientX: box.left + box.width * share, button: 0, bubbles: true });
    place.dispatchEvent(new PointerEvent("pointerdown", at(0.3)));
    place.dispatchEvent(new PointerEvent("pointermove", at(0.4)));
    place.dispatchEvent(new PointerEvent("pointercancel", at(0.4)));
    document.body.dispatchEvent(new PointerEvent("pointerup", at(0.7)));
}"""


def test_actogram_and_raster_come_when_they_are_scrolled_to(record: Page) -> None:
    assert record.locator("#raster svg").count() == 0
    record.locator("#actogram").scroll_into_view_if_needed()
    record.locator("#actogram svg.actogram").first.wait_for()
    record.locator("#actogram").get_by_text("The same as a table").click()
    expect(record.locator("#actogram tbody tr")).to_have_count(28)
    record.locator("#raster").scroll_into_view_if_needed()
    record.locator("#raster svg").wait_for()
    record.locator("#raster").get_by_role("link", name="30 nights").click()
    expect(record.locator("#raster [aria-current]")).to_have_text("30 nights")
    record.locator("#raster").get_by_text("The same as a table").click()
    expect(record.locator("#raster tbody tr")).to_have_count(30)
    assert record.url.endswith(ADDRESS)


def test_a_note_and_a_contact_are_written_and_marked(record: Page) -> None:
    record.get_by_label("New note").fill("Sleeps 4 h, feels well.")
    record.get_by_role("button", name="Save the note").click()
    expect(record.get_by_text("The note is saved.")).to_be_visible()
    note = record.locator(".notes li", has_text="Sleeps 4 h, feels well.")
    note.get_by_role("button", name="Entered in error").click()
    expect(record.get_by_text("It is marked as entered in error, and kept.")).to_be_visible()
    expect(record.locator(".notes s")).to_have_text("Sleeps 4 h, feels well.")
    record.get_by_text("Record a contact…").click()
    record.get_by_label("How", exact=True).select_option("phone")
    record.get_by_label("With whom").select_option("family")
    record.get_by_label("Outcome").select_option("left_message")
    record.get_by_label("Words (optional)").fill("Sister will call back.")
    record.get_by_role("button", name="Record the contact").click()
    expect(record.get_by_text("The contact is recorded.")).to_be_visible()
    row = record.locator("section", has=record.locator("#contacts")).locator("tbody tr")
    expect(row).to_contain_text("Telephone: Family or a friend")
    expect(row).to_contain_text("Message left")


def test_the_summary_is_two_clicks_away_and_a_pdf(record: Page) -> None:
    record.get_by_role("link", name="Visit summary").click()
    expect(record.get_by_role("heading", name="What is uncertain")).to_be_visible()
    expect(record.locator("polyline.spark-mania").first).to_be_attached()
    address = record.get_by_role("link", name="As a PDF").get_attribute("href")
    answer = record.request.get(address or "")
    assert answer.body().startswith(b"%PDF-")
    assert answer.headers["content-type"] == "application/pdf"


def test_a_time_line_that_cannot_be_loaded_says_so(
    chromium: Browser, clinic: dict[str, Any], live_server: Any
) -> None:
    context = chromium.new_context(base_url=live_server.url)
    page = context.new_page()
    Visit(page, "").log_in(Role.PSYCHIATRIST)
    page.route("**/timeline.json*", lambda route: route.abort())
    page.goto(ADDRESS)
    expect(page.get_by_role("alert")).to_contain_text("The time line could not be loaded.")
    context.close()


@pytest.fixture
def without_script(chromium: Browser, clinic: dict[str, Any], live_server: Any) -> Iterator[Page]:
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    Visit(page, "").log_in(Role.PSYCHIATRIST)
    yield page
    context.close()


def test_charts_can_be_read_and_a_note_written_without_javascript(without_script: Page) -> None:
    page = without_script
    page.goto(ADDRESS)
    expect(page.locator(".spans").first).to_be_hidden()
    expect(page.get_by_text("The time line is being drawn.")).to_be_hidden()
    assert page.locator("#timeline").bounding_box()["height"] < 60  # type: ignore[index]
    page.get_by_role("link", name="Show the actogram and its table").click()
    expect(page.locator("svg.actogram").first).to_be_visible()
    expect(page.locator("tbody tr").first).to_be_visible()
    page.goto(ADDRESS)
    page.get_by_role("link", name="Show the nights and their table").click()
    page.get_by_role("link", name="365 nights").click()
    expect(page.locator("svg.raster")).to_be_visible()
    page.goto(ADDRESS)
    page.get_by_label("New note").fill("Without a script.")
    page.get_by_role("button", name="Save the note").click()
    expect(page.get_by_text("Without a script.")).to_be_visible()
    assert Patient.objects.get(code="CL-0107").notes.count() == 1
