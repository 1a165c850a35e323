"""An administrator registers another system in a real browser, looks at its keys, closes it."""

import pytest
from playwright.sync_api import expect

from alerts.models import TrustedSystem
from patients.models import AuditEvent, Role
from tests.browser.test_journey import Visit
from tests.browser.test_journey import visit as visit
from tests.trusted import jwks_of, key_server

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_system_is_registered_mended_and_switched_off(visit: Visit) -> None:
    page = visit.page
    visit.log_in(Role.ADMINISTRATOR)
    page.goto("/clinic/")
    page.get_by_role("link", name="Other systems").click()
    expect(page.get_by_text("No system is registered")).to_be_visible()
    with key_server(jwks_of(("k-1", "ES384"))) as keys:
        page.get_by_label("Name", exact=True).fill("Warehouse")
        page.get_by_label("What it may read").fill("system/Patient.rs")
        page.get_by_label("Address of its public keys").fill(keys.url)
        page.get_by_role("button", name="Register").click()
        expect(page.get_by_text("system/Patient.rs cannot be given")).to_be_visible()
        expect(page.get_by_label("Name", exact=True)).to_have_value("Warehouse")
        assert all("422" in failure for failure in visit.failures)
        visit.failures.clear()  # the refusal that was wanted
        page.get_by_label("Client id").fill("warehouse")
        page.get_by_label("What it may read").fill("system/Observation.rs")
        page.get_by_role("button", name="Register").press("Enter")
        expect(page.get_by_text("Warehouse is registered.")).to_be_visible()
        page.get_by_role("button", name="Look at its keys now").click()
        expect(page.get_by_text("k-1")).to_be_visible()
    page.get_by_text("Switch it off…").press("Enter")
    page.get_by_role("button", name="Switch it off", exact=True).click()
    expect(page.get_by_text("Every call of it is refused.")).to_be_visible()
    assert TrustedSystem.objects.get().is_active is False
    assert AuditEvent.objects.filter(action__startswith="system ").count() == 2
