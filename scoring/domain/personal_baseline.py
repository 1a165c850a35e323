"""What is usual for a person, from the features of days and what was said of stretches of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from scoring.domain.baseline_rules import BaselineRules, Feature, Usual
from scoring.domain.daily import FULL_DAY_MINUTES
from scoring.domain.types import DayFeatures

WELL, ILL = "well", "ill"
LOW = "Low"
UNKNOWN = ("Indeterminate", None)


@dataclass(frozen=True)
class Stretch:
    """Days, first and last included, of which somebody said that the person was well or ill."""

    first_day: date
    last_day: date
    kind: str

    def holds(self, day: date) -> bool:
        """Whether the day is one of them."""
        return self.first_day <= day <= self.last_day


@dataclass(frozen=True)
class PersonalBaseline:
    """Mean and SD (ddof 1) of each feature, over so many days of a period."""

    first_day: date
    last_day: date
    days_used: int
    values: Mapping[str, Usual]


def days_to_use(
    days: Sequence[DayFeatures], last: date, stretches: Sequence[Stretch], rules: BaselineRules
) -> list[DayFeatures]:
    """The full days of the window that ends with ``last`` that a baseline is made of.

    Those of a stretch marked as ill are left out. Where any of a stretch marked as well lies in
    the window, only such days are used: who says which days were well says what is usual.
    """
    first = last - timedelta(days=rules.window_days - 1)
    full = [d for d in days if first <= d.day <= last and d.recorded_minutes >= FULL_DAY_MINUTES]
    full.sort(key=lambda d: d.day)
    fit = [d for d in full if not _marked(d.day, stretches, ILL)]
    any_well = any(
        s.kind == WELL and s.last_day >= first and s.first_day <= last for s in stretches
    )
    return [d for d in fit if _marked(d.day, stretches, WELL)] if any_well else fit


def _marked(day: date, stretches: Sequence[Stretch], kind: str) -> bool:
    return any(s.kind == kind and s.holds(day) for s in stretches)


def personal_baseline(days: Sequence[DayFeatures], rules: BaselineRules) -> PersonalBaseline | None:
    """Mean and SD of every feature that at least ``least_days`` of the days have, else none.

    The days are those of ``days_to_use``, oldest first; None for too few of them. The
    population's values never stand in for a feature that is missing.
    """
    if len(days) < rules.least_days:
        return None
    found = {name: _usual(days, feature, rules) for name, feature in rules.features.items()}
    values = {name: usual for name, usual in found.items() if usual}
    return PersonalBaseline(days[0].day, days[-1].day, len(days), values)


def feature_value(day: DayFeatures, feature: Feature, rules: BaselineRules) -> float | None:
    """The day's value; None where it is not known or the sensor was not worn for it.

    Nor has a day on which the time zone changed any time of the clock.
    """
    if feature.period and "travel_day" in day.flags:
        return None
    if feature.needs == "night" and (not day.night_present or "night_unworn" in day.flags):
        return None
    if feature.needs == "worn" and day.worn_minutes < rules.least_worn_minutes:
        return None
    group: Mapping[str, float | str | None] = getattr(day, feature.group)
    value = group.get(feature.key)
    return None if value is None else float(value)


def _usual(days: Sequence[DayFeatures], feature: Feature, rules: BaselineRules) -> Usual | None:
    known = [v for d in days if (v := feature_value(d, feature, rules)) is not None]
    if len(known) < rules.least_days:
        return None
    return usual_of(known, feature)


def usual_of(values: Sequence[float], feature: Feature) -> Usual:
    """Mean and SD (ddof 1) of two values or more, oldest first.

    Values of the clock are unwrapped from one to the next, so that no edge of the day splits
    what lies together; their mean is brought back into the printed range.
    """
    series = np.asarray(values, dtype=np.float64)
    if feature.period:
        series = np.unwrap(series, period=feature.period)
    return Usual(feature.shown(float(series.mean())), float(series.std(ddof=1)), len(series))


def population_usual(rules: BaselineRules) -> dict[str, Usual]:
    """What stands in for a person's own values before there are any; features with none lack."""
    return {
        name: feature.population.usual
        for name, feature in rules.features.items()
        if feature.population
    }


def sustained_low(
    tiers: Mapping[date, tuple[str | None, str | None]], last: date, rules: BaselineRules
) -> bool:
    """Whether both tracks were Low for ``low_days`` up to ``last``.

    ``tiers`` are depression's and mania's by day. A day with any track above Low ends it; days
    without a score or with a track not assessed may be ``unassessed_days`` at most.
    """
    span = [tiers.get(last - timedelta(days=n), (None, None)) for n in range(rules.low_days)]
    if any(tier not in (LOW, *UNKNOWN) for pair in span for tier in pair):
        return False
    return sum(pair != (LOW, LOW) for pair in span) <= rules.unassessed_days
