"""Steps told as walks, checked and put on the minute grid."""

from dataclasses import replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from patients.domain.errors import InputError
from patients.domain.recording import Channel, MinuteSeries, Walks, unit_of
from patients.domain.walks import (
    LONGEST_WALK_SECONDS,
    MOST_STEPS,
    steps_by_minute,
    united,
    walks_of,
)
from patients.ingest.common.base import (
    MAX_SPAN_MINUTES,
    Rejected,
    Seconds,
    Values,
    epochs,
    on_grid,
    too_long,
)


def teller_of(name: str) -> int:
    """A number from 0 to 65,535 for an app's name; too short to tell the name from it."""
    return crc32(name.encode()) & 0xFFFF


def good_steps(
    start: Seconds, end: Seconds, steps: Values, rejected: Rejected
) -> NDArray[np.bool_]:
    """Which walks can be spread over their minutes; the others are counted.

    Not those that end before they start, take over an hour, or are over the limit of steps a
    minute. All of shape (n,).
    """
    length = end - start
    good_time = (length >= 0) & (length <= LONGEST_WALK_SECONDS)
    good = (steps >= 0) & (steps <= MOST_STEPS * np.maximum(length / 60, 1))
    rejected.out_of_range(Channel.STEPS, start[~good_time], "bad_duration")
    rejected.out_of_range(Channel.STEPS, start[good_time & ~good])
    return good_time & good


def steps_series(walks: Walks, rejected: Rejected, how: str = "max") -> MinuteSeries | None:
    """One device's steps of each minute, from ``good_steps`` in any order; None without any.

    ``how`` says what a minute of several tellers is. Left out and counted: what a teller tells
    again, and minutes over the step limit. InputError for walks that lie too many years apart.
    """
    if not walks.size:
        return None
    once = united(walks)
    rejected["steps_duplicate"] += walks.size - once.size
    first, last = (int(second) // 60 for second in (once["start"].min(), once["end"].max()))
    if last - first > MAX_SPAN_MINUTES:
        raise InputError(too_long("steps", first, last))
    first, steps = steps_by_minute(once, how)
    over = np.flatnonzero(steps > MOST_STEPS)
    rejected.out_of_range(Channel.STEPS, (first + over) * 60, "minute_out_of_range")
    steps[over] = np.nan
    series = on_grid(Channel.STEPS, unit_of(Channel.STEPS), first + np.arange(steps.size), steps)
    return series and replace(series, how=how, walks=once)


def steps_of_epochs(
    samples: tuple[Seconds, Values], epoch_seconds: float, rejected: Rejected
) -> MinuteSeries | None:
    """Steps counted in epochs of up to a minute; shorter ones are a walk each, never scaled up."""
    if epoch_seconds >= 60:
        return epochs(Channel.STEPS, samples, epoch_seconds, rejected)
    start, steps = samples
    end = start + round(epoch_seconds)
    good = good_steps(start, end, steps, rejected)
    walks = walks_of(start[good], end[good], steps[good], np.zeros_like(start[good]))
    return steps_series(walks, rejected)
