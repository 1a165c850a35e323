"""Condor ActLumus text logs: `KEY : VALUE` lines, then a `;` table of epochs in local time."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import UNITS, Channel, Family, MinuteSeries, Recording
from patients.ingest.base import (
    Rejected,
    Seconds,
    Values,
    binned,
    minute_starts,
    on_grid,
    recording,
    require_dates,
    utc_from_local,
    within_limits,
    zone_of,
)

SOURCE = "actlumus"
HEAD_BYTES = 65_536
BANNER = b"Condor Instruments Report"
TABLE = b"DATE/TIME;"
COLUMNS = ("DATE/TIME", "PIM", "LIGHT")
SHARE_NEEDED = 0.5  # of a minute's epochs, for an activity value


def recognises(path: Path) -> bool:
    """Whether the content is a Condor log with a table."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    return BANNER in head and b"\n" + TABLE in head


def parse(path: Path, zone: str) -> Recording:
    """Activity (PIM/min) and light (mean lux) per minute; stamps are local in ``zone``.

    InputError for an unknown zone, a date outside 1970 to 2100, epochs over one minute, and a
    table that cannot be read.
    """
    place = zone_of(zone)
    header, skipped = _header(path)
    table = _table(path, skipped)
    local = _local_seconds(table, path)
    seconds, first = np.unique(utc_from_local(local, place), return_index=True)
    rejected: Rejected = Counter(duplicate_time=len(table) - seconds.size)
    table = table.iloc[first]
    pim, lux = (_numbers(table, name) for name in ("PIM", "LIGHT"))
    series = [
        _activity(path, seconds, pim, rejected),
        binned(Channel.LIGHT, "lux", (seconds, lux), "mean", rejected) if lux.size else None,
    ]
    device = f"{header.get('DEVICE_MODEL', 'ActLumus')} {header.get('DEVICE_ID', '')}".strip()
    return recording(path, SOURCE, device[:64], series, rejected=rejected, family=Family.CONDOR_PIM)


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
        table = pd.read_csv(
            path,
            sep=";",
            skiprows=skipped,
            usecols=lambda name: name in COLUMNS,
            dtype=str,
            index_col=False,
            quoting=csv.QUOTE_NONE,
            encoding_errors="replace",
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
    stamps = pd.to_datetime(texts, format="%d/%m/%Y %H:%M:%S", errors="coerce")
    seconds: Seconds = stamps.to_numpy("datetime64[s]").astype(np.int64)
    require_dates(seconds, path, lambda i: f"line {texts.index[i]} ({texts.iloc[i][:24]!r})")
    return seconds


def _numbers(table: pd.DataFrame, column: str) -> Values:
    if column not in table:
        return np.empty(0)
    return pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64)


def _activity(path: Path, seconds: Seconds, pim: Values, rejected: Rejected) -> MinuteSeries | None:
    """PIM summed per minute, scaled to the full minute where at least half of it is there."""
    if seconds.size < 2:
        return None
    epoch_seconds = float(np.median(np.diff(seconds)))
    if epoch_seconds > 60:
        raise InputError(
            f"{path.name} has one row every {epoch_seconds:.0f} s; "
            "give a log with epochs of one minute or less."
        )
    seconds, pim = within_limits(Channel.ACTIVITY, seconds, pim, rejected)
    minutes = seconds // 60
    starts = minute_starts(minutes)
    share = np.diff(starts, append=seconds.size) * epoch_seconds / 60
    sums = np.add.reduceat(pim, starts) if starts.size else pim
    values = np.where(share >= SHARE_NEEDED, sums / share, np.nan)
    return on_grid(Channel.ACTIVITY, UNITS[Family.CONDOR_PIM], minutes[starts], values)
