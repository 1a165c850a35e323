"""An administrator settles what the EHR says, in a real browser and without scripts."""

from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from alerts.context_models import ContextConflict, EhrPatient
from patients.models import Role
from tests import factories
from tests.alerts.context.records import NIZATIDINE, drug, request
from tests.alerts.context.taking import take
from tests.browser.context_rows import context_rows
from tests.browser.looking import window
from tests.browser.test_journey import Visit
from tests.browser.test_journey import visit as visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_conflict_a_code_and_an_identifier_are_settled_by_plain_forms(
    chromium: Browser, clinic: dict[str, Any], live_server: Any
) -> None:
    patient = factories.patient("CL-0199", ehr_id="pat-1")
    factories.medication(patient, dose="100 mg/day", first_day=date(2026, 1, 5))
    unknown = request("m-2", medicationCodeableConcept=drug(*NIZATIDINE))
    take(patient, request("m-1"), unknown)
    boss = clinic["people"][Role.ADMINISTRATOR]
    context = window(chromium, live_server.url, boss, java_script_enabled=False)
    page = context.new_page()
    page.goto("/clinic/")
    page.get_by_role("link", name="1 contradiction by the EHR").click()
    page.get_by_role("link", name="Look and settle CL-0199").click()
    expect(page.get_by_role("region", name="Recorded here")).to_contain_text("100 mg/day")
    expect(page.get_by_role("region", name="The EHR says")).to_contain_text("50 MG")
    page.get_by_role("button", name="Keep ours").click()
    expect(page.get_by_text("The conflict about CL-0199 is settled.")).to_be_visible()
    assert ContextConflict.objects.get().settled_by == boss.username

    page.get_by_role("link", name="Not known here 1").click()
    page.get_by_label("What Nizatidine").select_option(label="Other")
    page.get_by_role("button", name="Settle").click()
    expect(page.get_by_text("is settled, for 1 patient.")).to_be_visible()
    assert not patient.medications.filter(drug_class="unknown").exists()

    page.get_by_role("link", name="Not found").click()
    row = page.get_by_role("row", name="CL-0107")
    row.get_by_label("System").fill("urn:oid:1.2.3")
    row.get_by_label("Value").fill("77")
    row.get_by_role("button", name="Save CL-0107").click()
    expect(page.get_by_text("CL-0107 is looked for in the EHR")).to_be_visible()
    assert EhrPatient.objects.get(patient__code="CL-0107").value == "77"
    context.close()


@pytest.mark.parametrize("width", [360, 1360])
def test_no_list_of_the_page_is_wider_than_its_window(
    visit: Visit, clinic: dict[str, Any], width: int
) -> None:
    page = visit.page
    page.set_viewport_size({"width": width, "height": 800})
    context_rows(clinic["patients"]["CL-0107"], clinic["patients"]["CL-0133"])
    visit.log_in(Role.ADMINISTRATOR)
    conflicts = ContextConflict.objects.values_list("pk", flat=True)
    lists = [f"?show={name}" for name in ("conflicts", "terms", "unclear", "patients")]
    for name in (*lists, *(f"conflicts/{key}/" for key in conflicts)):
        page.goto(f"/context/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
