"""What must not change, or change by exactly so much, whatever the numbers are."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest

from patients.domain.days import ZoneHistory
from patients.domain.recording import Channel, Minutes, MinuteSeries, SleepEpisode
from scoring.domain.clinical_flags import clinical_flags
from scoring.domain.daily import daily_features
from scoring.domain.regularity import regularity
from scoring.domain.rhythm import rhythm
from scoring.domain.types import DayFeatures, PersonData
from scoring.domain.vector import VECTOR_NAMES, Vector, vector
from scoring.resources import flag_rules
from tests.scoring.domain.builders import MINUTE, a_day, counts, episode, person, series

UTC_ZONES = ZoneHistory.of("UTC")  # no clock changes: a week is a week
WEEK = timedelta(days=7)
HALF = 35  # days; a whole number of weeks, and longer than the window
PACEMAKER = ("Circadian_phase", "Circadian_amplitude")


def unlike_nights(days: int, period: int = 1000) -> tuple[SleepEpisode, ...]:
    """A night for each day but the first: no two alike within the period, naps, a gap each."""
    rng = np.random.default_rng(3)
    onsets, offsets = rng.integers(-120, 60, period), rng.integers(360, 540, period)
    nights = []
    for n in range(1, days):
        onset, offset = int(onsets[n % period]), int(offsets[n % period])
        wakes = ((180, 180 + 12 + n % period % 5 * 9),)
        nights.append(episode(a_day(n), onset, offset, wakes, UTC_ZONES))
        if n % period % 4 == 0:
            nights.append(episode(a_day(n), 800, 860 + n % period, zones=UTC_ZONES))
    return tuple(nights)


def somebody(days: int, period: int = 1000) -> PersonData:
    """Records, counts and a heart rate, all of them uneven from day to day."""
    level = np.random.default_rng(4).uniform(0.5, 2.0, period)
    values = counts(days) * np.repeat(level[np.arange(days) % period], 1440).astype(np.float32)
    pulse = 60 + np.repeat(np.arange(days) % period % 9, 1440)
    return replace(
        person(days, unlike_nights(days, period), zones=UTC_ZONES),
        activity=series(values, zones=UTC_ZONES),
        heart_rate=series(pulse.astype(np.float32), Channel.HEART_RATE, zones=UTC_ZONES),
    )


def every_day(who: PersonData, last: int, first: int = 0) -> list[DayFeatures]:
    return [f for f, _ in daily_features(who, a_day(first), a_day(last))]


def looked_back(days: list[DayFeatures], day: DayFeatures) -> tuple[Any, ...]:
    """All that is made of a day and those before it."""
    return (
        vector(days, day.day).named(),
        regularity(days, day.day),
        clinical_flags(days, day.day, flag_rules()),
    )


def moved(who: PersonData, by: timedelta) -> PersonData:
    """The same recording at another time."""

    def later(one: MinuteSeries | None) -> MinuteSeries | None:
        return None if one is None else replace(one, start=one.start + by)

    sleep = tuple(
        replace(
            e, start=e.start + by, end=e.end + by,
            stages=tuple(replace(s, start=s.start + by, end=s.end + by) for s in e.stages),
        )
        for e in who.sleep
    )  # fmt: skip
    return replace(who, activity=later(who.activity), heart_rate=later(who.heart_rate), sleep=sleep)


@cache
def month() -> list[DayFeatures]:
    return every_day(somebody(34), 33)


@pytest.mark.parametrize("weeks", [-52, 1, 3])
def test_whole_weeks_change_nothing_but_the_dates(weeks: int) -> None:
    by = weeks * WEEK
    shifted = [f for f, _ in daily_features(moved(somebody(34), by), a_day(0) + by, a_day(33) + by)]
    back = [replace(f, day=f.day - by) for f in shifted]
    assert back == month()
    for there, here in zip(shifted[28:], month()[28:], strict=True):
        assert looked_back(shifted, there) == looked_back(month(), here)


def test_three_hours_of_the_clock_move_the_day_by_three_hours() -> None:
    """Another life, three hours later by the same clock; nothing else of it differs."""
    days = 22
    nights = [tuple(episode(a_day(n), -60 + by, 420 + by) for n in range(1, days))
              for by in (0, 180)]  # fmt: skip
    values = [np.tile(np.roll(counts(1), by), days) for by in (0, 180)]
    here, there = (
        every_day(replace(person(days, sleep), activity=series(minutes)), days - 2, days - 16)[-1]
        for sleep, minutes in zip(nights, values, strict=True)
    )
    for name, per_day in (("l5_onset_minute", 1440), ("m10_onset_minute", 1440),
                          ("acrophase_hours", 24)):  # fmt: skip
        moved_by = (there.rhythm[name] - here.rhythm[name]) % per_day  # type: ignore[operator]
        assert moved_by == pytest.approx(per_day / 8, abs=1e-6 * per_day), name
    for name in ("interdaily_stability", "relative_amplitude", "l5", "m10", "mesor",
                 "cosinor_amplitude", "interdaily_shift_hours"):  # fmt: skip
        assert there.rhythm[name] == pytest.approx(here.rhythm[name], rel=1e-3, abs=1e-9), name
    later = there.phase["dlmo_hour"] - here.phase["dlmo_hour"]  # type: ignore[operator]
    assert later == pytest.approx(3, abs=0.02)
    for name, hours in (("onset_minutes", 180), ("offset_minutes", 180), ("midpoint_hours", 3)):
        assert there.sleep[name] == here.sleep[name] + hours  # type: ignore[operator]


@pytest.mark.parametrize("factor", [0.01, 3.0, 1000.0])
def test_scale_of_activity_leaves_the_shape_of_the_rhythm(factor: float) -> None:
    minutes = counts(14).astype(np.float64)
    one, other = rhythm(minutes), rhythm(factor * minutes)
    for name in ("interdaily_stability", "intradaily_variability", "relative_amplitude",
                 "acrophase_hours"):  # fmt: skip
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9), name
    assert (one.l5_onset_minute, one.m10_onset_minute) == (
        other.l5_onset_minute,
        other.m10_onset_minute,
    )
    for name in ("l5", "m10", "mesor", "cosinor_amplitude"):
        assert getattr(other, name) == pytest.approx(factor * getattr(one, name), rel=1e-9), name


def test_perfectly_regular_sleeper_has_an_index_of_100() -> None:
    nights = tuple(episode(a_day(n), zones=UTC_ZONES) for n in range(1, 12))
    days = every_day(person(12, nights, zones=UTC_ZONES), 10, 8)
    assert [d.sleep["sleep_regularity_index"] for d in days] == [100] * 3


@cache
def three_alike() -> list[DayFeatures]:
    """Three times the same 35 days."""
    return every_day(somebody(3 * HALF, HALF), 3 * HALF - 1)


def z_scores(found: Vector) -> dict[str, float]:
    return {
        name: value
        for name, value in zip(VECTOR_NAMES, found.values.tolist(), strict=True)
        if name.endswith("_Zscore")
    }


@pytest.mark.parametrize("day", [HALF - 4, HALF - 1])
def test_two_identical_halves_have_the_same_z(day: int) -> None:
    first, second, third = (
        z_scores(vector(three_alike(), a_day(day + n * HALF))) for n in range(3)
    )
    for name in first:
        is_pacemakers = name.removesuffix("_Zscore") in PACEMAKER
        assert np.isfinite(second[name]), name
        # The pacemaker remembers where it began for weeks.
        one, other = (second, third) if is_pacemakers else (first, second)
        assert other[name] == pytest.approx(one[name], abs=0.01 if is_pacemakers else 1e-9), name
    assert len({round(z, 6) for z in first.values()}) > 8  # they are no zeros


@pytest.mark.parametrize("last", [20, 29])
def test_days_to_come_change_no_earlier_day(last: int) -> None:
    whole = month()
    end = UTC_ZONES.day_bounds(a_day(last))[1]

    def until(one: MinuteSeries | None) -> MinuteSeries | None:
        if one is None:
            return None
        kept: Minutes = one.values[: round((end - one.start) / MINUTE)]
        return replace(one, values=kept)

    who = somebody(34)
    past = replace(
        who,
        activity=until(who.activity),
        heart_rate=until(who.heart_rate),
        sleep=tuple(e for e in who.sleep if e.end <= end),
    )
    short = every_day(past, last)
    # The last evening belongs to a night whose record is still to come.
    assert short[:-1] == whole[:last]
    for day in short[:-1]:
        assert looked_back(short[:-1], day) == looked_back(whole, day)


def test_order_of_the_patients_changes_nothing() -> None:
    people = [somebody(10), person(10, zones=UTC_ZONES), replace(somebody(10), sleep=())]
    there = [every_day(who, 9) for who in people]
    back = [every_day(who, 9) for who in reversed(people)]
    assert there == back[::-1]
    assert there[0] != there[1] != there[2]
