"""What a device reported, as values: minutes, sleep, answers, and where they came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from patients.domain.days import ZoneHistory

Minutes = NDArray[np.float32]
Samples = tuple[tuple[float, float], ...]  # (second of the minute, value), sorted
Walks = NDArray[np.void]  # of patients.domain.walks.WALK

MINUTES_PER_DAY = 1440


class Channel(StrEnum):
    """What a minute series measures."""

    ACTIVITY = "activity"
    STEPS = "steps"
    LIGHT = "light"
    HEART_RATE = "heart_rate"
    RESTING_HEART_RATE = "resting_heart_rate"
    HRV_SDNN = "hrv_sdnn"
    HRV_RMSSD = "hrv_rmssd"
    HRV_LF_HF = "hrv_lf_hf"
    RESPIRATORY_RATE = "respiratory_rate"
    SPO2 = "spo2"
    WRIST_TEMPERATURE = "wrist_temperature"


class Family(StrEnum):
    """Unit families of the activity channel: values compare only within one family."""

    ACTIWATCH_COUNTS = "actiwatch_counts"
    ACTIGRAPH_COUNTS = "actigraph_counts"
    ACTICAL_COUNTS = "actical_counts"
    CONDOR_PIM = "condor_pim"
    MIMS = "mims"
    ENMO = "enmo"
    STEPS = "steps"


class DeviceKind(StrEnum):
    """Kinds of devices; their order here is the order in which they are believed at first."""

    ACTIGRAPH = "actigraph"
    WATCH = "watch"
    RING = "ring"
    PHONE = "phone"
    APP = "app"


UNITS = {
    Family.ACTIWATCH_COUNTS: "counts/min",
    Family.ACTIGRAPH_COUNTS: "counts/min",
    Family.ACTICAL_COUNTS: "counts/min",
    Family.CONDOR_PIM: "PIM/min",
    Family.MIMS: "MIMS/min",
    Family.ENMO: "mg",
    Family.STEPS: "steps/min",
}
CHANNEL_UNITS = {
    Channel.STEPS: "steps/min",
    Channel.LIGHT: "lux",
    Channel.HEART_RATE: "bpm",
    Channel.RESTING_HEART_RATE: "bpm",
    Channel.HRV_SDNN: "ms",
    Channel.HRV_RMSSD: "ms",
    Channel.HRV_LF_HF: "ratio",
    Channel.RESPIRATORY_RATE: "breaths/min",
    Channel.SPO2: "%",
    Channel.WRIST_TEMPERATURE: "degC",
}


def unit_of(channel: Channel, family: Family | None = None) -> str:
    """The unit of a channel's values; that of activity is its family's.

    >>> unit_of(Channel.ACTIVITY, Family.CONDOR_PIM)
    'PIM/min'
    """
    if channel is Channel.ACTIVITY:
        return UNITS[family] if family else ""
    return CHANNEL_UNITS[channel]


@dataclass(frozen=True)
class MinuteSeries:
    """One channel on a gapless UTC minute grid.

    ``start`` is an aware UTC datetime on a whole minute; ``values`` has one float32 per
    minute, NaN where nothing was recorded. ``partial`` holds the samples of those minutes
    (by index) of which another file may hold more: then both are taken together, by ``how``
    ("mean", "max" or "sum") and, where a minute always has so many samples, ``full``.
    Steps told as ``walks`` have no partial minutes: files unite their walks, and the minutes
    follow from all of them; ``how`` is that of ``patients.domain.walks.steps_by_minute``.
    """

    channel: Channel
    unit: str
    start: datetime
    values: Minutes
    partial: Mapping[int, Samples] = field(default_factory=dict)
    how: str = "mean"
    full: int = 0
    walks: Walks | None = None

    @property
    def end(self) -> datetime:
        """The minute after the last one."""
        return self.start + timedelta(minutes=len(self.values))

    def between(self, start: datetime, end: datetime) -> Minutes:
        """Values of the minutes in [start, end), NaN where the series does not reach.

        >>> from datetime import UTC
        >>> s = MinuteSeries(Channel.STEPS, "steps/min", datetime(2024, 1, 1, tzinfo=UTC),
        ...                  np.array([1, 2, 3], dtype=np.float32))
        >>> s.between(s.start + timedelta(minutes=2), s.start + timedelta(minutes=4))
        array([ 3., nan], dtype=float32)
        """
        first, stop = (round((t - self.start).total_seconds() / 60) for t in (start, end))
        out = np.full(max(stop - first, 0), np.nan, dtype=np.float32)
        low, high = max(first, 0), min(stop, len(self.values))
        if high > low:
            out[low - first : high - first] = self.values[low:high]
        return out


@dataclass(frozen=True)
class SleepStage:
    """One stretch of a sleep record: awake, asleep, light, deep, rem or restless."""

    start: datetime
    end: datetime
    stage: str


@dataclass(frozen=True)
class SleepEpisode:
    """One sleep record of a vendor, times in UTC, durations in minutes.

    ``log_id`` is the vendor's name for a record that is whole in itself; without one the
    episode was made of loose stretches, and joins with others of its device that touch it. One
    with 0 minutes asleep is no night, and kept only to be joined.
    """

    start: datetime
    end: datetime
    asleep_minutes: float
    awake_minutes: float
    stages: tuple[SleepStage, ...] = ()
    log_id: str = ""


@dataclass(frozen=True)
class QuestionnaireAnswer:
    """One filled-in questionnaire: "phq8", "phq9", "asrm", "gad7" or "state_of_mind".

    ``items`` are the answers in the instrument's order, empty where only the total is known.
    """

    instrument: str
    taken_at: datetime
    total: float
    items: tuple[int, ...] = ()


@dataclass(frozen=True)
class Recording:
    """What one device reported in one file or push, parsed; nothing of it is stored yet.

    A file of several devices, or a long one, is several recordings. ``device`` tells devices
    of one vendor apart and never holds a person's name. ``family`` is the unit family of what
    serves as activity: steps where the vendor gives no more, None where it gives neither.
    ``rejected`` counts left-out samples by reason, ``rejected_days`` those out of range by
    channel and UTC day. ``zones`` are those in which its stamps without an offset were read, None
    where it has no such stamps.
    """

    source: str
    device: str
    family: Family | None
    series: tuple[MinuteSeries, ...]
    sleep: tuple[SleepEpisode, ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    kind: DeviceKind = DeviceKind.WATCH
    questionnaires: tuple[QuestionnaireAnswer, ...] = ()
    rejected_days: Mapping[tuple[Channel, date], int] = field(default_factory=dict)
    zones: ZoneHistory | None = None

    def channel(self, channel: Channel) -> MinuteSeries | None:
        """The series of that channel, if the source has one."""
        return next((s for s in self.series if s.channel == channel), None)

    @property
    def start(self) -> datetime:
        """First moment recorded, UTC."""
        return min([s.start for s in self.series] + [e.start for e in self.sleep])

    @property
    def end(self) -> datetime:
        """Moment after the last one recorded, UTC."""
        return max([s.end for s in self.series] + [e.end for e in self.sleep])
