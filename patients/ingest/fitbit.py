"""Fitbit Takeout: steps and heart rate stamped in UTC, nights in local time."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from patients.domain.days import ZoneHistory
from patients.domain.recording import Channel, Recording
from patients.ingest.common import fitbit_tables, totals
from patients.ingest.common.archive import Member, members, sample
from patients.ingest.common.base import (
    LATEST_SECOND,
    Seconds,
    Zone,
    require_dates,
    shown,
    utc_from_local,
    wall_readings,
    zone_at,
    zones_of,
)
from patients.ingest.common.device import Device, recordings
from patients.ingest.common.json_files import bad_date, dicts, number, read_json, text
from patients.ingest.common.nights import Segment, night

SOURCE = "fitbit"
LABEL = "Fitbit Takeout (steps, heart rate, sleep JSON; HRV, SpO2, breathing, temperature CSV)"
SUFFIXES = (".json", ".csv")
CLOCK_SLACK_SECONDS = 300  # stretches of one night may overlap a little
CHUNK_SAMPLES = 1_000_000  # a recording is given when so many are held: some four months
STAGE_NAMES = {"wake": "awake"} | {
    stage: stage for stage in ("awake", "asleep", "restless", "light", "deep", "rem")
}


@dataclass
class _Found:
    """Where naive stamps were made, and what the files held so far."""

    zones: ZoneHistory
    device: Device


def recognises(path: Path) -> bool:
    """Whether the file, or any in the folder or zip, is of a Fitbit Takeout."""
    with members(path, SUFFIXES) as files:
        return any(_reader(file) for file in sample(files))


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Steps and heart rate per minute and sleep logs; ``zone`` is that of naive local stamps.

    A sleep log is read in the zone of the day on which it begins. Steps are the only activity
    there is. A minute told twice has the larger count; a sleep log told twice is taken once.
    Long Takeouts are several recordings. InputError for an unknown zone, a file that cannot be
    read, and a date outside 1970 to 2100.
    """
    found = _Found(zones_of(zone), Device("Fitbit"))
    given = False
    with members(path, SUFFIXES) as files:
        for file in files:
            if reader := _reader(file):
                reader(found, file)
            elif totals.source_of(file.head()) == SOURCE:
                found.device.rejected[totals.REASON] += 1
            if found.device.sample_count > CHUNK_SAMPLES:
                yield from recordings(path, SOURCE, [found.device])
                found.device, given = Device("Fitbit"), True
    if not given or found.device.sample_count or found.device.nights:
        yield from recordings(path, SOURCE, [found.device])


Reader = Callable[[_Found, Member], None]


def _reader(file: Member) -> Reader | None:
    """The function for this file, by what its head holds."""
    head = file.head()
    if table := fitbit_tables.kind_of(file.basename, head):
        return lambda found, file: fitbit_tables.read(table, found.device, file, found.zones)
    if not re.match(rb"(\xef\xbb\xbf)?\s*\[\s*\{", head):
        return None
    if b'"dateOfSleep"' in head and b'"logId"' in head:
        return _read_sleep
    if b'"dateTime"' in head and re.search(rb'"bpm"\s*:', head):
        return _read_heart
    if b'"dateTime"' in head and re.search(rb'"value"\s*:\s*\{[^{}]*"date"\s*:', head):
        return _read_resting
    # Calories, distance and altitude have the very shape of steps: the name tells them, and of
    # calories also their decimals.
    is_values = b'"dateTime"' in head and re.search(rb'"value"\s*:\s*"?[\d.]', head)
    return _read_steps if is_values and file.basename.lower().startswith("steps") else None


def _rows(found: _Found, file: Member) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbered objects of the file's list; anything else in it is counted as malformed."""
    rows = read_json(file)
    for at, row in enumerate(rows if isinstance(rows, list) else [rows], start=1):
        if isinstance(row, dict):
            yield at, row
        else:
            found.device.rejected["malformed_record"] += 1


def _value(row: dict[str, Any]) -> dict[str, Any]:
    value = row.get("value")
    return value if isinstance(value, dict) else {}


def _read_heart(found: _Found, file: Member) -> None:
    rows = list(_rows(found, file))
    sure = np.array([_value(row).get("confidence") != 0 for _, row in rows], bool)
    bpm = np.array([number(_value(row).get("bpm")) for _, row in rows], np.float64)
    found.device.rejected["heart_rate_low_confidence"] += int(np.count_nonzero(~sure))
    seconds = _utc_seconds(rows, file)
    found.device.extend(Channel.HEART_RATE, seconds[sure].tolist(), bpm[sure].tolist())


