"""One kind of EHR: alerts are raised and change, workers deliver, all is counted in the end."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from alerts.connection import capability_read, ehr_client
from alerts.models import Alert, EhrConnection, OutboxMessage
from alerts.services import (
    alert_acknowledge,
    alert_dismiss,
    alert_resolve,
    alert_undo,
    alerts_consider,
)
from patients.models import User
from tests import factories
from tests.alerts.ehr import Gateway
from tests.conftest import ROOT
from tests.delivery.counted import Held, counted
from tests.delivery.faults import Faults
from tests.delivery.kinds import Kind
from tests.fhir_server import FhirServer
from tests.people import morning

DAY = date(2026, 3, 1)
TOKEN, NAME = "a-token-of-this-trial", "Zebulon Quist"
SECRET = (TOKEN, NAME, "Clarity risk indicator")  # what may stand in no log
WORKERS, LONGEST_S = 3, 2400
State = OutboxMessage.State


def tried(kind: Kind, alerts: int, seed: int) -> bool:
    """Deliver, print the counts, and say whether all of it is as it must be."""
    began = time.monotonic()
    EhrConnection.objects.all().delete()
    last = Alert.objects.order_by("pk").last()
    after = last.pk if last else 0
    faults, restarts, kills = Faults(seed), Counter[str](), Counter[str]()
    faults.calm.set()
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder)
        with (
            FhirServer(data=paths / "ehr.jsonl") as server,
            _gateway(kind, server, faults) as gateway,
            _connected(gateway.base_url, paths, faults),
            _workers(gateway.base_url, paths) as manager,
            _trouble(manager, server, gateway, kind, faults, restarts, kills),
        ):
            settings.EHR_RECIPIENT = "Practitioner/dr-1"
            _live(alerts, seed)
            _until_settled(after, faults)
        held = Held.of(kind, paths)
        log = (paths / "log").read_text(errors="replace")
    told = counted(kind, Alert.objects.filter(pk__gt=after), held)
    leaks = sum(log.count(words) for words in SECRET)
    told.say(
        f"tokens, names and payloads in {log.count(chr(10)):,} lines of logs: {leaks}", wrong=leaks
    )
    print(f"{kind.name}: {kind.says} ({time.monotonic() - began:.0f} s)")
    print(f"  faults: {dict(faults.done)}, {dict(restarts + kills)}")
    for line in told.lines:
        print(f"  {line}")
    print("  as it must be" if told.well else "  NOT AS IT MUST BE", flush=True)
    return told.well


def _gateway(kind: Kind, server: FhirServer, faults: Faults) -> Gateway:
    return Gateway(
        server.base_url,
        offers=kind.offers,
        conditional=kind.conditional,
        searchable=kind.searchable,
        fault=faults,
    )


@contextmanager
def _connected(base_url: str, paths: Path, faults: Faults) -> Iterator[None]:
    """What the EHR takes is known before the first alert, and before anything fails."""
    settings.EHR_BASE_URL, settings.EHR_FOLDER = base_url, str(paths / "folder")
    with ehr_client() as client:
        capability_read(client=client, now=timezone.now())
    faults.calm.clear()
    yield


@contextmanager
def _workers(base_url: str, paths: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process whose children deliver."""
    (paths / "token").write_text(TOKEN)
    environment = {
        "EHR_BASE_URL": base_url,
        "EHR_FOLDER": str(paths / "folder"),
        "EHR_TOKEN_FILE": str(paths / "token"),
        "EHR_RECIPIENT": "Practitioner/dr-1",
        "EHR_REQUESTS_PER_SECOND": "500",
        "LOG_LEVEL": "DEBUG",
    }
    command = [sys.executable, "-m", "tests.delivery.worker", str(WORKERS)]
    with (paths / "log").open("wb") as log:
        manager = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log
        )
        try:
            yield manager
        finally:
            manager.terminate()
            manager.wait(20)


