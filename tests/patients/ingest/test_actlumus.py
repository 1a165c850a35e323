import random
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family
from patients.ingest import actlumus
from tests.patients.ingest.builders import ACTLUMUS_HEADER, actlumus_rows, parsed, write_actlumus

NOON = datetime(2024, 1, 15, 12, 0)


def activity_of(path: Path) -> list[float]:
    series = parsed(actlumus, path, "Europe/Berlin").channel(Channel.ACTIVITY)
    return [] if series is None else series.values.tolist()


def test_the_real_week_is_read_in_a_second(shared: Path) -> None:
    path = next(shared.glob("data/lightlogr/205_actlumus*.txt"))
    began = time.perf_counter()
    week = parsed(actlumus, path, "Europe/Berlin")
    assert time.perf_counter() - began < 5
    activity, light = week.channel(Channel.ACTIVITY), week.channel(Channel.LIGHT)
    assert activity is not None and light is not None
    assert (week.source, week.device, week.family) == (
        "actlumus",
        "AL0101 1020",
        Family.CONDOR_PIM,
    )
    assert (activity.unit, light.unit) == ("PIM/min", "lux")
    # 08:47:54 local is one epoch of its minute, under half: the minute has no value
    assert activity.start == light.start == datetime(2023, 8, 28, 6, 47, tzinfo=UTC)
    assert activity.values[1:4].tolist() == [11, 0, 0]  # 3 + 8 + 0 + 0 + 0 + 0
    assert len(activity.values) == 10_171
    assert np.flatnonzero(np.isnan(activity.values)).tolist() == [0, 10_170]
    assert week.rejected == {}


def test_the_real_log_of_a_sensor_that_nobody_wore_is_refused(shared: Path) -> None:
    path = next(shared.glob("data/lightlogr/cyepiamb*.txt"))
    with pytest.raises(InputError, match=r"movement in 0\.4% of its minutes: nobody wore"):
        parsed(actlumus, path, "Europe/Berlin")


def test_a_day_with_some_movement_was_worn(tmp_path: Path) -> None:
    still = actlumus_rows(datetime(2024, 1, 15), 1411, 60, pim="0")
    moving = actlumus_rows(datetime(2024, 1, 15, 23, 31), 29, 60)  # 29 of 1440: 2.01 %
    path = write_actlumus(tmp_path / "a.txt", still + moving)
    assert parsed(actlumus, path, "Europe/Berlin").rejected == {}
    one_still = actlumus_rows(datetime(2024, 1, 15, 23, 31), 1, 60, pim="0")
    path = write_actlumus(tmp_path / "b.txt", still + one_still + moving[1:])  # 28: 1.9 %
    with pytest.raises(InputError, match="movement in 1.9% of its minutes"):
        parsed(actlumus, path, "Europe/Berlin")


def test_a_log_that_ends_within_a_row_is_refused(shared: Path, tmp_path: Path) -> None:
    real = next(shared.glob("data/lightlogr/205_actlumus*.txt")).read_bytes()
    last_row = real.rindex(b"\r\n") + 2
    cut = tmp_path / "cut.txt"
    for end in (real.rindex(b";"), last_row + 40, last_row + 19):
        cut.write_bytes(real[:end])
        with pytest.raises(InputError, match="ends within a row: it was cut off"):
            parsed(actlumus, cut, "Europe/Berlin")
    cut.write_bytes(real[: last_row + 12])
    with pytest.raises(InputError, match=r"date of line 61049 \('04/09/2023 1'\)"):
        parsed(actlumus, cut, "Europe/Berlin")


def test_rows_that_the_header_tells_of_and_that_are_not_there_are_counted(
    shared: Path, tmp_path: Path
) -> None:
    lines = next(shared.glob("data/lightlogr/205_actlumus*.txt")).read_bytes().split(b"\r\n")
    path = tmp_path / "a.txt"
    path.write_bytes(b"\r\n".join(lines[: 33 + 60_000]))
    # LOG_SIZE 4,636,152 / 76 = 61,002 rows
    assert parsed(actlumus, path, "Europe/Berlin").rejected == {"rows_missing": 1002}


def test_an_acttrust_log_is_read(tmp_path: Path) -> None:
    header = ACTLUMUS_HEADER.replace("#ActLogModel=2.0.0\n", "").replace("AL0101", "ActTrust2")
    path = tmp_path / "a.txt"
    path.write_text(header + "\n".join(actlumus_rows(NOON, 3, 60)))
    log = parsed(actlumus, path, "America/Sao_Paulo")
    assert (log.device, log.start) == ("ActTrust2 77", datetime(2024, 1, 15, 15, 0, tzinfo=UTC))
    assert log.series[0].values.tolist() == [5, 5, 5]


