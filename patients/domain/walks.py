"""Steps counted over stretches of time, and the minutes made of them; nothing is counted twice.

A vendor tells "500 steps from 10:00 to 10:10", and perhaps "300 from 10:00 to 10:05" as well.
What is kept is what was told, so that files may come in any order, in pieces and twice; the
minutes follow from it anew. All sums are of whole numbers, and so do not depend on their order.
"""

import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from patients.domain.errors import InputError
from patients.domain.recording import Minutes, MinuteSeries, Walks

WALK = np.dtype([("start", "<i8"), ("end", "<i8"), ("steps", "<f8"), ("teller", "<u2")])
MOST_STEPS = 300.0  # a minute
LONGEST_WALK_SECONDS = 3600  # a day's total spread over its minutes would walk all night
# A walk up to twice as long as another tells less finely than it, and so on.
LENGTHS_SECONDS = (60, 120, 240, 480, 960, 1920, LONGEST_WALK_SECONDS)
ONE_STEP = 2**40  # parts of a step are whole numbers of these
DECIMALS = 6  # of the steps of a minute: what division leaves over is no step
MOST_PIECES = 100_000_000
BLOCK_PIECES = 1_000_000  # which bounds the memory

PACKED = np.dtype([("start", "<u4"), ("length", "<u2"), ("steps", "<f8"), ("teller", "<u2")])
HOWS = {"max": b"m", "sum": b"s"}
DAY_SECONDS = 86_400

Whole = NDArray[np.int64]


def walks_of(start: Whole, end: Whole, steps: NDArray[np.float64], teller: Whole) -> Walks:
    """Records of walks, shape (n,): UTC seconds, steps, and which app told it (0 to 65,535)."""
    walks = np.empty(start.size, WALK)
    walks["start"], walks["end"], walks["steps"], walks["teller"] = start, end, steps, teller
    return walks


def united(walks: Walks) -> Walks:
    """The walks in order, each once; of one teller's counts for one stretch the larger stays."""
    walks = walks[np.lexsort((-walks["steps"], walks["teller"], walks["end"], walks["start"]))]
    again = np.ones(max(walks.size - 1, 0), bool)
    for name in ("start", "end", "teller"):
        again &= walks[name][1:] == walks[name][:-1]
    return walks[np.concatenate(([True], ~again))[: walks.size]]


