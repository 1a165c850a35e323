"""The medication pages, as an administrator uses them."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from patients.models import MedicationCourse, Patient, Role
from tests import factories
from tests.integration.reading import browser, text

pytestmark = pytest.mark.django_db
ASKED = {"drug": "sertraline", "dose": "50 mg", "first_day": "2026-02-01", "atc": "N06AB06"}


@pytest.fixture
def client() -> Any:
    factories.patient("P-1")
    return browser(Role.ADMINISTRATOR)[0]


def start(client: Any, **more: str) -> Any:
    return client.post("/medications/P-1/start/", ASKED | more)


def test_the_class_comes_from_the_table_and_is_shown_as_unverified(client: Any) -> None:
    start(client)
    course = MedicationCourse.objects.get()
    assert (course.drug_class, course.class_from) == ("ssri", "table_unverified")
    for address in ("/medications/", "/medications/P-1/", f"/medications/courses/{course.pk}/"):
        words = text(client.get(address))
        assert "SSRI unverified" in words and "ATC N06AB06" in words, address
    assert "SSRI unverified" in text(client.get("/patients/P-1/"))


def test_a_class_that_is_not_the_tables_is_refused_beside_what_was_typed(client: Any) -> None:
    answer = start(client, drug_class="snri")
    body = answer.content.decode()
    assert answer.status_code == 422 and not MedicationCourse.objects.exists()
    assert "The table of drugs has sertraline as SSRI, not SNRI" in body
    assert 'value="sertraline"' in body and 'value="snri" selected' in body


def test_an_unknown_drug_asks_for_its_class(client: Any) -> None:
    unknown = {"drug": "Moodol", "atc": ""}
    answer = start(client, **unknown)
    assert answer.status_code == 422 and "choose its class" in answer.content.decode()
    start(client, drug_class="other", **unknown)
    assert "Other as entered" in text(client.get("/medications/P-1/"))


def test_a_list_that_is_unavailable_is_shown_and_never_as_none(client: Any) -> None:
    assert "unavailable" in text(client.get("/medications/"))
    assert "not known" in text(client.get("/medications/"))
    assert "does not mean that nothing is taken" in text(client.get("/medications/P-1/"))
    start(client)
    client.post("/medications/P-1/list/", {"available": "false"})
    words = text(client.get("/medications/"))
    assert "sertraline 50 mg" in words and "what else is not known" in words
    client.post("/medications/P-1/list/", {"available": "true"})
    assert "not known" not in text(client.get("/medications/"))


def test_a_drug_without_codes_reads_as_no_none_among_what_is_taken(client: Any) -> None:
    start(client, atc="")
    words = text(client.get("/medications/"))
    assert "sertraline 50 mg SSRI unverified , since" in words and "none" not in words


def test_what_begins_tomorrow_is_not_taken_now(client: Any) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    start(client, first_day=tomorrow.isoformat())
    assert "sertraline" in text(client.get("/medications/P-1/"))  # and in the message of the start
    assert "sertraline" not in text(client.get("/medications/"))
    assert "sertraline" in text(client.get("/medications/P-1/"))


def test_a_dose_a_correction_and_an_error(client: Any) -> None:
    start(client)
    course = MedicationCourse.objects.get()
    address = f"/medications/courses/{course.pk}/"
    client.post(f"{address}dose/", {"dose": "100 mg", "first_day": "2026-03-01"})
    newer = MedicationCourse.objects.get(dose="100 mg")
    course.refresh_from_db()
    assert (course.last_day, newer.first_day) == (date(2026, 2, 28), date(2026, 3, 1))
    fixed = {"dose": "50 mg", "first_day": "2026-01-01", "last_day": "2026-02-28"}
    no_reason = client.post(f"{address}correct/", fixed)
    assert no_reason.status_code == 422 and "Choose a reason." in no_reason.content.decode()
    assert 'value="2026-01-01"' in no_reason.content.decode()
    client.post(f"{address}correct/", fixed | {"reason": "prescriber"})
    assert MedicationCourse.objects.filter(entered_in_error=False).count() == 2
    client.post(f"/medications/courses/{newer.pk}/error/", {"reason": "wrong_patient"})
    words = text(client.get("/medications/P-1/"))
    assert "Entered in error: 2" in words and "It is another patient’s" in words
    assert "cannot be changed" in text(client.get(address))
    late = client.post(f"{address}stop/", {"last_day": "2026-02-20"}, follow=True)
    assert "was entered in error" in text(late)


def test_every_field_has_a_label(client: Any) -> None:
    start(client)
    key = MedicationCourse.objects.get().pk
    for address in ("/medications/P-1/", f"/medications/courses/{key}/"):
        body = client.get(address).content.decode()
        ids = re.findall(r'<(?:input|select)[^>]* id="([^"]+)"', body)
        assert len(ids) == len(set(ids)) > 5
        assert set(ids) <= set(re.findall(r'<label[^>]* for="([^"]+)"', body))


def test_the_api_gives_class_and_codes_of_what_counts(client: Any) -> None:
    start(client)
    factories.medication(Patient.objects.get(), "lithium", "lithium", entered_in_error=True)
    [course] = client.get("/api/v1/patients/P-1/").json()["medications"]
    assert course == {
        "drug": "sertraline",
        "drug_class": "ssri",
        "class_from": "table_unverified",
        "atc": "N06AB06",
        "rxnorm": "",
        "source": "clinic",
        "dose": "50 mg",
        "first_day": "2026-02-01",
        "last_day": None,
    }
