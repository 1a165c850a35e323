"""Windows onto the live server: logged in without the door, and waiting until a page is drawn."""

from typing import TYPE_CHECKING, Any

from playwright.sync_api import Browser, BrowserContext, Page

if TYPE_CHECKING:
    from patients.models import User

MAIN = "CL-0107"  # the patient whose pages are looked at first
SIZES: dict[str, Any] = {
    "desktop": {"width": 1360, "height": 900},
    "phone": {"width": 360, "height": 780},
}
LOCALES = {"en": "en-CA", "fr": "fr-CA"}
DRAWN = """() => [...document.querySelectorAll(".chart, #timeline")].every(
    (place) => place.hidden || place.offsetParent === null || place.querySelector("svg, canvas"))
    && !document.querySelector(".htmx-request")"""
# Parts that are asked for when they come into sight.
LAZY = "[hx-trigger*='intersect'], [hx-trigger*='revealed']"
DRAWN_WITHIN_MS = 8000


def session_cookie(user: "User", url: str) -> Any:
    """The cookie of a session of that user."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}


def window(
    browser: Browser,
    url: str,
    user: "User | None" = None,
    scheme: str = "light",
    size: str = "desktop",
    language: str = "en",
    **options: Any,
) -> BrowserContext:
    """A window of that size and language, in the light or the dark, for somebody logged in."""
    context = browser.new_context(
        base_url=url,
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport=SIZES[size],
        locale=LOCALES[language],
        reduced_motion="reduce",
        **options,
    )
    if user:
        context.add_cookies([session_cookie(user, url)])
    return context


def open_page(page: Page, address: str) -> None:
    """Go there, look at what is asked for when seen, and wait until all charts are drawn."""
    page.goto(address, wait_until="load")
    for part in page.locator(LAZY).all():
        part.scroll_into_view_if_needed()
        page.wait_for_timeout(250)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function(DRAWN, timeout=DRAWN_WITHIN_MS)


def open_everything(page: Page) -> None:
    """Unfold what is folded, so that it is looked at too."""
    page.evaluate("() => document.querySelectorAll('details').forEach((it) => (it.open = true))")
