"""Rule performance: counts that can be followed by hand, of one's own patients only."""

import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.test import Client
from django.utils import timezone

from alerts import services
from alerts.domain.performance import Finding, Raised, missed, performance
from alerts.models import AlertKind
from alerts.performance import rule_performance
from alerts.raising import alert_raise
from patients.models import AuditEvent, Role
from tests import factories

DAY = date(2026, 3, 10)
LATER = date(2026, 6, 1)


def raised(
    patient: int = 1, day: date = DAY, kind: str = "mania", rule: str = "high",
    hours: float | None = None, dismissed: str = "",
) -> Raised:  # fmt: skip
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    taken = at + timedelta(hours=hours) if hours is not None else None
    return Raised(patient, rule, kind, at, day, taken, dismissed)


def test_a_line_counts_what_came_of_a_rules_alerts_in_a_month() -> None:
    alerts = [
        raised(1, hours=1),
        raised(2, hours=3, dismissed="data-artifact"),
        raised(3, hours=8),
        raised(4, rule="persisted"),
        raised(1, DAY + timedelta(days=31)),
    ]
    findings = [Finding(1, "mania", DAY + timedelta(days=14), None)]
    april, march_high, march_other = performance(alerts, findings, LATER)
    assert (april.month, april.raised, april.median_hours) == ("2026-04", 1, None)
    assert (march_high.raised, march_high.acknowledged, march_high.median_hours) == (3, 3, 3.0)
    assert march_high.dismissed == {"data-artifact": 1}
    assert (march_high.confirmed, march_high.confirmable) == (1, 3)
    assert (march_other.rule, march_other.confirmed) == ("persisted", 0)


@pytest.mark.parametrize(
    ("what", "after", "kind", "confirmed"),
    [
        ("asrm", 14, "mania", 1),
        ("asrm", 15, "mania", 0),
        ("asrm", -1, "mania", 0),
        ("phq9", 3, "mania", 0),
        ("phq9", 3, "depression", 1),
        ("mixed", 3, "depression", 1),
    ],
)
def test_only_what_is_of_its_pole_and_in_time_confirms(
    what: str, after: int, kind: str, confirmed: int
) -> None:
    day = DAY + timedelta(days=after)
    [line] = performance([raised(kind=kind)], [Finding(1, what, day, day)], LATER)
    assert line.confirmed == confirmed


def test_an_episode_that_goes_on_confirms_and_anothers_does_not() -> None:
    old = DAY - timedelta(days=40)
    assert performance([raised()], [Finding(1, "mania", old, None)], LATER)[0].confirmed == 1
    assert performance([raised()], [Finding(2, "mania", old, None)], LATER)[0].confirmed == 0
    ended = Finding(1, "mania", old, DAY - timedelta(days=1))
    assert performance([raised()], [ended], LATER)[0].confirmed == 0


def test_an_alert_that_nothing_has_confirmed_counts_once_its_14_days_are_over() -> None:
    alerts = [raised(1), raised(2)]
    for after, confirmable in ((0, 1), (14, 1), (15, 2)):
        [line] = performance(alerts, [Finding(1, "asrm", DAY, DAY)], DAY + timedelta(days=after))
        assert (line.confirmed, line.confirmable) == (1, confirmable)


def test_safety_and_data_cannot_be_confirmed() -> None:
    [line] = performance([raised(kind="safety")], [Finding(1, "phq9", DAY, DAY)], LATER)
    assert line.confirmable == 0


def test_an_episode_is_missed_without_an_alert_of_its_pole_in_the_two_weeks_before() -> None:
    episode = Finding(1, "mania", DAY, None)
    assert list(missed([episode], [])) == [episode]
    assert list(missed([episode], [raised(day=DAY - timedelta(days=14))])) == []
    for other in (
        raised(day=DAY - timedelta(days=15)),
        raised(day=DAY + timedelta(days=1)),
        raised(kind="depression"),
        raised(patient=2),
    ):
        assert list(missed([episode], [other])) == [episode]


@pytest.mark.django_db
def test_the_page_and_the_file_show_ones_own_patients() -> None:
    doctor, other = factories.user(username="dr.a"), factories.user()
    patient, stranger = factories.patient("P-1", [doctor]), factories.patient("P-2", [other])
    for who in (patient, stranger):
        alert, _ = alert_raise(
            patient=who, kind="mania", tier="High", by="system", now=timezone.now(), why="high"
        )
    services.alert_dismiss(
        alert=patient.alerts.get(), by=doctor, reason="explained-by-context", note="Shift work."
    )
    today = timezone.localdate()
    factories.questionnaire(
        patient, instrument="asrm", items=[4, 4, 0, 0, 0], total=8, taken_at=timezone.now()
    )
    factories.episode(stranger, kind="mania", first_day=today - timedelta(days=20))
    client = Client()
    client.force_login(doctor)
    page = client.get("/rules/performance/").content.decode()
    assert "Explained by context" in page and "1 of 1" in page and "P-2" not in page
    assert "Shift work" not in page
    answer = client.get("/rules/performance.csv")
    [row] = csv.DictReader(StringIO(answer.content.decode()))
    assert (row["raised"], row["confirmed within 14 days"]) == ("1", "1")
    assert row["reasons of dismissal"] == "explained-by-context: 1"
    assert "P-1" not in answer.content.decode()
    assert AuditEvent.objects.filter(action="rule performance exported").count() == 1
    found = rule_performance(factories.user(Role.ADMINISTRATOR), today)
    assert sum(line.raised for line in found.lines) == 2
    assert [(code, e.what) for code, e in found.missed] == [("P-2", "mania")]


@pytest.mark.django_db
def test_undone_and_reopened_dismissals_do_not_count() -> None:
    doctor = factories.user()
    patient = factories.patient("P-1", [doctor])
    alert, _ = alert_raise(
        patient=patient, kind="mania", tier="High", by="system", now=timezone.now(), why="high"
    )
    services.alert_dismiss(alert=alert, by=doctor, reason="known-and-managed")
    services.alert_undo(alert=alert, by=doctor)
    [line] = rule_performance(doctor, timezone.localdate()).lines
    assert line.dismissed == {}


@pytest.mark.django_db
def test_an_acknowledgement_that_was_taken_back_does_not_count() -> None:
    doctor = factories.user()
    patient = factories.patient("P-1", [doctor])
    alert, _ = alert_raise(
        patient=patient, kind=AlertKind.MANIA, tier="High", by="system", now=timezone.now(),
        why="high",
    )  # fmt: skip
    services.alert_acknowledge(alert=alert, by=doctor)
    assert rule_performance(doctor, timezone.localdate()).lines[0].acknowledged == 1
    services.alert_undo(alert=alert, by=doctor)
    [line] = rule_performance(doctor, timezone.localdate()).lines
    assert (line.acknowledged, line.median_hours, line.confirmable) == (0, None, 0)
