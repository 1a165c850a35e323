"""Cosinor: the 24-hour cosine that fits the activity best."""

from dataclasses import dataclass

import numpy as np

from patients.domain.recording import MINUTES_PER_DAY
from scoring.domain.types import Floats

MIN_PROFILE_SHARE = 0.9
RADIANS_A_MINUTE = 2 * np.pi / MINUTES_PER_DAY
ANGLES = RADIANS_A_MINUTE * np.arange(MINUTES_PER_DAY)
DESIGN = np.stack((np.ones(MINUTES_PER_DAY), np.cos(ANGLES), np.sin(ANGLES)))
FLAT = 1e-9


@dataclass(frozen=True)
class Cosinor:
    """``mesor`` and ``amplitude`` in units of the activity per minute.

    ``acrophase_hours`` is the hour of the local day at which the cosine is highest, in
    [0, 24); None where it is flat.
    """

    mesor: float | None = None
    amplitude: float | None = None
    acrophase_hours: float | None = None


def counted(table: Floats, axis: int) -> tuple[Floats, Floats]:
    """How many known values there are along the axis, and their sum."""
    there = ~np.isnan(table)
    sums: Floats = np.where(there, table, 0.0).sum(axis=axis)
    return np.count_nonzero(there, axis=axis).astype(np.float64), sums


def cosinor(days: Floats) -> Cosinor:
    """Least squares on the minutes that are known (Cornelissen 2014, Theor Biol Med Model 11:16).

    ``days`` has shape (n * 1440,), begins at a midnight, and is NaN where nothing is known. A
    recording that never saw a tenth of the day's minutes has no fit (assumption): the cosine
    would be drawn through hours that nobody measured.

    >>> found = cosinor(10 + 3 * np.cos(ANGLES - ANGLES[15 * 60]))
    >>> round(found.mesor, 6), round(found.amplitude, 6), round(found.acrophase_hours, 6)
    (10.0, 3.0, 15.0)
    """
    # Minutes of the same time share their row of the design: their number and sum are enough.
    counts, sums = counted(days.reshape(-1, MINUTES_PER_DAY), axis=0)
    if not days.size or (counts > 0).mean() < MIN_PROFILE_SHARE:
        return Cosinor()
    mesor, across, up = np.linalg.solve((DESIGN * counts) @ DESIGN.T, DESIGN @ sums).tolist()
    amplitude = float(np.hypot(across, up))
    if amplitude <= FLAT * abs(mesor):
        return Cosinor(mesor, 0.0)
    hour = float(np.arctan2(up, across)) / RADIANS_A_MINUTE / 60
    return Cosinor(mesor, amplitude, (hour + 24) % 24)
