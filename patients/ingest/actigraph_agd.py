"""ActiGraph .agd: an SQLite database with a table of epochs and one of settings."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import Recording
from patients.ingest.common.actigraph import (
    TICKS_EPOCH_SECONDS,
    TICKS_PER_SECOND,
    WANTED,
    from_counts,
    second_of_ticks,
)
from patients.ingest.common.base import (
    Seconds,
    Zone,
    logger_utc,
    logger_zones,
    require_dates,
    zones_of,
)

SOURCE = "actigraph_agd"
LABEL = "ActiGraph .agd (ActiLife)"
MAGIC = b"SQLite format 3\x00"
MAX_FILE_BYTES = 128 * 1024**2  # a month of 1-s epochs is 63 MB
MAX_TEXT_BYTES = 1024**2
TABLES = {"data", "settings"}
# A row takes more than 10 bytes and some 15 steps of SQLite's machine. A query that runs on past
# what the file's size explains goes round in circles in a forged file, and is stopped.
MIN_ROW_BYTES = 10
ROWS_AT_ONCE = 100_000
STEPS_BETWEEN_CHECKS = 10_000
FREE_CHECKS = 100
BYTES_PER_CHECK = 2_000


def recognises(path: Path) -> bool:
    """Whether the content is an SQLite database with ActiLife's tables."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            return False
    try:
        with _opened(path) as database:
            return _tables(database) >= TABLES
    except (sqlite3.Error, UnicodeDecodeError):
        return False


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Vector-magnitude counts, steps and lux per minute; stamps are local in ``zone``.

    With three axes activity is sqrt(x² + y² + z²) of each epoch, else axis 1. The device's
    clock does not follow daylight saving, so one offset holds for the whole recording, that of
    the start in the settings. The file is opened read-only, and nothing stored in it is run.
    InputError for an unknown zone, a damaged file, a date outside 1970 to 2100 and epochs over
    one minute.
    """
    zones = zones_of(zone)
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InputError(f"{path.name} is over 128 MiB; export it with epochs of 60 s.")
    try:
        with _opened(path) as database:
            settings, table = _settings(database, path), _epochs(database, path)
    except (sqlite3.Error, UnicodeDecodeError) as broken:
        raise InputError(
            f"{path.name} is a damaged .agd file; export it from ActiLife again."
        ) from broken
    epoch = settings.get("epochlength", "")
    if not re.fullmatch(r"[1-9]\d{0,4}", epoch):
        raise InputError(f"{path.name} does not say how long its epochs are; export it again.")
    local = _local_seconds(table, path)
    columns = {name: table[name].to_numpy(np.float64) for name in WANTED if name in table}
    started = second_of_ticks(settings.get("startdatetime", ""))
    zones = logger_zones(local, zones, started)
    seconds = logger_utc(local, zones, started)
    serial = settings.get("deviceserial", "")
    yield from_counts(path, SOURCE, serial, seconds, columns, float(epoch), zones)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, read-only; it can neither run code nor go on without end."""
    checks = FREE_CHECKS + path.stat().st_size // BYTES_PER_CHECK

    def runs_on() -> bool:
        nonlocal checks
        checks -= 1
        return checks < 0

    # immutable: no journal beside the file is read, and none is written.
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_TEXT_BYTES)
        database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        database.set_progress_handler(runs_on, STEPS_BETWEEN_CHECKS)
        database.execute("PRAGMA trusted_schema=OFF")
        database.execute("PRAGMA cell_size_check=ON")
        yield database


def _tables(database: sqlite3.Connection) -> set[str]:
    """Names of the ordinary tables: a view or virtual table would run what the file says."""
    rows = database.execute(
        "SELECT lower(name) FROM sqlite_master WHERE type = 'table' AND rootpage > 0"
    )
    return {str(name) for (name,) in rows}


def _settings(database: sqlite3.Connection, path: Path) -> dict[str, str]:
    if not _tables(database) >= TABLES:
        raise InputError(f"{path.name} lacks the tables of an .agd file; export it again.")
    rows = database.execute("SELECT settingName, settingValue FROM settings LIMIT 1000")
    return {str(name).lower(): str(value).strip() for name, value in rows}


def _epochs(database: sqlite3.Connection, path: Path) -> pd.DataFrame:
    """The epochs: "second" since 1970 on the device's clock, and the columns there are."""
    there = {str(row[1]).lower() for row in database.execute("PRAGMA table_info(data)")}
    if not {"datatimestamp", "axis1"} <= there:
        raise InputError(f"{path.name} has no counts with a stamp; export it again.")
    names = [name for name in WANTED if name in there]
    limit = path.stat().st_size // MIN_ROW_BYTES
    rows = database.execute(f"SELECT dataTimestamp, {', '.join(names)} FROM data LIMIT {limit}")
    parts = [pd.DataFrame(columns=["ticks", *names], dtype=np.float64)]
    while part := rows.fetchmany(ROWS_AT_ONCE):
        table = pd.DataFrame(part, columns=["ticks", *names])
        parts.append(table.apply(pd.to_numeric, errors="coerce").astype(np.float64))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _local_seconds(table: pd.DataFrame, path: Path) -> Seconds:
    ticks = table["ticks"]
    since = (ticks / TICKS_PER_SECOND).fillna(0).clip(0, 1e12).round()
    seconds: Seconds = since.to_numpy(np.float64).astype(np.int64) - TICKS_EPOCH_SECONDS
    require_dates(seconds, path, lambda i: f"epoch {i + 1}")
    return seconds
