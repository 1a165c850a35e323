"""UK Biobank accelerometer CSV: mean acceleration of 5-s epochs in mg, and which are imputed."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest.common.base import (
    Rejected,
    Zone,
    epochs,
    logger_utc,
    logger_zones,
    recording,
    require_dates,
    require_short_rows,
    zones_of,
)

SOURCE = "ukbiobank_csv"
LABEL = "UK Biobank accelerometer epochs CSV"
HEAD_BYTES = 256
MAX_FILE_BYTES = 64 * 1024**2  # a week of 5-s epochs is 1 MB
HEADER = re.compile(
    r"acceleration \(mg\) - (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) - \d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    r" - sampleRate = (\d{1,2}) seconds, ?imputed\s*$"
)


def recognises(path: Path) -> bool:
    """Whether the first line is UK Biobank's."""
    return path.is_file() and HEADER.match(_first_line(path)) is not None


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Acceleration without gravity (mg) per minute; the start is local in ``zone``.

    The values are UK Biobank's truncated Euclidean norm minus one g, filtered (Doherty et al.
    2017, PLoS ONE 12:e0169649). Imputed epochs are left out: nothing was measured in them.
    InputError for an unknown zone, a table that cannot be read, and a date outside 1970 to
    2100.
    """
    zones = zones_of(zone)
    header = HEADER.match(_first_line(path))
    if header is None or path.stat().st_size > MAX_FILE_BYTES:
        raise InputError(f"{path.name} is no UK Biobank file of 5-s epochs; give it as received.")
    table = _table(path)
    epoch_seconds = int(header[2])
    first = _start(header[1])
    local = first + epoch_seconds * np.arange(len(table), dtype=np.int64)
    require_dates(local, path, lambda i: f"line {i + 2}")
    zones = logger_zones(local, zones)
    seconds = logger_utc(local, zones)
    measured = table[1] == 0
    rejected = Rejected({"activity_imputed": int(np.count_nonzero(table[1] == 1))})
    samples = seconds[measured], table[0][measured].to_numpy(np.float64)
    family, kind = Family.ENMO, DeviceKind.ACTIGRAPH
    series = epochs(Channel.ACTIVITY, samples, epoch_seconds, rejected, family, how="mean")
    yield recording(path, SOURCE, "Axivity AX3", [series], (), rejected, family, kind, zones=zones)


def _first_line(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(HEAD_BYTES).decode("utf-8-sig", "replace").partition("\n")[0]


def _start(text: str) -> int:
    """Seconds since 1970 of the local start; before 1970 if it is no date."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return -1


def _table(path: Path) -> pd.DataFrame:
    """Acceleration and the imputed flag, columns 0 and 1."""
    try:
        with path.open("rb") as lines:
            require_short_rows(lines, 1)
        table = pd.read_csv(
            path,
            header=None,
            skiprows=1,
            usecols=[0, 1],
            dtype=str,
            encoding_errors="replace",
            compression=None,  # a name may end in .gz, and is not to be believed
        )
    except (ValueError, pd.errors.ParserError) as broken:
        raise InputError(f"{path.name} has no table of two columns; download it again.") from broken
    return table.apply(pd.to_numeric, errors="coerce")
