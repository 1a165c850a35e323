"""Claims, lost workers, and what is stored together."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from patients import upload_queue, uploads
from patients.models import (
    DeviceToken,
    Patient,
    RecordingDay,
    RecordingFile,
    Upload,
)
from patients.tokens import token_issue
from patients.upload_queue import ATTEMPTS, folders_sweep, uploads_abandon
from tests import factories
from tests.patients.pushes import (
    RAW,
    START,
    a_day,
    a_push,
    as_json,
    drained,
    long_ago,
    push,
    receive,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


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


@pytest.mark.django_db(transaction=True)
def test_a_row_that_another_claim_touches_for_a_moment_is_stored_all_the_same(
    token: DeviceToken,
) -> None:
    push(token)
    [claimed] = upload_queue.uploads_claim()
    locked, settled = threading.Event(), []

    def touch() -> None:
        try:
            with transaction.atomic():
                list(Upload.objects.select_for_update(no_key=True))
                locked.set()
                time.sleep(0.3)
        finally:
            connection.close()

    other = threading.Thread(target=touch)
    other.start()
    assert locked.wait(20)
    settled.append(upload_queue.uploads_process(uploads=[claimed], on_change=lambda _: None))
    other.join(20)
    assert settled == [1] and Upload.objects.get().state == "stored"


def days_apart(token: DeviceToken, numbers: Sequence[int]) -> list[Upload]:
    return [
        push(
            token,
            as_json(a_push(a_day(START + timedelta(hours=5 * n), steps=[n + 1] * 400))),
            str(n),
        )
        for n in numbers
    ]


def recorded() -> list[tuple[Any, ...]]:
    """What is stored of minutes, and of each push, whatever the patient."""
    days = RecordingDay.objects.order_by("utc_day", "channel")
    files = RecordingFile.objects.order_by("sha256")
    return [
        *(
            tuple(map(bytes_of, row))
            for row in days.values_list("utc_day", "channel", "values", "minutes")
        ),
        *files.values_list("sha256", "minutes", "source", "parts__channel", "parts__minutes_a_day"),
    ]


def bytes_of(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def ended(pushed: Sequence[Upload]) -> list[tuple[Any, ...]]:
    """What their rows say: state, reason, attempts, body, whether they ended, what was stored."""
    rows = [Upload.objects.get(pk=upload.pk) for upload in pushed]
    return [
        (u.state, u.reason, u.attempts, u.body, u.processed_at is not None, str(u.result))
        for u in rows
    ]


def test_waiting_pushes_of_a_patient_are_stored_together_as_if_one_by_one(
    token: DeviceToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = days_apart(token, range(6))
    told: list[Patient] = []
    assert drained(told) == 6 and told == [token.patient]
    at_once = recorded()
    assert len([row for row in at_once if len(row) == 5]) == 6
    ends = ended(together)
    assert {end[:4] for end in ends} == {("stored", "", 1, None)}
    token.patient.delete()
    other = token_issue(patient=factories.patient("P-2"), label="band", by="tester")[0]
    monkeypatch.setattr(upload_queue, "PUSHES_A_CLAIM", 1)
    alone = days_apart(other, [3, 0, 5, 1, 4, 2])
    assert drained() == 6 and recorded() == at_once
    assert sorted(map(str, ended(alone))) == sorted(map(str, ends))


def test_one_bad_push_among_many_is_rejected_alone(token: DeviceToken) -> None:
    good = days_apart(token, range(3))
    bad = push(token, as_json(a_push(a_day(steps=[-1]))), "bad")
    assert drained() == 4
    bad.refresh_from_db()
    assert (bad.state, bad.attempts) == ("rejected", 1)
    assert {Upload.objects.get(pk=u.pk).state for u in good} == {"stored"}
    assert RecordingFile.objects.count() == 3


def test_the_same_body_under_two_keys_at_once_is_one_file(token: DeviceToken) -> None:
    push(token, key="a")
    push(token, key="b")
    assert drained() == 2 and RecordingFile.objects.count() == 1
    assert sorted(Upload.objects.values_list("result__status", flat=True)) == [
        "stored",
        "unchanged",
    ]
