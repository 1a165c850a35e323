"""Fitbit Takeout JSON: steps and heart rate with UTC stamps, sleep logs in local time."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import UNITS, Channel, Family, Recording, SleepEpisode
from patients.ingest.archive import Member, members
from patients.ingest.base import (
    LATEST_SECOND,
    MAX_SLEEP_SECONDS,
    NO_SAMPLES,
    Rejected,
    Seconds,
    Values,
    binned,
    recording,
    require_dates,
    shown,
    sleep_episode,
    utc_from_local,
    zone_of,
)

SOURCE = "fitbit"
MAX_FILE_BYTES = 64 * 1024**2  # a month of steps is 3 MB, a day of heart rate 1.5 MB
STAGE_NAMES = {"wake": "awake"} | {
    stage: stage for stage in ("awake", "asleep", "restless", "light", "deep", "rem")
}


@dataclass
class _Found:
    """What the files held so far."""

    path: Path
    zone: ZoneInfo
    heart: list[tuple[Seconds, Values]] = field(default_factory=lambda: [NO_SAMPLES])
    steps: list[tuple[Seconds, Values]] = field(default_factory=lambda: [NO_SAMPLES])
    sleep: dict[tuple[str, str], SleepEpisode] = field(default_factory=dict)
    rejected: Rejected = field(default_factory=Counter)


def recognises(path: Path) -> bool:
    """Whether the file, or any in the folder or zip, is Fitbit sleep, steps or heart rate."""
    with members(path, ".json") as files:
        return any(_reader(file) for file in files)


def parse(path: Path, zone: str) -> Recording:
    """Steps and heart rate per minute and sleep logs; ``zone`` is that of the sleep stamps.

    Steps are the only activity there is. A minute told twice has the larger count; a sleep log
    told twice (same id and start) is taken once. InputError for an unknown zone, a file that is
    no JSON, and a date outside 1970 to 2100.
    """
    found = _Found(path, zone_of(zone))
    with members(path, ".json") as files:
        for file in files:
            if reader := _reader(file):
                reader(found, file)
    heart, steps = (_joined(parts) for parts in (found.heart, found.steps))
    unit = UNITS[Family.STEPS]
    walked = binned(Channel.STEPS, unit, steps, "max", found.rejected)
    pulse = binned(Channel.HEART_RATE, "bpm", heart, "mean", found.rejected)
    family = Family.STEPS if walked else None
    episodes, rejected = found.sleep.values(), found.rejected
    return recording(path, SOURCE, "Fitbit", (walked, pulse), episodes, rejected, family)


def _joined(parts: list[tuple[Seconds, Values]]) -> tuple[Seconds, Values]:
    return np.concatenate([s for s, _ in parts]), np.concatenate([v for _, v in parts])


Reader = Callable[[_Found, Member], None]


def _reader(file: Member) -> Reader | None:
    """The function for this file, by what its head holds."""
    head = file.head()
    if not re.match(rb"(\xef\xbb\xbf)?\s*\[\s*\{", head):
        return None
    if b'"dateOfSleep"' in head and b'"logId"' in head:
        return _read_sleep
    if b'"dateTime"' in head and re.search(rb'"bpm"\s*:', head):
        return _read_heart
    # Calories, distance and altitude have the very shape of steps: only the name tells them.
    is_values = b'"dateTime"' in head and re.search(rb'"value"\s*:\s*"?[\d.]', head)
    return _read_steps if is_values and file.basename.lower().startswith("steps") else None


def _rows(found: _Found, file: Member) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbered objects of the file's list; anything else in it is counted as malformed."""
    if file.size_bytes > MAX_FILE_BYTES:
        raise InputError(f"{file.basename} is over 64 MiB; give the Takeout files as exported.")
    try:
        with file.open() as stream:
            rows = json.loads(stream.read())
    except (ValueError, RecursionError) as broken:
        raise InputError(
            f"{file.basename} is not complete JSON; download the Takeout again."
        ) from broken
    for number, row in enumerate(rows, start=1):
        if isinstance(row, dict):
            yield number, row
        else:
            found.rejected["malformed_record"] += 1


