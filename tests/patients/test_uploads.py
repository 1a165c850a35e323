import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from patients import upload_queue, uploads
from patients.domain.errors import InputError
from patients.ingest.device_push import TooLarge
from patients.models import (
    AuditEvent,
    Device,
    DeviceToken,
    Patient,
    RecordingDay,
    RecordingFile,
    Upload,
)
from patients.tokens import token_issue, token_revoke, token_used
from patients.upload_queue import ATTEMPTS, CLAIM_GRACE, folders_sweep, uploads_abandon
from tests import factories
from tests.patients.ingest.builders import actlumus_rows, write_actlumus
from tests.patients.pushes import START, a_day, a_push, as_json
from tests.people import every_row

pytestmark = pytest.mark.django_db
RAW = as_json(a_push(a_day(steps=[1, 2, 999])))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def token() -> DeviceToken:
    return token_issue(patient=factories.patient("P-1"), label="band", by="tester")[0]


def push(token: DeviceToken, raw: bytes = RAW, key: str = "k") -> Upload:
    return uploads.push_receive(token=token, key=key, raw=raw)[0]


def a_file(tmp_path: Path) -> bytes:
    return write_actlumus(
        tmp_path / "a.txt", actlumus_rows(START.replace(tzinfo=None), 360)
    ).read_bytes()


def receive(patient: Patient, content: bytes, **more: Any) -> Upload:
    given: dict[str, Any] = {
        "patient": patient,
        "chunks": [content[:100], content[100:]],
        "size_bytes": len(content),
        "name": "Ada Example.txt",
        "zone": "Europe/Berlin",
        "by": factories.user(),
    }
    return uploads.file_receive(**given | more)


def drained(patients: list[Patient] | None = None) -> int:
    seen = patients if patients is not None else []
    return upload_queue.uploads_drain(on_change=seen.append)


def long_ago(**more: Any) -> None:
    Upload.objects.update(claimed_at=timezone.now() - 2 * CLAIM_GRACE, **more)


def test_a_token_opens_its_patient_until_it_is_revoked_and_only_its_hash_is_kept() -> None:
    patient = factories.patient("P-1")
    token, text = token_issue(patient=patient, label=" band 3 ", by="tester")
    assert text.startswith("clarity_") and len(text) > 40 and token.label == "band 3"
    assert text not in str(every_row())
    found = token_used(text=text)
    assert found and found.patient == patient
    first_used = DeviceToken.objects.get().last_used_at
    assert first_used and token_used(text=text)
    assert DeviceToken.objects.get().last_used_at == first_used  # not written at every use
    assert token_used(text=text[:-1]) is None and token_used(text="clarity_\udc80") is None
    for _ in range(2):
        token_revoke(token=token, by="tester")
    assert token_used(text=text) is None
    actions = AuditEvent.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["device token issued", "device token revoked"]
    with pytest.raises(InputError, match="label"):
        token_issue(patient=patient, label="  ", by="tester")


def test_a_push_is_received_claimed_and_stored_with_its_provenance(token: DeviceToken) -> None:
    upload = push(token)
    assert upload.state == "received" and not RecordingDay.objects.exists()
    told: list[Patient] = []
    assert drained(told) == 1 and told == [token.patient]
    upload.refresh_from_db()
    assert (upload.state, upload.body, upload.reason) == ("stored", None, "")
    assert upload.result == {
        "source": "device_push",
        "days": 1,
        "minutes": 2,
        "status": "stored",
        "rejected": {"steps_out_of_range": 1},
    }
    file = RecordingFile.objects.get()
    assert (file.sha256, file.received_at) == (upload.body_sha256, upload.received_at)
    assert AuditEvent.objects.latest("id").actor == "device: band"
    assert drained() == 0


def test_the_same_key_is_the_same_receipt_and_another_body_a_conflict(token: DeviceToken) -> None:
    first, is_new = uploads.push_receive(token=token, key="k", raw=RAW)
    again, is_new_again = uploads.push_receive(token=token, key="k", raw=RAW)
    assert (again.pk, is_new, is_new_again) == (first.pk, True, False)
    drained()
    assert uploads.push_receive(token=token, key="k", raw=RAW) == (first, False)
    with pytest.raises(uploads.KeyTaken):
        push(token, as_json(a_push()))
    other = token_issue(patient=token.patient, label="other", by="tester")[0]
    assert push(other, as_json(a_push())).pk != first.pk  # a key is one token's own


