"""A night through Celery: real worker processes, the broker that needs no server, a real EHR."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import connection
from django.utils import timezone

from alerts.models import Alert, OutboxMessage
from alerts.tasks import begin_night
from clarity_site.processes import commands
from scoring.models import RiskScore, ScoringRun
from tests.conftest import ROOT
from tests.fhir_server import FhirServer
from tests.fhir_server.fixtures import require_fhir_server
from tests.logs import clarity_lines
from tests.people import in_care, recording

NAMES = ("Zebulon Quist", "Wilhelmina Frost")
TOKEN = "t0ken-that-no-log-may-hold"
PATIENCE_S = 60


def wait_for(what: Callable[[], Any], processes: list[subprocess.Popen[bytes]]) -> Any:
    """Poll until it is true; fails when a worker ends or after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := what():
            return found
        assert all(p.poll() is None for p in processes), "a worker has ended"
        time.sleep(0.1)
    pytest.fail("the workers did not come so far in time")


@contextmanager
def workers(environment: dict[str, str], log: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Both workers of the process group, as `make demo` starts them."""
    with ExitStack() as stack:
        banner = stack.enter_context(log.with_suffix(".out").open("wb"))
        errors = stack.enter_context(log.open("wb"))
        processes = [
            subprocess.Popen(
                command, cwd=ROOT, env=os.environ | environment, stdout=banner, stderr=errors
            )
            for command in commands(0)
            if "worker" in command
        ]
        try:
            yield processes
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def environment(ehr: FhirServer, token_file: Path) -> dict[str, str]:
    """The workers look at this test's database and EHR."""
    token_file.write_text(TOKEN)
    name = str(connection.settings_dict["NAME"])
    url = os.environ.get("DATABASE_URL", "")
    database = {"DATABASE_URL": f"{url.rsplit('/', 1)[0]}/{name}"} if url else {}
    return database | {
        "CLARITY_DATABASE_NAME": name,
        "CLARITY_STATE_DIR": str(settings.STATE_DIR),
        "EHR_BASE_URL": ehr.base_url,
        "EHR_TOKEN_FILE": str(token_file),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",  # Celery's, about running as root
    }


@pytest.mark.django_db(transaction=True)
def test_a_night_through_real_workers_ends_with_the_messages_in_the_ehr(tmp_path: Path) -> None:
    require_fhir_server()
    for stale in (settings.BROKER_DIR / "queue").glob("*.msg"):
        stale.unlink()  # of tests that only put tasks into the queue
    last = timezone.localdate() - timedelta(days=1)
    for number, name in enumerate(NAMES):
        what = recording(seed=number, days=35, last_day=last, sleepless=3)
        in_care(f"P-{number}", what, name=name, ehr_id=f"ehr-{number}")
    with (
        FhirServer() as ehr,
        workers(environment(ehr, tmp_path / "token"), tmp_path / "log") as two,
    ):
        begin_night.delay()
        wait_for(lambda: ScoringRun.objects.filter(state="done").exists(), two)
        told = OutboxMessage.objects.filter(kind=OutboxMessage.Kind.NOTICE)
        waiting = told.exclude(state="delivered")  # what goes with them comes by the beat
        wait_for(lambda: told.exists() and not waiting.exists(), two)
        found = requests.get(f"{ehr.base_url}/CommunicationRequest?_count=100", timeout=10).json()
    arrived = [e["resource"]["identifier"][0]["value"] for e in found["entry"]]
    sent = [str(m.identifier) for m in told]
    assert sorted(arrived) == sorted(sent)
    assert set(Alert.objects.filter(kind="mania").values_list("tier", flat=True)) == {"High"}
    latest = RiskScore.objects.filter(day=last, is_current=True)
    assert {s.mania["status"] for s in latest} == {s.depression["status"] for s in latest} == {"ok"}
    log = (tmp_path / "log").read_text()
    assert not [word for word in (*NAMES, *" ".join(NAMES).split(), TOKEN) if word in log]
    settled = [line for line in clarity_lines(log) if line["event"] == "message settled"]
    assert {line["message_id"] for line in settled} >= set(sent)
