"""10,000 random lives of alerts on the pure table: what must hold of every one, at every moment.

A clinic of two kinds of alert, a clock, a watch that comes when it can, and people who click on
whatever they like. What they may not do is refused; what happens must be in the table.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from alerts.domain.escalation import Policy, policy_name
from alerts.domain.states import (
    BEFORE_UNDO,
    BY_SYSTEM_ONLY,
    CLOSED,
    NEEDS_REASON,
    OPEN,
    TRANSITIONS,
    UNDO_WITHIN,
    UNDOABLE,
    Life,
    NotInTable,
    step,
)
from alerts.domain.triage import RANK
from alerts.resources import policies

SEQUENCES, STEPS = 10_000, 12
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = ("mania", "data")
DUE = {"new": "escalated", "acknowledged": "lapsed", "snoozed": "woken"}
PEOPLE = ("dr.a", "coord.b")
CLICKS = [e for e in TRANSITIONS if e not in (*BY_SYSTEM_ONLY, "undone")]


@dataclass
class Row:
    """One transition as it would be stored."""

    kind: str
    event: str
    at: datetime
    actor: str
    reason: str
    before: Life
    after: Life


@dataclass
class Clinic:
    """All alerts of one patient: the latest of each kind, its policy, and every row."""

    lives: dict[str, Life] = field(default_factory=lambda: dict.fromkeys(KINDS, Life()))
    running: dict[str, Policy] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    reminders: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    now: datetime = BEGIN

    def act(self, kind: str, event: str, actor: str, reason: str = "", **more: object) -> bool:
        """Try the event; whether it happened."""
        before = self.lives[kind]
        if event == "raised":
            before = Life()  # another alert: the one before stays closed
        if event in NEEDS_REASON and not reason:
            return False
        tier = str(more.get("tier", ""))
        sets_policy = event in ("raised", "risen", "upgraded", "downgraded")
        policy = policies()[policy_name(kind, tier)] if sets_policy else self.running.get(kind)
        if policy is None:
            return False
        try:
            after = step(before, event, self.now, policy, **more)  # type: ignore[arg-type]
        except NotInTable:
            return False
        if event == "undone":
            policy = policies()[policy_name(kind, after.tier)]
        self.lives[kind], self.running[kind] = after, policy
        self.rows.append(Row(kind, event, self.now, actor, reason, before, after))
        self._remind(kind, event, after)
        return True

    def _remind(self, kind: str, event: str, after: Life) -> None:
        taken_on = event in ("acknowledged", "contacted", "follow_up_set", "snoozed")
        taken_back = event == "undone" and after.state != "new"
        if taken_on or taken_back or after.due_at is None:
            self.reminders[kind] = 0
        elif event in ("raised", "risen", "repeated", "upgraded", "escalated", "lapsed", "woken"):
            self.reminders[kind] += after.state == "new"

    def score(self, kind: str, tier: str) -> None:
        """A night's decision: raise where none is open, or rise."""
        life = self.lives[kind]
        if life.state not in OPEN:
            self.act(kind, "raised", "system", "high", tier=tier)
        elif RANK[tier] > RANK[life.tier]:
            self.act(kind, "risen", "system", "higher", tier=tier)

    def watch(self) -> None:
        """What is due happens, in order, until nothing is."""
        for kind in KINDS:
            for _ in range(50):
                life = self.lives[kind]
                if life.state not in OPEN or life.due_at is None or life.due_at > self.now:
                    break
                assert self.act(kind, DUE[life.state], "system")

    def undo(self, kind: str, actor: str) -> None:
        """As the service does it: one's own last act within ten minutes."""
        mine = [r for r in self.rows if r.kind == kind]
        last = mine[-1] if mine else None
        if last is None or last.actor != actor or last.event not in UNDOABLE:
            return
        if self.now - last.at <= UNDO_WITHIN:
            assert self.act(kind, "undone", actor, before=last.before)
            assert self.lives[kind] == last.before


