"""axe-core on every page: `python -m tests.browser.axe`, or `make check-axe`, tries all of them.

Every page of every role, light and dark, in both languages, on a desktop and a phone, as it opens,
with everything unfolded, and with each dialog open.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import launch
from tests.browser.looking import LOCALES, MAIN, SIZES, open_everything, open_page, window
from tests.browser.packages import PACKAGES
from tests.browser.served import served

SOURCE = PACKAGES.modules / "axe-core" / "axe.min.js"
RUN = """async (options) => (await axe.run(document, options)).violations.map((found) => ({
    rule: found.id, impact: found.impact, help: found.help,
    where: found.nodes.map((node) => [node.target.join(" "), node.failureSummary, node.html]),
}))"""
DIALOGS = "document.querySelectorAll('dialog').length"
ERRORS = ("/nowhere/", "/login/")  # as one who is not logged in sees them


@dataclass(frozen=True)
class Violation:
    """One rule broken on one page."""

    address: str
    state: str
    rule: str
    help: str
    where: list[list[str]]

    def __str__(self) -> str:
        places = "".join(
            f"\n    {target}\n      {html[:200]}\n      {why}".replace("\n\n", "\n")
            for target, why, html in self.where[:3]
        )
        more = f"\n    and {len(self.where) - 3} more" if len(self.where) > 3 else ""
        return f"{self.address} ({self.state}): {self.rule}: {self.help}{places}{more}"


def violations(page: Page, address: str, state: str) -> list[Violation]:
    """What axe-core finds on the page as it is now."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SOURCE.read_text() + "; 0")
    found = page.evaluate(RUN, {"resultTypes": ["violations"]})
    return [Violation(address, state, v["rule"], v["help"], v["where"]) for v in found]


def every_state(page: Page, address: str, look: str) -> list[Violation]:
    """As it opens, unfolded, and with each of its dialogs."""
    open_page(page, address)
    found = violations(page, address, look)
    if page.locator("details").count():
        open_everything(page)
        found += violations(page, address, f"{look}, unfolded")
    for number in range(page.evaluate(DIALOGS)):
        page.evaluate(f"document.querySelectorAll('dialog')[{number}].showModal()")
        found += violations(page, address, f"{look}, dialog {number}")
        page.evaluate(f"document.querySelectorAll('dialog')[{number}].close()")
    return found


def of_nobody() -> list[str]:
    """What somebody who is not logged in is shown, with the link that sets a password."""
    from tests.browser.pages import seeds

    return [*ERRORS, *(address for address in seeds(MAIN) if address.startswith("/password/"))]


def everything(browser: Browser, url: str, clinic: Any) -> Iterator[tuple[str, list[Violation]]]:
    """Each page in each look, with what was found on it."""
    from tests.browser.pages import pages

    walks = {role: (who, pages(who, MAIN)) for role, who in clinic["people"].items()}
    walks["nobody"] = (None, of_nobody())
    for scheme, size, language in product(("light", "dark"), SIZES, LOCALES):
        for role, (who, addresses) in walks.items():
            look = f"{role}, {scheme}, {size}, {language}"
            context = window(browser, url, who, scheme, size, language)
            page = context.new_page()
            for address in addresses:
                yield f"{address} ({look})", every_state(page, address, look)
            context.close()


def main() -> int:
    """Print what was found, and the counts; 1 where something was."""
    reason = PACKAGES.unavailable_reason()
    if reason:
        print(reason)
        return 1
    began, looks, found = time.monotonic(), 0, 0
    with served() as (url, clinic), sync_playwright() as playwright:
        browser = launch(playwright)
        for _, here in everything(browser, url, clinic):
            looks, found = looks + 1, found + len(here)
            for violation in here:
                print(violation, flush=True)
        browser.close()
    minutes = (time.monotonic() - began) / 60
    print(f"axe-core: {found} violations on {looks} pages looked at, in {minutes:.1f} min")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
