import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patients.domain.errors import InputError
from patients.domain.recording import Channel
from patients.ingest import garmin_connect
from tests.patients.ingest.builders import START, parsed, write_json
from tests.patients.ingest.builders_json import (
    START_SECOND,
    connect_night,
    gmt,
    minutes_of,
    stages_of,
)

ZONE = "America/Denver"
LEVELS = [(0.0, 30.0, 1.0), (30.0, 50.0, 0.0), (50.0, 60.0, 2.0), (60.0, 65.0, 3.0)]


def raw(shared: Path, name: str) -> list[dict[str, Any]]:
    """The answers in a real file."""
    content = json.loads((shared / "data/garmin_garth" / f"{name}.json").read_text())
    return [entry["body"] for entry in content]


def test_the_real_heart_rates_are_as_in_the_raw_file(shared: Path) -> None:
    path = shared / "data/garmin_garth/test_daily_heart_rate_list.json"
    told = [pair for body in raw(shared, path.stem) for pair in body["heartRateValues"]]
    bpm = [value for _, value in told if value is not None]
    series = parsed(garmin_connect, path, ZONE).channel(Channel.HEART_RATE)
    assert series is not None and len(bpm) == 2005
    assert np.nansum(series.values) == sum(bpm) and np.nanmax(series.values) == max(bpm)
    assert series.start == datetime(2026, 1, 5, 6, tzinfo=UTC)
    assert series.end == datetime(2026, 1, 8, 5, 59, tzinfo=UTC)


def test_the_real_resting_heart_rate_is_that_of_the_local_midnight(shared: Path) -> None:
    path = shared / "data/garmin_garth/test_daily_heart_rate_get.json"
    series = parsed(garmin_connect, path, ZONE).channel(Channel.RESTING_HEART_RATE)
    assert series is not None and series.values.tolist() == [52]
    assert series.start == datetime(2026, 1, 7, 6, tzinfo=UTC)
    path = shared / "data/garmin_garth/test_daily_sleep_data_get.json"
    series = parsed(garmin_connect, path, ZONE).channel(Channel.RESTING_HEART_RATE)
    assert series is not None and series.values.tolist() == [44]
    assert series.start == datetime(2025, 7, 7, 6, tzinfo=UTC)  # six hours behind GMT


def test_the_real_hrv_is_as_in_the_raw_file(shared: Path) -> None:
    path = shared / "data/garmin_garth/test_hrv_data_get.json"
    (body,) = raw(shared, path.stem)
    series = parsed(garmin_connect, path, ZONE).channel(Channel.HRV_RMSSD)
    assert series is not None and series.start == datetime(2023, 7, 20, 5, 29, tzinfo=UTC)
    assert series.values[[0, 5, -1]].tolist() == [54, 56, body["hrvReadings"][-1]["hrvValue"]]
    assert np.nansum(series.values) == sum(r["hrvValue"] for r in body["hrvReadings"])


def test_the_real_nights_have_garmins_minutes(shared: Path) -> None:
    path = shared / "data/garmin_garth/test_sleep_data_list.json"
    dtos = sorted((b["dailySleepDTO"] for b in raw(shared, path.stem)), key=lambda d: d["id"])
    nights = parsed(garmin_connect, path, ZONE).sleep
    assert len(nights) == len(dtos) == 20
    for night, dto in zip(nights, dtos, strict=True):
        assert night.log_id == dto["calendarDate"] and night.stages == ()
        assert night.start.timestamp() * 1000 == dto["sleepStartTimestampGMT"]
        assert night.end.timestamp() * 1000 == dto["sleepEndTimestampGMT"]
        assert night.asleep_minutes * 60 == pytest.approx(dto["sleepTimeSeconds"])
        assert night.awake_minutes * 60 == pytest.approx(dto["awakeSleepSeconds"])


def test_the_real_folder_is_one_device_with_the_totals_counted(shared: Path) -> None:
    folder = shared / "data/garmin_garth"
    found = parsed(garmin_connect, folder, ZONE)
    assert (found.source, found.device, len(found.sleep)) == ("garmin_connect", "Garmin", 22)
    assert found.channel(Channel.STEPS) is None and found.family is None
    assert found.rejected["steps_total"] == 20 + 52 + 1 + 2
    with pytest.raises(InputError, match="20 steps_total"):
        parsed(garmin_connect, folder / "test_daily_steps.json", ZONE)


