"""Sleep told as loose stretches of time, some of them by several apps on one device.

Where stretches overlap the deeper stage holds, and waking over all. What is made of them
depends on nothing but which stage holds when, and nothing of that is lost: made again of the
episodes, also with further stretches, it is the same as made of all at once. A time without
sleep is a border or none by what lies within a day of it.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import SleepEpisode, SleepStage
from patients.ingest.common.base import MAX_SLEEP_SECONDS, STAGES, Rejected, Seconds, utc
from patients.ingest.common.spill import ROW, Rows

Stretches = NDArray[np.int64]  # shape (n, 3): start and end in UTC seconds, place in STAGES

EPISODE_GAP_SECONDS = 3600  # stretches after a longer gap are not joined
MOST_OPEN = 100_000  # stretches of one chain held while an export is read; ten years of nights
FAR = 2**40  # a second after all others
DAY = 86_400
AWAKE = STAGES.index("awake")


def good_sleep(rows: Rows, rejected: Rejected) -> NDArray[np.bool_]:
    """Which stretches of sleep have a length, and at most a day; the others are counted."""
    length = rows["end"] - rows["start"]
    good = (length > 0) & (length <= MAX_SLEEP_SECONDS)
    rejected["sleep_bad_duration"] += int(np.count_nonzero(~good))
    return good


def sleep_episodes(
    rows: Rows, rejected: Rejected, more_from: int = FAR
) -> tuple[list[SleepEpisode], Rows]:
    """One device's episodes, and the stretches of the last chain that may go on, if it does.

    ``rows`` are ``good_sleep`` in any order, their values places in STAGES. ``more_from`` is
    the UTC second from which on other stretches begin. A chain of over MOST_OPEN stretches is
    ended there. See ``episodes_of``.
    """
    line = painted(np.stack((rows["start"], rows["end"], rows["value"].astype(np.int64)), axis=1))
    chains = _chains(line)
    open_rows = np.zeros(0, ROW)
    if chains and line[-1, 1] + EPISODE_GAP_SECONDS >= more_from and len(chains[-1]) <= MOST_OPEN:
        last = chains.pop()
        open_rows = np.zeros(len(last), ROW)
        open_rows["start"], open_rows["end"], open_rows["value"] = last.T
    return [episode for chain in chains for episode in _of_chain(chain, rejected)], open_rows


def episodes_of(told: Stretches, rejected: Rejected) -> list[SleepEpisode]:
    """The episodes of stretches in any order, none of them empty.

    Stretches chain across gaps up to EPISODE_GAP_SECONDS. A chain over 24 h is split at its
    longest time without sleep (a gap, waking or both; the earliest of equals) until no piece is
    longer; a piece then begins and ends with sleep. One asleep throughout for over 24 h is no
    night, and counted. Waking outside the nights and sleep that is no night are kept day by day
    (UTC) as episodes with 0 minutes asleep, because other stretches may change what they are.
    """
    return [e for chain in _chains(painted(told)) for e in _of_chain(chain, rejected)]


def painted(told: Stretches) -> Stretches:
    """Which stage holds when: stretches that do not overlap, in order of time."""
    edges = np.unique(told[:, :2])
    stages: Seconds = np.zeros(edges.size, np.int64)
    for stage in np.unique(told[:, 2]).tolist():
        own = told[told[:, 2] == stage]
        depth = np.zeros(edges.size, np.int64)
        np.add.at(depth, np.searchsorted(edges, own[:, 0]), 1)
        np.add.at(depth, np.searchsorted(edges, own[:, 1]), -1)
        stages[np.cumsum(depth) > 0] = stage
    begins = np.flatnonzero(np.diff(stages, prepend=0))
    ends = np.append(edges[begins[1:]], edges[-1:])[: begins.size]
    line = np.stack((edges[begins], ends, stages[begins]), axis=1)
    return line[line[:, 2] > 0]


def _chains(line: Stretches) -> list[Stretches]:
    if not len(line):
        return []
    far = line[1:, 0] > line[:-1, 1] + EPISODE_GAP_SECONDS
    return np.split(line, np.flatnonzero(far) + 1)


def _of_chain(chain: Stretches, rejected: Rejected) -> Iterator[SleepEpisode]:
    pieces = _pieces(chain)
    nights = pieces[pieces[:, 1] - pieces[:, 0] <= MAX_SLEEP_SECONDS]
    rejected["sleep_over_24_h"] += len(pieces) - len(nights)
    number = np.searchsorted(nights[:, 0], chain[:, 0], side="right")
    inside = chain[:, 0] < np.append(0, nights[:, 1])[number]
    for rows in _split(chain[inside], number[inside]):
        yield _episode(rows, is_night=True)
    rest, after = _by_day(chain[~inside], number[~inside])
    for rows in _split(rest, after * FAR + rest[:, 0] // DAY):
        yield _episode(rows, is_night=False)


def _split(rows: Stretches, keys: Seconds) -> list[Stretches]:
    """The rows of each key, shape (n,); those of one key follow each other."""
    return np.split(rows, np.flatnonzero(np.diff(keys)) + 1) if len(rows) else []


def _pieces(chain: Stretches) -> Stretches:
    """Start and end, shape (k, 2), of the pieces with sleep into which a chain is split."""
    asleep = chain[chain[:, 2] != AWAKE]
    if not len(asleep):
        return np.empty((0, 2), np.int64)
    # Times without sleep: before the first (perhaps none), between, and after the last.
    begins = np.append(chain[0, 0], asleep[:, 1])
    ends = np.append(asleep[:, 0], chain[-1, 1])
    there = ends > begins
    there[[0, -1]] = True
    begins, ends = begins[there], ends[there]
    cut = _is_cut(begins, ends)
    starts = np.append(chain[0, 0], ends[:-1])[np.append(~cut[0], cut[:-1])]
    stops = np.append(begins[1:], chain[-1, 1])[np.append(cut[1:], ~cut[-1])]
    return np.stack((starts, stops), axis=1)


def _is_cut(begins: Seconds, ends: Seconds) -> NDArray[np.bool_]:
    """At which times without sleep, shape (n,), a chain is split.

    That is where what lies between the next longer ones on both sides is over 24 h long: just
    there the longest is split again and again until no piece is over 24 h.
    """
    starts, stops = begins.tolist(), ends.tolist()
    lengths = (ends - begins).tolist()
    low, high = [starts[0]] * len(starts), [stops[-1]] * len(starts)
    longer: list[int] = []
    for at, length in enumerate(lengths):
        while longer and lengths[longer[-1]] < length:
            high[longer.pop()] = starts[at]
        if longer:
            low[at] = stops[longer[-1]]
        longer.append(at)
    return np.array(high) - np.array(low) > MAX_SLEEP_SECONDS


def _by_day(rows: Stretches, numbers: Seconds) -> tuple[Stretches, Seconds]:
    """The stretches cut at each UTC midnight, and the number of each."""
    first = rows[:, 0] // DAY
    days = (rows[:, 1] - 1) // DAY - first + 1
    nth = np.arange(days.sum()) - np.repeat(np.cumsum(days) - days, days)
    midnights = (np.repeat(first, days) + nth) * DAY
    rows = np.repeat(rows, days, axis=0)
    rows[:, 0] = np.maximum(rows[:, 0], midnights)
    rows[:, 1] = np.minimum(rows[:, 1], midnights + DAY)
    return rows, np.repeat(numbers, days)


def _episode(rows: Stretches, *, is_night: bool) -> SleepEpisode:
    stages = tuple(SleepStage(utc(a), utc(b), STAGES[stage]) for a, b, stage in rows.tolist())
    lengths = rows[:, 1] - rows[:, 0]
    awake = float(lengths[rows[:, 2] == AWAKE].sum()) / 60
    asleep = float(lengths.sum()) / 60 - awake if is_night else 0.0
    return SleepEpisode(stages[0].start, stages[-1].end, asleep, awake, stages)