def _read_steps(found: _Found, file: Member) -> None:
    rows = list(_rows(found, file))
    counts = [number(row.get("value")) for _, row in rows]
    if any(isfinite(count) and count % 1 for count in counts):  # calories under a new name
        found.device.rejected["steps_not_whole"] += len(rows)
        return
    found.device.extend(Channel.STEPS, _utc_seconds(rows, file).tolist(), counts)


def _read_resting(found: _Found, file: Member) -> None:
    """One value a day, at the local midnight of that day; 0 where there was none."""
    for at, row in _rows(found, file):
        value = _value(row)
        if not value.get("date") or not value.get("value"):
            continue
        try:
            day = datetime.strptime(str(value["date"])[:40], "%m/%d/%y").replace(tzinfo=UTC)
        except ValueError:
            raise bad_date(value["date"], f"{file.basename}: record {at}") from None
        found.device.zones = found.zones
        second = _local([day.isoformat()[:19]], found.zones, f"{file.basename}: record {at}")[0]
        found.device.add(Channel.RESTING_HEART_RATE, second, number(value["value"]))


def _utc_seconds(rows: Sequence[tuple[int, dict[str, Any]]], file: Member) -> Seconds:
    texts = [str(row.get("dateTime")) for _, row in rows]
    read = pd.to_datetime(texts, format="%m/%d/%y %H:%M:%S", errors="coerce")
    seconds: Seconds = read.to_numpy("datetime64[s]").astype(np.int64)
    require_dates(
        seconds, Path(file.basename), lambda i: f"record {rows[i][0]} ({shown(texts[i])})"
    )
    return seconds


def _read_sleep(found: _Found, file: Member) -> None:
    for at, log in _rows(found, file):
        _read_log(found, log, f"{file.basename}: sleep log {at}")


def _read_log(found: _Found, log: dict[str, Any], where: str) -> None:
    """The log's night: short wakes painted over the stages, minutes as the log counts them."""
    [began] = _local_seconds([log.get("startTime")], where)
    found.device.zones = found.zones
    zones = zone_at(began, found.zones)  # one for the log, or a move would stretch its night
    start, end = _bounds(log, zones, where)
    levels = log.get("levels")
    levels = levels if isinstance(levels, dict) else {}
    segments = [
        segment
        for part in ("data", "shortData")
        for segment in _segments(levels.get(part), zones, start, where)
    ]
    told = (number(log.get("minutesAsleep")), number(log.get("minutesAwake")))
    log_id = text(log.get("logId")) or str(start)
    found.device.sleep(night(segments, log_id, found.device.rejected, (start, end), told))


def _bounds(log: dict[str, Any], zones: ZoneHistory, where: str) -> tuple[int, int]:
    """Start and end of the log; in the hour told twice those that fit its duration best."""
    local = np.array(_local_seconds([log.get("startTime"), log.get("endTime")], where), np.int64)
    starts, ends = zip(*wall_readings(local, zones), strict=True)
    length = number(log.get("duration")) / 1000  # told in milliseconds
    pairs = [(int(start), int(end)) for start in starts for end in ends]
    if not isfinite(length):
        return pairs[0]
    return min(pairs, key=lambda pair: abs(pair[1] - pair[0] - length))


def _segments(rows: Any, zones: ZoneHistory, start: int, where: str) -> list[Segment]:
    """The stretches of a levels list; rows of another shape are left out.

    They follow each other from the log's start on, which settles the hour told twice.
    """
    known = [row for row in dicts(rows) if str(row.get("level")) in STAGE_NAMES]
    local = np.array(_local_seconds([row.get("dateTime") for row in known], where), np.int64)
    readings = zip(*(seconds.tolist() for seconds in wall_readings(local, zones)), strict=True)
    found, reached = [], start
    for row, (first, second) in zip(known, readings, strict=True):
        length = number(row.get("seconds"))
        if 1 <= length < LATEST_SECOND:
            began = first if first >= reached - CLOCK_SLACK_SECONDS else second
            reached = began + int(length)
            found.append((began, reached, STAGE_NAMES[row["level"]]))
    return found


def _local(stamps: list[Any], zones: ZoneHistory, where: str) -> list[int]:
    """UTC seconds of local ISO stamps; a list is in order, which settles a repeated hour."""
    local = np.array(_local_seconds(stamps, where), np.int64)
    return [int(second) for second in utc_from_local(local, zones)]


def _local_seconds(stamps: list[Any], where: str) -> list[int]:
    local = []
    for stamp in stamps:
        try:
            moment = datetime.fromisoformat(str(stamp)[:40]).replace(tzinfo=UTC)
            local.append(int(moment.timestamp()))
        except ValueError:
            local.append(-1)
        if not 0 <= local[-1] < LATEST_SECOND:
            raise bad_date(stamp, where)
    return local
