"""Sleep windows as the mania model's paper cuts them, and the states they are cut from."""

from datetime import UTC, datetime, timedelta
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patients.domain.recording import SleepEpisode, SleepStage
from scoring.domain.sleep import (
    ASLEEP,
    AWAKE,
    UNKNOWN,
    SleepState,
    Window,
    centred_day_mean,
    flip_short_bouts,
    sleep_amplitude,
    sleep_indexes,
    sleep_windows,
    state_from_activity,
    state_from_episodes,
)
from scoring.domain.types import Mask

START = datetime(2024, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def state_of(*slept: tuple[int, int], minutes: int = 1440) -> SleepState:
    state = np.full(minutes, AWAKE, dtype=np.int8)
    for start, stop in slept:
        state[start:stop] = ASLEEP
    return state


@st.composite
def bouts(draw: st.DrawFn) -> SleepState:
    """A noon-to-noon day of bouts of any length, sleep, wake and unknown."""
    lengths = draw(st.lists(st.integers(1, 260), min_size=1, max_size=40))
    kinds = draw(st.lists(st.sampled_from([AWAKE, ASLEEP, UNKNOWN]), min_size=40, max_size=40))
    parts = [np.full(n, kinds[i], dtype=np.int8) for i, n in enumerate(lengths)]
    return np.concatenate([*parts, np.full(1440, AWAKE, dtype=np.int8)])[:1440]


@pytest.mark.parametrize(("bout", "flipped"), [(1, True), (9, True), (10, False), (30, False)])
def test_wake_bout_under_10_minutes_is_flipped(bout: int, flipped: bool) -> None:
    asleep = state_of((300, 600), (600 + bout, 900)) == ASLEEP
    assert flip_short_bouts(asleep)[600 : 600 + bout].all() == flipped


@pytest.mark.parametrize(("bout", "flipped"), [(1, True), (9, True), (10, False)])
def test_sleep_bout_under_10_minutes_is_flipped(bout: int, flipped: bool) -> None:
    assert (len(sleep_windows(state_of((600, 600 + bout)))) == 0) == flipped


def test_wake_at_the_edge_of_the_recording_is_not_flipped() -> None:
    asleep = np.ones(100, dtype=bool)
    asleep[:5] = asleep[-5:] = False
    assert flip_short_bouts(asleep).tolist() == asleep.tolist()


@given(arrays(np.bool_, st.integers(0, 200)))
def test_flipping_twice_changes_nothing_more(asleep: Mask) -> None:
    once = flip_short_bouts(asleep)
    assert flip_short_bouts(once).tolist() == once.tolist()


@pytest.mark.parametrize(("gap", "count"), [(10, 1), (59, 1), (60, 2), (200, 2)])
def test_gap_under_an_hour_is_merged(gap: int, count: int) -> None:
    windows = sleep_windows(state_of((100, 400), (400 + gap, 800)))
    assert len(windows) == count
    if count == 1:
        assert (windows[0].length_minutes, windows[0].wake_minutes) == (700, gap)


@pytest.mark.parametrize(("length", "is_long"), [(224, False), (225, True), (226, True)])
def test_window_is_long_from_225_minutes(length: int, is_long: bool) -> None:
    (window,) = sleep_windows(state_of((300, 300 + length)))
    assert window.is_long == is_long


def test_short_awakening_counts_as_wake_inside_the_window() -> None:
    (window,) = sleep_windows(state_of((300, 500), (505, 780)))
    assert (window.length_minutes, window.asleep_minutes, window.wake_minutes) == (480, 475, 5)


@given(bouts())
def test_windows_are_apart_in_order_and_add_up(state: SleepState) -> None:
    windows = sleep_windows(state)
    for one, other in zip(windows, windows[1:], strict=False):
        assert other.start - one.stop >= 60
    for window in windows:
        assert window.length_minutes >= 10
        assert window.asleep_minutes + window.wake_minutes == window.length_minutes
        assert window.wake_minutes >= 0
        inside = state[window.start : window.stop] == ASLEEP
        assert inside.sum() == window.asleep_minutes


@given(bouts())
def test_sleep_time_and_wake_time_make_the_length(state: SleepState) -> None:
    st_long, st_short, wt_long, wt_short, long, _, short, _, share, _ = sleep_indexes(
        sleep_windows(state), 0
    )
    assert None not in (st_long, st_short, wt_long, wt_short)
    assert st_long + wt_long == pytest.approx(long)  # type: ignore[operator]
    assert st_short + wt_short == pytest.approx(short)  # type: ignore[operator]
    assert share == pytest.approx((st_long + st_short) / 24)  # type: ignore[operator]


def test_indexes_of_a_night_and_a_nap_by_hand() -> None:
    # 23:00-07:00 with an awakening of 30 min, nap 14:00-15:00, in minutes from noon.
    windows = sleep_windows(state_of((660, 900), (930, 1140), (120, 180)))
    found = sleep_indexes(windows, 0)
    awake_bins = 144 - 48 - 6
    mean, share = 10 * awake_bins / 144, awake_bins / 144
    spread = 10 * sqrt(share * (1 - share))
    assert found[:-1] == pytest.approx((7.5, 1.0, 0.5, 0.0, 8.0, 1, 1.0, 1, 8.5 / 24))
    assert found[-1] == pytest.approx(spread / mean)


def test_day_without_short_windows_has_zeros_there() -> None:
    found = sleep_indexes(sleep_windows(state_of((660, 1140))), 0)
    assert [found[i] for i in (1, 3, 6, 7)] == [0, 0, 0, 0]


def test_day_without_any_sleep_has_zeros() -> None:
    assert sleep_indexes([], 0) == (0,) * 10


@pytest.mark.parametrize("hours", [4, 6, 8, 10, 14])
@pytest.mark.parametrize("shift", [0, 3])
def test_amplitude_of_one_window_is_about_the_root_of_p_over_q(hours: int, shift: int) -> None:
    p = hours / 24
    amplitude = sleep_amplitude([Window(300 + shift, 300 + shift + 60 * hours, 60 * hours)], 0)
    assert amplitude == pytest.approx(sqrt(p / (1 - p)), rel=0.02)


def test_amplitude_of_a_day_wholly_asleep_is_undefined() -> None:
    assert sleep_amplitude([Window(0, 1440, 1440)], 0) is None


def test_amplitude_of_a_long_day_has_more_bins_and_of_none_is_undefined() -> None:
    night = [Window(1440, 1440 + 540, 540)]  # 24 h to 33 h after noon in the old zone
    share = 1 - 9 / 33
    expected = sqrt(share * (1 - share)) / share
    assert sleep_amplitude(night, 0, 33 * 60) == pytest.approx(expected)
    assert sleep_amplitude(night, 0) == 0.0
    assert sleep_amplitude([], 0, 0) is None


def test_amplitude_counts_only_what_lies_between_the_noons() -> None:
    inside = sleep_amplitude([Window(1440, 1500, 60)], 1440)
    assert sleep_amplitude([Window(1380, 1500, 120)], 1440) == pytest.approx(inside)
    assert sleep_amplitude([Window(5000, 5100, 100)], 1440) == 0.0


def record(onset: int, offset: int, awake: float, *wakes: tuple[int, int]) -> SleepEpisode:
    stages = tuple(SleepStage(START + a * MINUTE, START + b * MINUTE, "wake") for a, b in wakes)
    return SleepEpisode(
        START + onset * MINUTE, START + offset * MINUTE, offset - onset - awake, awake, stages
    )


def test_record_with_stages_is_awake_where_it_says() -> None:
    covered = np.ones(1440, dtype=bool)
    state = state_from_episodes([record(600, 1080, 20, (700, 720))], START, 1440, covered)
    assert set(np.flatnonzero(state == ASLEEP)) == {*range(600, 700), *range(720, 1080)}
    assert (state[:600] == AWAKE).all()


@pytest.mark.parametrize("awake", [0, 1, 33, 60, 200, 300])
def test_record_without_stages_keeps_its_length_and_its_minutes(awake: int) -> None:
    covered = np.ones(1440, dtype=bool)
    state = state_from_episodes([record(600, 1080, awake)], START, 1440, covered)
    (window,) = sleep_windows(state)
    assert (window.start, window.stop) == (600, 1080)
    assert (window.asleep_minutes, window.wake_minutes) == (480 - awake, awake)


def test_record_over_the_edge_keeps_the_share_that_is_inside() -> None:
    covered = np.ones(240, dtype=bool)
    state = state_from_episodes([record(-240, 240, 48)], START, 240, covered)
    assert (state == AWAKE).sum() == pytest.approx(24, abs=1)
    assert (state_from_episodes([record(500, 900, 48)], START, 240, covered) == AWAKE).all()


@pytest.mark.parametrize("minutes", [0, 1, 2, 3])
def test_record_of_no_length_does_no_harm(minutes: int) -> None:
    covered = np.ones(100, dtype=bool)
    state = state_from_episodes([record(50, 50 + minutes, 5)], START, 100, covered)
    assert (state == ASLEEP).sum() <= minutes


def test_outside_of_records_an_uncovered_minute_is_unknown() -> None:
    covered = np.zeros(1440, dtype=bool)
    covered[:300] = True
    state = state_from_episodes([record(600, 1080, 0)], START, 1440, covered)
    assert (state[:300] == AWAKE).all() and (state[300:600] == UNKNOWN).all()


def night_of_counts(minutes: int = 2880) -> np.ndarray:
    values = np.full(minutes, 200, dtype=np.float32)
    values[660:1140] = 5
    return values


def scored(
    values: np.ndarray, worn: Mask | None = None, light: np.ndarray | None = None
) -> SleepState:
    worn = np.ones(len(values), dtype=bool) if worn is None else worn
    return state_from_activity(values, worn, light, centred_day_mean(values, worn))


@pytest.mark.parametrize("scale", [0.01, 1.0, 1000.0])
def test_quiet_night_is_sleep_in_any_unit(scale: float) -> None:
    state = scored((night_of_counts() * scale).astype(np.float32))
    assert (state[660:1140] == ASLEEP).all() and (state[:660] == AWAKE).all()


@pytest.mark.parametrize(("length", "slept"), [(29, False), (30, True)])
def test_quiet_half_hour_is_sleep(length: int, slept: bool) -> None:
    values = np.full(1440, 200, dtype=np.float32)
    values[600 : 600 + length] = 0
    assert (scored(values)[600 : 600 + length] == ASLEEP).all() == slept


def test_still_moments_at_a_desk_are_not_sleep() -> None:
    values = np.full(1440, 200, dtype=np.float32)
    values[480:960:6] = 0
    assert not (scored(values) == ASLEEP).any()


def test_unworn_minutes_are_unknown_unless_they_lay_in_the_dark() -> None:
    values, worn = night_of_counts(), np.ones(2880, dtype=bool)
    worn[660:1140] = False
    light = np.full(2880, 300, dtype=np.float32)
    assert (scored(values, worn)[660:1140] == UNKNOWN).all()
    assert (scored(values, worn, light)[660:1140] == UNKNOWN).all()
    light[660:910] = 0
    assert (scored(values, worn, light)[660:1140] == ASLEEP).all()
    light[660:1140] = np.nan
    assert (scored(values, worn, light)[660:1140] == UNKNOWN).all()


@pytest.mark.parametrize(
    ("handled", "still", "slept"),
    [
        (2, 60, True),  # a movement in sleep
        (3, 60, False),  # taken up and put down again
        (59, 60, False),
        (70, 60, True),  # a nap of its own
        (10, 90, True),  # long enough to be judged by itself
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_rest_of_an_unworn_night_ends_where_the_sensor_was_handled(
    handled: int, still: int, slept: bool, before: bool
) -> None:
    values, worn = night_of_counts(), np.ones(2880, dtype=bool)
    light = np.full(2880, 300, dtype=np.float32)
    worn[660:1140], light[660:1140] = False, 0
    start = 660 - handled - still if before else 1140 + handled
    values[start : start + still] = 0
    state = scored(values, worn, light)
    assert (state[660:1140] == ASLEEP).all()
    assert (state[start : start + still] == ASLEEP).all() == slept
    # Where the sensor was worn at night, the same stillness is sleep.
    worn[:] = True
    assert (scored(values, worn, light)[start : start + still] == ASLEEP).all()


def test_mean_of_24_hours_is_exact_far_into_a_long_recording() -> None:
    # Sums of float32 lose whole counts beyond 2 ** 24.
    values = np.full(400 * 1440, 4001, dtype=np.float32)
    mean = centred_day_mean(values, np.ones(len(values), dtype=bool))
    assert (mean == 4001).all()


def test_mean_of_24_hours_leaves_unworn_minutes_out() -> None:
    values, worn = np.full(1440, 10, dtype=np.float32), np.ones(1440, dtype=bool)
    values[:100], worn[:100] = 1e6, False
    assert (centred_day_mean(values, worn) == 10).all()
    assert (centred_day_mean(values, np.zeros(1440, dtype=bool)) == 0).all()
