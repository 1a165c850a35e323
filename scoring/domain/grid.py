"""All channels of a person on one gapless minute grid, with wear and sleep state."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.recording import Family, Minutes, MinuteSeries, SleepEpisode
from patients.domain.wear import REST_NOISE, near, worn_from_counts, worn_from_signs
from scoring.domain.sleep import (
    AWAKE,
    UNKNOWN,
    SleepState,
    centred_day_mean,
    state_from_activity,
    state_from_episodes,
)
from scoring.domain.types import Mask, PersonData

MINUTE = timedelta(minutes=1)
STEP_MARGIN_MINUTES = 30


@dataclass(frozen=True)
class Grid:
    """Minute arrays of equal length from ``start`` (UTC). NaN is missing."""

    start: datetime
    activity: Minutes
    steps: Minutes
    heart_rate: Minutes
    resting_heart_rate: Minutes
    sdnn: Minutes
    rmssd: Minutes
    lf_hf: Minutes
    light: Minutes
    recorded: Mask
    worn: Mask
    in_bed: Mask  # within a vendor's sleep record
    state: SleepState

    def index(self, moment: datetime) -> int:
        """Minutes from the grid's start."""
        return round((moment - self.start) / timedelta(minutes=1))

    def moment(self, index: float) -> datetime:
        """The UTC moment at that minute."""
        return self.start + timedelta(minutes=index)


def build_grid(person: PersonData, first: date, last: date) -> Grid:
    """Lay the local days from first to last, and the day before, on a grid.

    Wear comes from the activity's stillness for count sensors, and from signs of a wrist for
    step counters. Sleep comes from the vendor's record of the night; a night without one is
    read from activity, because a record that is missing is not a night awake.
    """
    start = person.zones.day_bounds(first - timedelta(days=1))[0]
    end = person.zones.day_bounds(last)[1]
    minutes = round((end - start) / MINUTE)

    def on_grid(series: MinuteSeries | None) -> Minutes:
        if series is None:
            return np.full(minutes, np.nan, dtype=np.float32)
        return series.between(start, end)

    activity, steps, light = map(on_grid, (person.activity, person.steps, person.light))
    heart_rate = on_grid(person.heart_rate)
    episodes = tuple(e for e in person.sleep if e.end > start and e.start < end)
    in_bed = _inside(episodes, start, minutes)
    if person.family in (None, Family.STEPS):
        worn = worn_from_signs(steps if person.steps else activity, heart_rate, in_bed)
    else:
        worn = worn_from_counts(activity, REST_NOISE[person.family]) | (
            ~np.isnan(activity) & _signs(heart_rate, in_bed)
        )
    if person.family is Family.STEPS:
        # Some vendors write only the minutes with steps: a worn minute without any has none.
        activity = np.where(worn & np.isnan(activity), np.float32(0), activity)
    state = state_from_episodes(episodes, start, minutes, worn)
    unrecorded = _nights_without_record(person.zones, first, last, start, in_bed)
    if unrecorded.any():
        read = _state_without_records(person, activity, steps, light, worn)
        state = np.where(unrecorded, read, state)
    recorded = ~np.isnan(activity) | ~np.isnan(heart_rate) | in_bed
    return Grid(
        start=start,
        activity=activity,
        steps=steps,
        heart_rate=heart_rate,
        resting_heart_rate=on_grid(person.resting_heart_rate),
        sdnn=on_grid(person.sdnn),
        rmssd=on_grid(person.rmssd),
        lf_hf=on_grid(person.lf_hf),
        light=light,
        recorded=recorded,
        worn=worn & recorded,
        in_bed=in_bed,
        state=state,
    )


def _nights_without_record(
    zones: ZoneHistory, first: date, last: date, start: datetime, in_bed: Mask
) -> Mask:
    """Minutes of the noon-to-noon days in which no sleep record lies."""
    unrecorded = np.zeros(in_bed.shape, dtype=bool)
    day = first - timedelta(days=1)
    while day <= last + timedelta(days=1):
        low, high = (max(round((t - start) / MINUTE), 0) for t in zones.night_bounds(day))
        if not in_bed[low:high].any():
            unrecorded[low:high] = True
        day += timedelta(days=1)
    return unrecorded


def _state_without_records(
    person: PersonData, activity: Minutes, steps: Minutes, light: Minutes, worn: Mask
) -> SleepState:
    if person.family not in (None, Family.STEPS):
        mean = centred_day_mean(activity, worn)
        return state_from_activity(activity, worn, light if person.light else None, mean)
    # Steps are zero asleep and at a desk alike: without a record they can only tell waking.
    with np.errstate(invalid="ignore"):
        moved = near((steps if person.steps else activity) > 0, STEP_MARGIN_MINUTES)
    return np.where(moved, AWAKE, UNKNOWN).astype(np.int8)


def _signs(heart_rate: Minutes, in_bed: Mask) -> Mask:
    return ~np.isnan(heart_rate) | in_bed


def _inside(episodes: tuple[SleepEpisode, ...], start: datetime, minutes: int) -> Mask:
    inside = np.zeros(minutes, dtype=bool)
    for episode in episodes:
        first, stop = (
            min(max(round((t - start) / MINUTE), 0), minutes) for t in (episode.start, episode.end)
        )
        inside[first:stop] = True
    return inside


def known_activity(grid: Grid) -> Minutes:
    """Activity of minutes that say something: worn, or at rest in the dark; else NaN."""
    out = np.full_like(grid.activity, np.nan)
    known = grid.worn | (grid.state == 1)
    out[known] = grid.activity[known]
    return out
