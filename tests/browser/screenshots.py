"""Pictures of a running `make demo` for the README: light and dark, desktop and phone.

Start it with a password of your own, then take the pictures:
    DEMO_PASSWORD=… make demo
    DEMO_PASSWORD=… make screenshots
"""

import argparse
import itertools
import os
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import launch

SIZES = {"desktop": {"width": 1360, "height": 900}, "phone": {"width": 360, "height": 780}}
ADMINISTRATION = (
    *("baselines", "medications", "messages", "on-call", "rules", "rules/performance", "runs"),
    *("drift", "models"),
)


def main() -> None:
    """Log in as a psychiatrist and as the administrator, and save every page."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--url", default=f"http://localhost:{os.environ.get('PORT', 8000)}")
    ask.add_argument("--password", default=os.environ.get("DEMO_PASSWORD"))
    ask.add_argument("--clinician", default="dr.roy")
    ask.add_argument("--administrator", default="admin.chen")
    ask.add_argument("--patient", default="", help="the first of the panel, unless given")
    ask.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    asked = ask.parse_args()
    if not asked.password:
        ask.error("give the log-ins' password: --password or DEMO_PASSWORD")
    asked.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for scheme, size in itertools.product(("light", "dark"), SIZES):
            page = opened(browser, asked.url, scheme, size)
            log_in(page, asked.clinician, asked.password)
            clinician(page, asked.patient, asked.out, f"{size}-{scheme}")
        page = opened(browser, asked.url, "light", "desktop")
        page.goto("/login/")
        save(page, asked.out / "login.png")
        log_in(page, asked.administrator, asked.password)
        administrator(page, asked.out)
        browser.close()


def opened(browser: Browser, url: str, scheme: str, size: str) -> Page:
    """A fresh window."""
    return browser.new_context(
        base_url=url,
        color_scheme=scheme,
        viewport=SIZES[size],  # type: ignore[arg-type]
    ).new_page()


def log_in(page: Page, name: str, password: str) -> None:
    """Through the door."""
    page.goto("/login/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="My patients").wait_for()


def save(page: Page, path: Path) -> None:
    """The whole page as a PNG."""
    page.wait_for_timeout(400)
    page.screenshot(path=path, full_page=True)


def clinician(page: Page, code: str, out: Path, suffix: str) -> None:
    """Panel, record and queue."""
    save(page, out / f"panel-{suffix}.png")
    if code:
        page.goto(f"/patients/{code}/")
    else:
        page.locator("table.panel tbody th a").first.click()
    page.locator("#timeline[data-drawn]").wait_for()
    for place in ("#actogram", "#raster"):
        page.locator(place).scroll_into_view_if_needed()
        page.locator(f"{place} svg").first.wait_for()
    save(page, out / f"patient-{suffix}.png")
    record = page.url
    page.goto(f"{record}summary/")
    save(page, out / f"summary-{suffix}.png")
    page.goto("/alerts/")
    page.locator("summary").first.click()
    save(page, out / f"alerts-{suffix}.png")
    page.goto("/notices/")
    save(page, out / f"notices-{suffix}.png")
    page.goto(f"{record}outcomes/")
    save(page, out / f"outcomes-{suffix}.png")


def administrator(page: Page, out: Path) -> None:
    """What keeps the clinic running."""
    for name in ADMINISTRATION:
        page.goto(f"/{name}/")
        page.wait_for_load_state()
        save(page, out / f"{name.replace('/', '-')}.png")
    page.locator("main th a").first.click()
    page.get_by_role("heading", name="Intended use").wait_for()
    save(page, out / "model-facts.png")


if __name__ == "__main__":
    main()
