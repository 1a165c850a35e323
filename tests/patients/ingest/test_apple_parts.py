"""An export is the same minutes however it is cut, on disk or into files, and shuffled."""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patients.domain.minutes import merged
from patients.domain.recording import MinuteSeries, Recording, Samples
from patients.ingest import apple_health
from patients.ingest.common import apple_samples, spill
from tests.generators.apple_export import write_export
from tests.patients.ingest.builders import (
    APP,
    IPHONE,
    SDNN,
    WATCH,
    apple_heart,
    apple_record,
    apple_sleep,
    apple_steps,
    walked_together,
    write_apple,
)

APP_ON_WATCH = "Pulse on Apple Watch"  # an app of its own, on the same device
Day = tuple[np.ndarray, dict[int, Samples]]
DAY_MINUTES = 1440
DAYS = 3 * DAY_MINUTES


@st.composite
def heart_rates(draw: st.DrawFn, source: str = WATCH) -> list[str]:
    """In order of time, now and then several a minute."""
    return heart_records(source, sorted(draw(st.lists(st.integers(0, DAYS * 4), max_size=15))))


def heart_records(source: str, quarters: list[int]) -> list[str]:
    """One for each of these quarters of a minute, each faster than the one before."""
    kind = "HKQuantityTypeIdentifierHeartRate"
    return [
        apple_record(kind, 40 + n, quarter / 4, source=source, unit="count/min")
        for n, quarter in enumerate(quarters)
    ]


@st.composite
def steps(draw: st.DrawFn, source: str) -> list[str]:
    """One teller's walks in any order, at most 240 steps a minute; some overlap others."""
    found, at = [], 0
    for gap, seconds, pace in draw(
        st.lists(st.tuples(st.integers(-4000, 20_000), st.integers(0, 3600), st.floats(0, 4)),
                 max_size=10)
    ):  # fmt: skip
        at = max(at + gap, 0)
        found.append(apple_steps(pace * seconds, at / 60, seconds / 60, source))
        at += seconds
    return draw(st.permutations(found))


nights = st.lists(
    st.tuples(
        st.sampled_from(["AsleepCore", "AsleepDeep", "Awake", "AsleepUnspecified", "InBed"]),
        st.integers(0, DAYS),
        st.integers(1, 400),
        st.sampled_from([WATCH, IPHONE]),
    ).map(lambda night: apple_sleep(*night)),
    max_size=12,
)
minutes_in_order = st.tuples(
    heart_rates(), heart_rates(APP_ON_WATCH), steps(WATCH), steps(IPHONE), steps(APP),
    st.lists(st.integers(0, DAYS), max_size=4).map(
        lambda found: [apple_record(SDNN, 30 + at % 50, at, unit="ms") for at in sorted(found)]
    ),
).map(lambda groups: [record for group in groups for record in group])  # fmt: skip


def read(records: Iterable[str]) -> list[Recording]:
    """The recordings of an export with these records and one that is always there."""
    with TemporaryDirectory() as folder:
        always = apple_heart(50, 0, "RestingHeartRate")
        path = write_apple(Path(folder) / "export.xml", always, *records)
        return list(apple_health.parse(path, "UTC"))


