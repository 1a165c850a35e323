"""People made of minutes, and days made of numbers, for tests of the pure code."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.recording import (
    UNITS,
    Channel,
    Family,
    Minutes,
    MinuteSeries,
    SleepEpisode,
    SleepStage,
)
from scoring.domain.rhythm import Rhythm
from scoring.domain.types import DayFeatures, PersonData

FIRST = date(2024, 1, 8)
BERLIN = ZoneHistory.of("Europe/Berlin")
MINUTE = timedelta(minutes=1)
Change = Callable[[Minutes], None]


def a_day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


def series(
    values: Minutes, channel: Channel = Channel.ACTIVITY, first: date = FIRST,
    zones: ZoneHistory = BERLIN, unit: str = "counts/min",
) -> MinuteSeries:  # fmt: skip
    """Minutes from the midnight of a local day."""
    return MinuteSeries(channel, unit, zones.day_bounds(first)[0], values.astype(np.float32))


def counts(days: int, asleep_from: int = 1380, asleep_to: int = 420) -> Minutes:
    """Counts of somebody who sleeps between two minutes of the day, with restless nights."""
    minute = np.arange(days * 1440) % 1440
    noise = np.random.default_rng(7).integers(0, 60, days * 1440)
    asleep = (minute - asleep_from) % 1440 < (asleep_to - asleep_from) % 1440
    # A twitch every 20 minutes of the night: stillness is not taken for a sensor put away.
    return np.where(asleep, 12 * (minute % 20 == 0), 270 + noise).astype(np.float32)


def episode(
    day: date, onset: int = -60, offset: int = 420, wakes: tuple[tuple[int, int], ...] = (),
    zones: ZoneHistory = BERLIN,
) -> SleepEpisode:  # fmt: skip
    """A record from minute to minute of that local day, with stages where it was awake."""
    midnight = zones.day_bounds(day)[0]
    stages = tuple(
        SleepStage(midnight + a * MINUTE, midnight + b * MINUTE, "awake") for a, b in wakes
    )
    awake = float(sum(b - a for a, b in wakes))
    return SleepEpisode(
        midnight + onset * MINUTE, midnight + offset * MINUTE, offset - onset - awake, awake, stages
    )


def person(
    days: int = 20, sleep: tuple[SleepEpisode, ...] = (), change: Change | None = None,
    family: Family = Family.ACTIGRAPH_COUNTS, zones: ZoneHistory = BERLIN, **channels: Any,
) -> PersonData:  # fmt: skip
    """A regular sleeper (23:00 to 07:00) by counts, after a change to the minutes."""
    values = counts(days)
    if change:
        change(values)
    return PersonData(
        zones=zones, family=family, sleep=sleep,
        activity=series(values, zones=zones, unit=UNITS[family]), **channels,
    )  # fmt: skip


def logged(days: int = 20, **more: Any) -> PersonData:
    """The same with a vendor's sleep record for each night after the first."""
    return person(days, tuple(episode(a_day(d)) for d in range(1, days)), **more)


def log_only(*sleep: SleepEpisode, days: int = 20) -> PersonData:
    """Sleep records and a heart rate, but nothing that could show sleep without a record."""
    pulse = series(np.full(days * 1440, 60.0), Channel.HEART_RATE)
    return PersonData(zones=BERLIN, family=None, activity=None, heart_rate=pulse, sleep=sleep)


def features(day: date, **given: Any) -> DayFeatures:
    """Features of an ordinary day, some of them given."""
    hours, mean = given.pop("hours", 7.5), given.pop("mean", 100.0)
    values: dict[str, Any] = {
        "day": day, "recorded_minutes": 1440, "worn_minutes": 1400, "night_worn_minutes": 700,
        "night_present": True,
        "sleep": {"time_asleep_hours": hours},
        "rhythm": asdict(Rhythm()),
        "phase": {"dlmo_hour": 21.5, "cbtmin_hour": 4.5, "amplitude": 1.1},
        "activity": {"mean_per_minute": mean},
        "heart": {},
        "indexes": (hours,) + (0.0,) * 9 + (21.5, 1.1),
    }  # fmt: skip
    return DayFeatures(**{**values, **given})
