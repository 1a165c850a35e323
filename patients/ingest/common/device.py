"""What one device of a file reported, gathered sample by sample."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.minutes import together
from patients.domain.recording import (
    Channel,
    DeviceKind,
    Family,
    MinuteSeries,
    QuestionnaireAnswer,
    Recording,
    SleepEpisode,
)
from patients.domain.walks import WALK
from patients.ingest.common.base import Rejected, binned, epochs, nothing_usable, recording
from patients.ingest.common.nights import Segment, distinct, nights_of_stretches, require_few
from patients.ingest.common.steps import good_steps, steps_series, teller_of


@dataclass
class Device:
    """Samples (UTC seconds, values) by channel, walks, sleep and answers of one device.

    ``tellers`` says what a minute is of which several tell: "max" or their "sum". ``zones`` are
    those in which stamps without an offset were read, None as long as there was none.
    """

    name: str
    kind: DeviceKind = DeviceKind.WATCH
    samples: "dict[tuple[Channel, str], tuple[array[int], array[float]]]" = field(
        default_factory=dict
    )
    walks: list[tuple[int, int, float, int]] = field(default_factory=list)
    tellers: str = "max"
    stretches: list[Segment] = field(default_factory=list)
    nights: list[SleepEpisode] = field(default_factory=list)
    answers: list[QuestionnaireAnswer] = field(default_factory=list)
    rejected: Rejected = field(default_factory=Rejected)
    zones: ZoneHistory | None = None

    def add(self, channel: Channel, second: int, value: float, teller: str = "") -> None:
        """One sample at a UTC second; of steps, the count of the minute that begins there.

        Of a minute that several tellers have, such as two lists of an export, one is taken.
        """
        self.extend(channel, [second], [value], teller)

    def extend(
        self,
        channel: Channel,
        seconds: Iterable[int],
        values: Iterable[float],
        teller: str = "",
    ) -> None:
        """Samples, as many seconds as values."""
        held = self.samples.setdefault((channel, teller), (array("q"), array("d")))
        held[0].extend(seconds)
        held[1].extend(values)

    def walk(self, start: int, end: int, steps: float, teller: str = "") -> None:
        """Steps counted between two UTC seconds, by whom."""
        self.walks.append((start, end, steps, teller_of(teller) if teller else 0))

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
        told: dict[Channel, list[MinuteSeries]] = {}
        for (channel, _), (seconds, values) in sorted(self.samples.items()):
            arrays = (np.frombuffer(seconds, np.int64), np.frombuffer(values, np.float64))
            if channel is Channel.STEPS:
                series = epochs(channel, arrays, 60, self.rejected)
            else:
                series = binned(channel, arrays, self.rejected)
            told.setdefault(channel, []).extend([series] if series else [])
        found = [self._walked(), *(together(series) for series in told.values() if series)]
        return [s for s in found if s is not None and not np.isnan(s.values).all()]

    def _walked(self) -> MinuteSeries | None:
        walks = np.array(self.walks, WALK)
        good = good_steps(walks["start"], walks["end"], walks["steps"], self.rejected)
        return steps_series(walks[good], self.rejected, self.tellers)

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
            device.zones,
        )
