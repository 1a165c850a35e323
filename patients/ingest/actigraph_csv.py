"""ActiGraph epoch CSV of ActiLife: ten lines of header, then counts, with or without stamps."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patients.domain.errors import InputError
from patients.domain.recording import Recording
from patients.ingest.common.actigraph import WANTED, from_counts
from patients.ingest.common.base import (
    Seconds,
    Values,
    Zone,
    logger_utc,
    logger_zones,
    require_dates,
    require_short_rows,
    shown,
    zones_of,
)

SOURCE = "actigraph_csv"
LABEL = "ActiGraph epoch CSV (ActiLife)"
HEAD_BYTES = 65_536
HEADER_LINES = 10
MAX_FILE_BYTES = 256 * 1024**2  # a year of 5-s epochs is 150 MB
BANNER = re.compile(rb"-+ ?Data (Table )?File Created By ActiGraph", re.IGNORECASE)
# ActiLife exports three generations of column names.
ALIASES = {"activity": "axis1", "activity (horizontal)": "axis2", "3rd axis": "axis3"}
STAMP = (
    r"^\s*(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})[T ]+(\d{1,2}):(\d{2}):(\d{2})"
    r"(?:[.,]\d+)?\s*([AaPp][Mm])?Z?\s*$"
)
INCLINES = 4


@dataclass(frozen=True)
class _Header:
    """What the first ten lines say; ``order`` is that of the date, such as "dmy"."""

    serial: str
    order: str
    start: str
    download: str
    epoch_seconds: float
    mode: int | None


def recognises(path: Path) -> bool:
    """Whether the content starts as ActiLife's exports do."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return BANNER.match(stream.read(256).removeprefix(b"\xef\xbb\xbf").lstrip(b'"')) is not None


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Vector-magnitude counts, steps and lux per minute; all stamps are local in ``zone``.

    With three axes activity is sqrt(x² + y² + z²) of each epoch, else axis 1. Where the table
    has stamps they decide, also those with a Z, which is not UTC; else the header's start
    does. The device's clock does not follow daylight saving, so one offset holds for the
    whole recording, that of the header's start. InputError for an unknown zone, a header,
    table or date that cannot be read or contradicts itself, epochs over one minute, and raw
    acceleration.
    """
    zones = zones_of(zone)
    lines = _lines(path)
    header = _header(lines, path)
    table = _table(path, lines, header)
    local = _local_seconds(table, header, path)
    columns = {name: _numbers(table[name]) for name in WANTED if name in table}
    started = _told_start(header, local)
    zones, seconds = logger_zones(local, zones, started), logger_utc(local, zones, started)
    yield from_counts(path, SOURCE, header.serial, seconds, columns, header.epoch_seconds, zones)


def _lines(path: Path) -> list[str]:
    """The header's lines and the first of the table."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InputError(f"{path.name} is over 256 MiB; export it with epochs of 60 s.")
    with path.open("rb") as stream:
        text = stream.read(HEAD_BYTES).decode("utf-8-sig", "replace")
    lines = text.splitlines()[: HEADER_LINES + 1]
    if len(lines) <= HEADER_LINES:
        raise InputError(f"{path.name} ends within its header; export it again.")
    return [line.replace('"', "").strip() for line in lines]


def _header(lines: Sequence[str], path: Path) -> _Header:
    text = "\n".join(line.rstrip(",; ") for line in lines[:HEADER_LINES])

    def said(pattern: str) -> str:
        found = re.search(pattern, text, re.IGNORECASE)
        return found[1].strip() if found else ""

    order = "".join(dict.fromkeys(re.sub("[^dmy]", "", said(r"date format (\S+)").lower())))
    mode = said(r"Mode *= *(\d{1,3})\b")
    epoch = re.fullmatch(r"(\d\d):(\d\d):(\d\d)", said(r"Epoch Period[^\n]*\) *(\S+)"))
    hours, minutes, rest = (int(n) for n in epoch.groups()) if epoch else (0, 0, 0)
    seconds = 3600 * hours + 60 * minutes + rest
    if not seconds:
        raise InputError(
            f"{path.name} has no epochs of whole seconds in its header; "
            "export counts in epochs, or give the .gt3x file for raw acceleration."
        )
    return _Header(
        serial=said(r"Serial Number: *(\S+)"),
        order=order if sorted(order) == ["d", "m", "y"] else "",
        start=" ".join((said(r"Start Date *(\S+)"), said("Start Time *(.+)"))),
        download=" ".join((said(r"Download Date *(\S+)"), said("Download Time *(.+)"))),
        epoch_seconds=seconds,
        mode=int(mode) if mode else None,
    )


def _table(path: Path, lines: Sequence[str], header: _Header) -> pd.DataFrame:
    """The epochs with columns by WANTED's names, "timestamp" or "date" and "time"."""
    first = lines[HEADER_LINES]
    separator = ";" if ";" in first else ","
    told = _told_names(first, separator)
    names = told or _names_of_mode(header.mode)
    try:
        with path.open("rb") as stream:
            require_short_rows(stream, HEADER_LINES)
        table = pd.read_csv(
            path,
            sep=separator,
            header=None,
            index_col=False,
            skiprows=HEADER_LINES + bool(told),
            decimal="," if separator == ";" else ".",
            encoding_errors="replace",
            compression=None,  # a name may end in .gz, and is not to be believed
            low_memory=False,
        )
    except (ValueError, pd.errors.ParserError) as broken:
        raise InputError(
            f"{path.name}: the table from line {HEADER_LINES + 1} on cannot be read; "
            "export it again."
        ) from broken
    extra = table.iloc[:, len(names) :]
    if "axis1" not in names or len(names) > table.shape[1] or not extra.isna().to_numpy().all():
        raise InputError(
            f"{path.name}: the {table.shape[1]} columns of its table are not those its header "
            "tells of; export it again with column headers."
        )
    table = table.iloc[:, : len(names)].set_axis(names, axis="columns")
    table.index += HEADER_LINES + 1 + bool(told)
    return table