def held(clinic: Clinic) -> None:
    """The invariants, after every step."""
    for kind, life in clinic.lives.items():
        assert life.state in ("", *OPEN, *CLOSED)
        assert (life.due_at is not None) == (life.state in OPEN)
        if life.state == "new":
            assert life.new_since is not None and life.level >= 0
        if life.state in ("acknowledged", "snoozed", *CLOSED):
            assert clinic.reminders[kind] == 0, "a reminder after somebody took it on"
    for row in clinic.rows[-1:]:
        target = TRANSITIONS[row.event][row.before.state]
        assert row.after.state == target or target == BEFORE_UNDO
        assert row.actor
        assert row.reason or row.event not in NEEDS_REASON
        if row.event in ("risen", "upgraded"):
            assert RANK[row.after.tier] > RANK[row.before.tier]


seen: set[tuple[str, str]] = set()


class LifeMachine(RuleBasedStateMachine):
    """One sequence of nights, clicks, timeouts and moves of the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.clinic = Clinic()

    @rule(kind=st.sampled_from(KINDS), is_high=st.booleans())
    def night(self, kind: str, is_high: bool) -> None:
        """A decision comes."""
        tier = "Indeterminate" if kind == "data" else "High" if is_high else "Moderate"
        self.clinic.score(kind, tier)

    @rule(hours=st.sampled_from([0.05, 0.5, 5.0, 30.0, 200.0]))
    def later(self, hours: float) -> None:
        """Time goes by, and the watch comes: nothing is older than its policy after it."""
        self.clinic.now += timedelta(hours=hours)
        self.clinic.watch()
        for life in self.clinic.lives.values():
            assert life.due_at is None or life.due_at > self.clinic.now

    @rule()
    def item_nine_again(self) -> None:
        """What is told again comes back to everybody."""
        was_open = self.clinic.lives["mania"].state in OPEN
        assert self.clinic.act("mania", "repeated", "system") == was_open

    @rule()
    def data_come_again(self) -> None:
        """What the data alert was about is over, whether somebody has seen it or not."""
        was_open = self.clinic.lives["data"].state in OPEN
        assert self.clinic.act("data", "ended", "system") == was_open

    @rule(kind=st.sampled_from(KINDS), actor=st.sampled_from(PEOPLE))
    def undo(self, kind: str, actor: str) -> None:
        """Somebody takes their last act back."""
        self.clinic.undo(kind, actor)

    @rule(
        kind=st.sampled_from(KINDS),
        event=st.sampled_from(CLICKS),
        actor=st.sampled_from(PEOPLE),
        reason=st.sampled_from(["", "because"]),
        tier=st.sampled_from(["Moderate", "High"]),
        hours=st.sampled_from([-1.0, 1.0, 20.0, 400.0]),
    )
    def click(
        self, kind: str, event: str, actor: str, reason: str, tier: str, hours: float
    ) -> None:
        """Somebody clicks on something, allowed or not."""
        until = self.clinic.now + timedelta(hours=hours)
        self.clinic.act(kind, event, actor, reason, tier=tier, until=until)

    @invariant()
    def holds(self) -> None:
        """After every step."""
        held(self.clinic)

    def teardown(self) -> None:
        """Remember which cells of the table were walked through."""
        seen.update((row.event, row.before.state) for row in self.clinic.rows)


def test_ten_thousand_lives_keep_their_rules() -> None:
    run_state_machine_as_test(
        LifeMachine,
        settings=settings(
            max_examples=SEQUENCES, stateful_step_count=STEPS, deadline=None, database=None,
            derandomize=True, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    named = {(event, state) for event, states in TRANSITIONS.items() for state in states}
    assert seen <= named  # no other cell was reached,
    assert len(set(TRANSITIONS) - {event for event, _ in seen}) <= 2  # and nearly every event was
