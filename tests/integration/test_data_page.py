"""The page “Data” of a patient: devices and their order, days, provenance, files, zones."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from patients.domain.recording import (
    Channel,
    DeviceKind,
    Family,
    MinuteSeries,
    Recording,
    SleepEpisode,
)
from patients.models import AuditEvent, Patient, RecordingFile, Role, Upload
from patients.resolving import device_order_set, devices_in_order
from patients.storage import recordings_store
from patients.tokens import token_used
from scoring.features import features_update
from scoring.models import ScoringJob
from tests import factories
from tests.integration.reading import browser, text

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 10)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def steps(name: str, kind: DeviceKind, start: datetime, values: list[float]) -> Recording:
    """Steps of one device, a value a minute."""
    minutes = np.array(values, dtype=np.float32)
    series = MinuteSeries(Channel.STEPS, "steps/min", start, minutes)
    rejected = {"steps_out_of_range": 3, "steps_duplicate": 1200}
    days = {(Channel.STEPS, start.date()): 3}
    return Recording("apple_health", name, Family.STEPS, (series,), (), rejected, kind, (), days)


def two_devices(code: str = "P-1", team: Any = (), zone: str = "Europe/Paris") -> Patient:
    """On DAY from 12:00 UTC the watch has minutes 0 to 59, the phone 30 to 119."""
    patient = factories.patient(code, team, zone=zone)
    watch = steps("Watch", DeviceKind.WATCH, NOON, [10.0] * 60)
    phone = steps("iPhone", DeviceKind.PHONE, NOON + timedelta(minutes=30), [4.0] * 90)
    night = SleepEpisode(
        datetime(2026, 11, 9, 22, tzinfo=UTC), datetime(2026, 11, 10, 5, tzinfo=UTC), 400.0, 20.0
    )
    asleep = Recording("oura", "Ring", None, (), (night,), kind=DeviceKind.RING)
    store(patient, [watch, phone, asleep], "a" * 64)
    return patient


def store(patient: Patient, recordings: list[Recording], sha256: str, **more: Any) -> None:
    recordings_store(
        patient=patient,
        recordings=recordings,
        file_sha256=sha256,
        zone="Europe/Paris",
        by="t",
        **more,
    )


def rows_of(body: str, section: str) -> list[list[str]]:
    """The cells of a section's table, as words, a list a row."""
    part = body[body.index(f'<h2 id="{section}"') :]
    part = part[: part.index("</section>")]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", part, re.S)
    plain = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", c).split()) for c in row] for row in plain]


