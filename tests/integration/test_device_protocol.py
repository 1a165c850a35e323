"""A device, real web workers, the real worker of uploads and PostgreSQL, over HTTP."""

import gzip
import os
import signal
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.db import connection

from patients.models import RecordingDay, Upload
from patients.tokens import token_issue
from tests import factories
from tests.bench.api import free_port, processes, wait_for_web
from tests.integration.test_celery import wait_for
from tests.patients.pushes import START, a_day, a_push, as_json

NAME = "Zebulon Quist"


def environment() -> dict[str, str]:
    """The processes look at this test's database."""
    name = str(connection.settings_dict["NAME"])
    url = os.environ.get("DATABASE_URL", "")
    database = {"DATABASE_URL": f"{url.rsplit('/', 1)[0]}/{name}"} if url else {}
    state = {"CLARITY_DATABASE_NAME": name, "CLARITY_STATE_DIR": str(settings.STATE_DIR)}
    return database | state


@pytest.mark.django_db(transaction=True)
def test_pushes_are_stored_by_real_processes_and_nonsense_stops_none(tmp_path: Path) -> None:
    for stale in (settings.BROKER_DIR / "queue").glob("*.msg"):
        stale.unlink()  # of tests that only put tasks into the queue
    patient = factories.patient("P-1", name=NAME)
    token, text = token_issue(patient=patient, label="band", by="tester")
    port = free_port()
    address = f"http://127.0.0.1:{port}/api/v1/recordings/"
    log = (tmp_path / "log").open("wb")
    with log, processes(port, environment(), log) as started:
        wait_for_web(port)
        receipts = []
        for number in range(6):
            headers = {
                "Authorization": f"Bearer {text}",
                "Idempotency-Key": f"k{number}",
                "Content-Type": "application/json",
                "Content-Encoding": "gzip",
            }
            day = a_day(START.replace(day=number + 1))
            body = gzip.compress(as_json(a_push(day)))
            answer = requests.post(address, body, headers=headers, timeout=20)
            assert answer.status_code == 202
            receipts.append(answer.json()["url"])
        stored = Upload.objects.filter(state="stored")
        wait_for(lambda: stored.count() == 6, started)
        headers = {"Authorization": f"Bearer {text}"}
        for receipt in receipts:
            answer = requests.get(f"http://127.0.0.1:{port}{receipt}", headers=headers, timeout=20)
            assert answer.json()["state"] == "stored"
        worker = started[0]
        worker.send_signal(signal.SIGKILL)
        assert worker.wait(10) == -signal.SIGKILL
        # Over the limit without a length, cut off, and nonsense: refused, and the web lives on.
        for chunks, status in ((iter([b"x"] * 9), 400), (b"\x1f\x8b" + b"x" * 99, 400)):
            headers |= {"Idempotency-Key": "z", "Content-Encoding": "gzip"}
            headers |= {"Content-Type": "application/json"}
            answer = requests.post(address, chunks, headers=headers, timeout=20)
            assert answer.status_code == status, answer.text
        assert requests.get(f"http://127.0.0.1:{port}/health/live", timeout=20).ok
    assert RecordingDay.objects.filter(device__patient=patient).count() == 2 * 7
    said = (tmp_path / "log").read_text()
    assert text not in said and not [word for word in NAME.split() if word in said]
