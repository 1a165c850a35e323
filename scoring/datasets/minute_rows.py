"""A person's table `timestamp,date,activity`, one minute a row, as real folders hold them."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patients.domain.errors import InputError
from patients.domain.recording import Minutes
from patients.ingest.common.base import LATEST_SECOND, LIMITS, Channel

COLUMNS = ("timestamp", "date", "activity")
READ_DAYS = 9  # the first week from a midnight on lies within; later rows are not needed
MAX_BYTES = 256 * 1024**2  # some six million rows
EARLIEST_SECOND = int(datetime(1970, 1, 2, tzinfo=UTC).timestamp())
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
# A stamp said twice is an hour told again when clocks go back; two stamps in a minute are epochs.
EPOCHS_SHARE = 0.1
GAP_MINUTES = 7 * 1440  # without a row: what lies before is no part of the recording

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class MinuteRows:
    """The first days of a table on a gapless minute grid, and what was left out of it.

    ``start`` is the first minute, its local clock written as UTC; ``values`` are NaN where
    nothing usable was recorded; ``rejected`` counts rows by reason, ``rows`` is about how
    many the file has. Where no row follows those of the first days for over a week, ``resumes``
    is when the rows go on.
    """

    start: datetime
    values: Minutes
    rejected: Mapping[str, int]
    rows: int = 0
    resumes: datetime | None = None


def is_minute_rows(path: Path) -> bool:
    """Whether the file's first line names the three columns, whatever separates them."""
    with path.open("rb") as stream:
        head = stream.readline(1000).decode("utf-8-sig", "replace")
    for separator in OTHER_SEPARATORS:
        head = head.replace(separator, ",")
    return set(COLUMNS) <= set(_names(next(csv.reader([head]), [])))


def read_minute_rows(path: Path, channel: Channel = Channel.ACTIVITY) -> MinuteRows:
    """Read one person's table.

    Rows may be unsorted; of a minute told more than once the mean counts; seconds are cut off.
    A row is left out, and counted, if its time or number cannot be read or the number is out of
    the channel's range. Raises InputError for what is no such table.
    """
    rejected: Counter[str] = Counter()
    seconds, values = _numbers(path, channel, rejected)
    minutes = seconds // 60
    _check_a_row_a_minute(path.name, seconds, minutes)
    index = minutes - minutes.min()
    early = index < READ_DAYS * 1440
    index, values = index[early], values[early]
    there = ~np.isnan(values)
    count = np.bincount(index[there], minlength=int(index.max()) + 1)
    total = np.bincount(index[there], values[there], minlength=len(count))
    grid = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    rows = len(seconds) + sum(rejected.values())
    return MinuteRows(_time(minutes.min()), grid, dict(rejected), rows, _resumes(minutes))


def _time(minute: np.int64) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=int(minute))


def _resumes(minutes: NDArray[np.int64]) -> datetime | None:
    told = np.unique(minutes)
    after = np.flatnonzero(np.diff(told) > GAP_MINUTES) + 1
    begins_early = after.size and told[after[0] - 1] - told[0] < READ_DAYS * 1440
    return _time(told[after[0]]) if begins_early else None


def _numbers(
    path: Path, channel: Channel, rejected: Counter[str]
) -> tuple[NDArray[np.int64], Numbers]:
    """Local seconds since 1970 and values of the rows that can be used; shapes (n,)."""
    stamps, texts = _cells(path, rejected)
    seconds = _seconds(path.name, stamps)
    timed = (seconds >= EARLIEST_SECOND) & (seconds < LATEST_SECOND)
    _count(rejected, "time not readable", ~timed)
    if not timed.any():
        raise InputError(
            f"{path.name} has no time that can be read: write local times YYYY-MM-DD HH:MM:SS."
        )
    values = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    blank = (texts == "").to_numpy()
    low, high = LIMITS[channel]
    finite = np.isfinite(values)
    _count(rejected, "not a number", timed & ~finite & ~blank)
    _count(rejected, "negative", timed & finite & (values < low))
    _count(rejected, "out of range", timed & finite & (values > high))
    usable = finite & (values >= low) & (values <= high)
    if not (timed & usable).any():
        raise InputError(f"{path.name} has no activity from {low:g} to {high:g}: check its column.")
    return seconds[timed], np.where(usable, values, np.nan)[timed]


def _count(rejected: Counter[str], reason: str, rows: NDArray[np.bool_]) -> None:
    if rows.any():
        rejected[reason] += int(rows.sum())


def _cells(path: Path, rejected: Counter[str]) -> tuple[pd.Series, pd.Series]:
    """The texts of both columns; rows of another width are left out."""
    rows = csv.reader(_lines(path))
    try:
        header = _names(next(rows, []))
        when, what = _places(path.name, header)
        kept = [row for row in rows if row]
    except csv.Error:
        raise InputError(f"{path.name} is no comma CSV: export it again.") from None
    whole = [row for row in kept if len(row) >= len(header) and not any(row[len(header) :])]
    if len(whole) < len(kept):
        rejected["another number of columns"] = len(kept) - len(whole)
    if not whole:
        raise InputError(f"{path.name} has no rows of {len(header)} columns below its header.")
    return tuple(pd.Series([r[i] for r in whole], dtype=str).str.strip() for i in (when, what))  # type: ignore[return-value]


def _lines(path: Path) -> Iterator[str]:
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path.name} is over {MAX_BYTES >> 20} MB: give one person a file.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from stream
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is no UTF-8 text: save it as a UTF-8 CSV.") from None


def _names(header: list[str]) -> list[str]:
    return [name.strip(' "\ufeff').lower() for name in header]


def _places(file: str, header: list[str]) -> tuple[int, int]:
    if set(COLUMNS) <= set(header):
        return header.index(COLUMNS[0]), header.index(COLUMNS[2])
    for separator, word in OTHER_SEPARATORS.items():
        if len(header) == 1 and separator in header[0]:
            raise InputError(f"{file} separates its columns by {word}: give commas.")
    raise InputError(f"{file} has not the header {','.join(COLUMNS)}: give a table with it.")


def _seconds(file: str, stamps: pd.Series) -> NDArray[np.int64]:
    """Since 1970-01-01 00:00 of the local clock; a time that cannot be read lies before it."""
    try:
        times = pd.to_datetime(stamps, format="ISO8601", errors="coerce")
    except ValueError:  # offsets that differ from row to row
        times = None
    if times is None or times.dt.tz is not None:
        raise InputError(f"{file} has times with an offset from UTC: give naive local times.")
    return np.where(times.isna(), -1, times.to_numpy("datetime64[s]").astype(np.int64))


def _check_a_row_a_minute(
    file: str, seconds: NDArray[np.int64], minutes: NDArray[np.int64]
) -> None:
    stamps, told = np.unique(seconds), np.unique(minutes)
    if len(stamps) > (1 + EPOCHS_SHARE) * len(told):
        raise InputError(f"{file} has several rows a minute: give one, the minute's total.")
    apart = int(np.median(np.diff(told))) if len(told) > 1 else 1
    if apart > 1:
        raise InputError(f"{file} has a row every {apart} minutes: give one a minute.")