def test_a_new_key_with_stored_minutes_changes_nothing(token: DeviceToken) -> None:
    push(token)
    drained()
    days = list(RecordingDay.objects.values_list("values", "minutes"))
    told: list[Patient] = []
    upload = push(token, key="k2")
    drained(told)
    upload.refresh_from_db()
    assert upload.result["status"] == "unchanged" and told == []
    assert list(RecordingDay.objects.values_list("values", "minutes")) == days


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "\udc80"])
def test_a_bad_key_is_refused(token: DeviceToken, key: str) -> None:
    with pytest.raises(InputError, match="Idempotency-Key"):
        push(token, key=key)
    assert not Upload.objects.exists()


def test_a_push_with_nothing_usable_is_rejected_with_the_counts(token: DeviceToken) -> None:
    upload = push(token, as_json(a_push(a_day(steps=[-1, 999]))))
    assert drained() == 1
    upload.refresh_from_db()
    assert upload.state == "rejected" and "2 steps_out_of_range" in upload.reason
    assert not Device.objects.exists() and not RecordingFile.objects.exists()


def test_a_file_is_stored_and_deleted_and_its_name_is_nowhere(tmp_path: Path, folder: Path) -> None:
    patient = factories.patient("P-1")
    upload = receive(patient, a_file(tmp_path))
    assert len(list(folder.rglob("*.txt"))) == 1
    assert drained() == 1
    upload.refresh_from_db()
    assert (upload.state, upload.result["source"]) == ("stored", "actlumus")
    assert not list(folder.iterdir()) and "Ada" not in str(every_row())
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {
        "file uploaded",
        "recording stored",
    }


def test_a_file_that_cannot_be_read_is_rejected_without_its_name(folder: Path) -> None:
    upload = receive(factories.patient("P-1"), b"hello there")
    drained()
    upload.refresh_from_db()
    assert upload.state == "rejected" and upload.reason.startswith("The file is in no known format")
    assert "Ada" not in upload.reason and not list(folder.iterdir())


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../../etc/passwd", "passwd"), ("..", "file"), ("", "file"), ("a\x00\nb.zip", "ab.zip"),
     ("C:\\x\\y.csv", "y.csv"), ("é" * 200 + ".zip", "é" * 56 + ".zip"), ("\udc80", "file")],
)  # fmt: skip
def test_a_name_never_leads_out_of_its_folder(folder: Path, name: str, kept: str) -> None:
    receive(factories.patient(), b"x", name=name)
    assert [p.name for p in folder.glob("*/*")] == [kept]


@pytest.mark.parametrize(
    "bad",
    [{"zone": "Europe/Nowhere"}, {"source": "x"}, {"size_bytes": 0}, {"size_bytes": 10},
     {"size_bytes": 12}, {"size_bytes": uploads.MAX_FILE_BYTES + 1}],
)  # fmt: skip
def test_a_file_that_is_refused_leaves_nothing(folder: Path, bad: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        receive(factories.patient("P-1"), b"hello there", **bad)
    assert isinstance(refused.value, TooLarge) == (bad.get("size_bytes", 0) > 2**32)
    assert not Upload.objects.exists() and not (folder.is_dir() and list(folder.iterdir()))
    assert not AuditEvent.objects.exists()


def test_a_full_disk_is_told_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "FREE_BYTES_KEPT", 2**62)
    with pytest.raises(uploads.NoRoom):
        receive(factories.patient("P-1"), b"x")


def broken(monkeypatch: pytest.MonkeyPatch, error: Exception, code: str) -> None:
    """Storing fails for one patient after something was written."""
    store = upload_queue.arrivals_store

    def fails(**given: Any) -> Any:
        stored = store(**given)
        if given["patient"].code == code:
            raise error
        return stored

    monkeypatch.setattr(upload_queue, "arrivals_store", fails)


def test_what_nobody_foresaw_is_tried_three_times_then_rejected_without_details(
    token: DeviceToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = token_issue(patient=factories.patient("P-2"), label="band", by="tester")[0]
    bad, good = push(token), push(other)
    broken(monkeypatch, ValueError("Ada Example's secret"), "P-1")
    assert drained() == 2
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, bad.attempts, bad.reason) == ("rejected", ATTEMPTS, upload_queue.GAVE_UP)
    assert good.state == "stored" and bad.body is None
    assert set(RecordingDay.objects.values_list("device__patient__code", flat=True)) == {"P-2"}


