"""Minute series and recordings as values."""

from datetime import UTC, datetime, timedelta

import numpy as np

from patients.domain.recording import (
    UNITS,
    Channel,
    Family,
    MinuteSeries,
    Recording,
    SleepEpisode,
)

START = datetime(2024, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SERIES = MinuteSeries(Channel.STEPS, "steps/min", START, np.array([1, 2, 3], dtype=np.float32))


def test_between_pads_with_missing_on_both_sides() -> None:
    values = SERIES.between(START - MINUTE, START + 4 * MINUTE)
    assert np.array_equal(values, [np.nan, 1, 2, 3, np.nan], equal_nan=True)


def test_between_outside_the_series_is_missing() -> None:
    assert np.isnan(SERIES.between(START + 9 * MINUTE, START + 11 * MINUTE)).tolist() == [True] * 2
    assert np.isnan(SERIES.between(START - 9 * MINUTE, START - 7 * MINUTE)).tolist() == [True] * 2


def test_between_of_no_time_is_empty() -> None:
    assert SERIES.between(START, START).size == 0
    assert SERIES.between(START + MINUTE, START).size == 0


def test_between_is_a_copy() -> None:
    SERIES.between(START, SERIES.end)[0] = 99
    assert SERIES.values[0] == 1


def test_recording_reaches_from_the_first_to_the_last_of_minutes_and_sleep() -> None:
    episode = SleepEpisode(START - 60 * MINUTE, START + MINUTE, 50, 11)
    recording = Recording("x", "y", None, (SERIES,), (episode,))
    assert (recording.start, recording.end) == (START - 60 * MINUTE, START + 3 * MINUTE)
    assert recording.channel(Channel.STEPS) is SERIES
    assert recording.channel(Channel.LIGHT) is None


def test_every_family_has_a_unit() -> None:
    assert set(UNITS) == set(Family)
