"""Raw acceleration to activity: Euclidean norm minus one g, negative values set to zero.

van Hees et al. 2013, PLoS ONE 8:e61691. The sensor is taken as calibrated by its maker: no
auto-calibration to gravity is done, so that an error of its scale stays in the values.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from patients.ingest.common.base import Seconds, Values

Acceleration = NDArray[np.float32]  # g, shape (n, 3)
CHUNK_ROWS = 1_000_000


def enmo_by_second(
    seconds: Seconds, acceleration_g: Acceleration
) -> tuple[Seconds, Values, Values]:
    """Each run of one second, the mean ENMO of its samples, and that of its last one, in mg.

    ``seconds`` are those of the samples, of shape (n,). The mean of a minute's seconds is the
    mean of its samples, as all have equally many.

    >>> still, moved = (0.0, 0.0, 1.0), (0.0, 0.0, 1.5)
    >>> at, mean_mg, last_mg = enmo_by_second(np.array([7, 7, 8]), np.array([still, moved, still]))
    >>> at.tolist(), mean_mg.tolist(), last_mg.tolist()
    ([7, 8], [250.0, 0.0], [500.0, 0.0])
    """
    if not seconds.size:
        return seconds, np.empty(0), np.empty(0)
    mg = np.concatenate(list(_enmo_mg(acceleration_g)))
    starts = np.flatnonzero(np.diff(seconds, prepend=seconds[:1] - 1))
    stops = np.append(starts[1:], seconds.size)
    with np.errstate(invalid="ignore"):  # a broken scale gives infinities; they are left out later
        mean_mg = np.add.reduceat(mg, starts, dtype=np.float64) / (stops - starts)
    return seconds[starts], mean_mg, mg[stops - 1].astype(np.float64)


def _enmo_mg(acceleration_g: Acceleration) -> Iterator[NDArray[np.float32]]:
    """ENMO of the samples in mg, part by part, so that memory does not double."""
    for first in range(0, len(acceleration_g), CHUNK_ROWS):
        part = acceleration_g[first : first + CHUNK_ROWS].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            norm = np.sqrt((part**2).sum(axis=1))
            yield (np.maximum(norm - 1, 0) * 1000).astype(np.float32)
