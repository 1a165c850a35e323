"""Activity and heart of a day: by hand, by property, and what is missing."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.domain.recording import Channel, Family, Minutes
from scoring.domain.daily import daily_features
from scoring.domain.day_body import lowest_window
from scoring.domain.types import DayFeatures, PersonData
from scoring.resources import sedentary_thresholds
from tests.scoring.domain.builders import a_day, counts, log_only, logged, person, series

DAYS = 20
TODAY = (DAYS - 1) * 1440


def last_day(who: PersonData, threshold: float | None = None) -> DayFeatures:
    sedentary = {} if threshold is None else dict.fromkeys(Family, threshold)
    last = a_day(DAYS - 1)
    return list(daily_features(who, last, last, sedentary=sedentary))[0][0]


def channel(values: dict[int, float], which: Channel = Channel.HEART_RATE) -> dict[str, object]:
    """A channel with values at these minutes after the last day's midnight."""
    minutes = np.full(DAYS * 1440, np.nan)
    for minute, value in values.items():
        minutes[TODAY + minute] = value
    names = {Channel.HRV_SDNN: "sdnn", Channel.HRV_RMSSD: "rmssd", Channel.HRV_LF_HF: "lf_hf"}
    return {names.get(which, str(which)): series(minutes, which)}


def test_activity_by_hand() -> None:
    steps = np.zeros(DAYS * 1440, dtype=np.float32)
    steps[TODAY + 600 : TODAY + 700] = 80
    day = last_day(logged(steps=series(steps, Channel.STEPS)), 300)
    today = counts(DAYS)[-1440:].astype(np.float64)
    awake = today[420:1380]
    active = awake[awake >= 300]
    assert day.activity == {
        "mean_per_minute": pytest.approx(today.mean()),
        "sd_per_minute": pytest.approx(today.std(ddof=1)),
        "steps": 8000.0,
        "recorded_hours": 24.0,
        "worn_hours": 24.0,
        "sedentary_hours": pytest.approx((awake.size - active.size) / 60),
        "active_minutes": active.size,
        "active_mean_per_minute": pytest.approx(active.mean()),
    }


def test_heart_by_hand() -> None:
    who = logged(
        **channel({0: 60, 1: 61, 2: 62, 3: 73}),
        **channel({5: 58}, Channel.RESTING_HEART_RATE),
        **channel({5: 40, 10: 50}, Channel.HRV_SDNN),
        **channel({-1: 99, 5: 30, 10: 35}, Channel.HRV_RMSSD),
        **channel({5: 1.0, 10: 2.0}, Channel.HRV_LF_HF),
    )
    assert last_day(who).heart == {
        "mean_bpm": 64.0,
        "minimum_bpm": 60.0,
        "minimum_hour": None,  # four minutes are no night
        "resting_bpm": 58.0,
        "sdnn_ms": 45.0,
        "rmssd_ms": 32.5,
        "lf_hf_ratio": 1.5,
    }


def test_sleep_and_unworn_minutes_are_neither_sedentary_nor_active() -> None:
    def away(values: Minutes) -> None:
        values[TODAY + 600 : TODAY + 900] = 0

    who = person(change=away, sleep=logged().sleep)
    day = last_day(who, 1e6)
    assert day.activity["sedentary_hours"] == pytest.approx(16 - 5, abs=0.1)  # 07:00 to 23:00
    assert day.activity["active_minutes"] == 0
    assert day.activity["active_mean_per_minute"] is None


@pytest.mark.parametrize("threshold", [None, 300.0])
def test_without_threshold_or_minutes_nothing_is_said(threshold: float | None) -> None:
    names = ("sedentary_hours", "active_minutes", "active_mean_per_minute")
    nothing = log_only() if threshold else logged()
    assert [last_day(nothing, threshold).activity[n] for n in names] == [None] * 3


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 400), st.floats(0, 400))
def test_a_higher_threshold_makes_more_minutes_sedentary(one: float, other: float) -> None:
    low, high = (last_day(logged(), t).activity for t in sorted((one, other)))
    assert low["sedentary_hours"] <= high["sedentary_hours"]  # type: ignore[operator]
    totals = [a["sedentary_hours"] * 60 + a["active_minutes"] for a in (low, high)]  # type: ignore[operator]
    assert totals == pytest.approx([16 * 60] * 2)


def test_every_family_has_a_threshold_with_its_source() -> None:
    assert set(sedentary_thresholds()) == set(Family)
    assert sedentary_thresholds()[Family.STEPS] == 1  # a minute with a step is active


def night_of(lowest: int, every: int = 1) -> dict[str, object]:
    """A heart rate with a dip of 12 minutes around a minute after the last midnight."""
    minutes = range(-720, 720, every)
    dip = {m: 50.0 if abs(m - lowest) <= 6 else 60.0 for m in minutes}
    return channel({**dip, lowest: 50.0})


@pytest.mark.parametrize(("lowest", "hour"), [(240, 4.0), (-90, 22.5), (0, 0.0), (700, 11.67)])
def test_the_low_of_the_heart_is_told_by_the_clock(lowest: int, hour: float) -> None:
    found = last_day(logged(**night_of(lowest))).heart["minimum_hour"]
    assert found is not None and 0 <= found < 24
    assert (found - hour + 12) % 24 - 12 == pytest.approx(0, abs=0.1)


def test_a_ring_with_a_value_in_five_minutes_is_enough() -> None:
    found = last_day(logged(**night_of(240, every=5))).heart["minimum_hour"]
    assert found == pytest.approx(4.0, abs=0.1)


def test_a_dip_after_noon_or_of_one_minute_is_not_the_low() -> None:
    rates = dict.fromkeys(range(-720, 1440), 60.0) | dict.fromkeys(range(800, 820), 40.0)
    rates |= {100: 30.0} | dict.fromkeys(range(300, 320), 55.0)
    found = last_day(logged(**channel(rates))).heart["minimum_hour"]
    assert found == pytest.approx((300 + 5) / 60, abs=0.2)


def test_the_hour_is_of_the_clock_on_a_day_that_changes_it() -> None:
    change = date(2024, 3, 31)
    who = logged(60)
    start = who.zones.day_bounds(change)[0]
    rate = np.full(1440, 60.0)
    rate[240:252] = 50  # 4 h after midnight the clock shows 05:00
    pulse = series(rate, Channel.HEART_RATE)
    who = replace(who, heart_rate=replace(pulse, start=start))
    [(day, _)] = daily_features(who, change, change)
    assert day.heart["minimum_hour"] == pytest.approx(5 + 6 / 60, abs=0.05)
    assert who.zones.day_bounds(change)[1] - start == timedelta(hours=23)


@given(st.lists(st.one_of(st.none(), st.floats(30, 200, width=32)), min_size=0, max_size=900))
@settings(max_examples=60, deadline=None)
def test_the_window_is_the_lowest_of_all(rates: list[float | None]) -> None:
    rate = np.array([np.nan if r is None else r for r in rates] * 2, dtype=np.float32)
    means = {
        i: float(np.nanmean(rate[i : i + 10].astype(np.float64)))
        for i in range(max(len(rate) - 9, 0))
        if (~np.isnan(rate[i : i + 10])).sum() >= 2
    }
    found = lowest_window(rate)
    if len(means) < 360:
        assert found is None
    else:
        assert found is not None and means[found] == pytest.approx(min(means.values()))
