"""What triage goes by: triage.toml, read and checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patients.domain.rule_files import RuleFileError, read_rule_file


@dataclass(frozen=True)
class TriageRules:
    """Everything in triage.toml."""

    raise_from: str
    persists_days: int
    persists_of_days: int
    fast_rise: float
    fast_rise_days: int
    cool_down_days: int
    resolve_after_low_days: int
    low_below: Mapping[str, float]
    mania_from_after_stabiliser: float
    follow_up_days: Mapping[str, int]
    alerts_a_week: int


SHAPE: dict[str, Any] = {
    "raise_from": str,
    "persists_days": int,
    "persists_of_days": int,
    "fast_rise": float,
    "fast_rise_days": int,
    "cool_down_days": int,
    "resolve_after_low_days": int,
    "low_below": {"depression": float, "mania": float},
    "mania_from_after_stabiliser": float,
    "follow_up_days": {"High": int, "Moderate": int},
    "alerts_a_week": int,
}
# Lowest and highest, both allowed. Triage sees 30 days back; a probability is above 0 and below 1.
ABOVE_0, BELOW_1 = 0.001, 0.999
RANGES: Mapping[str, tuple[float, float]] = {
    "persists_days": (1, 30),
    "persists_of_days": (1, 30),
    "fast_rise": (ABOVE_0, BELOW_1),
    "fast_rise_days": (1, 30),
    "cool_down_days": (0, 366),
    "resolve_after_low_days": (1, 30),
    "low_below": (ABOVE_0, BELOW_1),
    "mania_from_after_stabiliser": (ABOVE_0, BELOW_1),
    "follow_up_days": (0, 366),
    "alerts_a_week": (1, 1000),
}


def load_triage_rules(path: Path) -> TriageRules:
    """Read triage.toml. Raises RuleFileError for a missing, unknown or impossible field."""
    table, _ = read_rule_file(path, SHAPE)
    for name, value, (lowest, highest) in _ranged(table):
        if not lowest <= value <= highest:
            raise RuleFileError(
                f"{path.name}: {name} is {value}: give a value from {lowest} to {highest}."
            )
    rules = TriageRules(**{name: table[name] for name in SHAPE})
    if rules.raise_from not in ("Moderate", "High"):
        raise RuleFileError(f"{path.name}: raise_from is Moderate or High.")
    if rules.persists_days > rules.persists_of_days:
        raise RuleFileError(f"{path.name}: persists_days lies between 1 and persists_of_days.")
    return rules


def _ranged(table: Mapping[str, Any]) -> Iterator[tuple[str, float, tuple[float, float]]]:
    for name, limits in RANGES.items():
        parts = table[name] if isinstance(table[name], dict) else {"": table[name]}
        for part, value in parts.items():
            yield f"{name}.{part}".rstrip("."), value, limits
