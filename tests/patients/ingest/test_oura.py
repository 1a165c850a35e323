import random
from pathlib import Path
from typing import Any

import pytest

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind
from patients.ingest import oura
from tests.patients.ingest.builders import START, parsed, write_json
from tests.patients.ingest.builders_json import minutes_of, oura_night, stages_of

ZONE = "Asia/Tokyo"
FIVE = "2024-03-04T23:00:00.000+01:00"


def series(items: list[Any], interval: float = 300.0) -> dict[str, Any]:
    return {"interval": interval, "items": items, "timestamp": FIVE}


def test_the_phases_are_five_minutes_each(tmp_path: Path) -> None:
    night = oura_night("4221133", total_sleep_duration=1500, awake_time=600)
    found = parsed(oura, write_json(tmp_path / "a.json", {"data": [night]}), ZONE)
    assert stages_of(found) == [
        (0, 5, "awake"),
        (5, 15, "light"),
        (15, 25, "deep"),
        (25, 35, "rem"),
    ]
    (period,) = found.sleep
    assert (period.start, period.log_id) == (START, "8f9a5221")
    assert (period.asleep_minutes, period.awake_minutes) == (25, 10)  # as Oura says
    assert (found.device, found.kind, found.family) == ("Oura Ring", DeviceKind.RING, None)


def test_the_last_phase_ends_with_the_night_and_missing_minutes_are_counted(
    tmp_path: Path,
) -> None:
    night = oura_night("444", total_sleep_duration=None, awake_time=4800)
    night["sleep_phase_5_min"] = "12421111"
    night["bedtime_end"] = "2024-03-04T23:18:00+01:00"
    found = parsed(oura, write_json(tmp_path / "a.json", [night]), ZONE)
    assert stages_of(found)[-1] == (15, 18, "light")
    assert (found.sleep[0].asleep_minutes, found.sleep[0].awake_minutes) == (13, 5)


def test_series_skip_what_is_null_and_count_what_cannot_be(tmp_path: Path) -> None:
    night = oura_night(
        "1122",
        heart_rate=series([None, 50, 46]),
        hrv=series([None, -102, 64.5], 60),
        lowest_heart_rate=48,
        average_breath=12.625,
    )
    found = parsed(oura, write_json(tmp_path / "a.json", night), ZONE)
    assert minutes_of(found, Channel.HEART_RATE) == {5: 50, 10: 46}
    assert minutes_of(found, Channel.HRV_RMSSD) == {2: 64.5}
    assert minutes_of(found, Channel.RESTING_HEART_RATE) == {20: 48}  # on waking
    assert minutes_of(found, Channel.RESPIRATORY_RATE) == {20: 12.625}
    assert found.rejected == {"hrv_rmssd_out_of_range": 1}


def test_naps_have_no_resting_heart_rate_and_rests_are_no_sleep(tmp_path: Path) -> None:
    periods = [
        oura_night("12", type="late_nap", lowest_heart_rate=60),
        oura_night("11", 60, type="deleted", heart_rate=series([55])),
        oura_night("11", 90, type="rest", id="2"),
    ]
    found = parsed(oura, write_json(tmp_path / "a.json", {"data": periods}), ZONE)
    assert len(found.sleep) == 1 and found.series == ()
    assert found.rejected == {"sleep_deleted": 1, "sleep_rest": 1}


def test_heart_rates_of_the_day_and_totals_of_steps(tmp_path: Path) -> None:
    heart = [
        {"bpm": 60 + i, "source": "awake", "timestamp": f"2024-03-04T22:0{i}:30+00:00"}
        for i in range(3)
    ]
    day = {
        "class_5_min": "0011",
        "average_met_minutes": 1.9,
        "met": {"interval": 60, "items": [0.9, 3.5], "timestamp": FIVE},
        "steps": 18_430,
    }
    write_json(tmp_path / "in/heartrate.json", {"data": heart, "next_token": None})
    write_json(tmp_path / "in/daily_activity.json", {"data": [day]})
    found = parsed(oura, tmp_path / "in", ZONE)
    assert minutes_of(found, Channel.HEART_RATE) == {0: 60, 1: 61, 2: 62}
    assert [s.channel for s in found.series] == [Channel.HEART_RATE]
    assert found.rejected == {"steps_total": 1}


def test_the_order_of_the_periods_does_not_matter(tmp_path: Path) -> None:
    periods = [
        oura_night("12" * n, 600 * n, id=str(n), heart_rate=series([50 + n, 60])) for n in (1, 2, 3)
    ]
    found = parsed(oura, write_json(tmp_path / "a.json", periods), ZONE)
    random.Random(5).shuffle(periods)
    again = parsed(oura, write_json(tmp_path / "a.json", periods), ZONE)
    assert again.sleep == found.sleep and len(found.sleep) == 3
    assert minutes_of(again, Channel.HEART_RATE) == minutes_of(found, Channel.HEART_RATE)


def test_the_example_in_the_documentation_is_not_taken_for_a_file(shared: Path) -> None:
    text = shared / "data/oura_hedgertronic/UPSTREAM_README.md"
    assert "bedtime_start" in text.read_text() and not oura.recognises(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bedtime_start", "9999-07-12T01:05:14-07:00"),
        ("bedtime_end", None),
        ("hrv", series([1], 1e300)),
    ],
)
def test_a_bad_date_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    night = oura_night("12") | {key: value}
    if isinstance(value, dict):
        value["items"] = [40, 41]
    with pytest.raises(InputError, match=r"a\.json: object 1 has the date"):
        parsed(oura, write_json(tmp_path / "a.json", night), ZONE)