def test_minutes_are_summed_and_averaged(tmp_path: Path) -> None:
    rows = actlumus_rows(NOON, 6, pim="5", lux="10") + actlumus_rows(
        NOON.replace(minute=1), 6, pim="7", lux="0"
    )
    log = parsed(actlumus, write_actlumus(tmp_path / "a.txt", rows), "Europe/Berlin")
    assert [s.values.tolist() for s in log.series] == [[30, 42], [10, 0]]
    assert log.start == datetime(2024, 1, 15, 11, 0, tzinfo=UTC)
    assert "Sam" not in log.device


def test_part_of_a_minute_is_scaled_from_half_on(tmp_path: Path) -> None:
    rows = actlumus_rows(NOON, 24)
    three_left = rows[:6] + rows[9:12] + rows[18:]
    assert activity_of(write_actlumus(tmp_path / "a.txt", three_left))[:2] == [30, 30]
    two_left = rows[:6] + rows[10:]
    np.testing.assert_array_equal(
        activity_of(write_actlumus(tmp_path / "b.txt", two_left)), [30, np.nan, 30, 30]
    )


def test_samples_out_of_range_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = actlumus_rows(NOON, 12)
    for i, (pim, lux) in enumerate([("-1", "1"), ("inf", "-5"), ("x", "nan")]):
        rows[i] = actlumus_rows(NOON.replace(second=10 * i), 1, pim=pim, lux=lux)[0]
    log = parsed(actlumus, write_actlumus(tmp_path / "a.txt", rows), "Europe/Berlin")
    assert log.rejected == {"activity_out_of_range": 3, "light_out_of_range": 2}
    activity = log.channel(Channel.ACTIVITY)
    assert activity is not None and activity.values.tolist() == [30, 30]


def test_a_night_of_25_hours_has_1500_minutes(tmp_path: Path) -> None:
    before = actlumus_rows(datetime(2024, 10, 27, 0, 0), 180, 60)
    after = actlumus_rows(datetime(2024, 10, 27, 2, 0), 1320, 60)
    log = parsed(actlumus, write_actlumus(tmp_path / "a.txt", before + after), "Europe/Berlin")
    activity = log.channel(Channel.ACTIVITY)
    assert activity is not None and activity.values.tolist() == [5] * 1500
    assert log.rejected == {}


def test_a_clock_that_ran_through_the_gap_loses_no_minute(tmp_path: Path) -> None:
    rows = actlumus_rows(datetime(2024, 3, 31, 1, 0), 180, 60)  # also 02:00 to 02:59
    log = parsed(actlumus, write_actlumus(tmp_path / "a.txt", rows), "Europe/Berlin")
    activity = log.channel(Channel.ACTIVITY)
    assert activity is not None and activity.values.tolist() == [5] * 180
    assert (log.start, log.end) == (
        datetime(2024, 3, 31, 0, 0, tzinfo=UTC),
        datetime(2024, 3, 31, 3, 0, tzinfo=UTC),
    )
    assert log.rejected == {}


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    rows = [
        row
        for i in range(100)
        for row in actlumus_rows(NOON.replace(minute=i % 60, hour=12 + i // 60), 6, pim=str(i))
    ]
    expected = activity_of(write_actlumus(tmp_path / "a.txt", rows))
    random.Random(1).shuffle(rows)
    assert activity_of(write_actlumus(tmp_path / "b.txt", rows)) == expected
    assert activity_of(write_actlumus(tmp_path / "c.txt", rows + rows[:50])) == expected


@pytest.mark.parametrize(
    "stamp", ["28/08/1899 08:48:04", "28/08/2101 08:48:04", "28/0", "31/02/24"]
)
def test_a_bad_date_is_refused_with_its_line(tmp_path: Path, stamp: str) -> None:
    rows = [*actlumus_rows(NOON, 3), "", f"{stamp};0;1;1;4"]
    path = write_actlumus(tmp_path / "a.txt", rows)
    line = 1 + path.read_text().split("\n").index(f"{stamp};0;1;1;4")
    with pytest.raises(InputError, match=rf"a\.txt: the date of line {line} \('{stamp}"):
        parsed(actlumus, path, "Europe/Berlin")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (ACTLUMUS_HEADER, "fewer than two rows"),
        (ACTLUMUS_HEADER.replace("PIM;", ""), "no column PIM"),
        (ACTLUMUS_HEADER.replace("DATE/TIME", "WHEN"), "no line starting DATE/TIME"),
        (ACTLUMUS_HEADER + "\n".join(actlumus_rows(NOON, 5, 120)), "one row every 120 s"),
        (ACTLUMUS_HEADER + "\0\0\0\n" * 9, "line 10"),
    ],
)
def test_a_log_that_cannot_be_used_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        parsed(actlumus, path, "Europe/Berlin")


