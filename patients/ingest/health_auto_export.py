"""Health Auto Export JSON (an iPhone app): metrics by name, each row with its source."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from patients.domain.recording import Channel, DeviceKind, QuestionnaireAnswer, Recording
from patients.ingest.common import apple_device
from patients.ingest.common.archive import Member, members, sample
from patients.ingest.common.base import Rejected, Zone, utc, zones_of
from patients.ingest.common.device import Device, recordings
from patients.ingest.common.json_files import dicts, iso_moment, iso_second, number, read_json, text
from patients.ingest.common.nights import night

SOURCE = "health_auto_export"
LABEL = "Health Auto Export JSON"
APP = "Health Auto Export"  # rows that name no source
IS_EXPORT = re.compile(rb'(\xef\xbb\xbf)?\s*\{\s*"data"\s*:\s*\{')
PARTS = ("metrics", "workouts", "stateOfMind", "medications", "symptoms", "cycleTracking", "ecg")
HAS_PART = re.compile(rb'"(' + "|".join((*PARTS, "heartRateNotifications")).encode() + rb')"\s*:')
CHANNELS = {
    "step_count": Channel.STEPS,
    "heart_rate": Channel.HEART_RATE,
    "resting_heart_rate": Channel.RESTING_HEART_RATE,
    "heart_rate_variability": Channel.HRV_SDNN,
    "respiratory_rate": Channel.RESPIRATORY_RATE,
    "blood_oxygen_saturation": Channel.SPO2,
    "apple_sleeping_wrist_temperature": Channel.WRIST_TEMPERATURE,
}
STAGE_NAMES = {
    "Asleep": "asleep",
    "Unspecified": "asleep",
    "Core": "light",
    "REM": "rem",
    "Deep": "deep",
    "Awake": "awake",
}
NOT_SLEEP = ("In Bed", "InBed")
LONGEST_SLEEP_HOURS = 24
MINUTE, HOUR, DAY = 60, 3600, 86_400
DAYS_APART_SECONDS = 20 * HOUR  # rows at least this far apart are of days; one day has 23 h


def recognises(path: Path) -> bool:
    """Whether the file, or any in the folder or zip, is such an export."""
    with members(path, ".json") as files:
        return any(_is_export(file) for file in sample(files))


def _is_export(file: Member) -> bool:
    head = file.head()
    return bool(IS_EXPORT.match(head) and HAS_PART.search(head))


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """One recording for each kind of source; the stamps carry their offset, not ``zone``.

    Steps told by the hour are spread over that hour; totals of days are left out and counted,
    and so are heart rates averaged over days. InputError for an unknown zone, a file that is
    no JSON, and a date outside 1970 to 2100.
    """
    zones_of(zone)
    found = _Found()
    with members(path, ".json") as files:
        for file in filter(_is_export, files):
            data = read_json(file).get("data")
            _read(found, data if isinstance(data, dict) else {}, file.basename)
            for channel, rows in found.rows.items():
                _add_rows(found, channel, rows)
            found.rows.clear()
    yield from recordings(path, SOURCE, found.devices.values(), found.rejected)


@dataclass(slots=True)
class _Row:
    """One value of a metric and when it was."""

    device: str
    second: int
    second_of_day: int  # by the local clock of the stamp
    value: float


@dataclass
class _Found:
    """What the files held so far; a file's ``rows`` wait until all of a metric are known."""

    devices: dict[str, Device] = field(default_factory=dict)
    rows: dict[Channel, list[_Row]] = field(default_factory=dict)
    rejected: Rejected = field(default_factory=Rejected)

    def device(self, source: Any) -> Device:
        """The device of a row's source, made when first met."""
        name, kind = device_of(source if isinstance(source, str) else "")
        return self.devices.setdefault(name, Device(name, kind))


@lru_cache(maxsize=256)
def device_of(source: str) -> tuple[str, DeviceKind]:
    """The kinds of device in a row's source, and the one of them that counts first.

    >>> device_of("Sam’s iPhone|Sam’s Apple Watch")
    ('Apple Watch, iPhone', <DeviceKind.WATCH: 'watch'>)
    """
    parts = filter(str.strip, text(source).split("|"))
    named = dict(apple_device.device_of(part, "") for part in parts)
    kinds = [kind for kind in DeviceKind if kind in named.values()]
    return ", ".join(sorted(named)) or APP, kinds[0] if kinds else DeviceKind.APP


def _read(found: _Found, data: dict[str, Any], name: str) -> None:
    for metric in dicts(data.get("metrics")):
        title = text(metric.get("name"))
        where = f"{name}: {title} row"
        rows = list(enumerate(dicts(metric.get("data")), start=1))
        if title == "sleep_analysis":
            for at, row in rows:
                _read_sleep(found, row, f"{where} {at}")
        elif channel := CHANNELS.get(title):
            unit = text(metric.get("units"))
            for at, row in rows:
                _read_row(found, channel, unit, row, f"{where} {at}")
    for at, mood in enumerate(dicts(data.get("stateOfMind")), start=1):
        _read_mood(found, mood, f"{name}: stateOfMind {at}")


