"""The page “Data” in a real browser: the order of devices by keyboard, and a day's provenance."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from alerts.absence import absence_watch
from patients.domain.recording import Channel, DeviceKind, Family, MinuteSeries, Recording
from patients.models import Patient, Role
from patients.resolving import devices_in_order
from patients.storage import recordings_store
from scoring.features import features_update
from tests.browser.test_journey import Visit, visit  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CODE = "CL-0126"


def two_step_counters(clinic: dict[str, Any]) -> Patient:
    """A watch that was worn from 7 to 23 h UTC and a phone from 8 to 20 h, for 20 days."""
    patient: Patient = clinic["patients"][CODE]
    start = datetime.combine(clinic["day"] - timedelta(days=19), time.min, UTC)
    rng = np.random.default_rng(5)
    hours = np.arange(20 * 1440) / 60 % 24
    recordings = []
    for name, kind, low, high in (
        ("Apple Watch", DeviceKind.WATCH, 7, 23),
        ("iPhone", DeviceKind.PHONE, 6, 20),
    ):
        values = rng.poisson(9, hours.size).astype(np.float32)
        values[(hours < low) | (hours >= high)] = np.nan
        series = [MinuteSeries(Channel.STEPS, "steps/min", start, values)]
        if kind is DeviceKind.WATCH:
            rate = values * 2 + 60
            series.append(MinuteSeries(Channel.HEART_RATE, "bpm", start, rate))
        recordings.append(
            Recording(
                "apple_health",
                name,
                Family.STEPS,
                tuple(series),
                rejected={"steps_duplicate": 1240, "heart_rate_out_of_range": 14},
                kind=kind,
                rejected_days={(Channel.HEART_RATE, clinic["day"] - timedelta(days=3)): 28}
                if kind is DeviceKind.WATCH
                else {},
            )
        )
    recordings_store(
        patient=patient, recordings=recordings, file_sha256="5e" * 32, zone="UTC", by="test"
    )
    features_update(patient=patient)
    return patient


def order_of(patient: Patient) -> list[str]:
    return [device.name for device in devices_in_order(patient)]


def press(page: Page, key: str) -> None:
    """A key that sends a form; back when the page is there again."""
    with page.expect_navigation():
        page.keyboard.press(key)


def test_the_order_is_changed_with_the_keyboard(visit: Visit, clinic: dict[str, Any]) -> None:  # noqa: F811
    patient = two_step_counters(clinic)
    page = visit.page
    visit.log_in(Role.COORDINATOR)
    page.goto(f"/patients/{CODE}/")
    page.get_by_role("link", name="Data: devices, days, files and time zones").click()
    before = order_of(patient)
    assert before.index("iPhone") == 3
    up = page.get_by_role("button", name="Move iPhone up")
    up.focus()
    for _ in range(2):
        press(page, "Enter")
        expect(up).to_be_focused()
    press(page, "Enter")
    expect(page.get_by_role("button", name="Move iPhone down")).to_be_focused()
    expect(page.get_by_text("This order is not saved yet.")).to_be_visible()
    assert order_of(patient) == before
    page.get_by_role("button", name="Save this order").focus()
    press(page, "Enter")
    expect(page.get_by_text("The order is saved. 20 days changed by it")).to_be_visible()
    assert order_of(patient) == ["iPhone", *before[:3]]
    expect(page.locator("table.devices tbody tr").first).to_contain_text("iPhone")


def test_a_day_tells_where_its_minutes_come_from(visit: Visit, clinic: dict[str, Any]) -> None:  # noqa: F811
    two_step_counters(clinic)
    page = visit.page
    visit.log_in(Role.PSYCHIATRIST)
    page.goto(f"/patients/{CODE}/data/")
    day = clinic["day"] - timedelta(days=3)
    page.get_by_role("link", name=f"{day:%a} {day.day} {day:%b}").click()
    opened = page.locator("section", has=page.locator("#day"))
    expect(opened.get_by_role("heading", name=f"{day:%A} {day.day} {day:%B %Y}")).to_be_visible()
    steps = opened.locator("tbody", has_text="Steps").first
    expect(steps).to_contain_text("Apple Watch")
    # 6 to 20 h UTC is 1 to 15 h in Toronto; the watch is believed from 7 h UTC on.
    phone = steps.locator("tr", has_text="iPhone").locator("td")
    expect(phone).to_have_text(["iPhone", "840 min", "60 min"])
    expect(opened).to_contain_text("5e5e5e5e5e5e")
    left_out = opened.locator("table.files tr", has_text="Heart rate").locator("td").last
    expect(left_out).to_have_text("28 out of range")
    files = page.locator("section", has=page.locator("#files"))
    expect(files).to_contain_text("2,480 steps told twice")


def test_the_order_can_be_changed_without_javascript(
    chromium: Browser, clinic: dict[str, Any], live_server: Any
) -> None:
    patient = two_step_counters(clinic)
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    Visit(page, "").log_in(Role.COORDINATOR)
    page.goto(f"/patients/{CODE}/data/")
    page.get_by_role("button", name="Move iPhone up").click()
    page.get_by_role("button", name="Save this order").click()
    expect(page.get_by_text("The order is saved.")).to_be_visible()
    assert order_of(patient)[2] == "iPhone"
    context.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_is_not_wider_than_its_window(
    visit: Visit,  # noqa: F811
    clinic: dict[str, Any],
    width: int,
) -> None:
    two_step_counters(clinic)
    page = visit.page
    page.set_viewport_size({"width": width, "height": 800})
    visit.log_in(Role.PSYCHIATRIST)
    for address in (f"?day={clinic['day']:%F}", "?order=1,2"):
        page.goto(f"/patients/{CODE}/data/{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_devices_data_are_removed_and_a_refusal_stands_beside_the_days(
    chromium: Browser, clinic: dict[str, Any], live_server: Any, width: int, scheme: Any
) -> None:
    patient = two_step_counters(clinic)
    day = f"{clinic['day']:%Y-%m-%d}"
    context = chromium.new_context(
        base_url=live_server.url, color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    page = context.new_page()
    Visit(page, "").log_in(Role.COORDINATOR)
    page.goto(f"/patients/{CODE}/data/")
    watch = page.locator("details.removal", has_text="Apple Watch")
    watch.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(watch.get_by_label("Last day")).to_have_value(day)
    expect(watch).to_contain_text("This cannot be undone")
    watch.get_by_label("First day").fill("2099-01-01")
    watch.get_by_label("Yes, remove them").check()
    watch.get_by_role("button", name="Remove").click()
    expect(watch.get_by_role("alert")).to_have_text(
        "The last day lies before the first: change one of them."
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    watch.get_by_label("First day").fill(day)
    watch.get_by_label("Yes, remove them").check()
    watch.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("1 day of Apple Watch removed: 960 minutes")).to_be_visible()
    assert patient.devices.get(name="Apple Watch").recording_days.count() == 2 * 19
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_a_coordinator_looks_after_data_that_have_stopped(
    visit: Visit,  # noqa: F811
    clinic: dict[str, Any],
) -> None:
    absence_watch(now=datetime.now(UTC))
    page = visit.page
    visit.log_in(Role.COORDINATOR)
    page.get_by_role("link", name="Data stopped").click()
    page.locator("#p-CL-0130").get_by_role("link", name="No data since").click()
    page.get_by_label("Note on the missing data (optional)").fill("Will ring on Monday.")
    page.get_by_role("button", name="I look after it").click()
    expect(page.get_by_text("Noted that you look after the data of CL-0130.")).to_be_visible()
    expect(page.get_by_text("“Will ring on Monday.”")).to_be_visible()
