"""The life of an alert: one table of states and events; nothing else decides.

Moments are aware datetimes. What the system does by itself it does at ``due_at``: an alert that
nobody has taken on is escalated, an acknowledgement that is not followed lapses, a snooze ends.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.domain.escalation import Policy
from alerts.domain.triage import RANK

NEW, ACKNOWLEDGED, SNOOZED = "new", "acknowledged", "snoozed"
DISMISSED, RESOLVED = "dismissed", "resolved"
OPEN = (NEW, ACKNOWLEDGED, SNOOZED)
CLOSED = (DISMISSED, RESOLVED)
BEFORE_UNDO = "before"  # stands for the state in which the undone event found the alert

# event -> the states in which it may happen -> the state after.
TRANSITIONS: Mapping[str, Mapping[str, str]] = {
    "raised": {"": NEW},
    "risen": dict.fromkeys(OPEN, NEW),
    "repeated": dict.fromkeys(OPEN, NEW),  # a safety notice: the same was told again
    "escalated": {NEW: NEW},
    "lapsed": {ACKNOWLEDGED: NEW},
    "woken": {SNOOZED: NEW},
    "acknowledged": {NEW: ACKNOWLEDGED, SNOOZED: ACKNOWLEDGED},
    "contacted": dict.fromkeys(OPEN, ACKNOWLEDGED),
    "follow_up_set": dict.fromkeys(OPEN, ACKNOWLEDGED),
    "snoozed": {NEW: SNOOZED, ACKNOWLEDGED: SNOOZED},
    "upgraded": dict.fromkeys(OPEN, NEW),
    "downgraded": {state: state for state in OPEN},
    "dismissal_requested": {state: state for state in OPEN},
    "downgrade_requested": {state: state for state in OPEN},
    "request_declined": {state: state for state in OPEN},
    "dismissed": dict.fromkeys(OPEN, DISMISSED),
    "ended": dict.fromkeys(OPEN, RESOLVED),  # what it was about is over, as missing data
    "resolved": {ACKNOWLEDGED: RESOLVED, SNOOZED: RESOLVED},
    "undone": dict.fromkeys((*OPEN, *CLOSED), BEFORE_UNDO),
}
# Though a clinician raises a concern.
BY_SYSTEM_ONLY = ("raised", "risen", "repeated", "escalated", "lapsed", "woken", "ended")
NEEDS_REASON = (
    "dismissed", "upgraded", "downgraded", "dismissal_requested", "downgrade_requested",
    "request_declined",
)  # fmt: skip
UNDOABLE = (
    "acknowledged", "contacted", "follow_up_set", "snoozed", "upgraded", "downgraded",
    "dismissal_requested", "downgrade_requested", "request_declined", "dismissed", "resolved",
)  # fmt: skip
UNDO_WITHIN = timedelta(minutes=10)
# Events after which the EHR is told, also where the tier stays.
NOTIFYING = ("raised", "risen", "upgraded")


class NotInTable(ValueError):
    """The event may not happen to the alert as it is."""


@dataclass(frozen=True)
class Life:
    """How an alert stands. Of an open one ``due_at`` is always set.

    ``level`` counts the steps of its policy that were taken since ``new_since``, when it last
    began to wait for somebody. ``requested`` is what a psychiatrist is asked to confirm.
    """

    state: str = ""
    tier: str = ""
    level: int = 0
    new_since: datetime | None = None
    due_at: datetime | None = None
    requested: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values, to undo by."""
        found = asdict(self)
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in found.items()}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Life":
        """What ``as_dict`` gave."""
        kept = {field: values[field] for field in ("state", "tier", "level", "requested")}
        new_since, due_at = (
            datetime.fromisoformat(values[k]) if values[k] else None
            for k in ("new_since", "due_at")
        )
        return cls(**kept, new_since=new_since, due_at=due_at)


def next_state(state: str, event: str) -> str | None:
    """The state after the event, or None where the table does not allow it.

    >>> next_state("new", "acknowledged"), next_state("dismissed", "acknowledged")
    ('acknowledged', None)
    """
    return TRANSITIONS.get(event, {}).get(state)


def step(
    life: Life,
    event: str,
    at: datetime,
    policy: Policy,
    *,
    tier: str = "",
    until: datetime | None = None,
    before: Life | None = None,
) -> Life:
    """The life after the event. ``policy`` is that of the tier after it.

    ``tier`` is for raised, risen, upgraded and downgraded, ``until`` for snoozed and
    follow_up_set, ``before`` for undone. Raises NotInTable.
    """
    state = next_state(life.state, event)
    if state is None:
        raise NotInTable(f"{event} is not possible when {life.state or 'not raised'}")
    if event == "undone":
        if before is None:
            raise NotInTable("there is nothing to undo")
        return before
    life = replace(_asked(life, event), state=state, tier=_tier(life, event, tier))
    if state in CLOSED:
        return replace(life, due_at=None)
    if event in ("raised", "risen", "repeated", "upgraded", "lapsed", "woken"):
        return _waiting(life, at, policy)
    if event == "escalated":
        level = life.level + 1
        return replace(life, level=level, due_at=policy.due_after(level, life.new_since or at, at))
    if event == "downgraded":
        if state == NEW:
            return _waiting(life, at, policy)
        return life if state == SNOOZED else replace(life, due_at=at + policy.follow_within)
    if event in ("acknowledged", "contacted"):
        return replace(life, due_at=at + policy.follow_within)
    if event == "snoozed":
        if until is None or not at < until <= at + policy.snooze_at_most:
            raise NotInTable("a snooze ends after now and within what the policy allows")
        return replace(life, due_at=until)
    if event == "follow_up_set":
        if until is None or not at < until <= at + policy.follow_up_at_most:
            raise NotInTable("a follow-up lies after now and within what the policy allows")
        return replace(life, due_at=until + policy.follow_within)
    return life


def _waiting(life: Life, at: datetime, policy: Policy) -> Life:
    return replace(life, level=0, new_since=at, due_at=policy.due_after(0, at, at))


def _tier(life: Life, event: str, tier: str) -> str:
    if event == "raised":
        return tier
    higher, lower = ("risen", "upgraded"), ("downgraded",)
    if event not in higher + lower:
        return life.tier
    rise = RANK[tier] - RANK[life.tier]
    if rise == 0 or (rise > 0) != (event in higher):
        raise NotInTable(f"{event} from {life.tier} to {tier}")
    return tier


def _asked(life: Life, event: str) -> Life:
    """What is requested after the event; only one request waits at a time."""
    if event.endswith("_requested"):
        if life.requested:
            raise NotInTable("a request already waits")
        return replace(life, requested=event)
    if event == "request_declined" and not life.requested:
        raise NotInTable("no request waits")
    settled = event in ("request_declined", "risen", "upgraded", "downgraded")
    settled |= next_state(life.state, event) in CLOSED
    return replace(life, requested="") if settled else life
