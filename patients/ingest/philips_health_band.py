"""Philips Health Band workbooks: a DataList of minutes, or a Sleep_Wake list of 30-s epochs.

Both name the same device, so that the two files of a person come together as one.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zipfile import is_zipfile

import numpy as np
import openpyxl
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, MinuteSeries, Recording
from patients.ingest.common.archive import members
from patients.ingest.common.base import (
    LATEST_SECOND,
    Rejected,
    Seconds,
    Zone,
    epochs,
    logger_utc,
    logger_zones,
    recording,
    require_dates,
    shown,
    zones_of,
)
from patients.ingest.common.logger_rows import (
    day_second,
    epoch_seconds,
    present,
    require_size,
    scored_sleep,
)

SOURCE = "philips_health_band"
LABEL = "Philips Health Band workbooks (DataList and Sleep_Wake xlsx)"
MAX_BYTES = 16 * 1024**2
MAX_UNPACKED_BYTES = 32 * 1024**2  # 600 bytes a row: about 35 days of minutes
# openpyxl takes about 8 µs a cell, and longer for the tags of other parts.
MAX_CELLS = 600_000  # 23 days of minutes
MAX_TAGS_OF_SHEETS = 5 * MAX_CELLS
MAX_OTHER_TAGS = 400_000  # the shared texts of 14 days have half of that
CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
MAX_ROWS = 200_000
MAX_COLUMNS = 40  # a DataList has 18
HEADER_ROWS = 30
STAMP, SCORE = "timeStamp", "sleepWake"
NOON_SECONDS = 12 * 3600
STAMP_FORMAT = "%m-%d-%Y %H:%M:%S"
HEADER_WORDS = (b"deviceSN", b"PAS Web Application", STAMP.encode())
TEXTS_IN = ("xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/worksheets/sheet.xml")
COLUMNS = {
    Channel.ACTIVITY: "activityCounts",
    Channel.STEPS: "steps",
    Channel.HEART_RATE: "heartRate",
    Channel.RESPIRATORY_RATE: "respirationRate",
    Channel.RESTING_HEART_RATE: "restingHeartRate",
}
SUMMED = (Channel.ACTIVITY, Channel.STEPS)


def recognises(path: Path) -> bool:
    """Whether it is a workbook whose texts begin with those of the band."""
    if not (path.is_file() and is_zipfile(path)):
        return False
    try:
        with members(path, ".xml") as files:
            heads = [f.head() for f in files if f.name in TEXTS_IN]
    except InputError:
        return False
    text = b"".join(heads)
    return all(word in text for word in HEADER_WORDS)


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """What a DataList tells of each minute, or the nights of a Sleep_Wake list (1 is asleep).

    That 1 is asleep is seen in the real pair: counts are 5 times lower there, and the heart
    slower. Stamps are local in ``zone``, month first; the clock was set on the first day of the
    analysis range. Minutes off the wrist or marked as missing are left out and counted.
    InputError for an unknown zone, a workbook that is damaged or far too large, and dates
    outside 1970 to 2100 or outside the header's analysis range.
    """
    zones = zones_of(zone)
    rows, about = _read(path)
    local = _local(rows, path)
    _check_range(local, about, path)
    started = _started(about)
    zones, seconds = logger_zones(local, zones, started), logger_utc(local, zones, started)
    rejected = Rejected()
    serial = re.sub(r"[^\w-]", "", about.get("deviceSN", ""))[:24]
    device, kind = f"Philips Health Band {serial}".strip(), DeviceKind.ACTIGRAPH
    series: list[MinuteSeries | None] = []
    sleep, family = [], None
    if SCORE in rows:
        at, score = present(seconds, rows[SCORE])
        told = np.isin(score, (0, 1))
        found = scored_sleep(at[told], score[told] == 1, epoch_seconds(local, path), rejected)
        sleep = found if any(e.asleep_minutes or e.awake_minutes for e in found) else []
    else:
        family = Family.ACTIWATCH_COUNTS
        series = _series(rows, seconds, epoch_seconds(local, path), rejected)
    yield recording(path, SOURCE, device, series, sleep, rejected, family, kind, zones=zones)


def _series(
    rows: pd.DataFrame, seconds: Seconds, epoch: float, rejected: Rejected
) -> list[MinuteSeries | None]:
    off, missing = ((_column(rows, name) == "1").to_numpy() for name in ("offWrist", "missingData"))
    rejected["off_wrist"] += int(off.sum())
    rejected["missing_data"] += int((missing & ~off).sum())
    worn, at = rows[~off & ~missing], seconds[~off & ~missing]
    return [
        epochs(
            channel,
            present(at, _column(worn, name)),
            epoch,
            rejected,
            Family.ACTIWATCH_COUNTS if channel is Channel.ACTIVITY else None,
            "sum" if channel in SUMMED else "mean",
        )
        for channel, name in COLUMNS.items()
    ]


def _column(rows: pd.DataFrame, name: str) -> pd.Series:
    return rows[name] if name in rows else pd.Series("", index=rows.index, dtype=str)


def _read(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table as texts (the index is the sheet's row), and the header's `name: value` pairs."""
    require_size(path, MAX_BYTES)
    _require_small(path)
    try:
        sheet = _first_sheet(path)
    except Exception as broken:  # openpyxl raises whatever its parsers meet in a damaged file
        raise InputError(f"{path.name} is no readable workbook; export it again.") from broken
    head = [(row or [""])[0] for row in sheet[:HEADER_ROWS]]
    if STAMP not in head:
        raise InputError(f"{path.name} has no column {STAMP}; export it again.")
    at = head.index(STAMP)
    rows = pd.DataFrame(sheet[at + 1 :], columns=range(len(sheet[at])), dtype=str)
    rows.index += at + 2
    rows = rows.rename(columns={i: title for i, title in enumerate(sheet[at]) if title})
    rows = rows.loc[:, ~rows.columns.duplicated()]
    pairs = (text.partition(":") for text in head[:at])
    about = {name.strip(): value.strip() for name, _, value in pairs}
    return rows[rows[STAMP] != ""], about


