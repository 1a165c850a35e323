"""The page of what is read from the EHR, and the conflicts on it."""

from typing import Any

import pytest
from django.test import Client

from alerts.context_models import ContextConflict, ContextSetting, EhrPatient, EhrTerm
from patients.models import AuditEvent, Patient, Role, User
from tests import factories
from tests.alerts.context.records import NIZATIDINE, condition, drug, request
from tests.alerts.context.taking import take

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    return factories.user(Role.ADMINISTRATOR, "admin.1")


@pytest.fixture
def client(boss: User) -> Client:
    found = Client()
    found.force_login(boss)
    return found


@pytest.fixture
def patient() -> Patient:
    made = factories.patient("P-1", ehr_id="pat-1", diagnosis="bipolar_1", name="Ada Example")
    factories.medication(made, dose="100 mg/day")
    take(
        made,
        request("m-1"),
        request("m-2", medicationCodeableConcept=drug(*NIZATIDINE)),
        request("m-3", authoredOn="2026"),
        condition("c-1"),
    )
    return made


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_lists_say_what_waits_and_open_no_record(client: Client, patient: Patient) -> None:
    EhrPatient.objects.create(patient=factories.patient("P-2"), state="unknown")
    page = shown(client, "/context/")
    assert "Nothing has been read yet." in page and page.count("Look and settle") == 2
    assert "Nizatidine" in shown(client, "/context/?show=terms")
    assert "The day on which it began is not told." in shown(client, "/context/?show=unclear")
    lost = shown(client, "/context/?show=patients")
    assert "P-2" in lost and "No identifier is given" in lost
    factories.patient("P-3")
    assert "Not looked for yet" in shown(client, "/context/?show=patients")
    assert not AuditEvent.objects.filter(action="record opened").exists()
    assert "Ada" not in page + lost


def test_a_conflict_shows_both_sides_and_its_opening_is_written_down(
    client: Client, patient: Patient
) -> None:
    conflict = ContextConflict.objects.get(kind="medication")
    page = shown(client, f"/context/conflicts/{conflict.pk}/")
    for words in ("sertraline 100 mg/day", "sertraline 50 MG: 1 tablet daily", "Keep both"):
        assert words in page
    opened = AuditEvent.objects.get(action="record opened")
    assert (opened.patient_code, opened.detail) == ("P-1", {"page": "context"})


def test_a_conflict_is_settled_once(client: Client, patient: Patient) -> None:
    conflict = ContextConflict.objects.get(kind="diagnosis")
    address = f"/context/conflicts/{conflict.pk}/settle/"
    refused = client.post(address, {"outcome": "both"}, follow=True)
    assert "Choose which of the two is right." in refused.content.decode()
    client.post(address, {"outcome": "mdd"})
    patient.refresh_from_db()
    assert patient.diagnosis == "mdd"
    again = client.post(address, {"outcome": "ours"}, follow=True).content.decode()
    assert "settled this meanwhile" in again and "Settled by admin.1" in again


def test_a_record_that_is_another_patients_is_refused_in_a_sentence(
    client: Client, patient: Patient
) -> None:
    factories.patient("P-2", ehr_id="pat-7")
    link = [{"type": "replaced-by", "other": {"reference": "Patient/pat-7"}}]
    take(patient, {"resourceType": "Patient", "id": "pat-1", "link": link})
    conflict = ContextConflict.objects.get(kind="record")
    address = f"/context/conflicts/{conflict.pk}/settle/"
    page = client.post(address, {"outcome": "theirs"}, follow=True).content.decode()
    assert "The EHR’s record is that of another patient here" in page
    patient.refresh_from_db()
    conflict.refresh_from_db()
    assert (patient.ehr_id, conflict.settled_at) == ("pat-1", None)
    client.post(address, {"outcome": "ours"})
    conflict.refresh_from_db()
    assert conflict.outcome == "ours"


def test_a_code_is_settled_for_every_patient(client: Client, patient: Patient) -> None:
    term = EhrTerm.objects.get()
    client.post(f"/context/terms/{term.pk}/", {"meaning": "nonsense"})
    assert patient.medications.filter(drug_class="unknown").exists()
    client.post(f"/context/terms/{term.pk}/", {"meaning": "other"})
    assert not patient.medications.filter(drug_class="unknown").exists()


def test_an_identifier_is_given_and_kept_encrypted(client: Client, patient: Patient) -> None:
    given = {"system": "urn:oid:1.2.3", "value": "MRN-77"}
    client.post("/context/patients/P-1/", given)
    link = EhrPatient.objects.get(patient=patient)
    assert (link.value, link.state) == ("MRN-77", "due")
    raw = EhrPatient.objects.filter(value__contains="MRN-77")
    assert not raw.exists()
    assert "MRN-77" not in str(list(AuditEvent.objects.values_list("detail", flat=True)))
    refused = client.post("/context/patients/P-1/", {"system": "", "value": "x"}, follow=True)
    assert "Give the identifier" in refused.content.decode()


def test_reading_is_off_until_an_administrator_turns_it_on(client: Client, settings: Any) -> None:
    settings.EHR_BASE_URL = "https://ehr.hospital.example/fhir/R4"
    assert "beyond this machine is off" in shown(client, "/context/")
    refused = client.post("/context/read/", follow=True).content.decode()
    assert "beyond this machine is off" in refused
    client.post("/context/setting/", {"on": "true"})
    assert ContextSetting.objects.get().is_on
    assert AuditEvent.objects.get(action="reading from the EHR").detail == {"on": True}
    assert "Read now" in shown(client, "/context/")


@pytest.mark.parametrize("role", [Role.PSYCHIATRIST, Role.COORDINATOR, ""])
def test_clinicians_are_refused(role: str, patient: Patient) -> None:
    client = Client()
    who = factories.user(role)
    client.force_login(who)
    factories.CareTeamMember.objects.create(patient=patient, user=who)
    conflict = ContextConflict.objects.first()
    assert conflict
    for address in ("/context/", f"/context/conflicts/{conflict.pk}/"):
        assert client.get(address).status_code == 403
    for address in (
        "/context/setting/",
        "/context/read/",
        f"/context/conflicts/{conflict.pk}/settle/",
        f"/context/terms/{EhrTerm.objects.get().pk}/",
        "/context/patients/P-1/",
    ):
        assert client.post(address).status_code == 403
