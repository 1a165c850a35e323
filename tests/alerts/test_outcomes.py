"""An answer above zero to the item on self-harm is noted at once, and once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from alerts import outcomes
from alerts.domain.safety import load_safety_rules
from alerts.models import Alert, OutboxMessage
from alerts.resources import DATA
from alerts.services import alert_acknowledge
from patients.domain.errors import InputError
from patients.domain.rule_files import RuleFileError
from patients.models import AuditEvent, Patient, Questionnaire, User
from patients.selectors import questionnaires_with_self_harm_since
from patients.services import SYSTEM
from tests import factories

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2026, 2, 3, 14, 30, tzinfo=UTC)
WHEN = timezone.now() - timedelta(days=2)
NOTED = "self-harm item above zero"


@pytest.fixture
def doctor() -> User:
    return factories.user(username="dr.a")


def record(doctor: User, patient: Patient | None = None, **asked: Any) -> Questionnaire:
    values = {"instrument": "phq9", "taken_at": WHEN} | asked
    return outcomes.outcome_record(patient=patient or factories.patient(), by=doctor, **values)


def noted() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=NOTED))


@pytest.mark.parametrize("answer", [1, 2, 3])
def test_an_answer_above_zero_is_noted_in_the_same_step(doctor: User, answer: int) -> None:
    begun = timezone.now()
    made = record(doctor, items=[0] * 8 + [answer])
    [row] = noted()
    assert (row.actor, row.patient_code) == ("dr.a", made.patient.code)
    assert row.detail == {"questionnaire": made.pk, "at_once": True}
    assert Questionnaire.objects.get().safety_considered_at is not None
    assert questionnaires_with_self_harm_since(begun) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"items": [3] * 8 + [0]},
        {"items": None, "total": 27},
        {"instrument": "phq8", "items": [3] * 8},
        {"instrument": "asrm", "items": [4] * 5},
    ],
)
def test_nothing_is_noted_where_there_is_no_such_answer(
    doctor: User, asked: dict[str, Any]
) -> None:
    made = record(doctor, **asked)
    assert noted() == [] and made.safety_considered_at is None


def test_the_same_again_is_not_noted_twice(doctor: User) -> None:
    patient = factories.patient()
    for _ in (1, 2):
        record(doctor, patient, items=[0] * 8 + [1])
    assert len(noted()) == 1


def test_a_refusal_notes_nothing(doctor: User) -> None:
    with pytest.raises(InputError):
        record(doctor, items=[0] * 8 + [4])
    assert noted() == [] and not Questionnaire.objects.exists()


def test_nothing_is_stored_where_the_note_cannot_be(
    doctor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: object) -> bool:
        raise OSError("the disk is full")

    monkeypatch.setattr(outcomes, "safety_consider", fails)
    with pytest.raises(OSError):
        record(doctor, items=[0] * 8 + [1])
    assert not Questionnaire.objects.exists() and not AuditEvent.objects.exists()


def test_what_a_device_told_is_noted_by_the_system_and_then_no_more() -> None:
    now = timezone.now()
    row = factories.questionnaire(
        factories.patient(), [0] * 8 + [2], recorded_by="", recorded_at=now, taken_at=now,
        source="device_push",
    )  # fmt: skip
    [found] = questionnaires_with_self_harm_since(now)
    assert outcomes.safety_consider(questionnaire=found, by=SYSTEM, now=now)
    assert not outcomes.safety_consider(questionnaire=found, by=SYSTEM, now=now)
    assert [event.actor for event in noted()] == ["system"]
    row.refresh_from_db()
    assert row.safety_considered_at == now


def test_one_entered_in_error_is_not_noted() -> None:
    row = factories.questionnaire(factories.patient(), [3] * 9, entered_in_error=True)
    assert not outcomes.safety_consider(questionnaire=row, by=SYSTEM, now=timezone.now())
    assert noted() == []


def test_the_safety_alert_is_there_at_once_with_the_clinics_own_words(doctor: User) -> None:
    patient = factories.patient(team=[doctor])
    record(doctor, patient, items=[0] * 8 + [2])
    alert = Alert.objects.get()
    assert (alert.kind, alert.tier, alert.state) == ("safety", "High", "new")
    day = timezone.localtime(WHEN).date()
    words = f"Answered on {day.day} {day:%B %Y}."
    assert "Item 9" in alert.recommendation["text"] and alert.recommendation["text"].endswith(words)
    assert alert.recommendation["checked_by"] == ""
    assert [(n.user, n.is_urgent) for n in alert.notices.all()] == [(doctor, True)]
    assert not OutboxMessage.objects.exists()


def test_told_again_it_comes_back_even_while_somebody_holds_it(doctor: User) -> None:
    patient = factories.patient(team=[doctor])
    record(doctor, patient, items=[0] * 8 + [2])
    alert_acknowledge(alert=Alert.objects.get(), by=doctor)
    record(doctor, patient, items=[0] * 8 + [1], taken_at=WHEN + timedelta(days=1))
    alert = Alert.objects.get()
    assert (alert.state, alert.transitions.last().event) == ("new", "repeated")
    assert alert.notices.filter(event="repeated").count() == 1
    day = timezone.localtime(WHEN + timedelta(days=1)).date()
    assert f"Answered on {day.day} " in alert.recommendation["text"]


def test_an_answer_of_long_ago_is_written_down_and_raises_no_alert(doctor: User) -> None:
    made = record(doctor, items=[0] * 8 + [3], taken_at=LONG_AGO)
    [row] = noted()
    assert row.detail == {"questionnaire": made.pk, "at_once": False}
    assert not Alert.objects.exists()
    assert questionnaires_with_self_harm_since(LONG_AGO) == []
    factories.questionnaire(factories.patient(), [0] * 8 + [1], recorded_at=timezone.now())
    assert outcomes.safety_watch(now=timezone.now()) == 0
    assert len(noted()) == 2 and not Alert.objects.exists()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("at_once_days = 30", "at_once_days = 0", "at_once_days must be from 1 to 366"),
        ("at_once_days = 30", "at_once_day = 30", "did you mean at_once_days"),
        ('title = "Same-day assessment of safety"', 'title = ""', "title is empty"),
    ],
)
def test_a_bad_file_is_refused_by_its_field(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (DATA / "safety.toml").read_text()
    assert old in text
    (tmp_path / "safety.toml").write_text(text.replace(old, new))
    with pytest.raises(RuleFileError, match=f"safety.toml: .*{says}"):
        load_safety_rules(tmp_path / "safety.toml")


def test_what_a_device_told_is_found_by_the_watch(doctor: User) -> None:
    patient = factories.patient(team=[doctor])
    factories.questionnaire(
        patient, items=[0] * 8 + [1], recorded_at=timezone.now(), taken_at=timezone.now()
    )
    assert outcomes.safety_watch(now=timezone.now()) == 1
    assert outcomes.safety_watch(now=timezone.now()) == 0
    assert Alert.objects.get().transitions.get().actor == SYSTEM
