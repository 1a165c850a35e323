"""Actical CSV files ("Actical List Export File"): counts and steps of each epoch."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest.common.base import (
    LATEST_SECOND,
    Rejected,
    Zone,
    epochs,
    logger_utc,
    recording,
    zones_of,
)
from patients.ingest.common.logger_rows import (
    cells,
    clock_second,
    epoch_seconds,
    local_stamps,
    named_day,
    present,
    require_size,
    table,
)

SOURCE = "actical"
LABEL = "Actical CSV files"
HEAD_BYTES = 65_536
MAX_BYTES = 32 * 1024**2  # over a year of minutes
BANNER = "Actical List Export File"
FIRST_TITLE = "Epoch#"
COLUMNS = {
    FIRST_TITLE: "number",
    "Date": "date",
    "Time": "time",
    "Activity": "counts",
    "Steps": "steps",
}


def recognises(path: Path) -> bool:
    """Whether the first line names an Actical export."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return BANNER in stream.read(HEAD_BYTES).decode("utf-8-sig", "replace").partition("\n")[0]


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Activity (counts/min) and steps per minute.

    The device's clock is set in ``zone`` at the start of the recording and runs on: the file
    counts elapsed seconds from there. InputError for an unknown zone, no table, a date outside
    1970 to 2100, and epochs over one minute.
    """
    zones = zones_of(zone)
    require_size(path, MAX_BYTES)
    header, titles = _header(path)
    rows = _rows(path, len(header), titles)
    local = local_stamps(rows, named_day, path)
    epoch = epoch_seconds(local, path)
    seconds = logger_utc(local, zones, _started(header))
    rejected = Rejected()
    family = Family.ACTICAL_COUNTS
    counts, steps = (present(seconds, rows[name]) for name in ("counts", "steps"))
    series = (
        epochs(Channel.ACTIVITY, counts, epoch, rejected, family),
        epochs(Channel.STEPS, steps, epoch, rejected),
    )
    serial = re.sub(r"[^\w-]", "", _value(header, "Device Serial Number:"))
    device = f"Actical {serial}".strip()
    yield recording(path, SOURCE, device, series, (), rejected, family, DeviceKind.ACTIGRAPH)


def _header(path: Path) -> tuple[list[list[str]], list[str]]:
    """The rows above the table, and its titles."""
    with path.open("rb") as stream:
        lines = stream.read(HEAD_BYTES).decode("utf-8-sig", "replace").split("\n")
    rows = [cells(line) for line in lines]
    at = next((i for i, row in enumerate(rows) if row and row[0] == FIRST_TITLE), None)
    if at is None or not {"Date", "Time", "Activity"} <= set(rows[at]):
        raise InputError(
            f"{path.name} has no line {FIRST_TITLE}, Date, Time, Activity; "
            "export it from Actical with the epoch-by-epoch data."
        )
    return rows[:at], rows[at]


def _rows(path: Path, above: int, titles: Sequence[str]) -> pd.DataFrame:
    """The columns in COLUMNS as texts; those that the file lacks are empty."""
    columns = {name: titles.index(title) for title, name in COLUMNS.items() if title in titles}
    rows = table(path, above, columns)
    epochs_only = rows[rows["number"].str.isdecimal()]  # the titles fill five lines
    return epochs_only.reindex(columns=list(COLUMNS.values()), fill_value="")


def _started(header: Sequence[Sequence[str]]) -> int | None:
    day, clock = (_value(header, title) for title in ("Start Date:", "Start Time:"))
    second = named_day(day) + clock_second(clock)
    return second if 0 <= second < LATEST_SECOND else None


def _value(header: Sequence[Sequence[str]], title: str) -> str:
    return next((row[1] for row in header if len(row) > 1 and row[0] == title), "")
