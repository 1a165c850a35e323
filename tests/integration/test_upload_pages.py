"""History files from the browser: taken as they come, or refused in a sentence."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.files import uploadhandler
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from patients import tasks, uploads
from patients.models import AuditEvent, Patient, RecordingFile, Upload
from patients.services import zone_set
from patients.tasks import store_uploads
from tests import factories
from tests.integration.reading import browser
from tests.patients.ingest.builders import actlumus_rows, takeout_over_a_move, write_actlumus
from tests.patients.pushes import START

pytestmark = pytest.mark.django_db
ADDRESS = "/patients/P-1/uploads/?zone=Europe/Berlin"
NAMED = {"X-File-Name": "Ada%20L%C3%B6w.txt"}
RAW = "application/octet-stream"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    monkeypatch.setattr(tasks, "LINGER_S", 0.0)
    return tmp_path / "uploads"


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    rows = actlumus_rows(START.replace(tzinfo=None), 360)
    return write_actlumus(tmp_path / "a.txt", rows).read_bytes()


def clinician() -> tuple[Client, Patient]:
    client, who = browser()
    return client, factories.patient("P-1", [who])


def test_a_file_is_received_read_and_its_receipt_followed(content: bytes, folder: Path) -> None:
    client, _ = clinician()
    answer = client.post(ADDRESS, content, RAW, headers=NAMED)
    receipt = answer.json()
    assert (answer.status_code, receipt["state"]) == (202, "received")
    store_uploads()
    done = client.get(receipt["url"]).json()
    assert (done["state"], done["result"]["source"]) == ("stored", "actlumus")
    assert RecordingFile.objects.get().zone == "Europe/Berlin" and not list(folder.iterdir())
    actions = AuditEvent.objects.order_by("id").values_list("action", "patient_code")
    assert list(actions) == [("file uploaded", "P-1"), ("recording stored", "P-1")]


def test_a_file_is_read_in_the_patients_own_zones_unless_another_is_chosen(tmp_path: Path) -> None:
    client, patient = clinician()
    zone_set(patient=patient, first_day=date(2024, 1, 1), zone="Europe/Berlin", by="test")
    zone_set(patient=patient, first_day=date(2024, 6, 11), zone="America/Los_Angeles", by="test")
    page = client.get("/patients/P-1/data/").content.decode()
    first = re.search(r'<select id="upload-zone".*?<option value="(.*?)">(.*?)</option>', page)
    assert first and first.groups() == ("patient", "The patient’s own time zones")
    content = takeout_over_a_move(tmp_path / "takeout.zip").read_bytes()
    receipt = client.post("/patients/P-1/uploads/?zone=patient", content, RAW, headers=NAMED)
    assert receipt.status_code == 202
    store_uploads()
    assert client.get(receipt.json()["url"]).json()["state"] == "stored"
    starts = patient.sleep_episodes.values_list("start", flat=True)
    assert [f"{start:%d %R}" for start in starts] == ["09 21:00", "10 21:00", "12 05:30"]
    page = client.get("/patients/P-1/data/").content.decode()
    assert "times read in Europe/Berlin, America/Los_Angeles from 2024-06-11" in page


def test_an_unreadable_file_is_rejected_with_the_reason() -> None:
    client, _ = clinician()
    receipt = client.post(ADDRESS, b"hello", RAW, headers=NAMED).json()
    store_uploads()
    done = client.get(receipt["url"]).json()
    assert done["state"] == "rejected" and "known format" in done["reason"]
    assert "Ada" not in done["reason"]


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("Hist%20L%C3%B6w.csv", "Hist Löw.csv"),
        ("..%2F..%2Fetc%2Fpass%00wd", "passwd"),
        ("%ED%A0%80%.csv", "\ufffd\ufffd\ufffd%.csv"),  # half a surrogate is no UTF-8
        ("%2E%2E", "file"),
        (None, "file"),
    ],
)
def test_the_name_of_the_file_is_in_a_header_and_never_in_the_address(
    folder: Path, header: str | None, kept: str
) -> None:
    client, _ = clinician()
    headers = {"X-File-Name": header} if header else {}
    address = f"{ADDRESS}&name=Hist+Jane+Doe.csv"  # of no meaning
    assert client.post(address, b"hello", RAW, headers=headers).status_code == 202
    assert [path.name for path in folder.glob("*/*")] == [kept]


@pytest.mark.parametrize(
    ("status", "address", "body", "media"),
    [
        (400, ADDRESS, b"", RAW),
        (400, "/patients/P-1/uploads/", b"x", RAW),
        (400, "/patients/P-1/uploads/?zone=Nowhere/No", b"x", RAW),
        (400, ADDRESS + "&source=x", b"x", RAW),
        (415, ADDRESS, b"x", "text/plain"),
        (415, ADDRESS, b"--x--", "multipart/form-data; boundary=x"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_a_sentence(
    folder: Path, status: int, address: str, body: bytes, media: str
) -> None:
    client, _ = clinician()
    answer = client.generic("POST", address, body, media, CONTENT_TYPE=media)
    assert answer.status_code == status and answer.json()["detail"].endswith(".")
    assert not Upload.objects.exists() and not (folder.is_dir() and list(folder.iterdir()))


def test_too_large_and_a_full_disk_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = clinician()
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "MAX_FILE_BYTES", 4)
        assert client.post(ADDRESS, b"hello", RAW).status_code == 413
    monkeypatch.setattr(uploads, "FREE_BYTES_KEPT", 2**62)
    assert client.post(ADDRESS, b"hello", RAW).status_code == 507


def test_only_who_looks_after_the_record_may_upload_and_never_without_csrf(folder: Path) -> None:
    factories.patient("P-1", [somebody := factories.user("")])
    reader, careful = Client(), Client(enforce_csrf_checks=True)
    reader.force_login(somebody)
    assert reader.post(ADDRESS, b"x", RAW).status_code == 403
    careful.force_login(factories.user("administrator"))
    assert careful.post(ADDRESS, b"x", RAW).status_code == 403
    assert not folder.exists() and not AuditEvent.objects.exists()


def test_no_form_writes_a_strangers_file_to_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    monkeypatch.setattr(uploadhandler, "TemporaryUploadedFile", lambda *a, **k: written.append(a))
    big = SimpleUploadedFile("a.bin", b"x" * 3_000_000)  # over what is kept in memory
    stranger = Client(enforce_csrf_checks=True)
    stranger.cookies["csrftoken"] = "a" * 32  # with one, the form is read before it is checked
    answer = stranger.post("/login/", {"username": "x", "file": big})
    assert answer.status_code in (400, 403)
    assert written == []
