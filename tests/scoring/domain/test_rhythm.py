"""Rhythm of activity against the golden recipe, by hand, and on odd recordings."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from scoring.domain.cosinor import Cosinor, cosinor
from scoring.domain.day_sleep import sleep_regularity_index
from scoring.domain.rhythm import (
    Rhythm,
    hourly_means,
    interdaily_shift_hours,
    interdaily_stability,
    intradaily_variability,
    rhythm,
)
from scoring.domain.sleep import ASLEEP, centred_day_mean, state_from_activity
from scoring.domain.types import Floats, Mask


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, Any]:
    return dict(json.loads((shared / "golden" / "circadian.json").read_text()))


@pytest.fixture(scope="module")
def recipe(golden: dict[str, Any]) -> tuple[Floats, Mask]:
    """Two weeks of minutes by the golden file's recipe, and when they were slept."""
    rng, n = np.random.default_rng(12345), 14 * 1440
    onset, waking = (np.rint(rng.normal(0, 30, 15)).astype(int) for _ in range(2))
    asleep = np.zeros(n, dtype=bool)
    for k in range(15):
        start, stop = (k - 1) * 1440 + 1380 + onset[k], k * 1440 + 420 + waking[k]
        asleep[max(start, 0) : min(stop, n)] = True
    day_level = 100 + 60 * np.sin(2 * np.pi * (np.arange(n) % 1440 - 540) / 1440)
    counts = rng.poisson(np.where(asleep, 3.0, day_level)).astype(np.float64)
    counts[rng.random(n) < np.where(asleep, 0.6, 0.1)] = 0
    check = golden["activity_check"]
    assert (counts.sum(), (counts == 0).sum()) == (check["sum"], check["zeros"])
    assert asleep.sum() == check["sleep_minutes"]
    assert counts[:20].tolist() == check["first20"]
    assert counts[720:730].tolist() == check["at_720"]
    return counts, asleep


def test_golden_recipe(golden: dict[str, Any], recipe: tuple[Floats, Mask]) -> None:
    found, wanted = rhythm(recipe[0]), golden["activity_expected_raw_counts"]
    assert found.interdaily_stability == pytest.approx(wanted["IS"], abs=1e-9)
    assert found.intradaily_variability == pytest.approx(wanted["IV"], abs=1e-9)
    assert found.relative_amplitude == pytest.approx(wanted["RA"], abs=1e-9)
    assert found.l5 == pytest.approx(wanted["L5"], abs=1e-9)
    assert found.m10 == pytest.approx(wanted["M10"], abs=1e-9)
    assert found.l5_onset_minute == wanted["L5_onset_min"]
    assert found.m10_onset_minute == wanted["M10_onset_min"]
    assert found.mesor == pytest.approx(wanted["cosinor_mesor"], abs=1e-9)
    assert found.cosinor_amplitude == pytest.approx(wanted["cosinor_amplitude"], abs=1e-9)
    assert found.acrophase_hours == pytest.approx(wanted["cosinor_acrophase_h"], abs=1e-9)


def test_golden_recipe_has_the_golden_regularity(
    golden: dict[str, Any], recipe: tuple[Floats, Mask]
) -> None:
    found = sleep_regularity_index(recipe[1], np.ones(14 * 1440, dtype=bool))
    assert found == pytest.approx(golden["sri_true_sleep_mask"], abs=1e-9)


def test_golden_recipe_is_scored_asleep_when_it_sleeps(recipe: tuple[Floats, Mask]) -> None:
    counts, asleep = recipe[0].astype(np.float32), recipe[1]
    worn = np.ones(len(counts), dtype=bool)
    state = state_from_activity(counts, worn, None, centred_day_mean(counts, worn))
    assert ((state == ASLEEP) == asleep).mean() > 0.995


def test_recording_that_begins_in_the_day_keeps_its_clock(recipe: tuple[Floats, Mask]) -> None:
    counts = recipe[0]
    late, whole = rhythm(counts[600:], first_minute_of_day=600), rhythm(counts)
    padded = rhythm(np.concatenate((np.full(600, np.nan), counts[600:])))
    assert late == padded
    # The busiest ten hours begin after 10:00: no minute of theirs was cut off.
    assert late.m10_onset_minute == whole.m10_onset_minute


def test_alternating_hours_by_hand() -> None:
    # Hours 0, 2, 0, 2 ...: n = 48, mean 1, every deviation 1, every step 2.
    hourly = np.tile([0.0, 2.0], 24)
    assert intradaily_variability(hourly) == pytest.approx(48 * 47 * 4 / (47 * 48))
    assert interdaily_stability(hourly) == pytest.approx(1.0)


