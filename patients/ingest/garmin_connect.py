"""Garmin Connect's own JSON answers, alone, in lists or in folders: sleep, heart, HRV, steps."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from patients.domain.recording import Channel, Recording
from patients.ingest.common.archive import Member, members, sample
from patients.ingest.common.base import Zone, zones_of
from patients.ingest.common.device import Device, recordings
from patients.ingest.common.json_files import (
    bad_date,
    dicts,
    epoch_second,
    is_json,
    iso_second,
    number,
    objects,
    read_json,
    text,
)
from patients.ingest.common.nights import night

SOURCE = "garmin_connect"
LABEL = "Garmin Connect JSON (sleep, heart rate, HRV, respiration, 15-minute steps)"
MILLISECONDS = 1000
KNOWN = re.compile(
    rb'"(dailySleepDTO|hrvReadings|heartRateValues|respirationValuesArray|primaryActivityLevel'
    rb'|userDailySummaryId|totalSteps)"\s*:'
)
STAGES_BY_LEVEL = {0: "deep", 1: "light", 2: "rem", 3: "awake"}


def recognises(path: Path) -> bool:
    """Whether the file, or any in the folder or zip, is such an answer."""
    with members(path, ".json") as files:
        return any(_is_answer(file) for file in sample(files))


def _is_answer(file: Member) -> bool:
    head = file.head()
    return (
        is_json(head)
        and bool(KNOWN.search(head))
        and (b'"calendarDate"' in head or b'GMT"' in head)
    )


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """One recording; the stamps taken are those in GMT, so ``zone`` is not needed.

    Totals of a day are left out and counted; how much the sleeper moved has no known unit and
    is not read. InputError for an unknown zone, a file that is no JSON, and a date outside
    1970 to 2100.
    """
    zones_of(zone)
    device = Device("Garmin")
    with members(path, ".json") as files:
        for file in filter(_is_answer, files):
            for answer in objects(read_json(file)):
                _read(_Answer(device, answer, file.basename))
    yield from recordings(path, SOURCE, [device])


@dataclass
class _Answer:
    """One object of a file, and the device to which it adds."""

    device: Device
    fields: dict[str, Any]
    name: str

    @property
    def where(self) -> str:
        """How a message names it."""
        return f"{self.name}: {text(self.fields.get('calendarDate')) or 'a record'}"


def _read(answer: _Answer) -> None:
    for key, reader in READERS.items():
        if answer.fields.get(key) is not None:
            reader(answer)


def _read_night(answer: _Answer) -> None:
    dto, device = answer.fields["dailySleepDTO"], answer.device
    if not isinstance(dto, dict) or dto.get("sleepStartTimestampGMT") is None:
        return
    day = text(dto.get("calendarDate"))
    where = f"{answer.name}: sleep of {day}"
    start, end = (
        epoch_second(dto.get(f"sleep{side}TimestampGMT"), where, MILLISECONDS)
        for side in ("Start", "End")
    )
    segments = []
    for row in dicts(answer.fields.get("sleepLevels")):
        level = number(row.get("activityLevel"))
        if level in STAGES_BY_LEVEL:
            first, stop = (_gmt(row.get(key), where) for key in ("startGMT", "endGMT"))
            segments.append((first, stop, STAGES_BY_LEVEL[int(level)]))
        else:
            device.rejected["sleep_unknown_value"] += 1
    told = (number(dto.get("sleepTimeSeconds")) / 60, number(dto.get("awakeSleepSeconds")) / 60)
    # One main sleep a day: the day names it even if it is scored again with another start.
    device.sleep(night(segments, day or str(start), device.rejected, (start, end), told))
    offset = _offset_seconds(dto, "sleepStartTimestamp", where)
    if offset is not None and answer.fields.get("restingHeartRate") is not None:
        midnight = _midnight(day, where) - offset
        _add(device, Channel.RESTING_HEART_RATE, midnight, answer.fields["restingHeartRate"])


def _read_resting(answer: _Answer) -> None:
    """The day's resting heart rate, at its local midnight; nights have it beside their own."""
    start = answer.fields.get("startTimestampGMT") or answer.fields.get("wellnessStartTimeGmt")
    if start is not None and "dailySleepDTO" not in answer.fields:
        value = answer.fields["restingHeartRate"]
        _add(answer.device, Channel.RESTING_HEART_RATE, _gmt(start, answer.where), value)


