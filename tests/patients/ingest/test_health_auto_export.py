import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, QuestionnaireAnswer
from patients.ingest import health_auto_export as hae
from tests.patients.ingest.builders import START, parsed, write_json, write_zip
from tests.patients.ingest.builders_json import (
    hae_export,
    hae_rows,
    hae_stamp,
    minutes_of,
    stages_of,
)

ZONE = "Asia/Tokyo"  # of no matter: the stamps carry their offset


def test_the_stamps_offset_counts_and_not_the_zone(tmp_path: Path) -> None:
    rows = [{"date": hae_stamp(5, offset), "qty": 50 + offset} for offset in (-8, 9)]
    path = write_json(tmp_path / "a.json", hae_export({"heart_rate_variability": rows}, "ms"))
    assert minutes_of(parsed(hae, path, ZONE), Channel.HRV_SDNN) == {5: 50.5}


def test_heart_rate_is_the_average_of_the_row(tmp_path: Path) -> None:
    rows = [{"date": hae_stamp(0), "Min": 50, "Avg": 61.5, "Max": 90}, *hae_rows([70], 1)]
    rows[1]["date"] = hae_stamp(1)
    path = write_json(tmp_path / "a.json", hae_export({"heart_rate": rows}))
    assert minutes_of(parsed(hae, path, ZONE), Channel.HEART_RATE) == {0: 61.5, 1: 70}


def test_units_are_made_those_of_the_channel(tmp_path: Path) -> None:
    fraction = hae_export({"blood_oxygen_saturation": hae_rows([0.97, 96])}, "%")
    heat = hae_export({"apple_sleeping_wrist_temperature": hae_rows([95])}, "degF")
    for name, export in {"a.json": fraction, "b.json": heat}.items():
        write_json(tmp_path / "in" / name, export)
    found = parsed(hae, tmp_path / "in", ZONE)
    assert minutes_of(found, Channel.SPO2) == {0: 97, 1: 96}
    assert minutes_of(found, Channel.WRIST_TEMPERATURE) == {0: 35}


def test_steps_of_minutes_stay_and_those_of_hours_are_spread(tmp_path: Path) -> None:
    minutes = write_json(tmp_path / "m.json", hae_export({"step_count": hae_rows([7, 0, 90])}))
    hours = write_json(tmp_path / "h.json", hae_export({"step_count": hae_rows([120, 60], 60)}))
    assert minutes_of(parsed(hae, minutes, ZONE), Channel.STEPS) == {0: 7, 1: 0, 2: 90}
    spread = minutes_of(parsed(hae, hours, ZONE), Channel.STEPS)
    assert spread == dict.fromkeys(range(60), 2) | dict.fromkeys(range(60, 120), 1)


@pytest.mark.parametrize("days", [1, 3])
def test_totals_of_days_are_left_out_and_counted(tmp_path: Path, days: int) -> None:
    daily = [{"date": f"2024-03-{4 + i:02d} 00:00:00 +0100", "qty": 9000} for i in range(days)]
    metrics = {"step_count": daily, "heart_rate": daily, "resting_heart_rate": daily}
    for row in daily:
        row["qty"] = 60
    found = parsed(hae, write_json(tmp_path / "a.json", hae_export(metrics)), ZONE)
    assert [s.channel for s in found.series] == [Channel.RESTING_HEART_RATE]
    assert found.rejected == {"steps_total": days, "heart_rate_total": days}


def test_a_partial_hour_exported_again_is_not_added_up(tmp_path: Path) -> None:
    early = hae_export({"step_count": hae_rows([60, 30], 60)})
    later = hae_export({"step_count": hae_rows([60, 60, 60], 60)})
    write_json(tmp_path / "in/1.json", early)
    write_json(tmp_path / "in/2.json", later)
    steps = minutes_of(parsed(hae, tmp_path / "in", ZONE), Channel.STEPS)
    assert steps == dict.fromkeys(range(180), 1)


