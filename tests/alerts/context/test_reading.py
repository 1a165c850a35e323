"""Readings of a real FHIR server: what is asked, what goes wrong, and how the next goes on."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from alerts import context as reading
from alerts.context import GOING_ON, LOCK, OFF, context_read
from alerts.context_export import LEFT_OUT
from alerts.context_models import ContextRun, ContextSetting, EhrPatient, EhrTerm
from alerts.context_pages import CIRCLE, SEARCHES, TIME_OVER
from alerts.context_settle import identifier_set
from alerts.fhir.answers import Refused, TemporaryFailure
from alerts.fhir.reading import Reader
from alerts.tasks import watch_context
from patients.domain.errors import InputError
from patients.models import AuditEvent, MedicationCourse, Patient, Questionnaire, User
from tests import factories
from tests.alerts.context.bulk_ehr import Front
from tests.alerts.context.records import (
    SERTRALINE,
    bounded,
    care_team,
    condition,
    drug,
    observation,
    parts,
    request,
    response,
    stored,
)
from tests.alerts.context.taking import take
from tests.fhir_server import FhirServer
from tests.fhir_server.fixtures import require_fhir_server

pytestmark = pytest.mark.django_db
WHEN = "2026-02-03T09:30:00-05:00"
MRN = "urn:oid:1.2.3"


def person(key: str, value: str, **more: Any) -> dict[str, Any]:
    """A Patient with an identifier and a name that must be nowhere here."""
    name = [{"text": "Zebulon Quist"}]
    mine = [{"system": MRN, "value": value}, {"system": "urn:other", "value": "77"}]
    return {"resourceType": "Patient", "id": key, "identifier": mine, "name": name} | more


RECORD = [
    person("pat-1", "77"),
    person("pat-2", "88"),
    person("pat-3", "88"),
    person("pat-4", "99", identifier=[{"system": MRN, "value": "99", "use": "old"}]),
    *(
        request(f"m-{n}", **{"authoredOn": f"2025-01-{n:02}"}) | bounded(f"2025-01-{n:02}")
        for n in range(1, 13)
    ),
    request("m-other", "pat-2"),
    condition("c-1"),
    response("q-1", (1,) * 8 + (0,), WHEN),
    observation("o-1", "44261-6", WHEN, valueInteger=8),
    observation("o-2", "8867-4", WHEN, valueInteger=70),
    observation("o-3", "asrm", WHEN, MRN, valueInteger=7, **parts("", ())),
    care_team("t-1", "Practitioner/a"),
]


@pytest.fixture(scope="module")
def ehr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    require_fhir_server()
    with FhirServer(data=stored(tmp_path_factory.mktemp("ehr"), RECORD)) as server:
        yield server


@pytest.fixture
def front(ehr: FhirServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """The EHR, of which every page holds five resources."""
    monkeypatch.setattr("alerts.context_pages.PAGE_SIZE", 5)
    with Front(ehr, exports=False).serving() as served:
        settings.EHR_BASE_URL, settings.EHR_TOKEN_FILE = served.base_url, ""
        settings.EHR_PATIENT_SYSTEM = MRN
        yield served


def quick(front: Front, waited: list[float] | None = None, **more: Any) -> Reader:
    """A reader that waits for nothing."""
    pause = waited.append if waited is not None else lambda seconds: None
    return Reader(front.base_url, sleep=pause, per_minute=60_000, **more)


def read(front: Front, **more: Any) -> ContextRun:
    return context_read(reader=quick(front), **more)


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


def test_one_kind_that_is_refused_keeps_no_other_from_being_read(
    front: Front, patient: Patient
) -> None:
    outcome = {"issue": [{"diagnostics": "No scope for this."}]}
    refusal = (403, {}, json.dumps(outcome).encode())
    front.fault = lambda address, headers: refusal if "/Condition?" in address else None
    run = read(front)
    assert run.state == "done"
    assert run.refused == {"Condition": "The EHR refused to be read (403). No scope for this."}
    assert Questionnaire.objects.exists()


def referring(front: Front) -> tuple[dict[str, Any], dict[str, Any]]:
    """A bundle of a prescription that refers to its drug, and the drug."""
    told = request("m-ref", medicationReference={"reference": "Medication/d-1"})
    del told["medicationCodeableConcept"]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": told}]}
    return bundle, {"resourceType": "Medication", "id": "d-1", "code": drug(*SERTRALINE)}


def test_a_drug_whose_medication_is_refused_is_read_once_the_right_is_there(
    front: Front, patient: Patient
) -> None:
    bundle, medication = referring(front)
    rights = 403

    def guarded(address: str, headers: Any) -> Any:
        if "/MedicationRequest?" in address:
            old = "_lastUpdated" in address  # what was read before is not new
            told = {"resourceType": "Bundle"} if old else bundle
            return 200, {}, json.dumps(told).encode()
        if "/Medication/d-1" in address:
            return rights, {}, json.dumps(medication if rights == 200 else {}).encode()
        return None

    front.fault = guarded
    for _ in range(2):
        run = read(front)
        assert run.refused == {"Medication": "The EHR refused to be read (403)."}
        assert patient.ehr_items.get(resource_id="m-ref").state == "unclear"
    rights = 200
    assert read(front).refused == {}
    assert patient.medications.get().drug == "sertraline"
    assert read(front).counts["MedicationRequest"] == {}
    rights = 404  # gone for good: it is not asked for again and again
    EhrPatient.objects.update(marks={})
    assert read(front).refused == {}
    assert EhrPatient.objects.get().marks["MedicationRequest"]["since"]


def test_a_drug_that_an_export_lacks_is_asked_for(
    front: Front, patient: Patient, settings: Any
) -> None:
    bundle, medication = referring(front)
    settings.EHR_GROUP, front.exports = "g-1", True

    def lacking(address: str, headers: Any) -> Any:
        if "/export-file/MedicationRequest" in address:
            return 200, {}, json.dumps(bundle["entry"][0]["resource"]).encode() + b"\n"
        if "/MedicationRequest?" in address:
            return 200, {}, json.dumps(bundle).encode()
        found = "/Medication/d-1" in address
        return (200, {}, json.dumps(medication).encode()) if found else None

    front.fault = lacking
    assert read(front).state == "done"
    assert not any("_lastUpdated" in it for it in front.asked if "/MedicationRequest?" in it)
    assert patient.medications.get().drug == "sertraline"


def test_pages_that_lead_in_a_circle_are_refused_and_the_rest_is_read(
    front: Front, patient: Patient
) -> None:
    def circle(address: str, headers: Any) -> Any:
        if "/MedicationRequest" not in address or "?" not in address:
            return None
        page = {"": "b", "page=b": "c", "page=c": "d", "page=d": "b"}[
            address[-6:] if "page=" in address else ""
        ]
        link = {"relation": "next", "url": f"{front.base_url}/MedicationRequest?page={page}"}
        told = request(f"m-{page}", authoredOn="2025-03-01", status="completed")
        bundle = {"resourceType": "Bundle", "link": [link], "entry": [{"resource": told}]}
        return 200, {}, json.dumps(bundle).encode()

    front.fault = circle
    for _ in range(2):
        run = read(front)
        assert (run.state, run.refused) == ("done", {"MedicationRequest": CIRCLE})
        assert sum("/MedicationRequest" in it for it in front.asked) == 4
        front.asked.clear()
    assert sorted(it.resource_id for it in patient.ehr_items.filter(
        resource_type="MedicationRequest"
    )) == ["m-b", "m-c", "m-d"]  # fmt: skip
    assert Questionnaire.objects.exists()
    front.fault = lambda address, headers: None
    assert read(front).refused == {}
    assert patient.ehr_items.filter(resource_type="MedicationRequest").count() == 15


def test_a_reading_stops_at_its_time_in_the_middle_of_a_search(
    front: Front, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = timezone.now() + timedelta(hours=1)

    def late(address: str, headers: Any) -> Any:
        if "_offset=5" in address:
            monkeypatch.setattr("alerts.context_pages.timezone.now", lambda: over)

    front.fault = late
    run = read(front, until=over)
    assert (run.state, run.why) == ("stopped", TIME_OVER)
    assert patient.medications.count() == 10
    assert "_offset=10" in EhrPatient.objects.get().marks["MedicationRequest"]["next"]


def test_whose_time_in_a_team_is_over_leaves_it_though_the_ehr_refuses_care_teams(
    front: Front, patient: Patient
) -> None:
    doctor = factories.user(username="dr.a")
    EhrTerm.objects.create(
        kind="person", system="person", code="Practitioner/a", meaning=doctor.username
    )
    first, last = timezone.now() - timedelta(days=9), timezone.now() - timedelta(days=3)
    told = care_team("t-2", "Practitioner/a", period={"end": last.date().isoformat()})
    take(patient, told, now=first)
    assert patient.care_team.count() == 1
    front.fault = lambda address, headers: (403, {}, b"{}") if "/CareTeam?" in address else None
    assert "CareTeam" in read(front).refused
    assert patient.care_team.count() == 0


def test_an_ehr_that_knows_no_include_and_no_last_updated_is_read_whole(
    front: Front, patient: Patient
) -> None:
    read(front)

    def strict(address: str, headers: Any) -> Any:
        return (400, {}, b"{}") if "_include" in address or "_lastUpdated" in address else None

    front.fault = strict
    run = read(front)
    assert (run.state, run.refused) == ("done", {})
    assert run.counts["MedicationRequest"] == {"same": 12}


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
def test_two_readings_at_once_are_one(front: Front, patient: Patient) -> None:
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        with pytest.raises(InputError, match=GOING_ON):
            read(front)
    finally:
        other.close()  # as when its process is killed
    assert read(front).state == "done"


def test_a_reading_stops_at_its_time_and_is_gone_on_with(front: Front, patient: Patient) -> None:
    run = read(front, until=timezone.now() - timedelta(seconds=1))
    assert (run.state, run.why, run.patients) == ("stopped", TIME_OVER, 0)


def test_the_first_load_is_one_export_where_it_is_offered(
    front: Front, patient: Patient, settings: Any
) -> None:
    settings.EHR_GROUP, front.exports, waited = "g-1", True, list[float]()
    run = context_read(reader=quick(front, waited))
    assert run.state == "done" and 7.0 in waited
    assert any("/Group/g-1/$export" in it for it in front.asked)
    assert run.counts["MedicationRequest"]["new"] == 12  # and m-other is nobody's here
    assert patient.medications.count() == 12
    since = EhrPatient.objects.get(patient=patient).marks["Condition"]["since"]
    assert since > "2026-03-01"  # the pages read after it have moved it on
    front.asked.clear()
    read(front)
    assert not any("$export" in it for it in front.asked)


def test_an_export_cut_off_goes_on_at_the_line_where_it_stopped(
    front: Front, patient: Patient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.context_export.LINES_AT_ONCE", 2)
    monkeypatch.setattr("alerts.fhir.reading.CHUNK_BYTES", 64)
    settings.EHR_GROUP, front.exports, front.cut_after = "g-1", True, 5
    run = read(front)
    assert run.state == "stopped" and run.why.startswith("The EHR’s export broke off")
    assert patient.medications.count() == 4
    run = read(front)
    assert run.state == "done" and run.export == {}
    assert run.counts["MedicationRequest"]["new"] == 8
    assert sum("$export" in it for it in front.asked) == 1
    assert patient.medications.count() == 12


def test_whom_the_export_does_not_hold_is_read_page_by_page(
    front: Front, patient: Patient, settings: Any
) -> None:
    settings.EHR_GROUP, front.exports, front.group = "g-1", True, {"pat-2"}
    factories.patient("P-2", ehr_id="pat-2")
    run = read(front)
    assert (run.state, run.refused) == ("done", {})
    assert patient.medications.count() == 12
    assert EhrPatient.objects.get(patient__code="P-2").marks.keys() == SEARCHES.keys()
    pages = [it for it in front.asked if "/MedicationRequest?" in it]
    assert sorted("_lastUpdated" in it for it in pages) == [False, False, False, True]


def test_a_kind_that_the_export_leaves_out_is_read_page_by_page(
    front: Front, patient: Patient, settings: Any
) -> None:
    settings.EHR_GROUP, front.exports, front.left_out = "g-1", True, {"Condition"}
    assert read(front).refused == {}
    patient.refresh_from_db()
    assert patient.diagnosis == "mdd"


@pytest.mark.parametrize(("severity", "said"), [("error", True), ("warning", False)])
def test_what_went_wrong_with_an_export_is_shown_and_all_is_read_page_by_page(
    front: Front, patient: Patient, settings: Any, severity: str, said: bool
) -> None:
    settings.EHR_GROUP, front.exports = "g-1", True
    issue = {"severity": severity, "code": "exception", "diagnostics": "File 2 of 3 was lost."}
    front.errors = [{"resourceType": "OperationOutcome", "issue": [issue]}]
    run = read(front)
    assert run.state == "done" and patient.medications.count() == 12
    told = f"{LEFT_OUT} File 2 of 3 was lost."
    assert run.refused == ({"$export": told} if said else {})
    pages = [it for it in front.asked if "/MedicationRequest?" in it]
    assert ("_lastUpdated" in pages[0]) is not said


def test_whoever_is_found_between_an_export_and_its_end_is_read_page_by_page(
    front: Front, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.context_export.LINES_AT_ONCE", 2)
    monkeypatch.setattr("alerts.fhir.reading.CHUNK_BYTES", 64)
    factories.patient("P-2", ehr_id="pat-2")
    settings.EHR_GROUP, front.exports, front.cut_after = "g-1", True, 5
    assert read(front).state == "stopped"
    late = factories.patient("P-1", ehr_id="pat-1")
    assert read(front).state == "done"
    assert late.medications.count() == 12


def test_an_export_that_is_refused_is_read_page_by_page(
    front: Front, patient: Patient, settings: Any
) -> None:
    settings.EHR_GROUP, front.exports = "g-1", True
    front.fault = lambda address, headers: (403, {}, b"{}") if "$export" in address else None
    run = read(front)
    assert run.state == "done" and "(403)" in run.refused["$export"]
    assert patient.medications.count() == 12


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
