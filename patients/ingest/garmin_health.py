"""Garmin Health API pushes: summaries with a UTC start and samples by their offset from it."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from patients.domain.recording import Channel, Recording
from patients.ingest.common.archive import Member, members, sample
from patients.ingest.common.base import zone_of
from patients.ingest.common.device import LONGEST_WALK_SECONDS, Device, recordings
from patients.ingest.common.json_files import (
    dicts,
    epoch_second,
    is_json,
    number,
    objects,
    read_json,
    text,
)
from patients.ingest.common.nights import Segment, night

SOURCE = "garmin_health"
LABEL = "Garmin Health API push JSON"
START = "startTimeInSeconds"
SAMPLES = {
    "timeOffsetHeartRateSamples": Channel.HEART_RATE,
    "hrvValues": Channel.HRV_RMSSD,
    "timeOffsetSpo2Values": Channel.SPO2,
    "timeOffsetSleepSpo2": Channel.SPO2,
    "timeOffsetEpochToBreaths": Channel.RESPIRATORY_RATE,
    "timeOffsetSleepRespiration": Channel.RESPIRATORY_RATE,
}
RESTING = "restingHeartRateInBeatsPerMinute"
KNOWN = re.compile(
    f'"({"|".join(SAMPLES)}|{RESTING}|sleepLevelsMap|activeTimeInSeconds|deepSleepDuration'
    'InSeconds|summaryId)"'.encode()
)
STAGES = ("deep", "light", "rem", "awake")
SLEEP_FIELDS = ("sleepLevelsMap", "deepSleepDurationInSeconds", "lightSleepDurationInSeconds")
OFF_WRIST = "OFF_WRIST"  # how Garmin marks a sleep in which the watch lay aside

Epochs = dict[tuple[int, int], dict[str, float]]  # (start, end): steps by kind of activity


def recognises(path: Path) -> bool:
    """Whether the file, or any in the folder or zip, is such a push."""
    with members(path, ".json") as files:
        return any(_is_push(file) for file in sample(files))


def _is_push(file: Member) -> bool:
    head = file.head()
    return is_json(head) and f'"{START}"'.encode() in head and bool(KNOWN.search(head))


def parse(path: Path, zone: str) -> Iterator[Recording]:
    """One recording; stamps are UTC seconds, so neither ``zone`` nor the offsets are needed.

    Epochs of up to an hour are walks; the steps of a day are left out and counted. InputError
    for an unknown zone, a file that is no JSON, and a date outside 1970 to 2100.
    """
    zone_of(zone)
    device = Device("Garmin")
    epochs: Epochs = defaultdict(dict)
    with members(path, ".json") as files:
        for file in filter(_is_push, files):
            for summary in objects(read_json(file)):
                if START in summary:
                    _read(device, epochs, summary, file.basename)
                _read_nap(device, summary, file.basename)
    for (start, end), by_activity in epochs.items():
        device.walk(start, end, sum(by_activity.values()))
    yield from recordings(path, SOURCE, [device])


def _read(device: Device, epochs: Epochs, summary: dict[str, Any], name: str) -> None:
    where = f"{name}: summary {text(summary.get('summaryId'))}".strip()
    start = epoch_second(summary[START], where)
    for key, channel in SAMPLES.items():
        samples = summary.get(key)
        for offset, value in samples.items() if isinstance(samples, dict) else ():
            _add(device, channel, epoch_second(start + number(offset), where), value)
    _add(device, Channel.RESTING_HEART_RATE, start, summary.get(RESTING))
    if any(summary.get(key) is not None for key in SLEEP_FIELDS):
        _read_night(device, summary, start, where)
    elif summary.get("steps") is not None and "activeTimeInSeconds" in summary:
        _read_steps(device, epochs, summary, start)


def _add(device: Device, channel: Channel, second: int, value: Any) -> None:
    """A sample, unless there is none: null, or a negative number."""
    if value is not None and not number(value) < 0:
        device.add(channel, second, number(value))


def _read_steps(device: Device, epochs: Epochs, summary: dict[str, Any], start: int) -> None:
    """An epoch's steps; it comes once for each kind of activity, and all of these add up."""
    length = number(summary.get("durationInSeconds"))
    if not 0 <= length <= LONGEST_WALK_SECONDS:
        device.rejected["steps_total"] += 1
        return
    activity, steps = text(summary.get("activityType")), number(summary["steps"])
    if not steps >= 0:
        device.rejected.out_of_range(Channel.STEPS, np.array([start], np.int64))
        return
    by_activity = epochs[start, start + int(length)]
    device.rejected["steps_duplicate"] += activity in by_activity
    by_activity[activity] = max(by_activity.get(activity, 0.0), steps)


def _read_night(device: Device, summary: dict[str, Any], start: int, where: str) -> None:
    if text(summary.get("validation")) == OFF_WRIST:
        device.rejected["sleep_off_wrist"] += 1
        return
    levels = summary.get("sleepLevelsMap")
    segments = list(_segments(levels if isinstance(levels, dict) else {}, where))
    length, awake = (
        number(summary.get(key)) for key in ("durationInSeconds", "awakeDurationInSeconds")
    )
    end = epoch_second(start + max(length, 0.0), where) if length > 0 else start
    awake = awake if awake >= 0 else 0.0
    told = None if segments else ((end - start - awake) / 60, awake / 60)
    log_id = text(summary.get("calendarDate")) or text(summary.get("summaryId")) or str(start)
    device.sleep(night(segments, log_id, device.rejected, (start, end), told))


def _segments(levels: dict[str, Any], where: str) -> Iterator[Segment]:
    for stage in STAGES:
        for row in dicts(levels.get(stage)):
            first, stop = (epoch_second(row.get(key), where) for key in (START, "endTimeInSeconds"))
            yield first, stop, stage


def _read_nap(device: Device, nap: dict[str, Any], name: str) -> None:
    if "napStartTimeInSeconds" in nap:
        start = epoch_second(nap["napStartTimeInSeconds"], f"{name}: a nap")
        length = number(nap.get("napDurationInSeconds"))
        end = epoch_second(start + length, f"{name}: a nap") if length > 0 else start
        device.sleep(night([], f"nap {start}", device.rejected, (start, end)))
