"""Was the sensor on the wrist? Told from stillness, so it must not rest on zeros alone."""

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import Minutes

Mask = NDArray[np.bool_]

STILL_RUN_MINUTES = 90  # Choi et al. 2011, Med Sci Sports Exerc 43:357
SPIKE_MINUTES = 2
SPIKE_MARGIN_MINUTES = 30
STILL_SHARE_OF_P95 = 0.005  # a sensor at rest may drift a little above its floor


def runs(mask: Mask) -> NDArray[np.int64]:
    """Start and stop (exclusive) of each run of True, as an (n, 2) array.

    >>> runs(np.array([False, True, True, False, True])).tolist()
    [[1, 3], [4, 5]]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return edges.reshape(-1, 2)


def still_minutes(values: Minutes) -> Mask:
    """Minutes at the sensor's floor: its lowest value, be that zero or a constant.

    The floor is the lowest value of the recording; 0.5 % of the 95th percentile above it is
    still floor. Missing minutes are not still.
    """
    there = values[~np.isnan(values)]
    if there.size == 0:
        return np.zeros(values.shape, dtype=bool)
    floor = float(there.min())
    tolerance = STILL_SHARE_OF_P95 * (float(np.percentile(there, 95)) - floor)
    with np.errstate(invalid="ignore"):
        return values <= floor + tolerance


def worn_from_counts(values: Minutes) -> Mask:
    """Minutes on which a count sensor was worn.

    Not worn are missing minutes and runs of at least 90 still minutes, in which up to
    2 minutes of movement may lie if 30 still minutes flank them (Choi et al. 2011, with the
    sensor's own floor in place of zero).
    """
    there = ~np.isnan(values)
    still = still_minutes(values) | ~there
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
