"""Oura API v2 JSON: sleep periods with phases, heart rate and HRV; stamps carry their offset."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from patients.domain.days import ZoneHistory
from patients.domain.recording import Channel, DeviceKind, Recording
from patients.ingest.common.archive import Member, members, sample
from patients.ingest.common.base import Zone, zones_of
from patients.ingest.common.device import Device, recordings
from patients.ingest.common.json_files import (
    epoch_second,
    is_json,
    iso_moment,
    number,
    objects,
    read_json,
    text,
)
from patients.ingest.common.nights import Segment, night

SOURCE = "oura"
LABEL = "Oura API v2 JSON (sleep, heart rate)"
IS_SLEEP = re.compile(rb'"bedtime_(start|end)"\s*:\s*"')
IS_ACTIVITY = re.compile(rb'"(class_5_min|average_met_minutes)"\s*:')
IS_HEART = re.compile(rb'"bpm"\s*:\s*\d+\s*,\s*"source"\s*:\s*"|"timestamp_unix"\s*:\s*\d')
PHASE_SECONDS = 300
PHASES = {"1": "deep", "2": "light", "3": "rem", "4": "awake"}
LEFT_OUT = ("deleted", "rest")  # a rest is a quiet time in which no sleep was found
MAIN_SLEEP = "long_sleep"
SAMPLES = {"heart_rate": Channel.HEART_RATE, "hrv": Channel.HRV_RMSSD}
OF_THE_NIGHT = {
    "lowest_heart_rate": Channel.RESTING_HEART_RATE,
    "average_breath": Channel.RESPIRATORY_RATE,
}


def recognises(path: Path) -> bool:
    """Whether the file, or any in the folder or zip, is such an answer."""
    with members(path, ".json") as files:
        return any(_is_answer(file) for file in sample(files))


def _is_answer(file: Member) -> bool:
    head = file.head()
    return is_json(head) and any(known.search(head) for known in (IS_SLEEP, IS_ACTIVITY, IS_HEART))


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """One recording; a stamp without offset, which Oura does not write, is local in ``zone``.

    The steps of a day are left out and counted, metabolic equivalents are no counts and are not
    read. InputError for an unknown zone, a file that is no JSON, and a date outside 1970 to
    2100.
    """
    zones = zones_of(zone)
    device = Device("Oura Ring", DeviceKind.RING)
    with members(path, ".json") as files:
        for file in filter(_is_answer, files):
            for at, document in enumerate(objects(read_json(file)), start=1):
                where = f"{file.basename}: object {at}"
                if "bedtime_start" in document:
                    _read_sleep(device, document, where, zones)
                elif "bpm" in document and document.get("timestamp") is not None:
                    second = _second(device, document["timestamp"], where, zones)
                    _add(device, Channel.HEART_RATE, second, document["bpm"], "bpm")
                elif "class_5_min" in document or "average_met_minutes" in document:
                    device.rejected["steps_total"] += document.get("steps") is not None
    yield from recordings(path, SOURCE, [device])


def _read_sleep(device: Device, period: dict[str, Any], where: str, zones: ZoneHistory) -> None:
    kind = text(period.get("type"))
    if kind in LEFT_OUT:
        device.rejected[f"sleep_{kind}"] += 1
        return
    start, end = (
        _second(device, period.get(f"bedtime_{side}"), where, zones) for side in ("start", "end")
    )
    segments = list(_segments(period.get("sleep_phase_5_min"), start, end))
    told = tuple(number(period.get(key)) / 60 for key in ("total_sleep_duration", "awake_time"))
    log_id = text(period.get("id")) or str(start)
    device.sleep(night(segments, log_id, device.rejected, (start, end), (told[0], told[1])))
    for name, channel in SAMPLES.items():
        _read_samples(device, channel, period.get(name), where, zones)
    if kind == MAIN_SLEEP:
        for name, channel in OF_THE_NIGHT.items():
            _add(device, channel, end, period.get(name))


def _segments(phases: Any, start: int, end: int) -> Iterator[Segment]:
    """The stages of each five minutes; the last may be shorter."""
    for at, phase in enumerate(phases if isinstance(phases, str) else ""):
        first = start + at * PHASE_SECONDS
        if phase in PHASES and first < end:
            yield first, min(first + PHASE_SECONDS, end), PHASES[phase]


def _read_samples(
    device: Device, channel: Channel, series: Any, where: str, zones: ZoneHistory
) -> None:
    series = series if isinstance(series, dict) else {}
    items, interval = series.get("items"), number(series.get("interval"))
    if not isinstance(items, list) or not interval > 0:
        return
    start = _second(device, series.get("timestamp"), where, zones)
    for at, value in enumerate(items):
        _add(device, channel, epoch_second(start + at * interval, where), value)


def _second(device: Device, stamp: Any, where: str, zones: ZoneHistory) -> int:
    """The UTC second of a stamp; the device tells that one without offset was read in ``zones``."""
    moment = iso_moment(stamp, where, zones)
    if isinstance(moment.tzinfo, ZoneInfo):
        device.zones = zones
    return int(moment.timestamp())


def _add(device: Device, channel: Channel, second: int, value: Any, teller: str = "") -> None:
    """A sample, unless there is none."""
    if value is not None:
        device.add(channel, second, number(value), teller)
