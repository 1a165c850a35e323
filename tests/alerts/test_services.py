from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from alerts.domain.states import TRANSITIONS
from alerts.models import Alert, AlertTransition, DismissReason, OutboxMessage
from alerts.services import (
    NotAllowed,
    alert_acknowledge,
    alert_dismiss,
    alert_resolve,
    alert_retier,
    alerts_consider,
)
from patients.models import AuditEvent, Patient, Role
from patients.permissions import Permission, may
from tests import factories
from tests.people import morning

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 1)


@pytest.fixture
def patient() -> Patient:
    found = factories.patient("P-1", ehr_id="ehr-1")
    factories.score(found, DAY - timedelta(days=1), 0.1, 0.1)  # so that a day after can rise fast
    return found


def consider(
    patient: Patient, day: date = DAY, depression: float | None = 0.1, mania: float | None = 0.1
) -> list[Alert]:
    """A new decision of that day, looked at on the next morning."""
    patient.scores.filter(day=day).update(is_current=False)
    revision = patient.scores.filter(day=day).count() + 1
    score = factories.score(patient, day, depression, mania, revision=revision)
    return alerts_consider(score=score, now=morning(day))


def events(alert: Alert) -> list[tuple[str, str, str, str, str]]:
    rows = alert.transitions.order_by("id")
    return [(t.event, t.from_state, t.to_state, t.tier, t.actor) for t in rows]


def test_a_low_day_raises_nothing(patient: Patient) -> None:
    assert consider(patient) == []
    assert not Alert.objects.exists() and not OutboxMessage.objects.exists()


def test_each_track_has_its_own_alert_at_its_own_tier(patient: Patient) -> None:
    raised = consider(patient, depression=0.9, mania=0.5)
    assert {(a.kind, a.tier, a.state) for a in raised} == {
        ("depression", "High", "new"),
        ("mania", "Moderate", "new"),
    }
    for alert in raised:
        assert events(alert) == [("raised", "", "new", alert.tier, "system")]
        assert alert.messages.count() == 1
        assert "onsider" in alert.recommendation["text"]


def test_the_age_of_a_day_is_counted_where_the_patient_lives() -> None:
    now = datetime(2026, 3, 5, 3, 0, tzinfo=UTC)  # the 4th in Toronto, the 5th in Auckland
    here, there = factories.patient(), factories.patient(zone="Pacific/Auckland")
    for who, raised in ((here, 1), (there, 0)):
        score = factories.score(who, DAY, 0.1, 0.9)
        assert len(alerts_consider(score=score, now=now)) == raised


def test_the_same_tier_again_changes_nothing(patient: Patient) -> None:
    consider(patient, mania=0.5)
    assert consider(patient, DAY + timedelta(days=1), mania=0.55) == []
    assert consider(patient, DAY + timedelta(days=2), mania=0.1) == []
    assert Alert.objects.count() == AlertTransition.objects.count() == 1


def test_a_higher_tier_raises_the_open_alert_and_wants_it_looked_at_again(
    patient: Patient,
) -> None:
    doctor = factories.user(username="dr.a")
    [alert] = consider(patient, mania=0.5)
    alert_acknowledge(alert=alert, by=doctor)
    [risen] = consider(patient, DAY + timedelta(days=1), mania=0.9)
    assert (risen.pk, risen.state, risen.tier) == (alert.pk, "new", "High")
    assert [e[0] for e in events(risen)] == ["raised", "acknowledged", "risen"]
    assert risen.score.day == DAY + timedelta(days=1)
    assert "today" in risen.recommendation["text"] or "same-day" in risen.recommendation["text"]
    told = risen.messages.filter(kind=OutboxMessage.Kind.NOTICE)
    assert list(told.values_list("transition__event", flat=True)) == ["raised", "risen"]


