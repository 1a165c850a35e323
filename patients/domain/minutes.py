"""From samples to minutes, and two files' minutes of one device to one.

Taking minutes together does not depend on the order in which files come, nor on how often:
a minute is either whole, and then two that differ are the larger value, or partial, and then
its samples are kept and united with those of the next file.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import MINUTES_PER_DAY, Minutes, MinuteSeries, Samples

EPOCH = date(1970, 1, 1)
Partial = Mapping[int, Samples]  # minute since 1970 (or of the day) to its samples


def reduced(
    seconds: NDArray[np.int64],
    values: NDArray[np.float64],
    how: str,
    full: int = 0,
    edges: Collection[int] = (),
) -> tuple[NDArray[np.int64], NDArray[np.float64], dict[int, Samples]]:
    """Distinct minutes since 1970, their values, and the samples of the partial ones.

    ``seconds`` (sorted, UTC) and ``values`` are of shape (n,). ``how`` is "mean", "max" or
    "sum". Where a whole minute has ``full`` samples, one with fewer is partial, and has no
    value (NaN) under half of them; else the minutes in ``edges`` are partial.

    >>> minutes, values, partial = reduced(np.array([0, 30, 60]), np.array([1.0, 3.0, 5.0]),
    ...                                    "mean", full=2)
    >>> values.tolist(), partial
    ([2.0, 5.0], {1: ((0, 5.0),)})
    """
    of = seconds // 60
    starts = np.flatnonzero(np.diff(of, prepend=of[:1] - 1))
    stops = np.append(starts[1:], of.size)
    count = stops - starts
    minutes = of[starts]
    out = _reduce(values, starts, count, how)
    if full:
        out = np.where(2 * count >= full, out, np.nan)
        open_minutes = np.flatnonzero(count < full)
    else:
        open_minutes = np.flatnonzero(np.isin(minutes, list(edges)))
    partial = {
        int(minutes[i]): tuple(
            zip(
                (seconds[starts[i] : stops[i]] % 60).tolist(),
                values[starts[i] : stops[i]].tolist(),
                strict=True,
            )
        )
        for i in open_minutes
    }
    return minutes, out, partial


def _reduce(
    values: NDArray[np.float64], starts: NDArray[np.int64], count: NDArray[np.int64], how: str
) -> NDArray[np.float64]:
    if not starts.size:
        return np.empty(0)
    if how == "max":
        return np.maximum.reduceat(values, starts)
    sums = np.add.reduceat(values, starts)
    return sums if how == "sum" else sums / count


def merged(
    old: tuple[Minutes, Partial], new: tuple[Minutes, Partial], how: str, full: int = 0
) -> tuple[Minutes, dict[int, Samples]]:
    """Two files' minutes of one device, channel and day, as if one file had held them all.

    Values have the shape (1440,); the partial minutes are named by their place in it. Whole
    beats partial; two whole values that differ are the larger; two partial ones are united.

    >>> day = np.full(1440, np.nan, dtype=np.float32)
    >>> values, partial = merged((day, {0: ((0, 4.0),)}), (day, {0: ((30, 6.0),)}), "mean", 2)
    >>> float(values[0]), partial
    (5.0, {})
    """
    values = np.fmax(old[0], new[0])
    partial: dict[int, Samples] = {}
    for minute in sorted({*old[1], *new[1]}):
        sides = [(v[minute], p.get(minute)) for v, p in (old, new)]
        whole = [value for value, samples in sides if samples is None and not np.isnan(value)]
        if whole:
            values[minute] = max(whole)
            continue
        samples = tuple(sorted({s for _, found in sides for s in (found or ())}))
        values[minute] = _value(samples, how, full)
        if not full or len(samples) < full:
            partial[minute] = samples
    return values, partial


def together(series: Sequence[MinuteSeries]) -> MinuteSeries:
    """What several tellers say of one device's channel, at least one, as if each had its file.

    So a minute is the mean of one teller's samples, and of two tellers the larger; where a
    file ends within it, the mean of all their samples, which do not say who told them.
    """
    if len(series) == 1:
        return series[0]
    start, end = min(s.start for s in series), max(s.end for s in series)
    first = int(start.timestamp()) // 60
    count = int(end.timestamp()) // 60 - first
    values = np.full(count, np.nan, dtype=np.float32)
    partial: dict[int, Samples] = {}
    for one in series:
        grid, at = np.full(count, np.nan, dtype=np.float32), int(one.start.timestamp()) // 60
        grid[at - first :][: len(one.values)] = one.values
        samples = {minute - first: held for minute, held in one.partial.items()}
        values, partial = merged((values, partial), (grid, samples), one.how, one.full)
    held = {minute + first: samples for minute, samples in partial.items()}
    return replace(series[0], start=start, values=values, partial=held)


def _value(samples: Samples, how: str, full: int) -> np.float32:
    if full and 2 * len(samples) < full:
        return np.float32(np.nan)
    values = np.array([value for _, value in samples])
    first, count = np.zeros(1, np.int64), np.array([len(samples)])
    return np.float32(_reduce(values, first, count, how)[0])


def utc_days(series: MinuteSeries) -> Iterator[tuple[date, Minutes, dict[int, Samples]]]:
    """The UTC days that hold something, with the partial minutes by their place in the day."""
    first_minute = int(series.start.timestamp()) // 60
    partial: dict[int, dict[int, Samples]] = {}
    for minute, samples in series.partial.items():
        partial.setdefault(minute // MINUTES_PER_DAY, {})[minute % MINUTES_PER_DAY] = samples
    last_minute = first_minute + len(series.values) - 1
    for number in range(first_minute // MINUTES_PER_DAY, last_minute // MINUTES_PER_DAY + 1):
        midnight = number * MINUTES_PER_DAY
        low, high = max(midnight, first_minute), min(midnight + MINUTES_PER_DAY, last_minute + 1)
        values = np.full(MINUTES_PER_DAY, np.nan, dtype=np.float32)
        values[low - midnight : high - midnight] = series.values[
            low - first_minute : high - first_minute
        ]
        if number in partial or not np.isnan(values).all():
            yield EPOCH + timedelta(days=number), values, partial.get(number, {})
