"""The alert queue and the day in a real browser: by keys alone, and by thumb on a phone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from alerts.absence import absence_watch
from alerts.models import Alert, FollowUp
from alerts.services import alert_snooze
from patients.models import Patient, Role, User
from tests import factories
from tests.browser.clinic import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def log_in(page: Page, role: str, address: str) -> None:
    page.goto("/")
    page.get_by_label("User name").fill(f"{role}.1")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(address)


@pytest.fixture
def opened(chromium: Browser, clinic: dict[str, Any], live_server: Any) -> Iterator[Page]:
    """A page whose scripts may not fail and that asks no other host."""
    context = chromium.new_context(base_url=live_server.url)
    page, failures = context.new_page(), []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda m: failures.append(m.text) if m.type == "error" else None)
    page.on("request", lambda r: r.url.startswith(live_server.url) or failures.append(r.url))
    yield page
    context.close()
    assert not failures


def of(code: str) -> Alert:
    return Alert.objects.filter(patient__code=code).latest("raised_at")


def _coordinator() -> User:
    return User.objects.get(username="coordinator.1")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.closest('[data-item]')?.id ?? ''"))


def stays_on(page: Page, item: str) -> None:
    """What takes a card's place gets its focus once it is settled."""
    page.wait_for_function(
        "id => document.activeElement.closest('[data-item]')?.id === id", arg=item
    )


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_the_queue_is_gone_through_by_keys_alone(opened: Page) -> None:
    page = opened
    log_in(page, Role.PSYCHIATRIST, "/alerts/")
    ids = page.locator("[data-item]").evaluate_all("all => all.map(item => item.id)")
    first, second = (Alert.objects.get(pk=int(name.split("-")[1])) for name in ids[:2])
    said, undo = page.locator("#said"), page.locator("#undo button")

    press(page, "j", "a")
    expect(said).to_have_text(f"{first.get_kind_display()} alert of {first.patient} acknowledged.")
    expect(undo).to_be_visible()
    expect(page.locator("#undo [data-seconds]")).to_contain_text("for another 9 min")
    expect(page.locator(f"#{ids[0]} .waiting")).to_contain_text("Nadia Grey has it since")
    expect(page.get_by_label("Whose alerts").get_by_role("link", name="Mine")).to_contain_text("1")
    assert focused(page) == ids[0] and Alert.objects.get(pk=first.pk).state == "acknowledged"

    press(page, "u")
    expect(said).to_contain_text("undone")
    expect(undo).to_have_count(0)
    expect(page.locator(f"#{ids[0]} .waiting")).to_contain_text("if nobody takes it on by")
    assert focused(page) == ids[0] and Alert.objects.get(pk=first.pk).state == "new"

    press(page, "d", "d", "Tab", "Tab", "Tab", "Enter")  # d opens and goes to the reasons
    expect(said).to_contain_text("dismissed")
    expect(page.locator(f"#{ids[0]}")).to_contain_text("Dismissed (Data artefact")
    stays_on(page, ids[0])

    press(page, "j", "j", "k")
    assert focused(page) == ids[1]
    press(page, "s", "Tab", "Enter")  # one hour is the first, the next is four
    expect(said).to_contain_text("snoozed")
    expect(page.locator(f"#{ids[1]} .waiting")).to_contain_text("Snoozed by Nadia Grey until")
    assert Alert.objects.get(pk=second.pk).state == "snoozed"

    press(page, "c")
    page.keyboard.type("Rang, will come on Monday: asks j, d and a.")
    press(page, "Tab", "Enter")
    expect(said).to_contain_text("contact recorded")
    assert Alert.objects.get(pk=second.pk).state == "acknowledged"
    press(page, "Escape", "?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press(page, "Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)
    press(page, "r")
    expect(said).to_contain_text("resolved")
    assert Alert.objects.get(pk=second.pk).state == "resolved"
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(second.patient.code)


def test_single_keys_can_be_turned_off(opened: Page) -> None:
    page = opened
    log_in(page, Role.PSYCHIATRIST, "/alerts/")
    press(page, "?")
    page.get_by_label("Single keys act").uncheck()
    press(page, "Escape", "j", "a")
    page.reload()
    press(page, "j", "a")
    assert focused(page) == "" and set(
        Alert.objects.exclude(state="dismissed").values_list("state", flat=True)
    ) == {"new", "acknowledged"}
    assert not Alert.objects.filter(transitions__actor="psychiatrist.1").exists()


def test_what_is_refused_keeps_what_was_typed_and_says_why(opened: Page) -> None:
    page = opened
    log_in(page, Role.PSYCHIATRIST, "/alerts/")
    card = page.locator("article.alert", has=page.locator(f"#alert-{of('CL-0112').pk}"))
    card.get_by_text("Dismiss…").click()
    card.get_by_label("Reason").select_option("will-monitor")
    card.get_by_label("Note (needed for “Other”)").fill("Seen at the visit.")
    card.get_by_role("button", name="Dismiss this alert").click()
    expect(page.locator("#refused")).to_have_text("Say until when you will monitor.")
    expect(card.get_by_label("Note (needed for “Other”)")).to_have_value("Seen at the visit.")


