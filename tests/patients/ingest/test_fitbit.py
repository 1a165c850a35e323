import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family, Recording, SleepEpisode
from patients.ingest import fitbit
from patients.ingest.common import json_files
from tests.patients.ingest.builders import (
    START,
    fitbit_heart,
    fitbit_level,
    fitbit_sleep,
    fitbit_steps,
    parsed,
    write_json,
    write_zip,
)

ZONE = "Europe/Amsterdam"


def values(recording: Recording, channel: Channel) -> list[float]:
    series = recording.channel(channel)
    return [] if series is None else series.values.tolist()


def night_of(tmp_path: Path, log: dict[str, Any]) -> SleepEpisode:
    path = write_json(tmp_path / "sleep.json", [log])
    return parsed(fitbit, path, ZONE).sleep[0]


def test_the_real_files_are_read_as_one_recording(shared: Path) -> None:
    takeout = parsed(fitbit, shared / "data/ggir_testfiles", ZONE)
    assert (takeout.source, takeout.family) == ("fitbit", Family.STEPS)
    steps, heart = takeout.channel(Channel.STEPS), takeout.channel(Channel.HEART_RATE)
    assert steps is not None and heart is not None
    assert steps.start == datetime(1995, 6, 24, 16, 0, tzinfo=UTC)
    assert np.nansum(steps.values) == 607 and len(steps.values) == 36
    assert np.flatnonzero(np.isnan(steps.values)).tolist() == [5, 7]  # not in the file
    # 16:00 holds 70 and 68 of confidence 0, left out, then 69, 75, 77, 77
    assert heart.values[0] == 74.5
    assert takeout.rejected == {"heart_rate_low_confidence": 4}
    classic, stages = takeout.sleep  # both have the log id 12345, made anonymous
    assert stages.start == datetime(1995, 7, 11, 0, 28, 30, tzinfo=UTC)  # 02:28:30 in Amsterdam
    assert stages.end == datetime(1995, 7, 11, 4, 57, tzinfo=UTC)
    assert (stages.asleep_minutes, stages.awake_minutes) == (236, 32)
    assert awake_minutes(stages) == 32.5  # 21 in data, 11.5 in shortData
    assert (classic.asleep_minutes, classic.awake_minutes) == (73, 6)  # 5 of them restless


def awake_minutes(night: SleepEpisode) -> float:
    awake = (s.end - s.start for s in night.stages if s.stage == "awake")
    return sum(awake, timedelta()).total_seconds() / 60


def test_steps_and_heart_are_utc(tmp_path: Path) -> None:
    write_json(tmp_path / "steps-2024.json", fitbit_steps([3, 0, 7]))
    write_json(tmp_path / "heart.json", fitbit_heart([60, 70, 80, 0, 400, 90]))
    takeout = parsed(fitbit, tmp_path, "Asia/Tokyo")
    assert takeout.start == START
    assert values(takeout, Channel.STEPS) == [3, 0, 7]
    assert values(takeout, Channel.HEART_RATE) == [75]
    assert takeout.rejected == {"heart_rate_out_of_range": 2}


def test_a_short_wake_paints_over_the_stages(tmp_path: Path) -> None:
    log = fitbit_sleep("2024-03-05T00:00:00", "2024-03-05T01:00:00", type="stages")
    log["levels"] = {
        "data": [
            fitbit_level("2024-03-05T00:00:00", "light", 30),
            fitbit_level("2024-03-05T00:30:00", "rem", 30),
        ],
        "shortData": [fitbit_level("2024-03-05T00:29:00", "wake", 2)],
    }
    night = night_of(tmp_path, log)
    assert [s.stage for s in night.stages] == ["light", "awake", "rem"]
    assert (night.asleep_minutes, night.awake_minutes) == (58, 2)


