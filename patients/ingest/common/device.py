"""What one device of a file reported, gathered sample by sample."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from patients.domain.errors import InputError
from patients.domain.recording import (
    Channel,
    DeviceKind,
    Family,
    MinuteSeries,
    QuestionnaireAnswer,
    Recording,
    SleepEpisode,
)
from patients.ingest.common.base import (
    LIMITS,
    MAX_SPAN_MINUTES,
    NO_SAMPLES,
    Rejected,
    Seconds,
    Values,
    binned,
    binned_parts,
    epochs,
    nothing_usable,
    recording,
)
from patients.ingest.common.nights import Segment, distinct, nights_of_stretches, require_few

BLOCK = 20_000  # walks spread at a time, which bounds the memory
LONGEST_WALK_SECONDS = 3600  # a day's total spread over its minutes would walk all night


@dataclass
class Device:
    """Samples (UTC seconds, values) by channel, walks, sleep and answers of one device."""

    name: str
    kind: DeviceKind = DeviceKind.WATCH
    samples: "dict[Channel, tuple[array[int], array[float]]]" = field(default_factory=dict)
    walks: dict[tuple[int, int], float] = field(default_factory=dict)
    stretches: list[Segment] = field(default_factory=list)
    nights: list[SleepEpisode] = field(default_factory=list)
    answers: list[QuestionnaireAnswer] = field(default_factory=list)
    rejected: Rejected = field(default_factory=Rejected)

    def add(self, channel: Channel, second: int, value: float) -> None:
        """One sample at a UTC second; of steps, the count of the minute that begins there."""
        self.extend(channel, [second], [value])

    def extend(self, channel: Channel, seconds: Iterable[int], values: Iterable[float]) -> None:
        """Samples, as many seconds as values."""
        held = self.samples.setdefault(channel, (array("q"), array("d")))
        held[0].extend(seconds)
        held[1].extend(values)

    def walk(self, start: int, end: int, steps: float) -> None:
        """Steps counted between two UTC seconds; told again, the larger count stays."""
        told = self.walks.get((start, end))
        self.rejected["steps_duplicate"] += told is not None
        if told is None or steps > told:
            self.walks[start, end] = steps

    def sleep(self, episode: SleepEpisode | None) -> None:
        """A night whole in itself, if there is one."""
        if episode is not None:
            self.nights.append(episode)
            require_few(len(self.nights))

    @property
    def sample_count(self) -> int:
        """How many samples are held."""
        return sum(len(seconds) for seconds, _ in self.samples.values()) + len(self.walks)

    def series(self) -> list[MinuteSeries]:
        """One minute series for each channel that has a usable sample."""
        found = [walked(self.walks, self.rejected)]
        for channel, (seconds, values) in sorted(self.samples.items()):
            arrays = (np.frombuffer(seconds, np.int64), np.frombuffer(values, np.float64))
            if channel is Channel.STEPS:
                found.append(epochs(channel, arrays, 60, self.rejected))
            else:
                found.append(binned(channel, arrays, self.rejected))
        return [s for s in found if s is not None and not np.isnan(s.values).all()]

    def episodes(self) -> list[SleepEpisode]:
        """The nights, and the stretches joined to nights."""
        nights = distinct(self.nights, self.rejected)
        return nights + nights_of_stretches(self.stretches, self.rejected)


def recordings(
    path: Path, source: str, devices: Iterable[Device], rejected: Rejected | None = None
) -> Iterator[Recording]:
    """One recording for each device with anything usable; InputError if none has.

    What was ``rejected`` of no device, or of one with nothing usable, is counted with the first
    that has.
    """
    full, spare = [], Rejected(rejected or {})
    for device in sorted(devices, key=lambda d: d.name):
        series, sleep = device.series(), device.episodes()
        if series or sleep or device.answers:
            full.append((device, series, sleep))
        else:
            spare.update(device.rejected)
    if not full:
        raise nothing_usable(path, source, spare)
    full[0][0].rejected.update(spare)
    for device, series, sleep in full:
        family = Family.STEPS if any(s.channel is Channel.STEPS for s in series) else None
        yield recording(
            path,
            source,
            device.name,
            series,
            sleep,
            device.rejected,
            family,
            device.kind,
            device.answers,
        )


def walked(walks: Mapping[tuple[int, int], float], rejected: Rejected) -> MinuteSeries | None:
    """Steps of each minute from those of walks (start, end), each spread evenly in time.

    Left out and counted: walks over an hour, negative, or over the step limit a minute.
    InputError for more minutes of walking than a file may span.
    """
    table = np.array([(a, b, n) for (a, b), n in walks.items()], np.float64).reshape(-1, 3)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    length = table[:, 1] - table[:, 0]
    good_time = (length >= 0) & (length <= LONGEST_WALK_SECONDS)
    low, high = LIMITS[Channel.STEPS]
    good = (table[:, 2] >= low) & (table[:, 2] <= high * np.maximum(length / 60, 1))
    began = table[:, 0].astype(np.int64)
    rejected.out_of_range(Channel.STEPS, began[~good_time], "bad_duration")
    rejected.out_of_range(Channel.STEPS, began[good_time & ~good])
    table = table[good_time & good]
    start, end = (table[:, column].astype(np.int64) for column in (0, 1))
    if not start.size:
        return None
    # Only of a minute that a walk does not fill may another file hold more. A row told again
    # with a larger count, as the hour of an export, is then not added to the first.
    edges = {int(t) // 60 for t in (start[0], end[-1]) if t % 60}
    parts = _spread(start, end, table[:, 2])
    return binned_parts(Channel.STEPS, parts, rejected, "sum", edges)


def _spread(start: Seconds, end: Seconds, steps: Values) -> Iterator[tuple[Seconds, Values]]:
    """A sample (second, share of the steps) for each minute a walk touches; walks by start.

    In parts that share no minute: what the next block may add to waits for it.
    """
    touched = np.maximum(end - 1, start) // 60 - start // 60 + 1
    if touched.sum() > MAX_SPAN_MINUTES:
        raise InputError("The recording holds steps of over 20 years; split it by year.")
    seconds, shares = NO_SAMPLES
    for at in range(0, start.size, BLOCK):
        block = slice(at, at + BLOCK)
        more = _spread_block(start[block], end[block], steps[block], touched[block])
        seconds, shares = (
            np.concatenate(both) for both in zip((seconds, shares), more, strict=True)
        )
        whole = seconds // 60 < (start[at + BLOCK] // 60 if at + BLOCK < start.size else np.inf)
        yield seconds[whole], shares[whole]
        seconds, shares = seconds[~whole], shares[~whole]


def _spread_block(
    start: Seconds, end: Seconds, steps: Values, touched: Seconds
) -> tuple[Seconds, Values]:
    row = np.repeat(np.arange(start.size), touched)
    nth = np.arange(row.size) - np.repeat(np.cumsum(touched) - touched, touched)
    minute = start[row] // 60 + nth
    begins = np.maximum(start[row], minute * 60)
    inside = np.minimum(end[row], (minute + 1) * 60) - begins
    share = np.where(end[row] > start[row], inside / np.maximum(end - start, 1)[row], 1.0)
    return begins, steps[row] * share
