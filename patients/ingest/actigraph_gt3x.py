"""ActiGraph .gt3x: a zip of raw acceleration, read by actfast; activity is ENMO."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import is_zipfile
from zoneinfo import ZoneInfo

import numpy as np

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest.common.actigraph import device_name, second_of_ticks
from patients.ingest.common.archive import Member, members
from patients.ingest.common.base import (
    MAX_RUN_SECONDS,
    Rejected,
    Seconds,
    Values,
    Zone,
    clock_set,
    epochs,
    logger_utc,
    logger_zones,
    recording,
    require_dates,
    utc,
    zones_of,
)
from patients.ingest.common.enmo import enmo_by_second

SOURCE = "actigraph_gt3x"
LABEL = "ActiGraph .gt3x (raw acceleration)"
# One sample takes 4.5 bytes in the file and about 40 in memory; three weeks of 30 Hz fit.
MAX_LOG_BYTES = 256 * 1024**2
MAX_INFO_BYTES = 65_536
NANOSECONDS = 1_000_000_000
AS_COUNTS = "export it from ActiLife as .agd or CSV and give that"


def recognises(path: Path) -> bool:
    """Whether the content is ActiGraph's zip: an info.txt of the device beside its samples."""
    if not (path.is_file() and is_zipfile(path)):
        return False
    with members(path, "") as files:
        named = {file.name.lower(): file for file in files}
        there = "info.txt" in named and named.keys() & {"log.bin", "activity.bin"}
        return bool(there) and b"Serial Number:" in named["info.txt"].head()


def parse(path: Path, zone: Zone) -> Iterator[Recording]:
    """Mean ENMO per minute (mg); stamps are local in ``zone``, where the device was set up.

    The device's clock does not follow daylight saving, so one offset holds for the whole recording,
    that of info.txt's start. In idle sleep mode the device writes nothing while it lies still:
    there the last sample stands. Light is left out: its scale differs by model and is not in the
    file. InputError for an unknown zone or one that contradicts the file's, a damaged or too
    long file, and samples in a layout that actfast does not read.
    """
    zones = zones_of(zone)
    info = _checked_info(path)
    found = _read(path)
    samples = found["timeseries"].get("acceleration", {})
    if not len(samples.get("acceleration", ())):
        raise InputError(
            f"{path.name} holds no acceleration in the layout that can be read; {AS_COUNTS}."
        )
    stamps = samples["datetime"] // NANOSECONDS
    local, mean_mg, last_mg = enmo_by_second(stamps, samples["acceleration"])
    require_dates(local, path, lambda i: f"its second {i + 1}")
    sleeps = found["metadata"].get("device_feature_enabled", {}).get("sleep_mode") == "true"
    if sleeps:
        local, mean_mg = held(local, mean_mg, last_mg)
    started = clock_set(local, second_of_ticks(info.get("Start Date", "")))
    _check_offset(info, started, zones.zone_on(utc(started).date()), path)
    zones = logger_zones(local, zones, started)
    seconds = logger_utc(local, zones, started)
    rejected = Rejected()
    family = Family.ENMO
    series = epochs(Channel.ACTIVITY, (seconds, mean_mg), 1, rejected, family, how="mean")
    device, kind = device_name(info.get("Serial Number", "")), DeviceKind.ACTIGRAPH
    yield recording(path, SOURCE, device, [series], (), rejected, family, kind, zones=zones)


def _checked_info(path: Path) -> dict[str, str]:
    """The `Key: value` lines of info.txt; InputError where the samples cannot be read."""
    with members(path, "") as files:
        named: dict[str, Member] = {file.name: file for file in files}
        if "log.bin" not in named or "info.txt" not in named:
            raise InputError(f"{path.name} is of an older kind without log.bin; {AS_COUNTS}.")
        if named["log.bin"].size_bytes > MAX_LOG_BYTES:
            raise InputError(f"{path.name} holds over 256 MiB of samples; {AS_COUNTS}.")
        if named["info.txt"].size_bytes > MAX_INFO_BYTES:
            raise InputError(f"{path.name} has no info.txt as ActiGraph writes it; copy it again.")
        text = named["info.txt"].head().decode("utf-8", "replace")
    pairs = (line.partition(": ") for line in text.splitlines())
    info = {key.strip(): value.strip() for key, _, value in pairs}
    if not re.fullmatch("[1-9][0-9]{0,3}", info.get("Sample Rate", "30")):
        raise InputError(f"{path.name} tells of no sample rate up to 9,999 Hz; copy it again.")
    return info


def _read(path: Path) -> Any:
    """What actfast reads; InputError for whatever stops it."""
    import actfast  # only who reads such a file pays for it

    try:
        return actfast.read(path)
    except (ValueError, OSError) as broken:
        raise InputError(
            f"{path.name} is cut off or damaged; download it from the device again."
        ) from broken
    except BaseException as stopped:
        # What goes wrong inside Rust is no Exception, and has no name that can be imported.
        if type(stopped).__name__ != "PanicException":
            raise
        raise InputError(f"{path.name} is damaged; download it from the device again.") from stopped


def held(seconds: Seconds, mean_mg: Values, last_mg: Values) -> tuple[Seconds, Values]:
    """Every second from the first to the last; one without samples has the last one's value.

    All of shape (n,) in mg. A span that no battery lasts is left as it is.

    >>> held(np.array([5, 8]), np.array([1.0, 2.0]), np.array([3.0, 4.0]))[1].tolist()
    [1.0, 3.0, 3.0, 2.0]
    """
    distinct, which = np.unique(seconds, return_index=True)
    if distinct[-1] - distinct[0] > MAX_RUN_SECONDS:
        return seconds, mean_mg
    every = np.arange(distinct[0], distinct[-1] + 1)
    before = which[np.searchsorted(distinct, every, side="right") - 1]
    return every, np.where(np.isin(every, distinct), mean_mg[before], last_mg[before])


def _check_offset(info: dict[str, str], local: int, place: ZoneInfo, path: Path) -> None:
    """InputError if the device was set up on another clock than the zone's of that day.

    The file's offset is with or without daylight saving, as the firmware has it.
    """
    found = re.fullmatch(r"(-?)(\d\d):(\d\d):\d\d", info.get("TimeZone", ""))
    if not found:
        return
    sign = -1 if found[1] else 1
    told = sign * timedelta(hours=int(found[2]), minutes=int(found[3]))
    wall = utc(local).replace(tzinfo=place)
    offset, summer = wall.utcoffset() or timedelta(), wall.dst() or timedelta()
    if told not in (offset, offset - summer):
        raise InputError(
            f"{path.name} was set up on a clock at UTC{found[1] or '+'}{found[2]}:{found[3]}, not "
            f"that of {place.key} on that day; give the zone where it was set up."
        )
