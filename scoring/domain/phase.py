"""The pacemaker from day to day: one day of integration a night, its state kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

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


# When measured light is believed: assumptions, no study of wrist light gives limits.
MEASURED_SHARE = 0.8  # of the awake minutes; else half a day would be guessed
BRIGHT_LUX = 100.0  # an ordinary lit room
MOST_LUX = 150_000.0  # more than the sun gives is the sensor's mistake
BRIGHT_MINUTES = 30  # a day without them was spent under a sleeve, or the sensor is broken
BELIEVED_DAYS = 14  # after so many days without measured light the pacemaker has forgotten it


@dataclass(frozen=True)
class Oscillation:
    """``state`` is the pacemaker at 19:00 of the day; ``dlmo_hours`` counts from the midnight
    before the waking morning's and does not jump at an edge; ``amplitude`` is that of x.
    """

    state: tuple[float, float, float]
    dlmo_hours: float
    amplitude: float


@dataclass(frozen=True)
class PacemakerDay:
    """What the next night goes on from.

    ``asleep_awake`` is driven by sleep alone, as the published mania model defines its inputs;
    ``measured`` by measured light as well, from the first day on that it is believed, and
    ``days_since`` how many days ago that last was. ``usual`` holds the latest known main sleeps
    as minutes from 19:00. ``light_share`` is the share of awake minutes with believed light.
    """

    asleep_awake: Oscillation
    usual: tuple[tuple[int, int], ...]
    measured: Oscillation | None = None
    days_since: int = 0
    light_share: float = 0.0

    @property
    def best(self) -> Oscillation:
        """The one that knows more."""
        return self.measured or self.asleep_awake

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "PacemakerDay":
        """What ``dataclasses.asdict`` gave, also after JSON."""
        usual = tuple((int(onset), int(offset)) for onset, offset in values["usual"])
        return cls(
            _oscillation(values["asleep_awake"]),
            usual,
            _oscillation(values["measured"]) if values["measured"] else None,
            values["days_since"],
            values["light_share"],
        )


def _oscillation(values: Mapping[str, Any]) -> Oscillation:
    x, xc, n = values["state"]
    return Oscillation((x, xc, n), values["dlmo_hours"], values["amplitude"])


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
    Measured light takes the place of the 250 lux in a second run, on days on which it is
    believed: at least MEASURED_SHARE of the awake minutes have it, worn, and BRIGHT_MINUTES of
    them reach BRIGHT_LUX.
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
    missing = high - low - len(state)
    lux = _lux(np.pad(state, (0, missing), constant_values=UNKNOWN), habit)
    light = np.where(grid.worn, grid.light, np.nan)[low:high].astype(np.float64)
    light = np.minimum(light, MOST_LUX)
    seen = np.pad(light, (0, missing), constant_values=np.nan)
    if before is None:
        warm = _asleep_between(usual, DAY_MINUTES)
        begun = pacemaker.warmed_up(np.where(warm, 0.0, pacemaker.AWAKE_LUX))
        alone = _run(lux, begun, None)
    else:
        begun = before.asleep_awake.state
        alone = _run(lux, begun, before.asleep_awake.dlmo_hours)
    share = _believed_share(lux, seen)
    days_since = 0 if share else before.days_since + 1 if before else 1
    if not (share or (before and before.measured and days_since <= BELIEVED_DAYS)):
        return PacemakerDay(alone, usual)
    earlier = before.best if before else Oscillation(begun, alone.dlmo_hours, alone.amplitude)
    seen_lux = np.where((lux > 0) & ~np.isnan(seen) & (share > 0), seen, lux)
    return PacemakerDay(
        alone, usual, _run(seen_lux, earlier.state, earlier.dlmo_hours), days_since, share
    )


def _run(lux: Floats, begun: pacemaker.State, dlmo_before: float | None) -> Oscillation:
    """From 19:00 on; ``dlmo_before`` is the day before's.

    A day that is no whole number of steps, as where a zone was set by the minute, loses the rest.
    """
    lux = lux[: len(lux) // pacemaker.STEP_MINUTES * pacemaker.STEP_MINUTES]
    path = pacemaker.simulate(lux, begun)
    hour = pacemaker.minimum_hour(path.x, 0, len(lux) / 60)
    dlmo = 24.0 - HOURS_FROM_19_TO_MIDNIGHT + hour - pacemaker.CBTMIN_TO_DLMO_HOURS
    if dlmo_before is not None:
        dlmo = dlmo_before + (dlmo - dlmo_before + 12.0) % 24.0 - 12.0
    x, xc, n = (float(v) for v in path.end)
    return Oscillation((x, xc, n), float(dlmo), float(-path.x.min()))


def _believed_share(lux: Floats, seen: Floats) -> float:
    """Share of the awake minutes with measured light; 0 where the day's is not believed."""
    awake = lux > 0
    there = awake & ~np.isnan(seen)
    with np.errstate(invalid="ignore"):
        bright = int((seen[awake] >= BRIGHT_LUX).sum())
    share = float(there.sum()) / max(int(awake.sum()), 1)
    return share if share >= MEASURED_SHARE and bright >= BRIGHT_MINUTES else 0.0


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
