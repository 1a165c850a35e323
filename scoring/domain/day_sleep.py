"""The sleep of one day in numbers that people read, and how regular it is."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.recording import MINUTES_PER_DAY, SleepEpisode
from patients.domain.wear import runs
from scoring.domain.grid import MINUTE, Grid
from scoring.domain.sleep import (
    ASLEEP,
    AWAKE_STAGES,
    UNKNOWN,
    SleepState,
    Window,
    flip_short_bouts,
)
from scoring.domain.types import Mask

REGULARITY_DAYS = 7
# A missing night takes two of the six pairs of nights with it, a sixth of all minutes: one is
# borne, two are not. A day may thus lack 6 h, as in the package sleepreg. Assumption.
KNOWN_PAIRS_SHARE = 0.75


def day_sleep(
    grid: Grid,
    zones: ZoneHistory,
    day: date,
    windows: Sequence[Window],
    present: bool,
    records: Sequence[SleepEpisode],
) -> dict[str, float | None]:
    """Sleep of the noon-to-noon day whose ``windows`` these are; None is not known.

    Durations are minutes that passed; onset, offset and midpoint are read from the clock.
    ``records`` are the vendor's. Time in bed is the windows and all of the vendor's records
    that touch them, so that lying awake before sleep is in it where the vendor tells it;
    ``efficiency`` (0 to 1) is the share of it asleep.
    """
    main = max(windows, key=lambda w: w.length_minutes, default=None)
    asleep = sum(w.asleep_minutes for w in windows)
    in_bed = _in_bed_minutes(grid, windows)
    near = _touching(records, windows, grid)

    def clock_minutes(index: float) -> float:
        return zones.minute_of_day(grid.moment(index), day)

    return {
        "time_asleep_hours": asleep / 60 if present else None,
        "time_in_bed_hours": in_bed / 60 if present else None,
        "efficiency": asleep / in_bed if in_bed else None,
        "latency_minutes": _latency_minutes(grid, main, near) if main else None,
        "wake_after_onset_minutes": float(main.wake_minutes) if main else None,
        "fragmentation_per_hour": _fragmentation(grid, windows, near),
        "onset_minutes": clock_minutes(main.start) if main else None,
        "offset_minutes": clock_minutes(main.stop) if main else None,
        "midpoint_hours": clock_minutes(main.midpoint) / 60 if main else None,
        "sleep_regularity_index": _regularity_index(grid, zones, day) if present else None,
    }


def sleep_regularity_index(asleep: Mask, known: Mask) -> float | None:
    """SRI, -100 to 100: how often the same state is found 24 h later (Phillips et al. 2017).

    -100 + 200 * share of equal states among the pairs of minutes 24 h apart that are both
    known; both arrays have shape (minutes,). None if under three quarters of the pairs are
    known: an unknown minute is never taken as awake. The 24 h are hours that passed: where
    the clocks change, who keeps the clock is an hour off in one pair of days, as for the
    body clock.

    >>> asleep = np.tile(np.arange(1440) < 480, 7)
    >>> sleep_regularity_index(asleep, np.ones_like(asleep))
    100.0
    """
    both = known[MINUTES_PER_DAY:] & known[:-MINUTES_PER_DAY]
    if both.size == 0 or float(both.mean()) < KNOWN_PAIRS_SHARE:
        return None
    same = asleep[MINUTES_PER_DAY:] == asleep[:-MINUTES_PER_DAY]
    return -100.0 + 200.0 * float(same[both].mean())


def _regularity_index(grid: Grid, zones: ZoneHistory, day: date) -> float | None:
    """SRI of the 10,080 minutes that end with the day."""
    high = grid.index(zones.day_bounds(day)[1])
    low = high - REGULARITY_DAYS * MINUTES_PER_DAY
    if low < 0:
        return None
    state: SleepState = grid.state[low:high]
    return sleep_regularity_index(state == ASLEEP, state != UNKNOWN)


def _in_bed_minutes(grid: Grid, windows: Sequence[Window]) -> int:
    in_bed = np.zeros(grid.in_bed.shape, dtype=bool)
    for window in windows:
        in_bed[window.start : window.stop] = True
    for start, stop in runs(grid.in_bed):
        in_bed[start:stop] |= in_bed[start:stop].any()
    return int(in_bed.sum())


def _touching(
    records: Sequence[SleepEpisode], windows: Sequence[Window], grid: Grid
) -> list[SleepEpisode]:
    spans = [(grid.moment(w.start), grid.moment(w.stop)) for w in windows]
    return [r for r in records if any(r.start < stop and start < r.end for start, stop in spans)]


def _latency_minutes(grid: Grid, main: Window, records: Sequence[SleepEpisode]) -> float | None:
    """From the start of the main sleep's record to its first sleep.

    Known only where the record has stages that begin awake: otherwise the vendor began it
    with sleep, and says nothing of how long that took to come.
    """
    first = min(_touching(records, [main], grid), key=lambda r: r.start, default=None)
    stages = sorted(first.stages, key=lambda s: s.start) if first else []
    if first is None or not stages or stages[0].start > first.start:
        return None
    if stages[0].stage not in AWAKE_STAGES:
        return None
    slept = next((s.start for s in stages if s.stage not in AWAKE_STAGES), None)
    return None if slept is None else (slept - first.start) / MINUTE


def _fragmentation(
    grid: Grid, windows: Sequence[Window], records: Sequence[SleepEpisode]
) -> float | None:
    """Awakenings of 10 min or more within the windows, per hour asleep.

    The awakening index of polysomnography, but for its least length, which is ours: it is
    the windows' own rule, and shorter ones cannot be told from a sleeper's movements without
    a vendor's stages. Records that tell the minutes awake but not when do not tell it.
    """
    asleep = sum(w.asleep_minutes for w in windows)
    if not asleep or any(r.awake_minutes > 0 and not r.stages for r in records):
        return None
    awakenings = sum(
        len(runs(~flip_short_bouts(grid.state[w.start : w.stop] == ASLEEP))) for w in windows
    )
    return awakenings / (asleep / 60)
