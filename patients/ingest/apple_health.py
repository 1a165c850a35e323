"""Apple Health export.xml, alone or in export.zip: steps, heart, breath and sleep of each device.

The file is parsed as a stream of events and its samples are put aside on disk by their month,
so that memory does not grow with the file. Its DTD is skipped: iOS writes a malformed one, and no
entity can then be defined.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO

from lxml import etree

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Recording
from patients.ingest.common.apple_samples import SLEEP, Samples
from patients.ingest.common.archive import Member, members, sample
from patients.ingest.common.base import LATEST_SECOND, STAGES, Zone, nothing_usable, shown, zones_of
from patients.ingest.common.spill import Spill

SOURCE = "apple_health"
LABEL = "Apple Health export.xml or export.zip"
CHUNK_BYTES = 65_536
LONGEST_TAG_BYTES = 4 * 1024**2
ROOT, END, RECORD = b"<HealthData", b"</HealthData>", b"<Record"
IS_EXPORT = re.compile(rb"<(!DOCTYPE\s+)?HealthData\b")

# Each type's channel, and what a value is in that channel's unit: (unit, factor, offset).
QUANTITIES: dict[str, tuple[Channel, dict[str, tuple[float, float]]]] = {
    "HKQuantityTypeIdentifier" + name: (channel, units)
    for name, channel, units in (
        ("HeartRate", Channel.HEART_RATE, {"count/min": (1.0, 0.0)}),
        ("RestingHeartRate", Channel.RESTING_HEART_RATE, {"count/min": (1.0, 0.0)}),
        ("HeartRateVariabilitySDNN", Channel.HRV_SDNN, {"ms": (1.0, 0.0)}),
        ("RespiratoryRate", Channel.RESPIRATORY_RATE, {"count/min": (1.0, 0.0)}),
        ("OxygenSaturation", Channel.SPO2, {"%": (100.0, 0.0)}),  # told as a share of one
        (
            "AppleSleepingWristTemperature",
            Channel.WRIST_TEMPERATURE,
            {"degC": (1.0, 0.0), "degF": (5 / 9, -160 / 9)},
        ),
    )
}
STEP_TYPE = "HKQuantityTypeIdentifierStepCount"
SLEEP_TYPE = "HKCategoryTypeIdentifierSleepAnalysis"
SLEEP_VALUE = "HKCategoryValueSleepAnalysis"
IN_BED = SLEEP_VALUE + "InBed"
SLEEP_STAGES = {
    SLEEP_VALUE + name: STAGES.index(stage)
    for name, stage in {
        "Asleep": "asleep",
        "AsleepUnspecified": "asleep",
        "AsleepCore": "light",
        "AsleepDeep": "deep",
        "AsleepREM": "rem",
        "Awake": "awake",
    }.items()
}


def recognises(path: Path) -> bool:
    """Whether the file, or one in the folder or zip, has a HealthData root."""
    with members(path, ".xml") as files:
        return any(_is_export(file) for file in sample(files))


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Each device's minutes and sleep, a recording for about a month, in order of time.

    The stamps carry their offset, not ``zone``. Time in bed is not sleep. The last recording
    tells what was left out, records with a date outside 1970 to 2100 among it. InputError for an
    unknown zone, an export that is cut off or broken, and one in which nothing can be used.
    """
    zones_of(zone)
    with Spill() as spill:
        samples = Samples(path, spill)
        bad_date = _read(path, samples)
        last = None
        for recording in samples.recordings(SOURCE):
            if last is not None:
                yield last
            last = recording
        left_out = {reason: n for reason, n in sorted(samples.rejected.items()) if n}
        if last is None:
            raise bad_date or nothing_usable(path, SOURCE, left_out)
        yield replace(last, rejected=left_out)


def _read(path: Path, samples: Samples) -> InputError | None:
    """Take the export's samples in; what was wrong with the first bad date, if there is one."""
    with members(path, ".xml") as files:
        exports = [file for file in files if _is_export(file)]
        if len(exports) != 1:
            raise InputError(
                f"{path.name} holds {len(exports)} Apple Health exports; give a file with one."
            )
        records = _Records(path, samples)
        with exports[0].open() as stream:
            _feed(records, stream)
    samples.flush()
    return records.bad_date


def _is_export(file: Member) -> bool:
    return bool(IS_EXPORT.search(file.head()))


