"""Was the sensor on the wrist? Told from stillness, so it must not rest on zeros alone."""

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import Family, Minutes

Mask = NDArray[np.bool_]

STILL_RUN_MINUTES = 90  # Choi et al. 2011, Med Sci Sports Exerc 43:357
SPIKE_MINUTES = 2
SPIKE_MARGIN_MINUTES = 30
# How far above its floor a sensor at rest may read, per minute. Fixed, so that what a day shows
# does not depend on the days beside it. Condor: seen on one openly licensed week whose sensor
# lay still at night; the others are assumptions.
REST_NOISE = {
    Family.ACTIWATCH_COUNTS: 2.0,
    Family.ACTIGRAPH_COUNTS: 5.0,
    Family.CONDOR_PIM: 20.0,
    Family.MIMS: 0.02,
}


def runs(mask: Mask) -> NDArray[np.int64]:
    """Start and stop (exclusive) of each run of True, as an (n, 2) array.

    >>> runs(np.array([False, True, True, False, True])).tolist()
    [[1, 3], [4, 5]]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return edges.reshape(-1, 2)


def still_minutes(values: Minutes, noise: float = 0.0) -> Mask:
    """Minutes at the sensor's floor: its lowest value, be that zero or a constant.

    ``noise`` is how far above it a sensor at rest may read. Missing minutes are not still.
    """
    there = values[~np.isnan(values)]
    if there.size == 0:
        return np.zeros(values.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        return values <= float(there.min()) + noise


def worn_from_counts(values: Minutes, noise: float = 0.0) -> Mask:
    """Minutes on which a count sensor was worn.

    Not worn are missing minutes and runs of at least 90 still minutes, in which up to
    2 minutes of movement may lie if 30 still minutes flank them (Choi et al. 2011, with the
    sensor's own floor in place of zero).
    """
    there = ~np.isnan(values)
    still = still_minutes(values, noise) | ~there
    for start, stop in runs(~still):
        before = still[max(start - SPIKE_MARGIN_MINUTES, 0) : start]
        after = still[stop : stop + SPIKE_MARGIN_MINUTES]
        flanked = min(len(before), len(after)) == SPIKE_MARGIN_MINUTES
        if stop - start <= SPIKE_MINUTES and flanked and before.all() and after.all():
            still[start:stop] = True
    worn = there.copy()
    for start, stop in runs(still):
        if stop - start >= STILL_RUN_MINUTES:
            worn[start:stop] = False
    return worn


def near(mask: Mask, minutes: int) -> Mask:
    """Minutes that lie within so many minutes of a True one."""
    if not mask.any():
        return mask.copy()
    width = 2 * minutes + 1
    total = np.concatenate(([0], np.cumsum(np.pad(mask.astype(np.int64), minutes))))
    return (total[width:] - total[:-width]) > 0


def worn_from_signs(steps: Minutes, heart_rate: Minutes, asleep: Mask) -> Mask:
    """Minutes on which a step-counting device was worn.

    Steps are zero in every quiet hour, so stillness says nothing. A heart rate within 5 min,
    a step within 30 min, or a sleep record are signs of a wrist.
    """
    with np.errstate(invalid="ignore"):
        moved = steps > 0
    return near(~np.isnan(heart_rate), 5) | near(moved, 30) | asleep
