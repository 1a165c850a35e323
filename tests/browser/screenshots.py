"""Pictures of every page and state: `make screenshots` puts them into one folder to look at.

Light and dark, desktop and phone, of each role, from a clinic with every state on a live server of
its own; the main pages also in French, with everything unfolded, with their dialogs, and as a new
clinic sees them. --readme takes only those that the README shows, into docs/screenshots.
"""

import argparse
import re
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.browser.chromium import launch
from tests.browser.looking import MAIN, SIZES, open_everything, open_page, window
from tests.browser.served import served

README = {"panel": "/", "patient": f"/patients/{MAIN}/", "alerts": "/alerts/"}
IN_FRENCH = ("/", f"/patients/{MAIN}/", "/alerts/", "/login/")
ERRORS = ("/login/", "/nowhere/")
LOOKS = tuple(product(("light", "dark"), SIZES))


def name_of(address: str) -> str:
    """A file's name for an address.

    >>> name_of("/"), name_of("/patients/CL-1/?day=2")
    ('panel', 'patients-CL-1-day-2')
    """
    return re.sub(r"[^\w-]+", "-", address).strip("-") or "panel"


class Album:
    """Takes pictures into a folder, and says which could not be taken."""

    def __init__(self, browser: Browser, url: str, folder: Path) -> None:
        self.browser, self.url, self.folder = browser, url, folder
        self.taken = 0
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, page: Page, name: str) -> None:
        """The whole page."""
        page.screenshot(path=self.folder / f"{name}.png", full_page=True, animations="disabled")
        self.taken += 1

    def look(self, who: Any, role: str, addresses: Iterable[str], **look: str) -> None:
        """Each address in one look."""
        context = window(self.browser, self.url, who, **look)
        page, suffix = context.new_page(), "-".join((role, *look.values()))
        for address in addresses:
            try:
                open_page(page, address)
                self.save(page, f"{name_of(address)}-{suffix}")
            except Error as trouble:
                print(f"{address} ({suffix}): {str(trouble).splitlines()[0]}")
        context.close()

    def unfolded(self, who: Any, role: str, addresses: Iterable[str], **look: str) -> None:
        """The same with everything open that can be, then each dialog."""
        context = window(self.browser, self.url, who, **look)
        page, suffix = context.new_page(), "-".join((role, *look.values()))
        for address in addresses:
            open_page(page, address)
            dialogs = page.locator("dialog").count()
            for number in range(dialogs):
                page.evaluate(f"document.querySelectorAll('dialog')[{number}].showModal()")
                page.screenshot(
                    path=self.folder / f"{name_of(address)}-dialog{number}-{suffix}.png"
                )
                page.evaluate(f"document.querySelectorAll('dialog')[{number}].close()")
                self.taken += 1
            if page.locator("details").count():
                open_everything(page)
                self.save(page, f"{name_of(address)}-unfolded-{suffix}")
        context.close()


def every_page(album: Album, clinic: Any) -> None:
    """All pages of all roles in all looks, French and unfolded ones."""
    from tests.browser.pages import pages

    for role, who in clinic["people"].items():
        addresses = pages(who, MAIN, each=2)
        for scheme, size in LOOKS:
            album.look(who, role, addresses, scheme=scheme, size=size)
        album.unfolded(who, role, addresses, scheme="light", size="desktop")
        for size in SIZES:
            album.look(who, role, IN_FRENCH[:3], scheme="light", size=size, language="fr")
    for scheme, size in LOOKS:
        album.look(None, "nobody", ERRORS, scheme=scheme, size=size)
    album.look(None, "nobody", ("/login/",), scheme="light", size="desktop", language="fr")


def a_new_clinic() -> Any:
    """Nobody in care yet, and nothing scored."""
    from patients.models import Role
    from tests import factories

    return {"people": {role: factories.user(role, f"{role}.1") for role in Role.values}}


def main() -> None:
    """Take them."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--out", type=Path, default=Path("test-results/screenshots"))
    ask.add_argument("--readme", action="store_true", help="only those in docs/screenshots")
    asked = ask.parse_args()
    with sync_playwright() as playwright:
        browser = launch(playwright)
        with served() as (url, clinic):
            album = Album(browser, url, Path("docs/screenshots") if asked.readme else asked.out)
            if asked.readme:
                for_readme(album, clinic)
            else:
                every_page(album, clinic)
        if not asked.readme:
            with served(a_new_clinic) as (url, clinic):
                album.url = url
                for role, who in clinic["people"].items():
                    for scheme in ("light", "dark"):
                        new = Album(browser, url, asked.out / "new-clinic")
                        new.look(who, role, ("/", "/alerts/", "/baselines/"), scheme=scheme)
                        album.taken += new.taken
        browser.close()
    print(f"{album.taken} pictures in {album.folder}")


def for_readme(album: Album, clinic: Any) -> None:
    """The few that the README shows."""
    who = clinic["people"]["psychiatrist"]
    for name, address in README.items():
        for scheme, size in (("light", "desktop"), ("dark", "phone")):
            context = window(album.browser, album.url, who, scheme, size)
            page = context.new_page()
            open_page(page, address)
            album.save(page, f"{name}-{size}-{scheme}")
            context.close()


if __name__ == "__main__":
    main()