def _feed(found: "_Records", stream: IO[bytes]) -> None:
    # recover also passes over control characters (iOS writes \x0b) and undefined entities.
    # No huge_tree: nothing in an export needs it, and its limits bound what one tag may take.
    parser = etree.XMLParser(
        target=found, recover=True, resolve_entities=False, no_network=True, load_dtd=False
    )
    name, told, carried = found.path.name, 0, b""
    try:
        for chunk in _body(stream, name):
            told += (carried + chunk).count(RECORD)
            carried = chunk[1 - len(RECORD) :]
            parser.feed(chunk)
        parser.close()
    except etree.XMLSyntaxError as broken:
        raise InputError(
            f"{name} is not readable XML (line {broken.lineno}); export it again."
        ) from broken
    if found.count < told / 2:  # the parser gave up on the way
        raise InputError(
            f"{name} is damaged: only {found.count:,} of {told:,} records can be read; "
            "export it again."
        )
    found.rejected["unreadable_record"] += max(told - found.count, 0)


def _body(stream: IO[bytes], name: str) -> Iterator[bytes]:
    """The bytes from the root element on; InputError if its end is missing."""
    chunk, tail, unclosed = _root(stream), b"", 0
    while chunk:
        unclosed = 0 if b">" in chunk else unclosed + len(chunk)
        if unclosed > LONGEST_TAG_BYTES:
            raise InputError(f"{name} has a tag or text over 4 MiB; export it again.")
        tail = (tail + chunk[-CHUNK_BYTES:]).rstrip()[-len(END) :]
        yield chunk
        chunk = stream.read(CHUNK_BYTES)
    if tail != END:
        raise InputError(
            f"{name} is cut off: it does not end with </HealthData>; export or copy it again."
        )


def _root(stream: IO[bytes]) -> bytes:
    """Reads past the prologue and its DTD; what was read from the root's first byte on."""
    head = b""
    while ROOT not in head and len(head) <= LONGEST_TAG_BYTES:
        more = stream.read(CHUNK_BYTES)
        if not more:
            return b""
        head += more
    return head[head.find(ROOT) :] if ROOT in head else b""


class _BadDate(InputError):
    """A record's stamp is no date that can be used."""


class _Records:
    """Parser target that hands on the samples of the records it is told of."""

    def __init__(self, path: Path, samples: Samples) -> None:
        self.path = path
        self.count = 0
        self.samples = samples
        self.bad_date: InputError | None = None
        self.rejected: Counter[str] = samples.rejected
        self.take: dict[str, Callable[[Mapping[str, str]], None]] = {
            **dict.fromkeys(QUANTITIES, self._quantity),
            STEP_TYPE: self._steps,
            SLEEP_TYPE: self._sleep,
        }

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Called by the parser for each opening tag."""
        if tag == "Record":
            self.count += 1
            if take := self.take.get(attributes.get("type", "")):
                try:
                    take(attributes)
                except _BadDate as bad:
                    # One among hundreds of thousands: nobody can edit that out by hand.
                    self.rejected["date_out_of_range"] += 1
                    self.bad_date = self.bad_date or bad

    def close(self) -> None:
        """Called by the parser at the end."""

    def _quantity(self, attributes: Mapping[str, str]) -> None:
        channel, units = QUANTITIES[attributes["type"]]
        second = self._second(attributes, "startDate")
        scale = units.get(attributes.get("unit", ""))
        if scale is None:
            self.rejected[f"{channel}_unit"] += 1
            return
        value = _number(attributes) * scale[0] + scale[1]
        self.samples.add(channel, second, second, value, attributes)

    def _steps(self, attributes: Mapping[str, str]) -> None:
        start, end = self._second(attributes, "startDate"), self._second(attributes, "endDate")
        if attributes.get("unit") != "count":
            self.rejected["steps_unit"] += 1
            return
        self.samples.add(Channel.STEPS, start, end, _number(attributes), attributes)

    def _sleep(self, attributes: Mapping[str, str]) -> None:
        start, end = self._second(attributes, "startDate"), self._second(attributes, "endDate")
        value = attributes.get("value", "")
        if value in SLEEP_STAGES:
            self.samples.add(SLEEP, start, end, SLEEP_STAGES[value], attributes)
        elif value != IN_BED:
            self.rejected["sleep_unknown_value"] += 1

    def _second(self, attributes: Mapping[str, str], name: str) -> int:
        """The UTC second of a stamp like 2024-03-01 23:05:00 +0100; _BadDate for others."""
        text = attributes.get(name, "")
        try:
            moment = datetime.fromisoformat(text[:19] + text[20:])
            second = int(moment.timestamp()) if moment.tzinfo else -1
        except ValueError:
            second = -1
        if not 0 <= second < LATEST_SECOND:
            raise _BadDate(
                f"{self.path.name}: record {self.count:,} has the {name} {shown(text)}, not a date "
                "with offset between 1970 and 2100; remove that record and try again."
            )
        return second


def _number(attributes: Mapping[str, str]) -> float:
    try:
        return float(attributes.get("value", ""))
    except ValueError:
        return float("nan")  # counted with those out of range