def page_of(client: Client, query: str = "") -> str:
    answer = client.get(f"/patients/P-1/data/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def order_of(patient: Patient) -> list[str]:
    return [device.name for device in devices_in_order(patient)]


def test_the_record_leads_to_the_page_and_back_and_each_opening_is_written_down() -> None:
    client, who = browser()
    two_devices(team=[who])
    assert 'href="/patients/P-1/data/"' in client.get("/patients/P-1/").content.decode()
    AuditEvent.objects.all().delete()
    assert 'href="/patients/P-1/"' in page_of(client)
    row = AuditEvent.objects.get()
    assert (row.actor, row.action, row.detail) == (who.username, "record opened", {"page": "data"})


def test_devices_stand_in_order_with_what_they_brought() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    now = timezone.now().astimezone(ZoneInfo(factories.ZONE))
    today = now.replace(hour=12, minute=0, second=0, microsecond=0).astimezone(UTC)
    store(
        patient,
        [
            steps("iPhone", DeviceKind.PHONE, today - timedelta(days=20), [4.0] * 60),
            steps("Watch", DeviceKind.WATCH, today - timedelta(days=1), [4.0] * 60),
        ],
        "b" * 64,
    )
    watch, phone = rows_of(page_of(client), "devices")[1:]
    assert watch[:3] == ["1", "Watch Watch or band, Apple Health", "Steps"]
    assert watch[3].startswith("yesterday ") and watch[4] == "1 day"
    assert phone[3].startswith("20 days ago ")
    assert 'chip-fresh">yesterday' in page_of(client) and 'chip-stale">20 days' in page_of(client)


def test_a_device_dated_in_the_future_says_so() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    store(patient, [steps("Watch", DeviceKind.WATCH, NOON, [4.0] * 60)], "b" * 64)
    # As stored before such minutes were left out.
    patient.devices.update(last_data_at=timezone.now() + timedelta(days=400))
    assert "dated in the future" in rows_of(page_of(client), "devices")[1][3]


def test_last_seen_is_a_day_of_the_patients_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    # 12:30 UTC on the 10th is 02:30 on the 11th in Kiritimati; at 11:00 UTC on the 11th it is
    # 01:00 on the 12th there, and 06:00 on the 11th in the clinic.
    client, who = browser()
    patient = factories.patient("P-1", [who], zone="Pacific/Kiritimati")
    store(patient, [steps("Watch", DeviceKind.WATCH, NOON, [4.0] * 31)], "b" * 64)
    now = datetime(2026, 11, 11, 11, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    for address in ("/", "/patients/P-1/", "/patients/P-1/data/"):
        device = "Watch: " if address == "/" else ""
        assert f'chip-fresh">{device}yesterday' in client.get(address).content.decode(), address
    monkeypatch.setattr(timezone, "now", lambda: now - timedelta(hours=2))
    assert 'chip-fresh">Watch: today' in client.get("/").content.decode()


def test_each_day_shows_minutes_by_channel_and_the_chosen_devices() -> None:
    client, who = browser()
    two_devices(team=[who])
    table = rows_of(page_of(client, "?until=2026-11-12"), "days")
    assert table[0] == ["Day", "Steps", "Sleep"]
    assert len(table) == 31
    # In the order watch, ring, phone: 60 minutes of the watch, then 60 of the phone.
    assert table[3] == ["Tue 10 Nov", "120 min of Watch, iPhone 1+3", "420 min of Ring 2"]
    assert table[2] == ["Wed 11 Nov", "none", "none"]


def test_minutes_fall_on_the_local_day() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who], zone="America/Los_Angeles")
    start = datetime(2026, 11, 10, 7, 0, tzinfo=UTC)  # 23:00 on the 9th
    store(patient, [steps("Watch", DeviceKind.WATCH, start, [1.0] * 90)], "b" * 64)
    table = rows_of(page_of(client, "?until=2026-11-10"), "days")
    assert table[1] == ["Tue 10 Nov", "30 min"] and table[2] == ["Mon 9 Nov", "60 min"]


def test_an_opened_day_tells_devices_files_hash_times_and_what_was_left_out() -> None:
    client, who = browser()
    patient = two_devices(team=[who])
    sent = datetime(2026, 11, 11, 7, 30, tzinfo=UTC)
    RecordingFile.objects.update(received_at=sent, processed_at=sent + timedelta(minutes=2))
    features_update(patient=patient)
    table = rows_of(page_of(client, "?day=2026-11-10"), "day")
    assert table[1][:4] == ["Steps", "Watch", "60 min", "60 min"]
    assert table[2] == ["iPhone", "90 min", "60 min"]
    assert table[3][:4] == ["Sleep", "Ring", "420 min", "420 min"]
    watch = next(row for row in table if row[:3] == ["Steps", "Watch", "60"])
    assert watch[3:] == [
        "Apple Health, Oura aaaaaaaaaaaa",
        "11 Nov 2026, 08:30 CET",
        "11 Nov 2026, 08:32 CET",
        "3 out of range",
    ]
    files = rows_of(page_of(client), "files")
    assert files[1][4] == "2,400 steps told twice, 6 steps outside the possible range"
    assert ["Steps", "iPhone", "90"] in [row[:3] for row in table]


def test_worn_and_filled_in_minutes_come_from_the_days_features() -> None:
    client, who = browser()
    patient = two_devices(team=[who])
    features_update(patient=patient)
    quality = patient.features.get(day=DAY).values["quality"]["steps"]
    # 120 minutes with steps; in bed from midnight to 06:00 and no steps written.
    assert quality["present"] == quality["worn"] == 120
    assert quality["imputed"] >= 360
    row = rows_of(page_of(client, "?day=2026-11-10"), "day")[1]
    assert row[4:] == [f"{quality['worn']} min", f"{quality['imputed']} min"]


@pytest.mark.parametrize(
    "query",
    ["?day=0001-01-01", "?day=9999-12-31", "?day=nonsense", "?until=0001-01-02", "?page=x",
     "?order=1,2,x", "?day=2026-11-10&until=1970-01-03"],
)  # fmt: skip
def test_an_odd_address_is_a_page_like_any_other(query: str) -> None:
    client, who = browser()
    two_devices(team=[who])
    page_of(client, query)