@contextmanager
def _trouble(
    manager: subprocess.Popen[bytes],
    server: FhirServer,
    gateway: Gateway,
    kind: Kind,
    faults: Faults,
    restarts: Counter[str],
    kills: Counter[str],
) -> Iterator[None]:
    """Kill workers, restart the server, refuse connections, until the faults are over."""
    rng = random.Random(1)

    def go() -> None:
        while not faults.calm.wait(rng.uniform(1.5, 5)):
            children = Path(f"/proc/{manager.pid}/task/{manager.pid}/children").read_text().split()
            if children:
                os.kill(int(rng.choice(children)), signal.SIGKILL)
                kills["workers killed"] += 1
            if rng.random() < 0.15:
                server.restart()
                restarts["server restarts"] += 1
            if rng.random() < 0.1:
                _refuse(gateway, rng.uniform(0.5, 2))
                restarts["times of refused connections"] += 1

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    yield
    faults.calm.set()
    thread.join(30)


def _refuse(gateway: Gateway, seconds: float) -> None:
    """Nobody listens for a while."""
    port = gateway.server_port
    gateway.shutdown()
    gateway.socket.close()
    time.sleep(seconds)
    again = Gateway(
        f"http://{gateway.upstream.netloc}{gateway.upstream.path}", port=port,
        offers=gateway.offers, conditional=gateway.conditional, searchable=gateway.searchable,
        fault=gateway.fault,
    )  # fmt: skip
    gateway.socket = again.socket
    threading.Thread(target=gateway.serve_forever, args=(0.02,), daemon=True).start()


def _live(alerts: int, seed: int) -> None:
    """Raise them one by one, while older ones rise, are resolved, dismissed and taken up again."""
    rng, by = random.Random(seed), factories.user()
    opened: list[Alert] = []
    for n in range(alerts):
        opened.append(_raised(n, 0.5 if rng.random() < 0.4 else 0.9))
        if rng.random() < 0.5:
            _changed(rng.choice(opened), rng, by)


@transaction.atomic
def _raised(n: int, mania: float) -> Alert:
    patient = factories.patient(ehr_id=f"p-{n}", name=NAME)
    factories.score(patient, DAY - timedelta(days=1), mania=0.1)
    [alert] = alerts_consider(score=factories.score(patient, DAY, mania=mania), now=morning(DAY))
    OutboxMessage.objects.filter(alert=alert).update(
        next_attempt_at=timezone.now(), created_at=timezone.now()
    )
    return alert


@transaction.atomic
def _changed(alert: Alert, rng: random.Random, by: User) -> None:
    alert.refresh_from_db()
    if alert.is_open and rng.random() < 0.4:
        day = DAY + timedelta(days=alert.patient.scores.count())
        score = factories.score(alert.patient, day, mania=0.95)
        alerts_consider(score=score, now=morning(day))
    elif alert.is_open and rng.random() < 0.5:
        if alert.state == "new":
            alert_acknowledge(alert=alert, by=by)
        alert_resolve(alert=alert, by=by)
    elif alert.is_open:
        alert_dismiss(alert=alert, by=by, reason="known-and-managed")
        if rng.random() < 0.3:
            alert_undo(alert=alert, by=by)
    _made_now(OutboxMessage.objects.filter(alert=alert, state=State.PENDING, attempts=0))


def _made_now(messages: QuerySet[OutboxMessage]) -> None:
    """The scores are of March: their messages are not to be given up as old."""
    messages.update(next_attempt_at=timezone.now(), created_at=timezone.now())


def _until_settled(after: int, faults: Faults) -> None:
    """Faults go on for a while after the last alert; then every message comes to its end."""
    ends = time.monotonic() + LONGEST_S
    calm_at = time.monotonic() + 20
    waiting = OutboxMessage.objects.filter(
        alert__pk__gt=after, state__in=[State.PENDING, State.SENDING, State.HELD]
    )
    while waiting.exists() and time.monotonic() < ends:
        if time.monotonic() > calm_at:
            faults.calm.set()
        time.sleep(0.5)
    faults.calm.set()
    database.close()
