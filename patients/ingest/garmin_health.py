"""Garmin Health API pushes: summaries with a UTC start and samples by their offset from it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patients.domain.recording import Channel, Recording
from patients.domain.walks import LONGEST_WALK_SECONDS
from patients.ingest.common.archive import Member, members, sample
from patients.ingest.common.base import Zone, zones_of
from patients.ingest.common.device import Device, recordings
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


def recognises(path: Path) -> bool:
    """Whether the file, or any in the folder or zip, is such a push."""
    with members(path, ".json") as files:
        return any(_is_push(file) for file in sample(files))


def _is_push(file: Member) -> bool:
    head = file.head()
    return is_json(head) and f'"{START}"'.encode() in head and bool(KNOWN.search(head))


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """One recording; stamps are UTC seconds, so neither ``zone`` nor the offsets are needed.

    Epochs of up to an hour are walks; the steps of a day are left out and counted. InputError
    for an unknown zone, a file that is no JSON, and a date outside 1970 to 2100.
    """
    zones_of(zone)
    device = Device("Garmin", tellers="sum")
    with members(path, ".json") as files:
        for file in filter(_is_push, files):
            for summary in objects(read_json(file)):
                if START in summary:
                    _read(device, summary, file.basename)
                _read_nap(device, summary, file.basename)
    yield from recordings(path, SOURCE, [device])


def _read(device: Device, summary: dict[str, Any], name: str) -> None:
    where = f"{name}: summary {text(summary.get('summaryId'))}".strip()
    start = epoch_second(summary[START], where)
    for key, channel in SAMPLES.items():
        samples = summary.get(key)
        for offset, value in samples.items() if isinstance(samples, dict) else ():
            _add(device, channel, epoch_second(start + number(offset), where), value, key)
    _add(device, Channel.RESTING_HEART_RATE, start, summary.get(RESTING))
    if any(summary.get(key) is not None for key in SLEEP_FIELDS):
        _read_night(device, summary, start, where)
    elif summary.get("steps") is not None and "activeTimeInSeconds" in summary:
        _read_steps(device, summary, start)


def _add(device: Device, channel: Channel, second: int, value: Any, teller: str = "") -> None:
    """A sample, unless there is none: null, or a negative number."""
    if value is not None and not number(value) < 0:
        device.add(channel, second, number(value), teller)


def _read_steps(device: Device, summary: dict[str, Any], start: int) -> None:
    """An epoch's steps; it comes once for each kind of activity, and all of these add up."""
    length = number(summary.get("durationInSeconds"))
    if 0 <= length <= LONGEST_WALK_SECONDS:
        activity, steps = text(summary.get("activityType")), number(summary["steps"])
        device.walk(start, start + int(length), steps, activity)
    else:
        device.rejected["steps_total"] += 1


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
    # Not its calendar date: a day may have two sleeps, and an id stands for one night.
    log_id = text(summary.get("summaryId")) or str(start)
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
