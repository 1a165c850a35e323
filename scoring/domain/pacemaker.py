"""The circadian pacemaker: core body temperature as light drives it.

Forger, Jewett & Kronauer 1999 (J Biol Rhythms 14:532), with the constants of the original
paper, which fit the published mania model's inputs. DLMO = CBTmin - 7 h.
"""

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np

from scoring.domain.types import Floats

ALPHA_0_PER_MINUTE = 0.16
BETA_PER_MINUTE = 0.013
G = 19.875
P = 0.6
I_0_LUX = 9500.0
MU = 0.23
K = 0.55
TAU_HOURS = 24.2
RADIANS_AN_HOUR = pi / 12.0
STIFFNESS = (24.0 / (0.99669 * TAU_HOURS)) ** 2

AWAKE_LUX = 250.0  # the published model's stand-in for measured light: 250 awake, 0 asleep
CBTMIN_TO_DLMO_HOURS = 7.0
STEP_MINUTES = 5
MINUTES_PER_DAY = 1440

# x, xc and the share n of light receptors in use; floats for one person, arrays for many.
State = tuple[Any, Any, Any]
MIDNIGHT_OF_A_REGULAR_SLEEPER: State = (-0.0843259, -1.09607546, 0.45584306)


@dataclass(frozen=True)
class Trajectory:
    """x at every step, from the start (inclusive) to the end; and the state at the end."""

    x: Floats
    end: State


def light_drive(lux: Floats, step_minutes: int = STEP_MINUTES) -> Floats:
    """alpha = alpha_0 * (I / I_0)^p per minute, averaged over each step.

    ``lux`` has shape (..., minutes); the result (..., minutes / step_minutes).
    """
    alpha = ALPHA_0_PER_MINUTE * (lux / I_0_LUX) ** P
    return alpha.reshape(*alpha.shape[:-1], -1, step_minutes).mean(axis=-1)


def _slope(x: Any, xc: Any, drive: Any) -> tuple[Any, Any]:
    # Per hour. B is the drive of light on the oscillator, weaker by the time of its cycle.
    b = drive * (1.0 - 0.4 * x) * (1.0 - 0.4 * xc)
    return (
        RADIANS_AN_HOUR * (xc + b),
        RADIANS_AN_HOUR * (MU * (xc - 4.0 / 3.0 * (xc * xc * xc)) - x * (STIFFNESS + K * b)),
    )


def simulate(
    lux: Floats,
    state: State = MIDNIGHT_OF_A_REGULAR_SLEEPER,
    step_minutes: int = STEP_MINUTES,
) -> Trajectory:
    """Integrate (Runge-Kutta of order 4) under minute light in lux.

    The receptors n, alone quick enough to be stiff in the sun, are solved exactly for each step:
    under one light they approach alpha / (alpha + beta) exponentially.

    ``lux`` has shape (minutes,) for one person or (people, minutes); minutes must divide by
    the step. ``x`` of the result has shape (steps + 1,) or (steps + 1, people).
    """
    alpha = light_drive(lux, step_minutes)
    h = step_minutes / 60.0
    half, sixth = h / 2, h / 6
    settled = alpha / (alpha + BETA_PER_MINUTE)
    nearer = np.exp(-60.0 * (alpha + BETA_PER_MINUTE) * half)  # in half a step
    # Floats of one person are ten times as fast as arrays of one.
    light = [row.tolist() if alpha.ndim == 1 else list(row.T) for row in (alpha, settled, nearer)]
    x, xc, n = state
    xs = [np.broadcast_to(x, alpha.shape[:-1])]
    for a, end, share in zip(*light, strict=True):
        middle = end + (n - end) * share
        last = end + (middle - end) * share
        drive, drive_middle, drive_last = (G * a * (1.0 - at) for at in (n, middle, last))
        x1, xc1 = _slope(x, xc, drive)
        x2, xc2 = _slope(x + half * x1, xc + half * xc1, drive_middle)
        x3, xc3 = _slope(x + half * x2, xc + half * xc2, drive_middle)
        x4, xc4 = _slope(x + h * x3, xc + h * xc3, drive_last)
        x = x + sixth * (x1 + 2 * (x2 + x3) + x4)
        xc = xc + sixth * (xc1 + 2 * (xc2 + xc3) + xc4)
        n = last
        xs.append(x)
    return Trajectory(np.array(xs), (x, xc, n))


def warmed_up(lux_of_a_usual_day: Floats, days: int = 30) -> State:
    """The state at midnight after so many days alike, from midnight to midnight.

    The published code's own starting state is not known; 30 equal days are what the same
    group uses elsewhere.
    """
    return simulate(
        np.tile(lux_of_a_usual_day, (1,) * (lux_of_a_usual_day.ndim - 1) + (days,)),
        MIDNIGHT_OF_A_REGULAR_SLEEPER,
    ).end


def minimum_hour(x: Floats, low_hour: float, high_hour: float) -> float:
    """Hour of the lowest x between two hours from the trajectory's start (CBTmin).

    The lowest step is refined by a parabola through it and its neighbours.

    >>> hours = np.arange(0, 24 + 1 / 12, 1 / 12)
    >>> round(minimum_hour(np.cos((hours - 16.3) / 24 * 2 * np.pi), 0, 24), 3)
    4.3
    """
    per_hour = 60 // STEP_MINUTES
    first = max(int(low_hour * per_hour), 0)
    last = min(int(high_hour * per_hour), len(x) - 1)
    at = first + int(np.argmin(x[first : last + 1]))
    if at in (0, len(x) - 1):
        return at / per_hour
    left, middle, right = x[at - 1 : at + 2]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend > 0 else 0.0
    return (at + float(np.clip(shift, -1.0, 1.0))) / per_hour


def dlmo_printed_hour(hours_from_midnight: float) -> float:
    """DLMO in [12, 36): 21.58 is 21:35, 24.67 is 00:40 of the next day.

    >>> dlmo_printed_hour(36.5), dlmo_printed_hour(-3.0)
    (12.5, 21.0)
    """
    return (hours_from_midnight - 12.0) % 24.0 + 12.0