def _read_row(found: _Found, channel: Channel, unit: str, row: dict[str, Any], where: str) -> None:
    moment = iso_moment(row.get("date"), where)
    of_day = moment.hour * HOUR + moment.minute * MINUTE + moment.second
    value = in_channel_unit(number(row.get("Avg", row.get("qty"))), unit)
    device = found.device(row.get("source"))
    placed = _Row(device.name, int(moment.timestamp()), of_day, value)
    found.rows.setdefault(channel, []).append(placed)


def in_channel_unit(value: float, unit: str) -> float:
    """Degrees Fahrenheit as Celsius and fractions of one as percent; else the value itself.

    >>> in_channel_unit(0.97, "%"), in_channel_unit(95.0, "degF")
    (97.0, 35.0)
    """
    if unit == "degF":
        return (value - 32) / 1.8
    return value * 100 if unit == "%" and value <= 1 else value


def _add_rows(found: _Found, channel: Channel, rows: list[_Row]) -> None:
    """One file's rows of a metric to their devices, by how far they are apart."""
    apart = seconds_apart([(row.second, row.second_of_day) for row in rows])
    for row in rows:
        device = found.devices[row.device]
        if apart == DAY and channel in (Channel.STEPS, Channel.HEART_RATE):
            device.rejected[f"{channel}_total"] += 1
        elif channel is Channel.STEPS:
            device.walk(row.second, row.second + apart, row.value)
        else:
            device.add(channel, row.second, row.value)


def seconds_apart(rows: list[tuple[int, int]]) -> int:
    """What one row of a metric covers: a minute, an hour or a day.

    ``rows`` are UTC seconds and seconds of the local day. The app writes the start of what it
    summed up: midnights for days (and longer), full hours for hours. Rows of single samples or
    of minutes start anywhere.

    >>> seconds_apart([(0, 0), (3600, 3600)]), seconds_apart([(0, 0), (60, 60)])
    (3600, 60)
    """
    stamps = sorted({second for second, _ in rows})
    least = min((b - a for a, b in pairwise(stamps)), default=DAY)
    clocks = {clock for _, clock in rows}
    if least >= DAYS_APART_SECONDS and (clocks == {0} or len(clocks) == 1 < len(stamps)):
        return DAY
    return HOUR if all(clock % HOUR == 0 for clock in clocks) else MINUTE


def _read_sleep(found: _Found, row: dict[str, Any], where: str) -> None:
    device = found.device(row.get("source"))
    if "value" in row:
        _read_stretch(device, row, where)
        return
    if not row.get("sleepStart") or not row.get("sleepEnd"):
        device.rejected["sleep_malformed"] += 1
        return
    start, end = (iso_second(row.get(key), where) for key in ("sleepStart", "sleepEnd"))
    asleep, awake = _hours_asleep(row), number(row.get("awake") or 0)
    if not all(0 <= hours <= LONGEST_SLEEP_HOURS for hours in (asleep, awake)):
        device.rejected["sleep_bad_duration"] += 1
        return
    told = (asleep * 60, awake * 60)
    device.sleep(night([], str(start), device.rejected, (start, end), told))


def _hours_asleep(row: dict[str, Any]) -> float:
    """Hours asleep of an aggregated night: its stages, or where these are all 0 its total."""
    stages = [number(row.get(key) or 0) for key in ("core", "deep", "rem")]
    plain = number(row.get("asleep") or 0)
    total = number(row.get("totalSleep") or 0)
    if sum(stages) > 0:
        return max(sum(stages), total)
    return plain or total


def _read_stretch(device: Device, row: dict[str, Any], where: str) -> None:
    stage = STAGE_NAMES.get(text(row["value"]))
    if stage is None:
        if text(row["value"]) not in NOT_SLEEP:
            device.rejected["sleep_unknown_value"] += 1
        return
    start, end = (iso_second(row.get(key), where) for key in ("startDate", "endDate"))
    device.stretches.append((start, end, stage))


def _read_mood(found: _Found, mood: dict[str, Any], where: str) -> None:
    """Apple's State of Mind: valence from -1, very unpleasant, to 1, very pleasant."""
    valence = number(mood.get("valence"))
    if -1 <= valence <= 1:
        taken_at = utc(iso_second(mood.get("start"), where))
        answer = QuestionnaireAnswer("state_of_mind", taken_at, valence)
        found.device(APP).answers.append(answer)
    else:
        found.rejected["state_of_mind_out_of_range"] += 1
