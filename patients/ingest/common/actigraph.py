"""What ActiGraph's count files share: a clock that runs through, and epochs of counts."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest.common.base import (
    LATEST_SECOND,
    Rejected,
    Seconds,
    Values,
    epochs,
    recording,
)

AXES = ("axis1", "axis2", "axis3")
WANTED = (*AXES, "steps", "lux")
FAMILY = Family.ACTIGRAPH_COUNTS
TICKS_PER_SECOND = 10_000_000
TICKS_EPOCH_SECONDS = 62_135_596_800  # from 0001-01-01, where .NET's ticks begin, to 1970


def device_name(serial: str) -> str:
    """What tells ActiGraphs apart, the same in each of their files.

    >>> device_name("MOS2E39180594")
    'ActiGraph MOS2E39180594'
    """
    return f"ActiGraph {re.sub(r'[^A-Za-z0-9-]', '', serial)[:32]}".strip()


def second_of_ticks(text: str) -> int | None:
    """The local second since 1970 of .NET ticks as a header tells them; None if it is no date.

    >>> second_of_ticks("621355968010000000"), second_of_ticks("0"), second_of_ticks("x")
    (1, None, None)
    """
    if not re.fullmatch("[0-9]{1,19}", text):
        return None
    second = int(text) // TICKS_PER_SECOND - TICKS_EPOCH_SECONDS
    return second if 0 <= second < LATEST_SECOND else None


def vector_magnitude(columns: Mapping[str, Values]) -> Values:
    """Counts of each epoch: sqrt(x² + y² + z²) of three axes, else those of axis 1.

    Shape (n,); NaN where a count is missing or negative. Fewer than three axes are read as
    axis 1 alone, as older devices have it, and are then smaller numbers.
    """
    if not all(axis in columns for axis in AXES):
        return columns["axis1"]
    xyz = np.stack([columns[axis] for axis in AXES])
    xyz = np.where((xyz >= 0) & (xyz < 1e6), xyz, np.nan)  # squares of more may overflow
    magnitude: Values = np.sqrt((xyz**2).sum(axis=0))
    return magnitude


def from_counts(
    path: Path,
    source: str,
    serial: str,
    seconds: Seconds,
    columns: Mapping[str, Values],
    epoch_seconds: float,
    zones: ZoneHistory,
) -> Recording:
    """The recording of one device: counts and steps per minute, mean lux.

    ``seconds`` are UTC starts of epochs, shape (n,); ``columns`` those of WANTED that there
    are, each of shape (n,), with axis1 among them. ``zones`` are those of the device's clock.
    """
    rejected = Rejected()
    counts = vector_magnitude(columns)
    series = [epochs(Channel.ACTIVITY, (seconds, counts), epoch_seconds, rejected, FAMILY)]
    if "steps" in columns:
        walked = (seconds, columns["steps"])
        series.append(epochs(Channel.STEPS, walked, epoch_seconds, rejected))
    if "lux" in columns:
        lit = (seconds, columns["lux"])
        series.append(epochs(Channel.LIGHT, lit, epoch_seconds, rejected, how="mean"))
    device, kind = device_name(serial), DeviceKind.ACTIGRAPH
    return recording(path, source, device, series, (), rejected, FAMILY, kind, zones=zones)