def _read_steps(answer: _Answer) -> None:
    start, end = answer.fields.get("startGMT"), answer.fields.get("endGMT")
    if start is not None and end is not None:
        first, stop = _gmt(start, answer.where), _gmt(end, answer.where)
        answer.device.walk(first, stop, number(answer.fields["steps"]))


def _read_total(answer: _Answer) -> None:
    answer.device.rejected["steps_total"] += 1


def _pairs(key: str, channel: Channel) -> Callable[[_Answer], None]:
    """A reader of lists [milliseconds, value]."""

    def read(answer: _Answer) -> None:
        rows = answer.fields[key]
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, list) and len(row) > 1 and row[1] is not None:
                second = epoch_second(row[0], answer.where, MILLISECONDS)
                _add(answer.device, channel, second, row[1], key)

    return read


def _rows(key: str, when: str, value: str, channel: Channel) -> Callable[[_Answer], None]:
    """A reader of lists of objects that name their time and value so."""

    def read(answer: _Answer) -> None:
        for row in dicts(answer.fields[key]):
            if row.get(value) is not None:
                _add(answer.device, channel, _gmt(row.get(when), answer.where), row[value], key)

    return read


READERS: dict[str, Callable[[_Answer], None]] = {
    "dailySleepDTO": _read_night,
    "restingHeartRate": _read_resting,
    "steps": _read_steps,
    "totalSteps": _read_total,
    "heartRateValues": _pairs("heartRateValues", Channel.HEART_RATE),
    "sleepHeartRate": _rows("sleepHeartRate", "startGMT", "value", Channel.HEART_RATE),
    "hrvReadings": _rows("hrvReadings", "readingTimeGMT", "hrvValue", Channel.HRV_RMSSD),
    "hrvData": _rows("hrvData", "startGMT", "value", Channel.HRV_RMSSD),
    "respirationValuesArray": _pairs("respirationValuesArray", Channel.RESPIRATORY_RATE),
    "wellnessEpochRespirationDataDTOList": _rows(
        "wellnessEpochRespirationDataDTOList",
        "startTimeGMT",
        "respirationValue",
        Channel.RESPIRATORY_RATE,
    ),
    "wellnessEpochSPO2DataDTOList": _rows(
        "wellnessEpochSPO2DataDTOList", "epochTimestamp", "spo2Reading", Channel.SPO2
    ),
}


def _add(device: Device, channel: Channel, second: int, value: Any, teller: str = "") -> None:
    """A sample, unless it is one of Garmin's negative words for none."""
    if not number(value) < 0:
        device.add(channel, second, number(value), teller)


def _gmt(stamp: Any, where: str) -> int:
    """The UTC second of a stamp in GMT, told as ISO text without zone or in milliseconds."""
    if isinstance(stamp, int | float):
        return epoch_second(stamp, where, MILLISECONDS)
    return iso_second(stamp, where)


def _offset_seconds(fields: dict[str, Any], name: str, where: str) -> int | None:
    """How far the local clock was ahead of GMT, from a stamp told in both; None without."""
    told = [fields.get(f"{name}{clock}") for clock in ("Local", "GMT")]
    if None in told:
        return None
    local, gmt = (epoch_second(stamp, where, MILLISECONDS) for stamp in told)
    return local - gmt


def _midnight(day: str, where: str) -> int:
    """The seconds since 1970 of a calendar day's midnight, by its own clock."""
    try:
        moment = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    except ValueError:
        raise bad_date(day, where) from None
    return iso_second(moment.isoformat(), where)
