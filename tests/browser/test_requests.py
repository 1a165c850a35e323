"""In a real browser no page asks another host, is refused by its own policy, or throws."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from patients.models import Role
from tests.browser.looking import MAIN, open_everything, open_page, window
from tests.browser.pages import pages
from tests.browser.states import build_every_state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
INERT = ("data", "blob")


@pytest.mark.parametrize("role", [Role.PSYCHIATRIST, Role.ADMINISTRATOR])
def test_nothing_leaves_the_host(
    role: str, chromium: Browser, settings: Any, live_server: Any
) -> None:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    who = build_every_state()["people"][role]
    context = window(chromium, live_server.url, who)
    asked, said = set[str](), list[str]()
    context.on("request", lambda request: asked.add(request.url))
    context.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    context.on("weberror", lambda error: said.append(str(error.error)))
    page = context.new_page()
    addresses = pages(who, MAIN, each=1)
    for address in addresses:
        open_page(page, address)
        open_everything(page)
    context.close()
    hosts = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme not in INERT}
    assert hosts == {urlsplit(live_server.url).netloc}
    assert len(asked) > len(addresses) >= 10
    assert not said