def test_the_levels_are_stages_and_movement_is_none(tmp_path: Path) -> None:
    path = write_json(tmp_path / "a.json", connect_night([*LEVELS, (65.0, 70.0, 7.0)]))
    found = parsed(garmin_connect, path, ZONE)
    names = ("light", "deep", "rem", "awake")
    assert stages_of(found) == [(a, b, name) for (a, b, _), name in zip(LEVELS, names, strict=True)]
    assert (found.sleep[0].asleep_minutes, found.sleep[0].awake_minutes) == (60, 5)
    assert (found.series, found.rejected) == ((), {"sleep_unknown_value": 1})


def night_with_samples() -> dict[str, Any]:
    at = START_SECOND * 1000
    return connect_night(
        LEVELS,
        restingHeartRate=48,
        sleepHeartRate=[{"startGMT": at, "value": 50}, {"startGMT": at + 120_000, "value": None}],
        hrvData=[{"startGMT": at + 60_000, "value": 33.0}],
        wellnessEpochRespirationDataDTOList=[
            {"startTimeGMT": at, "respirationValue": 14.0},
            {"startTimeGMT": at + 60_000, "respirationValue": -1.0},
        ],
        wellnessEpochSPO2DataDTOList=[{"epochTimestamp": gmt(2), "spo2Reading": 95}],
    )


def test_what_a_night_holds_besides_stages(tmp_path: Path) -> None:
    found = parsed(garmin_connect, write_json(tmp_path / "a.json", night_with_samples()), ZONE)
    assert minutes_of(found, Channel.HEART_RATE) == {0: 50}
    assert minutes_of(found, Channel.HRV_RMSSD) == {1: 33}
    assert minutes_of(found, Channel.RESPIRATORY_RATE) == {0: 14}
    assert minutes_of(found, Channel.SPO2) == {2: 95}
    resting = minutes_of(found, Channel.RESTING_HEART_RATE)
    assert resting == {60: 48}  # START is 23:00 of an hour ahead: midnight is an hour later
    assert found.rejected == {}


def test_fifteen_minutes_of_steps_are_spread(tmp_path: Path) -> None:
    rows = [
        {"startGMT": gmt(15 * i), "endGMT": gmt(15 * i + 15), "steps": steps} | level
        for i, steps in enumerate((30, 0, 4600))
        for level in [{"primaryActivityLevel": "active"}]
    ]
    found = parsed(garmin_connect, write_json(tmp_path / "a.json", rows), ZONE)
    expected = dict.fromkeys(range(15), 2) | dict.fromkeys(range(15, 30), 0)
    assert minutes_of(found, Channel.STEPS) == expected
    assert found.rejected == {"steps_out_of_range": 1}


def test_an_answer_reads_alike_alone_in_a_list_or_with_its_address(tmp_path: Path) -> None:
    answer = night_with_samples()
    shapes = (answer, [answer], [{"url": "u", "body": answer}], {"sleep": answer, "steps": []})
    found = []
    for shape in shapes:
        path = write_json(tmp_path / "a.json", shape)
        assert garmin_connect.recognises(path)
        found.append(parsed(garmin_connect, path, ZONE))
    assert all(r.sleep == found[0].sleep for r in found)
    assert all(minutes_of(r, Channel.SPO2) == {2: 95} for r in found)


def test_the_order_of_the_samples_does_not_matter(tmp_path: Path, shared: Path) -> None:
    (body,) = raw(shared, "test_daily_heart_rate_get")
    path = tmp_path / "a.json"
    in_order = parsed(garmin_connect, write_json(path, body), ZONE).series
    random.Random(3).shuffle(body["heartRateValues"])
    shuffled = parsed(garmin_connect, write_json(path, body), ZONE).series
    assert [s.values.tobytes() for s in in_order] == [s.values.tobytes() for s in shuffled]


@pytest.mark.parametrize("stamp", [None, 1e20, -1, "soon"])
def test_a_bad_date_is_refused(tmp_path: Path, stamp: Any) -> None:
    body = {"calendarDate": "2024-03-04", "heartRateValues": [[stamp, 60]]}
    with pytest.raises(InputError, match=r"a\.json: 2024-03-04 has the date"):
        parsed(garmin_connect, write_json(tmp_path / "a.json", body), ZONE)


def test_a_night_that_was_not_slept_is_no_night(tmp_path: Path) -> None:
    dto = {"calendarDate": "2030-01-01", "sleepStartTimestampGMT": None}
    path = write_json(tmp_path / "a.json", {"dailySleepDTO": dto, "sleepLevels": []})
    with pytest.raises(InputError, match="no samples"):
        parsed(garmin_connect, path, ZONE)
    assert parsed(garmin_connect, write_json(path, connect_night(LEVELS)), ZONE).start == START