@pytest.mark.parametrize(
    ("told", "asleep"),
    [((55, 5), 55), ((60, 0), 60), ((55, None), 55), ((8e14, 0), 58), ((-1, 3), 58)],
)
def test_restless_is_awake_only_if_the_log_counts_it(
    tmp_path: Path, told: tuple[float, float | None], asleep: float
) -> None:
    log = fitbit_sleep("2024-03-05T00:00:00", "2024-03-05T01:00:00", type="classic")
    log |= {"minutesAsleep": told[0], "minutesAwake": told[1]}
    log["levels"] = {
        "data": [
            fitbit_level("2024-03-05T00:00:00", "asleep", 55),
            fitbit_level("2024-03-05T00:55:00", "restless", 3),
            fitbit_level("2024-03-05T00:58:00", "awake", 2),
        ]
    }
    assert night_of(tmp_path, log).asleep_minutes == asleep


def test_a_log_without_levels_has_its_times_and_minutes(tmp_path: Path) -> None:
    log = fitbit_sleep("2024-03-05T00:00:00", "2024-03-05T07:00:00")
    night = night_of(tmp_path, log | {"minutesAsleep": 400, "minutesAwake": 20})
    assert (night.asleep_minutes, night.awake_minutes, night.stages) == (400, 20, ())


def test_a_night_with_a_repeated_hour_is_an_hour_longer(tmp_path: Path) -> None:
    log = fitbit_sleep("2024-10-27T01:00:00", "2024-10-27T04:00:00", type="classic")
    log["levels"] = {
        "data": [
            fitbit_level("2024-10-27T01:00:00", "asleep", 90),  # to 02:30, the first
            fitbit_level("2024-10-27T02:30:00", "restless", 40),  # to 02:10, the second
            fitbit_level("2024-10-27T02:10:00", "asleep", 110),
        ]
    }
    night = night_of(tmp_path, log)
    assert night.asleep_minutes == 240
    assert [s.stage for s in night.stages] == ["asleep", "restless", "asleep"]


def test_what_is_told_twice_is_counted_once(tmp_path: Path) -> None:
    log = fitbit_sleep("2024-03-05T00:00:00", "2024-03-05T07:00:00")
    write_json(tmp_path / "sleep-1.json", [log, log])
    write_json(tmp_path / "sleep-2.json", [log])
    write_json(tmp_path / "steps-1.json", fitbit_steps([10, 20]))
    write_json(tmp_path / "steps-2.json", fitbit_steps([10, 25]))
    takeout = parsed(fitbit, tmp_path, ZONE)
    assert len(takeout.sleep) == 1
    assert values(takeout, Channel.STEPS) == [10, 25]
    assert takeout.rejected == {"sleep_duplicate": 2, "steps_duplicate": 2}


def test_a_whole_takeout_is_the_same_as_folder_and_zip(tmp_path: Path) -> None:
    inside = "Takeout/Fitbit/Global Export Data"
    files = {
        f"{inside}/steps-2024-03-04.json": json.dumps(fitbit_steps([1, 2, 3])),
        f"{inside}/heart_rate-2024-03-04.json": json.dumps(fitbit_heart([60, 61])),
        f"{inside}/calories-2024-03-04.json": json.dumps(fitbit_steps([9, 9])),
        f"{inside}/sleep-none.json": "[]",
        "Takeout/Fitbit/Profile/Profile.csv": "name\n",
    }
    zipped = write_zip(tmp_path / "takeout.zip", dict(files))
    folder = tmp_path / "unpacked"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    assert fitbit.recognises(zipped) and fitbit.recognises(folder)
    first, second = parsed(fitbit, zipped, ZONE), parsed(fitbit, folder, ZONE)
    assert values(first, Channel.STEPS) == values(second, Channel.STEPS) == [1, 2, 3]
    assert values(first, Channel.HEART_RATE) == values(second, Channel.HEART_RATE) == [60.5]