@pytest.mark.parametrize(
    ("source", "device", "kind"),
    [
        ("Sam’s Apple Watch", "Apple Watch", DeviceKind.WATCH),
        ("iPhone von Sam|Apple Watch von Sam", "Apple Watch, iPhone", DeviceKind.WATCH),
        ("Sam's iPhone", "iPhone", DeviceKind.PHONE),
        ("Sleep Cycle", "Sleep Cycle", DeviceKind.APP),
        ("Sam's ring", "other app 4b9b", DeviceKind.APP),  # printf "Sam's ring" | sha256sum
        ("Sam", "other app 4ecd", DeviceKind.APP),
        ("Sam’s iPad", "iPad", DeviceKind.PHONE),
        ("Oura|Sam’s iPhone", "Oura, iPhone", DeviceKind.PHONE),
        ("Oura\u0000\ud800", "Oura", DeviceKind.APP),
        (None, "Health Auto Export", DeviceKind.APP),
    ],
)
def test_a_device_is_its_kind_and_never_its_owner(
    tmp_path: Path, source: str | None, device: str, kind: DeviceKind
) -> None:
    export = hae_export({"step_count": hae_rows([7, 8], source=source)})
    found = parsed(hae, write_json(tmp_path / "a.json", export), ZONE)
    assert (found.device, found.kind, found.family) == (device, kind, Family.STEPS)


def test_two_unknown_apps_of_an_owner_are_two_devices(tmp_path: Path) -> None:
    rows = [row for app in ("ring", "band") for row in hae_rows([7], source=f"Sam's {app}")]
    path = write_json(tmp_path / "a.json", hae_export({"step_count": rows}))
    names = [recording.device for recording in hae.parse(path, ZONE)]
    assert len(set(names)) == 2 and not any("Sam" in name for name in names)


def aggregated(**hours: Any) -> dict[str, Any]:
    row = {"sleepStart": hae_stamp(0), "sleepEnd": hae_stamp(480), "source": "Watch"}
    return row | hours


