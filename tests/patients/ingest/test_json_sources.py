"""What holds for all vendors that export JSON."""

import json
import re
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, MinuteSeries, Recording
from patients.ingest import (
    fitbit,
    garmin_connect,
    garmin_health,
    google_fit,
    health_auto_export,
    oura,
)
from patients.ingest.common import json_files
from tests.patients.ingest.builders import (
    fitbit_heart,
    fitbit_sleep,
    walked_together,
    write_json,
    write_zip,
)
from tests.patients.ingest.builders_json import (
    connect_night,
    fit_points,
    fit_session,
    hae_export,
    hae_rows,
    hae_stamp,
    health_summary,
    oura_night,
)

ZONE = "Europe/Berlin"
MODULES = (fitbit, garmin_connect, garmin_health, google_fit, health_auto_export, oura)
SERIES = {"interval": 300, "items": [None, 50, 46], "timestamp": "2024-03-04T23:00:00+01:00"}
SLEEP = [{"startDate": hae_stamp(0), "endDate": hae_stamp(9), "value": "Core", "source": "Watch"}]
NIGHT = {"sleepStart": hae_stamp(0), "sleepEnd": hae_stamp(480), "asleep": 7, "awake": 0.5}
HEART = f"derived:{google_fit.HEART}:gms:merge_heart_rate_bpm"
FILES: list[tuple[ModuleType, Any]] = [
    (fitbit, fitbit_heart([60, 61, 62])),
    (fitbit, [fitbit_sleep("2024-03-05T00:00:00", "2024-03-05T07:00:00", minutesAsleep=400)]),
    (
        garmin_connect,
        connect_night([(0.0, 9.0, 1.0)], sleepHeartRate=[{"startGMT": 1, "value": 5}]),
    ),
    (garmin_connect, {"calendarDate": "2024-03-05", "heartRateValues": [[1709589600000, 60]]}),
    (garmin_health, [health_summary(timeOffsetHeartRateSamples={"15": 60, "30": 62})]),
    (garmin_health, {"epochs": [health_summary(steps=30, activeTimeInSeconds=60)]}),
    (google_fit, fit_points(HEART, [(0, 0, 60), (1, 1, 61)])),
    (google_fit, fit_points(f"raw:{google_fit.STEPS}:a:b:c:d:", [(0, 1, 60), (1, 9, 61)])),
    (google_fit, fit_session([(0, 20, "sleep.light"), (20, 30, "sleep.awake")])),
    (health_auto_export, hae_export({"step_count": hae_rows([60, 61], 60), "heart_rate": []})),
    (health_auto_export, hae_export({"sleep_analysis": [*SLEEP, NIGHT]})),
    (oura, {"data": [oura_night("1234", heart_rate=SERIES, lowest_heart_rate=45)]}),
]
EVIL = [
    "NaN",
    "Infinity",
    "-1",
    "1e308",
    "null",
    '"9999-12-31T23:59:59"',
    "[]",
    "{}",
    "253402300799",
]


@pytest.mark.parametrize(("module", "content"), FILES)
def test_a_file_is_recognised_by_its_vendor_only_whatever_its_name(
    tmp_path: Path, module: ModuleType, content: Any
) -> None:
    path = write_json(tmp_path / "upload", content)
    assert [m for m in MODULES if m.recognises(path)] == [module]
    zipped = write_zip(tmp_path / "a.zip", {"in/a.json": json.dumps(content)})
    assert [m for m in MODULES if m.recognises(zipped)] == [module]


def test_the_real_files_are_recognised_by_their_vendor_only(shared: Path) -> None:
    files = [p for p in (shared / "data").rglob("*") if p.is_file()]
    taken = {(m, p.parent.name) for m in MODULES for p in files if m.recognises(p)}
    assert taken == {(fitbit, "ggir_testfiles"), (garmin_connect, "garmin_garth")}


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    "junk", [b"", b"{", b"[" * 100_000, b"\x00\xff" * 99, b"PK\x03\x04", b"[1]"]
)
def test_junk_is_neither_recognised_nor_a_crash(
    tmp_path: Path, module: ModuleType, junk: bytes
) -> None:
    path = tmp_path / "junk.json"
    path.write_bytes(junk)
    try:
        assert not module.recognises(path)
        list(module.parse(path, ZONE))
    except InputError as refused:
        assert str(refused).endswith(".")
    else:
        pytest.fail("nothing was refused")


