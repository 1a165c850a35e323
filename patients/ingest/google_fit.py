"""Google Fit Takeout JSON: data points of each data source, and sleep sessions; stamps are UTC."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patients.domain.recording import Channel, DeviceKind, Recording
from patients.ingest.common.archive import Member, members, sample
from patients.ingest.common.base import Rejected, zone_of
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
from patients.ingest.common.nights import Segment, night, nights_of_stretches

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


def parse(path: Path, zone: str) -> Iterator[Recording]:
    """One recording for what Google merged of all devices, or else one for each data source.

    The same steps are told by several data sources: those that Google merged are taken, where
    there are any, and never two added up. InputError for an unknown zone, a file that is no
    JSON, and a date outside 1970 to 2100.
    """
    zone_of(zone)
    streams: list[_Stream] = []
    nights = Device(MERGED, DeviceKind.PHONE)
    with members(path, ".json") as files:
        for file in files:
            head = file.head()
            if _is_points(head):
                streams += _streams(file)
            elif _is_session(head):
                _read_session(nights, read_json(file), file.basename)
    rejected = Rejected()
    devices: dict[str, Device] = {}
    for kind in (STEPS, HEART, SEGMENT):
        for stream in _chosen([s for s in streams if s.kind == kind], rejected):
            name, device_kind = device_of(stream.source)
            device = devices.setdefault(name, Device(name, device_kind))
            _add(device, stream)
    _add_sessions(devices, nights)
    yield from recordings(path, SOURCE, devices.values(), rejected)


@dataclass
class _Stream:
    """The points (start, end, value; UTC seconds) of one data source and type of data."""

    kind: str
    source: str
    points: list[tuple[int, int, float]] = field(default_factory=list)


def _streams(file: Member) -> Iterator[_Stream]:
    """The stream in a file, by the data source and type it names, or else by the file name."""
    whole = read_json(file)
    whole = whole if isinstance(whole, dict) else {}
    points = dicts(whole.get("Data Points"))
    source = text(whole.get("Data Source")) or file.basename.replace("_com.", ":com.")
    named = OURS.search(source) or OURS.search(
        text(points[0].get("dataTypeName")) if points else ""
    )
    if named is None:
        return
    stream = _Stream(named.group(), source)
    for at, point in enumerate(points, start=1):
        where = f"{file.basename}: point {at}"
        start, end = (
            epoch_second(point.get(key), where, NANOSECONDS)
            for key in ("startTimeNanos", "endTimeNanos")
        )
        stream.points.append((start, end, _value(point)))
    yield stream


def _value(point: dict[str, Any]) -> float:
    values = dicts(point.get("fitValue"))
    value = values[0].get("value") if values else None
    value = value if isinstance(value, dict) else {}
    return number(value.get("intVal", value.get("fpVal")))


def rank(source: str) -> int:
    """How a data source is preferred: merged by Google, estimated, raw, derived otherwise.

    >>> rank("derived:com.google.step_count.delta:com.google.android.gms:merge_step_deltas")
    0
    """
    if source.startswith("raw"):
        return 2
    if "merge" in source:
        return 0
    return 1 if "estimated_steps" in source else 3


def _chosen(streams: list[_Stream], rejected: Rejected) -> list[_Stream]:
    """The streams of the best rank: all raw ones, for they are devices, but one derived one."""
    if not streams:
        return []
    best = min(rank(stream.source) for stream in streams)
    names = {stream.source for stream in streams if rank(stream.source) == best}
    kept = names if best == rank("raw") else {min(names)}
    for stream in streams:
        if stream.source not in kept:
            rejected["told_by_another_data_source"] += len(stream.points)
    return [stream for stream in streams if stream.source in kept]


def device_of(source: str) -> tuple[str, DeviceKind]:
    """The device of a data source: package, maker, model and serial of a raw one.

    >>> device_of("raw:com.google.heart_rate.bpm:com.example.app:Acme:Watch 2:ab12:")
    ('com.example.app Acme Watch 2 ab12', <DeviceKind.WATCH: 'watch'>)
    """
    if not source.startswith("raw"):
        return MERGED, DeviceKind.PHONE
    name = " ".join(part for part in source.split(":")[2:6] if part) or "unknown"
    worn = any(word in name.lower() for word in WORN)
    return name, DeviceKind.WATCH if worn else DeviceKind.PHONE


def _add(device: Device, stream: _Stream) -> None:
    for start, end, value in stream.points:
        if stream.kind == STEPS:
            device.walk(start, end, value)
        elif stream.kind == HEART:
            device.add(Channel.HEART_RATE, start, value)
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


def _add_sessions(devices: dict[str, Device], sessions: Device) -> None:
    """The sessions for which no points tell of the same night."""
    stretches = [stretch for device in devices.values() for stretch in device.stretches]
    told = nights_of_stretches(stretches, Rejected())
    starts = [night.start for night in told]
    device = devices.setdefault(MERGED, Device(MERGED, DeviceKind.PHONE))
    device.rejected.update(sessions.rejected)
    for session in sessions.nights:
        before = bisect_left(starts, session.end) - 1
        if before >= 0 and told[before].end > session.start:
            device.rejected["sleep_duplicate"] += 1
        else:
            device.sleep(session)
