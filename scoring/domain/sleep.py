"""Sleep windows of the mania model's paper, and the sleep of one night.

Lim et al. 2024 (npj Digit Med 7:324): bouts under 10 min are flipped, windows under 1 h
apart are merged, a window of 3.75 h or more is long; a window belongs to the day whose
midnight is nearest to its midpoint, which is the noon-to-noon day of the waking morning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import Minutes, SleepEpisode
from patients.domain.wear import (
    SPIKE_MINUTES,
    STILL_RUN_MINUTES,
    STRAY_MINUTES,
    near,
    runs,
    without_short_runs,
)
from scoring.domain.types import Mask

MIN_BOUT_MINUTES = 10
MERGE_GAP_MINUTES = 60
LONG_WINDOW_MINUTES = 225
BIN_MINUTES = 10
DAY_MINUTES = 1440

AWAKE, ASLEEP, UNKNOWN = 0, 1, -1
SleepState = NDArray[np.int8]  # per minute: AWAKE, ASLEEP or UNKNOWN

REST_SHARE = 0.15  # Roenneberg et al. 2015, Front Neurol 6:72
SEED_MINUTES = 30
DARK_LUX = 5.0
DARK_SHARE = 0.5  # a bedroom brightens hours before a late riser takes the sensor up
AWAKE_STAGES = {"awake", "wake"}


@dataclass(frozen=True)
class Window:
    """One sleep window: minutes of the grid it was found on, and minutes asleep within."""

    start: int
    stop: int
    asleep_minutes: int

    @property
    def length_minutes(self) -> int:
        return self.stop - self.start

    @property
    def wake_minutes(self) -> int:
        return self.length_minutes - self.asleep_minutes

    @property
    def is_long(self) -> bool:
        return self.length_minutes >= LONG_WINDOW_MINUTES

    @property
    def midpoint(self) -> float:
        return (self.start + self.stop) / 2


def flip_short_bouts(asleep: Mask) -> Mask:
    """Wake bouts under 10 min between sleep become sleep, then sleep bouts under 10 min wake."""
    out = asleep.copy()
    for start, stop in runs(~out):
        if stop - start < MIN_BOUT_MINUTES and start > 0 and stop < len(out):
            out[start:stop] = True
    return without_short_runs(out, MIN_BOUT_MINUTES)


def sleep_windows(state: SleepState) -> list[Window]:
    """The windows of a minute grid, shape (minutes,), in order.

    Sleep time is counted in the state as given, wake time is the rest of the window, so
    that they add up to its length as in the published data.

    >>> night = np.zeros(1440, dtype=np.int8); night[600:1020] = ASLEEP; night[700:750] = AWAKE
    >>> [(w.length_minutes, w.asleep_minutes, w.is_long) for w in sleep_windows(night)]
    [(420, 370, True)]
    """
    merged: list[list[int]] = []
    for start, stop in runs(flip_short_bouts(state == ASLEEP)):
        if merged and start - merged[-1][1] < MERGE_GAP_MINUTES:
            merged[-1][1] = int(stop)
        else:
            merged.append([int(start), int(stop)])
    return [Window(a, b, int((state[a:b] == ASLEEP).sum())) for a, b in merged]


def sleep_amplitude(
    windows: Sequence[Window], noon: int, minutes: int = DAY_MINUTES
) -> float | None:
    """SD over mean of the minutes awake in the ten-minute bins from noon to noon.

    These are 144, but for clock changes and journeys. Sleep is taken as the inside of a
    window, as the published inputs show. None for a day wholly asleep, or without a minute.
    """
    if minutes < BIN_MINUTES:
        return None
    awake = np.ones(minutes // BIN_MINUTES * BIN_MINUTES, dtype=bool)
    for window in windows:
        awake[max(window.start - noon, 0) : max(window.stop - noon, 0)] = False
    per_bin = awake.reshape(-1, BIN_MINUTES).sum(axis=1)
    mean = float(per_bin.mean())
    return float(per_bin.std()) / mean if mean > 0 else None


def sleep_indexes(
    windows: Sequence[Window],
    noon: int,
    minutes: int = DAY_MINUTES,
    around: Sequence[Window] = (),
) -> tuple[float | None, ...]:
    """The ten sleep indexes of one noon-to-noon day of so many minutes, in the published order.

    Hours, counts, fraction of the day and a ratio; a day without a long (short) window has
    zeros there. ``windows`` are the day's; ``around`` are those of the days beside it, of which
    a part may lie in this one: sleep across noon belongs to one day, but fills bins of both.
    """
    long = [w for w in windows if w.is_long]
    short = [w for w in windows if not w.is_long]
    asleep = [sum(w.asleep_minutes for w in group) / 60 for group in (long, short)]
    awake = [sum(w.wake_minutes for w in group) / 60 for group in (long, short)]
    return (
        *asleep,
        *awake,
        asleep[0] + awake[0],
        float(len(long)),
        asleep[1] + awake[1],
        float(len(short)),
        sum(asleep) / 24,
        sleep_amplitude([*windows, *around], noon, minutes),
    )


def state_from_episodes(
    episodes: Sequence[SleepEpisode], start: datetime, minutes: int, covered: Mask
) -> SleepState:
    """Minute states from a vendor's sleep records.

    Outside the records a minute is awake where ``covered`` (worn), else unknown. A record
    without stages has its awake minutes only as a number; they are spread over it one by one,
    so that the window is the record's and sleep and wake time are the vendor's.
    """
    state = np.where(covered, AWAKE, UNKNOWN).astype(np.int8)

    def minute(moment: datetime) -> int:
        return round((moment - start) / timedelta(minutes=1))

    def index(moment: datetime) -> int:
        return min(max(minute(moment), 0), minutes)

    for episode in episodes:
        first, stop = index(episode.start), index(episode.end)
        state[first:stop] = ASLEEP
        if episode.stages:
            for stage in episode.stages:
                if stage.stage in AWAKE_STAGES:
                    state[index(stage.start) : index(stage.end)] = AWAKE
        else:
            length = minute(episode.end) - minute(episode.start)
            awake = minute(episode.start) + _spread_over(length, episode.awake_minutes)
            state[awake[(awake >= 0) & (awake < minutes)]] = AWAKE
    return state


def _spread_over(length: int, count: float) -> NDArray[np.int64]:
    """So many different minutes, evenly over the inside of a stretch of that length."""
    inside = min(round(count), length - 2)
    return np.linspace(1, length - 2, max(inside, 0)).astype(np.int64)


def state_from_activity(
    activity: Minutes, worn: Mask, light: Minutes | None, day_mean: Minutes
) -> SleepState:
    """Minute states from activity: asleep at 15 % or less of the centred 24-h mean.

    After Roenneberg et al. 2015: such minutes, in stretches of 30 min or more, are sleep.
    Still moments under 5 min begin no stretch, and movements under 10 min end none. It needs
    no scale of its own, so it holds for every unit family. A minute on which the sensor was
    not worn is unknown, unless the light sensor says that it lay in the dark: then it is
    taken for the night's rest, and the caller flags the night. That rest ends where the
    sensor was taken up.
    """
    with np.errstate(invalid="ignore"):
        quiet = np.nan_to_num(activity, nan=np.inf) <= REST_SHARE * day_mean
    asleep = flip_short_bouts(without_short_runs(quiet & worn, STRAY_MINUTES))
    asleep = without_short_runs(asleep, SEED_MINUTES)
    rest = _dark_rest(~worn & ~np.isnan(activity), light)
    asleep &= ~_put_down(asleep, rest)
    state = np.where(worn, AWAKE, UNKNOWN).astype(np.int8)
    state[asleep | rest] = ASLEEP
    return state


def _dark_rest(unworn: Mask, light: Minutes | None) -> Mask:
    """The stretches on which the sensor lay unworn in the dark."""
    rest = np.zeros(unworn.shape, dtype=bool)
    for start, stop in runs(unworn) if light is not None else ():
        rest[start:stop] = light is not None and is_dark(light[start:stop])
    return rest


def _put_down(asleep: Mask, rest: Mask) -> Mask:
    """Stillness within an hour of such a rest, too short to show that nobody wore the sensor.

    Whoever takes the sensor off to sleep does not sleep with it just before or after: it was
    handled and put down again, so the rest begins and ends where it was handled. A movement
    of up to 2 min between them is no handling.
    """
    found = np.zeros(asleep.shape, dtype=bool)
    close, touching = near(rest, MERGE_GAP_MINUTES), near(rest, SPIKE_MINUTES + 1)
    for start, stop in runs(asleep):
        apart = close[start:stop].any() and not touching[start:stop].any()
        found[start:stop] = apart and stop - start < STILL_RUN_MINUTES
    return found


def is_dark(light: Minutes) -> bool:
    """Whether at least half of the minutes have light, measured at 5 lux or less."""
    with np.errstate(invalid="ignore"):
        return len(light) > 0 and float((light <= DARK_LUX).mean()) >= DARK_SHARE


def centred_day_mean(activity: Minutes, worn: Mask) -> Minutes:
    """Mean worn activity of the 24 h around each minute; 0 where nothing was worn."""
    values = np.where(worn, np.nan_to_num(activity), 0.0).astype(np.float64)
    half = 720
    sums = np.concatenate(([0.0], np.cumsum(np.pad(values, half))))
    counts = np.concatenate(([0], np.cumsum(np.pad(worn.astype(np.int64), half))))
    total = sums[2 * half :] - sums[: -2 * half]
    minutes = counts[2 * half :] - counts[: -2 * half]
    return (total / np.maximum(minutes, 1))[: len(activity)].astype(np.float32)
