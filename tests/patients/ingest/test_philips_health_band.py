from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family, Recording
from patients.ingest import philips_health_band
from tests.patients.ingest.builders import parsed
from tests.patients.ingest.builders_loggers import BAND_HEADER, write_band, write_sleep_wake

DEVICE = "Philips Health Band 000100621938"


def read(path: Path) -> Recording:
    return parsed(philips_health_band, path, "America/New_York")


def total(found: Recording, channel: Channel) -> float:
    series = found.channel(channel)
    assert series is not None
    return float(np.nansum(series.values))


def test_the_real_minutes_are_read(shared: Path) -> None:
    found = read(next(shared.glob("data/ggir_testfiles/DataList*.xlsx")))
    assert (found.device, found.family) == (DEVICE, Family.ACTIWATCH_COUNTS)
    # 4 November 23:58 in summer time; 491 rows to 08:08 of the next day
    assert found.start == datetime(2022, 11, 5, 3, 58, tzinfo=UTC)
    assert found.end == datetime(2022, 11, 5, 12, 9, tzinfo=UTC)
    # 12 rows are off the wrist, 4 more have no count and no heart rate
    assert found.rejected == {"off_wrist": 12}
    activity, heart = found.channel(Channel.ACTIVITY), found.channel(Channel.HEART_RATE)
    assert activity is not None and heart is not None
    assert activity.values[:4].tolist() == [82, 144, 99, 96]
    assert heart.values[:4].tolist() == [51, 52, 54, 55]
    for series in (activity, heart):
        assert np.count_nonzero(~np.isnan(series.values)) == 491 - 12 - 4
    # sums of the sheet's columns, taken with openpyxl alone
    assert total(found, Channel.ACTIVITY) == 240_393
    assert total(found, Channel.HEART_RATE) == 22_550
    assert total(found, Channel.STEPS) == 201
    assert total(found, Channel.RESPIRATORY_RATE) == 6_296
    assert total(found, Channel.RESTING_HEART_RATE) == 7 * 53


def test_the_real_sleep_is_of_the_same_device(shared: Path) -> None:
    found = read(next(shared.glob("data/ggir_testfiles/Sleep_Wake*.xlsx")))
    (night,) = found.sleep
    assert (found.device, found.series) == (DEVICE, ())
    assert night.start == datetime(2022, 11, 5, 5, 10, tzinfo=UTC)
    assert night.end - night.start == timedelta(seconds=491 * 30)
    assert (night.asleep_minutes, night.awake_minutes) == (445 / 2, 46 / 2)


def test_missing_minutes_are_missing_and_never_zero(tmp_path: Path) -> None:
    titles = ("timeStamp", "activityCounts", "steps", "offWrist", "missingData")
    rows = [
        "01-15-2024 12:00:00,5,0,0,0",
        "01-15-2024 12:01:00,0,0,1,0",
        "01-15-2024 12:02:00,0,0,0,1",
        "01-15-2024 12:03:00,NaN,301,0,0",
        "01-15-2024 12:04:00,7,3,0,0",
    ]
    found = read(write_band(tmp_path / "a.xlsx", rows, titles))
    activity, steps = found.series
    np.testing.assert_array_equal(activity.values, [5, np.nan, np.nan, np.nan, 7])
    np.testing.assert_array_equal(steps.values, [0, np.nan, np.nan, np.nan, 3])
    assert found.rejected == {"off_wrist": 1, "missing_data": 1, "steps_out_of_range": 1}


def test_epochs_scored_around_the_clock_are_no_sleep(tmp_path: Path) -> None:
    first = datetime(2024, 1, 15)
    rows = [f"{first + timedelta(seconds=30 * i):%m-%d-%Y %H:%M:%S},1,0" for i in range(2881)]
    with pytest.raises(InputError, match="sleep_over_24_h"):
        read(write_sleep_wake(tmp_path / "a.xlsx", rows))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "fewer than two rows"),
        (["15-01-2024 12:00:00,5,60,16,0,0"], r"row 8 \('15-01-2024 12:00:00'\) is not between"),
        (
            ["12-01-2023 12:00:00,5,60,16,0,0"],
            "from 2023-12-01 to 2023-12-01, outside the analysis",
        ),
        (["01-15-2024 12:00:00,,,,,0", "01-15-2024 12:01:00,,,,,0"], "nothing that can be used"),
        (["01-15-2024 12:00:00,5,6,7,8,0", "01-15-2024 13:00:00,5,6,7,8,0"], "every 3600 s"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, rows: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(write_band(tmp_path / "a.xlsx", rows))


def test_another_workbook_is_not_recognised(tmp_path: Path) -> None:
    path = write_band(tmp_path / "a.xlsx", [], header=BAND_HEADER[:2])
    assert not philips_health_band.recognises(path)


DAYS = {
    "24 hours": datetime(2024, 1, 14),
    "23 hours": datetime(2024, 3, 31),
    "25 hours": datetime(2024, 10, 27),
}
RANGE = "Analysis range:      {:%Y-%m-%d} - {:%Y-%m-%d}"


def part_start(path: Path, start: datetime, place: int) -> timedelta:
    """How long after a start in Berlin a part of three minutes is read; its clock runs on."""
    stamps = [start + timedelta(minutes=place + i) for i in range(3)]
    header = list(BAND_HEADER)
    header[3] = RANGE.format(start, start + timedelta(days=14))
    rows = [f"{t:%m-%d-%Y %H:%M:%S},5,60,16,1,0" for t in stamps]
    found = parsed(philips_health_band, write_band(path, rows, header=header), "Europe/Berlin")
    assert found.end - found.start == timedelta(minutes=3)
    return found.start - start.replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS)
def test_a_part_of_any_hour_is_read_by_the_start_that_the_workbook_names(
    tmp_path: Path, day: datetime
) -> None:
    start = day - timedelta(hours=12)
    for hour in range(48):
        assert part_start(tmp_path / "a.xlsx", start, hour * 60) == timedelta(hours=hour)


@settings(max_examples=40, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(
    day=st.sampled_from(sorted(DAYS)),
    begins=st.integers(3 * 60 - 1440, 12 * 60),
    place=st.integers(0, 10 * 1440),
)
def test_a_part_of_any_minute_is_read_by_the_start(
    tmp_path_factory: pytest.TempPathFactory, day: str, begins: int, place: int
) -> None:
    """From three at night on the day of a change the clock is the new one."""
    if -1 < begins < 180:
        begins = 180
    start = DAYS[day] + timedelta(minutes=begins)
    path = tmp_path_factory.mktemp("a") / "a.xlsx"
    assert part_start(path, start, place) == timedelta(minutes=place)


@pytest.mark.parametrize(
    "told", ["", "Analysis range: all", "Analysis range: 2024-00-00 - 2024-12-31"]
)
def test_without_a_range_the_first_row_tells(tmp_path: Path, told: str) -> None:
    header = [*BAND_HEADER[:3], told, *BAND_HEADER[4:]]
    rows = [f"01-15-2024 12:0{i}:00,5,60,16,1,0" for i in range(3)]
    found = read(write_band(tmp_path / "a.xlsx", rows, header=header))
    assert found.start == datetime(2024, 1, 15, 17, tzinfo=UTC)
