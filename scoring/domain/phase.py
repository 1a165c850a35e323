"""The pacemaker from day to day: one day of integration a night, its state kept."""

from dataclasses import dataclass
from datetime import date, time, timedelta

import numpy as np

from patients.domain.days import ZoneHistory
from scoring.domain import pacemaker
from scoring.domain.grid import Grid
from scoring.domain.sleep import ASLEEP, UNKNOWN, SleepState, Window
from scoring.domain.types import Floats, Mask

USUAL_NIGHTS = 7
CLOCK = time(19)  # CBTmin between 19:00 and 19:00 is DLMO in [12, 36)
HOURS_FROM_19_TO_MIDNIGHT = 5.0
DAY_MINUTES = 1440


@dataclass(frozen=True)
class PacemakerDay:
    """What the next night goes on from.

    ``state`` is the pacemaker at 19:00 of the day; ``dlmo_hours`` counts from the midnight
    before the waking morning's and does not jump at an edge; ``usual`` holds the latest
    known main sleeps as minutes from 19:00.
    """

    state: tuple[float, float, float]
    dlmo_hours: float
    amplitude: float
    usual: tuple[tuple[int, int], ...]


def pacemaker_day(
    grid: Grid,
    zones: ZoneHistory,
    day: date,
    windows: list[Window],
    night: list[Window],
    before: PacemakerDay | None,
) -> PacemakerDay | None:
    """One day on: from 19:00 to 19:00 under 250 lux awake and 0 lux within sleep windows.

    ``windows`` are all of the grid, ``night`` those of the day if its night is there.
    Awakenings within a window stay dark, as in the published model, which knows windows only.
    Minutes that nobody knows follow the mean of the last 7 known nights. Before the first
    known night there is no phase: that night, repeated for 30 days, is where it begins.
    """
    low = grid.index(zones.at(day - timedelta(days=1), CLOCK))
    high = grid.index(zones.at(day, CLOCK))
    usual = _usual_nights(night, low, before)
    if not usual:
        return None
    if high <= low:  # eastwards over the date line a day can be skipped
        return before
    habit = _asleep_between(usual, high - low)
    state = _dark_within(windows, grid.state)[low:high]
    # Before a journey east the day, and so the grid, may end before 19:00.
    lux = _lux(np.pad(state, (0, high - low - len(state)), constant_values=UNKNOWN), habit)
    if before is None:
        warm = _asleep_between(usual, DAY_MINUTES)
        begun = pacemaker.warmed_up(np.where(warm, 0.0, pacemaker.AWAKE_LUX))
    else:
        begun = before.state
    path = pacemaker.simulate(lux, begun)
    hour = pacemaker.minimum_hour(path.x, 0, (high - low) / 60)
    dlmo = 24.0 - HOURS_FROM_19_TO_MIDNIGHT + hour - pacemaker.CBTMIN_TO_DLMO_HOURS
    if before is not None:
        dlmo = before.dlmo_hours + (dlmo - before.dlmo_hours + 12.0) % 24.0 - 12.0
    x, xc, n = (float(v) for v in path.end)
    return PacemakerDay((x, xc, n), float(dlmo), float(-path.x.min()), usual)


def _usual_nights(
    windows: list[Window], low: int, before: PacemakerDay | None
) -> tuple[tuple[int, int], ...]:
    known = before.usual if before else ()
    main = max((w for w in windows if w.is_long), key=lambda w: w.length_minutes, default=None)
    if main is not None:
        known = (*known, (main.start - low, main.stop - low))
    return known[-USUAL_NIGHTS:]


def _asleep_between(usual: tuple[tuple[int, int], ...], minutes: int) -> Mask:
    onset, offset = (round(float(np.mean(ends))) for ends in zip(*usual, strict=True))
    return (np.arange(minutes) - onset) % DAY_MINUTES < offset - onset


def _dark_within(windows: list[Window], state: SleepState) -> SleepState:
    dark = state.copy()
    for window in windows:
        dark[window.start : window.stop] = ASLEEP
    return dark


def _lux(state: SleepState, habit: Mask) -> Floats:
    asleep = np.where(state == UNKNOWN, habit, state == ASLEEP)
    return np.where(asleep, 0.0, pacemaker.AWAKE_LUX)
