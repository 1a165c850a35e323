"""From a track's tier and what went before to: raise, rise, resolve, or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from scoring.domain.rule_files import read_rule_file

RANK = {"Indeterminate": 0, "Low": 1, "Moderate": 2, "High": 3}


@dataclass(frozen=True)
class TriageRules:
    raise_from: str
    cool_down_days: int
    resolve_after_low_days: int
    follow_up_days: Mapping[str, int]


@dataclass(frozen=True)
class Standing:
    """The latest alert of a patient's track, as far as triage needs it."""

    is_open: bool
    tier: str
    dismissed_on: date | None = None
    is_acknowledged: bool = False


SHAPE: dict[str, Any] = {
    "raise_from": str,
    "cool_down_days": int,
    "resolve_after_low_days": int,
    "follow_up_days": {"High": int, "Moderate": int},
}


def load_triage_rules(path: Path) -> TriageRules:
    """Read triage.toml. Raises RuleFileError."""
    table, _ = read_rule_file(path, SHAPE)
    return TriageRules(**{name: table[name] for name in SHAPE})


def triage(
    day: date, tiers: Sequence[str], standing: Standing | None, rules: TriageRules
) -> str | None:
    """The event for one track on one day, or None.

    ``tiers`` are the track's tiers of the last days, the scored day last; Indeterminate
    means not assessed, which never closes or lowers anything.

    >>> rules = TriageRules("Moderate", 7, 7, {})
    >>> triage(date(2026, 1, 2), ["Low", "High"], None, rules)
    'raised'
    >>> triage(date(2026, 1, 2), ["Moderate"], Standing(True, "Moderate"), rules) is None
    True
    """
    tier = tiers[-1]
    if standing and standing.is_open:
        if RANK[tier] > RANK[standing.tier]:
            return "risen"
        # An alert that nobody has seen does not close by itself.
        return "resolved" if standing.is_acknowledged and _long_low(tiers, rules) else None
    if RANK[tier] < RANK[rules.raise_from]:
        return None
    if standing and standing.dismissed_on and RANK[tier] <= RANK[standing.tier]:
        quiet_until = standing.dismissed_on + timedelta(days=rules.cool_down_days)
        return None if day < quiet_until else "raised"
    return "raised"


def _long_low(tiers: Sequence[str], rules: TriageRules) -> bool:
    assessed = [tier for tier in tiers if tier != "Indeterminate"]
    last = assessed[-rules.resolve_after_low_days :]
    return len(last) == rules.resolve_after_low_days and set(last) == {"Low"} and tiers[-1] == "Low"
