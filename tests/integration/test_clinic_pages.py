"""The hub, devices, freshness, messages and rule tables of the whole clinic."""

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from axes.models import AccessAttempt
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts.models import OutboxMessage
from alerts.rule_files import rule_content, rule_files
from patients.domain.rule_files import rule_notes
from patients.models import AuditEvent, DeviceToken, Patient, Role
from scoring.models import ModelVersion
from tests import factories
from tests.integration.reading import browser, text, yesterday
from tests.integration.test_rules_at_start import changed
from tests.integration.test_rules_at_start import data as data

pytestmark = pytest.mark.django_db
FILES = rule_files()


@pytest.fixture
def client() -> Client:
    return browser(Role.ADMINISTRATOR)[0]


def queries(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as asked:
        act()
    return len(asked)


def with_data(code: str, days_ago: int, days: int = 2) -> Patient:
    patient = factories.patient(code)
    factories.recording(patient, timezone.localdate() - timedelta(days=days_ago + 1), days)
    return patient


def message(code: str, state: str, error: str = "", attempts: int = 0, hours: int = 0) -> None:
    patient = Patient.objects.filter(code=code).first() or factories.patient(code)
    alert = factories.alert(factories.score(patient, yesterday(), 0.9, 0.9))
    row = alert.messages.get()
    row.state, row.last_error, row.attempts = state, error, attempts
    row.created_at = timezone.now() - timedelta(hours=hours)
    row.save()


def test_the_hub_counts_what_needs_somebody_and_links_to_it(client: Client) -> None:
    team = [factories.user()]
    for n, state in enumerate(("refused", "dead", "held", "delivered")):
        message(f"M-{n}", state)
    message("M-9", "pending", "no answer", 2)
    factories.baseline(factories.patient("P-1", team), "proposed")
    factories.user(username="idle", last_login=timezone.now() - timedelta(days=100))
    AccessAttempt.objects.create(username="idle2", ip_address="::1", failures_since_start=9)
    factories.user(username="idle2")
    ModelVersion.objects.update(state="retired")
    factories.model("mania", "people")
    found = dict(
        re.findall(
            r'href="([^"]+)"><strong>(\d+)</strong>', client.get("/clinic/").content.decode()
        )
    )
    assert found == {
        "/runs/": "1", "/messages/?state=failed": "2", "/messages/?state=retrying": "1",
        "/messages/?state=held": "1", "/freshness/?level=silent": "6",
        "/teams/?only=nobody": "5", "/baselines/?only=waiting": "1", "/people/?state=locked": "1",
        "/people/?state=unused": "1", "/models/": "1",
    }  # fmt: skip
    for address, n in found.items():
        page = text(client.get(address))
        if "?" in address:
            assert f" {n} " in page, address
    assert "No nightly run has finished yet" in text(client.get("/runs/"))


def test_a_clinic_in_order_says_so(client: Client) -> None:
    factories.run(timezone.localdate(), "done")
    ModelVersion.objects.all().delete()
    words = text(client.get("/clinic/"))
    assert "Nothing: every message arrived" in words and "0 nights that did not finish" in words


def test_the_hub_is_in_the_menu_of_administrators_alone(client: Client) -> None:
    assert 'href="/clinic/"' in client.get("/help/").content.decode()
    clinician = browser()[0].get("/help/").content.decode()
    assert 'href="/clinic/"' not in clinician and 'href="/people/"' not in clinician


def test_a_review_that_is_overdue_is_counted_marked_and_found(client: Client, data: Path) -> None:
    path = data / "alerts/data/triage.toml"
    changed(path, r"^next_review = .*$", "next_review = 2026-01-01")
    changed(path, r"^date_reviewed = .*$", "date_reviewed = 2025-01-01")
    hub = client.get("/clinic/").content.decode()
    assert 'href="/rules/?only=overdue"><strong>1</strong>' in hub
    body = client.get("/rules/?only=overdue").content.decode()
    assert re.findall(r'<th scope="row"><a href="/rules/([\w]+)/"', body) == ["triage"]
    assert "review overdue" in text(client.get("/rules/triage/"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.path.stem)
def test_every_rule_file_is_listed_and_can_be_read_whole(client: Client, file: object) -> None:
    path = file.path  # type: ignore[attr-defined]
    assert f'href="/rules/{path.stem}/"' in client.get("/rules/").content.decode()
    page = client.get(f"/rules/{path.stem}/")
    shown = re.sub(r"\s+", " ", text(page))
    assert "unverified" in shown

    def leaves(value: object) -> list[str]:
        if isinstance(value, dict):
            return [leaf for item in value.values() for leaf in leaves(item)]
        if isinstance(value, list):
            return [leaf for item in value for leaf in leaves(item)]
        return [] if isinstance(value, bool) or value == "" else [str(value)]

    shown = unescape(shown)
    for leaf in leaves(rule_content(path)):
        words = re.sub(r"\s+", " ", leaf).strip()
        minus = re.sub(r"^-(?=\d)", "−", words)  # as a number has it on a page
        assert words in shown or minus in shown or not re.search(r"\w", words) or "<" in words, (
            words
        )


def test_rule_files_have_names_of_their_own() -> None:
    stems = [file.path.stem for file in FILES]
    assert len(stems) == len(set(stems)) and "performance" not in stems


def test_what_a_file_says_beside_a_value_is_shown_with_it(client: Client) -> None:
    path = next(file.path for file in FILES if file.path.stem == "router")
    notes = rule_notes(path)
    assert notes["availability.mania_nights"] == "of the 30"
    assert notes["tiers.mania"].startswith("lower edges")
    words = text(client.get("/rules/router/"))
    assert "Mania nights 12 of the 30" in words
    assert client.get("/rules/nonsense/").status_code == 404


def test_devices_and_tokens_of_everybody(client: Client) -> None:
    patient = with_data("P-1", 1)
    with_data("P-2", 40)
    factories.patient("P-3")
    factories.device_token(patient, "Band of the left wrist")
    words = text(client.get("/devices/"))
    assert "Band of the left wrist issued by" in words and "never used" in words
    assert "none has sent anything" in words.split("P-3")[1]
    token = DeviceToken.objects.get()
    asked = {"next": "/devices/?q=P-1"}
    answer = client.post(f"/patients/P-1/tokens/{token.pk}/revoke/", asked)
    assert answer["Location"] == "/devices/?q=P-1"
    words = text(client.get("/devices/?q=p-1"))
    assert "revoked" in words and "P-2" not in words
    assert re.findall(r"P-\d", text(client.get("/devices/?only=stale"))) == ["P-2"]


def test_a_token_that_is_silent_is_found_until_it_is_revoked(client: Client) -> None:
    token = factories.device_token(factories.patient("P-1"))

    def stale() -> bool:
        return "P-1" in text(client.get("/devices/?only=stale"))

    now = timezone.now()
    for created, used, revoked, found in (
        (8, None, None, True), (8, 6, None, False), (20, 8, None, True), (20, 8, 1, False),
        (6, None, None, False),
    ):  # fmt: skip
        times = {"created_at": created, "last_used_at": used, "revoked_at": revoked}
        DeviceToken.objects.filter(pk=token.pk).update(
            **{k: None if days is None else now - timedelta(days=days) for k, days in times.items()}
        )
        assert stale() is found, times


def test_freshness_puts_the_longest_without_data_first(client: Client) -> None:
    for code, days_ago in (("P-FRESH", 0), ("P-LOST", 45), ("P-AGING", 5), ("P-STALE", 20)):
        with_data(code, days_ago)
    factories.patient("P-NEVER")
    body = client.get("/freshness/").content.decode()
    order = list(dict.fromkeys(re.findall(r'href="/patients/(P-\w+)/data/"', body)))
    assert order == ["P-NEVER", "P-LOST", "P-STALE", "P-AGING", "P-FRESH"]
    counts = dict(re.findall(r'\?level=(\w+)"[^>]*>.*?<strong>(\d+)</strong>', body))
    per_patient = body.count('href="/patients/P-LOST/data/"')
    assert counts == {
        "silent": "3", "lost": str(1 + per_patient), "stale": str(per_patient),
        "aging": str(per_patient), "fresh": str(per_patient),
    }  # fmt: skip
    silent = client.get("/freshness/?level=silent").content.decode()
    assert set(re.findall(r'href="/patients/(P-\w+)/', silent)) == {"P-NEVER", "P-LOST", "P-STALE"}
    assert "P-AGING" not in text(client.get("/freshness/?level=stale"))
    assert "P-LOST" not in text(client.get("/freshness/?q=fresh"))


def test_one_source_that_stopped_leaves_a_patient_with_data(client: Client) -> None:
    patient = with_data("P-1", 0)
    device = patient.devices.first()
    assert device
    device.last_data_at = timezone.now() - timedelta(days=60)
    device.save()
    body = client.get("/freshness/").content.decode()
    assert 'href="?level=lost"><span class="chip chip-lost">' in body
    assert "60 days ago" in text(client.get("/freshness/?level=lost"))
    assert "P-1" not in text(client.get("/freshness/?level=silent"))


def test_shares_are_whole_days_up_to_yesterday(client: Client) -> None:
    patient = factories.patient("P-1", zone="UTC")
    factories.recording(patient, timezone.now().date() - timedelta(days=3), 10)
    words = text(client.get("/freshness/"))
    # Ten local days in Toronto that end three days ago reach into eleven UTC days.
    assert "6 of 7 days 86" in words and "11 of 30 days 37" in words


def test_the_csv_holds_all_sources_and_is_written_down(client: Client) -> None:
    with_data("P-1", 1)
    factories.patient("P-2")
    answer = client.get("/freshness.csv")
    rows = list(csv.DictReader(answer.content.decode().splitlines()))
    assert rows[0]["patient"] == "P-2" and rows[0]["level"] == "lost"
    assert {row["level"] for row in rows if row["patient"] == "P-1"} == {"fresh"}
    assert all(
        int(row["days with data of the last 7 (days)"]) >= 1
        for row in rows
        if row["patient"] == "P-1"
    )
    row = AuditEvent.objects.get(action="freshness exported")
    assert row.detail == {"rows": len(rows)}


@pytest.mark.parametrize("address", ["/freshness/", "/devices/", "/teams/", "/clinic/"])
def test_pages_of_the_clinic_ask_as_often_for_many_as_for_few(client: Client, address: str) -> None:
    def fill(prefix: str, n: int) -> None:
        for at in range(n):
            patient = with_data(f"{prefix}-{at}", at % 50, 1)
            factories.device_token(patient)

    fill("A", 3)
    client.get(address)
    few = queries(lambda: client.get(address))
    fill("B", 40)
    assert queries(lambda: client.get(address)) == few


def test_long_lists_come_in_pages_and_keep_what_was_asked(client: Client) -> None:
    for n in range(60):
        factories.patient(f"P-{n:02}")
    first = client.get("/devices/?q=P-").content.decode()
    assert "Page 1 of 2: 1 to 50 of 60" in text(client.get("/devices/?q=P-"))
    assert 'href="?q=P-&amp;page=2"' in first and "P-55" not in first
    assert "P-55" in text(client.get("/devices/?q=P-&page=2"))
    assert "P-55" in text(client.get("/devices/?page=99"))


def test_messages_are_found_by_state_age_and_patient(client: Client) -> None:
    message("P-1", "refused", "The EHR refused it (422): Patient/9 was not found.", 1, 30)
    message("P-2", "pending", "No answer within 10 s.", 2, 2)
    message("P-3", "held", "The patient has no id in the EHR.")

    def shown(query: str) -> set[str]:
        body = client.get(f"/messages/?{query}").content.decode()
        return set(re.findall(r'<th scope="row">(P-\d)</th>', body))

    assert shown("") == {"P-1", "P-2", "P-3"}
    assert shown("state=failed") == {"P-1"}
    assert shown("state=retrying") == {"P-2"}
    assert shown("state=waiting") == set()
    assert shown("age=hour") == {"P-1", "P-2"}
    assert shown("age=day") == {"P-1"}
    assert shown("age=day&q=p-2") == set()
    words = text(client.get("/messages/"))
    assert "Patient/9 was not found." in words and "next attempt" in words
    assert "The patient has no id in the EHR." in words


def test_all_that_failed_is_sent_again_and_each_is_written_down(client: Client) -> None:
    for code, state in (("P-1", "refused"), ("P-2", "dead"), ("P-3", "delivered"), ("P-4", "held")):
        message(code, state, "why", 1)
    assert "Send all that failed again (2)" in text(client.get("/messages/"))
    answer = client.post("/messages/resend/", {"next": "/messages/?state=failed"}, follow=True)
    assert "2 messages will be sent again." in text(answer)
    states = OutboxMessage.objects.order_by("alert__patient__code").values_list("state", flat=True)
    assert list(states) == ["pending", "pending", "delivered", "held"]
    rows = AuditEvent.objects.filter(action="message resent").values_list("patient_code", flat=True)
    assert sorted(rows) == ["P-1", "P-2"]
    assert "Send all that failed" not in text(client.get("/messages/"))


def test_messages_ask_as_often_for_many_as_for_few(client: Client) -> None:
    message("P-0", "refused")
    client.get("/messages/")
    few = queries(lambda: client.get("/messages/"))
    for n in range(1, 20):
        message(f"P-{n}", "refused")
    assert queries(lambda: client.get("/messages/")) == few
