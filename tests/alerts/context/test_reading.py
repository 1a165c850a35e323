"""Readings of a real FHIR server: what is asked, what goes wrong, and how the next goes on."""

import json
import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from alerts import context as reading
from alerts.context import GOING_ON, LOCK, OFF, context_read
from alerts.context_models import ContextRun, ContextSetting, EhrTerm
from alerts.context_pages import TIME_OVER
from alerts.context_settle import identifier_set
from alerts.fhir.answers import Refused, TemporaryFailure
from alerts.fhir.reading import Reader
from alerts.tasks import watch_context
from patients.domain.errors import InputError
from patients.models import AuditEvent, MedicationCourse, Patient, Questionnaire, User
from tests import factories
from tests.alerts.context.bulk_ehr import Front
from tests.alerts.context.front import MRN, quick, read

pytestmark = pytest.mark.django_db


def test_a_record_is_read_page_by_page_and_then_only_what_is_new(
    front: Front, patient: Patient
) -> None:
    run = read(front)
    assert (run.state, run.refused, run.patients) == ("done", {}, 1)
    assert run.counts["MedicationRequest"] == {"new": 12}
    assert MedicationCourse.objects.filter(patient=patient).count() == 12
    patient.refresh_from_db()
    assert patient.diagnosis == "mdd"
    assert Questionnaire.objects.get().total == 8
    assert set(EhrTerm.objects.values_list("code", flat=True)) == {"Practitioner/a", "asrm"}
    pages = [it for it in front.asked if "/MedicationRequest?" in it]
    assert len(pages) == 3 and "_lastUpdated" not in pages[0]
    front.asked.clear()
    run = read(front)
    assert "MedicationRequest" not in run.counts or not run.counts["MedicationRequest"]
    [page] = [it for it in front.asked if "/MedicationRequest?" in it]
    assert "_lastUpdated=ge" in page


def test_what_fails_in_the_middle_goes_on_with_the_page_that_was_due(
    front: Front, patient: Patient
) -> None:
    def down(address: str, headers: Any) -> Any:
        return (503, {}, b"") if "_offset=5" in address else None

    front.fault = down
    run = read(front)
    assert (run.state, run.why) == ("stopped", "The EHR answered 503.")
    assert patient.medications.count() == 5
    front.fault = lambda address, headers: None
    front.asked.clear()
    assert read(front).counts["MedicationRequest"] == {"new": 7}
    first = next(it for it in front.asked if "/MedicationRequest?" in it)
    assert "_offset=5" in first


def test_a_link_that_the_ehr_has_forgotten_begins_that_search_anew(
    front: Front, patient: Patient
) -> None:
    front.fault = lambda address, headers: (503, {}, b"") if "_offset=5" in address else None
    read(front)
    forgotten: list[str] = []

    def gone(address: str, headers: Any) -> Any:
        if "_offset=5" in address and not forgotten:
            forgotten.append(address)
            return 410, {}, b"{}"
        return None

    front.fault = gone
    run = read(front)
    assert run.state == "done" and forgotten
    assert run.counts["MedicationRequest"] == {"same": 5, "new": 7}


def test_retry_after_is_obeyed_and_a_long_one_ends_the_reading(
    front: Front, patient: Patient
) -> None:
    told = iter(["5", "5", "4000"])

    def busy(address: str, headers: Any) -> Any:
        after = next(told, None) if "/Condition?" in address else None
        return (429, {"Retry-After": after}, b"") if after else None

    front.fault, waited = busy, list[float]()
    run = context_read(reader=quick(front, waited))
    assert [it for it in waited if it >= 1] == [5, 5]
    assert (run.state, run.why) == ("stopped", "The EHR answered 429.")


def test_requests_are_kept_apart() -> None:
    clock, waited = [100.0], list[float]()

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += seconds

    reader = Reader(
        "http://127.0.0.1:9/x", per_minute=30, tries=1, sleep=sleep, clock=lambda: clock[0]
    )
    for _ in range(3):
        with pytest.raises(TemporaryFailure):
            reader.resource("metadata")
    assert waited == [2.0, 2.0]


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/fhir/R4/Condition?page=2",
        "http://127.0.0.1:1/fhir/R4/Condition?page=2",
        "https://127.0.0.1:9/fhir/R4/Condition",
        "//elsewhere.example/fhir/R4",
        "/other/place",
        "/fhir/R4x/Condition",
        "/fhir/R4/../../admin",
        "/fhir/R4/%2e%2e/%2E%2e/admin",
        "javascript:alert(1)",
    ],
)
def test_a_link_to_another_place_is_never_followed(link: str) -> None:
    with Reader("http://127.0.0.1:9/fhir/R4") as reader, pytest.raises(Refused):
        reader.same_host(link)


