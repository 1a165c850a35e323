"""200 random sequences of scores, clicks, timeouts and moves of the clock against PostgreSQL."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from alerts import services
from alerts.domain.states import BEFORE_UNDO, CLOSED, OPEN, TRANSITIONS, UNDO_WITHIN, UNDOABLE, Life
from alerts.mail import notices_mail
from alerts.models import Alert, AlertTransition, FollowUp, Notice
from alerts.raising import alert_raise, alerts_consider, alerts_watch
from alerts.services import NotAllowed
from patients.models import CareTeamMember, Role
from tests import factories

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.get_default_timezone())
REASONS = ["known-and-managed", "will-monitor", "data-artifact", "other", "nonsense"]
TAKEN_ON = ("acknowledged", "snoozed", *CLOSED)
seen: set[str] = set()


class ClinicMachine(RuleBasedStateMachine):
    """One patient with a doctor and a coordinator who click on whatever they like."""

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()  # rolled back: what others left makes queries slow
        self.example.__enter__()
        self.now = BEGIN
        self.clock = mock.patch("django.utils.timezone.now", lambda: self.now)
        self.clock.start()
        self.users = [factories.user(Role.PSYCHIATRIST), factories.user(Role.COORDINATOR)]
        self.patient = factories.patient()
        for user in self.users:
            CareTeamMember.objects.create(patient=self.patient, user=user)

    def teardown(self) -> None:
        """The clock runs again, and what happened is remembered."""
        self.clock.stop()
        rows = AlertTransition.objects.filter(alert__patient=self.patient)
        seen.update(rows.values_list("event", flat=True))
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    @rule(
        depression=st.sampled_from([None, 0.1, 0.6, 0.9]),
        mania=st.sampled_from([None, 0.1, 0.4, 0.7]),
    )
    def night(self, depression: float | None, mania: float | None) -> None:
        """A day later the day before is scored."""
        self.now += timedelta(days=1)
        alerts_watch(now=self.now)
        day = self.now.date() - timedelta(days=1)
        score = factories.score(self.patient, day, depression, mania)
        alerts_consider(score=score, now=self.now)

    @rule(hours=st.sampled_from([0.1, 3.0, 9.0, 26.0, 170.0]))
    def later(self, hours: float) -> None:
        """Time goes by, and the watch comes."""
        self.now += timedelta(hours=hours)
        alerts_watch(now=self.now)
        notices_mail(now=self.now)
        late = Alert.objects.filter(patient=self.patient, state__in=OPEN, due_at__lte=self.now)
        assert not late.exists()

    @rule(data=st.data(), who=st.integers(0, 1), what=st.integers(0, 7))
    def click(self, data: st.DataObject, who: int, what: int) -> None:
        """Somebody acts on an alert, open or closed, as they may or may not."""
        alerts = list(Alert.objects.filter(patient=self.patient).order_by("id"))
        if not alerts:
            return
        alert, by = data.draw(st.sampled_from(alerts)), self.users[who]
        note = data.draw(st.sampled_from(["", "Spoke to her."]))
        day = self.now.date() + timedelta(days=data.draw(st.integers(0, 9)))
        tier = data.draw(st.sampled_from(["Moderate", "High"]))
        acts: list[Callable[[], Any]] = [
            lambda: services.alert_acknowledge(alert=alert, by=by, note=note),
            lambda: services.alert_contact(alert=alert, by=by, note=note),
            lambda: services.alert_follow_up(alert=alert, by=by, due_on=day),
            lambda: services.alert_snooze(alert=alert, by=by, hours=data.draw(st.integers(0, 30))),
            lambda: services.alert_resolve(alert=alert, by=by),
            lambda: services.alert_dismiss(
                alert=alert, by=by, reason=data.draw(st.sampled_from(REASONS)), note=note,
                due_on=day,
            ),
            lambda: services.alert_retier(alert=alert, by=by, tier=tier, note=note),
            lambda: services.request_decide(
                alert=alert, by=by, confirm=data.draw(st.booleans()), note=note
            ),
        ]  # fmt: skip
        before = AlertTransition.objects.filter(alert__patient=self.patient).count()
        try:
            acts[what]()
            grown = 1
        except NotAllowed as refusal:
            assert str(refusal).endswith(".")
            grown = 0
        assert AlertTransition.objects.filter(alert__patient=self.patient).count() == before + grown

    @rule(who=st.integers(0, 1), back=st.booleans())
    def dismiss(self, who: int, back: bool) -> None:
        """Somebody closes the newest open alert, or asks to, and perhaps takes it back at once."""
        alert = Alert.objects.filter(patient=self.patient, state__in=OPEN).last()
        if alert is None or alert.requested:
            return
        before = alert.life
        services.alert_dismiss(alert=alert, by=self.users[who], reason="known-and-managed")
        if back:
            services.alert_undo(alert=alert, by=self.users[who])
            assert Alert.objects.get(pk=alert.pk).life == before

    @rule()
    def undo(self) -> None:
        """Whoever acted last takes it back, if it was a person and within ten minutes."""
        last = AlertTransition.objects.filter(alert__patient=self.patient).last()
        by = next((u for u in self.users if last and u.username == last.actor), None)
        if last is None or by is None or last.event not in UNDOABLE:
            return
        in_time = self.now - last.at <= UNDO_WITHIN
        before = Life.of(last.before)
        try:
            services.alert_undo(alert=last.alert, by=by)
        except NotAllowed:
            assert not in_time
        else:
            assert in_time and Alert.objects.get(pk=last.alert_id).life == before

    @rule(who=st.integers(0, 1), tier=st.sampled_from(["Moderate", "High"]))
    def concern(self, who: int, tier: str) -> None:
        """Somebody is concerned."""
        try:
            services.concern_raise(
                patient=self.patient, tier=tier, note="Her sister rang.", by=self.users[who]
            )
        except NotAllowed as refusal:
            assert "open already" in str(refusal)

    @rule()
    def item_nine(self) -> None:
        """A safety alert."""
        alert_raise(
            patient=self.patient, kind="safety", tier="High", by="system", now=self.now,
            why="self_harm_item",
        )  # fmt: skip

    @invariant()
    def holds(self) -> None:
        """What must never happen has not happened."""
        alerts = Alert.objects.filter(patient=self.patient)
        most = alerts.filter(state__in=OPEN).values("kind").annotate(n=Count("id"))
        assert all(row["n"] == 1 for row in most.order_by())
        taken = Notice.objects.filter(
            alert__patient=self.patient, alert__state__in=TAKEN_ON, sent_at=None, cancelled_at=None
        )
        asked = ("follow_up_due", "dismissal_requested", "downgrade_requested")
        assert not taken.exclude(event__in=asked).exists(), "a reminder after it was taken on"
        for row in AlertTransition.objects.filter(alert__patient=self.patient):
            target = TRANSITIONS[row.event][row.from_state]
            assert row.to_state == target or target == BEFORE_UNDO
            assert row.actor
            assert row.reason or row.event != "dismissed"
            assert row.note or row.event not in ("upgraded", "downgraded", "request_declined")
        assert (
            not FollowUp.objects.filter(
                patient=self.patient, state="open", returned_at=None, due_on__lt=self.now.date()
            ).exists()
            or self.now == BEGIN
        )


@pytest.mark.django_db
def test_two_hundred_clinics_keep_their_rules() -> None:
    run_state_machine_as_test(
        ClinicMachine,
        settings=settings(
            max_examples=200, stateful_step_count=14, deadline=None, database=None,
            derandomize=True, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    assert {"raised", "risen", "escalated", "acknowledged", "dismissed", "undone"} <= seen
