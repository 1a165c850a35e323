"""The patient's page: its order, charts, notes, contacts, and who looked."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts.models import DismissReason
from alerts.services import alert_contact, alert_dismiss
from patients.models import AuditEvent, Note, Patient, Role, User
from patients.services import patient_erase
from scoring.features import features_update
from scoring.presenters.actogram import EDGE, actogram
from scoring.presenters.raster import raster
from scoring.presenters.what_if import what_if_sentences
from scoring.services import patient_assess, score_store
from tests import factories
from tests.integration.reading import browser, text, yesterday
from tests.people import LAST_DAY, in_care

pytestmark = pytest.mark.django_db

PARTS = ("timeline.json", "timeline/", "actogram/", "sleep/")
ORDER = (
    "Decision of", "Open alerts", "Time line", "Activity, light and sleep of four weeks",
    "Sleep, night by night", "What contributed most", "What would change this",
    "Data quality by source", "Notes", "Contact log", "History of alerts", "Medications",
    "Circumstances", "Who looked",
)  # fmt: skip


@pytest.fixture
def opened() -> tuple[Client, User, Patient]:
    """A clinician with a patient of 90 scored days and three weeks of minutes."""
    client, who = browser()
    patient = factories.patient("P-1", [who], name="Ada Example")
    rising = lambda back: 0.7 if back < 4 else 0.2  # noqa: E731
    factories.history(patient, yesterday(), 90, lambda back: 0.2, rising)
    factories.recording(patient, yesterday(), 20)
    return client, who, patient


Opened = tuple[Client, User, Patient]


def test_sections_come_in_the_order_in_which_clinicians_think(opened: Opened) -> None:
    body = opened[0].get("/patients/P-1/").content.decode()
    titles = re.findall(r"<h2[^>]*>\s*(.*?)\s*</h2>", body)
    assert [t for t, wanted in zip(titles, ORDER, strict=True) if not t.startswith(wanted)] == []
    assert body.index('class="sentence"') < body.index("<h2")


def test_the_sentence_says_what_is_usual(opened: Opened) -> None:
    words = text(opened[0].get("/patients/P-1/"))
    assert "It is 70 %, above what is usual for this person (20 % to 20 %)." in words
    assert "usual for this person: 20 % to 20 %" in words


def test_the_page_asks_no_more_often_with_two_years_behind_it(opened: Opened) -> None:
    client, _, patient = opened

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/patients/P-1/")
        return len(queries)

    client.get("/patients/P-1/")
    before = asked()
    factories.history(patient, yesterday() - timedelta(days=90), 60, lambda b: 0.2, lambda b: 0.2)
    for _ in range(5):
        factories.note(patient)
    assert asked() == before


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_written_down_with_its_page_and_not_again(opened: Opened, part: str) -> None:
    client, who, patient = opened

    def pages() -> list[str]:
        rows = AuditEvent.objects.filter(action="record opened", actor=who.username)
        return [row.detail["page"] for row in rows]

    assert client.get(f"/patients/P-1/{part}").status_code == 200
    assert pages() == ["charts"]  # asked for without the page
    client.get("/patients/P-1/")
    for days in (30, 365):
        client.get(f"/patients/P-1/{part}?days={days}")
    assert pages() == ["patient", "charts"]


def test_the_time_line_has_everything_on_one_axis(opened: Opened) -> None:
    client, who, patient = opened
    today = timezone.localdate()
    factories.medication(patient, first_day=today - timedelta(days=400))
    factories.episode(patient, "mania", first_day=today - timedelta(days=60), last_day=None)
    factories.circumstance(patient, "travel", first_day=today - timedelta(days=9), last_day=today)
    factories.questionnaire(patient, taken_at=timezone.now() - timedelta(days=3))
    factories.questionnaire(
        patient, taken_at=timezone.now() - timedelta(days=4), entered_in_error=True
    )
    # A zone on the same clock: in one further east it may be the next day by now.
    patient.zones.create(first_day=today - timedelta(days=5), zone="America/New_York")
    factories.alert(patient.scores.first(), raised_at=timezone.now() - timedelta(days=2))
    told = client.get("/patients/P-1/timeline.json?days=90").json()
    assert told["days"] == 90 and len(told["overall"]) == 90
    assert [t["name"] for t in told["tracks"]] == ["depression", "mania"]
    assert told["tracks"][1]["usual"][88] == [20.0, 20.0]
    assert {bar["kind"] for bar in told["bars"]} == {"medication", "episode", "life"}
    medication = next(bar for bar in told["bars"] if bar["kind"] == "medication")
    assert (medication["from"], medication["begins"], medication["ends"]) == (0, False, False)
    assert [q["name"] for q in told["questionnaires"]] == ["PHQ-9"]
    assert sorted(mark["kind"] for mark in told["marks"]) == ["alert", "zone"]
    assert "America/New_York" in next(m for m in told["marks"] if m["kind"] == "zone")["words"]


@pytest.mark.parametrize(("asked", "days"), [("3", 7), ("365", 365), ("9999", 730), ("x", 90)])
def test_the_time_line_reaches_a_week_to_two_years(opened: Opened, asked: str, days: int) -> None:
    assert opened[0].get(f"/patients/P-1/timeline.json?days={asked}").json()["days"] == days


def test_an_indeterminate_day_is_a_gap_and_earlier_days_stay(opened: Opened) -> None:
    client, _, patient = opened
    patient.scores.filter(day=yesterday()).delete()
    factories.score(patient, yesterday(), None, None)
    told = client.get("/patients/P-1/timeline.json").json()
    for track in told["tracks"]:
        assert track["percent"][-2] is None and track["usual"][-2] is None
        assert track["percent"][-3] is not None
    assert told["overall"][-2] == 1  # Indeterminate


def test_charts_come_as_a_part_or_as_a_page_of_their_own(opened: Opened) -> None:
    client = opened[0]
    part = client.get("/patients/P-1/actogram/", headers={"HX-Request": "true"}).content.decode()
    whole = client.get("/patients/P-1/actogram/").content.decode()
    assert "<svg" in part and "<html" not in part
    assert "<svg" in whole and "<html" in whole and '<details class="numbers" open>' in whole


def test_the_actogram_greys_what_was_not_worn_and_doubles_each_day() -> None:
    _, who = browser()
    patient = factories.patient("P-1", [who])
    factories.recording(patient, LAST_DAY, 8, gap=5)
    drawn = actogram(patient, LAST_DAY, 7)
    worn = [day.worn_hours for day in drawn.days.days]
    assert min(worn) < 20 < max(worn)
    assert [bool(row.unworn) for row in drawn.rows] == [hours < 24 for hours in worn]
    assert [row.beside for row in drawn.rows] == [r.key for r in drawn.rows[1:]] + [""]
    assert all(row.sleep for row in drawn.rows)
    assert [cell["height"] for cell in drawn.coverage] == [round(h / 24 * 36, 1) for h in worn]


def test_light_and_dlmo_are_marked_where_they_are_known() -> None:
    patient = in_care("P-1")
    features_update(patient=patient)
    drawn = actogram(patient, LAST_DAY, 7)
    assert drawn.has_dlmo and all(row.dlmo for row in drawn.rows)
    marks = [row.dlmo.count("M") for row in drawn.rows]
    assert marks[:-1] == [2] * 6 and marks[-1] == 1  # of the day and of the one beside it
    assert drawn.hours[-1] == (drawn.width - EDGE, "00")  # the last words are not cut
    assert drawn.has_light == any(row.dim or row.bright for row in drawn.rows)
    nights = raster(patient, LAST_DAY, 30)
    assert all(night.present and night.hours and night.window for night in nights.nights)
    before = raster(patient, LAST_DAY - timedelta(days=200), 30)
    assert before.is_empty and not before.sleep


def test_what_would_change_a_real_score_is_its_own_rules_and_an_old_ones_are_not_told() -> None:
    patient = in_care("P-1")
    features_update(patient=patient)
    score, _ = score_store(patient=patient, assessment=patient_assess(patient=patient))
    told = what_if_sentences(score)
    assert told and any(words.startswith("Depression: Moderate begins at 50") for words in told)
    assert any("With the medication list available" in words for words in told)
    score.tier = "High"  # as if rules of then had said so
    assert what_if_sentences(score) is None


def test_notes_are_written_marked_and_never_changed(opened: Opened) -> None:
    client, who, patient = opened
    client.post("/patients/P-1/notes/", {"text": "Sleeps little, feels well."})
    [note] = patient.notes.all()
    assert (note.text, note.author) == ("Sleeps little, feels well.", who.username)
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM patients_note")
        assert "Sleeps" not in cursor.fetchone()[0]  # encrypted where it lies
    assert "Sleeps little, feels well." in text(client.get("/patients/P-1/"))
    client.post(f"/notes/{note.pk}/error/")
    client.post(f"/notes/{note.pk}/error/")
    body = client.get("/patients/P-1/").content.decode()
    assert "<s>Sleeps little, feels well.</s>" in body
    actions = AuditEvent.objects.filter(patient_code="P-1")
    assert actions.filter(action="note written").count() == 1
    assert actions.filter(action="note entered in error").count() == 1
    assert not any("Sleeps" in str(row.detail) for row in actions)


@pytest.mark.parametrize("typed", ["", "   ", "x" * 4001])
def test_a_note_that_says_nothing_or_too_much_is_refused(opened: Opened, typed: str) -> None:
    client, _, patient = opened
    answer = client.post("/patients/P-1/notes/", {"text": typed}, follow=True)
    assert "notice-error" in answer.content.decode()
    assert not patient.notes.exists()


CONTACT = {"channel": "phone", "person": "family", "outcome": "left_message", "text": "Sister."}


def contact(**more: Any) -> dict[str, Any]:
    return CONTACT | {"day": str(yesterday()), "clock": "09:30"} | more


def test_a_contact_is_kept_on_the_patients_clock(opened: Opened) -> None:
    client, _, patient = opened
    client.post("/patients/P-1/contacts/", contact())
    [row] = patient.notes.all()
    assert row.kind == Note.Kind.CONTACT and row.at.minute == 30
    words = text(client.get("/patients/P-1/"))
    assert "Telephone: Family or a friend" in words and "Message left" in words
    assert "Sister." in words


@pytest.mark.parametrize(
    "more",
    [
        {"day": str(date.today() + timedelta(days=2))},
        {"day": "2020-01-01"},
        {"channel": "pigeon"},
        {"channel": ""},
        {"person": ""},
        {"outcome": ""},
        {"clock": "noon"},
    ],
)
def test_a_contact_that_cannot_be_is_refused(opened: Opened, more: dict[str, str]) -> None:
    client, _, patient = opened
    answer = client.post("/patients/P-1/contacts/", contact(**more), follow=True)
    assert "notice-error" in answer.content.decode()
    assert not patient.notes.exists()


def test_one_press_of_the_empty_form_records_no_contact(opened: Opened) -> None:
    client, _, patient = opened
    body = client.get("/patients/P-1/").content.decode()
    for name in ("channel", "person", "outcome"):
        field = re.search(rf'<select name="{name}" required.*?</select>', body, re.S)
        assert field and re.findall(r"value=\"(.*?)\" selected", field[0]) in ([], [""])
        assert '<option value=""' in field[0]
    now = {"day": str(yesterday()), "clock": "09:30"}  # as the form is filled in beforehand
    words = text(client.post("/patients/P-1/contacts/", now, follow=True))
    assert "Choose how the contact was made." in words
    assert "Choose the outcome of the contact." in words
    assert not patient.notes.exists()


def test_the_log_lists_what_alerts_keep_and_not_what_was_taken_back(opened: Opened) -> None:
    client, who, patient = opened
    first = factories.alert(patient.scores.first(), "mania", "High")
    alert_contact(alert=first, by=who, note="Spoke to her at ten.")
    second = factories.alert(patient.scores.first(), "depression", "Moderate")
    reason = DismissReason.PATIENT_CONTACTED_OK
    alert_dismiss(alert=second, by=who, reason=reason, note="Well.")
    words = text(client.get("/patients/P-1/"))
    log = words[words.index("Contact log") : words.index("History of alerts")]
    assert "Spoke to her at ten." in log and "on the alert “Mania risk indicator”" in log
    assert "Contacted, well" in log
    client.post(f"/alerts/{first.pk}/undo/")
    words = text(client.get("/patients/P-1/"))
    log = words[words.index("Contact log") : words.index("History of alerts")]
    assert "Spoke to her at ten." not in log


def test_an_administrator_reads_and_writes_no_notes(opened: Opened) -> None:
    note = factories.note(opened[2], text="A private matter.")
    factories.note(opened[2], "contact", text="A private call.")
    client, _ = browser(Role.ADMINISTRATOR)
    words = text(client.get("/patients/P-1/"))
    assert "A private" not in words
    assert "Notes are for those who care for the patient." in words
    for address in ("/patients/P-1/notes/", "/patients/P-1/contacts/", f"/notes/{note.pk}/error/"):
        assert client.post(address, contact()).status_code == 403


def test_notes_are_erased_with_the_patient(opened: Opened) -> None:
    factories.note(opened[2])
    patient_erase(patient=opened[2], by="test")
    assert not Note.objects.exists()


def test_people_stand_on_the_page_by_name(opened: Opened) -> None:
    client, who, patient = opened
    User.objects.filter(pk=who.pk).update(first_name="Nadia", last_name="Grey")
    factories.note(patient, author=who.username)
    factories.note(patient, "contact", author=who.username)
    factories.circumstance(patient, recorded_by=who.username)
    alert = factories.alert(patient.scores.first(), "mania", "High")
    alert_contact(alert=alert, by=who, note="Spoke to her at ten.")
    factories.follow_up(alert, who)
    body = client.get("/patients/P-1/").content.decode()
    main = body[body.index("<main") :]
    assert who.username not in main
    assert main.count("Nadia Grey") >= 7  # note, two contacts, life, history, promise, looked


def test_who_looked_is_told_by_person_and_act(opened: Opened) -> None:
    client, who, _ = opened
    other, colleague = browser(Role.ADMINISTRATOR)
    other.get("/patients/P-1/")
    client.get("/patients/P-1/")
    words = text(client.get("/patients/P-1/"))
    looked = words[words.index("Who looked") :]
    assert f"{who.username} 2 times" in looked
    assert f"{colleague.username} 1 time " in looked
    AuditEvent.objects.filter(actor=colleague.username).update(
        at=timezone.now() - timedelta(days=91)
    )
    words = text(client.get("/patients/P-1/"))
    assert colleague.username not in words[words.index("Who looked") :]


def test_quality_tells_each_source_and_channel(opened: Opened) -> None:
    words = text(opened[0].get("/patients/P-1/"))
    quality = words[words.index("Data quality by source") : words.index("Contact log")]
    assert "ActLumus 205" in quality and "Activity (actiwatch counts): 100" in quality
    assert "Fitbit" in quality and "7 of 7 nights" in quality


def test_the_table_has_all_that_the_time_line_draws(opened: Opened) -> None:
    client, _, patient = opened
    today = timezone.localdate()
    factories.medication(patient, first_day=today - timedelta(days=40))
    factories.episode(patient, "mania", first_day=today - timedelta(days=60), last_day=None)
    factories.questionnaire(patient, taken_at=timezone.now() - timedelta(days=3))
    patient.zones.create(first_day=today - timedelta(days=5), zone="America/Halifax")
    factories.alert(patient.scores.first(), raised_at=timezone.now() - timedelta(days=2))
    told = client.get("/patients/P-1/timeline.json?days=30").json()
    table = text(client.get("/patients/P-1/timeline/?days=30"))
    [asked] = told["questionnaires"]
    assert f"{asked['name']} {asked['total']:g} of {asked['highest']}" in table
    assert len(told["marks"]) == 2 and len(told["bars"]) == 2
    for one in (*told["marks"], *told["bars"]):
        assert one["words"] in table
    assert "70 % High usual 20 % to 20 % 28 of 30 nights" in table