def test_two_unlike_days_by_hand() -> None:
    # Day one all 0, day two all 2: the profile is flat, so the days share nothing.
    assert interdaily_stability(np.repeat([0.0, 2.0], 24)) == pytest.approx(0.0)


def test_missing_hours_are_left_out_and_not_zero() -> None:
    hourly = np.tile(np.arange(24.0), 7)
    hourly[30] = np.nan
    assert interdaily_stability(hourly) == pytest.approx(1.0, abs=0.02)
    variability = intradaily_variability(hourly)
    assert variability == pytest.approx(
        intradaily_variability(np.tile(np.arange(24.0), 7)), rel=0.03
    )


def test_hour_needs_30_valid_minutes() -> None:
    minutes = np.full(120, np.nan)
    minutes[:30], minutes[60:89] = 6.0, 6.0
    assert np.array_equal(hourly_means(minutes), [6.0, np.nan], equal_nan=True)


def test_hour_of_the_day_never_recorded_leaves_stability_out() -> None:
    minutes = np.tile(np.arange(1440.0), 7).reshape(7, 24, 60)
    minutes[:, 3] = np.nan
    found = rhythm(minutes.reshape(-1))
    assert found.interdaily_stability is None
    assert found.intradaily_variability is not None


def test_square_day_by_hand() -> None:
    # 16 active hours of 10 a minute from 07:00, 8 still hours of 1.
    day = np.ones(1440)
    day[420:1380] = 10
    found = rhythm(np.tile(day, 7))
    assert (found.l5, found.m10) == (pytest.approx(1), pytest.approx(10))
    assert (found.l5_onset_minute, found.m10_onset_minute) == (1380, 420)
    assert found.relative_amplitude == pytest.approx(9 / 11)


def test_least_active_hours_may_run_over_midnight() -> None:
    day = np.full(1440, 10.0)
    day[np.arange(1320, 1320 + 300) % 1440] = 0
    found = rhythm(np.tile(day, 2))
    assert (found.l5, found.l5_onset_minute) == (0.0, 1320)


@pytest.mark.parametrize("turned", range(0, 1440, 180))
def test_onsets_of_equal_hours_move_with_the_clock(turned: int) -> None:
    day = np.zeros(1440)
    day[420:1380] = 10
    found = rhythm(np.tile(np.roll(day, turned), 3))
    assert found.l5_onset_minute == (1380 + turned) % 1440
    assert found.m10_onset_minute == (420 + turned) % 1440


@pytest.mark.parametrize("value", [0.0, 0.1, 7.0, 3e38])
def test_constant_has_no_stability_and_no_variability(value: float) -> None:
    found = rhythm(np.full(7 * 1440, value))
    assert (found.interdaily_stability, found.intradaily_variability) == (None, None)
    assert found.l5 == pytest.approx(value) and found.m10 == pytest.approx(value)
    assert found.relative_amplitude == (None if value == 0 else pytest.approx(0, abs=1e-9))


@pytest.mark.parametrize("minutes", [0, 1, 1439])
def test_less_than_a_day_has_no_rhythm(minutes: int) -> None:
    assert rhythm(np.ones(minutes)) == Rhythm()


def test_nothing_recorded_has_no_rhythm() -> None:
    assert rhythm(np.full(7 * 1440, np.nan)) == Rhythm()


@given(
    arrays(np.float64, 7 * 24, elements=st.floats(0, 1e4)),
    arrays(np.bool_, 7 * 24),
)
def test_stability_stays_a_share_where_hours_are_missing(
    hourly: Floats, missing: NDArray[np.bool_]
) -> None:
    found = interdaily_stability(np.where(missing, np.nan, hourly))
    assert found is None or -1e-9 <= found <= 1 + 1e-9


def test_stability_of_a_regular_week_with_a_gap_by_hand() -> None:
    hourly = np.tile([0.0] * 12 + [1.0] * 12, 7)
    hourly[20:30] = np.nan
    assert interdaily_stability(hourly) == pytest.approx(1.0)


def test_values_at_the_end_of_the_number_line_are_no_crash() -> None:
    assert rhythm(np.where(np.arange(2880) % 3, 1e308, 0.0)) is not None