@pytest.mark.parametrize(
    ("hours", "asleep", "awake"),
    [
        ({"core": 4, "deep": 1, "rem": 2, "awake": 0.5, "asleep": 0}, 420, 30),
        ({"core": 0, "deep": 0, "rem": 0, "asleep": 6.5, "awake": 0}, 390, 0),
        ({"core": 0, "deep": 0, "rem": 0, "asleep": 0, "totalSleep": 6}, 360, 0),
        ({"totalSleep": 7.5, "core": 4, "deep": 1, "rem": 2}, 450, 0),
        ({"asleep": None, "awake": None, "totalSleep": 5, "deep": "many"}, 300, 0),
    ],
)
def test_an_aggregated_night_has_the_hours_of_its_stages_or_its_total(
    tmp_path: Path, hours: dict[str, float], asleep: float, awake: float
) -> None:
    export = hae_export({"sleep_analysis": [aggregated(**hours)]}, "hr")
    (night,) = parsed(hae, write_json(tmp_path / "a.json", export), ZONE).sleep
    assert (night.start, night.stages) == (START, ())
    assert (night.asleep_minutes, night.awake_minutes) == pytest.approx((asleep, awake))
    assert night.log_id == str(round(START.timestamp()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"asleep": 8e14}, "sleep_bad_duration"),
        ({"awake": -1}, "sleep_bad_duration"),
        ({"deep": 8e14}, "sleep_bad_duration"),
        ({"sleepEnd": hae_stamp(-480)}, "sleep_bad_duration"),
        ({"sleepEnd": hae_stamp(4800)}, "sleep_over_24_h"),
        ({"sleepStart": None}, "sleep_malformed"),
    ],
)
def test_an_impossible_night_is_left_out(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    nights = [aggregated(asleep=7), aggregated(asleep=7) | change]
    path = write_json(tmp_path / "a.json", hae_export({"sleep_analysis": nights}))
    found = parsed(hae, path, ZONE)
    assert len(found.sleep) == 1 and found.rejected == {reason: 1}


def stretch(start: float, end: float, value: str, source: str = "Watch") -> dict[str, Any]:
    stamps = {"startDate": hae_stamp(start), "endDate": hae_stamp(end)}
    return stamps | {"value": value, "qty": (end - start) / 60, "source": source}


def test_stretches_of_one_source_join_to_a_night(tmp_path: Path) -> None:
    rows = [
        stretch(-10, 90, "In Bed"),
        stretch(0, 30, "Core"),
        stretch(30, 60, "REM"),
        stretch(60, 65, "Awake"),
        stretch(65, 90, "Unspecified"),
        stretch(300, 320, "Deep"),  # a nap
        stretch(0, 400, "Asleep", "Pillow"),
        stretch(0, 9, "Snoring"),
    ]
    path = tmp_path / "a.json"
    found = list(hae.parse(write_json(path, hae_export({"sleep_analysis": rows})), ZONE))
    assert [(r.device, len(r.sleep)) for r in found] == [("Apple Watch", 2), ("Pillow", 1)]
    stages = [(0, 30, "light"), (30, 60, "rem"), (60, 65, "awake"), (65, 90, "asleep")]
    assert stages_of(found[0]) == [*stages, (300, 320, "deep")]
    assert {night.log_id for night in found[0].sleep} == {""}
    assert found[0].rejected == {"sleep_unknown_value": 1}
    random.Random(1).shuffle(rows)
    assert list(hae.parse(write_json(path, hae_export({"sleep_analysis": rows})), ZONE)) == found


def test_state_of_mind_is_an_answer(tmp_path: Path) -> None:
    moods = [
        {"id": "1", "start": hae_stamp(3), "kind": "daily_mood", "valence": -0.75},
        {"id": "2", "start": "2024-03-04T22:09:00Z", "valence": 0.5},
        {"id": "3", "start": hae_stamp(9), "valence": 7},
    ]
    path = write_json(tmp_path / "a.json", {"data": {"stateOfMind": moods}})
    found = parsed(hae, path, ZONE)
    at = [START.replace(minute=3), START.replace(minute=9)]
    assert found.questionnaires == tuple(
        QuestionnaireAnswer("state_of_mind", moment, valence)
        for moment, valence in zip(at, (-0.75, 0.5), strict=True)
    )
    assert found.rejected == {"state_of_mind_out_of_range": 1}


def test_a_folder_and_a_zip_are_read_alike(tmp_path: Path) -> None:
    export = hae_export({"heart_rate": hae_rows([60, 61])})
    write_json(tmp_path / "in/HealthAutoExport-2024-03-04.json", export)
    write_json(tmp_path / "in/settings.json", [{"data": 1}])
    inside = {p.name: p.read_text() for p in (tmp_path / "in").iterdir()}
    zipped = write_zip(tmp_path / "a.zip", dict(inside))
    found = [parsed(hae, path, ZONE) for path in (tmp_path / "in", zipped)]
    assert [minutes_of(r, Channel.HEART_RATE) for r in found] == [{0: 60, 1: 61}] * 2


@pytest.mark.parametrize("stamp", ["9999-01-01 00:00:00 +0000", "1969-01-01", "soon", None, 5])
def test_a_bad_date_is_refused_with_its_row(tmp_path: Path, stamp: Any) -> None:
    rows = hae_rows([60, 61])
    rows[1]["date"] = stamp
    path = write_json(tmp_path / "a.json", hae_export({"heart_rate": rows}))
    with pytest.raises(InputError, match=r"a\.json: heart_rate row 2 has the date"):
        parsed(hae, path, ZONE)


def test_a_day_of_23_hours_is_a_day_and_hours_in_it_are_hours(tmp_path: Path) -> None:
    # 31 March 2024 in Berlin: midnight is +0100, the next one +0200
    days = [
        {"date": f"2024-{d}", "qty": 99} for d in ("03-31 00:00:00 +0100", "04-01 00:00:00 +0200")
    ]
    assert hae.seconds_apart([(0, 0), (23 * 3600, 0)]) == hae.DAY
    path = write_json(tmp_path / "a.json", hae_export({"step_count": days}))
    with pytest.raises(InputError, match="2 steps_total"):
        parsed(hae, path, ZONE)
    hours = [
        {"date": f"2024-03-31 {h} +0{o}00", "qty": 60}
        for h, o in (("01:00:00", 1), ("03:00:00", 2))
    ]
    path = write_json(tmp_path / "a.json", hae_export({"step_count": hours}))
    series = parsed(hae, path, ZONE).channel(Channel.STEPS)
    assert series is not None and series.values.tolist() == [1] * 120
    assert series.start.replace(tzinfo=None) == datetime(2024, 3, 31)