@settings(max_examples=25)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=30), st.integers(0, 2**31))
def test_the_order_of_the_records_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], seed: int
) -> None:
    path = tmp_path_factory.mktemp("f") / "steps.json"
    rows = fitbit_steps(counts)
    in_order = values(parsed(fitbit, write_json(path, rows), ZONE), Channel.STEPS)
    random.Random(seed).shuffle(rows)
    assert values(parsed(fitbit, write_json(path, rows), ZONE), Channel.STEPS) == in_order == counts


def test_steps_beyond_300_a_minute_and_oddities_are_counted(tmp_path: Path) -> None:
    rows = [*fitbit_steps([301, 5]), "odd", {"dateTime": "03/04/24 22:05:00", "value": "many"}]
    takeout = parsed(fitbit, write_json(tmp_path / "steps.json", rows), ZONE)
    assert values(takeout, Channel.STEPS) == [5]
    assert takeout.rejected == {"steps_out_of_range": 2, "malformed_record": 1}


@pytest.mark.parametrize("stamp", ["03/04/1899 22:00:00", "03/04/69 22:00:00", "soon", None, 5])
@pytest.mark.parametrize("kind", ["steps.json", "heart.json"])
def test_a_bad_date_is_refused_with_its_record(tmp_path: Path, stamp: Any, kind: str) -> None:
    rows = fitbit_steps([1, 2, 3]) if kind == "steps.json" else fitbit_heart([60, 61, 62])
    rows[1]["dateTime"] = stamp
    with pytest.raises(InputError, match=rf"{kind}: the date of record 2 \('{stamp}'\)"):
        parsed(fitbit, write_json(tmp_path / kind, rows), ZONE)


@pytest.mark.parametrize("stamp", ["1899-07-11T02:28:30.000", "9999-01-01T00:00:00.000", "", None])
def test_a_bad_sleep_date_is_refused_with_its_log(tmp_path: Path, stamp: Any) -> None:
    log = fitbit_sleep("2024-03-05T00:00:00", "2024-03-05T07:00:00") | {"startTime": stamp}
    with pytest.raises(InputError, match=r"sleep\.json: sleep log 1 has the date"):
        night_of(tmp_path, log)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"endTime": "2024-03-04T00:00:00.000"}, "sleep_bad_duration"),
        ({"endTime": "2024-03-07T00:00:00.000"}, "sleep_over_24_h"),
        (
            {
                "levels": {
                    "data": [
                        fitbit_level("2024-03-05T00:00:00", "light", 9),
                        fitbit_level("2024-03-09T00:00:00", "light", 9),
                    ]
                }
            },
            "sleep_over_24_h",
        ),
    ],
)
def test_an_impossible_night_is_left_out(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    log = fitbit_sleep("2024-03-05T00:00:00", "2024-03-05T07:00:00")
    path = write_json(tmp_path / "sleep.json", [log, log | {"logId": 2} | change])
    takeout = parsed(fitbit, path, ZONE)
    assert len(takeout.sleep) == 1 and takeout.rejected == {reason: 1}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(fitbit_steps([1, 2, 3]))[:-20],
        '[{"dateTime": "03/04/24 22:00:00", "value": "1"}, ' + "[" * 100_000,
        '[{"dateTime": "03/04/24 22:00:00", "value": ' + "9" * 5000 + "}]",
    ],
)
def test_json_that_is_broken_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "steps.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"steps\.json is not complete JSON"):
        parsed(fitbit, path, ZONE)


def test_a_file_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_files, "MAX_FILE_BYTES", 10)
    with pytest.raises(InputError, match="export shorter stretches"):
        parsed(fitbit, write_json(tmp_path / "steps.json", fitbit_steps([1])), ZONE)


def test_calories_are_not_taken_for_steps(shared: Path) -> None:
    calories = shared / "data/ggir_testfiles/calories-1995-06-23_Fitbit.json"
    assert not fitbit.recognises(calories)
    with pytest.raises(InputError, match="holds nothing"):
        parsed(fitbit, calories, ZONE)