def test_moving_a_device_shows_the_order_and_saving_makes_it_so() -> None:
    client, who = browser()
    patient = two_devices(team=[who])
    keys = {device.name: device.pk for device in patient.devices.all()}
    started = ",".join(str(keys[name]) for name in ("Watch", "Ring", "iPhone"))
    assert f'name="order" value="{started}"' in page_of(client)
    asked = {"order": started, "up": str(keys["iPhone"])}
    moved = client.post("/patients/P-1/data/order/", asked, follow=True)
    assert "This order is not saved yet." in text(moved)
    assert order_of(patient) == ["Watch", "Ring", "iPhone"], "nothing is stored yet"
    assert moved.redirect_chain[0][0].endswith(f"#up-{keys['iPhone']}"), "where the focus is"
    top = ",".join(str(keys[name]) for name in ("iPhone", "Watch", "Ring"))
    saved = client.post("/patients/P-1/data/order/", {"order": top, "save": "1"}, follow=True)
    assert "The order is saved. 1 day changed by it; the patient will be scored anew." in text(
        saved
    )
    assert order_of(patient) == ["iPhone", "Watch", "Ring"]
    # The phone now has its 90 minutes, the watch the 30 before.
    assert rows_of(page_of(client, "?day=2026-11-10"), "day")[1:3][0][1:4] == [
        "iPhone", "90 min", "90 min",
    ]  # fmt: skip
    assert ScoringJob.objects.filter(patient=patient, run=None).exists()
    assert AuditEvent.objects.filter(action="device order", actor=who.username).exists()
    again = client.post("/patients/P-1/data/order/", {"order": top, "save": "1"}, follow=True)
    assert "No minute and no night changed by it." in text(again)


def test_an_order_that_names_another_patients_device_is_refused() -> None:
    client, who = browser()
    patient = two_devices(team=[who])
    other = two_devices("P-2").devices.get(name="Ring")
    keys = [d.pk for d in devices_in_order(patient)]
    for order in ([*keys[:2], other.pk], keys[:2], [*keys, keys[0]], [], ["9" * 6000]):
        asked = {"order": ",".join(map(str, order)), "save": "1"}
        answer = client.post("/patients/P-1/data/order/", asked, follow=True)
        assert "must name each of the patient’s devices once" in text(answer).replace("&#x27;", "’")
    assert order_of(patient) == ["Watch", "Ring", "iPhone"]


def test_a_day_of_many_pushes_shows_the_newest_and_counts_the_rest() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    for number in range(63):
        pushed = steps("Watch", DeviceKind.WATCH, NOON + timedelta(minutes=number), [1.0])
        at = NOON + timedelta(minutes=number)
        store(patient, [pushed], f"{number:064}"[::-1], received_at=at)
    body = page_of(client, "?day=2026-11-10")
    assert "And 3 more, older ones." in body
    rows = [row for row in rows_of(body, "day") if len(row) == 7]
    assert len(rows) == 61 and rows[1][4].startswith("10 Nov 2026, 08:02")


def queries_of(code: str, days: int, devices: int) -> int:
    client, who = browser()
    patient = factories.patient(code, [who])
    start = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    for number in range(devices):
        at = start - timedelta(days=days)
        walked = steps(f"Watch {number}", DeviceKind.WATCH, at, [1.0] * days * 1440)
        store(patient, [walked], f"{number:064}")
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(f"/patients/{code}/data/?day={start:%F}")
    assert answer.content.decode().count('aria-label="Move Watch') == (devices > 1) * 2 * devices
    return len(queries)


def test_the_page_asks_the_database_as_often_for_much_as_for_little() -> None:
    assert queries_of("P-1", 2, 2) == queries_of("P-2", 20, 6) <= 40


def test_files_are_listed_newest_first_a_page_at_a_time() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    for number in range(23):
        at = NOON - timedelta(days=22 - number)
        recording = steps("Watch", DeviceKind.WATCH, at, [1.0] * 5)
        store(patient, [recording], f"{number:064}"[::-1], received_at=at)
    first, second = (rows_of(page_of(client, f"?page={n}"), "files")[1:] for n in (1, 2))
    assert (len(first), len(second)) == (20, 3)
    assert "10 Nov 2026" in first[0][0] and "19 Oct 2026" in second[-1][0]
    assert first[0][4] == "1,200 steps told twice, 3 steps outside the possible range"


