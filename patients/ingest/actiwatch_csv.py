"""Actiwatch CSV files as Actiware exports them, in whatever language and date order.

Nothing in them is told by an English word. The table is the one whose rows begin with a line
number, a date and a time; its columns always come in the order Line, Date, Time, [Off-Wrist],
Activity, Marker, [light: white alone, or white, red, green, blue], Sleep/Wake, ...
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording, SleepEpisode
from patients.ingest.common.base import (
    LATEST_SECOND,
    Rejected,
    Seconds,
    Zone,
    epochs,
    logger_utc,
    logger_zones,
    recording,
    zones_of,
)
from patients.ingest.common.logger_rows import (
    NO_STAMP,
    cells,
    clock_second,
    day_second,
    epoch_seconds,
    local_stamps,
    present,
    require_size,
    scored_sleep,
    table,
)

SOURCE = "actiwatch_csv"
LABEL = "Actiwatch CSV files exported by Actiware (Respironics, Philips)"
RECOGNISED_BYTES = 65_536
HEADER_BYTES = 1024**2  # settings and statistics before the table: 25 KB a week of recording
MAX_BYTES = 32 * 1024**2  # about 50 days of 15-s epochs, or a year of minutes
DAY = re.compile(r"(\d{4}|\d{1,2})[-./](\d{1,2})[-./](\d{4}|\d{1,2})")
# Activity, Activité, Aktivität, Attività, Activiteit, Actividad, Atividade
ACTIVITY = re.compile(r"a[ckt]?tiv", re.IGNORECASE)
SLEEP_INTERVAL = re.compile(r".+-\s?s", re.IGNORECASE)  # REST-S: the sleep within a rest
DATE, TIME = 1, 2
NAMES = ("date", "time", "off_wrist", "activity", "light", "scored", "interval")


@dataclass(frozen=True)
class _Table:
    """Where the table is: its separator, the line of its first row, and its columns."""

    separator: str
    header: list[list[str]]  # the rows above it
    first_line: int  # from 0
    titles: list[str]

    @property
    def columns(self) -> dict[str, int]:
        """The number of each of NAMES that the table has."""
        activity = 4 if any(map(ACTIVITY.match, self.titles[4:5])) else 3
        found = {"date": DATE, "time": TIME, "activity": activity}
        if activity == 4:
            found["off_wrist"] = 3
        scored = next((i for i, t in enumerate(self.titles) if i > activity and "/" in t), None)
        if scored is not None:
            found |= {"scored": scored, "interval": scored + 1}
            if scored - activity - 2 in (1, 4):  # columns between Marker and Sleep/Wake
                found["light"] = activity + 2
        return {name: at for name, at in found.items() if at < len(self.titles)}


def recognises(path: Path) -> bool:
    """Whether the content is an Actiware export, or has its table."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        text = stream.read(RECOGNISED_BYTES).decode("utf-8-sig", "replace")
    return "Actiware" in text.partition("\n")[0] or _table_in(text) is not None


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Activity (counts/min), white light (mean lux) and scored sleep; epochs off wrist missing.

    The watch's clock is set in ``zone`` at the start of the recording and runs on. Sleep is the
    vendor's: epochs scored asleep or awake within an interval REST-S. InputError for an
    unknown zone, no table, a date outside 1970 to 2100 or whose day and month cannot be told
    apart, and epochs over one minute.
    """
    zones = zones_of(zone)
    require_size(path, MAX_BYTES)
    with path.open("rb") as stream:
        found = _table_in(stream.read(HEADER_BYTES).decode("utf-8-sig", "replace"))
    if found is None:
        raise InputError(
            f"{path.name} has no table of epochs with line, date, time and activity; "
            "export it from Actiware with the epoch-by-epoch data."
        )
    rows = _rows(path, found)
    day_first = _day_first(rows["date"].unique().tolist(), found.header, path)
    local = local_stamps(rows, lambda text: _day(text, day_first), path)
    epoch = epoch_seconds(local, path)
    started = _started(found.header, day_first)
    zones, seconds = logger_zones(local, zones, started), logger_utc(local, zones, started)
    rejected = Rejected()
    off = (rows["off_wrist"] == "1").to_numpy(bool)
    rejected["off_wrist"] += int(off.sum())
    worn, at = rows[~off], seconds[~off]
    family = Family.ACTIWATCH_COUNTS
    counts, lux = (present(at, worn[name]) for name in ("activity", "light"))
    yield recording(
        path,
        SOURCE,
        _device(found.header),
        (
            epochs(Channel.ACTIVITY, counts, epoch, rejected, family),
            epochs(Channel.LIGHT, lux, epoch, rejected, how="mean"),
        ),
        _sleep(worn, at, epoch, rejected),
        rejected,
        family,
        DeviceKind.ACTIGRAPH,
        zones=zones,
    )


def _table_in(text: str) -> _Table | None:
    """The table of epochs, if its titles and its first row are in the text."""
    lines = text.split("\n")
    for separator in ",;\t":
        titles: list[str] = []
        above: list[list[str]] = []
        for number, row in enumerate(cells(line, separator) for line in lines):
            if _is_epoch(row) and any(map(ACTIVITY.match, titles[3:5])):
                return _Table(separator, above, number, titles)
            if any(row):
                titles = row
            above.append(row)
    return None


def _is_epoch(row: Sequence[str]) -> bool:
    return (
        len(row) > 3
        and row[0].isdecimal()
        and DAY.fullmatch(row[DATE]) is not None
        and clock_second(row[TIME]) >= 0
    )


def _rows(path: Path, found: _Table) -> pd.DataFrame:
    """The columns in NAMES as texts; those that the file lacks are empty."""
    rows = table(path, found.first_line, found.columns, found.separator)
    return rows[rows["date"] != ""].reindex(columns=list(NAMES), fill_value="")


def _day_first(texts: Sequence[str], header: Sequence[Sequence[str]], path: Path) -> bool:
    """Whether the day comes before the month.

    A number over 12 in the table tells it, then one in the header. Else the order in which the
    recording's dates lie closer together is the true one: it is one stretch of days.
    """
    dates = [match for text in texts if (match := DAY.fullmatch(text))]
    above = [match for row in header for cell in row if (match := DAY.fullmatch(cell))]
    for known in (dates, above):
        for at, day_first in ((0, True), (1, False)):
            if any(_numbers(match)[at] > 12 for match in known):
                return day_first
    stretch = [*(match[0] for match in dates), *(text for text, _ in _moments(header))]
    spans = [_span_seconds(stretch, order) for order in (True, False)]
    if spans[0] == spans[1] and any(_day(m[0], True) != _day(m[0], False) for m in dates):
        raise InputError(
            f"{path.name}: whether {dates[0][0]} names the day or the month first cannot be told; "
            "export it with dates as year-month-day."
        )
    return spans[0] <= spans[1]


def _numbers(match: re.Match[str]) -> tuple[int, int]:
    """The two numbers beside the year; (0, 0) of a date that begins with the year."""
    return (0, 0) if len(match[1]) == 4 else (int(match[1]), int(match[2]))


def _span_seconds(texts: Iterable[str], day_first: bool) -> float:
    days = [_day(text, day_first) for text in texts]
    return max(days) - min(days) if days and NO_STAMP not in days else np.inf


def _day(text: str, day_first: bool) -> int:
    """Local midnight of a date; NO_STAMP if it is none."""
    match = DAY.fullmatch(text)
    if not match:
        return NO_STAMP
    first, second, third = map(int, match.groups())
    if len(match[1]) == 4:
        return day_second(first, second, third)
    return day_second(third, *((second, first) if day_first else (first, second)))


def _started(header: Sequence[Sequence[str]], day_first: bool) -> int | None:
    """The local second at which the header says that the recording began."""
    for text, clock in _moments(header):
        if 0 <= (second := _day(text, day_first) + clock) < LATEST_SECOND:
            return second
    return None


def _moments(header: Sequence[Sequence[str]]) -> Iterator[tuple[str, int]]:
    """Start and end of the recording: a line with a date, then one with a time of the day.

    A birthday has no time.
    """
    for row, after in zip(header, header[1:], strict=False):
        if len(row) > 1 < len(after) and DAY.fullmatch(row[1]):
            clock = clock_second(after[1])
            if clock >= 0:
                yield row[1], clock


def _sleep(
    rows: pd.DataFrame, seconds: Seconds, epoch: float, rejected: Rejected
) -> list[SleepEpisode]:
    in_sleep = rows["interval"].str.fullmatch(SLEEP_INTERVAL).to_numpy(bool)
    at, score = present(seconds[in_sleep], rows["scored"][in_sleep])
    told = np.isin(score, (0, 1))
    return scored_sleep(at[told], score[told] == 0, epoch, rejected)


def _device(header: Iterable[Sequence[str]]) -> str:
    """Model and serial number: in every language their labels name the Actiwatch and these."""
    about = [row for row in header if len(row) > 1 and "actiwatch" in row[0].lower()]
    found = ["Actiwatch"]
    for label in (r"t[iy]p", r"seri|séri"):
        cells = (row[1] for row in about if re.search(label, row[0], re.IGNORECASE))
        found.append(re.sub(r"[^\w -]", "", next(cells, ""))[:24])
    return " ".join(filter(None, found))
