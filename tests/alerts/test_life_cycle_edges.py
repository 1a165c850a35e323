"""What happens at the edges of an alert's life: faults, leaving people, requests seen late."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from alerts import services
from alerts.domain.states import NEEDS_REASON
from alerts.lifecycle import alert_locked, move
from alerts.models import Alert, FollowUp, Notice, OnCallTurn
from alerts.presenters.cards import alert_cards
from alerts.raising import alerts_watch
from alerts.selectors import alerts_visible_to
from alerts.services import NotAllowed
from patients.models import CareTeamMember, Patient, Role, User
from patients.selectors import patients_visible_to
from tests import factories
from tests.alerts.acting import an_alert

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_an_alert_that_cannot_be_moved_does_not_stop_the_others(
    patient: Patient, doctor: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = an_alert(patient), an_alert(factories.patient("P-2", [doctor]))
    Alert.objects.filter(pk=broken.pk).update(policy={"steps": "none", "more": 1})
    assert alerts_watch(now=now + timedelta(days=30)) == 4  # a policy of another release
    from alerts import raising

    move = raising.move

    def fails_for_one(alert: Alert, *args: object, **more: object) -> object:
        if alert.pk == broken.pk:
            raise ArithmeticError("unexpected")
        return move(alert, *args, **more)

    monkeypatch.setattr(raising, "move", fails_for_one)
    assert alerts_watch(now=now + timedelta(days=60)) == 1
    sound.refresh_from_db()
    broken.refresh_from_db()
    assert (sound.level, broken.level) == (3, 2)


def test_two_alerts_hold_the_sight_of_who_is_on_call(
    patient: Patient, doctor: User, now: datetime
) -> None:
    on_call, today = factories.user(Role.PSYCHIATRIST), timezone.localdate()
    OnCallTurn.objects.create(user=on_call, first_day=today, last_day=today + timedelta(days=9))
    alerts = [an_alert(patient), an_alert(patient, kind="mania")]
    for hours in (4.1, 8.2):
        alerts_watch(now=now + hours * HOUR)
    services.alert_dismiss(alert=alerts[0], by=doctor, reason="known-and-managed")
    alerts_watch(now=timezone.now() + timedelta(minutes=11))
    assert patients_visible_to(on_call).exists()
    services.alert_dismiss(alert=alerts[1], by=doctor, reason="known-and-managed")
    alerts_watch(now=timezone.now() + timedelta(minutes=11))
    assert not patients_visible_to(on_call).exists()


def test_an_open_alert_waits_for_a_follow_up_no_longer_than_its_policy_says(
    patient: Patient, coordinator: User
) -> None:
    alert = an_alert(patient)
    with pytest.raises(NotAllowed, match="at most 7 days"):
        services.alert_follow_up(
            alert=alert, by=coordinator, due_on=timezone.localdate() + timedelta(days=9)
        )
    services.alert_follow_up(
        alert=alert, by=coordinator, due_on=timezone.localdate() + timedelta(days=5)
    )
    alert.refresh_from_db()
    assert alert.state == "acknowledged"


def test_a_promise_survives_a_declined_and_undone_request_and_ends_with_its_alert(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    alert, due = an_alert(patient), timezone.localdate() + timedelta(days=5)
    services.alert_follow_up(alert=alert, by=doctor, due_on=due)
    services.alert_dismiss(alert=alert, by=coordinator, reason="will-monitor", due_on=due)
    services.request_decide(alert=alert, by=doctor, confirm=False, note="Wait.")
    services.alert_undo(alert=alert, by=doctor)
    services.request_decide(alert=alert, by=doctor, confirm=True)
    first, asked = FollowUp.objects.order_by("id")
    assert (first.state, asked.state) == ("cancelled", "open")
    services.alert_undo(alert=alert, by=doctor)
    assert {f.state for f in FollowUp.objects.all()} == {"open"}


def test_a_promise_of_who_cannot_keep_it_comes_back_to_the_team(
    patient: Patient, doctor: User, coordinator: User, now: datetime
) -> None:
    leaving = factories.user(Role.PSYCHIATRIST)
    CareTeamMember.objects.create(patient=patient, user=leaving)
    alert, due = an_alert(patient), timezone.localdate() + timedelta(days=2)
    services.alert_dismiss(alert=alert, by=leaving, reason="will-monitor", due_on=due)
    leaving.delete()
    alerts_watch(now=now + timedelta(days=3))
    told = Notice.objects.filter(event="follow_up_due").values_list("user__username", flat=True)
    assert set(told) == {"dr.a", "coord.b"}


def test_only_the_request_that_was_seen_is_decided(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    alert = an_alert(patient)
    services.alert_retier(alert=alert, by=coordinator, tier="Moderate", note="Slept.")
    seen = alert.transitions.last().pk
    services.alert_undo(alert=alert, by=coordinator)
    services.alert_dismiss(alert=alert, by=coordinator, reason="data-artifact")
    with pytest.raises(NotAllowed, match="has changed"):
        services.request_decide(alert=alert, by=doctor, confirm=True, request=seen)
    asked = alert.transitions.last().pk
    services.request_decide(alert=alert, by=doctor, confirm=True, request=asked)
    with pytest.raises(NotAllowed, match="dr.a has been here"):
        services.request_decide(alert=alert, by=doctor, confirm=True, request=asked)


def test_who_comes_second_is_told_who_was_first(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    alert = an_alert(patient, "Moderate")
    with pytest.raises(NotAllowed, match="before you resolve"):
        services.alert_resolve(alert=alert, by=doctor)
    services.alert_retier(alert=alert, by=coordinator, tier="High", note="No sleep.")
    with pytest.raises(NotAllowed, match="already High, by coord.b"):
        services.alert_retier(alert=alert, by=doctor, tier="High", note="No sleep.")
    services.alert_acknowledge(alert=alert, by=doctor)
    services.alert_dismiss(alert=alert, by=coordinator, reason="data-artifact")
    with pytest.raises(NotAllowed, match="coord.b has already asked"):
        services.alert_dismiss(alert=alert, by=coordinator, reason="data-artifact")
    with pytest.raises(NotAllowed, match="acknowledged by dr.a"):
        services.alert_acknowledge(alert=alert, by=coordinator)


def test_a_request_is_told_even_if_the_asker_takes_the_alert_on(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    alert = an_alert(patient)
    services.alert_dismiss(alert=alert, by=coordinator, reason="data-artifact")
    services.alert_acknowledge(alert=alert, by=coordinator)
    waiting = alert.notices.filter(cancelled_at=None, sent_at=None)
    assert [(n.user, n.event) for n in waiting] == [(doctor, "dismissal_requested")]


def test_undo_gives_back_the_frozen_policy(patient: Patient, coordinator: User) -> None:
    alert = an_alert(patient, "Moderate")
    frozen = alert.policy | {"repeat_hours": 99.0}
    Alert.objects.filter(pk=alert.pk).update(policy=frozen)
    services.alert_retier(alert=alert, by=coordinator, tier="High", note="No sleep.")
    services.alert_undo(alert=alert, by=coordinator)
    alert.refresh_from_db()
    assert alert.policy == frozen


def test_moderate_depression_beside_high_mania_reminds_nobody(
    patient: Patient, now: datetime
) -> None:
    depression = an_alert(patient, "Moderate", "depression")
    assert depression.notices.count() == 1
    an_alert(patient, kind="mania")
    alerts_watch(now=now + timedelta(days=4))
    assert depression.notices.count() == 1
    depression.refresh_from_db()
    assert depression.level == 1


def test_who_holds_an_alert_is_told_without_what_was_taken_back(
    patient: Patient, doctor: User, coordinator: User
) -> None:
    alert = an_alert(patient)
    services.alert_acknowledge(alert=alert, by=doctor)
    services.alert_contact(alert=alert, by=coordinator, note="Rang, nobody answered.")
    services.alert_undo(alert=alert, by=coordinator)
    [card] = alert_cards([alerts_visible_to(doctor).get(pk=alert.pk)], doctor)
    assert card.acknowledged and card.acknowledged.actor == "dr.a"


@pytest.mark.parametrize("event", sorted(NEEDS_REASON))
def test_no_change_that_needs_a_reason_goes_without(
    patient: Patient, doctor: User, event: str
) -> None:
    alert, now = an_alert(patient), timezone.now()
    with pytest.raises(NotAllowed, match="why"):
        move(alert_locked(alert), event, by=doctor, at=now, tier="Moderate", note="  ")
    assert alert.transitions.count() == 1