def _read_heart(found: _Found, file: Member) -> None:
    numbers, stamps, values, sure = [], [], [], []
    for number, row in _rows(found, file):
        value = row.get("value")
        value = value if isinstance(value, dict) else {}
        numbers.append(number)
        stamps.append(row.get("dateTime"))
        values.append(_number(value.get("bpm")))
        sure.append(value.get("confidence") != 0)
    found.rejected["heart_rate_low_confidence"] += sure.count(False)
    seconds = _utc_seconds(numbers, stamps, file)
    found.heart.append((seconds[sure], np.array(values, np.float64)[sure]))


def _read_steps(found: _Found, file: Member) -> None:
    numbers, rows = zip(*_rows(found, file), strict=True)
    seconds = _utc_seconds(numbers, [row.get("dateTime") for row in rows], file)
    found.steps.append((seconds, np.array([_number(row.get("value")) for row in rows])))


def _utc_seconds(numbers: Sequence[int], stamps: list[Any], file: Member) -> Seconds:
    texts = [str(stamp) for stamp in stamps]
    read = pd.to_datetime(texts, format="%m/%d/%y %H:%M:%S", errors="coerce")
    seconds: Seconds = read.to_numpy("datetime64[s]").astype(np.int64)
    require_dates(
        seconds, Path(file.basename), lambda i: f"record {numbers[i]} ({shown(texts[i])})"
    )
    return seconds


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _read_sleep(found: _Found, file: Member) -> None:
    for number, log in _rows(found, file):
        key = (str(log.get("logId")), str(log.get("startTime")))
        if key in found.sleep:
            found.rejected["sleep_duplicate"] += 1
            continue
        episode = _episode(found, log, f"{file.basename}: sleep log {number}")
        if episode is None:
            found.rejected["sleep_malformed"] += 1
        else:
            found.sleep[key] = episode


def _episode(found: _Found, log: dict[str, Any], where: str) -> SleepEpisode | None:
    """The log's night: short wakes painted over the stages, minutes as the log counts them."""
    levels = log.get("levels")
    levels = levels if isinstance(levels, dict) else {}
    segments = [
        segment
        for part in ("data", "shortData")
        for segment in _segments(levels.get(part), found.zone, where)
    ]
    start, end = _local([log.get("startTime"), log.get("endTime")], found.zone, where)
    told = segments or [(start, end, "asleep")]
    span = max(s[1] for s in told) - min(s[0] for s in told)
    if not 0 < span <= MAX_SLEEP_SECONDS:
        return None
    episode = sleep_episode(told)
    asleep, awake = _number(log.get("minutesAsleep")), _number(log.get("minutesAwake"))
    if asleep >= 0 and awake >= 0 and asleep + awake <= span / 60 + 1:
        episode = replace(episode, asleep_minutes=asleep, awake_minutes=awake)
    return episode if segments else replace(episode, stages=())


def _segments(rows: Any, zone: ZoneInfo, where: str) -> list[tuple[int, int, str]]:
    """(start, end, stage) in UTC seconds of a levels list; rows of another shape are left out."""
    rows = [r for r in rows if isinstance(r, dict)] if isinstance(rows, list) else []
    rows = [r for r in rows if str(r.get("level")) in STAGE_NAMES]
    lengths = [_number(r.get("seconds")) for r in rows]
    starts = _local([r.get("dateTime") for r in rows], zone, where)
    return [
        (start, start + int(length), STAGE_NAMES[row["level"]])
        for row, start, length in zip(rows, starts, lengths, strict=True)
        if 1 <= length <= MAX_SLEEP_SECONDS
    ]


def _local(stamps: list[Any], zone: ZoneInfo, where: str) -> list[int]:
    """UTC seconds of local ISO stamps; a list is in order, which settles a repeated hour."""
    local = []
    for stamp in stamps:
        try:
            local.append(int(datetime.fromisoformat(str(stamp)).replace(tzinfo=UTC).timestamp()))
        except ValueError:
            local.append(-1)
        if not 0 <= local[-1] < LATEST_SECOND:
            raise InputError(
                f"{where} has the date {shown(stamp)}, not between 1970 and 2100; "
                "check the file and export it again."
            )
    return [int(second) for second in utc_from_local(np.array(local, np.int64), zone)]
