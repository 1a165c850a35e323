"""The panel by keyboard, by many at once, without reloading and without JavaScript."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from alerts import services
from alerts.models import Alert
from alerts.presenters import panel_page
from patients.models import CareTeamMember, Role, User
from tests import factories
from tests.browser.clinic import PASSWORD
from tests.browser.test_journey import Visit, visit  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOK = "document.dispatchEvent(new Event('visibilitychange'))"


# The key a held down, and pressed again before the answer.
HELD = """() => [false, true, true, false].forEach((repeat) => document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key: "a", repeat, bubbles: true })))"""


def focused(page: Page) -> str:
    """The words of what has the focus."""
    return str(page.evaluate("document.activeElement.textContent"))


def listens(page: Page) -> None:
    """The script is there: before that a key does nothing."""
    expect(page.locator("#panel.with-keys")).to_be_visible()


def alert_of(code: str) -> Alert:
    return Alert.objects.exclude(state="dismissed").get(patient__code=code)


def test_a_morning_by_keyboard_alone(visit: Visit) -> None:  # noqa: F811
    page = visit.page
    visit.log_in(Role.PSYCHIATRIST)
    listens(page)
    for key, code in (("j", "CL-0107"), ("j", "CL-0112"), ("j", "CL-0121"), ("k", "CL-0112")):
        page.keyboard.press(key)
        assert focused(page) == code
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"

    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("j")  # behind a dialog nothing moves
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("d")
    expect(page.locator("#dismiss")).to_contain_text("CL-0112, Depression High")
    page.keyboard.press("Tab")
    page.locator("#d-reason").press("D")  # “Data artefact …”
    page.locator("#d-reason").press("Enter")
    page.locator("#d-note").focus()
    page.keyboard.type("Watch lay in a drawer, d s a j ?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Depression alert of CL-0112 dismissed.")).to_be_visible()
    dismissed = Alert.objects.get(patient__code="CL-0112")
    assert (dismissed.state, dismissed.transitions.last().reason) == ("dismissed", "data-artifact")

    listens(page)
    assert focused(page) == "CL-0112"  # back on the patient that one dealt with
    page.locator("#p-CL-0107 th a").focus()
    page.keyboard.press("a")
    expect(page.get_by_text("Mania alert of CL-0107 acknowledged.")).to_be_visible()
    assert alert_of("CL-0107").state == "acknowledged"
    listens(page)
    assert focused(page) == "CL-0107"
    page.keyboard.press("s")
    expect(page.locator("#snooze")).to_contain_text("CL-0107")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Mania alert of CL-0107 snoozed.")).to_be_visible()
    listens(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="CL-0107")).to_be_visible()


def test_without_a_row_no_key_acts_and_one_that_is_held_acts_once(visit: Visit) -> None:  # noqa: F811
    page = visit.page
    visit.log_in(Role.PSYCHIATRIST)
    listens(page)
    for key in "ads":
        page.keyboard.press(key)
        expect(page.locator("#refused")).to_contain_text("Choose a row first")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert alert_of("CL-0107").state == "new"
    posts: list[str] = []
    page.on("request", lambda r: posts.append(r.url) if r.method == "POST" else None)
    page.keyboard.press("j")
    page.evaluate(HELD)
    expect(page.get_by_text("Mania alert of CL-0107 acknowledged.")).to_be_visible()
    assert len(posts) == 1
    assert alert_of("CL-0107").transitions.filter(actor="psychiatrist.1").count() == 1


def test_what_a_key_was_answered_stays_when_the_last_act_comes_late(visit: Visit) -> None:  # noqa: F811
    page = visit.page
    held: list[Route] = []
    page.route("**/panel/undo/*", lambda route: held.append(route))
    visit.log_in(Role.PSYCHIATRIST)
    listens(page)
    page.keyboard.press("a")
    expect(page.locator("#refused")).to_contain_text("Choose a row first")
    with page.expect_response("**/panel/undo/*"):
        held[0].continue_()
    expect(page.locator("#toast[hx-get]")).to_have_count(0)
    expect(page.locator("#refused")).to_contain_text("Choose a row first")


def test_single_keys_are_turned_off_here_as_among_the_alerts(visit: Visit) -> None:  # noqa: F811
    page = visit.page
    visit.log_in(Role.PSYCHIATRIST)
    listens(page)
    page.keyboard.press("?")
    page.get_by_label("Single keys act").uncheck()
    page.keyboard.press("Escape")
    page.locator("#p-CL-0107 th a").focus()
    for _ in range(2):
        for key in ("a", "d", "s", "?", "j"):
            page.keyboard.press(key)
        assert focused(page) == "CL-0107"
        expect(page.locator("dialog[open]")).to_have_count(0)
        page.reload()  # it stays chosen
        listens(page)
        page.locator("#p-CL-0107 th a").focus()
    assert alert_of("CL-0107").state == "new"
    page.get_by_role("link", name="Alerts", exact=True).first.click()
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_an_act_is_taken_back_on_the_panel_and_the_offer_can_be_closed(visit: Visit) -> None:  # noqa: F811
    page = visit.page
    visit.log_in(Role.PSYCHIATRIST)
    listens(page)
    expect(page.locator("#toast")).to_have_css("opacity", "0")
    page.locator("#p-CL-0107").get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#said")).to_contain_text("You can take back: acknowledged, CL-0107")
    page.keyboard.press("u")
    expect(page.locator("#p-CL-0107")).to_contain_text("nobody has it")
    assert alert_of("CL-0107").state == "new"
    page.locator("#p-CL-0107").get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#toast")).to_have_css("opacity", "1")
    page.locator("#toast").get_by_role("button", name="Close").click()
    expect(page.locator("#toast")).to_have_css("opacity", "0")
    page.reload()
    expect(page.locator("#said")).not_to_be_empty()
    expect(page.locator("#toast")).to_have_css("opacity", "0")
    page.goto("/alerts/")
    expect(page.locator("#toast")).to_have_css("opacity", "0")


@pytest.mark.parametrize(
    ("role", "words"),
    [
        (Role.PSYCHIATRIST, "Dismiss this alert"),
        (Role.COORDINATOR, "Ask a psychiatrist to dismiss this alert"),
    ],
)
def test_the_dialog_says_what_the_button_does_for_this_reader(
    visit: Visit,  # noqa: F811
    role: str,
    words: str,
) -> None:
    page = visit.page
    visit.log_in(role)
    listens(page)
    page.locator("#p-CL-0107 th a").focus()
    page.keyboard.press("d")
    expect(page.locator("#dismiss button.primary")).to_have_text(words)


def test_many_are_not_sent_off_without_a_reason_and_the_ticks_stay(visit: Visit) -> None:  # noqa: F811
    page = visit.page
    visit.log_in(Role.PSYCHIATRIST)
    listens(page)
    page.get_by_role("checkbox", name="CL-0107").check()
    for reason in ("", "   "):
        page.get_by_label("Acknowledge the ticked rows, because").fill(reason)
        page.get_by_role("button", name="Acknowledge ticked").click()
        expect(page.get_by_role("checkbox", name="CL-0107")).to_be_checked()
        expect(page.get_by_label("Acknowledge the ticked rows, because")).to_be_focused()
    page.locator("#p-CL-0107").get_by_role("button", name="Acknowledge").click()  # needs none
    expect(page.get_by_text("Mania alert of CL-0107 acknowledged.")).to_be_visible()


def test_keys_are_never_taken_from_where_one_writes(visit: Visit) -> None:  # noqa: F811
    page = visit.page
    visit.log_in(Role.PSYCHIATRIST)
    listens(page)
    page.keyboard.press("/")
    page.keyboard.type("asdjk?x")
    expect(page.get_by_label("Code")).to_have_value("asdjk?x")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_label("Track").focus()
    page.keyboard.press("d")  # chooses in the list
    expect(page.get_by_label("Track")).to_have_value("depression")
    page.locator("body").press("Control+j")
    assert Alert.objects.filter(state="acknowledged").count() == 1  # as the clinic was made


def test_many_are_taken_on_with_one_reason(visit: Visit) -> None:  # noqa: F811
    page = visit.page
    visit.log_in(Role.COORDINATOR)
    listens(page)
    bar = page.get_by_role("button", name="Acknowledge ticked")
    expect(bar).to_be_hidden()
    page.get_by_role("checkbox", name="CL-0107").check()
    page.keyboard.press("j")  # from the row of the tick on
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox", name="CL-0112")).to_be_checked()
    expect(bar).to_contain_text("(2)")
    page.get_by_label("Acknowledge the ticked rows, because").fill("Calling both at ten.")
    services.alert_acknowledge(
        alert=alert_of("CL-0112"), by=User.objects.get(username="psychiatrist.1")
    )
    bar.click()
    expect(page.get_by_text("1 alert acknowledged.")).to_be_visible()
    expect(page.get_by_text("CL-0112, Depression: not acknowledged.")).to_be_visible()
    row = page.locator("#p-CL-0107")
    expect(row).to_contain_text("Jo Marsh has it")


def test_what_changed_comes_without_reloading_and_leaves_one_where_one_was(
    visit: Visit,  # noqa: F811
    clinic: dict[str, Any],
) -> None:
    page = visit.page
    visit.log_in(Role.PSYCHIATRIST)
    listens(page)
    page.evaluate("window.stayed = true")
    page.get_by_role("checkbox", name="CL-0126").check()
    for _ in range(3):
        page.keyboard.press("j")
    before = focused(page)
    ian = clinic["patients"]["CL-0145"]
    factories.score(ian, clinic["day"], 0.95, 0.95, revision=2, is_current=False)
    of = ian.scores.filter(is_current=True).get(day=clinic["day"])
    services.alert_acknowledge(
        alert=factories.alert(of, raised_at=timezone.now()),
        by=User.objects.get(username="coordinator.1"),
    )
    page.evaluate(LOOK)
    expect(page.locator("#p-CL-0145")).to_contain_text("Jo Marsh has it")
    expect(page.get_by_text("Updated just now.")).to_be_visible()
    assert page.evaluate("window.stayed") is True
    assert focused(page) == before
    expect(page.get_by_role("checkbox", name="CL-0126")).to_be_checked()
    expect(page.get_by_role("button", name="Acknowledge ticked")).to_contain_text("(1)")
    page.get_by_role("checkbox", name="CL-0126").uncheck()  # what is on the page still works
    expect(page.get_by_role("button", name="Acknowledge ticked")).to_be_hidden()


def test_more_rows_come_as_one_scrolls(
    visit: Visit,  # noqa: F811
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(panel_page, "PAGE_SIZE", 4)
    page = visit.page
    page.set_viewport_size({"width": 1280, "height": 300})
    visit.log_in(Role.PSYCHIATRIST)
    rows = page.locator("#panel tr[data-code]")
    expect(rows).to_have_count(4)
    for _ in range(6):
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(150)
    expect(rows).to_have_count(10)
    expect(page.get_by_role("link", name="Show more")).to_have_count(0)
    codes = [row.get_attribute("data-code") for row in rows.all()]
    assert len(set(codes)) == 10


@pytest.mark.parametrize("width", [360, 1360])
def test_all_of_it_works_without_javascript(
    chromium: Browser, clinic: dict[str, Any], live_server: Any, monkeypatch: Any, width: int
) -> None:
    monkeypatch.setattr(panel_page, "PAGE_SIZE", 6)
    context = chromium.new_context(
        base_url=live_server.url,
        java_script_enabled=False,
        viewport={"width": width, "height": 800},
    )
    page = context.new_page()
    page.goto("/")
    page.get_by_label("User name").fill("psychiatrist.1")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    first = page.locator("#panel tr[data-code]").first
    expect(first).to_contain_text("CL-0107")
    first.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Mania alert of CL-0107 acknowledged.")).to_be_visible()
    page.get_by_role("link", name="Show more").click()
    expect(page.locator("#panel tr[data-code]")).to_have_count(4)
    page.get_by_role("link", name="Back to the top of the list").click()
    page.get_by_role("checkbox", name="CL-0112").check()
    page.get_by_label("Acknowledge the ticked rows, because").fill("Calling at ten.")
    page.get_by_role("button", name="Acknowledge ticked").click()
    expect(page.get_by_text("1 alert acknowledged.")).to_be_visible()
    page.get_by_text("Search and filter").click()
    page.get_by_label("Alerts", exact=True).select_option("mine")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#panel tr[data-code]")).to_have_count(2)
    page.get_by_label("Save these filters as a view named").fill("My morning")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="My morning 2")).to_be_visible()
    context.close()


BEYOND = """() => [...document.querySelectorAll(".top a, .top summary, .filters a, #panel tr *")]
    .map((it) => [it.textContent, it.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.left < 0 || box.right > innerWidth + 0.5))
    .map(([words]) => words)"""
TALLEST = """() => Math.max(...[...document.querySelectorAll("#panel tr[data-code]")]
    .map((row) => row.offsetHeight))"""


def test_on_a_phone_all_is_in_sight_and_nothing_empty_takes_a_line(visit: Visit) -> None:  # noqa: F811
    page = visit.page
    page.set_viewport_size({"width": 360, "height": 780})
    visit.log_in(Role.PSYCHIATRIST)
    page.locator(".top summary").click()
    expect(page.locator(".top .more a").last).to_be_visible()
    assert page.evaluate(BEYOND) == []
    assert page.locator(".c-totals > .muted, .c-drugs > .muted").count() > 0
    assert page.locator(".c-totals > .muted:visible, .c-drugs > .muted:visible").count() == 0
    assert page.evaluate(TALLEST) < 400


def test_a_new_psychiatrist_finds_whom_to_call_and_takes_it_on_in_two_clicks(
    visit: Visit,  # noqa: F811
    clinic: dict[str, Any],
) -> None:
    new = factories.user(Role.PSYCHIATRIST, "new.1", PASSWORD)
    for patient in clinic["patients"].values():
        CareTeamMember.objects.create(patient=patient, user=new)
    page, clicks = visit.page, []
    page.expose_function("clicked", lambda what: clicks.append(what))
    page.add_init_script(
        "addEventListener('click', e => { if (e.isTrusted) clicked(e.target.textContent) }, true)"
    )
    page.goto("/")
    page.get_by_label("User name").fill("new.1")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    first = page.locator("#panel tr[data-code]").first
    expect(first).to_contain_text("CL-0107")
    expect(first).to_contain_text("Mania High since")
    expect(first).to_contain_text("nobody has it")
    first.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Mania alert of CL-0107 acknowledged.")).to_be_visible()
    assert alert_of("CL-0107").state == "acknowledged"
    page.locator("#panel tr[data-code]").first.get_by_role("link", name="CL-0107").click()
    expect(page.get_by_text("The mania risk indicator is High since")).to_be_visible()
    assert len(clicks) <= 6, clicks


def test_last_visits_changes_are_marked(visit: Visit, clinic: dict[str, Any]) -> None:  # noqa: F811
    long_ago = timezone.now() - timedelta(hours=30)
    User.objects.filter(username="psychiatrist.1").update(panel_seen_at=long_ago)
    gus = clinic["patients"]["CL-0138"]
    gus.scores.filter(day=clinic["day"]).delete()
    factories.score(gus, clinic["day"], 0.9, 0.9, scored_at=timezone.now() - timedelta(hours=2))
    visit.log_in(Role.PSYCHIATRIST)
    visit.page.get_by_role("link", name="Changed since my last visit").click()
    row = visit.page.locator("#p-CL-0138")
    expect(row).to_contain_text("was Low")
    visit.page.get_by_role("button", name="Mark all as seen").click()
    expect(visit.page.get_by_role("link", name="Changed since my last visit 0")).to_be_visible()