def test_a_card_that_somebody_else_has_dealt_with_is_shown_anew(opened: Page) -> None:
    page = opened
    log_in(page, Role.PSYCHIATRIST, "/alerts/")
    alert = of("CL-0112")
    other = page.context.browser.new_context(base_url=page.url)  # type: ignore[union-attr]
    log_in(colleague := other.new_page(), Role.COORDINATOR, "/alerts/")
    colleague.locator(f"#card-{alert.pk}").get_by_role("button", name="Acknowledge").click()
    expect(colleague.locator("#said")).to_contain_text("acknowledged")
    other.close()
    page.locator(f"#card-{alert.pk}").get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#refused")).to_contain_text("already been acknowledged")
    expect(page.locator(f"#card-{alert.pk} .waiting")).to_contain_text("Jo Marsh has it since")


def test_one_tap_on_a_phone_acknowledges_and_one_more_takes_it_back(
    chromium: Browser, clinic: dict[str, Any], live_server: Any
) -> None:
    size = {"width": 360, "height": 780}
    context = chromium.new_context(base_url=live_server.url, viewport=size, has_touch=True)
    page = context.new_page()
    log_in(page, Role.COORDINATOR, "/alerts/")
    alert = of("CL-0112")
    page.locator(f"#card-{alert.pk}").get_by_role("button", name="Acknowledge").tap()
    expect(page.locator("#said")).to_have_text("Depression alert of CL-0112 acknowledged.")
    assert Alert.objects.get(pk=alert.pk).state == "acknowledged"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#undo button").tap()
    expect(page.locator("#said")).to_contain_text("undone")
    assert Alert.objects.get(pk=alert.pk).state == "new"
    small = page.locator("main button:visible, main summary:visible, main select:visible")
    heights = small.evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
    assert heights and min(heights) >= 24
    context.close()


def test_today_is_done_in_place_by_keys(opened: Page) -> None:
    page = opened
    promised = factories.follow_up(of("CL-0121"), _coordinator())
    patient = Patient.objects.get(code="CL-0130")  # whose data stopped nine days ago
    absence_watch(now=timezone.now())
    data = patient.alerts.get(kind="data")  # and one more patient's
    log_in(page, Role.COORDINATOR, "/today/")
    of_data = page.get_by_label("What is to be done").get_by_role("link", name="Data")
    before = re.search(r"(\d+)", of_data.inner_text())
    assert before
    titles = page.locator("[data-item]").evaluate_all("all => all.map(item => item.id)")
    high = [f"task-alert-{of(code).pk}" for code in ("CL-0107", "CL-0112")]
    assert sorted(titles[:2]) == sorted(high)
    assert titles.index(f"task-follow-up-{promised.pk}") < titles.index(f"task-alert-{data.pk}")

    press(page, "j", "a")
    expect(page.locator("#said")).to_contain_text("acknowledged")
    expect(page.locator(f"#{titles[0]}")).to_contain_text("acknowledged")
    assert focused(page) == titles[0]
    press(page, "u")
    expect(page.locator(f"#{titles[0]}").get_by_role("button", name="Acknowledge")).to_be_visible()

    for name, note in (
        (f"task-follow-up-{promised.pk}", "Is well."),
        (f"task-alert-{data.pk}", "Rang."),
    ):
        page.locator(f"#{name}").focus()
        press(page, "a")
        page.keyboard.type(note)
        press(page, "Enter")
        expect(page.locator(f"#{name}")).to_have_class("task task-done")
    assert FollowUp.objects.get(pk=promised.pk).note == "Is well."
    assert Alert.objects.get(pk=data.pk).state == "acknowledged"
    expect(of_data).to_have_text(f"Data to chase {int(before[1]) - 1}")


BEYOND_THE_CARD = """() => [...document.querySelectorAll("article.alert .tag")].filter((tag) =>
    tag.getBoundingClientRect().right > tag.closest("article").getBoundingClientRect().right
).map((tag) => tag.textContent)"""


def test_on_a_phone_in_french_no_tag_runs_past_its_card(opened: Page) -> None:
    alert = of("CL-0112")
    alert_snooze(alert=alert, by=User.objects.get(username="psychiatrist.1"), hours=20)
    User.objects.update(language="fr")
    page = opened
    page.set_viewport_size({"width": 360, "height": 780})
    log_in(page, Role.PSYCHIATRIST, "/alerts/")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator(f"#card-{alert.pk} .tag").first).to_be_visible()
    assert page.evaluate(BEYOND_THE_CARD) == []


def test_today_works_without_javascript(
    chromium: Browser, clinic: dict[str, Any], live_server: Any
) -> None:
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    promised = factories.follow_up(of("CL-0121"), _coordinator())
    log_in(page, Role.COORDINATOR, "/today/")
    task = page.locator(f"#task-follow-up-{promised.pk}")
    task.get_by_label("What was found of CL-0121").fill("Is well.")
    task.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Follow-up of CL-0121 done.", exact=True)).to_be_visible()
    expect(page.get_by_text("You can take back: follow-up of CL-0121 done.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    assert FollowUp.objects.get(pk=promised.pk).state == "open"
    context.close()
