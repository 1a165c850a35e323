"""Empatica E4 session: CSV files whose first row is the start in UTC and second the rate."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family, MinuteSeries, Recording
from patients.ingest.common.archive import BROKEN_ZIP, Member, members, sample
from patients.ingest.common.base import (
    LATEST_SECOND,
    NO_SAMPLES,
    Rejected,
    Seconds,
    Values,
    Zone,
    binned,
    epochs,
    recording,
    require_short_rows,
    zones_of,
)
from patients.ingest.common.enmo import enmo_by_second
from patients.ingest.common.rr import lf_to_hf, rmssd_and_sdnn, windows

SOURCE = "empatica_e4"
LABEL = "Empatica E4 session (ACC, HR, IBI, TEMP CSV)"
MAX_FILE_BYTES = 256 * 1024**2  # 60 hours, all that the memory holds, are 100 MB of ACC
MAX_RATE_HZ = 128.0
UNITS_PER_G = 64.0
STAMP = rb"(?:\d{9,10}(?:\.\d+)?|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?)"
RATE = rb"\d{1,3}(?:\.0+)?"
# Each file by its two first rows; the start may be a number (Empatica) or a date in UTC
# (PhysioNet's copy), written once or once a column.
HEADS = {
    "ACC.csv": rb"%b(?:, *%b){0,2}\s+%b(?:, *%b){0,2}\s" % (STAMP, STAMP, RATE, RATE),
    "HR.csv": rb"%b\s+%b\s" % (STAMP, RATE),
    "TEMP.csv": rb"%b\s+%b\s" % (STAMP, RATE),
    "IBI.csv": rb"%b, *IBI\s" % STAMP,
}


def recognises(path: Path) -> bool:
    """Whether the file, or any in the folder or zip, is an E4's, by its name and first rows."""
    with members(path, ".csv") as files:
        return any(_is_ours(file) for file in sample(files))


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """ENMO (mg), heart rate, its variability and wrist temperature of one session; stamps are UTC.

    RMSSD, SDNN and LF/HF are those of windows of 5 minutes: see ``patients.ingest.common.rr``.
    InputError for an unknown zone, several sessions, a file that cannot be read and a start
    outside 1970 to 2100.
    """
    zones_of(zone)
    rejected = Rejected()
    with members(path, ".csv") as files:
        session = _session([file for file in files if _is_ours(file)], path)
        tables = {name: _table(file) for name, file in session.items()}
    series = list(_series(tables, rejected))
    family = Family.ENMO if series[0] is not None else None
    yield recording(path, SOURCE, "Empatica E4", series, (), rejected, family)


def _is_ours(file: Member) -> bool:
    head = HEADS.get(file.basename)
    return head is not None and re.match(head, file.head()) is not None


def _session(files: list[Member], path: Path) -> Mapping[str, Member]:
    """The files of the one session there is, by name."""
    folders = {file.name.rpartition("/")[0] for file in files}
    if len(folders) != 1:
        raise InputError(
            f"{path.name} holds {len(folders)} Empatica sessions; give each one's folder or zip "
            "alone."
        )
    return {file.basename: file for file in files}


def _table(file: Member) -> tuple[float, float, Values]:
    """Start (s since 1970), rate (Hz; 0 in IBI.csv) and the rows, of shape (n, columns)."""
    if file.size_bytes > MAX_FILE_BYTES:
        raise InputError(f"{file.basename} is over 256 MiB; give the session as exported.")
    timed = file.basename == "IBI.csv"
    try:
        with file.open() as stream:
            require_short_rows(stream)
        with file.open() as stream:
            start = _start(stream.readline())
            rate = 0.0 if timed else float(stream.readline().split(b",")[0])
            columns = {"ACC.csv": 3, "IBI.csv": 2}.get(file.basename, 1)
            rows = pd.read_csv(
                stream, header=None, usecols=range(columns), dtype=str, encoding_errors="replace"
            )
    except pd.errors.EmptyDataError:
        return start, rate, np.empty((0, columns))
    except (ValueError, *BROKEN_ZIP) as broken:
        raise InputError(f"{file.basename} cannot be read; export the session again.") from broken
    if not (0 <= start < LATEST_SECOND and (timed or 0 < rate <= MAX_RATE_HZ)):
        raise InputError(
            f"{file.basename} starts with a date not between 1970 and 2100 or a rate that the "
            "E4 does not have; export the session again."
        )
    return start, rate, rows.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)


def _start(line: bytes) -> float:
    text = line.decode("ascii", "replace").split(",")[0].strip()
    if re.fullmatch(r"[\d.]+", text):
        return float(text)
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _series(
    tables: Mapping[str, tuple[float, float, Values]], rejected: Rejected
) -> Iterator[MinuteSeries | None]:
    """Activity first, then what else there is."""
    activity = NO_SAMPLES
    if "ACC.csv" in tables:
        start, rate, units = tables["ACC.csv"]
        g = (np.clip(units, -1e6, 1e6) / UNITS_PER_G).astype(np.float32)
        activity = enmo_by_second(_at(start, rate, len(g)), g)[:2]
    yield epochs(Channel.ACTIVITY, activity, 1, rejected, Family.ENMO, how="mean")
    for name, channel in (
        ("HR.csv", Channel.HEART_RATE),
        ("TEMP.csv", Channel.WRIST_TEMPERATURE),
    ):
        if name in tables:
            start, rate, rows = tables[name]
            # One a second is enough of what changes slowly.
            seconds, first = np.unique(_at(start, rate, len(rows)), return_index=True)
            yield binned(channel, (seconds, rows[first, 0]), rejected)
    if "IBI.csv" in tables:
        start, _, rows = tables["IBI.csv"]
        found = list(windows(start, rows[:, 0], rows[:, 1]))
        seconds, rmssd, sdnn = rmssd_and_sdnn(found)
        yield binned(Channel.HRV_RMSSD, (seconds, rmssd), rejected, edges=())
        yield binned(Channel.HRV_SDNN, (seconds, sdnn), rejected, edges=())
        ratios = np.array([lf_to_hf(beats) for beats in found], dtype=np.float64)  # None is NaN
        known = ~np.isnan(ratios)
        yield binned(Channel.HRV_LF_HF, (seconds[known], ratios[known]), rejected, edges=())


def _at(start: float, rate: float, count: int) -> Seconds:
    """The second of each of ``count`` samples."""
    return np.floor(start + np.arange(count) / (rate or 1.0)).astype(np.int64)