def test_seven_low_days_resolve_an_acknowledged_alert_by_the_system(patient: Patient) -> None:
    [alert] = consider(patient, mania=0.5)
    alert_acknowledge(alert=alert, by=factories.user())
    for days in range(1, 7):
        assert consider(patient, DAY + timedelta(days=days)) == []
    [resolved] = consider(patient, DAY + timedelta(days=7))
    assert (resolved.pk, resolved.state, resolved.tier) == (alert.pk, "resolved", "Moderate")
    assert events(resolved)[-1] == ("resolved", "acknowledged", "resolved", "Moderate", "system")
    told, closing = resolved.messages.order_by("id")  # the EHR is told what raises, and the end
    assert (told.kind, closing.kind) == (OutboxMessage.Kind.NOTICE, OutboxMessage.Kind.CLOSING)


def test_a_track_that_was_not_assessed_closes_and_lowers_nothing(patient: Patient) -> None:
    [alert] = consider(patient, mania=0.5)
    for days in range(1, 12):
        assert consider(patient, DAY + timedelta(days=days), mania=None) == []
    alert.refresh_from_db()
    assert (alert.state, alert.tier) == ("new", "Moderate")


def test_a_dismissed_alert_stays_quiet_for_a_week_unless_it_gets_worse(patient: Patient) -> None:
    doctor = factories.user()
    [alert] = consider(patient, mania=0.5)
    alert_dismiss(alert=alert, by=doctor, reason=DismissReason.KNOWN_AND_MANAGED)
    # Dismissed on the morning after the scored day, in the clinic's zone.
    Alert.objects.update(changed_at=morning(DAY))
    assert consider(patient, DAY + timedelta(days=7), mania=0.5) == []
    [worse] = consider(patient, DAY + timedelta(days=7), mania=0.9)
    assert worse.pk != alert.pk and worse.tier == "High"
    alert_dismiss(alert=worse, by=doctor, reason=DismissReason.KNOWN_AND_MANAGED)
    Alert.objects.filter(pk=worse.pk).update(changed_at=morning(DAY + timedelta(days=7)))
    for days in (12, 13, 14):
        assert consider(patient, DAY + timedelta(days=days), mania=0.5) == []
    [later] = consider(patient, DAY + timedelta(days=15), mania=0.5)
    assert later.tier == "Moderate" and Alert.objects.count() == 3


@pytest.mark.parametrize(("age", "raised"), [(1, 1), (3, 1), (4, 0), (30, 0)])
def test_a_score_of_more_than_three_days_ago_alerts_nobody(
    patient: Patient, age: int, raised: int
) -> None:
    score = factories.score(patient, DAY, mania=0.9)
    assert len(alerts_consider(score=score, now=morning(DAY + timedelta(days=age - 1)))) == raised
    assert AlertTransition.objects.count() == raised


def test_the_recommendation_fits_diagnosis_and_drugs() -> None:
    patient = factories.patient(
        "P-2", ehr_id="ehr-2", diagnosis="bipolar_1", medication_list_available=True
    )
    factories.medication(patient, first_day=DAY - timedelta(days=9))
    [alert] = consider(patient, mania=0.9)
    assert "antidepressant is active" in alert.recommendation["text"]
    ended = factories.patient(
        "P-3", ehr_id="ehr-3", diagnosis="bipolar_1", medication_list_available=True
    )
    factories.medication(ended, first_day=DAY - timedelta(days=9), last_day=DAY - timedelta(days=1))
    [other] = consider(ended, mania=0.9)
    assert "antidepressant" not in other.recommendation["text"]


def test_acknowledging_twice_names_who_was_first(patient: Patient) -> None:
    [alert] = consider(patient, mania=0.5)
    alert_acknowledge(alert=alert, by=factories.user(username="dr.first"), note="On it.")
    with pytest.raises(NotAllowed, match="acknowledged by dr.first"):
        alert_acknowledge(alert=alert, by=factories.user(username="dr.second"))
    assert [e[4] for e in events(alert)] == ["system", "dr.first"]
    assert alert.transitions.last().note == "On it."
    event = AuditEvent.objects.get(action="alert acknowledged")
    assert (event.actor, event.patient_code) == ("dr.first", "P-1")


