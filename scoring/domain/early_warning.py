"""Rules that always run: nights of very little sleep, whatever the models say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from scoring.domain.rules import EarlyWarningRules
from scoring.domain.types import DayFeatures, Reason

THREE_NIGHTS, TWO_NIGHTS = "early_warning_sleep", "early_warning_sleep_activity"


@dataclass(frozen=True)
class EarlyWarning:
    """The tier that the rules ask for (None: nothing), and why. Never a probability."""

    tier: str | None = None
    reasons: tuple[Reason, ...] = ()


def early_warning(
    days: Sequence[DayFeatures],
    scored_day: date,
    population_p95: float | None,
    rules: EarlyWarningRules,
) -> EarlyWarning:
    """Under 4 h of sleep on the last 3 nights: High; on the last 2 with high activity: Moderate.

    Only nights with at least 4 h of wear count, and a night that is missing breaks the row.
    Activity is high above the 95th percentile of the person's own days before these nights,
    or the population's (same unit) while there are fewer than 14.
    """
    by_day = {d.day: d for d in days}
    high = _last(by_day, scored_day, rules.nights_for_high)
    if high and all(_is_short(d, rules) for d in high):
        text = (
            f"Early-warning rule: under {rules.short_sleep_hours:g} h of sleep on "
            f"{rules.nights_for_high} nights in a row. A rule, not a model."
        )
        return EarlyWarning("High", (Reason(THREE_NIGHTS, text),))
    moderate = _last(by_day, scored_day, rules.nights_for_moderate)
    if moderate and all(_is_short(d, rules) for d in moderate):
        limit, whose = _limit(days, moderate[0].day, population_p95, rules)
        if limit is not None and all((_activity(d) or 0.0) > limit for d in moderate):
            text = (
                f"Early-warning rule: under {rules.short_sleep_hours:g} h of sleep on "
                f"{rules.nights_for_moderate} nights in a row with activity above {whose} 95th "
                "percentile. A rule, not a model."
            )
            return EarlyWarning("Moderate", (Reason(TWO_NIGHTS, text),))
    return EarlyWarning()


def _last(by_day: dict[date, DayFeatures], scored_day: date, count: int) -> list[DayFeatures]:
    wanted = [scored_day - timedelta(days=k) for k in reversed(range(count))]
    return [by_day[d] for d in wanted] if all(d in by_day for d in wanted) else []


def _is_short(day: DayFeatures, rules: EarlyWarningRules) -> bool:
    hours = day.sleep["time_asleep_hours"]
    worn = day.night_worn_minutes >= rules.night_worn_minutes and "night_unworn" not in day.flags
    return worn and day.night_present and hours is not None and hours < rules.short_sleep_hours


def _activity(day: DayFeatures) -> float | None:
    value = day.activity["mean_per_minute"]
    return None if value is None else float(value)


def _limit(
    days: Sequence[DayFeatures],
    before: date,
    population_p95: float | None,
    rules: EarlyWarningRules,
) -> tuple[float | None, str]:
    first = before - timedelta(days=rules.history_days)
    own = [a for d in days if first <= d.day < before and (a := _activity(d)) is not None]
    if len(own) >= rules.personal_days:
        return float(np.percentile(own, 95)), "the person's own"
    return population_p95, "the population's"