def steps_by_minute(walks: Walks, how: str) -> tuple[int, NDArray[np.float64]]:
    """The first minute since 1970, and the steps from it on, NaN where no walk tells of any.

    ``walks``, at least one, are in any order. A walk is spread evenly over its seconds. Where
    a teller's walks overlap, the shorter (by LENGTHS_SECONDS) holds, and the longer has what is
    left of its count for the rest of its time, at most at its own pace; of equally long ones
    the faster holds. A minute of several tellers is that of the one with most ("max"), or, where
    each tells of another kind of movement, their "sum". InputError if so
    many walks overlap that they are no record of walking.

    >>> told = [(0, 600, 500.0, 0), (0, 300, 300.0, 0)]
    >>> steps_by_minute(np.array(told, WALK), "max")[1].tolist()
    [60.0, 60.0, 60.0, 60.0, 60.0, 40.0, 40.0, 40.0, 40.0, 40.0]
    """
    first = int(walks["start"].min()) // 60
    minutes = int((_stops(walks).max() - 1) // 60) + 1 - first
    total = np.full(minutes, -1, np.int64)
    for teller in np.unique(walks["teller"]):
        of_teller = walks["teller"] == teller
        own = total if of_teller.all() else np.full(minutes, -1, np.int64)
        for start, stop, rate in _blocks(*_rates(walks[of_teller])):
            _add(own, first, start, stop, rate)
        if own is not total:
            both = np.maximum(total, 0) + np.maximum(own, 0)
            total = np.maximum(total, own) if how == "max" else np.where(own < 0, total, both)
    return first, np.where(total < 0, np.nan, np.round(total / ONE_STEP, DECIMALS))


def _stops(walks: Walks) -> Whole:
    """The second after each walk; one without length takes the second of its start."""
    stops: Whole = np.maximum(walks["end"], walks["start"] + 1)
    return stops


def _rates(walks: Walks) -> tuple[Whole, Whole, Whole]:
    """One teller's time cut where a walk begins or ends: start, stop and parts of steps a second.

    Of the pieces that a walk covers.
    """
    starts, stops = walks["start"], _stops(walks)
    edges = np.unique(np.concatenate((starts, stops)))
    seconds = np.diff(edges)
    rate, covered = np.zeros(seconds.size, np.int64), np.zeros(seconds.size, bool)
    begin, end = np.searchsorted(edges, starts), np.searchsorted(edges, stops)
    if (end - begin).sum() > MOST_PIECES:
        raise InputError("The recording tells of the same steps over and over; export it again.")
    units = np.rint(walks["steps"] * ONE_STEP).astype(np.int64)
    length = np.searchsorted(LENGTHS_SECONDS, stops - starts)
    for of_length in (np.flatnonzero(length == n) for n in range(len(LENGTHS_SECONDS))):
        i, j = begin[of_length], end[of_length]
        told, taken = (_before(per * seconds) for per in (rate, covered))
        whole = (stops - starts)[of_length]
        free = np.maximum(whole - (taken[j] - taken[i]), 1)
        left = np.maximum(units[of_length] - (told[j] - told[i]), 0)
        pace = np.minimum(left // free, units[of_length] // whole)
        now = covered.copy()
        for piece, walk in _pieces(i, j):
            piece, walk = piece[~covered[piece]], walk[~covered[piece]]
            np.maximum.at(rate, piece, pace[walk])
            now[piece] = True
        covered = now
    return edges[:-1][covered], edges[1:][covered], rate[covered]


def _before(amounts: Whole) -> Whole:
    """The sum of the amounts before each place, and of all."""
    return np.concatenate(([0], np.cumsum(amounts)))


def _pieces(begin: Whole, end: Whole) -> Iterator[tuple[Whole, Whole]]:
    """(place, which) for every place in each [begin, end), some at a time."""
    counts = end - begin
    block = _before(counts)[:-1] // BLOCK_PIECES
    for number in np.unique(block):
        which = np.flatnonzero(block == number)
        at = np.repeat(which, counts[which])
        nth = np.arange(at.size) - np.repeat(
            np.cumsum(counts[which]) - counts[which], counts[which]
        )
        yield begin[at] + nth, at


def _blocks(start: Whole, stop: Whole, rate: Whole) -> Iterator[tuple[Whole, Whole, Whole]]:
    for minute, at in _pieces(start // 60, (stop - 1) // 60 + 1):
        yield np.maximum(start[at], minute * 60), np.minimum(stop[at], minute * 60 + 60), rate[at]


def _add(total: Whole, first: int, start: Whole, stop: Whole, rate: Whole) -> None:
    """Add stretches that lie within minutes to the minutes' totals; -1 means none so far."""
    minute = start // 60 - first
    total[minute] = np.maximum(total[minute], 0)
    np.add.at(total, minute, rate * (stop - start))


def by_day(walks: Walks) -> dict[int, Walks]:
    """The walks by the UTC day since 1970 in which they start; ``united`` ones stay in order."""
    days = walks["start"] // DAY_SECONDS
    cuts = np.flatnonzero(np.diff(days)) + 1
    return {int(part["start"][0]) // DAY_SECONDS: part for part in np.split(walks, cuts)}


def walks_of_minutes(minutes: Minutes, first_second: int) -> Walks:
    """Steps that were told by the minute, shape (n,), as walks of a minute each."""
    there = np.flatnonzero(~np.isnan(minutes))
    start = first_second + there * 60
    return walks_of(start, start + 60, minutes[there].astype(np.float64), np.zeros_like(there))


def walked(series: MinuteSeries) -> MinuteSeries:
    """A series of steps with its walks, also where it was told by the minute."""
    if series.walks is not None:
        return series
    walks = walks_of_minutes(series.values, int(series.start.timestamp()))
    return replace(series, walks=walks, how="max")


def pack_walks(walks: Walks, how: str, midnight: int) -> bytes:
    """Pack ``united`` walks that start in the UTC day from ``midnight`` (seconds since 1970).

    >>> one = np.array([(86_460, 86_520, 30.5, 7)], WALK)
    >>> unpack_walks(pack_walks(one, "max", 86_400), 86_400)[0].tolist()
    [(86460, 86520, 30.5, 7)]
    """
    body = np.empty(walks.size, PACKED)
    body["start"], body["length"] = walks["start"] - midnight, walks["end"] - walks["start"]
    body["steps"], body["teller"] = walks["steps"], walks["teller"]
    planes = np.frombuffer(body.tobytes(), np.uint8).reshape(-1, PACKED.itemsize).T
    return HOWS[how] + zlib.compress(planes.tobytes(), 6)


def unpack_walks(data: bytes, midnight: int) -> tuple[Walks, str]:
    """What ``pack_walks`` packed: the walks, and how their tellers go together."""
    how = next(name for name, code in HOWS.items() if code == data[:1])
    planes = np.frombuffer(zlib.decompress(data[1:]), np.uint8).reshape(PACKED.itemsize, -1)
    body = np.frombuffer(planes.T.tobytes(), PACKED)
    start = body["start"].astype(np.int64) + midnight
    return walks_of(start, start + body["length"], body["steps"], body["teller"]), how