def _told_names(first: str, separator: str) -> list[str]:
    """The column names, if the table's first line has any; one told twice is numbered."""
    if not re.search("[A-Za-z]{2}", first):
        return []
    cells = [cell.strip().lower() for cell in first.split(separator)]
    names = [ALIASES.get(cell, cell) for cell in cells]
    return [f"{name} {i}" if name in names[:i] else name for i, name in enumerate(names)]


def _names_of_mode(mode: int | None) -> list[str]:
    """Column names by the bits of the mode; axis 1 is always there.

    Bits 0 to 5 are steps, heart rate, axis 2, axis 3, lux and the four inclinometer columns
    (ActiGraph, "What do the different mode numbers mean in a CSV or DAT file").

    >>> _names_of_mode(13)
    ['axis1', 'axis2', 'axis3', 'steps']
    """
    if mode is None or mode >= 64:
        return []
    bits = {"axis1": True, "axis2": mode & 4, "axis3": mode & 8, "steps": mode & 1}
    bits |= {"hr": mode & 2, "lux": mode & 16}
    bits |= {f"incline{i}": mode & 32 for i in range(INCLINES)}
    return [name for name, there in bits.items() if there]


def _local_seconds(table: pd.DataFrame, header: _Header, path: Path) -> Seconds:
    """Seconds since 1970 on the device's clock, from the table's stamps if it has any."""
    if "timestamp" in table or {"date", "time"} <= set(table):
        parts = ["timestamp"] if "timestamp" in table else ["date", "time"]
        texts = table[parts[0]].astype(str).fillna("")
        if parts[1:]:
            texts = texts + " " + table[parts[1]].astype(str).fillna("")
        local = _seconds_of(texts, header.order)
        require_dates(local, path, lambda i: f"line {texts.index[i]} ({shown(texts.iloc[i])})")
        _check_spacing(local, header.epoch_seconds, path)
        return local
    start = _start(header)
    if start is None:
        raise InputError(
            f"{path.name}: the start {shown(header.start)} and the download "
            f"{shown(header.download)} in its header are no dates in its date format, or not in "
            "this order; export it again with a timestamp in each row."
        )
    local = start + int(header.epoch_seconds) * np.arange(len(table), dtype=np.int64)
    require_dates(local, path, lambda i: f"line {table.index[i]}")
    return local


def _start(header: _Header) -> int | None:
    """The local second of the header's start; None if its dates cannot be read or not in order."""
    start, download = (
        int(_seconds_of(pd.Series([text]), header.order)[0])
        for text in (header.start, header.download)
    )
    return start if 0 < start <= download else None


def _told_start(header: _Header, local: Seconds) -> int | None:
    """The header's start; None where its day and month, turned round, are the first row's.

    Its dates are not always in the format it names: a real file has dd/MM/yyyy and 09-12-2017
    above rows of 12 September.
    """
    turned = header.order.translate(str.maketrans("dm", "md"))
    other = int(_seconds_of(pd.Series([header.start]), turned)[0])
    return None if local.size and other == int(local.min()) else _start(header)


def _check_spacing(local: Seconds, epoch_seconds: float, path: Path) -> None:
    steps = np.diff(np.unique(local))
    if steps.size and np.median(steps) != epoch_seconds:
        raise InputError(
            f"{path.name}: its header tells of epochs of {epoch_seconds:.0f} s and its rows are "
            f"{np.median(steps):.0f} s apart; export it again."
        )


def _seconds_of(texts: pd.Series, order: str) -> Seconds:
    """Seconds since 1970 of local stamps, int64 minimum where one cannot be read.

    Dates are year first if they begin with four digits, else in ``order``, whatever stands
    between the numbers.
    """
    plain = texts.str.removesuffix("Z")
    iso = pd.to_datetime(plain.where(plain.str.len() == 19), format="ISO8601", errors="coerce")
    stamps = iso.to_numpy("datetime64[s]").copy()
    others = iso.isna().to_numpy()  # few or all: what is no plain ISO stamp takes 20 times longer
    if others.any():
        stamps[others] = _spelled(texts[others], order)
    seconds: Seconds = stamps.astype(np.int64)
    return seconds


def _spelled(texts: pd.Series, order: str) -> NDArray[np.datetime64]:
    """Stamps whose parts may be short, turned round, or in halves of a day."""
    parts = texts.str.extract(STAMP)
    iso = parts[0].str.len() == 4
    day = {
        name: parts[i].where(iso, parts[order.index(name)] if order else None)
        for i, name in enumerate("ymd")
    }
    hour = pd.to_numeric(parts[3], errors="coerce")
    half = parts[6].str.lower()
    hour = hour.where(half.isna(), hour % 12 + 12 * (half == "pm"))
    fields = {"year": day["y"], "month": day["m"], "day": day["d"]}
    fields |= {"hour": hour, "minute": parts[4], "second": parts[5]}
    return pd.to_datetime(pd.DataFrame(fields), errors="coerce").to_numpy("datetime64[s]")


def _numbers(column: pd.Series) -> Values:
    return pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