def test_calories_under_the_name_of_steps_are_not_steps(shared: Path, tmp_path: Path) -> None:
    calories = (shared / "data/ggir_testfiles/calories-1995-06-23_Fitbit.json").read_bytes()
    renamed = tmp_path / "steps-1995-06-24.json"
    renamed.write_bytes(calories)
    with pytest.raises(InputError, match="steps_not_whole"):
        parsed(fitbit, renamed, ZONE)


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=30),
    st.integers(0, 29),
    st.sampled_from(["0.5", "1.48", "299.01"]),
)
def test_one_value_with_decimals_tells_that_a_file_holds_no_steps(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], at: int, value: str
) -> None:
    folder = tmp_path_factory.mktemp("f")
    write_json(folder / "steps-1.json", fitbit_steps([7]))
    rows = fitbit_steps(counts, START + timedelta(hours=1))
    rows[at % len(rows)]["value"] = value
    write_json(folder / "steps-2.json", rows)
    takeout = parsed(fitbit, folder, ZONE)
    assert values(takeout, Channel.STEPS) == [7]
    assert takeout.rejected == {"steps_not_whole": len(counts)}


def test_a_night_scored_again_keeps_its_id_and_counts_once(tmp_path: Path) -> None:
    first = fitbit_sleep("2024-03-05T00:00:00", "2024-03-05T07:00:00", logId=77)
    again = fitbit_sleep("2024-03-05T00:10:00", "2024-03-05T07:30:00", logId=77)
    path = write_json(tmp_path / "sleep.json", [first, again])
    told = next(fitbit.parse(path, ZONE)).sleep
    assert [night.log_id for night in told] == ["77", "77"]
    assert [night.asleep_minutes for night in parsed(fitbit, path, ZONE).sleep] == [440]


def test_the_resting_heart_rate_is_that_of_the_local_midnight(tmp_path: Path) -> None:
    def resting(day: str, value: float) -> dict[str, Any]:
        told = {"date": day if value else None, "value": value, "error": 6.8}
        return {"dateTime": f"{day} 00:00:00", "value": told}

    rows = [resting("03/04/24", 61.4), resting("03/05/24", 0), resting("07/01/24", 63.5)]
    takeout = parsed(fitbit, write_json(tmp_path / "resting.json", rows), ZONE)
    series = takeout.channel(Channel.RESTING_HEART_RATE)
    assert series is not None and np.count_nonzero(~np.isnan(series.values)) == 2
    assert series.start == datetime(2024, 3, 3, 23, tzinfo=UTC)  # midnight in winter
    assert series.end == datetime(2024, 6, 30, 22, 1, tzinfo=UTC)  # and in summer
    assert series.values[[0, -1]].tolist() == pytest.approx([61.4, 63.5])


TABLES = {
    "hrv.csv": "timestamp,rmssd,coverage,low_frequency,high_frequency\n"
    "2024-03-05T01:05:00,38.5,0.93,512.1,301.2\n",
    "breath.csv": "timestamp,daily_respiratory_rate\n2024-03-05T00:00:00,15.5\n",
    "Minute SpO2 - 2024-03-05.csv": "timestamp,value\n"
    "2024-03-05T00:05:00Z,95.5\n2024-03-05T00:06:00Z,50.0\n",
    "temperature.csv": "type,sleep_start,sleep_end,temperature_samples,nightly_temperature\n"
    "SKIN,2024-03-05T01:05,2024-03-05T07:05,453,33.5\n",
}


def test_the_nightly_tables_are_local_time_but_for_spo2(tmp_path: Path) -> None:
    folder = tmp_path / "Takeout"
    folder.mkdir()
    for name, content in TABLES.items():
        (folder / name).write_text(content)
    takeout = parsed(fitbit, folder, ZONE)
    found = {s.channel: (s.start, s.values.tolist()) for s in takeout.series}
    five_past = datetime(2024, 3, 5, 0, 5, tzinfo=UTC)
    assert found == {
        Channel.HRV_RMSSD: (five_past, [38.5]),
        Channel.RESPIRATORY_RATE: (datetime(2024, 3, 4, 23, tzinfo=UTC), [15.5]),
        Channel.SPO2: (five_past, [95.5]),
        Channel.WRIST_TEMPERATURE: (five_past, [33.5]),
    }
    assert takeout.rejected == {"spo2_no_reading": 1}


