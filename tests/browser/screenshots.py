"""Pictures of a running Clarity for the README: light and dark, desktop and phone.

    python -m tests.browser.screenshots URL --clinician NAME PASSWORD \
        --administrator NAME PASSWORD [--patient CODE] [--out docs/screenshots]
"""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import launch

SIZES = {"desktop": {"width": 1360, "height": 900}, "phone": {"width": 360, "height": 780}}
ADMINISTRATION = ("baselines", "medications", "messages", "runs", "models")


def main() -> None:
    """Log in as both, and save every page."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("url")
    ask.add_argument("--clinician", nargs=2, required=True, metavar=("NAME", "PASSWORD"))
    ask.add_argument("--administrator", nargs=2, required=True, metavar=("NAME", "PASSWORD"))
    ask.add_argument("--patient", default="", help="the first of the panel, unless given")
    ask.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    asked = ask.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for scheme in ("light", "dark"):
            for size in SIZES:
                suffix = f"{size}-{scheme}"
                page = opened(browser, asked.url, scheme, size)
                clinician(page, asked.clinician, asked.patient, asked.out, suffix)
        page = opened(browser, asked.url, "light", "desktop")
        administrator(page, asked.administrator, asked.out)
        browser.close()


def opened(browser: Browser, url: str, scheme: str, size: str) -> Page:
    """A fresh window."""
    return browser.new_context(
        base_url=url,
        color_scheme=scheme,
        viewport=SIZES[size],  # type: ignore[arg-type]
    ).new_page()


def log_in(page: Page, who: list[str]) -> None:
    """Through the door."""
    page.goto("/login/")
    page.get_by_label("User name").fill(who[0])
    page.get_by_label("Password").fill(who[1])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector("h1")


def save(page: Page, path: Path, full: bool = True) -> None:
    """The whole page as a PNG."""
    page.wait_for_timeout(400)
    page.screenshot(path=path, full_page=full)


def clinician(page: Page, who: list[str], code: str, out: Path, suffix: str) -> None:
    """Panel, record and queue."""
    log_in(page, who)
    save(page, out / f"panel-{suffix}.png")
    if code:
        page.goto(f"/patients/{code}/")
    else:
        page.locator("table.panel tbody th a").first.click()
    page.locator("#trend .main-svg").first.wait_for()
    page.locator("#activity .main-svg").first.wait_for()
    save(page, out / f"patient-{suffix}.png")
    page.goto("/alerts/")
    save(page, out / f"alerts-{suffix}.png")


def administrator(page: Page, who: list[str], out: Path) -> None:
    """What keeps the clinic running."""
    page.goto("/login/")
    save(page, out / "login.png")
    log_in(page, who)
    for name in ADMINISTRATION:
        page.goto(f"/{name}/")
        save(page, out / f"{name}.png")


if __name__ == "__main__":
    main()