@pytest.mark.parametrize("reason", ["", "because", "Known and managed"])
def test_dismissing_needs_one_of_the_reasons(patient: Patient, reason: str) -> None:
    [alert] = consider(patient, mania=0.5)
    with pytest.raises(NotAllowed, match="reasons"):
        alert_dismiss(alert=alert, by=factories.user(), reason=reason)
    assert Alert.objects.get().state == "new"


def test_another_reason_must_be_said(patient: Patient) -> None:
    [alert] = consider(patient, mania=0.5)
    doctor = factories.user(username="dr.a")
    with pytest.raises(NotAllowed, match="note"):
        alert_dismiss(alert=alert, by=doctor, reason="other", note="  ")
    alert_dismiss(alert=alert, by=doctor, reason="other", note="Moved house.")
    last = alert.transitions.last()
    assert (last.reason, last.note, last.actor) == ("other", "Moved house.", "dr.a")
    with pytest.raises(NotAllowed, match="dismissed by dr.a"):
        alert_dismiss(alert=alert, by=doctor, reason="known-and-managed")
    assert AuditEvent.objects.filter(action="alert dismissed").count() == 1


def test_who_may_act_on_alerts() -> None:
    acting = {role: may(factories.user(role), Permission.ACT_ON_ALERTS) for role in Role.values}
    assert acting == {"psychiatrist": True, "coordinator": True, "administrator": False}
    assert not may(factories.user(is_active=False), Permission.ACT_ON_ALERTS)
    assert not may(factories.user(role="", is_superuser=True), Permission.ACT_ON_ALERTS)
    caring = {role: may(factories.user(role), Permission.CARE) for role in Role.values}
    assert caring == acting
    everybodys = Permission.MANAGE_RECORDINGS
    assert all(may(factories.user(role), everybodys) for role in Role.values)
    clinicians = {Permission.ACT_ON_ALERTS, Permission.CARE, Permission.RECORD_OUTCOMES}
    for permission in clinicians:
        holders = {role for role in Role.values if may(factories.user(role), permission)}
        assert holders == {"psychiatrist", "coordinator"}
    export = Permission.EXPORT_PANEL
    exporting = {role for role in Role.values if may(factories.user(role), export)}
    assert exporting == {"psychiatrist", "administrator"}
    only_admins = set(Permission) - clinicians - {everybodys, export}
    assert all(may(factories.user(Role.ADMINISTRATOR), p) for p in only_admins)
    assert not any(may(factories.user(Role.PSYCHIATRIST), p) for p in only_admins)


def test_an_ehr_id_that_fhir_refuses_does_not_cost_the_alert() -> None:
    patient = factories.patient("P-5", ehr_id="not an id")
    [alert] = consider(patient, mania=0.9)
    message = alert.messages.get()
    assert (message.state, message.resource) == ("refused", {})
    assert "patient_reference" in message.last_error and "not an id" not in message.last_error


def test_a_rolled_back_alert_leaves_no_message(patient: Patient) -> None:
    class Stop(Exception):
        pass

    with pytest.raises(Stop), transaction.atomic():
        consider(patient, mania=0.9)
        assert OutboxMessage.objects.count() == 1
        raise Stop
    for model in (Alert, AlertTransition, OutboxMessage):
        assert not model.objects.exists()


def together(*acts: Callable[[], Any]) -> list[Any]:
    """The acts at the same moment, each on its own connection; what each returned or raised."""
    barrier = Barrier(len(acts))

    def one(act: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=10)
            return act()
        except NotAllowed as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


