from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from patients.domain.errors import InputError
from patients.domain.recording import Family, Recording
from patients.ingest import mesa
from tests.patients.ingest.builders import parsed
from tests.patients.ingest.builders_loggers import mesa_row, times, write_mesa

LATE = datetime(2024, 1, 14, 23, 58)  # a Sunday


def read(path: Path) -> Recording:
    return parsed(mesa, path, "America/Chicago")


def test_clock_times_are_read_on_nominal_dates_of_the_right_weekday(tmp_path: Path) -> None:
    rows = [mesa_row(i, t, i, i) for i, t in enumerate(times(8, 30, LATE))]
    night = read(write_mesa(tmp_path / "a.csv", rows))
    activity, light = night.series
    # Sunday, day 1, is 2 January 2000; 23:58 in Chicago is 05:58 of Monday in UTC
    assert night.start == datetime(2000, 1, 3, 5, 58, tzinfo=UTC)
    assert activity.values.tolist() == [0 + 1, 2 + 3, 4 + 5, 6 + 7]  # over midnight
    assert light.values.tolist() == [0.5, 2.5, 4.5, 6.5]
    assert (night.device, night.family) == ("MESA 7 (nominal dates)", Family.ACTIWATCH_COUNTS)


@pytest.mark.parametrize("weekday", range(7))
def test_a_second_day_keeps_its_weekday_whatever_the_first_was(
    tmp_path: Path, weekday: int
) -> None:
    start = datetime(2024, 1, 14 + weekday, 12, 0)
    rows = [mesa_row(i, t, day=2) for i, t in enumerate(times(4, 30, start))]
    found = read(write_mesa(tmp_path / "a.csv", rows))
    assert found.start.weekday() == start.weekday()
    first = [
        mesa_row(i, t, day=1) for i, t in enumerate(times(4, 30, start.replace(day=13 + weekday)))
    ]
    both = read(write_mesa(tmp_path / "b.csv", rows + first))
    assert both.end == found.end and (both.end - both.start).total_seconds() == 86_400 + 120


def test_off_the_wrist_is_missing(tmp_path: Path) -> None:
    rows = [
        mesa_row(i, t, "" if i > 3 else 5, off=int(2 <= i < 4)) for i, t in enumerate(times(6, 30))
    ]
    found = read(write_mesa(tmp_path / "a.csv", rows))
    activity, light = found.series
    assert activity.values.tolist() == [10]
    np.testing.assert_array_equal(light.values, [1.5, np.nan, 1.5])
    assert found.rejected == {"off_wrist": 2}


def test_sleep_is_what_was_scored_within_a_sleep_interval(tmp_path: Path) -> None:
    scored = [(0, "ACTIVE"), (0, "REST"), (0, "REST-S"), (1, "REST-S"), (0, "REST-S"), (1, "REST")]
    rows = [
        mesa_row(i, t, wake=wake, interval=interval)
        for i, (t, (wake, interval)) in enumerate(zip(times(6, 30), scored, strict=True))
    ]
    (sleep,) = read(write_mesa(tmp_path / "a.csv", rows)).sleep
    assert (sleep.start, sleep.end) == (
        datetime(2000, 1, 3, 5, 1, tzinfo=UTC),
        datetime(2000, 1, 3, 5, 2, 30, tzinfo=UTC),
    )
    assert (sleep.asleep_minutes, sleep.awake_minutes) == (1, 0.5)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("dayofweek", "dow", "has no column dayofweek"),
        ("23:00:30", "23:00:99", r"line 3 \('23:00:99', day and weekday\)"),
        ("1,1,1\n", "1,0,1\n", "line 2 .* is not between"),
        ("1,1,1\n", "9,1,1\n", "line 2 .* is not between"),
        ("1,1,1\n", "nan,1e300,1\n", "line 2 .* is not between"),
        ("\n7,1,", "\n8,1,", "does not hold one person's rows"),
        ("\n7,1,", "\nSam,1,", "does not hold one person's rows"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = write_mesa(tmp_path / "a.csv", [mesa_row(i, t) for i, t in enumerate(times(4, 30))])
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=says):
        read(path)
