"""Apple Health export.xml, alone or in export.zip: steps, heart, and sleep from several devices.

The file is parsed as a stream of events, so memory grows with the samples kept and not with the
file. Its DTD is skipped: iOS writes a malformed one, and no entity can then be defined.
"""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO

import numpy as np
from lxml import etree

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family, Recording
from patients.ingest.archive import Member, members
from patients.ingest.base import (
    LATEST_SECOND,
    STAGES,
    Rejected,
    binned,
    recording,
    shown,
    zone_of,
)
from patients.ingest.overlap import Spans, sleep_of_one_source, steps_per_minute

SOURCE = "apple_health"
LABEL = "Apple Health export.xml or export.zip"
KINDS = ("Apple Watch", "iPhone", "other")  # in order of preference
CHUNK_BYTES = 65_536
LONGEST_TAG_BYTES = 4 * 1024**2
ROOT, END, RECORD = b"<HealthData", b"</HealthData>", b"<Record"
IS_EXPORT = re.compile(rb"<(!DOCTYPE\s+)?HealthData\b")

QUANTITIES = {
    "HKQuantityTypeIdentifierHeartRate": (Channel.HEART_RATE, "count/min"),
    "HKQuantityTypeIdentifierRestingHeartRate": (Channel.RESTING_HEART_RATE, "count/min"),
    "HKQuantityTypeIdentifierHeartRateVariabilitySDNN": (Channel.HRV_SDNN, "ms"),
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
        return any(_is_export(file) for file in files)


def parse(path: Path, zone: str) -> Iterator[Recording]:
    """Steps, heart rates, HRV (SDNN) and sleep; the stamps carry their offset, not ``zone``.

    Steps of a minute are those of the Watch, else the iPhone, else another source. A night's
    sleep is one source's; time in bed is not sleep. InputError for an unknown zone, an export
    that is cut off or broken, and a date outside 1970 to 2100.
    """
    zone_of(zone)
    found = _Records(path)
    with members(path, ".xml") as files:
        exports = [file for file in files if _is_export(file)]
        if len(exports) != 1:
            raise InputError(
                f"{path.name} holds {len(exports)} Apple Health exports; give a file with one."
            )
        with exports[0].open() as stream:
            _feed(found, stream)
    yield found.recording()


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
        tail = (tail + chunk).rstrip()[-len(END) :]
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


class _Records:
    """Parser target that keeps the samples of the records it is told of, one array a field."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.rejected: Rejected = Counter()
        self.samples = {kind: (array("q"), array("d")) for kind in QUANTITIES}
        self.steps = Spans()
        self.sleep = Spans()
        self.sources: dict[tuple[int, str], int] = defaultdict(lambda: len(self.sources))
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
                take(attributes)

    def close(self) -> None:
        """Called by the parser at the end."""

    def recording(self) -> Recording:
        """What was kept, with overlapping sources resolved."""
        order = self._order()
        series = [steps_per_minute(self.steps, order, self.rejected)]
        family = Family.STEPS if series[0] else None
        for kind, (channel, _) in QUANTITIES.items():
            seconds, values = self.samples[kind]
            samples = (np.frombuffer(seconds, np.int64), np.frombuffer(values, np.float64))
            series.append(binned(channel, samples, self.rejected))
        sleep = sleep_of_one_source(self.sleep, order, self.rejected)
        device = ", ".join(KINDS[kind] for kind in sorted({kind for kind, _ in self.sources}))
        return recording(self.path, SOURCE, device, series, sleep, self.rejected, family)

    def _order(self) -> list[int]:
        """The rank of each source: by kind of device, then by name, whatever it recorded."""
        rank = {key: place for place, key in enumerate(sorted(self.sources))}
        return [rank[key] for key in self.sources]

    def _quantity(self, attributes: Mapping[str, str]) -> None:
        kind = attributes["type"]
        channel, unit = QUANTITIES[kind]
        seconds = self._second(attributes, "startDate")
        value = self._value(attributes, unit, channel)
        if value is not None:
            self._source(attributes)  # so that the device is named
            self.samples[kind][0].append(seconds)
            self.samples[kind][1].append(value)

    def _steps(self, attributes: Mapping[str, str]) -> None:
        start, end = self._second(attributes, "startDate"), self._second(attributes, "endDate")
        value = self._value(attributes, "count", Channel.STEPS)
        if value is not None:
            self.steps.append(start, end, value, self._source(attributes))

    def _sleep(self, attributes: Mapping[str, str]) -> None:
        start, end = self._second(attributes, "startDate"), self._second(attributes, "endDate")
        value = attributes.get("value", "")
        if value in SLEEP_STAGES:
            self.sleep.append(start, end, SLEEP_STAGES[value], self._source(attributes))
        elif value != IN_BED:
            self.rejected["sleep_unknown_value"] += 1

    def _second(self, attributes: Mapping[str, str], name: str) -> int:
        """The UTC second of a stamp like 2024-03-01 23:05:00 +0100; InputError for others."""
        text = attributes.get(name, "")
        try:
            moment = datetime.fromisoformat(text[:19] + text[20:])
            second = int(moment.timestamp()) if moment.tzinfo else -1
        except ValueError:
            second = -1
        if not 0 <= second < LATEST_SECOND:
            raise InputError(
                f"{self.path.name}: record {self.count:,} has the {name} {shown(text)}, not a date "
                "with offset between 1970 and 2100; remove that record and try again."
            )
        return second

    def _value(self, attributes: Mapping[str, str], unit: str, channel: Channel) -> float | None:
        if attributes.get("unit") != unit:
            self.rejected[f"{channel}_unit"] += 1
            return None
        try:
            return float(attributes.get("value", ""))
        except ValueError:
            return float("nan")  # counted with those out of range

    def _source(self, attributes: Mapping[str, str]) -> int:
        # By name and kind only: the device text holds a memory address that differs each time.
        name, device = attributes.get("sourceName", ""), attributes.get("device", "")
        if "Watch" in name or "model:Watch" in device:
            kind = 0
        else:
            kind = 1 if "iPhone" in name or "model:iPhone" in device else 2
        return self.sources[kind, name]