@pytest.mark.django_db(transaction=True)
def test_two_considerations_at_once_raise_one_alert(patient: Patient) -> None:
    score = factories.score(patient, DAY, depression=0.9, mania=0.9)
    found = together(*[lambda: alerts_consider(score=score, now=morning(DAY))] * 4)
    assert sorted(len(changed) for changed in found) == [0, 0, 0, 2]
    assert Alert.objects.count() == OutboxMessage.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_acknowledge_at_once_one_is_told_who_was_first(patient: Patient) -> None:
    [alert] = consider(patient, mania=0.9)
    users = [factories.user(username=name) for name in ("dr.a", "dr.b")]
    found = together(*[lambda u=user: alert_acknowledge(alert=alert, by=u) for user in users])
    [refused] = [f for f in found if isinstance(f, NotAllowed)]
    first = alert.transitions.get(event="acknowledged").actor
    assert f"by {first}" in str(refused)


def test_the_alert_says_when_it_was_changed(patient: Patient) -> None:
    [alert] = consider(patient, mania=0.9)
    assert alert.raised_at == alert.changed_at == morning(DAY)
    before = timezone.now()
    alert_acknowledge(alert=alert, by=factories.user())
    alert.refresh_from_db()
    assert alert.raised_at == morning(DAY) and alert.changed_at >= before


def test_a_resolved_alert_is_not_raised_again_by_the_same_score(patient: Patient) -> None:
    doctor = factories.user()
    [alert] = consider(patient, mania=0.9)
    alert_acknowledge(alert=alert, by=doctor)
    alert_resolve(alert=alert, by=doctor)
    Alert.objects.update(changed_at=morning(DAY))
    assert consider(patient, DAY, mania=0.91) == []
    assert consider(patient, DAY + timedelta(days=1), mania=0.9) == []


def test_what_a_clinician_lowered_stays_lowered_while_nothing_changes(patient: Patient) -> None:
    doctor = factories.user()
    [alert] = consider(patient, mania=0.9)
    alert_acknowledge(alert=alert, by=doctor)
    alert_retier(alert=alert, by=doctor, tier="Moderate", note="Seen, is well.")
    lowered = Alert.objects.get()
    assert lowered.recommendation != alert.recommendation
    assert consider(patient, DAY + timedelta(days=1), mania=0.9) == []
    assert consider(patient, DAY + timedelta(days=2), mania=0.4) == []
    [risen] = consider(patient, DAY + timedelta(days=3), mania=0.9)
    assert risen.tier == "High"


def test_what_to_consider_follows_the_record_while_an_alert_is_open() -> None:
    patient = factories.patient("P-7", ehr_id="ehr-7")
    [alert] = consider(patient, mania=0.9)
    assert "sertraline" not in alert.recommendation["text"]
    patient.diagnosis, patient.medication_list_available = "bipolar_1", True
    patient.save()
    factories.medication(patient, first_day=DAY - timedelta(days=9))
    consider(patient, DAY + timedelta(days=1), mania=0.9)
    assert "sertraline" in Alert.objects.get().recommendation["text"]


def test_raised_by_a_clinician_the_ehr_is_told_so(patient: Patient) -> None:
    [alert] = consider(patient, mania=0.5)
    before = alert.recommendation
    alert_retier(alert=alert, by=factories.user(), tier="High", note="No sleep.")
    now = Alert.objects.get()
    assert now.recommendation["text"] != before["text"]
    sent = str(now.messages.filter(kind=OutboxMessage.Kind.NOTICE).last().resource)
    assert "Set to High by a clinician; the model says Moderate." in sent


@pytest.mark.django_db(transaction=True)
def test_a_click_and_a_score_at_the_same_moment_leave_a_life_of_the_table(
    patient: Patient,
) -> None:
    doctor = factories.user()
    [alert] = consider(patient, mania=0.5)
    day = DAY + timedelta(days=1)
    score = factories.score(patient, day, mania=0.9)
    for _ in range(5):
        together(
            lambda: alerts_consider(score=score, now=morning(day)),
            lambda: alert_dismiss(
                alert=alert, by=doctor, reason="will-monitor",
                due_on=timezone.localdate() + timedelta(days=3),
            ),
        )  # fmt: skip
    for row in AlertTransition.objects.all():
        assert TRANSITIONS[row.event].get(row.from_state) == row.to_state, row.event
