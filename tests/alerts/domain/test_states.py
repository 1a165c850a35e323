"""The table of states: every event in every state, deadlines, and what is never reached."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from alerts.domain.escalation import Policy
from alerts.domain.states import (
    ACKNOWLEDGED,
    BEFORE_UNDO,
    CLOSED,
    DISMISSED,
    NEW,
    NOTIFYING,
    OPEN,
    RESOLVED,
    SNOOZED,
    TRANSITIONS,
    Life,
    NotInTable,
    next_state,
    step,
)
from alerts.models import OPEN_STATES, AlertState
from alerts.resources import policies

STATES = ("", *OPEN, *CLOSED)
AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALLOWED = {
    "": {"raised": NEW},
    NEW: {
        "risen": NEW,
        "repeated": NEW, "escalated": NEW, "acknowledged": ACKNOWLEDGED, "contacted": ACKNOWLEDGED,
        "follow_up_set": ACKNOWLEDGED, "snoozed": SNOOZED, "upgraded": NEW, "downgraded": NEW,
        "dismissal_requested": NEW, "downgrade_requested": NEW, "request_declined": NEW,
        "dismissed": DISMISSED, "ended": RESOLVED, "undone": BEFORE_UNDO,
    },
    ACKNOWLEDGED: {
        "risen": NEW,
        "repeated": NEW, "lapsed": NEW, "contacted": ACKNOWLEDGED, "follow_up_set": ACKNOWLEDGED,
        "snoozed": SNOOZED, "upgraded": NEW, "downgraded": ACKNOWLEDGED,
        "dismissal_requested": ACKNOWLEDGED, "downgrade_requested": ACKNOWLEDGED,
        "request_declined": ACKNOWLEDGED, "dismissed": DISMISSED, "resolved": RESOLVED,
        "undone": BEFORE_UNDO, "ended": RESOLVED,
    },
    SNOOZED: {
        "risen": NEW,
        "repeated": NEW, "woken": NEW, "acknowledged": ACKNOWLEDGED, "contacted": ACKNOWLEDGED,
        "follow_up_set": ACKNOWLEDGED, "upgraded": NEW, "downgraded": SNOOZED,
        "dismissal_requested": SNOOZED, "downgrade_requested": SNOOZED,
        "request_declined": SNOOZED, "dismissed": DISMISSED, "resolved": RESOLVED,
        "undone": BEFORE_UNDO, "ended": RESOLVED,
    },
    DISMISSED: {"undone": BEFORE_UNDO},
    RESOLVED: {"undone": BEFORE_UNDO},
}  # fmt: skip


def high() -> Policy:
    return policies()["High"]


def raised(tier: str = "High") -> Life:
    return step(Life(), "raised", AT, policies()[tier], tier=tier)


@pytest.mark.parametrize(("state", "event"), [*product(STATES, TRANSITIONS)])
def test_each_event_in_each_state(state: str, event: str) -> None:
    assert next_state(state, event) == ALLOWED[state].get(event)


def test_the_table_and_the_model_name_the_same_states() -> None:
    assert {*STATES} - {""} == {state.value for state in AlertState}
    assert set(OPEN) == {state.value for state in OPEN_STATES}


def test_the_ehr_is_told_of_what_raises_and_of_nothing_else() -> None:
    assert set(NOTIFYING) == {"raised", "risen", "upgraded"}


def test_an_alert_that_nobody_takes_on_goes_up_its_policy_and_then_round_its_last_step() -> None:
    life = raised()
    due = [step_.after for step_ in high().steps[1:]]
    for level, after in enumerate(due, start=1):
        assert life.due_at == AT + after
        life = step(life, "escalated", AT + after, high())
        assert (life.state, life.level) == (NEW, level)
    assert life.due_at == AT + due[-1] + high().repeat


def test_taken_on_it_waits_for_the_answer_and_then_comes_back_from_the_start() -> None:
    life = step(raised(), "escalated", AT + 4 * HOUR, high())
    life = step(life, "acknowledged", AT + 5 * HOUR, high())
    assert (life.state, life.due_at) == (ACKNOWLEDGED, AT + 5 * HOUR + high().follow_within)
    late = AT + 40 * HOUR
    life = step(life, "lapsed", late, high())
    assert (life.state, life.level, life.new_since) == (NEW, 0, late)
    assert life.due_at == late + high().steps[1].after


def test_a_follow_up_keeps_it_until_its_day_and_a_contact_gives_time() -> None:
    day = AT + 72 * HOUR
    life = step(raised(), "follow_up_set", AT, high(), until=day)
    assert (life.state, life.due_at) == (ACKNOWLEDGED, day + high().follow_within)
    life = step(life, "contacted", AT + HOUR, high())
    assert life.due_at == AT + HOUR + high().follow_within


@pytest.mark.parametrize("hours", [0, -1, 25])
def test_a_snooze_ends_and_not_too_late(hours: int) -> None:
    life = step(raised(), "snoozed", AT, high(), until=AT + 3 * HOUR)
    assert (life.state, life.due_at) == (SNOOZED, AT + 3 * HOUR)
    assert step(life, "woken", AT + 3 * HOUR, high()).state == NEW
    with pytest.raises(NotInTable):
        step(raised(), "snoozed", AT, high(), until=AT + hours * HOUR)


@pytest.mark.parametrize("state", OPEN)
def test_a_rise_wakes_and_reopens_whatever_stood_before(state: str) -> None:
    life = replace(raised("Moderate"), state=state, requested="dismissal_requested")
    risen = step(life, "risen", AT + HOUR, high(), tier="High")
    assert (risen.state, risen.tier, risen.level, risen.requested) == (NEW, "High", 0, "")
    assert risen.due_at == AT + HOUR + high().steps[1].after


@pytest.mark.parametrize(
    ("event", "tier"),
    [("risen", "High"), ("risen", "Moderate"), ("upgraded", "High"), ("downgraded", "High")],
)
def test_no_rise_without_a_higher_tier_and_no_fall_without_a_lower_one(
    event: str, tier: str
) -> None:
    with pytest.raises(NotInTable):
        step(raised("High"), event, AT, high(), tier=tier)


def test_one_request_waits_at_a_time_and_ends_with_its_decision() -> None:
    life = step(raised(), "dismissal_requested", AT, high())
    assert life.requested == "dismissal_requested" and life.state == NEW
    with pytest.raises(NotInTable):
        step(life, "downgrade_requested", AT, high())
    assert step(life, "acknowledged", AT, high()).requested == "dismissal_requested"
    for event in ("request_declined", "dismissed"):
        assert step(life, event, AT, high()).requested == ""
    with pytest.raises(NotInTable):
        step(raised(), "request_declined", AT, high())


def test_undoing_gives_back_exactly_what_was() -> None:
    before = raised()
    closed = step(before, "dismissed", AT + HOUR, high())
    assert closed.due_at is None
    again = step(closed, "undone", AT + HOUR, high(), before=Life.of(before.as_dict()))
    assert again == before
    with pytest.raises(NotInTable):
        step(closed, "undone", AT, high())