def test_a_zone_is_added_and_shown_and_a_wrong_one_is_refused_in_a_sentence() -> None:
    client, who = browser(Role.COORDINATOR)
    patient = two_devices(team=[who])
    asked = {"first_day": "2026-11-11", "zone": "Atlantis/City"}
    refused = client.post("/patients/P-1/data/zone/", asked)
    assert refused.status_code == 422 and "is no time zone" in refused.content.decode()
    assert patient.zones.count() == 1
    asked["zone"] = "America/Los_Angeles"
    words = text(client.post("/patients/P-1/data/zone/", asked, follow=True))
    assert "America/Los_Angeles holds from 11 November 2026" in words
    assert "11 Nov 2026 America/Los_Angeles" in words
    assert AuditEvent.objects.filter(action="time zone", actor=who.username).count() == 1
    late = {"first_day": "2099-01-01", "zone": "Europe/Rome"}
    assert client.post("/patients/P-1/data/zone/", late).status_code == 422


@pytest.mark.parametrize("role", [*Role.values])
def test_every_role_of_the_care_team_may_look_and_change(role: str) -> None:
    client, who = browser(role)
    two_devices(team=[who])
    assert "Save this order" in page_of(client)
    answer = client.post("/patients/P-1/data/order/", {"order": "", "save": "1"})
    assert answer.status_code == 302


def test_a_team_member_without_a_role_may_look_and_not_change() -> None:
    client, who = browser("")
    two_devices(team=[who])
    assert "Save this order" not in page_of(client)
    for path in ("data/order", "data/zone", "absence"):
        assert client.post(f"/patients/P-1/{path}/").status_code == 403


def test_a_patient_without_data_has_words_for_everything() -> None:
    client, who = browser()
    factories.patient("P-1", [who])
    words = text(client.get("/patients/P-1/data/?day=2026-11-10"))
    for said in (
        "No device has sent anything yet.",
        "Nothing was recorded on this day.",
        "Nothing was recorded in these 30 days.",
        "No file has been stored yet.",
    ):
        assert said in words


def test_an_order_by_a_new_day_counts_only_days_that_differ() -> None:
    patient = two_devices()
    keys = [d.pk for d in devices_in_order(patient)]
    assert device_order_set(patient=patient, devices=keys, by="t") == 0
    assert device_order_set(patient=patient, devices=keys[::-1], by="t") == 1


def test_a_token_is_shown_once_and_revoked() -> None:
    client, who = browser(Role.COORDINATOR)
    patient = factories.patient("P-1", [who])
    shown = client.post("/patients/P-1/tokens/", {"label": "band 12"}).content.decode()
    [token] = re.findall(r"clarity_[\w-]{40,}", shown)
    assert token_used(text=token) is not None
    assert not re.findall(r'href="\?', shown), "links of this answer lead to the page"
    assert token not in page_of(client) and "band 12" in page_of(client)
    key = patient.device_tokens.get().pk
    words = text(client.post(f"/patients/P-1/tokens/{key}/revoke/", follow=True))
    assert "The token of “band 12” is revoked" in words
    assert token_used(text=token) is None
    assert client.post("/patients/P-1/tokens/", {"label": " "}).status_code == 422
    assert patient.device_tokens.count() == 1


def test_a_token_of_another_patient_is_not_revoked_here() -> None:
    client, who = browser()
    factories.patient("P-1", [who])
    other = factories.device_token(factories.patient("P-2"))
    assert client.post(f"/patients/P-1/tokens/{other.pk}/revoke/").status_code == 404
    other.refresh_from_db()
    assert other.revoked_at is None


def test_uploads_that_wait_or_were_rejected_stand_before_the_files() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    facts = {"patient": patient, "uploaded_by": "jo", "body_sha256": "c" * 64, "zone": "UTC"}
    for state, reason in (("received", ""), ("rejected", "The file is empty."), ("stored", "")):
        Upload.objects.create(
            source="fitbit", state=state, reason=reason, received_at=timezone.now(), **facts
        )
    words = text(client.get("/patients/P-1/data/"))
    assert "Fitbit from jo: received, waits to be read" in words
    assert "Fitbit from jo: rejected: The file is empty." in words
    assert words.count("Fitbit from jo") == 2