def test_a_401_renews_the_token_once(front: Front, patient: Patient) -> None:
    tokens: list[str] = []

    def guarded(address: str, headers: Any) -> Any:
        tokens.append(headers.get("Authorization", ""))
        return (401, {}, b"") if tokens[-1] != "Bearer new" else None

    front.fault = guarded

    class Held:
        value = "old"

        def token(self) -> str:
            return self.value

        def renew(self) -> str:
            self.value = "new"
            return self.value

    reader = Reader(front.base_url, Held(), per_minute=60_000, sleep=lambda seconds: None)
    assert context_read(reader=reader).state == "done"
    assert tokens[:2] == ["Bearer old", "Bearer new"] and set(tokens[1:]) == {"Bearer new"}


@pytest.mark.parametrize(
    ("value", "state", "found"),
    [
        ("77", "found", "pat-1"),
        ("66", "not_found", ""),
        ("88", "several", ""),
        ("99", "not_found", ""),
    ],
)
def test_a_patient_is_found_by_the_identifier_and_its_system_alone(
    front: Front, boss: User, value: str, state: str, found: str
) -> None:
    patient = factories.patient("P-7", name="Zebulon Quist")
    identifier_set(patient=patient, system=MRN, value=value, by=boss)
    read(front)
    patient.refresh_from_db()
    assert (patient.in_ehr.state, patient.ehr_id) == (state, found)


def test_a_record_is_never_given_to_two_patients(
    front: Front, patient: Patient, boss: User
) -> None:
    other = factories.patient("P-7")
    identifier_set(patient=other, system=MRN, value="77", by=boss)
    read(front)
    other.refresh_from_db()
    assert (other.in_ehr.state, other.ehr_id) == ("taken", "")


def test_nothing_beyond_this_machine_is_read_until_it_is_turned_on(
    settings: Any, patient: Patient
) -> None:
    settings.EHR_BASE_URL = "https://ehr.hospital.example/fhir/R4"
    with pytest.raises(InputError, match=OFF):
        context_read()
    ContextSetting.objects.create(is_on=True)
    assert reading.reading_off() is None


@pytest.mark.django_db(transaction=True)
def _is_free(lock: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s) AND pg_advisory_unlock(%s)", [lock, lock])
        return bool(cursor.fetchone()[0])


def test_two_readings_at_once_are_one(front: Front, patient: Patient) -> None:
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        with pytest.raises(InputError, match=GOING_ON):
            read(front)
    finally:
        other.close()  # as when its process is killed
    while not _is_free(LOCK):  # the database sees that a moment later
        time.sleep(0.01)
    assert read(front).state == "done"


def test_a_reading_stops_at_its_time_and_is_gone_on_with(front: Front, patient: Patient) -> None:
    run = read(front, until=timezone.now() - timedelta(seconds=1))
    assert (run.state, run.why, run.patients) == ("stopped", TIME_OVER, 0)


def test_the_command_reads_and_says_what_it_did(
    front: Front, patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    patient.ehr_id = ""
    patient.save()
    call_command("ehr_context", "--patient", "P-1", "--identifier", "77", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["patients"]) == ("done", 1)
    assert told["counts"]["MedicationRequest"] == {"new": 12}
    front.fault = lambda address, headers: (503, {"Retry-After": "900"}, b"")
    with pytest.raises(SystemExit) as ended:
        call_command("ehr_context", "--json")
    assert ended.value.code == 2
    assert "read again to go on" in capsys.readouterr().err


def test_no_name_no_payload_and_no_token_is_in_a_log_or_an_audit(
    front: Front, patient: Patient, tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret-token")
    settings.EHR_TOKEN_FILE = str(token)
    with caplog.at_level(logging.DEBUG):
        context_read()
        front.fault = lambda address, headers: (500, {}, b"Zebulon Quist")
        settings.EHR_READS_PER_MINUTE = 60_000
        read(front)
    logged = " ".join(str(vars(it)) for it in caplog.records if not it.name.startswith("urllib3"))
    kept = str(list(AuditEvent.objects.values_list())) + str(list(ContextRun.objects.values_list()))
    for secret in ("Zebulon", "s3cret", "sertraline", "pat-1"):
        assert secret not in logged and secret not in kept


def test_the_watch_reads_only_where_it_was_turned_on(front: Front, patient: Patient) -> None:
    watch_context()
    assert not ContextRun.objects.exists()
    ContextSetting.objects.create(is_on=True)
    watch_context()
    assert ContextRun.objects.get().state == "done"
    assert patient.medications.count() == 12
