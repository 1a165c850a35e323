"""Values that travel from the minutes to the decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patients.domain.days import ZoneHistory
from patients.domain.recording import Channel, Family, MinuteSeries, SleepEpisode

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PersonData:
    """Everything recorded of one person, in UTC.

    ``activity`` is the channel PAT sees; where a vendor counts steps only, it is the steps.
    """

    zones: ZoneHistory
    family: Family | None
    activity: MinuteSeries | None
    steps: MinuteSeries | None = None
    light: MinuteSeries | None = None
    heart_rate: MinuteSeries | None = None
    resting_heart_rate: MinuteSeries | None = None
    sdnn: MinuteSeries | None = None
    rmssd: MinuteSeries | None = None
    lf_hf: MinuteSeries | None = None
    sleep: tuple[SleepEpisode, ...] = ()

    @classmethod
    def of(
        cls,
        zones: ZoneHistory,
        series: Mapping[Channel, MinuteSeries],
        family: Family | None,
        sleep: tuple[SleepEpisode, ...],
    ) -> "PersonData":
        """From channels; where there is no activity channel, steps are the activity."""
        steps = series.get(Channel.STEPS)
        activity = series.get(Channel.ACTIVITY, steps)
        if Channel.ACTIVITY not in series:
            family = Family.STEPS if steps else None
        return cls(
            zones=zones,
            family=family,
            activity=activity,
            steps=steps,
            light=series.get(Channel.LIGHT),
            heart_rate=series.get(Channel.HEART_RATE),
            resting_heart_rate=series.get(Channel.RESTING_HEART_RATE),
            sdnn=series.get(Channel.HRV_SDNN),
            rmssd=series.get(Channel.HRV_RMSSD),
            lf_hf=series.get(Channel.HRV_LF_HF),
            sleep=sleep,
        )

    @property
    def series(self) -> tuple[MinuteSeries, ...]:
        """The channels that are there."""
        heart = (self.heart_rate, self.resting_heart_rate, self.sdnn, self.rmssd, self.lf_hf)
        every = (self.activity, self.steps, self.light, *heart)
        return tuple(s for s in every if s is not None)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """First moment recorded and the moment after the last, or None."""
        starts = [s.start for s in self.series] + [e.start for e in self.sleep]
        ends = [s.end for s in self.series] + [e.end for e in self.sleep]
        return (min(starts), max(ends)) if starts else None


@dataclass(frozen=True)
class DayFeatures:
    """Features of one local day. Missing values are None.

    ``indexes`` are the day's twelve values behind the mania model, in the published order; the
    phase among them is DLMO on an axis that does not jump at noon. ``quality`` has the minutes
    of each channel that were present, worn and imputed.
    """

    day: date
    recorded_minutes: int
    worn_minutes: int
    night_worn_minutes: int
    night_present: bool
    sleep: Mapping[str, float | None]
    rhythm: Mapping[str, float | None]
    phase: Mapping[str, float | None]
    activity: Mapping[str, float | str | None]
    heart: Mapping[str, float | None]
    indexes: tuple[float | None, ...]
    flags: tuple[str, ...] = ()
    quality: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {**vars(self), "day": self.day.isoformat()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DayFeatures":
        """What ``as_dict`` gave."""
        return cls(
            **{
                **values,
                "day": date.fromisoformat(values["day"]),
                "indexes": tuple(values["indexes"]),
                "flags": tuple(values["flags"]),
            }
        )


@dataclass(frozen=True)
class Contribution:
    """How much one thing moved a track's probability, in percentage points."""

    name: str
    label: str
    value: float | None
    unit: str
    usual: float | None
    points: float


@dataclass(frozen=True)
class TrackOutput:
    """What one model says of one day, or why it says nothing.

    ``probability`` is calibrated and None unless ``status`` is "ok"; ``coverage`` is 0 to 1;
    ``failed`` says that it is unavailable because the model failed; ``explained`` stands beside
    the contributions: the trees' additivity check, PAT's attention.
    """

    status: str
    reason: str | None
    probability: float | None
    coverage: float
    contributions: tuple[Contribution, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)
    failed: bool = False
    explained: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def unavailable(cls, reason: str, coverage: float) -> "TrackOutput":
        """A track without a number."""
        return cls("unavailable", reason, None, coverage)

    @classmethod
    def failure(cls, reason: str, coverage: float) -> "TrackOutput":
        """A track without a number because of its model, not of the data."""
        return cls("unavailable", reason, None, coverage, failed=True)


@dataclass(frozen=True)
class Reason:
    """One step of the decision, as a code and a sentence."""

    code: str
    text: str


@dataclass(frozen=True)
class RiskDecision:
    """The router's one decision. ``weights`` sum to 1 or both are None."""

    day: date
    tier: str
    probability: float | None
    depression_weight: float | None
    mania_weight: float | None
    depression_tier: str
    mania_tier: str
    reasons: tuple[Reason, ...]
