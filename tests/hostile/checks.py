"""One hostile upload, brought in as the world would bring it, and what must then be true."""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote, urlencode

from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.test import Client

from patients import upload_queue
from patients.models import Device, Patient, ResolvedDay, SleepEpisode, Upload, User
from patients.tokens import token_issue
from scoring.runs import scoring_request
from tests import factories
from tests.people import ZONE

SLOWEST_S = 5.0  # of work, its child processes' too, so that a busy machine fails nobody
MEMORY_MB = 600  # more than before the upload
BAD_INPUT = 2
RECORDINGS, PUSHES = "patients", "/api/v1/recordings/"
# What a refused upload may leave behind: that it came, and that it was refused.
RECEIPTS = {"patients_upload", "patients_devicetoken", "patients_auditevent"}
TWO_SENTENCES = re.compile(r"[.!?] [A-Z“]")
LEAKS = ("Traceback", "Error(", "/tmp/", "/etc/", "site-packages", "root:x:", "Sam Example")


@dataclass(frozen=True)
class Outcome:
    """What became of an upload: the sentence of its refusal, work, memory, and what was wrong."""

    refusal: str
    seconds: float
    grown_mb: float
    failure: str = ""


class TooSlow(Exception):
    """The upload took longer than it may."""


class Failed(AssertionError):
    """Something that must not happen did."""


@dataclass(frozen=True)
class Clinic:
    """One patient with a recording, a device's token, somebody logged in, and all rows."""

    patient: Patient
    token: str
    client: Client
    before: Mapping[str, str]


def open_clinic() -> Clinic:
    """A clinic with something to lose."""
    user = factories.user()
    patient = factories.patient(team=[user])
    factories.recording(patient, datetime(2026, 3, 1, tzinfo=UTC).date(), 3)
    _, token = token_issue(patient=patient, label="band", by="test")
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return Clinic(patient, token, client, rows())


def rows() -> dict[str, str]:
    """Each table's count of rows and their hash, but for those of receipts."""
    with connection.cursor() as cursor:
        cursor.execute(_every_table())
        return dict(cursor.fetchall())


@cache
def _every_table() -> str:
    tables = [m._meta.db_table for m in apps.get_models() if m._meta.app_label == RECORDINGS]
    one = "SELECT '{0}', count(*) || md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) "
    return " UNION ALL ".join((one + "FROM {0} t").format(table) for table in sorted(tables))


@contextmanager
def undone() -> Iterator[None]:
    """Take everything back at the end, whatever happened."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def in_time() -> Iterator[None]:
    """TooSlow from within, if it takes too long."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 2 * SLOWEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _worked() -> float:
    """Seconds that this process and its ended children have computed."""
    return sum(os.times()[:4])


def outcome(clinic: Clinic, bring: Callable[[], str]) -> Outcome:
    """Bring an upload in and judge; ``bring`` returns the sentence of a refusal, or nothing."""
    refusal, failure, begin_mb = "", "", memory_mb("VmRSS")
    forget_peak()
    began = _worked()
    with undone():
        try:
            with in_time():
                refusal = bring()
            seconds = _worked() - began
            _judge(clinic, refusal)
        except TooSlow:
            seconds, failure = _worked() - began, "it hangs"
        except Exception as wrong:
            seconds, failure = _worked() - began, f"{type(wrong).__name__}: {wrong}"[:300]
    grown_mb = memory_mb("VmHWM") - begin_mb
    if not failure and (seconds > SLOWEST_S or grown_mb > MEMORY_MB):
        failure = f"{seconds:.1f} s, {grown_mb:.0f} MB"
    return Outcome(refusal, seconds, grown_mb, failure)