def days_of(series: MinuteSeries) -> Iterator[tuple[int, Day]]:
    first = int(series.start.timestamp()) // 60
    before = first % DAY_MINUTES
    after = -(before + len(series.values)) % DAY_MINUTES
    padded = np.pad(series.values, (before, after), constant_values=np.nan)
    for number, values in enumerate(padded.reshape(-1, DAY_MINUTES)):
        day = first // DAY_MINUTES + number
        partial = {m % DAY_MINUTES: s for m, s in series.partial.items() if m // DAY_MINUTES == day}
        yield day, (values, partial)


def taken_together(recordings: Iterable[Recording]) -> dict[tuple[str, str, int], Day]:
    """Each device's days of a channel, as storage takes one file after the other."""
    found: dict[tuple[str, str, int], Day] = {}
    walked: dict[str, list[MinuteSeries]] = {}
    for recording in recordings:
        for series in recording.series:
            if series.walks is not None:
                walked.setdefault(recording.device, []).append(series)
                continue
            for day, new in days_of(series):
                key = recording.device, str(series.channel), day
                nothing: Day = np.full(DAY_MINUTES, np.nan, np.float32), {}
                found[key] = merged(found.get(key, nothing), new, series.how, series.full)
    for device, parts in walked.items():
        for day, new in days_of(walked_together(parts)):
            found[device, "steps", day] = new
    return {key: day for key, day in found.items() if day[1] or not np.isnan(day[0]).all()}


def value_bytes(days: dict[tuple[str, str, int], Day]) -> dict[tuple[str, str, int], bytes]:
    return {key: values.tobytes() for key, (values, _) in days.items()}


def partial_of(days: dict[tuple[str, str, int], Day]) -> set[tuple[object, ...]]:
    return {(*key, *item) for key, (_, partial) in days.items() for item in partial.items()}


def sleep_of(recordings: Iterable[Recording]) -> list[tuple[object, ...]]:
    return sorted((e.start, r.device, e) for r in recordings for e in r.sleep)


@settings(max_examples=40)
@given(minutes_in_order, nights, st.randoms(), st.sampled_from([7200, 30_000, 86_400]),
       st.integers(1, 9))  # fmt: skip
def test_parts_blocks_and_order_do_not_change_a_byte(
    minutes: list[str], sleep: list[str], rng: random.Random, seconds: int, block: int
) -> None:
    records = minutes + sleep
    whole = read(records)
    rng.shuffle(records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill, "PART_SECONDS", seconds)
        patch.setattr(apple_samples, "BLOCK_ROWS", block)
        in_parts = read(records + records[:3])
    days, days_in_parts = taken_together(whole), taken_together(in_parts)
    assert value_bytes(days) == value_bytes(days_in_parts)
    assert partial_of(days) == partial_of(days_in_parts)
    assert sleep_of(whole) == sleep_of(in_parts)
    repeated = ("_duplicate", "_unknown")
    assert [
        {reason: n for reason, n in told[-1].rejected.items() if not reason.endswith(repeated)}
        for told in (whole, in_parts)
    ] == [{}, {}]


def by_app(records: Iterable[str]) -> dict[tuple[int, int], dict[str, list[float]]]:
    """What each app on the watch says of its heart in a minute of a UTC day."""
    found: dict[tuple[int, int], dict[str, list[float]]] = {}
    for record in records:
        said = ElementTree.fromstring(record).attrib
        if said["type"].endswith("HeartRate") and said["sourceName"] in (WATCH, APP_ON_WATCH):
            at = int(datetime.strptime(said["startDate"], "%Y-%m-%d %H:%M:%S %z").timestamp())
            apps = found.setdefault(divmod(at // 60, DAY_MINUTES), {})
            apps.setdefault(said["sourceName"], []).append(float(said["value"]))
    return {minute: apps for minute, apps in found.items() if len(apps) > 1}


TWO_APPS = [  # the minute of both is whole in the export, and where it is cut is none's
    *heart_records(WATCH, [0, 4, 8]),
    *heart_records(APP_ON_WATCH, [4]),
]


@settings(max_examples=40)
@example(TWO_APPS, 0.5, False)
@given(minutes_in_order, st.floats(0, 1), st.booleans())
def test_an_export_in_two_halves_is_the_whole(
    records: list[str], share: float, later_first: bool
) -> None:
    """But for a minute of two apps of one watch of which one's samples end there: what is kept of
    such a minute does not say which app told it. It lies among what they told."""
    cut = round(share * len(records))
    halves = [read(records[:cut]), read(records[cut:])]
    if later_first:
        halves.reverse()
    together = taken_together(recording for half in halves for recording in half)
    whole = taken_together(read(records))
    for (day, minute), apps in by_app(records).items():
        told = [value for values in apps.values() for value in values]
        for days in (together, whole):
            values = days["Apple Watch", "heart_rate", day][0]
            assert min(told) <= values[minute] <= max(told)
            values[minute] = 0
    assert value_bytes(together) == value_bytes(whole)
    assert partial_of(together) >= partial_of(whole)


def test_a_generated_export_is_read_whole(tmp_path: Path) -> None:
    count = write_export(tmp_path / "export.xml", mb=3)
    assert (tmp_path / "export.xml").stat().st_size == pytest.approx(3e6, rel=0.15)
    assert count == pytest.approx(4270, rel=0.1)
    recordings = list(apple_health.parse(tmp_path / "export.xml", "Europe/Berlin"))
    devices = {r.device: {s.channel.value for s in r.series} for r in recordings}
    assert devices == {
        "Apple Watch (Watch6,7)": {
            "heart_rate", "hrv_sdnn", "respiratory_rate", "resting_heart_rate", "spo2", "steps",
            "wrist_temperature",
        },
        "iPhone (iPhone12,8)": {"steps"},
    }  # fmt: skip
    assert sum(len(r.sleep) for r in recordings) == 6
    assert recordings[-1].rejected == {}
