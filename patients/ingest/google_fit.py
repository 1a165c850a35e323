"""Google Fit Takeout JSON: data points of each data source, and sleep sessions; stamps are UTC."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patients.domain.recording import Channel, DeviceKind, Recording
from patients.ingest.common import totals
from patients.ingest.common.archive import Member, members, sample
from patients.ingest.common.base import Rejected, Zone, zones_of
from patients.ingest.common.device import Device, recordings
from patients.ingest.common.json_files import (
    dicts,
    epoch_second,
    is_json,
    iso_second,
    number,
    read_json,
    text,
)
from patients.ingest.common.nights import Segment, night

SOURCE = "google_fit"
LABEL = "Google Fit Takeout JSON (All Data, All Sessions)"
MERGED = "Google Fit"  # the name of what Google made of all devices
NANOSECONDS = 1_000_000_000
SEGMENT, HEART, STEPS = (
    f"com.google.{name}" for name in ("sleep.segment", "heart_rate.bpm", "step_count.delta")
)
OURS = re.compile("|".join(map(re.escape, (SEGMENT, HEART, STEPS))))
IS_SESSION = re.compile(rb'"fitnessActivity"\s*:\s*"sleep')
STAGES_BY_NUMBER = {1: "awake", 2: "asleep", 4: "light", 5: "deep", 6: "rem"}
OUT_OF_BED = 3
STAGES_BY_NAME = {
    "sleep": "asleep",
    "sleep.light": "light",
    "sleep.deep": "deep",
    "sleep.rem": "rem",
    "sleep.awake": "awake",
}
WORN = ("watch", "wear", "band", "fitbit")


def recognises(path: Path) -> bool:
    """Whether the file, or any in the folder or zip, is of Google Fit's sleep, heart or steps."""
    with members(path, ".json") as files:
        return any(_is_points(file.head()) or _is_session(file.head()) for file in sample(files))


def _is_points(head: bytes) -> bool:
    return (
        is_json(head)
        and b'"Data Points"' in head
        and bool(OURS.search(head.decode("utf-8", "replace")))
    )


def _is_session(head: bytes) -> bool:
    return is_json(head) and bool(IS_SESSION.search(head)) and b'"startTime"' in head


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """One recording for each device with data of its own, and one for what Google made of all.

    The same steps are told by several data sources; none are added up. InputError for an
    unknown zone, a file that is no JSON, and a date outside 1970 to 2100.
    """
    zones_of(zone)
    devices: dict[str, Device] = {}
    rejected = Rejected()
    with members(path, (".json", ".csv")) as files:
        for file in files:
            head = file.head()
            if _is_points(head):
                _read_points(devices, file)
            elif _is_session(head):
                sessions = devices.setdefault(MERGED, Device(MERGED, DeviceKind.APP))
                _read_session(sessions, read_json(file), file.basename)
            elif totals.source_of(head) == SOURCE:
                rejected[totals.REASON] += 1
    yield from recordings(path, SOURCE, devices.values(), rejected)


def _read_points(devices: dict[str, Device], file: Member) -> None:
    """The points of a file, of the data source and type it names, or else its file name."""
    whole = read_json(file)
    whole = whole if isinstance(whole, dict) else {}
    points = dicts(whole.get("Data Points"))
    source = text(whole.get("Data Source")) or file.basename.replace("_com.", ":com.")
    named = OURS.search(source) or OURS.search(
        text(points[0].get("dataTypeName")) if points else ""
    )
    if named is None:
        return
    name, kind = device_of(source)
    device = devices.setdefault(name, Device(name, kind))
    for at, point in enumerate(points, start=1):
        where = f"{file.basename}: point {at}"
        start, end = (
            epoch_second(point.get(key), where, NANOSECONDS)
            for key in ("startTimeNanos", "endTimeNanos")
        )
        _add(device, named.group(), source, start, end, _value(point))


def _value(point: dict[str, Any]) -> float:
    values = dicts(point.get("fitValue"))
    value = values[0].get("value") if values else None
    value = value if isinstance(value, dict) else {}
    return number(value.get("intVal", value.get("fpVal")))


def device_of(source: str) -> tuple[str, DeviceKind]:
    """The device of a raw data source, by package, maker, model and serial, or else Google Fit.

    What Google derived of all devices is an app's, believed where no device of its own tells of
    a minute: what it merged before what it estimated.

    >>> device_of("raw:com.google.heart_rate.bpm:com.example.app:Acme:Watch 2:ab12:")
    ('com.example.app Acme Watch 2 ab12', <DeviceKind.WATCH: 'watch'>)
    """
    if source.startswith("raw"):
        name = " ".join(part for part in source.split(":")[2:6] if part) or "unknown"
        worn = any(word in name.lower() for word in WORN)
        return name, DeviceKind.WATCH if worn else DeviceKind.PHONE
    if "merge" in source:
        return MERGED, DeviceKind.APP
    estimated = "estimated_steps" in source
    return f"{MERGED} ({'estimated' if estimated else 'other'})", DeviceKind.APP


def _add(device: Device, kind: str, source: str, start: int, end: int, value: float) -> None:
    if kind == STEPS:
        device.walk(start, end, value, source)
    elif kind == HEART:
        device.add(Channel.HEART_RATE, start, value, source)
    elif value in STAGES_BY_NUMBER:
        device.stretches.append((start, end, STAGES_BY_NUMBER[int(value)]))
    elif value != OUT_OF_BED:
        device.rejected["sleep_unknown_value"] += 1


def _read_session(device: Device, session: Any, name: str) -> None:
    session = session if isinstance(session, dict) else {}
    start = iso_second(session.get("startTime"), name)
    parts = dicts(session.get("segment"))
    segments = list(_segments(parts, name))
    if not segments:
        device.rejected["sleep_without_segments"] += 1
        return
    device.sleep(night(segments, str(start), device.rejected))


def _segments(parts: list[dict[str, Any]], name: str) -> Iterator[Segment]:
    for at, part in enumerate(parts, start=1):
        stage = STAGES_BY_NAME.get(text(part.get("fitnessActivity", "sleep")))
        if stage:
            where = f"{name}: segment {at}"
            start, end = (iso_second(part.get(key), where) for key in ("startTime", "endTime"))
            yield start, end, stage