def _judge(clinic: Clinic, refusal: str) -> None:
    if refusal:
        require_sentence(refusal)
        after = rows()
        changed = {t for t in after if after[t] != clinic.before[t]} - RECEIPTS
        require(not changed, f"refused, but left rows in {changed}")
        return
    require(not any(leak in name for leak in LEAKS for name in _device_names()), "leaked a file")
    day = timedelta(days=1)
    require(not SleepEpisode.objects.filter(end__gt=F("start") + day).exists(), "a long sleep")
    years = (datetime(1969, 12, 31), datetime(2100, 1, 2))
    beyond = ResolvedDay.objects.exclude(utc_day__range=[y.date() for y in years])
    require(not beyond.exists(), "a day outside 1970 to 2100")


def _device_names() -> list[str]:
    return list(Device.objects.values_list("name", flat=True))


def require(good: bool, wrong: str) -> None:
    """Failed, unless it is good."""
    if not good:
        raise Failed(wrong)


def require_sentence(refusal: str) -> None:
    """One sentence that a person may read, and that tells nothing it should not."""
    require(refusal.endswith(".") and refusal.isprintable(), f"no clean sentence: {refusal!r}")
    require(not TWO_SENTENCES.search(refusal), f"two sentences: {refusal!r}")
    require(not any(leak in refusal for leak in LEAKS), f"tells too much: {refusal!r}")


def by_command(patient: str, path: Path, source: str = "auto") -> str:
    """``manage.py ingest_file``: exit code 0, or 2 with a sentence."""
    out, error = StringIO(), StringIO()
    try:
        call_command(
            "ingest_file",
            str(path),
            patient=patient,
            timezone="Europe/Berlin",
            source=source,
            json=True,
            stdout=out,
            stderr=error,
        )
    except SystemExit as ended:
        require(ended.code == BAD_INPUT, f"exit code {ended.code}")
        require(not out.getvalue(), "a refusal on standard output")
        refusal = error.getvalue().strip()
        require(bool(refusal), "a refusal without a word")
        return refusal
    json.loads(out.getvalue())
    return ""


def by_api(clinic: Clinic, body: bytes, headers: Mapping[str, str]) -> str:
    """A push of a device: 4xx with a sentence, or a receipt whose upload is then processed."""
    told = {"Authorization": f"Bearer {clinic.token}", "Idempotency-Key": "k1"} | dict(headers)
    media = told.pop("Content-Type", "application/json")
    length = told.pop("Content-Length", str(len(body)))
    stream: Any = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": length}
    answer = Client().generic("POST", PUSHES, body, media, headers=told, **stream)
    return _of_receipt(answer)


def by_page(clinic: Clinic, content: bytes, asked: Mapping[str, str]) -> str:
    """A history file from the browser; as ``by_api``."""
    told = {"name": "export.zip", "zone": ZONE} | dict(asked)
    headers = {"X-File-Name": quote(told.pop("name"), errors="replace")}
    query = urlencode(told, errors="replace")
    answer = clinic.client.generic(
        "POST", f"/patients/{clinic.patient.code}/uploads/?{query}", content,
        "application/octet-stream", headers=headers,
    )  # fmt: skip
    return _of_receipt(answer)


def _of_receipt(answer: Any) -> str:
    require(answer.status_code < 500, f"HTTP {answer.status_code}")
    told = json.loads(answer.content)
    if answer.status_code >= 400:
        require(not Upload.objects.exists(), "refused, but an upload is kept")
        return str(told["detail"])
    upload_queue.uploads_drain(on_change=lambda patient: scoring_request(patient=patient))
    upload = Upload.objects.get(pk=told["id"])
    require(upload.state in ("stored", "rejected"), f"the upload is {upload.state}")
    require(upload.reason != upload_queue.GAVE_UP, "something that nobody foresaw")
    require(upload.body is None, "the body is kept")
    require(not upload_queue.folder_of(upload.pk).exists(), "the file is kept")
    return upload.reason


def memory_mb(what: str) -> float:
    """This process's memory now ("VmRSS"), or at most since forget_peak ("VmHWM")."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def forget_peak() -> None:
    """Begin to note the peak of memory anew (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")
