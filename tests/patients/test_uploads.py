from pathlib import Path
from typing import Any

import pytest

from patients import uploads
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
from tests import factories
from tests.patients.ingest.builders import actlumus_rows, write_actlumus
from tests.patients.pushes import (
    RAW,
    START,
    a_day,
    a_push,
    as_json,
    drained,
    push,
    receive,
)
from tests.people import every_row

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


def a_file(tmp_path: Path) -> bytes:
    return write_actlumus(
        tmp_path / "a.txt", actlumus_rows(START.replace(tzinfo=None), 360)
    ).read_bytes()


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
    [{"zone": "Europe/Nowhere"}, {"zone": ""}, {"source": "x"}, {"size_bytes": 0},
     {"size_bytes": 10}, {"size_bytes": 12}, {"size_bytes": uploads.MAX_FILE_BYTES + 1}],
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
