"""What the files of actigraph loggers share: stamps and numbers as written, the clock, sleep."""

import csv
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patients.domain.errors import InputError
from patients.domain.recording import SleepEpisode
from patients.ingest.common.base import (
    Rejected,
    Seconds,
    Values,
    require_dates,
    require_short_rows,
    shown,
)
from patients.ingest.common.nights import Segment, nights_of_stretches

# What the vendors write where there is no value ("kZ": German Actiware, kein Zahlenwert).
MISSING = ("", "nan", "kz", "na", "n/a", "null")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NAMED_DAY = re.compile(r"(\d{1,2})[- ]([A-Za-z]{3})[- ](\d{4}|\d{2})")
CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?: ?([AaPp])\.?[Mm]\.?)?")
NO_STAMP = int(np.iinfo(np.int64).min) // 4  # two of them still add up to no date


def require_size(path: Path, max_bytes: int) -> None:
    """InputError for a file over ``max_bytes``."""
    if path.stat().st_size > max_bytes:
        raise InputError(
            f"{path.name} is over {max_bytes // 1024**2} MiB; split the recording and give the "
            "parts one by one."
        )


def day_second(year: int, month: int, day: int) -> int:
    """Midnight of a calendar day as a local second since 1970; NO_STAMP if there is no such day.

    >>> day_second(1970, 1, 2), day_second(2023, 2, 29) == NO_STAMP
    (86400, True)
    """
    year += 2000 if year < 100 else 0
    try:
        return int(np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "s").astype(np.int64))
    except ValueError:
        return NO_STAMP


def named_day(text: str) -> int:
    """Midnight of a day written 01-Oct-2009 or 13-May-21; NO_STAMP if it is none."""
    match = NAMED_DAY.fullmatch(text.strip())
    if not match or match[2].lower() not in MONTHS:
        return NO_STAMP
    return day_second(int(match[3]), MONTHS.index(match[2].lower()) + 1, int(match[1]))


def clock_second(text: str) -> int:
    """The second of the day of 17:00, 17:00:30, 17.00.30 or 5:00:30 PM; NO_STAMP if it is none.

    >>> clock_second("17:00"), clock_second("12:00:30 am"), clock_second("24:00") == NO_STAMP
    (61200, 30, True)
    """
    match = CLOCK.fullmatch(text.strip())
    if not match:
        return NO_STAMP
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    if match[4]:
        hour = hour % 12 + 12 * (match[4].lower() == "p") if 1 <= hour <= 12 else 24
    return hour * 3600 + minute * 60 + second if hour < 24 and minute < 60 > second else NO_STAMP


def cells(line: str, separator: str = ",") -> list[str]:
    """The cells of one line of a table; none if it cannot be split."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def table(path: Path, above: int, columns: Mapping[str, int], separator: str = ",") -> pd.DataFrame:
    """The named columns (by number) below the first ``above`` lines, as texts.

    The index counts the file's lines from 1. InputError if the table cannot be read.
    """
    try:
        with path.open("rb") as lines:
            require_short_rows(lines, above)
        found = pd.read_csv(
            path,
            sep=separator,
            header=None,
            skiprows=above,
            usecols=sorted(set(columns.values())),
            dtype=str,
            encoding_errors="replace",
            compression=None,  # a name may end in .gz, and is not to be believed
            skip_blank_lines=False,
            na_filter=False,
        ).fillna("")
        texts = {name: found[at].astype(str).str.strip() for name, at in columns.items()}
    except (ValueError, KeyError, pd.errors.ParserError) as broken:
        raise InputError(
            f"{path.name}: the table from line {above + 1} on cannot be read; export it again."
        ) from broken
    rows = pd.DataFrame(texts)
    rows.index += above + 1
    return rows


def local_stamps(rows: pd.DataFrame, day_of: Callable[[str], int], path: Path) -> Seconds:
    """Local seconds of the columns date and time, shape (n,).

    ``day_of`` reads a date. InputError, with its line, for one outside 1970 to 2100.
    """
    days = {text: day_of(text) for text in rows["date"].unique()}
    clocks = {text: clock_second(text) for text in rows["time"].unique()}
    local: Seconds = (rows["date"].map(days) + rows["time"].map(clocks)).to_numpy(np.int64)

    def where(i: int) -> str:
        row = rows.iloc[i]
        return f"line {rows.index[i]} ({shown(row['date'] + ' ' + row['time'])})"

    require_dates(local, path, where)
    return local


def present(seconds: Seconds, texts: pd.Series) -> tuple[Seconds, Values]:
    """The samples of stripped texts that have a value; a decimal comma is read as a point.

    What is neither a number nor missing is NaN, so that it is counted when it is left out.
    """
    clean = texts.str.lower().str.slice(stop=30)  # 400 digits overflow a float
    there = ~clean.isin(MISSING).to_numpy(bool)
    numbers = pd.to_numeric(clean[there].str.replace(",", ".", regex=False), errors="coerce")
    return seconds[there], numbers.to_numpy(np.float64)


def epoch_seconds(seconds: Seconds, path: Path) -> float:
    """The usual distance of one row to the next; InputError for fewer than two rows."""
    stamps = np.unique(seconds)
    if stamps.size < 2:
        raise InputError(f"{path.name} has fewer than two rows; export the recording again.")
    return float(np.median(np.diff(stamps)))


def scored_sleep(
    seconds: Seconds, asleep: NDArray[np.bool_], epoch: float, rejected: Rejected
) -> list[SleepEpisode]:
    """The nights of epochs scored asleep or awake, in any order; of two at once, asleep counts.

    Loose stretches (no log id), so that a night cut in two by two files is one again.
    """
    if not seconds.size:
        return []
    order = np.lexsort((asleep, seconds))
    seconds, asleep = seconds[order], asleep[order]
    last = np.append(np.diff(seconds) > 0, True)
    seconds, asleep = seconds[last], asleep[last]
    changes = (np.diff(seconds) != epoch) | (np.diff(asleep.astype(np.int8)) != 0)
    changes |= np.diff(seconds // 86400) != 0  # no stretch is over a day, wherever a file is cut
    firsts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    lasts = np.append(firsts[1:] - 1, seconds.size - 1)
    stretches: list[Segment] = [
        (int(seconds[a]), int(seconds[b] + epoch), "asleep" if asleep[a] else "awake")
        for a, b in zip(firsts, lasts, strict=True)
    ]
    return nights_of_stretches(stretches, rejected)
