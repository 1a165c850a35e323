"""Naive stamps over a move of nine zones, worked by hand, and as ``ZoneHistory`` has them.

In June Berlin is two hours before UTC and Los Angeles seven behind it.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import Channel, Recording
from patients.ingest import actlumus, fitbit, minute_csv, oura
from patients.ingest.common.base import utc_from_local
from patients.ingest.sources import read_recordings
from tests.patients.ingest.builders import (
    actlumus_rows,
    parsed,
    takeout_over_a_move,
    write_actlumus,
    write_json,
)
from tests.patients.ingest.builders_actigraphy import (
    actigraph_csv,
    agd,
    gt3x,
    gt3x_parameters,
    gt3x_second,
)
from tests.patients.ingest.builders_loggers import write_awd

MOVE = date(2024, 6, 11)
WEST = ZoneHistory(((date(2020, 1, 1), "Europe/Berlin"), (MOVE, "America/Los_Angeles")))
PLACES = ("Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Apia", "UTC")


def june(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 6, day, hour, minute, tzinfo=UTC)


def stamped(recording: Recording, channel: Channel) -> dict[datetime, float]:
    """The minutes of a channel that have a value."""
    series = recording.channel(channel)
    assert series is not None
    there = np.flatnonzero(~np.isnan(series.values)).tolist()
    return {series.start + timedelta(minutes=i): float(series.values[i]) for i in there}


def test_a_takeout_over_a_move_has_its_nights_where_they_were_slept(tmp_path: Path) -> None:
    takeout = parsed(fitbit, takeout_over_a_move(tmp_path / "t.zip"), WEST)
    assert [(n.start, n.end) for n in takeout.sleep] == [
        (june(9, 21), june(10, 5)),  # 23:00 to 07:00 in Berlin
        (june(10, 21), june(11, 4)),  # the last one there, 23:00 to 06:00: seven hours, not 16
        (june(12, 5, 30), june(12, 13, 30)),  # 22:30 to 06:30 in Los Angeles
    ]
    assert [n.stages[0].start for n in takeout.sleep] == [n.start for n in takeout.sleep]
    assert [n.stages[-1].end for n in takeout.sleep] == [n.end for n in takeout.sleep]
    assert stamped(takeout, Channel.HRV_RMSSD) == {june(10, 1): 40, june(12, 10): 50}  # at 03:00
    resting = {june(9, 22): 60, june(11, 7): 62}  # midnights
    assert stamped(takeout, Channel.RESTING_HEART_RATE) == resting
    assert stamped(takeout, Channel.STEPS) == {june(11, 12): 7}  # in UTC, whatever the zone


def csv_of(path: Path, stamps: list[str], channel: str = "steps", least: int = 1) -> Path:
    rows = "".join(f"{stamp},{n}\n" for n, stamp in enumerate(stamps, start=least))
    path.write_text(f"timestamp,{channel}\n{rows}")
    return path


def test_a_table_over_a_move_is_read_day_by_day(tmp_path: Path) -> None:
    stamps = ["2024-06-10 23:58", "2024-06-10 23:59", "2024-06-11 00:00", "2024-06-11 00:01"]
    found = parsed(minute_csv, csv_of(tmp_path / "a.csv", stamps), WEST)
    assert stamped(found, Channel.STEPS) == {
        june(10, 21, 58): 1, june(10, 21, 59): 2, june(11, 7): 3, june(11, 7, 1): 4,
    }  # fmt: skip


def test_a_table_over_a_move_east_keeps_the_larger_of_the_hours_told_twice(tmp_path: Path) -> None:
    east = ZoneHistory(((date(2020, 1, 1), "America/Los_Angeles"), (MOVE, "Europe/Berlin")))
    stamps = ["2024-06-10 17:00", "2024-06-10 17:01", "2024-06-11 02:00", "2024-06-11 02:02"]
    found = parsed(minute_csv, csv_of(tmp_path / "a.csv", stamps), east)
    assert stamped(found, Channel.STEPS) == {june(11, 0): 3, june(11, 0, 1): 2, june(11, 0, 2): 4}


def test_a_logger_keeps_the_zone_of_its_start_over_a_move(tmp_path: Path) -> None:
    for start, first in ((datetime(2024, 6, 10, 22), june(10, 20)),  # ten at night in Berlin
                         (datetime(2024, 6, 11, 8), june(11, 15))):  # fmt: skip
        path = write_actlumus(tmp_path / "log.txt", actlumus_rows(start, 360 * 6))
        series = parsed(actlumus, path, WEST).channel(Channel.ACTIVITY)
        assert series is not None and (series.start, series.values.size) == (first, 360)


def test_stamps_of_json_without_offset_are_read_in_the_zone_of_their_day(tmp_path: Path) -> None:
    beats: list[dict[str, Any]] = [
        {"bpm": 60 + day, "source": "awake", "timestamp": f"2024-06-{day}T09:00:00"}
        for day in (10, 11)
    ]
    found = parsed(oura, write_json(tmp_path / "heart.json", {"data": beats}), WEST)
    assert stamped(found, Channel.HEART_RATE) == {june(10, 7): 70, june(11, 16): 71}


def test_a_patient_without_zones_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no time zone yet"):
        list(read_recordings(csv_of(tmp_path / "a.csv", ["2024-06-10 23:58"]), ZoneHistory(())))


moments = st.datetimes(datetime(2010, 1, 1), datetime(2026, 1, 1))


@given(moments, st.lists(st.sampled_from(PLACES), min_size=1, max_size=4))
def test_each_stamp_is_the_clock_time_of_its_own_day(local: datetime, places: list[str]) -> None:
    first = local.date() - timedelta(days=1)
    spans = [(first + timedelta(days=n), place) for n, place in enumerate(places)]
    zones, local = ZoneHistory(tuple(spans)), local.replace(microsecond=0)
    naive = np.array([int(local.replace(tzinfo=UTC).timestamp())], np.int64)
    expected = int(zones.at(local.date(), local.time()).timestamp())
    assert utc_from_local(naive, zones).tolist() == [expected]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moments, st.sampled_from(PLACES), st.lists(st.integers(0, 3000), min_size=1, max_size=20))
def test_a_history_of_one_zone_is_that_zone(
    tmp_path: Path, start: datetime, place: str, offsets: list[int]
) -> None:
    local = [datetime.combine(start.date(), time()) + timedelta(minutes=n) for n in offsets]
    path = csv_of(tmp_path / "a.csv", [f"{stamp:%F %R}" for stamp in local], "heart_rate", 60)
    log = write_actlumus(tmp_path / "log.txt", actlumus_rows(local[0], 30))
    spans = ((date(2015, 1, 1), place), (start.date() + timedelta(days=1), place))
    for history in (ZoneHistory(spans[:1]), ZoneHistory(spans)):
        for reader, file in ((minute_csv, path), (actlumus, log)):
            named, dated = (parsed(reader, file, zone) for zone in (place, history))
            for channel in {s.channel for s in named.series}:
                assert stamped(named, channel) == stamped(dated, channel)


def ukbiobank(path: Path) -> Path:
    head = "acceleration (mg) - 2014-07-01 10:00:00 - 2014-07-02 10:00:00 - sampleRate = 5 seconds"
    path.write_text(f"{head},imputed\n" + "10,0\n" * 24)
    return path


def raw(path: Path) -> Path:
    seconds = range(1598436540, 1598436660)  # from INFO's start on
    return gt3x(path, [gt3x_parameters(), *(gt3x_second(s, [(0, 0, 256)] * 30) for s in seconds)])


LOGS: dict[str, Callable[[Path], Path]] = {
    "actlumus": lambda path: write_actlumus(path, actlumus_rows(datetime(2024, 6, 8, 9), 60)),
    "actiwatch_awd": lambda path: write_awd(path, ["7 , 1,00"] * 60),
    "actigraph_agd": lambda path: agd(path, datetime(2024, 6, 8, 9), [(3, 4, 12, 0, 5)] * 60),
    "actigraph_csv": lambda path: actigraph_csv(path, ["3,4,12,0"] * 60),
    "actigraph_gt3x": raw,
    "ukbiobank_csv": ukbiobank,
}


@pytest.mark.parametrize("source", LOGS)
def test_a_loggers_file_tells_the_one_zone_of_its_clock(tmp_path: Path, source: str) -> None:
    log = LOGS[source](tmp_path / "log")
    zones = ZoneHistory(((date(2010, 1, 1), "Europe/Berlin"), (date(2025, 1, 1), "Asia/Tokyo")))
    [recording] = read_recordings(log, zones)
    assert recording.source == source and recording.zones
    assert [zone for _, zone in recording.zones.spans] == ["Europe/Berlin"]
