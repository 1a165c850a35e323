"""When the sensor was on the wrist."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patients.domain.recording import Minutes
from patients.domain.wear import (
    Mask,
    _windows,
    near,
    runs,
    still_minutes,
    without_short_runs,
    worn_from_counts,
    worn_from_signs,
)

FLOORS = (0.0, 4.0, 0.37, -2.0)


def moving(minutes: int = 600, floor: float = 0.0) -> Minutes:
    """Movement well above the floor on every minute, with the floor touched once."""
    values = floor + 100 + 50 * np.sin(np.arange(minutes))
    values[0] = floor
    return values.astype(np.float32)


@pytest.mark.parametrize("floor", FLOORS)
def test_still_run_of_90_minutes_is_unworn_whatever_the_floor(floor: float) -> None:
    values = moving(floor=floor)
    values[200:290] = floor
    worn = worn_from_counts(values)
    assert not worn[200:290].any()
    assert worn[:200].all() and worn[290:].all()


@pytest.mark.parametrize("floor", FLOORS)
def test_still_run_of_89_minutes_is_worn(floor: float) -> None:
    values = moving(floor=floor)
    values[200:289] = floor
    assert worn_from_counts(values).all()


@pytest.mark.parametrize("floor", FLOORS)
def test_sensor_at_rest_may_read_its_noise_above_the_floor(floor: float) -> None:
    values = moving(floor=floor)
    values[200:400:2], values[201:400:2] = floor, floor + 4.9
    assert not worn_from_counts(values, noise=5)[200:400].any()
    values[201:400:2] = floor + 5.1
    assert worn_from_counts(values, noise=5)[200:400].all()


def test_wear_of_a_day_does_not_depend_on_the_days_beside_it() -> None:
    quiet, loud = moving(1440), moving(1440) * 50
    quiet[300:420] = 0
    alone, beside = worn_from_counts(quiet), worn_from_counts(np.concatenate((quiet, loud)))
    assert np.array_equal(alone, beside[:1440])


@pytest.mark.parametrize("length", [1, 2])
def test_short_movement_between_still_minutes_is_no_wear(length: int) -> None:
    values = moving()
    values[200:320] = 0
    values[255 : 255 + length] = 80
    assert not worn_from_counts(values)[200:320].any()


def test_movement_of_three_minutes_ends_the_stillness() -> None:
    values = moving()
    values[200:320] = 0
    values[255:258] = 80
    assert worn_from_counts(values).all()


@pytest.mark.parametrize("spike", [229, 290])
def test_movement_without_30_still_minutes_on_both_sides_is_wear(spike: int) -> None:
    values = moving()
    values[200:320] = 0
    values[spike] = 80
    worn = worn_from_counts(values)
    assert worn[spike]
    assert not worn[spike + 1 : 320].any() if spike == 229 else not worn[200:spike].any()


def test_two_movements_close_together_are_wear() -> None:
    values = moving()
    values[200:300] = 0
    values[[240, 255]] = 80
    assert worn_from_counts(values)[[240, 255]].all()


def test_missing_minutes_are_unworn_and_lengthen_a_still_run() -> None:
    values = moving()
    values[200:260], values[260:300] = 0, np.nan
    worn = worn_from_counts(values)
    assert not worn[200:300].any()
    values[260:300] = 100
    values[300:310] = np.nan
    worn = worn_from_counts(values)
    assert worn[:300].all() and not worn[300:310].any() and worn[310:].all()


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, np.nan, 3.4e38])
@pytest.mark.parametrize("minutes", [90, 1440])
def test_constant_recording_was_never_worn(value: float, minutes: int) -> None:
    assert not worn_from_counts(np.full(minutes, value, dtype=np.float32)).any()


def test_empty_recording_has_no_wear() -> None:
    assert worn_from_counts(np.empty(0, dtype=np.float32)).shape == (0,)


def night(*stirs: int, minutes: int = 480, floor: float = 0.0) -> Minutes:
    """A day of movement with a still night from minute 400 on, but for movements of 2 min."""
    values = moving(1200, floor)
    values[400 : 400 + minutes] = floor
    for stir in stirs:
        values[400 + stir : 402 + stir] = floor + 60
    return values


@pytest.mark.parametrize("floor", FLOORS)
def test_motionless_stretch_of_a_slept_night_is_worn(floor: float) -> None:
    values = night(*range(0, 200, 20), *range(300, 480, 20), floor=floor)  # still for 118 min
    assert worn_from_counts(values).all()


def test_night_of_a_deep_sleeper_who_stirs_every_45_minutes_is_worn() -> None:
    assert worn_from_counts(night(*range(45, 480, 45))).all()


@pytest.mark.parametrize("floor", FLOORS)
@pytest.mark.parametrize("bumps", [(), (60,), (200, 330), (100, 200, 300, 400)])
def test_sensor_on_a_table_at_night_is_unworn_though_it_is_bumped(
    bumps: tuple[int, ...], floor: float
) -> None:
    assert not worn_from_counts(night(*bumps, floor=floor))[400:880].any()


@pytest.mark.parametrize(("still", "worn"), [(179, True), (180, False)])
def test_three_hours_of_stillness_are_unworn_even_in_a_slept_night(still: int, worn: bool) -> None:
    stirs = (*range(0, 140, 20), 140 + still, *range(160 + still, 480, 20))
    found = worn_from_counts(night(138, *stirs))
    assert found[540 : 540 + still].all() == worn
    assert found[:538].all() and found[542 + still :].all()


@pytest.mark.parametrize(("minutes", "worn"), [(224, False), (225, True)])
def test_rest_shorter_than_a_night_is_judged_by_stillness_alone(minutes: int, worn: bool) -> None:
    values = night(*range(20, 121, 20), minutes=minutes)  # and still for its last 102 min
    assert worn_from_counts(values)[522 : 400 + minutes].all() == worn


def test_floor_may_rise_when_the_sensor_is_turned_over() -> None:
    values = moving(floor=0.0)
    values[200:320], values[400:520] = 0.0, 7.3
    worn = worn_from_counts(values, noise=1)
    assert not worn[200:320].any() and not worn[400:520].any()
    assert worn[:200].all() and worn[320:400].all() and worn[520:].all()


def test_constant_values_under_90_minutes_above_the_floor_are_worn() -> None:
    values = moving()
    values[200:289] = 7.3
    assert worn_from_counts(values, noise=1).all()


def test_value_after_a_gap_is_not_taken_for_constant() -> None:
    values = moving()
    values[200:300] = np.nan
    assert worn_from_counts(values)[300:].all()


@given(arrays(np.float32, 300, elements=st.sampled_from([0, 0, 0, 1, 50, np.nan])))
def test_wear_is_never_claimed_where_nothing_was_recorded(values: Minutes) -> None:
    worn = worn_from_counts(values)
    assert not worn[np.isnan(values)].any()
    still = still_minutes(values) | np.isnan(values)
    # Whatever moves is worn, unless it is a short movement inside stillness.
    for start, stop in runs(~still):
        if stop - start > 2:
            assert worn[start:stop].all()


@given(arrays(np.bool_, st.integers(0, 60)), st.integers(0, 10))
def test_near_is_every_minute_within_reach(mask: Mask, reach: int) -> None:
    marks = np.flatnonzero(mask)
    expected = [bool((abs(marks - i) <= reach).any()) for i in range(len(mask))]
    assert near(mask, reach).tolist() == expected


@given(arrays(np.bool_, st.integers(0, 60)))
def test_runs_rebuild_the_mask(mask: Mask) -> None:
    rebuilt = np.zeros_like(mask)
    for start, stop in runs(mask):
        assert stop > start
        rebuilt[start:stop] = True
    assert rebuilt.tolist() == mask.tolist()


def test_step_counter_is_worn_near_a_sign_of_a_wrist() -> None:
    steps = np.zeros(600, dtype=np.float32)
    heart_rate = np.full(600, np.nan, dtype=np.float32)
    asleep = np.zeros(600, dtype=bool)
    steps[100], heart_rate[300], asleep[400:450] = 20, 60, True
    worn = worn_from_signs(steps, heart_rate, asleep)
    expected = np.zeros(600, dtype=bool)
    expected[70:131] = expected[295:306] = expected[400:450] = True
    assert worn.tolist() == expected.tolist()


def test_step_counter_without_a_sign_is_unworn() -> None:
    nothing = np.full(200, np.nan, dtype=np.float32)
    for steps in (nothing, np.zeros(200, dtype=np.float32)):
        assert not worn_from_signs(steps, nothing, np.zeros(200, dtype=bool)).any()


rough = arrays(np.float32, st.integers(90, 400), elements=st.sampled_from([0.0, 1.0, 5.0, np.nan]))


@given(rough)
def test_the_range_of_ninety_minutes_is_that_of_a_plain_reading(values: Minutes) -> None:
    for extreme, plain in ((np.maximum, np.max), (np.minimum, np.min)):
        expected = [plain(values[i : i + 90]) for i in range(len(values) - 89)]
        assert np.array_equal(_windows(extreme, values), expected, equal_nan=True)


@given(arrays(np.bool_, st.integers(0, 60)), st.integers(1, 8))
def test_short_runs_are_left_out_as_in_a_plain_reading(mask: Mask, minutes: int) -> None:
    expected = mask.copy()
    for start, stop in runs(mask):
        if stop - start < minutes:
            expected[start:stop] = False
    assert np.array_equal(without_short_runs(mask, minutes), expected)
