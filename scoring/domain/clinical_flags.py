"""Patterns of the last nights that a clinician should see, by the rules in flags.toml."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from patients.domain.rule_files import RuleFileError, read_rule_file, shape_of
from scoring.domain.regularity import WINDOW_DAYS, hours_between, known, mean_hour, nights_until
from scoring.domain.types import DayFeatures, Floats


@dataclass(frozen=True)
class UsualRule:
    min_nights: int
    source: str


@dataclass(frozen=True)
class InsomniaRule:
    window_days: int
    nights: int
    awake_minutes: float
    asleep_under_hours: float
    source: str


@dataclass(frozen=True)
class LongSleepRule:
    window_days: int
    nights: int
    asleep_over_hours: float
    source: str


@dataclass(frozen=True)
class PhaseRule:
    window_days: int
    hours: float
    source: str


@dataclass(frozen=True)
class IrregularRule:
    index_under: float
    source: str


@dataclass(frozen=True)
class CollapseRule:
    window_days: int
    hours_less: float
    source: str


@dataclass(frozen=True)
class FlagRules:
    """Everything in flags.toml; ``version`` is the file's hash."""

    usual: UsualRule
    insomnia_pattern: InsomniaRule
    hypersomnia: LongSleepRule
    phase_advanced: PhaseRule
    phase_delayed: PhaseRule
    irregular_rhythm: IrregularRule
    sleep_collapsing: CollapseRule
    checked_by: str
    version: str


KINDS = {
    "usual": UsualRule,
    "insomnia_pattern": InsomniaRule,
    "hypersomnia": LongSleepRule,
    "phase_advanced": PhaseRule,
    "phase_delayed": PhaseRule,
    "irregular_rhythm": IrregularRule,
    "sleep_collapsing": CollapseRule,
}


def load_flag_rules(path: Path) -> FlagRules:
    """Read and check flags.toml.

    Raises RuleFileError for a missing or unknown flag or field, or a value not above zero.
    """
    table, version = read_rule_file(path, {name: shape_of(kind) for name, kind in KINDS.items()})
    rules: dict[str, Any] = {name: kind(**table[name]) for name, kind in KINDS.items()}
    for name in KINDS:
        if any(value <= 0 for key, value in table[name].items() if key != "source"):
            raise RuleFileError(f"{path.name}: every value of {name} must be a number above zero.")
    return FlagRules(**rules, checked_by=table["checked_by"], version=version)


def clinical_flags(
    days: Sequence[DayFeatures], day: date, rules: FlagRules, window_days: int = WINDOW_DAYS
) -> tuple[str, ...]:
    """Codes of the patterns that the nights up to the day show; none if its night is missing.

    A person's own mean is that of the nights of the window before those a flag looks at.
    Nights that the sensor did not see worn are left out, as in the early warning.
    """
    nights = [n for n in nights_until(days, day, window_days) if "night_unworn" not in n.flags]
    if not nights or nights[-1].day != day:
        return ()
    return tuple(_flags(nights, day, rules))


def _flags(nights: Sequence[DayFeatures], day: date, rules: FlagRules) -> Iterator[str]:
    insomnia, long = rules.insomnia_pattern, rules.hypersomnia
    if sum(_is_broken(n, insomnia) for n in _last(nights, day, insomnia.window_days)) >= (
        insomnia.nights
    ):
        yield "insomnia_pattern"
    asleep = known(_last(nights, day, long.window_days), "time_asleep_hours")
    if (asleep > long.asleep_over_hours).sum() >= long.nights:
        yield "hypersomnia"
    if _hours_later(nights, day, rules.phase_advanced, rules.usual) <= -rules.phase_advanced.hours:
        yield "phase_advanced"
    if _hours_later(nights, day, rules.phase_delayed, rules.usual) >= rules.phase_delayed.hours:
        yield "phase_delayed"
    index = nights[-1].sleep.get("sleep_regularity_index")
    if index is not None and index < rules.irregular_rhythm.index_under:
        yield "irregular_rhythm"
    if _is_collapsing(nights, day, rules.sleep_collapsing, rules.usual):
        yield "sleep_collapsing"


def _last(nights: Sequence[DayFeatures], day: date, window_days: int) -> list[DayFeatures]:
    return [n for n in nights if n.day > day - timedelta(days=window_days)]


def _before(nights: Sequence[DayFeatures], day: date, window_days: int) -> list[DayFeatures]:
    return [n for n in nights if n.day <= day - timedelta(days=window_days)]


def _is_broken(night: DayFeatures, rule: InsomniaRule) -> bool:
    asleep = night.sleep.get("time_asleep_hours")
    awake = (night.sleep.get("latency_minutes") or 0.0) + (
        night.sleep.get("wake_after_onset_minutes") or 0.0
    )
    return asleep is not None and asleep < rule.asleep_under_hours and awake >= rule.awake_minutes


def _phases(nights: Sequence[DayFeatures]) -> Floats:
    hours = [n.phase.get("dlmo_hour") for n in nights]
    return np.array([h for h in hours if h is not None], dtype=np.float64)


def _hours_later(
    nights: Sequence[DayFeatures], day: date, rule: PhaseRule, usual: UsualRule
) -> float:
    """How much later than usual melatonin onset was in the last nights; 0 if not known."""
    last = _phases(_last(nights, day, rule.window_days))
    before = _phases(_before(nights, day, rule.window_days))
    if not len(last) or len(before) < usual.min_nights:
        return 0.0
    return float(hours_between(mean_hour(last), mean_hour(before)))


def _is_collapsing(
    nights: Sequence[DayFeatures], day: date, rule: CollapseRule, usual: UsualRule
) -> bool:
    last = known(_last(nights, day, rule.window_days), "time_asleep_hours")
    before = known(_before(nights, day, rule.window_days), "time_asleep_hours")
    if len(last) < rule.window_days or len(before) < usual.min_nights:
        return False
    less = before.mean() - last
    return bool((less > 0).all() and less.mean() >= rule.hours_less)
