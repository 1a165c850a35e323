"""Writing the minutes of one device: the days that are new or different."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from patients.domain.minutes import EPOCH, Partial, merged, utc_days
from patients.domain.packing import pack, unpack
from patients.domain.recording import (
    MINUTES_PER_DAY,
    Channel,
    Minutes,
    MinuteSeries,
    Recording,
    Samples,
    Walks,
)
from patients.domain.walks import (
    DAY_SECONDS,
    MOST_STEPS,
    WALK,
    by_day,
    pack_walks,
    steps_by_minute,
    united,
    unpack_walks,
    walked,
    walks_of_minutes,
)
from patients.models import Device, RecordingDay

BATCH_ROWS = 500
BESIDE = timedelta(days=2)  # walks of a day bear on the minutes of the day before and after
NO_WALKS: Walks = np.empty(0, WALK)

Key = tuple[date, str, str]  # UTC day, channel, family
Stored = Mapping[Key, RecordingDay]


def minutes_store(*, device: Device, recording: Recording) -> list[RecordingDay]:
    """Write the days of the device that are new or different; returns them."""
    if not recording.series:
        return []
    stored = _stored_days(device, recording.series)
    written: list[RecordingDay] = []
    for series in recording.series:
        if any(row.walks is not None for row in stored.values() if row.channel == series.channel):
            series = walked(series)
        family = str(recording.family or "") if series.channel is Channel.ACTIVITY else ""
        days = _plain_days if series.walks is None else _walked_days
        written += days(device, family, series, stored)
    _write(written)
    return written


def _write(rows: Sequence[RecordingDay]) -> None:
    RecordingDay.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["device", "utc_day", "channel", "family"],
        update_fields=["values", "partial", "walks", "minutes", "last_minute"],
        batch_size=BATCH_ROWS,
    )


def _stored_days(device: Device, series: Sequence[MinuteSeries]) -> Stored:
    first, last = min(s.start for s in series).date(), max(s.end for s in series).date()
    if any(s.walks is not None for s in series):
        first, last = first - BESIDE, last + BESIDE
    rows = RecordingDay.objects.filter(device=device, utc_day__range=(first, last))
    return {(row.utc_day, row.channel, row.family): row for row in rows}


def _plain_days(
    device: Device, family: str, series: MinuteSeries, stored: Stored
) -> Iterator[RecordingDay]:
    """The days on which the series has something new, with what both files hold."""
    for day, values, partial in utc_days(series):
        old = stored.get((day, str(series.channel), family))
        if old is not None:
            before = unpack(bytes(old.values)), _partial_from_json(old.partial)
            values, partial = merged(before, (values, partial), series.how, series.full)
            if np.array_equal(values, before[0], equal_nan=True) and partial == before[1]:
                continue
        yield _row(device, day, series.channel, family, values, partial)


def _walked_days(
    device: Device, family: str, series: MinuteSeries, stored: Stored
) -> Iterator[RecordingDay]:
    """The days whose walks are new, and those beside them, with their minutes made anew."""
    old = {_number(row): row for (_, *of), row in stored.items() if of == [series.channel, family]}
    walks = {number: _walks_in(row, number) for number, row in old.items()}
    changed = set()
    for number, told in by_day(series.walks if series.walks is not None else NO_WALKS).items():
        before = walks.get(number, NO_WALKS)
        both = united(np.concatenate((before, told)))
        if not np.array_equal(both, before):
            walks[number] = both
            changed.add(number)
    near = {day + beside for day in changed for beside in (-1, 0, 1)}
    for row in _rows_of_walks(device, walks, near, series.how):
        if not _same(old.get(_number(row)), row):
            yield row


def walks_renew(*, device: Device, first: date, last: date) -> set[Key]:
    """Make the minutes of steps anew after days from first to last have lost their walks.

    Walks of the days beside them reach into these days, and theirs into the days beside.
    Returns the days that came out different.
    """
    span = (first - BESIDE, last + BESIDE)
    rows = RecordingDay.objects.filter(device=device, utc_day__range=span, channel=Channel.STEPS)
    old = {_number(row): row for row in rows.exclude(walks=None)}
    walks, how = {}, "max"
    for number, row in old.items():
        walks[number], how = unpack_walks(bytes(row.walks or b""), number * DAY_SECONDS)
    days = set(range((first - EPOCH).days - 1, (last - EPOCH).days + 2))
    new = {_number(row): row for row in _rows_of_walks(device, walks, days, how)}
    gone = [old[number] for number in days & old.keys() - new.keys()]
    written = [row for number, row in new.items() if not _same(old.get(number), row)]
    _write(written)
    RecordingDay.objects.filter(pk__in=[row.pk for row in gone]).delete()
    return {(row.utc_day, row.channel, row.family) for row in (*written, *gone)}


def _rows_of_walks(
    device: Device, walks: Mapping[int, Walks], numbers: Collection[int], how: str
) -> Iterator[RecordingDay]:
    """Those of these days since 1970 that hold something: walks, or minutes of any walk."""
    every = np.concatenate([NO_WALKS, *walks.values()])
    first, minutes = 0, np.empty(0, np.float32)
    if numbers and every.size:
        first, steps = steps_by_minute(every, how)
        steps[steps > MOST_STEPS] = np.nan
        minutes = steps.astype(np.float32)
    for number in sorted(numbers):
        day, own = EPOCH + timedelta(days=number), walks.get(number, NO_WALKS)
        values = _of_day(minutes, number * MINUTES_PER_DAY - first)
        if own.size or not np.isnan(values).all():
            row = _row(device, day, Channel.STEPS, "", values, {})
            row.walks = pack_walks(own, how, number * DAY_SECONDS)
            yield row


def _number(row: RecordingDay) -> int:
    """The UTC day since 1970."""
    return (row.utc_day - EPOCH).days


def _same(old: RecordingDay | None, new: RecordingDay) -> bool:
    return old is not None and all(
        bytes(getattr(old, name) or b"") == getattr(new, name) for name in ("values", "walks")
    )


def _walks_in(row: RecordingDay, number: int) -> Walks:
    if row.walks is None:  # as written before walks were kept
        return walks_of_minutes(unpack(bytes(row.values)), number * DAY_SECONDS)
    return unpack_walks(bytes(row.walks), number * DAY_SECONDS)[0]


def _of_day(minutes: Minutes, at: int) -> Minutes:
    """The 1,440 minutes from place ``at`` on; it may lie outside."""
    values = np.full(MINUTES_PER_DAY, np.nan, dtype=np.float32)
    low, high = max(at, 0), min(at + MINUTES_PER_DAY, minutes.size)
    if low < high:
        values[low - at : high - at] = minutes[low:high]
    return values


def _row(
    device: Device, day: date, channel: str, family: str, values: Minutes, partial: Partial
) -> RecordingDay:
    there = np.flatnonzero(~np.isnan(values))
    return RecordingDay(
        device=device,
        utc_day=day,
        channel=str(channel),
        family=family,
        values=pack(values),
        partial={str(minute): samples for minute, samples in sorted(partial.items())} or None,
        minutes=there.size,
        last_minute=int(there[-1]) if there.size else max(partial, default=0),
    )


def _partial_from_json(partial: dict[str, list[list[float]]] | None) -> dict[int, Samples]:
    return {
        int(minute): tuple((second, value) for second, value in samples)
        for minute, samples in (partial or {}).items()
    }
