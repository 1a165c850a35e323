"""Logs: one JSON object a line, with ids and no names."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts.connection import way_set
from alerts.delivering import outbox_deliver
from alerts.tasks import begin_night, score_queued_patients
from clarity_site.logs import log
from scoring import resources
from tests import factories
from tests.logs import clarity_lines
from tests.people import in_care, recording

pytestmark = pytest.mark.django_db
NAME, TOKEN, EHR_ID = "Zebulon Quist", "t0ken-that-no-log-may-hold", "ehr-id-4711"
SECRETS = ("Zebulon", "Quist", "zebulon", "quist", TOKEN, EHR_ID)


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the console handler's formatter writes, of every logger."""
    formatter = next(
        handler.formatter
        for handler in logging.getLogger("django").handlers
        if type(handler) is logging.StreamHandler
    )
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    loggers = [logging.getLogger(), logging.getLogger("django")]
    for logger in loggers:
        logger.addHandler(handler)
    yield stream
    for logger in loggers:
        logger.removeHandler(handler)


def checked(stream: StringIO) -> list[dict[str, Any]]:
    """The lines as JSON, after a search for what no line may hold."""
    text = stream.getvalue()
    assert not [word for word in SECRETS if word in text]
    lines = clarity_lines(text)
    assert all({"event", "level", "logger", "timestamp"} <= set(line) for line in lines)
    return lines


def test_a_night_with_troubles_logs_ids_and_no_names(
    written: StringIO, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    settings.EHR_TOKEN_FILE = str(tmp_path / "token")
    settings.EHR_BASE_URL = "http://127.0.0.1:1/fhir/R4"  # nobody is there
    way_set(way="CommunicationRequest", by=factories.user("administrator"))  # nor says its ways
    last = timezone.localdate() - timedelta(days=1)
    what = recording(days=14, last_day=last, sleepless=3)
    in_care("P-1", what, name=NAME, ehr_id=EHR_ID)
    in_care("P-2", what, name=NAME).zones.all().delete()
    (tmp_path / "artifacts").mkdir()
    for file in resources.ARTIFACTS.iterdir():
        if file.suffix != ".h5":  # the depression model is missing
            (tmp_path / "artifacts" / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(resources, "ARTIFACTS", tmp_path / "artifacts")
    begin_night()
    score_queued_patients()
    outbox_deliver()
    lines = checked(written)
    events = {line["event"] for line in lines}
    assert {"run queued", "job failed", "model failed", "message settled"} <= events
    failed = next(line for line in lines if line["event"] == "job failed")
    assert (failed["patient"], failed["error"]) == ("P-2", "InputError")
    assert "patients/domain/days.py:" in failed["raised_at"]


def test_requests_are_logged_without_names_addresses_or_query(written: StringIO) -> None:
    doctor = factories.user(username="dr.a", password="a-long-enough-password")
    factories.patient("P-1", team=[doctor], name=NAME)
    client = Client(headers={"user-agent": "Quist Browser"})
    client.post("/login/", {"username": "zebulon.quist", "password": TOKEN})
    client.force_login(doctor)
    assert client.get("/patients/P-1/").status_code == 200
    assert client.get(f"/patients/absent/?name={NAME}").status_code == 404
    lines = checked(written)
    told = [line for line in lines if line["event"].startswith("request_")]
    assert [line["event"] for line in told] == ["request_finished"] * 3  # one for each request
    assert len({line["request_id"] for line in told}) == 3
    assert not {"ip", "user_agent"} & {key for line in lines for key in line}


def test_an_exceptions_text_is_never_written(written: StringIO) -> None:
    try:
        raise ValueError(f"cannot read the diary of {NAME}")
    except ValueError:
        log.exception("it failed")
        logging.getLogger("django.request").error("server error", exc_info=True)
    lines = checked(written)
    assert {line["error"] for line in lines} == {"ValueError"}
    assert all("test_logs.py:" in line["raised_at"] for line in lines)


def test_a_line_is_json_whatever_is_logged(written: StringIO) -> None:
    log.info('quotes " and\nnew lines', extra={"count": 3})
    [line] = [json.loads(line) for line in written.getvalue().splitlines()]
    assert line["count"] == 3 and line["event"] == 'quotes " and\nnew lines'
