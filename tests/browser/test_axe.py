"""axe-core finds nothing: every page once, and the main ones in four looks.

`make check-axe` tries every page in every look, which takes several minutes.
"""

import os
from typing import Any

import pytest
from playwright.sync_api import Browser

from patients.models import Role
from tests.browser.axe import every_state, of_nobody
from tests.browser.looking import MAIN, window
from tests.browser.packages import PACKAGES
from tests.browser.pages import pages
from tests.browser.states import build_every_state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MAIN_PAGES = {
    Role.PSYCHIATRIST: ("/", f"/patients/{MAIN}/", "/alerts/"),
    Role.COORDINATOR: ("/",),
    Role.ADMINISTRATOR: ("/baselines/",),
    "newcomer": ("/", "/alerts/", "/today/"),  # nobody is in their care yet
}
OWN_ONLY = (Role.COORDINATOR, "newcomer")
# Every pair of theme, size and language is among these.
USUAL = ("light", "desktop", "en")
LOOKS = (USUAL, ("dark", "phone", "en"), ("light", "phone", "fr"), ("dark", "desktop", "fr"))


@pytest.fixture(scope="module", autouse=True)
def _axe() -> None:
    reason = PACKAGES.unavailable_reason()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture
def every(transactional_db: None, settings: Any) -> dict[str, Any]:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    return build_every_state()


@pytest.mark.parametrize("role", [*Role.values, "newcomer", "nobody"])
def test_no_page_breaks_a_rule(
    role: str, chromium: Browser, every: dict[str, Any], live_server: Any, subtests: Any
) -> None:
    who, others = every["people"].get(role), set[str]()
    if role in OWN_ONLY:  # see what a psychiatrist sees, and what is their own
        others = set(pages(every["people"][Role.PSYCHIATRIST], MAIN, each=1))
    for look in LOOKS:
        addresses = MAIN_PAGES.get(role, ())  # type: ignore[call-overload]
        if look == USUAL:
            found = pages(who, MAIN, each=1) if who else of_nobody()
            addresses = [*addresses, *(a for a in found if a not in {*addresses, *others})]
        context = window(chromium, live_server.url, who, *look)
        page = context.new_page()
        for address in addresses:
            with subtests.test(address=address, look=look):
                broken = every_state(page, address, ", ".join(look))
                assert not broken, "\n".join(map(str, broken))
        context.close()
