"""The page of questionnaires and episodes, as a browser without JavaScript uses it."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from patients.models import AuditEvent, Episode, Patient, Questionnaire, Role
from tests import factories
from tests.integration.reading import browser, text

pytestmark = pytest.mark.django_db
PAGE = "/patients/P-1/outcomes/"
ITEMS = [2, 1, 2, 1, 1, 2, 1, 1, 0]


def words_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def filled(items: list[Any], instrument: str = "phq9", **more: Any) -> dict[str, Any]:
    answers = {f"item_{number}": item for number, item in enumerate(items, 1)}
    when = {"day": "2026-02-03", "clock": "09:30"}
    return {"instrument": instrument, **when, **answers} | more


def clinic(role: str = Role.PSYCHIATRIST) -> tuple[Any, Patient]:
    client, who = browser(role)
    team = [] if role == Role.ADMINISTRATOR else [who]
    return client, factories.patient("P-1", team)


@pytest.mark.parametrize("role", [Role.PSYCHIATRIST, Role.COORDINATOR])
def test_a_clinician_records_a_questionnaire(role: str) -> None:
    client, patient = clinic(role)
    words = text(client.post(f"{PAGE}questionnaires/", filled(ITEMS), follow=True))
    made = Questionnaire.objects.get()
    assert made.taken_at == datetime(2026, 2, 3, 14, 30, tzinfo=UTC)  # Toronto's clock
    assert (made.total, made.items, made.patient) == (11, ITEMS, patient)
    assert (
        "PHQ-9 recorded." in words and "11 of 27 moderate, at or above the cut-off of 10" in words
    )
    assert "unverified" in words and "item 9: 0" in words


@pytest.mark.parametrize("key", ["phq8", "phq9", "asrm"])
def test_each_questionnaire_has_a_form_with_a_label_for_every_field(key: str) -> None:
    client, _ = clinic()
    body = client.get(f"{PAGE}?instrument={key}").content.decode()
    ids = re.findall(r'<(?:input|select|textarea)[^>]* id="([^"]+)"', body)
    assert {f"answers-{name}" for name in ("day", "clock", "item_1", "total")} <= set(ids)
    assert len([i for i in ids if i.startswith("answers-item")]) == {"phq9": 9, "phq8": 8}.get(
        key, 5
    )
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', body))
    assert set(ids) <= labelled, set(ids) - labelled


def test_what_was_typed_is_kept_beside_the_error() -> None:
    client, _ = clinic()
    answer = client.post(f"{PAGE}questionnaires/", filled([2, 1, 2, 7, "", 2, 1, 1, 0]))
    body = answer.content.decode()
    assert answer.status_code == 422 and not Questionnaire.objects.exists()
    assert "Give a whole number from 0 to 3." in body
    assert "Give this one too, or the total alone." in body
    for name, typed in (("item_1", "2"), ("item_4", "7"), ("day", "2026-02-03")):
        [field] = re.findall(rf'<input[^>]*name="{name}"[^>]*>', body)
        assert f'value="{typed}"' in field


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (filled(ITEMS, total=12), "is not the sum of its items, 11"),
        (filled([]), "Give the items of PHQ-9, or its total."),
        (filled(ITEMS, day="2999-01-01"), "lies before 2000 or in the future"),
        (filled(ITEMS, day="1999-12-31"), "lies before 2000 or in the future"),
        (filled(ITEMS, clock="late"), "Give a time such as 09:30."),
        (filled(ITEMS, day=""), "Give the day."),
    ],
)
def test_a_refusal_is_one_sentence_and_stores_nothing(asked: dict[str, Any], words: str) -> None:
    client, _ = clinic()
    answer = client.post(f"{PAGE}questionnaires/", asked)
    assert answer.status_code == 422 and words in words_of(answer)
    assert not Questionnaire.objects.exists()


def test_a_total_alone_says_that_item_9_is_not_told() -> None:
    client, _ = clinic()
    words = text(client.post(f"{PAGE}questionnaires/", filled([], total=6), follow=True))
    assert "6 of 27 mild, below the cut-off of 10" in words
    assert "item 9: not told, the total alone is known" in words


def test_item_9_above_zero_is_noted_and_stands_out() -> None:
    client, _ = clinic()
    words = text(client.post(f"{PAGE}questionnaires/", filled([0] * 8 + [2]), follow=True))
    assert "item 9: 2 thoughts of self-harm" in words
    assert "if it was answered in the last 30 days; an older one is only recorded" in words
    assert AuditEvent.objects.filter(action="self-harm item above zero").count() == 1


def test_entered_in_error_is_kept_and_marked() -> None:
    client, patient = clinic()
    row, of = factories.questionnaire(patient, [3] * 9), factories.episode(patient)
    client.post(f"/outcomes/questionnaires/{row.pk}/error/")
    words = text(client.post(f"/outcomes/episodes/{of.pk}/error/", follow=True))
    assert words.count("entered in error") >= 3 and "item 9: 3 thoughts" not in words
    row.refresh_from_db(), of.refresh_from_db()
    assert row.entered_in_error and of.entered_in_error


def test_an_episode_is_recorded_and_ended() -> None:
    client, patient = clinic()
    asked = {"kind": "hypomania", "first_day": "2026-02-01", "note": "Seen at the visit"}
    words = text(client.post(f"{PAGE}episodes/", asked, follow=True))
    assert "Episode recorded." in words and "Seen at the visit" in words and "goes on" in words
    made = Episode.objects.get()
    early = client.post(f"/outcomes/episodes/{made.pk}/end/", {"last_day": "2026-01-31"})
    assert early.status_code == 422 and "cannot have ended on 2026-01-31" in words_of(early)
    assert 'value="2026-01-31"' in early.content.decode()
    client.post(f"/outcomes/episodes/{made.pk}/end/", {"last_day": "2026-02-09"})
    made.refresh_from_db()
    assert made.last_day == date(2026, 2, 9)


def test_an_episode_that_cannot_be_keeps_what_was_typed() -> None:
    client, _ = clinic()
    asked = {"kind": "mania", "first_day": "2026-02-05", "last_day": "2026-02-01", "note": "A word"}
    answer = client.post(f"{PAGE}episodes/", asked)
    assert answer.status_code == 422 and not Episode.objects.exists()
    body = answer.content.decode()
    assert "cannot have ended on 2026-02-01" in body
    assert "A word" in body and 'value="mania" selected' in body and 'value="2026-02-05"' in body
    assert "Constraint" not in body


def test_an_administrator_sees_no_form_and_no_note() -> None:
    client, patient = clinic(Role.ADMINISTRATOR)
    factories.questionnaire(patient)
    factories.episode(patient, note="Seen at the visit")
    body = client.get(PAGE).content.decode()
    assert "PHQ-9" in body and "Depression" in body
    assert "Seen at the visit" not in body
    assert not re.findall(r'<form[^>]*action="[^"]*outcomes', body)


def test_the_record_leads_to_the_page() -> None:
    client, patient = clinic()
    assert f'href="{PAGE}"' in client.get("/patients/P-1/").content.decode()
    outside = factories.questionnaire(factories.patient("P-2"))
    assert client.post(f"/outcomes/questionnaires/{outside.pk}/error/").status_code == 404
    outside.refresh_from_db()
    assert not outside.entered_in_error


def test_the_form_begins_with_the_patients_present_day() -> None:
    client, who = browser()
    factories.patient("P-1", [who], zone="Pacific/Kiritimati")
    there = (timezone.now() + timedelta(hours=14)).date()
    body = client.get(PAGE).content.decode()
    [field] = re.findall(r'<input[^>]*name="day"[^>]*>', body)
    assert f'value="{there.isoformat()}"' in field
