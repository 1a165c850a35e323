"""The 10,080 minutes that PAT sees."""

from datetime import date, time, timedelta

import numpy as np
import pytest

from patients.domain.recording import Minutes
from scoring.domain.pat_window import (
    WEEK_MINUTES,
    Z_LIMIT,
    PatWeek,
    Reference,
    pat_week,
    standardised,
)
from tests.scoring.domain.builders import BERLIN, MINUTE, a_day, counts, person, series

FLAT = Reference(
    np.full(WEEK_MINUTES, 100, dtype=np.float32), np.full(WEEK_MINUTES, 50, dtype=np.float32)
)


def week_of(values: Minutes, worn: bool = True) -> PatWeek:
    return PatWeek(values.astype(np.float32), np.full(WEEK_MINUTES, worn))


def test_week_is_the_seven_days_that_end_with_the_scored_one() -> None:
    week = pat_week(person(), a_day(12))
    assert np.array_equal(week.activity, counts(20)[6 * 1440 : 13 * 1440])
    assert week.worn.all() and week.coverage == 1.0


@pytest.mark.parametrize("change", [date(2024, 3, 31), date(2024, 10, 27)])
@pytest.mark.parametrize("after", range(7))
def test_week_with_a_clock_change_has_10080_minutes_and_ends_at_midnight(
    change: date, after: int
) -> None:
    first, scored = change - timedelta(days=10), change + timedelta(days=after)
    end = BERLIN.at(scored + timedelta(days=1), time.min)
    minutes = round(
        (BERLIN.at(change + timedelta(days=10), time.min) - BERLIN.at(first, time.min)) / MINUTE
    )
    numbered = series(np.arange(minutes, dtype=np.float32), first=first)
    who = person(days=1)
    week = pat_week(type(who)(BERLIN, who.family, numbered), scored)
    last = round((end - numbered.start) / MINUTE) - 1
    assert week.activity.shape == week.worn.shape == (WEEK_MINUTES,)
    assert (week.activity[-1], week.activity[0]) == (last, last - WEEK_MINUTES + 1)


def test_coverage_is_the_share_worn() -> None:
    def away(values: Minutes) -> None:
        values[10 * 1440 : 11 * 1440] = 0
        values[11 * 1440 : 12 * 1440] = np.nan

    assert pat_week(person(change=away), a_day(12)).coverage == pytest.approx(5 / 7, abs=0.01)


def test_recording_that_begins_in_the_week_covers_its_share() -> None:
    week = pat_week(person(), a_day(1))
    assert week.coverage == pytest.approx(2 / 7)
    assert not week.worn[: 5 * 1440].any() and np.isnan(week.activity[: 5 * 1440]).all()


def test_nothing_recorded_has_no_coverage() -> None:
    assert pat_week(person(), a_day(100)).coverage == 0.0


def test_standardised_by_the_reference() -> None:
    out = standardised(week_of(np.full(WEEK_MINUTES, 175.0)), FLAT)
    assert out.dtype == np.float32 and out.shape == (WEEK_MINUTES,)
    assert (out == 1.5).all()


def test_unworn_and_missing_minutes_become_zero() -> None:
    assert not standardised(week_of(np.full(WEEK_MINUTES, 175.0), worn=False), FLAT).any()
    assert not standardised(week_of(np.full(WEEK_MINUTES, np.nan)), FLAT).any()


@pytest.mark.parametrize("value", [3.4e38, -3.4e38, float("inf")])
def test_minute_far_out_is_cut_to_the_limit(value: float) -> None:
    out = standardised(week_of(np.full(WEEK_MINUTES, value)), FLAT)
    assert (np.abs(out) == Z_LIMIT).all() and (np.sign(out) == np.sign(value)).all()


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_reference_without_spread_only_centres() -> None:
    still = Reference(np.zeros(WEEK_MINUTES, np.float32), np.zeros(WEEK_MINUTES, np.float32))
    assert not standardised(week_of(np.zeros(WEEK_MINUTES)), still).any()
    assert (standardised(week_of(np.full(WEEK_MINUTES, 4.0)), still) == 4.0).all()
