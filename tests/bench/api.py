"""How many patient-days a second the device API brings to the state "stored".

Everything is real and on this machine: PostgreSQL, two web workers, the worker of uploads, and
the clients. A patient-day is 1,440 minutes of four channels; each push is gzipped JSON.
"""

import gzip
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

import django
import numpy as np

from tests.conftest import ROOT

WANTED_A_SECOND = 100
CLIENTS = 4
RUNS = ((10, 7, 10), (40, 10, 1))  # patients, pushes of each, days of a push
PATIENCE_S = 60
DEFAULT_LOG_LEVEL = {"LOG_LEVEL": ""}  # that of an installation; the bench's own lines are fewer
DAY = timedelta(days=1)
FIRST_DAY = datetime(2026, 3, 1, 5, tzinfo=UTC)  # local midnight of a patient in Toronto


def main() -> None:
    """Print the patient-days a second, for pushes of several days and of one."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    port = free_port()
    told = Path(os.environ["CLARITY_STATE_DIR"]) / "log"
    with told.open("wb") as log, processes(port, DEFAULT_LOG_LEVEL, log):
        wait_for_web(port)
        measure(port, *(2, 2, 1))  # so that everything is warm
        for patients, pushes, days in RUNS:
            rate, receipts = measure(port, patients, pushes, days)
            print(
                f"api: {patients * pushes} pushes of {days} days: {rate:.0f} patient-days a "
                f"second stored (at least {WANTED_A_SECOND}); all receipts after {receipts:.1f} s"
            )


def measure(port: int, patients: int, pushes: int, days: int) -> tuple[float, float]:
    """Patient-days a second, and the seconds until every push had its receipt."""
    from patients.models import Upload
    from patients.services import patient_enrol
    from patients.tokens import token_issue

    rng = np.random.default_rng(patients)
    work: SimpleQueue[tuple[str, str, bytes]] = SimpleQueue()
    tokens = []
    for number in range(patients):
        code = f"B-{patients}-{number}"
        patient = patient_enrol(code=code, zone="America/Toronto", by="bench")
        tokens.append(token_issue(patient=patient, label="band", by="bench")[1])
    for push in range(pushes):
        for token in tokens:
            first = FIRST_DAY + push * days * DAY
            work.put((token, f"key-{push}", body(rng, first, days)))
    done = Upload.objects.filter(state=Upload.State.STORED)
    before, wanted = done.count(), patients * pushes
    began = time.monotonic()
    clients = [threading.Thread(target=send, args=(port, work)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    receipts = time.monotonic() - began
    while done.count() < before + wanted:
        assert time.monotonic() - began < PATIENCE_S, "not all were stored in time"
        assert not Upload.objects.filter(state=Upload.State.REJECTED).exists(), "one was rejected"
        time.sleep(0.05)
    return wanted * days / (time.monotonic() - began), receipts


def body(rng: np.random.Generator, first: datetime, days: int) -> bytes:
    """A push of so many days: a still night, then counts, steps, light and heart rate."""
    return gzip.compress(
        json.dumps(
            {
                "device": {"name": "Band", "kind": "watch"},
                "family": "actigraph_counts",
                "days": [
                    {"start": (first + n * DAY).isoformat(), "channels": minutes(rng)}
                    for n in range(days)
                ],
            }
        ).encode()
    )


def minutes(rng: np.random.Generator) -> dict[str, list[float]]:
    """1,440 minutes of four channels; whole numbers but for the light."""
    awake = np.arange(1440) >= 480
    counts = rng.gamma(0.6, 900, 1440).round() * awake
    steps = np.where(rng.random(1440) < 0.25, rng.integers(5, 110, 1440), 0) * awake
    light = (rng.lognormal(4, 1.5, 1440) * awake).round(1)
    heart = rng.normal(62, 4, 1440).round() + 18 * awake
    named = {"activity": counts, "steps": steps, "light": light, "heart_rate": heart}
    return {
        name: [int(v) if float(v).is_integer() else float(v) for v in values]
        for name, values in named.items()
    }


def send(port: int, work: "SimpleQueue[tuple[str, str, bytes]]") -> None:
    """One client: pushes until none is left, on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    while True:
        try:
            token, key, content = work.get_nowait()
        except Empty:
            return connection.close()
        headers = {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": key,
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }
        connection.request("POST", "/api/v1/recordings/", content, headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 202, text


@contextmanager
def processes(
    port: int, environment: Mapping[str, str] | None = None, log: IO[bytes] | None = None
) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """The worker of uploads and then the web workers, as `make serve` starts them."""
    from clarity_site.processes import commands

    wanted = [c for c in commands(port) if "gunicorn" in c or "uploads" in c]
    whole = os.environ | {"PYTHONWARNINGS": "ignore"} | dict(environment or {})
    started = [
        subprocess.Popen(c, cwd=ROOT, env=whole, stdout=subprocess.DEVNULL, stderr=log)
        for c in wanted
    ]
    try:
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def wait_for_web(port: int) -> None:
    """Until the web answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/health/live")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("The web server did not start.")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
