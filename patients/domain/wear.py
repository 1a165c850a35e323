"""Was the sensor on the wrist? Told from stillness, so it must not rest on zeros alone.

Choi et al. 2011 made their rule for waking hours at the waist. A sleeper's wrist can lie still
for 90 min, too, but not again and again: 95 % of the inactive periods in bed are shorter than
53 min (Kosmadopoulos et al. 2016, Chronobiol Int 33:599), so that longer ones fill about a
quarter of the night (estimated from that paper's quantiles). A night of which they fill less
than half was slept with the sensor on; the idea of judging by shares is that of Ahmadi et al.
2020 (J Sports Sci 38:399), the half an assumption. A night without any movement cannot be told
from a table by counts: it is unworn, unless the caller knows of a heart rate.
"""

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import Family, Minutes

Mask = NDArray[np.bool_]

STILL_RUN_MINUTES = 90  # Choi et al. 2011, Med Sci Sports Exerc 43:357
SPIKE_MINUTES = 2
SPIKE_MARGIN_MINUTES = 30
LONG_STILL_MINUTES = 53
SLEPT_SHARE = 0.5
NEVER_SLEPT_MINUTES = 180  # of stillness: Jaeschke et al. 2017, Sci Rep 7:2227
REST_MINUTES = 225  # the mania model's long sleep; a shorter rest is not judged as a night
STIR_MINUTES = 10  # a movement shorter than this ends no rest
STRAY_MINUTES = 5  # a still moment at a desk is no rest
# How far above its floor a sensor at rest may read, per minute. Fixed, so that what a day shows
# does not depend on the days beside it. Condor: seen on one openly licensed week whose sensor
# lay still at night; the others are assumptions.
REST_NOISE = {
    Family.ACTIWATCH_COUNTS: 2.0,
    Family.ACTIGRAPH_COUNTS: 5.0,
    Family.ACTICAL_COUNTS: 2.0,
    Family.CONDOR_PIM: 20.0,
    Family.MIMS: 0.02,
    Family.ENMO: 1.0,
}


def runs(mask: Mask) -> NDArray[np.int64]:
    """Start and stop (exclusive) of each run of True, as an (n, 2) array.

    >>> runs(np.array([False, True, True, False, True])).tolist()
    [[1, 3], [4, 5]]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return edges.reshape(-1, 2)


def without_short_runs(mask: Mask, minutes: int) -> Mask:
    """The mask without its runs of True that are shorter than so many minutes.

    >>> without_short_runs(np.array([True, False, True, True]), 2).tolist()
    [False, False, True, True]
    """
    found = runs(mask)
    kept = found[found[:, 1] - found[:, 0] >= minutes]
    edges = np.zeros(len(mask) + 1, dtype=np.int8)
    edges[kept[:, 0]] = 1
    edges[kept[:, 1]] = -1
    return np.cumsum(edges[:-1], dtype=np.int8) > 0


def still_minutes(values: Minutes, noise: float = 0.0) -> Mask:
    """Minutes at the sensor's floor: its lowest value, or any that it keeps for 90 min.

    The floor may be zero or not, and another one after the sensor was turned over. ``noise``
    is how far above it a sensor at rest may read. Missing minutes are not still.
    """
    there = values[~np.isnan(values)]
    if there.size == 0:
        return np.zeros(values.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        return (values <= float(there.min()) + noise) | _constant(values, noise)


def _constant(values: Minutes, noise: float) -> Mask:
    """Minutes within 90 recorded ones that differ by no more than the noise."""
    if len(values) < STILL_RUN_MINUTES:
        return np.zeros(values.shape, dtype=bool)
    range_within = _windows(np.maximum, values) - _windows(np.minimum, values)
    begins = np.pad(range_within <= noise, STILL_RUN_MINUTES - 1)
    total = np.concatenate(([0], np.cumsum(begins)))
    return total[STILL_RUN_MINUTES:] > total[:-STILL_RUN_MINUTES]


def _windows(extreme: np.ufunc, values: Minutes) -> Minutes:
    """Highest (lowest) of each 90 minutes, NaN where one is; shape (n - 89,).

    Each window ends one block of 90 and begins the next, so that two sweeps are enough (van
    Herk 1992, Pattern Recognit Lett 13:517).
    """
    behind = -len(values) % STILL_RUN_MINUTES
    blocks = np.pad(values, (0, behind)).reshape(-1, STILL_RUN_MINUTES)
    up = extreme.accumulate(blocks, axis=1).ravel()
    down = extreme.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    count = len(values) - STILL_RUN_MINUTES + 1
    found: Minutes = extreme(down[:count], up[STILL_RUN_MINUTES - 1 :][:count])
    return found


def worn_from_counts(values: Minutes, noise: float = 0.0) -> Mask:
    """Minutes on which a count sensor was worn.

    Not worn are missing minutes and runs of at least 90 still minutes, in which up to
    2 minutes of movement may lie if 30 still minutes flank them (Choi et al. 2011, with the
    sensor's own floor in place of zero). In a slept night only stillness of 3 h is not worn.
    """
    there = ~np.isnan(values)
    still = still_minutes(values, noise) | ~there
    unworn = without_short_runs(_without_spikes(still), STILL_RUN_MINUTES)
    lying = without_short_runs(still, LONG_STILL_MINUTES) & there
    for start, stop in runs(_rests(still)):
        if lying[start:stop].sum() < SLEPT_SHARE * there[start:stop].sum():
            unworn[start:stop] = without_short_runs(still[start:stop], NEVER_SLEPT_MINUTES)
    return there & ~unworn


def _without_spikes(still: Mask) -> Mask:
    """Stillness over movements of up to 2 min that 30 still minutes flank on both sides."""
    out = still.copy()
    found = runs(~still)
    for start, stop in found[found[:, 1] - found[:, 0] <= SPIKE_MINUTES]:
        before = out[max(start - SPIKE_MARGIN_MINUTES, 0) : start]
        after = out[stop : stop + SPIKE_MARGIN_MINUTES]
        flanked = min(len(before), len(after)) == SPIKE_MARGIN_MINUTES
        if flanked and before.all() and after.all():
            out[start:stop] = True
    return out


def _rests(still: Mask) -> Mask:
    """Stretches of a night's length that are still but for stirring."""
    moving = without_short_runs(~without_short_runs(still, STRAY_MINUTES), STIR_MINUTES)
    return without_short_runs(~moving, REST_MINUTES)


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