def test_it_is_recognised_by_content(tmp_path: Path) -> None:
    path = write_actlumus(tmp_path / "anything.bin", actlumus_rows(NOON, 6))
    assert actlumus.recognises(path)
    (tmp_path / "205_actlumus_Log.txt").write_text("DATE/TIME;PIM\n")
    assert not actlumus.recognises(tmp_path / "205_actlumus_Log.txt")
    assert not actlumus.recognises(tmp_path)


BERLIN = ZoneInfo("Europe/Berlin")
DAYS = {
    "24 hours": datetime(2024, 1, 14),
    "23 hours": datetime(2024, 3, 31),
    "25 hours": datetime(2024, 10, 27),
}
RULE = "+-------------------------------------------------------+\n"


def part_start(
    path: Path, start: datetime, hours: float, follows: bool = False, day_connected: float = 10
) -> timedelta:
    """How long after a start in Berlin a part of three minutes is read.

    The log was taken some days after the start, with a computer that follows the clocks.
    """

    def stamp(gone: timedelta, wall: bool) -> datetime:
        return (begun + gone).astimezone(BERLIN).replace(tzinfo=None) if wall else start + gone

    begun = start.replace(tzinfo=BERLIN).astimezone(UTC)
    at, gone = timedelta(days=day_connected), timedelta(hours=hours)
    told = f"CONNECTION_SYSTEM_DATE_TIME : {stamp(at, True):%d/%m/%Y %H:%M:%S}\n"
    device = stamp(at, follows) + timedelta(seconds=70)  # drifted
    told += f"CONNECTION_DEVICE_DATE_TIME : {device:%d/%m/%Y %H:%M:%S}\n"
    rows = [actlumus_rows(stamp(gone + timedelta(minutes=i), follows), 1)[0] for i in range(3)]
    write_actlumus(path, rows)
    path.write_text(path.read_text().replace(RULE, told + RULE))
    found = parsed(actlumus, path, "Europe/Berlin")
    assert found.end - found.start == timedelta(minutes=3)
    return found.start - begun


@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS)
def test_a_part_of_any_hour_is_read_by_the_clocks_that_the_header_tells(
    tmp_path: Path, day: datetime
) -> None:
    start = day - timedelta(hours=12)
    for hour in range(48):
        assert part_start(tmp_path / "a.txt", start, hour) == timedelta(hours=hour)
        if not 10 < hour < 16:  # three rows do not tell which of two equal hours it is
            assert part_start(tmp_path / "a.txt", start, hour, True) == timedelta(hours=hour)


@settings(max_examples=80, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(
    begins=st.integers(0, 366 * 24),
    part=st.integers(0, 50 * 24),
    connected=st.integers(0, 9 * 24),
)
def test_a_part_of_any_time_of_the_year_is_read_by_the_clocks_that_the_header_tells(
    tmp_path_factory: pytest.TempPathFactory, begins: int, part: int, connected: int
) -> None:
    start = datetime(2024, 1, 1) + timedelta(hours=begins)
    if start in (datetime(2024, 3, 31, 2), datetime(2024, 10, 27, 2)):  # no such time, or twice
        start += timedelta(hours=1)
    path = tmp_path_factory.mktemp("a") / "a.txt"
    days = (part + connected + 1) / 24
    assert part_start(path, start, part, day_connected=days) == timedelta(hours=part)


def test_a_move_before_the_recording_does_not_touch_its_zone(tmp_path: Path) -> None:
    """The clock is from before the change of 27 October, and the zone that of the first row."""
    path = write_actlumus(tmp_path / "a.txt", actlumus_rows(datetime(2024, 11, 6, 12), 12))
    told = "CONNECTION_SYSTEM_DATE_TIME : 08/11/2024 09:00:00\n"
    told += "CONNECTION_DEVICE_DATE_TIME : 08/11/2024 10:00:00\n"
    path.write_text(path.read_text().replace(RULE, told + RULE))
    moved = (date(2024, 11, 4), "Europe/Berlin")
    zones = ZoneHistory(((date.min, "America/Phoenix"), moved))
    found = parsed(actlumus, path, zones)
    assert found.start == datetime(2024, 11, 6, 10, tzinfo=UTC)


@pytest.mark.parametrize("system", ["", "x", "27/10/1924 12:00:00", "01/11/2024 09:17:00"])
def test_clocks_that_cannot_be_true_are_passed_over(tmp_path: Path, system: str) -> None:
    path = write_actlumus(tmp_path / "a.txt", actlumus_rows(datetime(2024, 10, 28, 12), 12))
    told = f"CONNECTION_SYSTEM_DATE_TIME : {system}\n"
    told += "CONNECTION_DEVICE_DATE_TIME : 01/11/2024 12:00:00\n"
    path.write_text(path.read_text().replace(RULE, told + RULE))
    found = parsed(actlumus, path, "Europe/Berlin")
    assert found.start == datetime(2024, 10, 28, 11, tzinfo=UTC)
