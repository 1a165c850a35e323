from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.ingest.common.base import MAX_RUN_SECONDS, Rejected, clock_set, logger_utc
from patients.ingest.common.logger_rows import (
    NO_STAMP,
    clock_second,
    day_second,
    epoch_seconds,
    named_day,
    present,
    scored_sleep,
)

BERLIN = ZoneHistory.of("Europe/Berlin")
HOUR = 3600


@pytest.mark.parametrize(
    ("text", "hour"),
    [("00:00", 0), ("12:30 AM", 0.5), ("12:30:00 pm", 12.5), ("5:00:00 PM", 17), ("17.00.00", 17)],
)
def test_a_time_of_day_is_read_as_vendors_write_it(text: str, hour: float) -> None:
    assert clock_second(text) == hour * HOUR


@pytest.mark.parametrize(
    "text", ["", "24:00", "12:60", "12:00:60", "13:00 PM", "0:30 AM", "1e3", "x"]
)
def test_what_is_no_time_of_day_is_no_stamp(text: str) -> None:
    assert clock_second(text) == NO_STAMP


def test_days_are_read_with_two_or_four_digits_of_the_year() -> None:
    assert named_day("13-May-21") == named_day("13-May-2021") == day_second(2021, 5, 13)
    assert day_second(2021, 5, 13) == 1_620_864_000  # date -u -d 2021-05-13 +%s
    for text in ("13-Mai-21", "31-Feb-21", "", "2021-05-13"):
        assert named_day(text) + 23 * HOUR < 0


def test_missing_is_left_out_and_what_is_no_number_is_nan() -> None:
    texts = pd.Series(["1,5", "NaN", "kZ", "", "2.5", "x"])
    seconds, values = present(np.arange(6), texts)
    assert seconds.tolist() == [0, 4, 5]
    np.testing.assert_array_equal(values, [1.5, 2.5, np.nan])


def test_one_row_has_no_epoch(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fewer than two rows"):
        epoch_seconds(np.array([60, 60]), tmp_path / "a.csv")
    assert epoch_seconds(np.array([0, 30, 60, 600]), tmp_path) == 30


def local(text: str) -> int:
    return int(np.datetime64(text, "s").astype(np.int64))


def steps(first: str, count: int, seconds: int = 600) -> np.ndarray:
    return local(first) + seconds * np.arange(count)


def test_a_logger_runs_through_both_changes_of_clock() -> None:
    for first, offset_hours in (("2024-10-27T00:00", 2), ("2024-03-31T00:00", 1)):
        stamps = steps(first, 36)  # six hours, with 02:00 to 02:50 once
        assert (stamps - logger_utc(stamps, BERLIN) == offset_hours * HOUR).all()


def test_stamps_that_follow_the_change_of_clock_are_wall_time() -> None:
    autumn = np.concatenate([steps("2024-10-27T00:00", 18), steps("2024-10-27T02:00", 18)])
    spring = np.concatenate([steps("2024-03-31T00:00", 12), steps("2024-03-31T03:00", 18)])
    for stamps, first_offset in ((autumn, 2), (spring, 1)):
        read = logger_utc(stamps, BERLIN)
        assert stamps[0] - read[0] == first_offset * HOUR
        assert (np.diff(read) == 600).all()


def test_a_part_from_after_the_change_keeps_the_offset_of_the_start() -> None:
    stamps = steps("2024-10-28T00:00", 6)
    assert (stamps - logger_utc(stamps, BERLIN) == HOUR).all()
    assert (stamps - logger_utc(stamps, BERLIN, local("2024-10-20T00:00")) == 2 * HOUR).all()


def test_a_logger_keeps_the_zone_of_its_start_when_its_wearer_moves() -> None:
    move = (date(2024, 10, 27), "America/Los_Angeles")  # as the clocks change in Berlin
    zones = ZoneHistory(((date(2020, 1, 1), "Europe/Berlin"), move))
    running = steps("2024-10-26T12:00", 200)
    assert (running - logger_utc(running, zones) == 2 * HOUR).all()
    autumn = np.concatenate([steps("2024-10-26T23:00", 24), steps("2024-10-27T02:00", 18)])
    followed = logger_utc(autumn, zones)
    assert autumn[0] - followed[0] == 2 * HOUR and (np.diff(followed) == 600).all()
    rest = steps("2024-10-28T00:00", 6)
    assert (rest - logger_utc(rest, zones) == -7 * HOUR).all()
    assert (rest - logger_utc(rest, zones, local("2024-10-20T00:00")) == 2 * HOUR).all()


def test_a_start_that_contradicts_the_rows_is_not_believed() -> None:
    stamps = steps("2024-10-28T00:00", 6)
    first = local("2024-10-28T00:00")
    for started in (first - MAX_RUN_SECONDS, first - 1, first):
        assert clock_set(stamps[::-1], started) == started
    for unsound in (None, first + 1, first - MAX_RUN_SECONDS - 1):
        assert clock_set(stamps, unsound) == first
    assert (stamps - logger_utc(stamps, BERLIN, local("2024-07-01T00:00")) == HOUR).all()


def test_scored_epochs_are_one_night_and_asleep_counts_where_told_twice() -> None:
    seconds = np.array([0, 60, 120, 180, 120, 10_000])
    asleep = np.array([False, True, False, True, True, False])
    night, waking = scored_sleep(seconds, asleep, 60, Rejected())
    assert waking.asleep_minutes == 0  # at 10,000 s: kept, for the next file may tell of its night
    assert (night.asleep_minutes, night.awake_minutes, night.log_id) == (3, 1, "")
    assert [stage.stage for stage in night.stages] == ["awake", "asleep"]
    assert scored_sleep(np.empty(0, np.int64), np.empty(0, bool), 60, Rejected()) == []