def test_a_table_of_time_and_value_is_spo2_by_its_name_only(tmp_path: Path) -> None:
    for name in ("Minute SpO2 - 1.csv", "glucose.csv"):
        (tmp_path / name).write_text("timestamp,value\n2024-03-05T00:05:00Z,95\n")
        assert fitbit.recognises(tmp_path / name) == name.startswith("Minute")


def test_hrv_of_a_repeated_hour_is_two_hours_of_it(tmp_path: Path) -> None:
    stamps = ("02:30", "02:55", "02:05", "02:30", "03:00")
    lines = [f"2024-10-27T{stamp}:00,{40 + i},0.9,1,1" for i, stamp in enumerate(stamps)]
    head = "timestamp,rmssd,coverage,low_frequency,high_frequency"
    (tmp_path / "hrv.csv").write_text("\n".join([head, *lines]))
    series = parsed(fitbit, tmp_path / "hrv.csv", ZONE).channel(Channel.HRV_RMSSD)
    assert series is not None and series.start == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    assert np.flatnonzero(~np.isnan(series.values)).tolist() == [0, 25, 35, 60, 90]


def test_a_long_takeout_is_several_recordings_of_the_same_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (4, 5, 6):
        start = datetime(2024, 3, day, 22)
        write_json(tmp_path / f"heart-{day}.json", fitbit_heart([60 + day] * 30, start=start))
    whole = list(fitbit.parse(tmp_path, ZONE))
    monkeypatch.setattr(fitbit, "CHUNK_SAMPLES", 50)
    parts = list(fitbit.parse(tmp_path, ZONE))
    assert (len(whole), len(parts)) == (1, 2)
    minutes = [set(zip(*minutes_of(r), strict=True)) for r in (*whole, *parts)]
    assert minutes[0] == minutes[1] | minutes[2] and len(minutes[0]) == 15


def minutes_of(recording: Recording) -> tuple[list[datetime], list[float]]:
    series = recording.channel(Channel.HEART_RATE)
    assert series is not None
    there = np.flatnonzero(~np.isnan(series.values))
    stamps = [series.start + timedelta(minutes=int(i)) for i in there]
    return stamps, series.values[there].tolist()


def test_sleep_and_heart_are_recognised_under_any_name(tmp_path: Path) -> None:
    night = fitbit_sleep("2024-03-05T00:00:00", "2024-03-05T07:00:00")
    assert fitbit.recognises(write_json(tmp_path / "a.txt", [night]))
    assert fitbit.recognises(write_json(tmp_path / "b", fitbit_heart([60])))
    (tmp_path / "steps-1.json").write_text('{"steps": [1, 2]}')
    assert not fitbit.recognises(tmp_path / "steps-1.json")


@pytest.mark.parametrize("stamp", ["2024-03-05T01:05:00 +0100", "2024-03-05 01:05:00+01:00"])
def test_a_table_may_tell_the_offset(tmp_path: Path, stamp: str) -> None:
    (tmp_path / "hrv.csv").write_text(TABLES["hrv.csv"].replace("2024-03-05T01:05:00", stamp))
    series = parsed(fitbit, tmp_path / "hrv.csv", "America/Denver").channel(Channel.HRV_RMSSD)
    assert series is not None and series.start == datetime(2024, 3, 5, 0, 5, tzinfo=UTC)


def test_a_stamp_with_a_long_tail_is_refused(tmp_path: Path) -> None:
    long = TABLES["hrv.csv"].replace("T01:05:00", "T01:05:00." + "1" * 90)
    (tmp_path / "hrv.csv").write_text(long)
    with pytest.raises(InputError, match="hrv.csv: line 2 has the date"):
        parsed(fitbit, tmp_path / "hrv.csv", ZONE)