@settings(max_examples=400, deadline=5000)
@given(st.data())
def test_a_mutated_file_is_read_sanely_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    module, content = data.draw(st.sampled_from(FILES))
    raw = json.dumps(content)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["number", "number", "number", "byte", "cut", "twice"])):
            case "number":
                spans = [m.span() for m in NUMBERS.finditer(raw)]
                first, stop = data.draw(st.sampled_from(spans)) if spans else (at, at + 1)
                raw = raw[:first] + data.draw(st.sampled_from(EVIL)) + raw[stop:]
            case "byte":
                raw = raw[:at] + chr(data.draw(st.integers(0, 255))) + raw[at + 1 :]
            case "cut":
                raw = raw[:at] + raw[at + data.draw(st.integers(1, 30)) :] or "["
            case "twice":
                raw = raw[:at] + raw[at : at + 60] + raw[at:]
    path = tmp_path_factory.mktemp("m") / "a.json"
    path.write_bytes(raw.encode("latin-1", "replace"))
    began = time.monotonic()
    try:
        found = list(module.parse(path, ZONE)) if module.recognises(path) else []
    except InputError as refused:
        message = str(refused)
        assert message.endswith(".") and message.isprintable()
        assert str(path.parent) not in message
    else:
        for recording in found:
            assert_sane(recording)
    assert time.monotonic() - began < 5


NUMBERS = re.compile(r'-?\d+(\.\d+)?|"[^"]*\d[^"]*"')


def assert_sane(recording: Recording) -> None:
    assert recording.device.isprintable() and 0 < len(recording.device) <= 80
    for series in recording.series:
        there = series.values[~np.isnan(series.values)]
        assert there.size and np.isfinite(there).all() and (there >= 0).all()
    for night in recording.sleep:
        assert 0 < (night.end - night.start).total_seconds() <= 24 * 3600
        assert 0 <= night.asleep_minutes + night.awake_minutes <= 24 * 60 + 1


def by_minute(series: list[MinuteSeries]) -> dict[int, float]:
    """The minutes of one device's series taken together, by their number since 1970."""
    one = walked_together(series)
    first = round(one.start.timestamp() / 60)
    return {first + int(i): float(one.values[i]) for i in np.flatnonzero(~np.isnan(one.values))}


@settings(max_examples=40)
@given(st.integers(1, 39), st.sampled_from([0.25, 1, 7.5, 60]))
def test_two_halves_and_the_whole_file_are_the_same_minutes(
    tmp_path_factory: pytest.TempPathFactory, cut: int, every: float
) -> None:
    folder = tmp_path_factory.mktemp("h")
    points = [(i * every, (i + 1) * every, 10 + i) for i in range(40)]
    source = f"derived:{google_fit.STEPS}:gms:merge_step_deltas"

    def steps(part: list[tuple[float, float, int]]) -> MinuteSeries:
        path = write_json(folder / "a.json", fit_points(source, list(part)))
        (recording,) = google_fit.parse(path, ZONE)
        series = recording.channel(Channel.STEPS)
        assert series is not None
        return series

    whole, *halves = steps(points), steps(points[:cut]), steps(points[cut:])
    assert by_minute(halves) == by_minute([whole]) == by_minute([*halves, whole, *halves])
    assert sum(by_minute(halves).values()) == pytest.approx(sum(p[2] for p in points), rel=1e-5)


def test_an_hour_that_grew_between_two_exports_is_not_added_up(tmp_path: Path) -> None:
    found = []
    for name, last in (("early", 60.0), ("late", 120.0)):
        export = hae_export({"step_count": hae_rows([60, last], 60)})
        (recording,) = health_auto_export.parse(write_json(tmp_path / name, export), ZONE)
        found += [s for s in recording.series if s.channel is Channel.STEPS]
    for order in (found, found[::-1]):
        assert sum(by_minute(order).values()) == 180


@pytest.mark.parametrize("module", MODULES)
def test_a_file_too_large_to_hold_is_refused(
    tmp_path: Path, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = next(content for m, content in FILES if m is module)
    monkeypatch.setattr(json_files, "MAX_CONTAINERS", 1)
    with pytest.raises(InputError, match="export shorter stretches of time"):
        list(module.parse(write_json(tmp_path / "a.json", content), ZONE))


@pytest.mark.parametrize("module", MODULES)
def test_an_unknown_zone_is_refused(tmp_path: Path, module: ModuleType) -> None:
    content = next(content for m, content in FILES if m is module)
    with pytest.raises(InputError, match="time zone 'Mars' is not known"):
        list(module.parse(write_json(tmp_path / "a.json", content), "Mars"))


def test_more_nights_than_a_life_has_are_refused(tmp_path: Path) -> None:
    nights = [oura_night("1", 10 * i, id=str(i)) for i in range(10_001)]
    began = time.monotonic()
    with pytest.raises(InputError, match="10,001 sleep records"):
        list(oura.parse(write_json(tmp_path / "a.json", nights), ZONE))
    assert time.monotonic() - began < 10
