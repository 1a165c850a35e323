"""The samples of an Apple Health export, from loose records to a month of each device."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from patients.domain.errors import InputError
from patients.domain.minutes import together
from patients.domain.recording import (
    Channel,
    DeviceKind,
    Family,
    MinuteSeries,
    Recording,
    SleepEpisode,
)
from patients.domain.walks import walks_of
from patients.ingest.common import spill as on_disk
from patients.ingest.common.apple_device import device_of
from patients.ingest.common.base import (
    LAST_DAY,
    LIMITS,
    MAX_SPAN_MINUTES,
    Rejected,
    Seconds,
    binned,
    recording,
    too_long,
    utc,
)
from patients.ingest.common.sleep_stretches import FAR, good_sleep, sleep_episodes
from patients.ingest.common.spill import ROW, Rows, Spill
from patients.ingest.common.steps import good_steps, steps_series, teller_of

SLEEP = "sleep"
CHANNELS = (*Channel, SLEEP)  # a row names its channel by the place here
CODE = {str(channel): place for place, channel in enumerate(CHANNELS)}
STEPS_CODE, SLEEP_CODE = CODE[Channel.STEPS], CODE[SLEEP]
MOST_LANES = 200
BLOCK_ROWS = 16_384  # samples in memory before they are put aside
MOST_CACHED = 10_000
MOST_DAYS = 100_000  # days of a lane's channel with a sample out of range that are told


@dataclass(frozen=True)
class _Device:
    name: str
    kind: DeviceKind


class Samples:
    """Takes samples in any order and gives back the recordings, counting what it leaves out.

    A lane is one app, or the system itself, on one device.
    """

    def __init__(self, path: Path, spill: Spill) -> None:
        self.path = path
        self.rejected = Rejected()
        self._days: Counter[tuple[int, int, int]] = Counter()  # left out: lane, channel, UTC day
        self._spill = spill
        self._lanes: dict[tuple[_Device, str], int] = {}
        self._known: dict[tuple[str, str], int] = {}
        self._starts, self._ends, self._values = array("q"), array("q"), array("d")
        self._lane_of, self._channels = array("H"), array("B")
        self._tellers = np.zeros(MOST_LANES, np.int64)
        shape = (MOST_LANES, len(CHANNELS))
        self._first: Seconds = np.full(shape, FAR)
        self._last: Seconds = np.full(shape, -1)

    def add(
        self, channel: str, start: int, end: int, value: float, attributes: Mapping[str, str]
    ) -> None:
        """One sample, UTC seconds; the attributes of its record tell the device."""
        lane = self._lane(attributes.get("sourceName", ""), attributes.get("device", ""))
        self._starts.append(start)
        self._ends.append(end)
        self._values.append(value)
        self._lane_of.append(lane)
        self._channels.append(CODE[channel])
        if len(self._starts) >= BLOCK_ROWS:
            self.flush()

    def _lane(self, source_name: str, device: str) -> int:
        # The text on the device begins with a memory address that differs each time.
        key = source_name, device.partition(">")[2] or device
        lane = self._known.get(key)
        if lane is None:
            if len(self._known) >= MOST_CACHED:
                self._known.clear()
            identity = _Device(*device_of(*key)), source_name
            lane = self._known[key] = self._lanes.setdefault(identity, len(self._lanes))
            if len(self._lanes) > MOST_LANES:
                raise InputError(
                    f"{self.path.name} names over {MOST_LANES} devices and apps; "
                    "check where it is from and export it again."
                )
            self._tellers[lane] = teller_of(source_name)
        return lane

    def flush(self) -> None:
        """Put aside what was added; the samples out of range are counted and left out."""
        rows = self._rows()
        good = self._good(rows)
        self._note_days(rows[~good])
        rows = rows[good]
        self._note_edges(rows)
        self._spill.add(rows, rows["start"] // on_disk.PART_SECONDS)

    def _rows(self) -> Rows:
        rows = np.empty(len(self._starts), ROW)
        rows["start"], self._starts = self._starts, array("q")
        rows["end"], self._ends = self._ends, array("q")
        rows["value"], self._values = self._values, array("d")
        rows["lane"], self._lane_of = self._lane_of, array("H")
        rows["channel"], self._channels = self._channels, array("B")
        return rows

    def _good(self, rows: Rows) -> NDArray[np.bool_]:
        good = np.zeros(rows.size, bool)
        for code in np.unique(rows["channel"]).tolist():
            at = np.flatnonzero(rows["channel"] == code)
            if code == STEPS_CODE:
                steps = rows[at]
                good[at] = good_steps(steps["start"], steps["end"], steps["value"], self.rejected)
            elif code == SLEEP_CODE:
                good[at] = good_sleep(rows[at], self.rejected)
            else:
                low, high = LIMITS[Channel(CHANNELS[code])]
                good[at] = (rows["value"][at] >= low) & (rows["value"][at] <= high)
                bad = int(np.count_nonzero(~good[at]))
                self.rejected[f"{CHANNELS[code]}_out_of_range"] += bad
        return good

    def _note_days(self, rows: Rows) -> None:
        """Of samples left out, on which days of which lane; few of them in an honest export."""
        rows = rows[rows["channel"] != SLEEP_CODE]
        if len(self._days) < MOST_DAYS:
            days = (rows["start"] // 86400).tolist()
            lanes = zip(rows["lane"].tolist(), rows["channel"].tolist(), days, strict=True)
            self._days.update(lanes)

    def _note_edges(self, rows: Rows) -> None:
        at = rows["lane"], rows["channel"]
        np.minimum.at(self._first, at, rows["start"])
        np.maximum.at(self._last, at, rows["start"])

    def recordings(self, source: str) -> Iterator[Recording]:
        """A recording for each device and stretch of about a month, in order of time.

        InputError if they span more years than anybody wears a device.
        """
        self._check_span()
        devices = self._devices()
        left_out = self._days_of(devices)
        slept: dict[_Device, Rows] = {}
        for part, after in pairwise([*self._spill.parts(), FAR]):
            rows = self._spill.rows(part, self.path)
            for device, lanes in devices:
                own = rows[np.isin(rows["lane"], lanes)]
                sleep = own[own["channel"] == SLEEP_CODE]
                sleep = np.concatenate((slept.get(device, sleep[:0]), sleep))
                episodes, slept[device] = sleep_episodes(
                    sleep, self.rejected, after * on_disk.PART_SECONDS
                )
                found = self._recording(source, device, lanes, own, episodes)
                if found:
                    days = Counter(found.rejected_days) + left_out.pop(device, Counter())
                    yield replace(found, rejected={}, rejected_days=days)

    def _check_span(self) -> None:
        if self._last.max() >= 0:
            first, last = int(self._first.min()) // 60, int(self._last.max()) // 60
            if last - first > MAX_SPAN_MINUTES:
                raise InputError(too_long("data", first, last))

    def _devices(self) -> list[tuple[_Device, list[int]]]:
        """The devices by name, each with its lanes."""
        lanes: dict[_Device, list[int]] = {}
        for (device, _), lane in self._lanes.items():
            lanes.setdefault(device, []).append(lane)
        return sorted(lanes.items(), key=lambda item: item[0].name)

    def _days_of(
        self, devices: list[tuple[_Device, list[int]]]
    ) -> dict[_Device, Counter[tuple[Channel, date]]]:
        """The samples left out so far, by device; those dated beyond 2100 are not told."""
        device_of_lane = {lane: device for device, lanes in devices for lane in lanes}
        found: dict[_Device, Counter[tuple[Channel, date]]] = defaultdict(Counter)
        for (lane, code, day), count in self._days.items():
            if 0 <= day < LAST_DAY:
                key = Channel(CHANNELS[code]), utc(day * 86400).date()
                found[device_of_lane[lane]][key] += count
        return found

    def _recording(
        self,
        source: str,
        device: _Device,
        lanes: list[int],
        rows: Rows,
        sleep: list[SleepEpisode],
    ) -> Recording | None:
        rejected = Rejected()
        series = list(filter(None, self._series(lanes, rows, rejected)))
        self.rejected.update(rejected)
        if not series and not sleep:
            return None
        steps = any(s.channel is Channel.STEPS for s in series)
        family = Family.STEPS if steps else None
        return recording(
            self.path, source, device.name, series, sleep, rejected, family, device.kind
        )

    def _series(
        self, lanes: list[int], rows: Rows, rejected: Rejected
    ) -> Iterator[MinuteSeries | None]:
        for code in np.unique(rows["channel"]).tolist():
            own = rows[rows["channel"] == code]
            if code == STEPS_CODE:
                tellers = self._tellers[own["lane"]]
                walks = walks_of(own["start"], own["end"], own["value"], tellers)
                yield steps_series(walks, rejected)
            elif code != SLEEP_CODE:
                told = [s for lane in lanes if (s := self._told(own, lane, code, rejected))]
                yield together(told) if told else None

    def _told(self, rows: Rows, lane: int, code: int, rejected: Rejected) -> MinuteSeries | None:
        """What one app on the device says of a channel."""
        own = rows[rows["lane"] == lane]
        if not own.size:
            return None
        samples = own["start"].copy(), own["value"].copy()
        edges = self._edges(lane, code)
        return binned(Channel(CHANNELS[code]), samples, rejected, edges=edges)

    def _edges(self, lane: int, code: int) -> Collection[int]:
        """The minutes in which the lane's samples begin and end: another file may hold more."""
        return {int(edge[lane, code]) // 60 for edge in (self._first, self._last)}
