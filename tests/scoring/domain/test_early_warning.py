"""The rules that run whatever the models say."""

from dataclasses import replace
from pathlib import Path

import pytest

from scoring.domain.early_warning import EarlyWarning, early_warning
from scoring.domain.rules import load_router_rules
from scoring.domain.types import DayFeatures
from tests.scoring.domain.builders import a_day, features

RULES = load_router_rules(
    Path(__file__).parents[3] / "scoring" / "data" / "router.toml"
).early_warning
QUIET = EarlyWarning()


def usual(count: int, mean: float = 100.0) -> list[DayFeatures]:
    return [features(a_day(i), mean=mean + i % 5) for i in range(count)]


def short(offset: int, **given: object) -> DayFeatures:
    return features(a_day(offset), **{"hours": 3.5, "mean": 100.0, **given})


def warned(days: list[DayFeatures], population: float | None = None) -> EarlyWarning:
    return early_warning(days, days[-1].day, population, RULES)


def test_three_short_nights_in_a_row_are_high() -> None:
    warning = warned([*usual(20), short(20), short(21), short(22)])
    assert warning.tier == "High"
    assert [r.code for r in warning.reasons] == ["early_warning_sleep"]
    assert "3 nights" in warning.reasons[0].text and "not a model" in warning.reasons[0].text


def test_three_short_nights_need_no_history() -> None:
    assert warned([short(0), short(1), short(2)]).tier == "High"


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_missing_night_breaks_the_row(broken: int) -> None:
    nights = [short(20), short(21), short(22)]
    absent = replace(nights[broken], night_present=False, sleep={"time_asleep_hours": None})
    nights[broken] = absent
    assert warned([*usual(20), *nights]) == QUIET


def test_a_day_that_is_not_there_breaks_the_row() -> None:
    days = [*usual(20), short(20), short(22)]
    assert warned(days) == QUIET
    assert early_warning([*days, short(23)], a_day(24), None, RULES) == QUIET


@pytest.mark.parametrize(("hours", "tier"), [(3.99, "High"), (4.0, None), (0.0, "High")])
def test_four_hours_are_not_short(hours: float, tier: str | None) -> None:
    assert warned([short(0), short(1), short(2, hours=hours)]).tier == tier


@pytest.mark.parametrize(("worn", "tier"), [(240, "High"), (239, None), (0, None)])
def test_night_with_under_four_hours_of_wear_does_not_count(worn: int, tier: str | None) -> None:
    assert warned([short(0), short(1, night_worn_minutes=worn), short(2)]).tier == tier


def test_night_taken_for_rest_though_unworn_does_not_count() -> None:
    assert warned([short(0), short(1, flags=("night_unworn",)), short(2)]) == QUIET
    assert warned([short(0), short(1, flags=("clock_change",)), short(2)]).tier == "High"


def test_two_short_nights_with_high_activity_are_moderate() -> None:
    warning = warned([*usual(20), short(20, mean=150.0), short(21, mean=150.0)], population=9999.0)
    assert warning.tier == "Moderate"
    assert [r.code for r in warning.reasons] == ["early_warning_sleep_activity"]
    assert "the person's own 95th percentile" in warning.reasons[0].text


@pytest.mark.parametrize("means", [(150.0, 100.0), (100.0, 150.0), (100.0, 100.0)])
def test_two_short_nights_need_high_activity_on_both_days(means: tuple[float, float]) -> None:
    nights = [short(20 + i, mean=mean) for i, mean in enumerate(means)]
    assert warned([*usual(20), *nights]) == QUIET


def test_activity_at_the_percentile_is_not_above_it() -> None:
    days = [features(a_day(i), mean=100.0) for i in range(20)]
    assert warned([*days, short(20, mean=100.0), short(21, mean=100.0)]) == QUIET


def test_days_without_activity_are_not_high() -> None:
    assert warned([*usual(20), short(20, mean=None), short(21, mean=150.0)]) == QUIET


@pytest.mark.parametrize(("population", "tier"), [(120.0, "Moderate"), (200.0, None), (None, None)])
def test_population_stands_in_before_14_days(population: float | None, tier: str | None) -> None:
    days = [*usual(13), short(13, mean=150.0), short(14, mean=150.0)]
    warning = warned(days, population)
    assert warning.tier == tier
    if tier:
        assert "the population's 95th percentile" in warning.reasons[0].text


def test_own_percentile_counts_from_14_days() -> None:
    days = [*usual(14), short(14, mean=150.0), short(15, mean=150.0)]
    assert warned(days, population=9999.0).tier == "Moderate"


def test_the_short_nights_themselves_are_no_part_of_the_percentile() -> None:
    # 14 days of which the last two are the restless ones: only 12 lie before.
    days = [*usual(12), short(12, mean=150.0), short(13, mean=150.0)]
    assert warned(days, population=9999.0) == QUIET


def test_days_older_than_the_history_are_forgotten() -> None:
    old = [features(a_day(i), mean=1000.0) for i in range(20)]
    recent = [features(a_day(20 + i), mean=100.0) for i in range(RULES.history_days)]
    offset = 20 + RULES.history_days
    nights = [short(offset, mean=150.0), short(offset + 1, mean=150.0)]
    assert warned([*old, *recent, *nights]).tier == "Moderate"


def test_ordinary_nights_say_nothing() -> None:
    assert warned(usual(40), population=1.0) == QUIET
    assert early_warning([], a_day(0), 1.0, RULES) == QUIET
