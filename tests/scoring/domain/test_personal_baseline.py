"""What is usual for a person: which days count, clock times, and what lies far off it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.baseline_rules import BaselineRules, Usual, implausible
from scoring.domain.personal_baseline import (
    ILL,
    WELL,
    Stretch,
    days_to_use,
    feature_value,
    personal_baseline,
    population_usual,
    sustained_low,
    usual_of,
)
from scoring.domain.types import DayFeatures
from scoring.domain.worsening import OWN, POPULATION, sd_off, worse_reasons, worsenings
from scoring.resources import baseline_rules
from tests.scoring.domain.builders import a_day, features

LAST = 59


@pytest.fixture(scope="module")
def rules() -> BaselineRules:
    return baseline_rules()


def month(count: int = 60, **given: Any) -> list[DayFeatures]:
    """The days up to the last, each with a little more sleep than the one before."""
    return [features(a_day(n), hours=7 + n / 100, **given) for n in range(60 - count, 60)]


def used(days: Sequence[DayFeatures], *stretches: Stretch) -> list[int]:
    found = days_to_use(days, a_day(LAST), stretches, baseline_rules())
    return [(d.day - a_day(0)).days for d in found]


def marked(first: int, last: int, kind: str) -> Stretch:
    return Stretch(a_day(first), a_day(last), kind)


def phase(hour: float, unwrapped: float) -> dict[str, float]:
    return {"dlmo_hour": hour, "dlmo_unwrapped_hours": unwrapped}


def test_a_baseline_is_the_mean_and_sd_of_the_full_days_of_the_window(
    rules: BaselineRules,
) -> None:
    days = [features(a_day(-1), hours=1.0), *month(), features(a_day(60), hours=1.0)]
    days[10] = replace(days[10], recorded_minutes=719)
    kept = days_to_use(days, a_day(LAST), (), rules)
    found = personal_baseline(kept, rules)
    hours = [7 + n / 100 for n in range(60) if n != 9]
    assert found and (found.first_day, found.last_day, found.days_used) == (a_day(0), a_day(59), 59)
    sleep = found.values["time_asleep_hours"]
    assert (sleep.mean, sleep.n) == (pytest.approx(np.mean(hours)), 59)
    assert sleep.sd == pytest.approx(np.std(hours, ddof=1))


def test_fewer_days_than_14_make_no_baseline_and_fewer_values_no_feature(
    rules: BaselineRules,
) -> None:
    assert personal_baseline(month(13), rules) is None
    days = [replace(d, heart={"resting_bpm": 60.0} if n else {}) for n, d in enumerate(month(14))]
    found = personal_baseline(days, rules)
    assert found and "time_asleep_hours" in found.values
    # Nor is the population's taken in its place.
    assert "resting_bpm" not in found.values and "resting_bpm" in population_usual(rules)


def test_days_that_were_ill_are_left_out() -> None:
    assert used(month(), marked(10, 12, ILL)) == [n for n in range(60) if n not in (10, 11, 12)]


def test_where_any_day_is_marked_as_well_only_such_days_are_used() -> None:
    assert used(month(), marked(20, 39, WELL)) == list(range(20, 40))
    assert used(month(), marked(20, 39, WELL), marked(30, 49, ILL)) == list(range(20, 30))


def test_a_mark_outside_the_window_does_nothing() -> None:
    assert used(month(), marked(-20, -1, WELL), marked(60, 70, ILL)) == list(range(60))


@given(st.lists(st.tuples(st.integers(-5, 64), st.integers(0, 20), st.sampled_from([WELL, ILL]))))
def test_no_ill_day_is_ever_used_and_marking_more_as_ill_never_adds_one(
    spans: list[tuple[int, int, str]],
) -> None:
    stretches = [marked(first, first + length, kind) for first, length, kind in spans]
    found = used(month(), *stretches)
    ill = {n for s in stretches if s.kind == ILL for n in range(60) if s.holds(a_day(n))}
    assert not ill & set(found)
    assert set(used(month(), *stretches, marked(7, 9, ILL))) == set(found) - {7, 8, 9}


@pytest.mark.parametrize(
    ("change", "feature"),
    [
        ({"night_present": False}, "time_asleep_hours"),
        ({"flags": ("night_unworn",)}, "time_asleep_hours"),
        ({"worn_minutes": 719}, "mean_per_minute"),
        ({"flags": ("travel_day",)}, "dlmo_hour"),
    ],
)
def test_what_cannot_be_trusted_says_nothing(
    rules: BaselineRules, change: dict[str, Any], feature: str
) -> None:
    day, rule = features(a_day(0), phase=phase(21.5, 21.5)), rules.features[feature]
    assert feature_value(day, rule, rules) is not None
    assert feature_value(replace(day, **change), rule, rules) is None


def test_the_mean_of_clock_times_has_no_edge_at_midnight_or_noon(rules: BaselineRules) -> None:
    onset, dlmo = rules.features["onset_minutes"], rules.features["dlmo_hour"]
    noon = usual_of([710.0, -710.0, 700.0], onset)
    assert (noon.mean, noon.sd) == (pytest.approx(2140 / 3), pytest.approx(15.28, abs=0.01))
    midnight = usual_of([-20.0, 10.0, -50.0], onset)
    assert midnight.mean == pytest.approx(-20.0)
    drifting = [11.0 + 0.1 * n for n in range(20)]  # printed as 35 and then as 12 h
    assert usual_of(drifting, dlmo).mean == pytest.approx(float(np.mean(drifting)) + 24)
    assert usual_of([35.5, 12.5], dlmo).mean == pytest.approx(12.0)


@given(
    st.lists(st.floats(-100, 100), min_size=2, max_size=30),
    st.data(),
)
def test_whole_turns_of_the_clock_change_nothing(values: list[float], data: st.DataObject) -> None:
    onset = baseline_rules().features["onset_minutes"]
    turns = data.draw(st.lists(st.integers(-3, 3), min_size=len(values), max_size=len(values)))
    turned = [v + 1440 * n for v, n in zip(values, turns, strict=True)]
    plain, other = usual_of(values, onset), usual_of(turned, onset)
    assert sd_off(other.mean, replace(plain, sd=100.0), onset) == pytest.approx(0, abs=1e-9)
    assert other.sd == pytest.approx(plain.sd, abs=1e-6)
    assert -720 <= other.mean < 720


@given(st.lists(st.floats(0, 20), min_size=14, max_size=40), st.randoms())
def test_the_order_of_days_changes_no_mean_of_what_is_no_clock_time(
    values: list[float], random: Any
) -> None:
    hours = baseline_rules().features["time_asleep_hours"]
    shuffled = sorted(values, key=lambda _: random.random())
    one, other = usual_of(values, hours), usual_of(shuffled, hours)
    assert (one.mean, one.sd) == (pytest.approx(other.mean), pytest.approx(other.sd))
    assert min(values) - 1e-9 <= one.mean <= max(values) + 1e-9


USUAL = {"time_asleep_hours": Usual(7.1, 1.0, 30), "dlmo_hour": Usual(21.58, 0.5, 30)}


def far(rules: BaselineRules, usual: Any = USUAL, **given: Any) -> list[tuple[str, Any]]:
    found = worsenings(features(a_day(0), **given), usual, OWN, rules)
    return [(off.name, off.poles) for off in found]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (5.2, []),
        (5.0, [("time_asleep_hours", ("mania",))]),
        (9.0, []),
        (9.2, [("time_asleep_hours", ("depression",))]),
    ],
)
def test_two_sds_on_the_worse_side_are_a_worsening(
    rules: BaselineRules, hours: float, expected: list[Any]
) -> None:
    assert far(rules, hours=hours, phase=phase(21.5, 21.5)) == expected


@pytest.mark.parametrize(
    ("hour", "poles"),
    [(19.9, ("mania",)), (23.2, ("depression",)), (20.1, None), (12.0, ("mania",))],
)
def test_an_earlier_phase_is_worse_for_mania_and_a_later_one_for_depression(
    rules: BaselineRules, hour: float, poles: tuple[str, ...] | None
) -> None:
    expected = [("dlmo_hour", poles)] if poles else []
    assert far(rules, phase=phase(hour, hour)) == expected
    # However often the unwrapped series has gone round the clock.
    assert far(rules, phase=phase(hour, hour + 48)) == expected


def test_the_side_that_is_better_is_no_worsening(rules: BaselineRules) -> None:
    usual = {"resting_bpm": Usual(60, 3, 30), "mean_per_minute": Usual(100, 10, 30)}
    assert far(rules, usual, heart={"resting_bpm": 45.0}, mean=200.0) == []
    assert far(rules, usual, heart={"resting_bpm": 70.0}, mean=70.0) == [
        ("mean_per_minute", ("depression",)),
        ("resting_bpm", ("mania", "depression")),
    ]


def test_a_spread_finer_than_the_sensor_does_not_make_every_day_far_off(
    rules: BaselineRules,
) -> None:
    usual = {"time_asleep_hours": Usual(7.1, 0.01, 30)}
    assert far(rules, usual, hours=6.2) == []
    assert far(rules, usual, hours=6.0) == [("time_asleep_hours", ("mania",))]
    assert far(rules, {"mean_per_minute": Usual(100, 0, 30)}, mean=1.0) == []


@given(st.floats(0, 16), st.floats(0, 16))
def test_less_sleep_never_lies_less_far_on_the_side_of_mania(a: float, b: float) -> None:
    rules = baseline_rules()
    low, high = sorted((a, b))
    rule = rules.features["time_asleep_hours"]
    assert sd_off(low, USUAL["time_asleep_hours"], rule) <= sd_off(
        high, USUAL["time_asleep_hours"], rule
    )
    if ("time_asleep_hours", ("mania",)) in far(rules, hours=high, phase={}):
        assert ("time_asleep_hours", ("mania",)) in far(rules, hours=low, phase={})


def test_the_reason_names_both_values_and_how_far_apart_they_are(rules: BaselineRules) -> None:
    day = features(a_day(0), hours=3.9, phase=phase(17.6, 41.6))
    usual = {"time_asleep_hours": Usual(7.1, 1.33, 30), "dlmo_hour": Usual(21.58, 0.5, 30)}
    offs = [off.as_dict() for off in worsenings(day, usual, OWN, rules)]
    texts = [(r.code, r.text) for r in worse_reasons(offs, 2.31, rules)]
    assert texts == [
        ("worse_than_usual", "Time asleep 3.9 h, usually 7.1 h (2.4 SD less)."),
        (
            "worse_than_usual",
            "Estimated melatonin onset (DLMO) 17:36, usually 21:35 (5.0 SD earlier).",
        ),
        (
            "worse_than_usual",
            "The depression output lies 2.3 SD above this person’s own last 8 weeks.",
        ),
    ]


def test_what_lies_beyond_five_sds_is_not_told_finer(rules: BaselineRules) -> None:
    day = features(a_day(0), hours=1.0, phase={})
    offs = [o.as_dict() for o in worsenings(day, USUAL, OWN, rules)]
    assert [r.text for r in worse_reasons(offs, 9.0, rules)] == [
        "Time asleep 1.0 h, usually 7.1 h (more than 5 SD less).",
        "The depression output lies more than 5 SD above this person’s own last 8 weeks.",
    ]


@pytest.mark.parametrize(("delta", "count"), [(None, 0), (1.99, 0), (2.0, 1), (-9.0, 0)])
def test_only_a_depression_output_that_rose_by_two_sds_is_a_reason(
    rules: BaselineRules, delta: float | None, count: int
) -> None:
    assert len(worse_reasons([], delta, rules)) == count


def test_against_the_population_the_reason_says_so(rules: BaselineRules) -> None:
    day = features(a_day(0), hours=2.5, phase=phase(22.0, 22.0))
    offs = [o.as_dict() for o in worsenings(day, population_usual(rules), POPULATION, rules)]
    [reason] = worse_reasons(offs, None, rules)
    assert reason.text == (
        "Time asleep 2.5 h, 7.0 h in a population (2.4 SD less); there is no personal baseline yet."
    )


def low_weeks(**other: tuple[str | None, str | None]) -> dict[Any, Any]:
    """56 days of Low up to the last; ``d3=…`` is what the day three before it was."""
    tiers: dict[Any, Any] = {a_day(LAST - n): ("Low", "Low") for n in range(56)}
    return tiers | {a_day(LAST - int(key[1:])): pair for key, pair in other.items()}


def test_eight_weeks_are_low_where_both_tracks_were(rules: BaselineRules) -> None:
    assert sustained_low(low_weeks(), a_day(LAST), rules)
    assert not sustained_low(low_weeks(d55=("Low", "Moderate")), a_day(LAST), rules)
    assert not sustained_low(low_weeks(d0=("High", "Low")), a_day(LAST), rules)
    assert sustained_low(low_weeks() | {a_day(LAST - 56): ("High", "High")}, a_day(LAST), rules)


@pytest.mark.parametrize("gap", [None, ("Low", "Indeterminate"), (None, None)])
def test_so_many_days_may_be_unassessed_and_no_more(rules: BaselineRules, gap: Any) -> None:
    for count, holds in ((rules.unassessed_days, True), (rules.unassessed_days + 1, False)):
        tiers = low_weeks()
        for n in range(count):
            day = a_day(LAST - 3 * n)
            tiers.pop(day) if gap is None else tiers.update({day: gap})
        assert sustained_low(tiers, a_day(LAST), rules) == holds
    # A track that was not assessed does not excuse the other.
    assert not sustained_low(low_weeks(d9=("Indeterminate", "High")), a_day(LAST), rules)


@pytest.mark.parametrize(
    ("usual", "wrong"),
    [
        (Usual(7, 1), ""),
        (Usual(1.9, 1), "mean must lie between 2 and 16 h"),
        (Usual(7, 0), "SD must be above 0"),
        (Usual(7, 5.1), "at most 5"),
        (Usual(float("nan"), 1), "mean must lie"),
        (Usual(7, float("nan")), "SD must be"),
    ],
)
def test_a_value_that_cannot_be_right_is_named(
    rules: BaselineRules, usual: Usual, wrong: str
) -> None:
    found = implausible(rules.features["time_asleep_hours"], usual)
    assert wrong in found and bool(found) == bool(wrong)
