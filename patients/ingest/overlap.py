"""Several sources that saw the same steps or the same night: one is chosen, none are summed."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import UNITS, Channel, Family, MinuteSeries, SleepEpisode
from patients.ingest.base import (
    LIMITS,
    MAX_SLEEP_SECONDS,
    STAGES,
    Rejected,
    Seconds,
    Values,
    on_grid,
    sleep_episode,
)

Indices = NDArray[np.int64]

LONGEST_STEPS_SECONDS = 3600  # a day's total spread over its minutes would walk all night
EPISODE_GAP_SECONDS = 3600  # sleep after a longer gap is another episode
BLOCK = 20_000  # step records spread at a time, which bounds the memory
LANE = 2**33  # farther apart than any two dates
AWAKE = STAGES.index("awake")
SCORED = [STAGES.index(stage) for stage in ("light", "deep", "rem")]


@dataclass
class Spans:
    """Samples with a start, an end (UTC seconds), a value and a source, growing compactly.

    The value is the number of steps, or the place in STAGES of a stretch of sleep.
    """

    start: "array[int]" = field(default_factory=lambda: array("q"))
    end: "array[int]" = field(default_factory=lambda: array("q"))
    value: "array[float]" = field(default_factory=lambda: array("d"))
    source: "array[int]" = field(default_factory=lambda: array("q"))

    def append(self, start: int, end: int, value: float, source: int) -> None:
        """Adds one sample."""
        self.start.append(start)
        self.end.append(end)
        self.value.append(value)
        self.source.append(source)

    def arrays(self) -> tuple[Seconds, Seconds, Values, Indices]:
        """start, end, value and source as numpy arrays over the same memory."""
        return (
            np.frombuffer(self.start, np.int64),
            np.frombuffer(self.end, np.int64),
            np.frombuffer(self.value, np.float64),
            np.frombuffer(self.source, np.int64),
        )


def steps_per_minute(spans: Spans, order: Sequence[int], rejected: Rejected) -> MinuteSeries | None:
    """Steps of each minute from the first source, by ``order``, that has any for it.

    ``order[source]`` is the source's rank, 0 the most preferred, no two alike. A record is
    spread evenly in time over its minutes. Left out and counted: records over an hour, or over
    the step limit a minute, or told twice by one source.
    """
    start, end, value, source = _step_records(spans, rejected)
    rank = np.asarray(order, np.int64)[source] if source.size else source
    blocks = [_summed(*_spread(start[b], end[b], value[b], rank[b])) for b in _blocks(start.size)]
    if not blocks:
        return None
    minute, rank, steps = _summed(*(np.concatenate(column) for column in zip(*blocks, strict=True)))
    good = steps <= LIMITS[Channel.STEPS][1] * (1 + 1e-9)
    rejected["steps_minute_out_of_range"] += int(np.count_nonzero(~good))
    minute, steps = minute[good], steps[good]
    chosen = np.diff(minute, prepend=-1) > 0  # sorted by minute, then rank: the first is best
    return on_grid(Channel.STEPS, UNITS[Family.STEPS], minute[chosen], steps[chosen])


def _step_records(spans: Spans, rejected: Rejected) -> tuple[Seconds, Seconds, Values, Indices]:
    start, end, value, source = spans.arrays()
    length = end - start
    low, high = LIMITS[Channel.STEPS]
    good_time = (length >= 0) & (length <= LONGEST_STEPS_SECONDS)
    good = (value >= low) & (value <= high * np.maximum(length / 60, 1)) & good_time
    rejected["steps_bad_duration"] += int(np.count_nonzero(~good_time))
    rejected["steps_out_of_range"] += int(np.count_nonzero(good_time & ~good))
    order = np.flatnonzero(good)
    order = order[np.lexsort((value[order], end[order], start[order], source[order]))]
    start, end, value, source = start[order], end[order], value[order], source[order]
    again = np.zeros(order.size, bool)
    again[1:] = (np.diff(start) == 0) & (np.diff(end) == 0)
    again[1:] &= (np.diff(value) == 0) & (np.diff(source) == 0)
    rejected["steps_duplicate"] += int(np.count_nonzero(again))
    return start[~again], end[~again], value[~again], source[~again]


def _blocks(size: int) -> Iterator[slice]:
    return (slice(at, at + BLOCK) for at in range(0, size, BLOCK))


def _spread(
    start: Seconds, end: Seconds, value: Values, rank: Indices
) -> tuple[Seconds, Indices, Values]:
    """(minute, rank, share) for each minute a record touches."""
    first = start // 60
    touched = np.maximum(end - 1, start) // 60 - first + 1
    row = np.repeat(np.arange(start.size), touched)
    minute = first[row] + np.arange(row.size) - np.repeat(np.cumsum(touched) - touched, touched)
    inside = np.minimum(end[row], (minute + 1) * 60) - np.maximum(start[row], minute * 60)
    length = end[row] - start[row]
    share = np.where(length > 0, inside / np.maximum(length, 1), 1.0)
    return minute, rank[row], value[row] * share


def _summed(minute: Seconds, rank: Indices, share: Values) -> tuple[Seconds, Indices, Values]:
    """Shares added up for each (minute, rank), sorted by both."""
    order = np.lexsort((share, rank, minute))
    minute, rank, share = minute[order], rank[order], share[order]
    new = np.ones(order.size, bool)
    new[1:] = (np.diff(minute) != 0) | (np.diff(rank) != 0)
    at = np.flatnonzero(new)
    return minute[at], rank[at], np.add.reduceat(share, at) if at.size else share


def sleep_of_one_source(
    spans: Spans, order: Sequence[int], rejected: Rejected
) -> list[SleepEpisode]:
    """Episodes of sleep, those of one source wherever several tell of the same night.

    A source's stretches join into episodes across gaps up to EPISODE_GAP_SECONDS; episodes of
    different sources that lie as near are one night. The night goes to the source with stages,
    then to the lowest ``order[source]``. Stretches without length and episodes over 24 h are
    left out and counted.
    """
    start, end, value, source = spans.arrays()
    good = (end > start) & (end - start <= MAX_SLEEP_SECONDS)
    rejected["sleep_bad_duration"] += int(np.count_nonzero(~good))
    by = np.flatnonzero(good)
    by = by[np.lexsort((value[by], end[by], start[by], source[by]))]
    start, end, stage, source = start[by], end[by], value[by].astype(np.int64), source[by]
    if not by.size:
        return []
    night = _Episodes(start, end, stage, source, np.asarray(order, np.int64))
    rejected["sleep_over_24_h"] += int(np.count_nonzero(night.too_long))
    return [
        sleep_episode([(int(start[i]), int(end[i]), STAGES[stage[i]]) for i in _painting(stage, e)])
        for e in night.chosen()
    ]


class _Episodes:
    """Rows sorted by source and start, cut into episodes; arrays have one item an episode."""

    def __init__(
        self, start: Seconds, end: Seconds, stage: Indices, source: Indices, order: Indices
    ) -> None:
        self.first = _joins(start, end, source)
        self.stop = np.append(self.first[1:], start.size)
        self.start = start[self.first]
        self.end = np.maximum.reduceat(end, self.first)
        self.rank = order[source[self.first]]
        self.sources = order.size
        self.has_sleep = np.logical_or.reduceat(stage != AWAKE, self.first)
        self.staged = np.logical_or.reduceat(np.isin(stage, SCORED), self.first)
        self.too_long = self.end - self.start > MAX_SLEEP_SECONDS

    def chosen(self) -> list[slice]:
        """The rows of each episode whose source was chosen for its night."""
        kept = np.flatnonzero(self.has_sleep & ~self.too_long)
        kept = kept[np.argsort(self.start[kept], kind="stable")]
        if not kept.size:
            return []
        nights = _joins(self.start[kept], self.end[kept], np.zeros(kept.size, np.int64))
        rank = self.rank[kept]
        preference = rank + np.where(self.staged[kept], 0, self.sources)
        best = np.minimum.reduceat(preference, nights) % self.sources
        kept = kept[rank == np.repeat(best, np.diff(nights, append=kept.size))]
        return [slice(int(self.first[e]), int(self.stop[e])) for e in kept]


def _joins(start: Seconds, end: Seconds, lane: Indices) -> Indices:
    """Where, in rows sorted by lane and start, a new joined stretch begins."""
    reach = np.maximum.accumulate(end + lane * LANE)
    new = start[1:] + lane[1:] * LANE > reach[:-1] + EPISODE_GAP_SECONDS
    return np.concatenate(([0], np.flatnonzero(new) + 1))


def _painting(stage: Indices, episode: slice) -> list[int]:
    """Rows of an episode, plain sleep first, so that stages and then waking paint over it."""
    return sorted(range(episode.start, episode.stop), key=lambda i: int(stage[i]))
