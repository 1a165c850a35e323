"""Steps and sleep told as stretches of time, some of them by several apps on one device.

What is here never sums two tellers: a minute's steps are those of the one that counted most, and
of stretches of sleep that overlap the deeper stage holds, and waking over all.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from patients.domain.minutes import Partial
from patients.domain.recording import Channel, MinuteSeries, Samples, SleepEpisode, unit_of
from patients.ingest.common.base import (
    LIMITS,
    MAX_SLEEP_SECONDS,
    STAGES,
    Rejected,
    Seconds,
    on_grid,
    sleep_episode,
)
from patients.ingest.common.spill import Rows

Indices = NDArray[np.int64]

LONGEST_STEPS_SECONDS = 3600  # a day's total spread over its minutes would walk all night
EPISODE_GAP_SECONDS = 3600  # sleep after a longer gap is another episode
BLOCK = 20_000  # step records spread at a time, which bounds the memory
ONE_STEP = 2**20  # shares of a step are whole numbers of these, so that sums are exact
FAR = 2**40  # a second after all others


def good_steps(rows: Rows, rejected: Rejected) -> NDArray[np.bool_]:
    """Which step records can be spread over their minutes; the others are counted.

    Not those over an hour, or over the limit of steps a minute.
    """
    length = rows["end"] - rows["start"]
    low, high = LIMITS[Channel.STEPS]
    good_time = (length >= 0) & (length <= LONGEST_STEPS_SECONDS)
    good = (rows["value"] >= low) & (rows["value"] <= high * np.maximum(length / 60, 1))
    rejected.out_of_range(Channel.STEPS, rows["start"][~good_time], "bad_duration")
    rejected.out_of_range(Channel.STEPS, rows["start"][good_time & ~good])
    return good & good_time


def last_second(rows: Rows) -> Seconds:
    """The last second each record covers, shape (n,); one without length covers its start."""
    return np.maximum(rows["end"] - 1, rows["start"])


def steps_per_minute(
    rows: Rows, first: int, stop: int, edges: Collection[int], rejected: Rejected
) -> MinuteSeries | None:
    """One device's steps in the minutes [first, stop) since 1970; None without any.

    ``rows`` are ``good_steps`` in any order. A record is spread evenly in time over its minutes.
    Lanes are apps on the device: a minute is that of the lane with most. ``edges`` are minutes
    of which another file may hold more. Left out and counted: a record that a lane tells again,
    and a lane's minute over the step limit.
    """
    rows = _once(rows, first, rejected)
    blocks = [_summed(*_spread(block, first, stop)) for block in _blocks(rows)]
    if not blocks:
        return None
    minute, lane, steps = _summed(*(np.concatenate(column) for column in zip(*blocks, strict=True)))
    good = steps <= LIMITS[Channel.STEPS][1] * ONE_STEP * (1 + 1e-6)  # shares are rounded
    rejected.out_of_range(Channel.STEPS, minute[~good] * 60, "minute_out_of_range")
    minute, lane, steps = minute[good], lane[good], steps[good]
    order = np.lexsort((lane, -steps, minute))
    order = order[np.diff(minute[order], prepend=-1) > 0]
    minute, lane, steps = minute[order], lane[order], steps[order]
    partial = _partial(rows, minute, lane, edges)
    return on_grid(
        Channel.STEPS, unit_of(Channel.STEPS), minute, steps / ONE_STEP, partial, how="sum"
    )


def _once(rows: Rows, first: int, rejected: Rejected) -> Rows:
    """The records in order, each once; those of an earlier stretch were counted there."""
    rows = rows[np.lexsort((rows["value"], rows["end"], rows["start"], rows["lane"]))]
    again = np.zeros(rows.size, bool)
    again[1:] = rows[1:] == rows[:-1]
    rejected["steps_duplicate"] += int(np.count_nonzero(again & (rows["start"] >= first * 60)))
    return rows[~again]


def _blocks(rows: Rows) -> Iterator[Rows]:
    return (rows[at : at + BLOCK] for at in range(0, rows.size, BLOCK))


def _spread(rows: Rows, low: int, stop: int) -> tuple[Seconds, Indices, Indices]:
    """(minute, lane, share) for each minute from ``low`` until ``stop`` that a record touches."""
    start, end = rows["start"], rows["end"]
    first = start // 60
    touched = last_second(rows) // 60 - first + 1
    row = np.repeat(np.arange(rows.size), touched)
    minute = first[row] + np.arange(row.size) - np.repeat(np.cumsum(touched) - touched, touched)
    inside = np.minimum(end[row], (minute + 1) * 60) - np.maximum(start[row], minute * 60)
    length = (end - start)[row]
    part = np.where(length > 0, inside / np.maximum(length, 1), 1.0)
    share = np.rint(rows["value"][row] * part * ONE_STEP).astype(np.int64)
    here = (minute >= low) & (minute < stop)
    return minute[here], rows["lane"][row][here].astype(np.int64), share[here]


def _summed(minute: Seconds, lane: Indices, share: Indices) -> tuple[Seconds, Indices, Indices]:
    """Shares added up for each (minute, lane), sorted by both."""
    order = np.lexsort((lane, minute))
    minute, lane, share = minute[order], lane[order], share[order]
    new = np.ones(order.size, bool)
    new[1:] = (np.diff(minute) != 0) | (np.diff(lane) != 0)
    at = np.flatnonzero(new)
    return minute[at], lane[at], np.add.reduceat(share, at) if at.size else share


def _partial(rows: Rows, minutes: Seconds, lanes: Indices, edges: Collection[int]) -> Partial:
    """The shares of the edge minutes, of the lane that was chosen, by second of the minute."""
    partial: dict[int, Samples] = {}
    for at in np.flatnonzero(np.isin(minutes, list(edges))).tolist():
        minute = int(minutes[at])
        touching = (rows["start"] < minute * 60 + 60) & (last_second(rows) >= minute * 60)
        told = rows[touching & (rows["lane"] == lanes[at])]
        shares = _spread(told, minute, minute + 1)[2] / ONE_STEP
        steps: dict[int, float] = defaultdict(float)
        for start, share in zip(told["start"].tolist(), shares.tolist(), strict=True):
            steps[max(start - minute * 60, 0)] += share
        partial[minute] = tuple(sorted(steps.items()))
    return partial


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
