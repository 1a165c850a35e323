"""Condor ActLumus text logs: `KEY : VALUE` lines, then a `;` table of epochs in local time."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest.base import (
    Rejected,
    Seconds,
    Values,
    epochs,
    recording,
    require_dates,
    utc_from_local,
    zone_of,
)

SOURCE = "actlumus"
LABEL = "Condor ActLumus and ActTrust text logs"
HEAD_BYTES = 65_536
BANNER = b"Condor Instruments Report"
TABLE = b"DATE/TIME;"
COLUMNS = ("DATE/TIME", "PIM", "LIGHT")


def recognises(path: Path) -> bool:
    """Whether the content is a Condor log with a table."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    return BANNER in head and b"\n" + TABLE in head


def parse(path: Path, zone: str) -> Iterator[Recording]:
    """Activity (PIM/min) and light (mean lux) per minute; stamps are local in ``zone``.

    InputError for an unknown zone, a date outside 1970 to 2100, epochs over one minute, and a
    table that cannot be read.
    """
    place = zone_of(zone)
    header, skipped = _header(path)
    table = _table(path, skipped)
    seconds = utc_from_local(_local_seconds(table, path), place)
    stamps = np.unique(seconds)
    if stamps.size < 2:
        raise InputError(f"{path.name} has fewer than two rows; export the log again.")
    epoch_seconds = float(np.median(np.diff(stamps)))
    rejected: Rejected = Counter()
    pim, lux = (_numbers(table, name) for name in ("PIM", "LIGHT"))
    family = Family.CONDOR_PIM
    series = [epochs(Channel.ACTIVITY, (seconds, pim), epoch_seconds, rejected, family)]
    if lux.size:
        series.append(epochs(Channel.LIGHT, (seconds, lux), epoch_seconds, rejected, how="mean"))
    device = f"{header.get('DEVICE_MODEL', 'ActLumus')} {header.get('DEVICE_ID', '')}".strip()
    kind = DeviceKind.ACTIGRAPH
    yield recording(path, SOURCE, device, series, (), rejected, family, kind)


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
