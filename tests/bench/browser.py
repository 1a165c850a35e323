"""What a reader waits for in Chromium, with a big clinic behind two web processes on these cores.

First contentful paint of the panel, cold (nothing cached) and warm; the next paint after keys,
a filter and a dialog on it; and the time until a patient's charts are drawn, cold.
"""

import sys
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.big_clinic import WHOLE
from tests.bench.web import FULL, QUICK, at, served
from tests.browser.chromium import launch
from tests.browser.looking import DRAWN, SIZES

TIMES = 5
PAINT_MS, INTERACTION_MS, CHARTS_MS = 1000, 200, 1500
# Interactions as the browser times them: from the key or click until the next paint.
WATCH = """() => {
    window.took = [];
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
        if (entry.interactionId) window.took.push([entry.name, entry.duration]);
    })).observe({ type: "event", durationThreshold: 16, buffered: true });
}"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
Step = tuple[str, Callable[[Page], Any]]
STEPS: tuple[Step, ...] = (
    ("j five times", lambda page: [page.keyboard.press("j") for _ in range(5)]),
    ("k", lambda page: page.keyboard.press("k")),
    ("? and Escape", lambda page: [page.keyboard.press("?"), page.keyboard.press("Escape")]),
    ("d and Escape", lambda page: [page.keyboard.press("d"), page.keyboard.press("Escape")]),
    ("s and Escape", lambda page: [page.keyboard.press("s"), page.keyboard.press("Escape")]),
    ("a filter", lambda page: page.locator("a[href*='tier=High']").first.click()),
)


def logged_in(browser: Browser, url: str, password: str) -> Any:
    """The cookies of somebody who cares for all patients."""
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("User name").fill(WHOLE[0])
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.locator("h1").wait_for()
    page.wait_for_url(lambda found: "/login/" not in found)
    state = context.storage_state()
    context.close()
    return state


def paints(browser: Browser, url: str, state: Any) -> tuple[list[float], list[float]]:
    """First contentful paint of the panel in ms: cold, and again in the same window."""
    cold, warm = [], []
    for _ in range(TIMES):
        context = browser.new_context(base_url=url, storage_state=state, viewport=SIZES["desktop"])
        page = context.new_page()
        for found in (cold, warm):
            page.goto("/", wait_until="load")
            page.wait_for_function(f"() => ({PAINT})() > 0")
            found.append(page.evaluate(PAINT))
        context.close()
    return cold, warm


def interactions(browser: Browser, url: str, state: Any) -> dict[str, float]:
    """The longest interaction of each step in ms; 16 is the least that is told."""
    context = browser.new_context(base_url=url, storage_state=state, viewport=SIZES["desktop"])
    page = context.new_page()
    longest = {}
    for name, act in STEPS:
        page.goto("/", wait_until="load")
        page.wait_for_timeout(500)
        page.evaluate(WATCH)
        # A filter leaves the page: its click is timed while the next one loads.
        if name == "a filter":
            page.evaluate("addEventListener('click', (e) => e.preventDefault(), {capture: true})")
        act(page)
        page.wait_for_timeout(400)
        longest[name] = max((took for _, took in page.evaluate("window.took")), default=16.0)
    context.close()
    return longest


def charts(browser: Browser, url: str, state: Any, codes: tuple[str, ...]) -> list[float]:
    """From the click until every chart of a record is drawn, in ms, with nothing cached."""
    found = []
    for code in codes[:TIMES]:
        context = browser.new_context(base_url=url, storage_state=state, viewport=SIZES["desktop"])
        page = context.new_page()
        page.goto(f"/patients/{code}/", wait_until="commit")
        page.wait_for_function(
            f"() => document.querySelector('.chart, #timeline') && ({DRAWN})()", timeout=30_000
        )
        found.append(page.evaluate("performance.now()"))
        context.close()
    return found


def main() -> None:
    """Print every figure with what is wanted."""
    with (
        served(QUICK if "--quick" in sys.argv else FULL) as (port, clinic),
        sync_playwright() as playwright,
    ):
        browser, url = launch(playwright), f"http://127.0.0.1:{port}"
        state = logged_in(browser, url, clinic.password)
        cold, warm = paints(browser, url, state)
        longest = interactions(browser, url, state)
        drawn = charts(browser, url, state, clinic.codes)
        browser.close()
    for name, values in (("cold", cold), ("warm", warm)):
        print(
            f"browser: panel of {len(clinic.codes)}, first contentful paint {name}: median "
            f"{at(values, 0.5):.0f} ms, longest {max(values):.0f} ms (under {PAINT_MS} wanted)"
        )
    for step, took in longest.items():
        print(f"browser: next paint after {step}: {took:.0f} ms (under {INTERACTION_MS} wanted)")
    print(
        f"browser: a record's charts drawn cold: median {at(drawn, 0.5):.0f} ms, longest "
        f"{max(drawn):.0f} ms (under {CHARTS_MS} wanted)"
    )


if __name__ == "__main__":
    main()
