"""Who is told of an alert, and what happens if nobody takes it on: escalation.toml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from patients.domain.rule_files import RuleFileError, read_rule_file

RECIPIENTS = ("coordinator", "psychiatrist", "on_call")
NAMES = ("High", "Moderate", "safety", "data")
SPANS = (
    "repeat_hours", "follow_within_hours", "snooze_at_most_hours", "follow_up_at_most_hours",
)  # fmt: skip
FIELDS = {"steps", *SPANS}
SHAPE: dict[str, Any] = {
    "steps": [{"after_hours": float, "to": [str]}],
    **dict.fromkeys(SPANS, float),
}
MOST_HOURS = 24 * 366


@dataclass(frozen=True)
class Step:
    """So long after the alert began to wait, these are told."""

    after: timedelta
    to: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """One alert's escalation. It is frozen into the alert when it is raised."""

    steps: tuple[Step, ...]
    repeat: timedelta
    follow_within: timedelta
    snooze_at_most: timedelta
    follow_up_at_most: timedelta

    def due_after(self, level: int, since: datetime, now: datetime) -> datetime:
        """When the step after ``level`` is due; after the last one the last is repeated."""
        if level + 1 < len(self.steps):
            return max(since + self.steps[level + 1].after, now)
        return now + self.repeat

    def recipients(self, level: int) -> tuple[str, ...]:
        """Who is told at that level."""
        return self.steps[min(level, len(self.steps) - 1)].to

    def as_dict(self) -> dict[str, Any]:
        """As the file says it."""
        return {
            "steps": [{"after_hours": _hours(s.after), "to": list(s.to)} for s in self.steps],
            "repeat_hours": _hours(self.repeat),
            "follow_within_hours": _hours(self.follow_within),
            "snooze_at_most_hours": _hours(self.snooze_at_most),
            "follow_up_at_most_hours": _hours(self.follow_up_at_most),
        }

    @classmethod
    def frozen(cls, table: Mapping[str, Any], today: "Policy") -> "Policy":
        """Of what an alert keeps, perhaps from an earlier release: what it lacks is today's."""
        kept = {name: value for name, value in table.items() if name in FIELDS}
        try:
            return cls.of(today.as_dict() | kept)
        except (KeyError, TypeError, ValueError, OverflowError):
            return today

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> "Policy":
        """Of a table of the file. Raises KeyError, TypeError or ValueError."""
        if set(table) != FIELDS:
            raise KeyError(sorted(set(table) ^ FIELDS)[0])
        steps = tuple(
            Step(timedelta(hours=s["after_hours"]), tuple(_known(s["to"]))) for s in table["steps"]
        )
        spans = {f.removesuffix("_hours"): timedelta(hours=table[f]) for f in FIELDS - {"steps"}}
        after = [step.after for step in steps]
        if not steps or after[0] or after != sorted(set(after)):
            raise ValueError("steps begin at 0 hours and come later and later")
        if min(spans.values()) <= timedelta(0):
            raise ValueError("hours must be above zero")
        return cls(steps, **spans)


def _hours(span: timedelta) -> float:
    return span / timedelta(hours=1)


def _known(to: Sequence[str]) -> Sequence[str]:
    if not to or not set(to) <= set(RECIPIENTS):
        raise ValueError(f"“to” names some of {', '.join(RECIPIENTS)}")
    return to


def load_policies(path: Path) -> dict[str, Policy]:
    """Every policy of escalation.toml by name.

    Raises RuleFileError for a missing or unknown policy, field or value.
    """
    table, _ = read_rule_file(path, dict.fromkeys(NAMES, SHAPE))
    for name in NAMES:
        _check_hours(f"{path.name}: {name}", table[name])
    found = {}
    for name in NAMES:
        try:
            found[name] = Policy.of(table[name])
        except ValueError as error:
            raise RuleFileError(
                f"{path.name}: [{name}] cannot be used ({error}): correct it."
            ) from None
    return found


def _check_hours(where: str, policy: Mapping[str, Any]) -> None:
    spans = {field: policy[field] for field in SPANS}
    for place, step in enumerate(policy["steps"], start=1):
        if step["after_hours"]:  # the first comes at once
            spans[f"steps, item {place}.after_hours"] = step["after_hours"]
    for field, hours in spans.items():
        if not 0 < hours <= MOST_HOURS:
            raise RuleFileError(
                f"{where}.{field} is {hours}: give hours above zero and up to {MOST_HOURS}."
            )


def policy_name(kind: str, tier: str) -> str:
    """Which policy an alert of that kind and tier has.

    >>> policy_name("mania", "High"), policy_name("data", "Indeterminate")
    ('High', 'data')
    """
    return kind if kind in NAMES else tier
