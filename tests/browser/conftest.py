"""A real browser on the live server, and a clinic to look at."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests.browser.chromium import launch
from tests.browser.clinic import build_clinic


@pytest.fixture(scope="session", autouse=True)
def _synchronous_browser() -> Iterator[None]:
    """Playwright runs an event loop in this thread; Django would refuse the database in it."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
    if before is not None:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture(scope="session")
def chromium(_synchronous_browser: None) -> Iterator[Browser]:
    """The browser; without one the tests skip, but in CI they fail."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except Error as error:
            reason = f"no Chromium here (set CHROMIUM): {str(error).splitlines()[0]}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        yield browser
        browser.close()


@pytest.fixture
def clinic(transactional_db: None, settings: Any) -> dict[str, Any]:
    """A small clinic in the live server's database."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    return build_clinic()
