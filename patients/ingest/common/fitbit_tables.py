"""The CSV tables of a Fitbit Takeout: HRV, SpO2, breathing and skin temperature of nights."""

import csv
import io
from dataclasses import dataclass
from datetime import timedelta, timezone

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.errors import InputError
from patients.domain.recording import Channel
from patients.ingest.common.archive import Member
from patients.ingest.common.base import utc_from_local
from patients.ingest.common.device import Device
from patients.ingest.common.json_files import MAX_FILE_BYTES, iso_moment, number

NO_OFFSET = timezone(timedelta(0), "none told")
NO_READING_SPO2 = 50.0  # what the Takeout has where the sensor read nothing


@dataclass(frozen=True)
class Table:
    """A table's column of times, column of values and what these are.

    ``name`` is how the file's name begins, where the columns alone could be of anyone.
    """

    when: str
    value: str
    channel: Channel
    columns: frozenset[str]
    name: str = ""


TABLES = (
    Table("timestamp", "rmssd", Channel.HRV_RMSSD, frozenset({"coverage", "low_frequency"})),
    Table("timestamp", "daily_respiratory_rate", Channel.RESPIRATORY_RATE, frozenset()),
    Table("timestamp", "full_sleep_breathing_rate", Channel.RESPIRATORY_RATE, frozenset()),
    Table("timestamp", "value", Channel.SPO2, frozenset(), "minute spo2"),
    # Device Temperature tables hold differences from a baseline that is not told: left out.
    Table(
        "sleep_start",
        "nightly_temperature",
        Channel.WRIST_TEMPERATURE,
        frozenset({"sleep_end", "temperature_samples"}),
    ),
)


def kind_of(basename: str, head: bytes) -> Table | None:
    """The table a file is, by the columns in its first line (and its name where it must be)."""
    first = head.partition(b"\n")[0].decode("utf-8-sig", "replace").strip().lower()
    columns = set(first.split(","))
    for table in TABLES:
        if {table.when, table.value, *table.columns} <= columns:
            named = basename.lower().startswith(table.name)
            return table if named else None
    return None


def read(table: Table, device: Device, file: Member, zones: ZoneHistory) -> None:
    """Adds the table's samples; stamps without offset are local in ``zones``.

    InputError for a file that is too large or no table, and a date outside 1970 to 2100.
    """
    seconds, naive, values = [], [], []
    for line, row in enumerate(_rows(file), start=2):
        stamp, value = row.get(table.when) or "", number(row.get(table.value))
        if not stamp or table.channel is Channel.SPO2 and value == NO_READING_SPO2:
            device.rejected[f"{table.channel}_no_reading"] += 1
            continue
        moment = iso_moment(stamp, f"{file.basename}: line {line}", NO_OFFSET)
        seconds.append(int(moment.timestamp()))
        naive.append(moment.tzinfo is NO_OFFSET)
        values.append(value)
    utc_seconds, is_naive = np.array(seconds, np.int64), np.array(naive, bool)
    utc_seconds[is_naive] = utc_from_local(utc_seconds[is_naive], zones)
    if is_naive.any():
        device.zones = zones
    device.extend(table.channel, utc_seconds.tolist(), values, table.value)


def _rows(file: Member) -> list[dict[str, str]]:
    """The table's rows by lower-case column name."""
    with file.open() as stream:
        raw = stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(f"{file.basename} is over 64 MiB; give the Takeout files as exported.")
    lines = csv.reader(io.StringIO(raw.decode("utf-8-sig", "replace"), newline=""))
    try:
        columns = [name.strip().lower() for name in next(lines, [])]
        return [dict(zip(columns, row, strict=False)) for row in lines]
    except csv.Error as broken:
        raise InputError(
            f"{file.basename} is no complete table; download the Takeout again."
        ) from broken
