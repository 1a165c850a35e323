"""Actiwatch AWD text files: seven header lines, then one epoch a line."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest.common.base import (
    Rejected,
    Zone,
    epochs,
    logger_zones,
    recording,
    require_dates,
    shown,
    utc_from_local,
    zones_of,
)
from patients.ingest.common.logger_rows import clock_second, named_day, require_size

SOURCE = "actiwatch_awd"
LABEL = "Actiwatch AWD files"
HEAD_BYTES = 65_536
MAX_BYTES = 4 * 1024**2  # some 400,000 epochs; a watch holds some ten thousand
HEADER_LINES = 7
DATE, TIME, EPOCH_CODE, DEVICE = 1, 2, 3, 5  # lines of the header, from 0
# The codes of the epoch length: formats.md, and GGIRread's readActiwatchCount.
EPOCH_SECONDS = {"1": 15, "2": 30, "4": 60, "8": 120, "20": 300, "81": 2, "C1": 5, "C2": 10}
# Count, then perhaps light (lux), voltage and the mark of a pressed button.
ROW = r"(?a)^(-?\d{1,9})(?:\s*,\s*(\d{1,9}(?:\.\d+)?)(?:\s*,\s*\d*)?)?\s*M?$"


def recognises(path: Path) -> bool:
    """Whether the content has an AWD header and then counts."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        lines = _lines(stream.read(HEAD_BYTES))
    if len(lines) <= HEADER_LINES or not re.match(ROW, lines[HEADER_LINES]):
        return False
    return _start(lines) > 0 and re.fullmatch(r"[\dA-F]{1,2}", lines[EPOCH_CODE]) is not None


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Activity (counts/min) and light (mean of whole lux) per minute.

    The header's start is local in ``zone``; from there on the watch counts epochs and knows of
    no change of clock. Light that is zero in every epoch is that of a watch without a light
    sensor and left out. InputError for an unknown zone, a date outside 1970 to 2100, epochs
    over one minute, and a line that is no epoch (it would shift all that follow).
    """
    zones = zones_of(zone)
    require_size(path, MAX_BYTES)
    lines = _lines(path.read_bytes())
    started = np.array([_start(lines)], dtype=np.int64)
    require_dates(started, path, lambda i: f"lines 2 and 3 ({shown(' '.join(lines[1:3]))})")
    epoch = EPOCH_SECONDS.get(lines[EPOCH_CODE])
    if epoch is None:
        raise InputError(
            f"{path.name}: the epoch code {shown(lines[EPOCH_CODE])} in line 4 is not known; "
            f"use one of {', '.join(EPOCH_SECONDS)}."
        )
    rows = _rows(path, lines)
    zones = logger_zones(started, zones)
    seconds = utc_from_local(started, zones) + epoch * np.arange(len(rows), dtype=np.int64)
    counts, lux = (pd.to_numeric(rows[i]).to_numpy(np.float64) for i in (0, 1))
    lit = np.isfinite(lux)
    rejected = Rejected()
    family = Family.ACTIWATCH_COUNTS
    series = [epochs(Channel.ACTIVITY, (seconds, counts), epoch, rejected, family)]
    if lux[lit].any():
        light = (seconds[lit], lux[lit])
        series.append(epochs(Channel.LIGHT, light, epoch, rejected, how="mean"))
    device, kind = f"Actiwatch {_serial(lines[DEVICE])}".strip(), DeviceKind.ACTIGRAPH
    yield recording(path, SOURCE, device, series, (), rejected, family, kind, zones=zones)


def _lines(content: bytes) -> list[str]:
    return [line.strip() for line in content.decode("utf-8", "replace").rstrip().split("\n")]


def _start(lines: list[str]) -> int:
    """The local second of the first epoch; negative if the header has none."""
    if len(lines) < HEADER_LINES:
        return -1
    return named_day(lines[DATE]) + clock_second(lines[TIME])


def _serial(text: str) -> str:
    return re.sub(r"[^\w-]", "", text)[:20]


def _rows(path: Path, lines: list[str]) -> pd.DataFrame:
    """Count and light of every epoch, as texts."""
    texts = pd.Series(lines[HEADER_LINES:], dtype=str)
    rows = texts.str.extract(ROW)
    bad = np.flatnonzero(rows[0].isna())
    if bad.size:
        number = HEADER_LINES + 1 + int(bad[0])
        raise InputError(f"{path.name}: line {number} is no count; export the recording again.")
    return rows
