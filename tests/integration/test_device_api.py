"""The device API as a device meets it: every answer, and what it describes of itself."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.cache import cache
from django.test import Client
from drf_spectacular.validation import validate_schema

from patients import tasks, upload_queue
from patients.device_api import FAILURES
from patients.ingest import device_push
from patients.ingest.common.json_files import MAX_FILE_BYTES
from patients.models import AuditEvent, DeviceToken, RecordingDay, Upload
from patients.tasks import store_uploads, watch_uploads
from patients.tokens import token_issue, token_revoke
from scoring.models import ScoringJob
from tests import factories
from tests.conftest import ROOT
from tests.integration.reading import browser
from tests.patients.pushes import a_day, a_push, as_json

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/recordings/"
RAW = as_json(a_push())


@pytest.fixture(autouse=True)
def _fresh(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    monkeypatch.setattr(tasks, "LINGER_S", 0.0)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def device() -> tuple[DeviceToken, str]:
    return token_issue(patient=factories.patient("P-1"), label="band", by="tester")


def post(text: str, raw: bytes = RAW, zipped: bool = True, **headers: str) -> Any:
    """A push as a device sends it; a header of "" is left out."""
    given = {
        "Authorization": f"Bearer {text}",
        "Idempotency-Key": "k",
        "Content-Encoding": "gzip" if zipped else "",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    body = gzip.compress(raw, mtime=len(given)) if zipped else raw
    media = given.pop("Content-Type", "application/json")
    kept = {name: value for name, value in given.items() if value}
    return Client(raise_request_exception=False).post(ADDRESS, body, media, headers=kept)


def ask(text: str, address: str) -> Any:
    return Client().get(address, headers={"Authorization": f"Bearer {text}"})


def refused(answer: Any, status: int) -> str:
    """The one sentence of a refusal; nothing was kept."""
    assert answer.status_code == status, answer.content
    sentence = answer.json()["detail"]
    assert re.fullmatch(r"[^\n]+[.]", sentence) and "P-1" not in sentence
    assert not RecordingDay.objects.exists()
    return str(sentence)


def test_a_push_is_received_then_stored_and_its_receipt_says_so(
    device: tuple[DeviceToken, str],
) -> None:
    answer = post(device[1])
    receipt = answer.json()
    assert answer.status_code == 202 and receipt["state"] == "received"
    assert answer["Location"] == receipt["url"] == f"{ADDRESS}{receipt['id']}/"
    assert ask(device[1], receipt["url"]).json() == receipt
    store_uploads()
    stored = ask(device[1], receipt["url"]).json()
    assert stored["state"] == "stored" and stored["processed_at"] and not stored["reason"]
    assert stored["result"]["status"] == "stored" and stored["result"]["minutes"] == 1440
    assert AuditEvent.objects.latest("id").actor == "device: band"
    [job] = ScoringJob.objects.all()
    assert (job.patient.code, job.run, job.state) == ("P-1", None, "queued")


def test_plain_json_is_as_good_as_gzip_and_the_same_push_again_is_200(
    device: tuple[DeviceToken, str],
) -> None:
    first, again = post(device[1]), post(device[1], zipped=False)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"] and Upload.objects.count() == 1
    assert "another body" in refused(post(device[1], as_json(a_push(a_day(steps=[1])))), 409)


def test_a_rejected_push_says_why_in_its_receipt(device: tuple[DeviceToken, str]) -> None:
    address = post(device[1], as_json(a_push(a_day(steps=[999, -1])))).json()["url"]
    store_uploads()
    receipt = ask(device[1], address).json()
    assert receipt["state"] == "rejected" and "2 steps_out_of_range" in receipt["reason"]
    assert not ScoringJob.objects.exists()


def test_without_a_good_token_nothing_is_received(device: tuple[DeviceToken, str]) -> None:
    token, text = device
    answer = post("", Authorization="")
    refused(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"
    for bad in ("", "x", text + "x", "clarity_", "clarity_é"):
        refused(post(bad), 401)
    refused(post("", Authorization=f"Basic {text}"), 401)
    token_revoke(token=token, by="tester")
    assert "revoked" in refused(post(text), 401)
    client, _ = browser()
    assert client.post(ADDRESS, RAW, "application/json").status_code == 401
    assert not Upload.objects.exists()


def test_after_many_bad_tokens_an_address_must_wait_and_good_tokens_need_not(
    device: tuple[DeviceToken, str],
) -> None:
    for _ in range(FAILURES):
        assert post("clarity_x").status_code == 401
    answer = post("clarity_x")
    assert answer.status_code == 429 and answer["Retry-After"]
    assert post(device[1]).status_code == 202


@pytest.mark.parametrize(
    ("status", "given"),
    [
        (400, {"Idempotency_Key": ""}),
        (400, {"Idempotency_Key": "x" * 201}),
        (400, {"raw": b""}),
        (400, {"raw": b"{}"}),
        (400, {"raw": b"[" * 5000}),
        (400, {"raw": b"[NaN]"}),
        (400, {"raw": b"", "zipped": False}),
        (400, {"raw": b"\xff", "zipped": False}),
        (400, {"zipped": False, "Content_Encoding": "gzip"}),
        (415, {"Content_Type": "multipart/form-data; boundary=x"}),
        (415, {"Content_Type": "text/plain"}),
        (415, {"Content_Encoding": "br"}),
        (413, {"raw": bytes(device_push.MAX_JSON_BYTES + 1)}),
        (413, {"raw": bytes(MAX_FILE_BYTES)}),
        (413, {"raw": bytes(device_push.MAX_JSON_BYTES + 1), "zipped": False}),
        (413, {"raw": bytes(MAX_FILE_BYTES), "zipped": False}),
    ],
)
def test_what_is_cheap_to_see_is_refused_at_once(
    device: tuple[DeviceToken, str], status: int, given: dict[str, Any]
) -> None:
    refused(post(device[1], **given), status)
    assert not Upload.objects.exists()


def test_a_receipt_is_shown_to_its_token_and_to_who_may_open_the_record_only() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    own, other = (token_issue(patient=patient, label=n, by="tester")[1] for n in "ab")
    address = post(own).json()["url"]
    assert ask(own, address).status_code == client.get(address).status_code == 200
    stranger, _ = browser()
    nowhere = f"{ADDRESS}00000000-0000-0000-0000-000000000000/"
    for answer, none in (
        (ask(other, address), ask(other, nowhere)),
        (stranger.get(address), stranger.get(nowhere)),
    ):
        assert answer.status_code == none.status_code == 404
        assert answer.content == none.content
    assert Client().get(address).status_code == ask("clarity_x", address).status_code == 401


def test_the_watch_wakes_uploads_that_nobody_was_woken_for(
    device: tuple[DeviceToken, str], settings: Any
) -> None:
    queue = Path(settings.BROKER_DIR) / "queue"

    def messages() -> int:
        return len(list(queue.glob("*.msg"))) if queue.is_dir() else 0

    before = messages()
    watch_uploads()
    assert messages() == before
    post(device[1])
    before = messages()
    watch_uploads()
    assert messages() == before + 1
    assert upload_queue.uploads_drain(on_change=lambda _: None) == 1


def test_a_broker_that_cannot_be_reached_loses_no_push(
    device: tuple[DeviceToken, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(**_: Any) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(tasks.store_uploads, "apply_async", lost)
    monkeypatch.setattr(tasks, "_last_wake", -1e9)
    assert post(device[1]).status_code == 202
    store_uploads()
    assert Upload.objects.get().state == "stored"


def schema() -> dict[str, Any]:
    document: dict[str, Any] = browser()[0].get("/api/v1/schema/?format=json").json()
    return document


def test_openapi_describes_the_push_its_answers_and_its_token() -> None:
    document = schema()
    validate_schema(document)
    push = document["paths"][ADDRESS]["post"]
    receipt = document["paths"][f"{ADDRESS}{{upload_id}}/"]["get"]
    assert {"200", "202", "400", "401", "409", "413", "415"} <= set(push["responses"])
    assert push["security"] == [{"deviceToken": []}]
    assert document["components"]["securitySchemes"]["deviceToken"]["scheme"] == "bearer"
    assert {"Idempotency-Key", "Content-Encoding"} == {p["name"] for p in push["parameters"]}
    assert {"deviceToken": []} in receipt["security"] and "404" in receipt["responses"]


def read_document(raw: Any) -> bool:
    """Whether OpenAPI's description of a push allows it."""
    document = schema()
    content = document["paths"][ADDRESS]["post"]["requestBody"]["content"]["application/json"]
    # OpenAPI 3.0 says nullable where JSON Schema says null.
    text = str(content["schema"] | {"components": document["components"]})
    assert "PushShape" in text
    described = _with_null(content["schema"] | {"components": document["components"]})
    return bool(jsonschema.Draft202012Validator(described).is_valid(raw))


