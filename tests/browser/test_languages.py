"""Switching the language in a real browser, by keyboard alone, and French on a phone."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from patients.models import Role, User
from tests.browser.clinic import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = (
    "/medications/CL-0107/",
    "/patients/CL-0107/data/",
    "/patients/CL-0107/outcomes/",
    "/notices/",
    "/on-call/",
    "/rules/performance/",
    "/preferences/",
    "/runs/",
    "/drift/",
)


def test_the_language_is_switched_by_keyboard_at_the_door_and_kept(
    chromium: Browser, live_server: Any, clinic: dict[str, Any]
) -> None:
    context = chromium.new_context(base_url=live_server.url, locale="en-CA")
    page = context.new_page()
    page.goto("/login/")
    button = page.get_by_role("button", name="Français")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("button", name="Français")).to_have_attribute("aria-current", "true")
    page.get_by_label("Nom d’utilisateur").fill("psychiatrist.1")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.get_by_role("link", name="Langue et fuseau horaire").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Votre fuseau horaire").fill("Europe/Paris")
    page.get_by_role("combobox", name="Langue").select_option("fr")
    page.get_by_role("button", name="Enregistrer").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("enregistrés")
    kept = User.objects.get(role=Role.PSYCHIATRIST)
    assert (kept.language, kept.time_zone) == ("fr", "Europe/Paris")
    context.close()


@pytest.mark.parametrize("width", [360, 1360])
def test_french_fits_every_width(
    chromium: Browser, live_server: Any, clinic: dict[str, Any], width: int
) -> None:
    context = chromium.new_context(
        base_url=live_server.url, locale="fr-CA", viewport={"width": width, "height": 800}
    )
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("Nom d’utilisateur").fill("administrator.1")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Fermer la session")).to_be_visible()
    for address in PAGES:
        assert page.goto(address).ok  # type: ignore[union-attr]
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{address} is {wider} px wider than {width} px"
    context.close()
