"""The open format: a CSV with a column `timestamp` and one for each channel it holds.

docs/recordings.md describes it for those who write such files.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, MinuteSeries, Recording
from patients.ingest.common.base import (
    Rejected,
    Seconds,
    Zone,
    binned,
    epochs,
    recording,
    require_dates,
    require_short_rows,
    shown,
    utc_from_local,
    zones_of,
)
from patients.ingest.common.steps import steps_of_epochs

SOURCE = "minute_csv"
LABEL = "CSV with a timestamp and columns such as steps or activity:actigraph_counts"
HEAD_BYTES = 65_536
MAX_FILE_BYTES = 256 * 1024**2  # twenty years of minutes with five channels
TIME = "timestamp"
IGNORED = {"", "date"}
OFFSET = r"(?:Z|[+-]\d\d:?\d\d)$"
ABOUT_A_MINUTE = (50, 70)  # seconds from row to row
Column = tuple[Channel, Family | None]


def recognises(path: Path) -> bool:
    """Whether the first line names a timestamp and at least one channel."""
    if not path.is_file():
        return False
    names = _names(path)
    return TIME in names and any(name.partition(":")[0] in set(Channel) for name in names)


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """The channels per minute; stamps are ISO 8601 with offset, or local in ``zone``, or unix.

    Activity and steps are those of the row's epoch, of one minute or, if the rows are evenly
    spaced, less: then steps are kept as told, so that their sum is the file's also where rows
    are missing. Other channels may come at any time. InputError for an unknown zone or
    column, activity without its unit family, stamps that cannot be read, and counts of epochs
    that are uneven or longer than a minute.
    """
    given = zones_of(zone)
    names = _names(path)
    used = [name for name in names if name not in {TIME, *IGNORED}]
    columns = {name: _column(name, path) for name in used}
    if len({channel for channel, _ in columns.values()}) < len(used) or names.count(TIME) > 1:
        raise InputError(f"{path.name} names a channel twice; keep one column for each.")
    table = _table(path, names)
    seconds, zones = _utc_seconds(table[TIME], given, path)
    rejected = Rejected()
    series = [
        _series(column, seconds, table[name], rejected, path) for name, column in columns.items()
    ]
    family = next((family for _, family in columns.values() if family), None)
    walked = Family.STEPS if (Channel.STEPS, None) in columns.values() else None
    told, kind = family or walked, DeviceKind.WATCH
    yield recording(path, SOURCE, "CSV", series, (), rejected, told, kind, zones=zones)


def _names(path: Path) -> list[str]:
    """The column names of the first line, in lower case."""
    with path.open("rb") as stream:
        line = stream.read(HEAD_BYTES).decode("utf-8-sig", "replace").partition("\n")[0]
    return [name.strip(' "\r').lower() for name in line.split(",")]


def _column(name: str, path: Path) -> Column:
    """The channel that a column name tells, and for activity its unit family."""
    channel, _, family = name.partition(":")
    families = ", ".join(each for each in Family if each is not Family.STEPS)
    if channel == Channel.ACTIVITY:
        if family not in set(Family) - {Family.STEPS}:
            raise InputError(
                f"{path.name} does not say in which units its activity is; name the column "
                f"activity:FAMILY, with one of {families}."
            )
        return Channel.ACTIVITY, Family(family)
    if channel not in set(Channel) or family:
        raise InputError(
            f"{path.name} has the column {shown(name)}, which is no channel; remove it or name it "
            f"as one of {', '.join(Channel)}."
        )
    return Channel(channel), None


def _table(path: Path, names: Sequence[str]) -> pd.DataFrame:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InputError(f"{path.name} is over 256 MiB; split it by years.")
    try:
        with path.open("rb") as lines:
            require_short_rows(lines, 1)
        table = pd.read_csv(
            path,
            header=None,
            skiprows=1,
            index_col=False,
            dtype=str,
            na_filter=False,
            encoding_errors="replace",
            compression=None,  # a name may end in .gz, and is not to be believed
        ).fillna("")
    except (ValueError, pd.errors.ParserError) as broken:
        raise InputError(
            f"{path.name} is no table of {len(names)} columns; check its quotes and commas."
        ) from broken
    if table.shape[1] != len(names):
        raise InputError(
            f"{path.name} names {len(names)} columns and has {table.shape[1]}; check its commas."
        )
    return table.set_axis(list(names), axis="columns")


def _utc_seconds(
    column: pd.Series, zones: ZoneHistory, path: Path
) -> tuple[Seconds, ZoneHistory | None]:
    """UTC seconds of the stamps and the zones they needed; all must be of one kind."""
    texts = column.str.strip()
    if texts.str.fullmatch(r"(?a)\d{1,11}(?:\.\d+)?").all():
        numbers = pd.to_numeric(texts).to_numpy(np.float64)
        seconds: Seconds = np.floor(numbers).astype(np.int64)
        naive = False
    else:
        with_offset = texts.str.contains(OFFSET, regex=True)
        naive = not with_offset.any()
        stamps = pd.to_datetime(
            texts.where(with_offset | naive), format="ISO8601", utc=True, errors="coerce"
        )
        seconds = stamps.dt.tz_localize(None).to_numpy("datetime64[s]").astype(np.int64)
    require_dates(seconds, path, lambda i: f"line {i + 2} ({shown(texts.iloc[i])})")
    return (utc_from_local(seconds, zones), zones) if naive else (seconds, None)


def _series(
    column: Column, seconds: Seconds, texts: pd.Series, rejected: Rejected, path: Path
) -> MinuteSeries | None:
    """One channel on the minute grid; an empty cell is nothing, not a sample."""
    channel, family = column
    filled = texts.str.strip().to_numpy() != ""
    values = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    samples = seconds[filled], values[filled]
    if channel not in (Channel.ACTIVITY, Channel.STEPS):
        return binned(channel, samples, rejected)
    epoch = _epoch_seconds(samples[0], seconds, path)
    if channel is Channel.STEPS:
        return steps_of_epochs(samples, epoch, rejected)
    how: Literal["sum", "mean"] = "mean" if family is Family.ENMO else "sum"
    return epochs(channel, samples, epoch, rejected, family, how)


def _epoch_seconds(filled: Seconds, every: Seconds, path: Path) -> int:
    """The smallest spacing of the rows with a value, of which all others are multiples.

    So rows that are missing do not matter. One row has no spacing, and holds a minute; so do
    rows about a minute apart, and those further apart with other rows between them.
    """
    spacings = np.diff(np.unique(filled))
    if not spacings.size:
        return 60
    epoch = int(spacings.min())
    even = not np.remainder(spacings, epoch).any()
    least, most = ABOUT_A_MINUTE
    if least <= np.median(spacings) <= most and not (even and epoch < least):
        return 60
    if epoch > 60 and np.diff(np.unique(every)).min() <= 60:
        return 60
    if not even:
        raise InputError(
            f"{path.name} counts activity or steps in rows that are not evenly spaced; "
            "give one row a minute."
        )
    return epoch
