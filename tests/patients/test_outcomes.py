"""Questionnaires and episodes: what is recorded, refused, marked and found again."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from patients import outcomes
from patients.domain.errors import InputError
from patients.domain.recording import QuestionnaireAnswer, Recording
from patients.models import AuditEvent, Episode, Patient, Questionnaire, User
from patients.selectors import (
    episodes_of,
    questionnaires_of,
    questionnaires_with_self_harm_since,
)
from tests import factories
from tests.patients.test_storage import store

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 2, 3, 14, 30, tzinfo=UTC)  # 09:30 in Toronto
ITEMS = [2, 1, 2, 1, 1, 2, 1, 1, 0]


@pytest.fixture
def doctor() -> User:
    return factories.user(username="dr.a")


@pytest.fixture
def patient() -> Patient:
    return factories.patient()


def record(patient: Patient, by: User, **more: Any) -> Questionnaire:
    asked = {"instrument": "phq9", "taken_at": WHEN, "items": ITEMS} | more
    return outcomes.questionnaire_record(patient=patient, by=by, **asked)


def test_the_total_is_that_of_the_items(patient: Patient, doctor: User) -> None:
    made = record(patient, doctor)
    assert (made.total, made.items, made.recorded_by, made.source) == (11, ITEMS, "dr.a", "clinic")
    row = AuditEvent.objects.get()
    assert (row.action, row.actor) == ("questionnaire recorded", "dr.a")
    assert row.detail == {"questionnaire": made.pk, "instrument": "phq9"}


def test_a_total_alone_is_kept_without_items(patient: Patient, doctor: User) -> None:
    made = record(patient, doctor, instrument="asrm", items=None, total=7)
    assert (made.total, made.items) == (7, [])
    assert outcomes.self_harm_item(made) is None


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"items": ITEMS[:8]}, "has 9 items, but 8"),
    ({"items": [4, *ITEMS[1:]]}, "Item 1 of PHQ-9 (interest)"),
    ({"total": 12}, "is not the sum of its items, 11"),
    ({"items": None, "total": 28}, "from 0 to 27"),
    ({"items": None}, "Give the items of PHQ-9, or its total"),
    ({"instrument": "gad7"}, "give one of phq8, phq9, asrm"),
    ({"taken_at": datetime(1999, 12, 31, tzinfo=UTC)}, "before 2000 or in the future"),
]


@pytest.mark.parametrize(("asked", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_cannot_be_is_refused_with_nothing_stored(
    patient: Patient, doctor: User, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as refusal:
        record(patient, doctor, **asked)
    assert words in str(refusal.value)
    assert not Questionnaire.objects.exists() and not AuditEvent.objects.exists()


def test_the_future_is_refused(patient: Patient, doctor: User) -> None:
    soon = timezone.now() + timedelta(minutes=2)
    with pytest.raises(InputError, match="in the future"):
        record(patient, doctor, taken_at=soon)
    assert record(patient, doctor, taken_at=timezone.now())


def test_the_same_again_is_returned_unchanged(patient: Patient, doctor: User) -> None:
    made = record(patient, doctor)
    other = factories.user(username="dr.b")
    assert record(patient, other) == made
    assert record(patient, other, items=None, total=11) == made
    kept = Questionnaire.objects.get()
    assert (kept.recorded_by, kept.items) == ("dr.a", ITEMS)
    assert AuditEvent.objects.count() == 1


def test_another_result_of_the_same_moment_is_refused(patient: Patient, doctor: User) -> None:
    made = record(patient, doctor)
    words = "Another PHQ-9 of 3 February 2026 09:30 is recorded, with the total 11"
    for asked in ({"items": [1, 2, *ITEMS[2:]]}, {"items": None, "total": 12}):
        with pytest.raises(InputError, match=words):
            record(patient, doctor, **asked)
    assert record(patient, doctor, instrument="phq8", items=ITEMS[:8]) != made
    assert record(factories.patient(), doctor, items=None, total=12) != made


def test_entered_in_error_is_kept_and_makes_room(patient: Patient, doctor: User) -> None:
    wrong = record(patient, doctor, items=None, total=21)
    assert outcomes.questionnaire_mark_error(questionnaire=wrong, by=doctor)
    assert not outcomes.questionnaire_mark_error(questionnaire=wrong, by=doctor)
    right = record(patient, doctor, items=None, total=12)
    assert list(questionnaires_of(patient)) == [right]
    assert patient.questionnaires.count() == 2
    marked = AuditEvent.objects.filter(action="questionnaire entered in error")
    assert [row.detail["questionnaire"] for row in marked] == [wrong.pk]


def test_only_what_is_scored_is_listed_newest_first(patient: Patient) -> None:
    old = factories.questionnaire(patient)
    new = factories.questionnaire(patient, taken_at=WHEN + timedelta(days=9))
    factories.questionnaire(patient, instrument="state_of_mind", items=(), total=0.4)
    assert list(questionnaires_of(patient)) == [new, old]


def told(patient: Patient, name: str, *items: int, instrument: str = "phq9") -> None:
    answer = QuestionnaireAnswer(instrument, WHEN, float(sum(items)), items)
    store(patient, Recording("vendor", "app", None, (), questionnaires=(answer,)), name=name)


def test_a_device_never_replaces_what_a_person_recorded(patient: Patient, doctor: User) -> None:
    made = record(patient, doctor)
    told(patient, "a", *[3] * 9)
    assert list(questionnaires_of(patient)) == [made]
    assert questionnaires_of(patient).get().total == 11


def test_what_a_device_told_does_not_come_again_once_marked(patient: Patient, doctor: User) -> None:
    told(patient, "a", *[3] * 9)
    outcomes.questionnaire_mark_error(questionnaire=questionnaires_of(patient).get(), by=doctor)
    told(patient, "b", *[3] * 9)
    assert not questionnaires_of(patient).exists()
    told(patient, "c", *[2] * 9)  # the corrected one
    assert questionnaires_of(patient).get().total == 18


def test_what_a_device_told_of_self_harm_is_found_until_looked_at(patient: Patient) -> None:
    before = timezone.now()
    told(patient, "a", 0, 0, 0, 0, 0, 0, 0, 0, 1)
    told(patient, "b", *[4] * 5, instrument="asrm")
    told(factories.patient(), "c", 3, 3, 3, 3, 3, 3, 3, 3, 0)
    told(factories.patient(), "d", 3, 3, 3, 3, 3, 3, 3, 3, 3, 3)  # ten answers: which is which?
    [found] = questionnaires_with_self_harm_since(before)
    assert (found.patient, outcomes.self_harm_item(found)) == (patient, 1)
    assert questionnaires_with_self_harm_since(timezone.now()) == []
    Questionnaire.objects.filter(pk=found.pk).update(safety_considered_at=timezone.now())
    assert questionnaires_with_self_harm_since(before) == []
    told(patient, "e", 0, 0, 0, 0, 0, 0, 0, 0, 3)  # a higher one in its place is looked at anew
    [anew] = questionnaires_with_self_harm_since(before)
    assert (anew.pk, outcomes.self_harm_item(anew)) == (found.pk, 3)


def test_one_entered_in_error_is_not_to_be_looked_at(patient: Patient) -> None:
    factories.questionnaire(patient, [3] * 9, entered_in_error=True)
    assert questionnaires_with_self_harm_since(datetime(2020, 1, 1, tzinfo=UTC)) == []


def episode(patient: Patient, by: User, first: date, **more: Any) -> Episode:
    asked = {"kind": "mania", "first_day": first} | more
    return outcomes.episode_record(patient=patient, by=by, **asked)


FIRST = date(2026, 2, 1)


def test_an_episode_is_recorded_ended_and_audited(patient: Patient, doctor: User) -> None:
    made = episode(patient, doctor, FIRST, note="Told by Ada's sister")
    assert (made.last_day, made.recorded_by) == (None, "dr.a")
    outcomes.episode_end(episode=made, last_day=date(2026, 2, 9), by=doctor)
    assert Episode.objects.get().last_day == date(2026, 2, 9)
    with pytest.raises(InputError, match="goes on no more"):
        outcomes.episode_end(episode=made, last_day=date(2026, 2, 10), by=doctor)
    rows = AuditEvent.objects.order_by("at")
    assert [row.action for row in rows] == ["episode recorded", "episode ended"]
    assert all(row.detail == {"episode": made.pk, "kind": "mania"} for row in rows)


def test_the_note_is_encrypted_in_the_database(patient: Patient, doctor: User) -> None:
    made = episode(patient, doctor, FIRST, note="Told by Ada's sister")
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM patients_episode WHERE id = %s", [made.pk])
        [stored] = cursor.fetchone()
    assert stored and "sister" not in stored
    assert Episode.objects.get().note == "Told by Ada's sister"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"kind": "sadness"}, "is no kind of episode"),
        ({"first": date(1949, 12, 31)}, "before 1950"),
        ({"last_day": date(2026, 1, 31)}, "cannot have ended on 2026-01-31"),
        ({"last_day": date(2999, 1, 1)}, "in the future"),
        ({"first": date(2999, 1, 1)}, "in the future"),
    ],
)
def test_an_episode_that_cannot_be_is_refused(
    patient: Patient, doctor: User, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        episode(patient, doctor, **({"first": FIRST} | asked))
    assert not Episode.objects.exists() and not AuditEvent.objects.exists()


def test_two_episodes_of_a_kind_have_no_day_in_common(patient: Patient, doctor: User) -> None:
    episode(patient, doctor, FIRST, last_day=date(2026, 2, 9))
    overlapping: list[Callable[[], Episode]] = [
        lambda: episode(patient, doctor, FIRST, last_day=date(2026, 2, 9)),
        lambda: episode(patient, doctor, date(2026, 2, 9)),
        lambda: episode(patient, doctor, date(2026, 1, 1), last_day=FIRST),
        lambda: episode(patient, doctor, date(2026, 1, 1)),
    ]
    for attempt in overlapping:
        with pytest.raises(InputError, match="which has a day in common"):
            attempt()
    episode(patient, doctor, FIRST, kind="depression")
    episode(patient, doctor, date(2026, 2, 10))
    episode(patient, doctor, date(2026, 1, 1), last_day=date(2026, 1, 31))
    episode(factories.patient(), doctor, FIRST)
    assert Episode.objects.count() == 5


def test_an_episode_in_error_is_kept_and_makes_room(patient: Patient, doctor: User) -> None:
    wrong = episode(patient, doctor, FIRST)
    assert outcomes.episode_mark_error(episode=wrong, by=doctor)
    assert not outcomes.episode_mark_error(episode=wrong, by=doctor)
    with pytest.raises(InputError, match="goes on no more"):
        outcomes.episode_end(episode=wrong, last_day=FIRST, by=doctor)
    right = episode(patient, doctor, FIRST)
    assert list(episodes_of(patient)) == [right] and patient.episodes.count() == 2


def test_a_day_that_is_today_only_in_the_patients_zone_is_no_future(doctor: User) -> None:
    far = factories.patient(zone="Pacific/Kiritimati")  # 14 hours ahead of UTC
    today = timezone.now().astimezone().date()
    there = (timezone.now() + timedelta(hours=14)).date()
    assert episode(far, doctor, there).first_day >= today
    with pytest.raises(InputError, match="in the future"):
        episode(factories.patient(zone="Pacific/Pago_Pago"), doctor, there + timedelta(days=1))