def test_a_lost_database_leaves_the_upload_to_be_claimed_again(
    token: DeviceToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = push(token)
    with monkeypatch.context() as patch:
        broken(patch, OperationalError("gone"), "P-1")
        with pytest.raises(OperationalError):
            drained()
    assert drained() == 0 and not upload_queue.uploads_waiting()
    long_ago()
    assert upload_queue.uploads_waiting() and drained() == 1
    upload.refresh_from_db()
    assert (upload.state, upload.attempts) == ("stored", 2)


def test_an_upload_that_kills_its_worker_three_times_is_rejected(token: DeviceToken) -> None:
    upload = push(token)
    for _ in range(ATTEMPTS):
        assert uploads_abandon() == 0
        assert [u.pk for u in upload_queue.uploads_claim()] == [upload.pk]
        long_ago()
    assert upload_queue.uploads_claim() == [] and uploads_abandon() == 1
    upload.refresh_from_db()
    assert (upload.state, upload.reason) == ("rejected", upload_queue.GAVE_UP)


def test_a_claim_that_another_worker_took_over_is_not_stored_twice(token: DeviceToken) -> None:
    push(token)
    [late] = upload_queue.uploads_claim()
    long_ago()
    [mine] = upload_queue.uploads_claim()
    for claim, settled in ((late, 0), (mine, 1)):
        found = upload_queue.uploads_process(uploads=[claim], on_change=lambda _: None)
        assert found == settled
    assert Upload.objects.get().attempts == 2


def test_pushes_go_before_files_and_one_file_is_read_at_a_time(token: DeviceToken) -> None:
    files = [receive(factories.patient(), b"x") for _ in range(2)]
    pushed = push(token)
    assert [u.pk for u in upload_queue.uploads_claim()] == [pushed.pk]
    assert [u.pk for u in upload_queue.uploads_claim()] == [files[0].pk]
    assert upload_queue.uploads_claim() == []
    long_ago()  # its worker is lost, so its turn comes again
    assert upload_queue.uploads_claim()[0].pk == pushed.pk
    assert [u.pk for u in upload_queue.uploads_claim()] == [files[0].pk]


def test_orphaned_files_are_swept_and_waiting_ones_are_not(folder: Path) -> None:
    waiting = receive(factories.patient(), b"x")
    orphan = folder / "orphan"
    orphan.mkdir()
    (orphan / "Ada.txt").write_text("x")
    assert folders_sweep() == 0  # it may still be arriving
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    os.utime(orphan, (1, 1))
    assert folders_sweep() == 1
    assert [p.name for p in folder.iterdir()] == [str(waiting.pk)]


@pytest.fixture
def held() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Storing stops between the first event and the second."""
    inside, go_on = threading.Event(), threading.Event()
    yield inside, go_on
    go_on.set()


@pytest.mark.django_db(transaction=True)
def test_while_a_patient_is_stored_their_other_pushes_wait_and_new_ones_are_received(
    held: tuple[threading.Event, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = held
    token = token_issue(patient=factories.patient("P-1"), label="band", by="tester")[0]
    other = token_issue(patient=factories.patient("P-2"), label="band", by="tester")[0]
    first = push(token)
    store = upload_queue.arrivals_store

    def slow(**given: Any) -> Any:
        stored = store(**given)
        if given["patient"] == token.patient:
            inside.set()
            assert go_on.wait(20)
        return stored

    monkeypatch.setattr(upload_queue, "arrivals_store", slow)

    def work() -> None:
        try:
            drained()
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(20)
    second, third = push(token, key="k2"), push(other)  # neither waits for the lock
    with monkeypatch.context() as patch:
        # Past its grace, but its lock says that the worker lives.
        patch.setattr(upload_queue, "CLAIM_GRACE", timedelta(0))
        assert [u.pk for u in upload_queue.uploads_claim()] == [third.pk]
        assert uploads_abandon() == 0
    go_on.set()
    worker.join(20)
    states = {u.pk: (u.state, u.attempts) for u in Upload.objects.all()}
    assert states[first.pk] == states[second.pk] == ("stored", 1)
    assert states[third.pk] == ("processing", 1)


@pytest.mark.django_db(transaction=True)
def test_of_one_push_sent_by_eight_at_once_there_is_one_receipt() -> None:
    token = token_issue(patient=factories.patient("P-1"), label="band", by="tester")[0]
    found: list[tuple[Any, bool]] = []
    start = threading.Barrier(8)

    def send() -> None:
        try:
            start.wait(10)
            upload, is_new = uploads.push_receive(token=token, key="k", raw=RAW)
            found.append((upload.pk, is_new))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len({pk for pk, _ in found}) == 1 and sorted(n for _, n in found) == [False] * 7 + [True]


def test_erasing_a_patient_takes_receipts_and_tokens_along(token: DeviceToken) -> None:
    push(token)
    with transaction.atomic():
        token.patient.delete()
    assert not Upload.objects.exists() and not DeviceToken.objects.exists()