@given(arrays(np.float64, 7 * 24, elements=st.floats(0, 1e4)), st.floats(0.01, 100))
def test_measures_do_not_depend_on_the_unit(hourly: Floats, factor: float) -> None:
    minutes = np.repeat(hourly, 60)
    one, other = rhythm(minutes), rhythm(factor * minutes)
    if one.interdaily_stability is not None and hourly.std() > 1e-3:
        assert -1e-9 <= one.interdaily_stability <= 1 + 1e-9
        assert one.interdaily_stability == pytest.approx(other.interdaily_stability, abs=1e-6)
        assert one.intradaily_variability == pytest.approx(other.intradaily_variability, rel=1e-6)
    if one.relative_amplitude is not None:
        assert 0 <= one.relative_amplitude <= 1


@given(
    arrays(np.float64, 3 * 1440, elements=st.floats(0, 1e4)),
    st.integers(0, 4320),
    st.integers(0, 1400),
)
def test_cosine_is_that_of_least_squares_on_the_known_minutes(
    minutes: Floats, first: int, length: int
) -> None:
    minutes[first : first + length] = np.nan
    there, at = ~np.isnan(minutes), 2 * np.pi * np.arange(4320) / 1440
    columns = np.stack((np.ones(4320), np.cos(at), np.sin(at)), axis=1)
    mesor, across, up = np.linalg.lstsq(columns[there], minutes[there], rcond=None)[0]
    found = cosinor(minutes)
    assert found.mesor == pytest.approx(mesor, abs=1e-6)
    assert found.amplitude == pytest.approx(np.hypot(across, up), abs=1e-6)
    if found.acrophase_hours is not None and found.amplitude and found.amplitude > 1e-3:
        wave = found.amplitude * np.exp(2j * np.pi * found.acrophase_hours / 24)
        assert wave == pytest.approx(complex(across, up), abs=1e-6)
        assert 0 <= found.acrophase_hours < 24


def test_cosine_is_not_drawn_through_hours_that_nobody_measured() -> None:
    minutes = np.tile(np.arange(1440.0), 3)
    minutes.reshape(3, 1440)[:, 100:244] = np.nan
    assert cosinor(minutes).mesor is not None
    minutes.reshape(3, 1440)[:, 244] = np.nan
    assert cosinor(minutes) == Cosinor()


@pytest.mark.parametrize("value", [0.0, 0.1, 7.0, 3e38])
def test_constant_has_no_hour_of_its_highest(value: float) -> None:
    found = cosinor(np.full(7 * 1440, value))
    assert found.mesor == pytest.approx(value)
    assert (found.amplitude, found.acrophase_hours) == (0.0, None)


def a_week_of(day: Floats, last: Floats) -> Floats:
    return np.concatenate([np.tile(day, 6), last])


@pytest.mark.parametrize("minutes", [-719, -90, -1, 0, 45, 600])
def test_day_that_lies_behind_has_a_shift_above_zero(minutes: int) -> None:
    day = np.where((np.arange(1440) > 420) & (np.arange(1440) < 1380), 100.0, 2.0)
    assert interdaily_shift_hours(a_week_of(day, np.roll(day, minutes))) == minutes / 60


def test_half_a_day_is_the_longest_shift() -> None:
    day = np.where(np.arange(1440) < 400, 100.0, 2.0)
    assert interdaily_shift_hours(a_week_of(day, np.roll(day, 720))) == -12.0
    assert interdaily_shift_hours(a_week_of(day, np.roll(day, 721))) == -719 / 60


def test_shift_of_a_noisy_day_is_found_within_minutes(recipe: tuple[Floats, Mask]) -> None:
    week = recipe[0][: 7 * 1440].copy()
    as_it_is = interdaily_shift_hours(week)
    week[-1440:] = np.roll(week[-1440:], 180)
    later = interdaily_shift_hours(week)
    assert as_it_is is not None and later == pytest.approx(as_it_is + 3)
    assert abs(as_it_is) < 0.75  # the recipe's nights begin and end half an hour about the hour


def test_shift_needs_nine_tenths_of_the_day_and_a_course() -> None:
    day = np.where(np.arange(1440) < 400, 100.0, 2.0)
    holed = day.copy()
    holed[500:644] = np.nan
    assert interdaily_shift_hours(a_week_of(day, holed)) == 0
    holed[644] = np.nan
    assert interdaily_shift_hours(a_week_of(day, holed)) is None
    flat = np.full(1440, 0.1)
    assert interdaily_shift_hours(a_week_of(day, flat)) is None
    assert interdaily_shift_hours(a_week_of(flat, day)) is None
