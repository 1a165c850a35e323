"""Clinicians' acts against the database: who may, what follows, and what is never forgotten."""

from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone

from alerts import services
from alerts.models import (
    Alert,
    AlertTransition,
    FollowUp,
    Notice,
    OnCallAccess,
    OnCallTurn,
    OutboxMessage,
)
from alerts.raising import alert_raise, alerts_overdue, alerts_watch
from alerts.services import NotAllowed
from patients.models import AuditEvent, Patient, Role, User
from patients.selectors import patients_visible_to
from tests import factories
from tests.alerts.acting import an_alert

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def events(alert: Alert) -> list[str]:
    return list(alert.transitions.order_by("id").values_list("event", flat=True))


def aged(alert: Alert, hours: float) -> None:
    """As if everything had happened so long before."""
    alert.refresh_from_db()
    past = timedelta(hours=hours)
    alert.due_at = alert.due_at - past if alert.due_at else None
    alert.new_since = alert.new_since - past if alert.new_since else None
    alert.save()
    for row in alert.transitions.all():
        row.at -= past
        row.save()


def test_both_of_the_team_are_told_of_a_high_one_and_nobody_else(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    factories.user(Role.PSYCHIATRIST)
    alert = an_alert(patient)
    told = Notice.objects.values_list("user__username", "event", "is_urgent")
    assert set(told) == {("dr.a", "raised", True), ("coord.b", "raised", True)}
    moderate = an_alert(patient, "Moderate", "depression")
    assert [n.user for n in moderate.notices.all()] == [coordinator]
    assert alert.policy["steps"][0]["to"] == ["coordinator", "psychiatrist"]


def test_an_alert_of_nobodys_patient_reaches_those_who_run_the_clinic() -> None:
    administrator = factories.user(Role.ADMINISTRATOR)
    alert = an_alert(factories.patient("P-9"))
    assert [n.user for n in alert.notices.all()] == [administrator]


def test_nobody_takes_it_on_so_it_goes_up_and_the_one_on_call_may_look_until_it_is_closed(
    patient: Patient, doctor: User, now: datetime
) -> None:
    on_call = factories.user(Role.PSYCHIATRIST, username="dr.night")
    today = timezone.localdate()
    OnCallTurn.objects.create(user=on_call, first_day=today, last_day=today + timedelta(days=2))
    alert = an_alert(patient)
    assert alerts_watch(now=now) == 0 and not patients_visible_to(on_call).exists()
    assert alerts_watch(now=now + 4.1 * HOUR) == 1
    alert.refresh_from_db()
    assert (alert.state, alert.level) == ("new", 1)
    assert alerts_watch(now=now + 8.1 * HOUR) == 1
    assert patients_visible_to(on_call).get() == patient
    assert alert.notices.filter(event="escalated").last().user in (doctor, on_call)
    assert alert.notices.filter(user=on_call).get().is_urgent
    assert AuditEvent.objects.filter(action="on call sees record").count() == 1
    services.alert_dismiss(alert=alert, by=doctor, reason="known-and-managed")
    assert patients_visible_to(on_call).exists()  # while it can still be undone
    alerts_watch(now=timezone.now() + timedelta(minutes=11))
    assert not patients_visible_to(on_call).exists() and not OnCallAccess.objects.exists()
    assert AuditEvent.objects.filter(action="on call access ended").count() == 1


def test_the_policy_of_a_running_alert_does_not_change_with_the_file(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    alert = an_alert(patient)
    from alerts import lifecycle, resources

    slower = {name: resources.policies()["Moderate"] for name in resources.policies()}
    monkeypatch.setattr(lifecycle, "policies", lambda: slower)
    assert alerts_watch(now=now + 4.1 * HOUR) == 1
    alert.refresh_from_db()
    assert alert.policy == resources.policies()["High"].as_dict()


def test_acknowledging_cancels_every_reminder_that_waits(patient: Patient, doctor: User) -> None:
    alert = an_alert(patient)
    assert Notice.objects.filter(cancelled_at=None).count() == 2
    services.alert_acknowledge(alert=alert, by=doctor)
    assert not Notice.objects.filter(cancelled_at=None, sent_at=None).exists()


def test_an_acknowledgement_that_is_not_followed_returns_to_new(
    patient: Patient, doctor: User, now: datetime
) -> None:
    alert = an_alert(patient)
    services.alert_acknowledge(alert=alert, by=doctor)
    assert alerts_watch(now=now + 23 * HOUR) == 0
    assert alerts_overdue(now + 25 * HOUR) == 1
    assert alerts_watch(now=now + 25 * HOUR) == 1
    alert.refresh_from_db()
    assert (alert.state, alert.level, events(alert)[-1]) == ("new", 0, "lapsed")
    assert alerts_overdue(now + 25 * HOUR) == 0
    services.alert_contact(alert=alert, by=doctor, note="Spoke to her, slept 7 h.")
    alert.refresh_from_db()
    assert alert.state == "acknowledged"


def test_a_snooze_ends_by_time_or_by_a_rise(patient: Patient, doctor: User, now: datetime) -> None:
    alert = an_alert(patient, "Moderate")
    services.alert_snooze(alert=alert, by=doctor, hours=10)
    assert alerts_watch(now=now + 9 * HOUR) == 0
    assert alerts_watch(now=now + 10.1 * HOUR) == 1
    alert.refresh_from_db()
    assert alert.state == "new"
    services.alert_snooze(alert=alert, by=doctor, hours=300)
    risen, changed = alert_raise(
        patient=patient, kind="concern", tier="High", by="dr.a", now=now, why="concern"
    )
    assert changed and (risen.pk, risen.state) == (alert.pk, "new")
    with pytest.raises(NotAllowed, match="at most 24 hours"):
        services.alert_snooze(alert=risen, by=doctor, hours=25)


def test_will_monitor_needs_a_day_and_comes_back_when_it_is_due(
    patient: Patient, doctor: User, now: datetime
) -> None:
    alert = an_alert(patient)
    with pytest.raises(NotAllowed, match="until when"):
        services.alert_dismiss(alert=alert, by=doctor, reason="will-monitor")
    with pytest.raises(NotAllowed, match="after today"):
        services.alert_dismiss(
            alert=alert, by=doctor, reason="will-monitor", due_on=timezone.localdate()
        )
    due = timezone.localdate() + timedelta(days=5)
    services.alert_dismiss(alert=alert, by=doctor, reason="will-monitor", due_on=due)
    promise = FollowUp.objects.get()
    assert (promise.due_on, promise.promised_by, promise.state) == (due, doctor, "open")
    assert alerts_watch(now=now + timedelta(days=3)) == 0
    assert alerts_watch(now=now + timedelta(days=6)) == 1
    assert alerts_watch(now=now + timedelta(days=7)) == 0  # once
    assert Notice.objects.get(event="follow_up_due").user == doctor
    services.follow_up_done(follow_up=promise, by=doctor, note="Sleeps well again.")
    with pytest.raises(NotAllowed, match="already done by dr.a"):
        services.follow_up_done(follow_up=promise, by=doctor, note="Twice.")


def test_a_coordinator_asks_to_dismiss_a_high_one_and_a_psychiatrist_decides(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    alert = an_alert(patient)
    made = services.alert_dismiss(
        alert=alert, by=coordinator, reason="data-artifact", note="Watch lay on the table."
    )
    alert.refresh_from_db()
    assert (made.event, alert.state) == ("dismissal_requested", "new")
    assert alert.notices.filter(event="dismissal_requested").get().user == doctor
    with pytest.raises(NotAllowed, match="role"):
        services.request_decide(alert=alert, by=coordinator, confirm=True)
    with pytest.raises(NotAllowed, match="why the request is declined"):
        services.request_decide(alert=alert, by=doctor, confirm=False)
    services.request_decide(alert=alert, by=doctor, confirm=True)
    alert.refresh_from_db()
    last = alert.transitions.last()
    assert (alert.state, last.reason, last.actor) == ("dismissed", "data-artifact", "dr.a")
    assert last.note == "Watch lay on the table."
    with pytest.raises(NotAllowed, match="No request waits"):
        services.request_decide(alert=alert, by=doctor, confirm=True)


def test_a_request_that_is_declined_leaves_the_alert_and_its_promise_goes(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    alert = an_alert(patient)
    due = timezone.localdate() + timedelta(days=5)
    services.alert_dismiss(alert=alert, by=coordinator, reason="will-monitor", due_on=due)
    services.request_decide(alert=alert, by=doctor, confirm=False, note="I will call her today.")
    alert.refresh_from_db()
    assert (alert.state, alert.requested) == ("new", "")
    assert FollowUp.objects.get().state == "cancelled"


def test_tiers_are_changed_with_a_reason_and_lowered_by_a_coordinator_only_as_a_request(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    alert = an_alert(patient, "Moderate")
    with pytest.raises(NotAllowed, match="why the tier changes"):
        services.alert_retier(alert=alert, by=coordinator, tier="High", note=" ")
    services.alert_retier(alert=alert, by=coordinator, tier="High", note="Has not slept.")
    alert.refresh_from_db()
    assert (alert.tier, alert.state) == ("High", "new") and len(alert.policy["steps"]) == 3
    services.alert_retier(alert=alert, by=coordinator, tier="Moderate", note="Slept after all.")
    alert.refresh_from_db()
    assert (alert.tier, alert.requested) == ("High", "downgrade_requested")
    services.request_decide(alert=alert, by=doctor, confirm=True)
    alert.refresh_from_db()
    assert (alert.tier, alert.requested) == ("Moderate", "")
    assert alert.transitions.last().note == "Slept after all."


def test_ones_own_last_act_is_taken_back_for_ten_minutes(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    alert = an_alert(patient)
    before = Alert.objects.get(pk=alert.pk).life
    due = timezone.localdate() + timedelta(days=5)
    services.alert_dismiss(alert=alert, by=doctor, reason="will-monitor", due_on=due)
    with pytest.raises(NotAllowed, match="own last act"):
        services.alert_undo(alert=alert, by=coordinator)
    services.alert_undo(alert=alert, by=doctor)
    alert.refresh_from_db()
    assert alert.life == before and FollowUp.objects.get().state == "cancelled"
    with pytest.raises(NotAllowed, match="own last act"):
        services.alert_undo(alert=alert, by=doctor)
    services.alert_acknowledge(alert=alert, by=doctor)
    aged(alert, 0.2)
    with pytest.raises(NotAllowed, match="Ten minutes"):
        services.alert_undo(alert=alert, by=doctor)


def test_what_was_closed_is_not_reopened_beside_another(patient: Patient, doctor: User) -> None:
    alert = an_alert(patient)
    services.alert_dismiss(alert=alert, by=doctor, reason="known-and-managed")
    other = an_alert(patient)
    with pytest.raises(NotAllowed, match="Another alert"):
        services.alert_undo(alert=alert, by=doctor)
    assert Alert.objects.filter(state="new").get() == other


def test_undoing_a_dismissal_tells_the_ehr_again(patient: Patient, doctor: User) -> None:
    score = factories.score(patient, date(2026, 3, 1), mania=0.9)
    alert = factories.alert(score)
    alert.refresh_from_db()
    services.alert_dismiss(alert=alert, by=doctor, reason="known-and-managed")
    services.alert_undo(alert=alert, by=doctor)
    told = OutboxMessage.objects.filter(transition__event="undone", kind=OutboxMessage.Kind.NOTICE)
    assert told.count() == 1


def test_a_concern_is_raised_by_hand_once_and_never_sent_to_the_ehr(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    administrator = factories.user(Role.ADMINISTRATOR)
    with pytest.raises(NotAllowed, match="role"):
        services.concern_raise(patient=patient, tier="High", note="?", by=administrator)
    with pytest.raises(NotAllowed, match="what your concern is"):
        services.concern_raise(patient=patient, tier="High", note="", by=doctor)
    alert = services.concern_raise(
        patient=patient, tier="Moderate", note="Her sister rang.", by=coordinator
    )
    assert (alert.kind, alert.tier, alert.transitions.get().note) == (
        "concern", "Moderate", "Her sister rang.",
    )  # fmt: skip
    with pytest.raises(NotAllowed, match="already"):
        services.concern_raise(patient=patient, tier="Moderate", note="Again.", by=doctor)
    assert not OutboxMessage.objects.exists()


def test_every_change_has_an_actor_and_a_row(patient: Patient, doctor: User) -> None:
    alert = an_alert(patient)
    services.alert_acknowledge(alert=alert, by=doctor)
    services.alert_resolve(alert=alert, by=doctor, note="Seen today.")
    assert events(alert) == ["raised", "acknowledged", "resolved"]
    assert set(AlertTransition.objects.values_list("actor", flat=True)) == {"system", "dr.a"}
    with pytest.raises(NotAllowed, match="resolved by dr.a"):
        services.alert_acknowledge(alert=alert, by=doctor)


def test_notes_are_not_readable_in_the_database(patient: Patient, doctor: User) -> None:
    from django.db import connection

    alert = an_alert(patient)
    services.alert_acknowledge(alert=alert, by=doctor, note="Her husband has left.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM alerts_alerttransition WHERE note <> ''")
        [(stored,)] = cursor.fetchall()
    assert "husband" not in stored
    assert alert.transitions.last().note == "Her husband has left."