def _require_small(path: Path) -> None:
    """InputError for a workbook that would take long to read, or much memory."""
    with members(path, "") as files:
        large = sum(f.size_bytes for f in files) > MAX_UNPACKED_BYTES
        other = 0
        for file in () if large else files:
            with file.open() as stream:
                content = stream.read()
            if b"\0" in content and file.name.endswith((".xml", ".rels")):
                raise InputError(f"{path.name} is not in UTF-8; export it again.")
            tags = content.count(b"<")
            if file.name.startswith("xl/worksheets/"):
                large = large or tags > MAX_TAGS_OF_SHEETS or len(CELL.findall(content)) > MAX_CELLS
            else:
                other += tags
    if large or other > MAX_OTHER_TAGS:
        raise InputError(f"{path.name} is a workbook of too many cells; export fewer days at once.")


def _first_sheet(path: Path) -> list[list[str]]:
    """The cells of the first sheet, as texts."""
    with path.open("rb") as stream:  # by its name alone openpyxl refuses one without .xlsx
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        rows = book.worksheets[0].iter_rows(max_row=MAX_ROWS, max_col=MAX_COLUMNS, values_only=True)
        return [[_text(cell) for cell in row] for row in rows]


def _text(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.strftime(STAMP_FORMAT)
    return "" if cell is None else str(cell).strip()


def _local(rows: pd.DataFrame, path: Path) -> Seconds:
    stamps = pd.to_datetime(rows[STAMP], format=STAMP_FORMAT, errors="coerce")
    local: Seconds = stamps.to_numpy("datetime64[s]").astype(np.int64)
    require_dates(local, path, lambda i: f"row {rows.index[i]} ({shown(rows[STAMP].iloc[i])})")
    return local


def _check_range(local: Seconds, about: dict[str, str], path: Path) -> None:
    """InputError for stamps outside the header's ISO dates: day and month are then swapped."""
    days = _analysis_range(about)
    if len(days) != 2 or not local.size:
        return
    first, last = (
        str(np.datetime64(int(second), "s"))[:10] for second in (local.min(), local.max())
    )
    if first < min(days) or last > max(days):
        raise InputError(
            f"{path.name}: its stamps run from {first} to {last}, outside the analysis range "
            f"{days[0]} to {days[1]} it names; export it with month-day-year stamps."
        )


def _analysis_range(about: dict[str, str]) -> list[str]:
    """The ISO dates of the header's analysis range: two if it tells its first and last day."""
    return re.findall(r"\d{4}-\d{2}-\d{2}", about.get("Analysis range", ""))


def _started(about: dict[str, str]) -> int | None:
    """Noon of the first day of the analysis range, as a local second.

    The range names no hour. Where clocks change on that very day, noon comes after the change,
    and so does the start of most recordings.
    """
    days = _analysis_range(about)
    if len(days) != 2:
        return None
    second = day_second(*map(int, min(days).split("-"))) + NOON_SECONDS
    return second if 0 <= second < LATEST_SECOND else None
