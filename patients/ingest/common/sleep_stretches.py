"""Sleep told as stretches of time, some of them by several apps on one device.

Where stretches overlap the deeper stage holds, and waking over all.
"""

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import SleepEpisode
from patients.ingest.common.base import MAX_SLEEP_SECONDS, STAGES, Rejected, sleep_episode
from patients.ingest.common.spill import Rows

EPISODE_GAP_SECONDS = 3600  # sleep after a longer gap is another episode
FAR = 2**40  # a second after all others


def good_sleep(rows: Rows, rejected: Rejected) -> NDArray[np.bool_]:
    """Which stretches of sleep have a length, and at most a day; the others are counted."""
    length = rows["end"] - rows["start"]
    good = (length > 0) & (length <= MAX_SLEEP_SECONDS)
    rejected["sleep_bad_duration"] += int(np.count_nonzero(~good))
    return good


def sleep_episodes(
    rows: Rows, rejected: Rejected, more_from: int = FAR
) -> tuple[list[SleepEpisode], Rows]:
    """One device's episodes, and the rows of the one that may go on, if it does.

    ``rows`` are ``good_sleep`` in any order, their values places in STAGES. Stretches join into
    episodes across gaps up to EPISODE_GAP_SECONDS. ``more_from`` is the UTC second from which on
    other stretches begin. Episodes over 24 h are left out and counted.
    """
    rows = rows[np.lexsort((rows["value"], rows["end"], rows["start"]))]
    if not rows.size:
        return [], rows
    reach = np.maximum.accumulate(rows["end"]) + EPISODE_GAP_SECONDS
    begins = np.concatenate(([0], np.flatnonzero(rows["start"][1:] > reach[:-1]) + 1))
    is_open = int(reach[-1]) >= more_from
    episodes = np.split(rows, begins[1:])
    closed = episodes[:-1] if is_open else episodes
    short = [e for e in closed if e["end"].max() - e["start"][0] <= MAX_SLEEP_SECONDS]
    rejected["sleep_over_24_h"] += len(closed) - len(short)
    return [_painted(e) for e in short], _open(episodes[-1]) if is_open else rows[:0]


def _open(rows: Rows) -> Rows:
    """The rows of an episode that may go on; one too long already needs no stages any more."""
    end = rows["end"].max()
    if end - rows["start"][0] <= MAX_SLEEP_SECONDS:
        return rows
    rows = rows[:1].copy()
    rows["end"] = end
    return rows


def _painted(rows: Rows) -> SleepEpisode:
    """Plain sleep first, so that stages and then waking paint over it."""
    rows = rows[np.argsort(rows["value"], kind="stable")]
    stages = rows["value"].astype(np.int64).tolist()
    spans = zip(rows["start"].tolist(), rows["end"].tolist(), stages, strict=True)
    return sleep_episode([(start, end, STAGES[stage]) for start, end, stage in spans])