def _with_null(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_null(v) for v in value]
    if not isinstance(value, dict):
        return value
    plain = {k: _with_null(v) for k, v in value.items() if k != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if value.get("nullable") else plain


NIGHT = {"start": "2026-03-01T23:00:00Z", "end": "2026-03-02T06:00:00Z", "id": None}


@pytest.mark.parametrize(
    ("push", "good"),
    [
        (a_push(a_day(steps=[1, None], activity=[2.5]), family="mims"), True),
        (a_push(sleep=[NIGHT | {"stages": [], "asleep_minutes": 400, "awake_minutes": 9}]), True),
        (a_push(sleep=[NIGHT], questionnaires=[]), True),
        ({"days": []}, False),
        (a_push(a_day(steps=["7"])), False),
        (a_push(a_day(steps=[1] * 1501)), False),
        (a_push(device={"name": "a", "kind": "horse"}), False),
        (a_push(family="steps"), False),
        (a_push(sleep=[{"start": NIGHT["start"]}]), False),
    ],
)
def test_what_openapi_describes_is_what_is_taken(
    device: tuple[DeviceToken, str], push: Any, good: bool
) -> None:
    assert read_document(push) == good
    assert (post(device[1], as_json(push)).status_code == 202) == good


def test_the_example_in_the_documentation_is_stored_whole(device: tuple[DeviceToken, str]) -> None:
    text = (ROOT / "docs" / "recordings.md").read_text().split("## Device API")[1]
    example = json.loads(text.split("```json")[1].split("```")[0])
    assert read_document(example)
    address = post(device[1], json.dumps(example).encode()).json()["url"]
    store_uploads()
    receipt = ask(device[1], address).json()
    assert (receipt["state"], receipt["result"]["rejected"]) == ("stored", {})
    told = text.split("```json")[2].split("```")[0]
    assert set(json.loads(told)) == set(receipt)
