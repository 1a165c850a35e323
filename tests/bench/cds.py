"""CDS Hooks about a patient with two years of scores: what an EHR waits for its cards.

Everything is real and on this machine: PostgreSQL, two web workers, HTTP, a token signed for each
call and verified, the cards and the audit row written. Times are of whole answers over HTTP, two
clients at a time. The processor time is of the web workers and the database.
"""

import http.client
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
import numpy as np

from tests.bench.api import free_port, processes, wait_for_web
from tests.bench.panel import spent_ms, spent_since_ms

PATIENTS, DAYS, REQUESTS, WARM_UP = 100, 730, 400, 10
AT_MOST_MS = 100  # p95
EHR = "http://127.0.0.1:8103/fhir/R4"


def main() -> None:
    """Print p50 and p95 of each hook with cards, and of a patient whom nobody knows."""
    os.environ["EHR_BASE_URL"] = EHR  # on this machine: nothing has to be turned on
    django.setup()
    from django.core.management import call_command

    from tests.bench.big_clinic import build_big_clinic

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    quick = "--quick" in sys.argv
    build_big_clinic(10 if quick else PATIENTS, DAYS, recorded=1, clinicians=2)
    _ehr()
    from tests.hooks import ORDER, VIEW, body, ordering

    calls = {
        "patient-view, two cards": (VIEW, body(VIEW), 2),
        "order-select of an antidepressant": (ORDER, body(ORDER, **ordering(text="sertraline")), 1),
        "patient-view, unknown patient": (VIEW, body(VIEW, patientId="nobody"), 0),
    }
    port, count = free_port(), 20 if quick else REQUESTS
    os.environ["LOG_LEVEL"] = "ERROR"
    with processes(port) as started:
        wait_for_web(port)
        for name, (service, asked, cards) in calls.items():
            _times(port, service, asked, cards, WARM_UP)
            before = spent_ms(started)
            times = _times(port, service, asked, cards, count)
            worked = spent_since_ms(started, before) / count
            p50, p95 = np.percentile(times, (50, 95))
            print(f"cds: {name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms (under {AT_MOST_MS}); "
                  f"{worked:.0f} ms of a core a call", flush=True)  # fmt: skip


def _ehr() -> None:
    """The EHR is registered, its doctor named, and the first patient has two open alerts."""
    from alerts.models import EhrAccount
    from patients.models import Patient, User
    from tests import factories, trusted
    from tests.hooks import USER

    patient = Patient.objects.order_by("pk")[0]
    patient.ehr_id, patient.diagnosis = "ehr-1", "bipolar_1"
    patient.save()
    patient.alerts.all().delete()
    newest = patient.scores.order_by("-day")[0]
    factories.alert(newest, "mania", "High")
    factories.alert(newest, "depression", "Moderate")
    trusted.system()
    EhrAccount.objects.create(fhir_user=USER, user=User.objects.get(username="dr.whole"))


def _times(port: int, service: str, asked: Any, cards: int, count: int) -> Sequence[float]:
    """Milliseconds of each answer, two clients at once, each call with a token of its own."""
    from tests import trusted

    address, data = f"/cds-services/{service}", json.dumps(asked)
    audience = f"http://127.0.0.1:{port}{address}"
    tokens = [trusted.token(aud=audience) for _ in range(count)]

    def client(given: Sequence[str]) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        times = []
        for token in given:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            began = time.perf_counter()
            connection.request("POST", address, data, headers)
            answer = connection.getresponse()
            told = answer.read()
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status == 200, told
            assert len(json.loads(told)["cards"]) == cards, told
        return times

    with ThreadPoolExecutor(2) as clients:
        return [ms for times in clients.map(client, (tokens[::2], tokens[1::2])) for ms in times]
