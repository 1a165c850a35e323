"""Condor ActLumus text logs: `KEY : VALUE` lines, then a `;` table of epochs in local time."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, MinuteSeries, Recording
from patients.ingest.common.base import (
    LATEST_SECOND,
    Rejected,
    Seconds,
    Values,
    Zone,
    epochs,
    logger_utc,
    logger_zones,
    recording,
    require_dates,
    require_short_rows,
    utc_from_local,
    zones_of,
)
from patients.ingest.common.logger_rows import epoch_seconds

SOURCE = "actlumus"
LABEL = "Condor ActLumus and ActTrust text logs"
HEAD_BYTES = 65_536
BANNER = b"Condor Instruments Report"
TABLE = b"DATE/TIME;"
COLUMNS = ("DATE/TIME", "PIM", "LIGHT")
TAIL_BYTES = 4096
# Bytes of a stored row, by DEVICE_MODEL: LOG_SIZE over these is the number of rows when the
# device was connected, exactly so in two real logs (which went on for 2 and 14 rows more).
ROW_BYTES = {"AL0101": 76}
LEAST_MOVING = 0.02  # of the minutes; 53 % in a real week that was worn, 0.4 % in one that was not
DAY_MINUTES = 1440
STAMP_FORMAT = "%d/%m/%Y %H:%M:%S"
CONNECTED = ("CONNECTION_SYSTEM_DATE_TIME", "CONNECTION_DEVICE_DATE_TIME")
QUARTER_SECONDS = 900  # no clock drifts half as far within a log
MOST_DAYS = 60  # before and after the first row; twice this is less than from change to change


def recognises(path: Path) -> bool:
    """Whether the content is a Condor log with a table."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    return BANNER in head and b"\n" + TABLE in head


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Activity (PIM/min) and light (mean lux) per minute; stamps are local in ``zone``.

    A complete log ends in a row with as many fields as the table has titles (its line end is
    missing in the real ones too), and has as many rows as LOG_SIZE tells. One that ends within
    a row is refused; rows that LOG_SIZE tells of and that are not there are counted as
    rows_missing. InputError also for an unknown zone, a date outside 1970 to 2100, epochs over
    one minute, a table that cannot be read, and a log of a day or more with next to no movement:
    the light of a sensor that nobody wore is not a patient's.
    """
    zones = zones_of(zone)
    header, skipped = _header(path)
    table = _table(path, skipped)
    local = _local_seconds(table, path)
    _require_whole_row(path, skipped)
    epoch = epoch_seconds(local, path)
    zones = logger_zones(local, zones)
    seconds = logger_utc(local, zones, _clock_set(header, local, zones))
    rejected = Rejected({"rows_missing": _rows_missing(header, len(table))})
    pim, lux = (_numbers(table, name) for name in ("PIM", "LIGHT"))
    family = Family.CONDOR_PIM
    activity = epochs(Channel.ACTIVITY, (seconds, pim), epoch, rejected, family)
    _require_worn(path, activity)
    series = [activity]
    if lux.size:
        series.append(epochs(Channel.LIGHT, (seconds, lux), epoch, rejected, how="mean"))
    device = f"{header.get('DEVICE_MODEL', 'ActLumus')} {header.get('DEVICE_ID', '')}".strip()
    kind = DeviceKind.ACTIGRAPH
    yield recording(path, SOURCE, device, series, (), rejected, family, kind, zones=zones)


def _clock_set(header: dict[str, str], local: Seconds, zones: ZoneHistory) -> int | None:
    """A local second up to the first row's at which the zone had the offset of the log's clock.

    The header tells the computer's and the device's time when they were connected. The
    computer follows the changes of clock; so by how much the device is then ahead tells
    whether its clock is from before the last change. None if that is not told.
    """
    told = [header.get(key, "") for key in CONNECTED]
    stamps = pd.to_datetime(told, format=STAMP_FORMAT, errors="coerce")
    computer, device = stamps.to_numpy("datetime64[s]").astype(np.int64).tolist()
    first, last = int(local.min()), int(local.max())
    runs_on = last - 3600 <= device <= first + MOST_DAYS * 86400
    if not (runs_on and 0 <= computer < LATEST_SECOND):
        return None
    ahead = round((device - computer) / QUARTER_SECONDS) * QUARTER_SECONDS
    moments = np.append(first - 86400 * np.arange(MOST_DAYS), computer)
    offsets = moments - utc_from_local(moments, zones)
    same = np.flatnonzero(offsets[:-1] == offsets[-1] + ahead)
    return int(moments[same[0]]) if same.size else None


def _require_whole_row(path: Path, skipped: int) -> None:
    """InputError if the last row has fewer fields than the table has titles."""
    with path.open("rb") as stream:
        titles = stream.read(HEAD_BYTES).split(b"\n")[skipped]
        stream.seek(max(path.stat().st_size - TAIL_BYTES, 0))
        last = stream.read().rstrip().split(b"\n")[-1]
    if last.count(b";") < titles.count(b";"):
        raise InputError(f"{path.name} ends within a row: it was cut off; copy the log again.")


def _rows_missing(header: dict[str, str], rows: int) -> int:
    """How many rows fewer there are than the header's LOG_SIZE tells."""
    row_bytes = ROW_BYTES.get(header.get("DEVICE_MODEL", ""))
    size = header.get("LOG_SIZE", "")
    if row_bytes is None or not (size.isdecimal() and len(size) < 12):
        return 0
    return max(int(size) // row_bytes - rows, 0)


def _require_worn(path: Path, activity: MinuteSeries | None) -> None:
    """InputError for a day or more in which next to nothing moved."""
    there = activity.values[~np.isnan(activity.values)] if activity else np.empty(0)
    if there.size >= DAY_MINUTES and np.mean(there > 0) < LEAST_MOVING:
        raise InputError(
            f"{path.name} has movement in {np.mean(there > 0):.1%} of its minutes: nobody wore "
            "this sensor; give the log of the one that was worn."
        )


def _header(path: Path) -> tuple[dict[str, str], int]:
    """The `KEY : VALUE` pairs and the number of lines before the table's header line."""
    with path.open("rb") as stream:
        lines = stream.read(HEAD_BYTES).decode("utf-8", "replace").split("\n")
    at = next((i for i, line in enumerate(lines) if line.startswith(TABLE.decode())), None)
    if at is None:
        raise InputError(f"{path.name} has no line starting DATE/TIME; give the log as exported.")
    pairs = (line.partition(" : ") for line in lines[:at])
    return {key.strip(): value.strip() for key, _, value in pairs}, at


def _table(path: Path, skipped: int) -> pd.DataFrame:
    try:
        with path.open("rb") as lines:
            require_short_rows(lines, skipped + 1)
        table = pd.read_csv(
            path,
            sep=";",
            skiprows=skipped,
            usecols=lambda name: name in COLUMNS,
            dtype=str,
            index_col=False,
            quoting=csv.QUOTE_NONE,
            encoding_errors="replace",
            compression=None,  # a name may end in .gz, and is not to be believed
            skip_blank_lines=False,  # so that the index counts the file's lines
            na_filter=False,
        ).fillna("")
    except (ValueError, pd.errors.ParserError) as broken:
        raise InputError(
            f"{path.name}: the table from line {skipped + 1} on cannot be read; export it again."
        ) from broken
    if "PIM" not in table:
        raise InputError(f"{path.name} has no column PIM; export the log with activity.")
    table.index += skipped + 2
    return table[table["DATE/TIME"].str.strip() != ""]


def _local_seconds(table: pd.DataFrame, path: Path) -> Seconds:
    texts = table["DATE/TIME"]
    stamps = pd.to_datetime(texts, format=STAMP_FORMAT, errors="coerce")
    seconds: Seconds = stamps.to_numpy("datetime64[s]").astype(np.int64)
    require_dates(seconds, path, lambda i: f"line {texts.index[i]} ({texts.iloc[i][:24]!r})")
    return seconds


def _numbers(table: pd.DataFrame, column: str) -> Values:
    if column not in table:
        return np.empty(0)
    return pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64)
