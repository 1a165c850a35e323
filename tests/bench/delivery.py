"""From the commit of a score and its alert to the first POST, at 50 alerts a second.

Everything is real and on this machine: PostgreSQL, the worker of `make serve` woken by its broker,
a FHIR R4 server, and a gateway before it that notes when each message comes.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING

import django
import numpy as np

from tests.conftest import ROOT

if TYPE_CHECKING:
    from patients.models import Patient
    from tests.alerts.ehr import Gateway

STARTS_S, PATIENCE_S = 8, 120
A_SECOND, FOR_S, QUICK_S = 50, 20, 4
AT_ONCE = 25  # alerts of one transaction, as of patients that are scored together
WANTED_S = 2.0
DAY = date(2026, 3, 1)


def main() -> None:
    """Print how long messages took to be sent, and how many alerts a second there were."""
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from tests import factories
    from tests.alerts.ehr import Gateway
    from tests.fhir_server import FhirServer

    call_command("migrate", verbosity=0)
    count = A_SECOND * (QUICK_S if "--quick" in sys.argv else FOR_S)
    patients = [factories.patient(ehr_id=f"p-{n}") for n in range(count)]
    for patient in patients:
        factories.score(patient, DAY - timedelta(days=1), mania=0.1)
    committed: dict[str, float] = {}
    with FhirServer() as server, Gateway(server.base_url) as gateway, worker(gateway.base_url):
        settings.EHR_BASE_URL = gateway.base_url
        began = commit_in_time(
            [patients[n : n + AT_ONCE] for n in range(0, count, AT_ONCE)], committed
        )
        rate = count / (max(committed.values()) - began + AT_ONCE / A_SECOND)
        wait_for_all(gateway, count)
        first = first_posts(gateway)
    took = [first[name] - at for name, at in committed.items() if name in first]
    if len(took) < count:
        print(f"delivery: {count - len(took)} of {count} messages were not sent")
    p50, p95 = np.percentile(took, (50, 95))
    print(
        f"delivery: {count} alerts, {rate:.0f} a second; from commit to first POST: median "
        f"{p50:.2f} s, p95 {p95:.2f} s, longest {max(took):.2f} s (p95 under {WANTED_S:.0f} s)"
    )


def commit_in_time(batches: Sequence[Sequence["Patient"]], committed: dict[str, float]) -> float:
    """Commit one batch after the other at the wanted rate; when the first was.

    Deciding on an alert takes longer than a 50th of a second: each batch is decided on before, in a
    transaction of its own that waits for its time.
    """
    from django.db import connection, transaction

    from alerts.services import alerts_consider
    from tests import factories
    from tests.people import morning

    ready, go = threading.Barrier(len(batches) + 1), threading.Event()
    began = 0.0
    decide = threading.Lock()  # one after the other: more would only be in each other's way

    def batch(n: int, patients: Sequence["Patient"]) -> None:
        messages = []
        with transaction.atomic():
            with decide:
                for patient in patients:
                    score = factories.score(patient, DAY, mania=0.9)
                    [alert] = alerts_consider(score=score, now=morning(DAY))
                    messages.append(str(alert.messages.get(kind=0).identifier))
            ready.wait()
            go.wait()
            time.sleep(max(began + n * AT_ONCE / A_SECOND - time.perf_counter(), 0))
        committed.update(dict.fromkeys(messages, time.perf_counter()))
        connection.close()

    with ThreadPoolExecutor(len(batches)) as threads:
        made = [threads.submit(batch, n, patients) for n, patients in enumerate(batches)]
        ready.wait()
        began = time.perf_counter()
        go.set()
    for one in made:
        one.result()
    return began


@contextmanager
def worker(base_url: str) -> Iterator[None]:
    """The worker that delivers, as `make serve` starts it."""
    from clarity_site.processes import commands

    [command] = [c for c in commands(0) if "default,ehr" in c]
    environment = {"EHR_BASE_URL": base_url, "LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"}
    started = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL
    )
    time.sleep(STARTS_S)
    try:
        yield
    finally:
        started.terminate()
        started.wait(30)


def first_posts(gateway: "Gateway") -> dict[str, float]:
    """When each message came first, by its identifier, on this process's clock."""
    first: dict[str, float] = {}
    for name, at in list(gateway.posted):
        first.setdefault(name, at)
    return first


def wait_for_all(gateway: "Gateway", count: int) -> None:
    """Until every message came, or nothing has for long."""
    deadline = time.monotonic() + PATIENCE_S
    while len(first_posts(gateway)) < count and time.monotonic() < deadline:
        time.sleep(0.2)
