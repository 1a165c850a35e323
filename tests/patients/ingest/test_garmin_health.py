from pathlib import Path
from typing import Any

import pytest

from patients.domain.errors import InputError
from patients.domain.recording import Channel, Family
from patients.ingest import garmin_health
from tests.patients.ingest.builders import START, parsed, write_json
from tests.patients.ingest.builders_json import (
    START_SECOND,
    health_summary,
    minutes_of,
    stages_of,
)

ZONE = "Europe/Berlin"


def levels(**stages: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        stage: [
            {
                "startTimeInSeconds": START_SECOND + round(60 * first),
                "endTimeInSeconds": START_SECOND + round(60 * stop),
            }
            for first, stop in spans
        ]
        for stage, spans in stages.items()
    }


def test_samples_lie_at_their_offset_from_the_utc_start(tmp_path: Path) -> None:
    push = {
        "dailies": [
            health_summary(
                0,
                1440,
                steps=9000,
                activeTimeInSeconds=400,
                restingHeartRateInBeatsPerMinute=52,
                timeOffsetHeartRateSamples={"15": 60, "30": 62, "3600": 75, "90": None},
            )
        ],
        "hrv": [health_summary(60, hrvValues={"0": 41, "300": 43.5})],
        "pulseox": [health_summary(60, timeOffsetSpo2Values={"60": 95, "120": -1})],
        "allDayRespiration": [health_summary(60, timeOffsetEpochToBreaths={"0": 14.6})],
    }
    found = parsed(garmin_health, write_json(tmp_path / "push.json", push), ZONE)
    assert minutes_of(found, Channel.HEART_RATE) == {0: 61, 60: 75}
    assert minutes_of(found, Channel.RESTING_HEART_RATE) == {0: 52}
    assert minutes_of(found, Channel.HRV_RMSSD) == {60: 41, 65: 43.5}
    assert minutes_of(found, Channel.SPO2) == {61: 95}
    assert minutes_of(found, Channel.RESPIRATORY_RATE) == {60: 14.6}
    assert (found.device, found.family) == ("Garmin", None)
    assert found.rejected == {"steps_total": 1}


def epoch(minute: float, activity: str, steps: Any, **more: Any) -> dict[str, Any]:
    fields = {"activityType": activity, "steps": steps, "activeTimeInSeconds": 60}
    return health_summary(minute, 15, **(fields | more))


def test_the_activities_of_an_epoch_add_up_and_are_spread(tmp_path: Path) -> None:
    epochs = [
        epoch(0, "WALKING", 30),
        epoch(0, "SEDENTARY", 0),
        epoch(0, "RUNNING", 30),
        epoch(15, "WALKING", 15),
        epoch(15, "WALKING", 15),  # told again
        epoch(30, "WALKING", -4),
    ]
    found = parsed(garmin_health, write_json(tmp_path / "a.json", {"epochs": epochs}), ZONE)
    expected = dict.fromkeys(range(15), 4) | dict.fromkeys(range(15, 30), 1)
    assert minutes_of(found, Channel.STEPS) == expected
    assert found.family is Family.STEPS
    assert found.rejected == {"steps_duplicate": 1, "steps_out_of_range": 1}


def test_the_steps_of_a_run_are_not_counted_beside_its_epochs(tmp_path: Path) -> None:
    run = health_summary(0, 30, activityId=1, activityType="RUNNING", steps=4000)
    push = {"activities": [run], "epochs": [epoch(0, "RUNNING", 150)]}
    found = parsed(garmin_health, write_json(tmp_path / "a.json", push), ZONE)
    assert sum(minutes_of(found, Channel.STEPS).values()) == 150


NIGHT = {
    "calendarDate": "2024-03-05",
    "awakeDurationInSeconds": 300,
    "validation": "AUTO_FINAL",
    "sleepLevelsMap": levels(deep=[(0, 20)], light=[(20, 50), (55, 60)], awake=[(50, 55)]),
    "timeOffsetSleepSpo2": {"0": 96},
    "timeOffsetSleepRespiration": {"60": 15.25},
}


def test_a_night_has_the_stages_of_its_map(tmp_path: Path) -> None:
    push = {"sleeps": [health_summary(0, 60, **NIGHT)]}
    found = parsed(garmin_health, write_json(tmp_path / "a.json", push), ZONE)
    assert stages_of(found) == [
        (0, 20, "deep"),
        (20, 50, "light"),
        (50, 55, "awake"),
        (55, 60, "light"),
    ]
    (night,) = found.sleep
    assert (night.start, night.asleep_minutes, night.awake_minutes) == (START, 55, 5)
    assert night.log_id == "x1"
    assert minutes_of(found, Channel.SPO2) == {0: 96}
    assert minutes_of(found, Channel.RESPIRATORY_RATE) == {1: 15.25}


def test_a_night_without_a_map_has_its_length_less_the_waking(tmp_path: Path) -> None:
    bare = {"deepSleepDurationInSeconds": 1200, "awakeDurationInSeconds": 600}
    naps = [{"napStartTimeInSeconds": START_SECOND + 50_000, "napDurationInSeconds": 1800}]
    aside = health_summary(0, 60, **NIGHT) | {"validation": "OFF_WRIST"}
    summaries = [health_summary(0, 60, naps=naps, **bare), aside]
    found = parsed(garmin_health, write_json(tmp_path / "a.json", summaries), ZONE)
    night, nap = found.sleep
    assert (night.asleep_minutes, night.awake_minutes, night.stages) == (50, 10, ())
    assert night.log_id == "x1"
    assert (nap.asleep_minutes, nap.log_id) == (30, f"nap {START_SECOND + 50_000}")
    assert found.rejected == {"sleep_off_wrist": 1}


def test_a_tentative_night_and_the_final_one_count_once(tmp_path: Path) -> None:
    first = health_summary(0, 50, deepSleepDurationInSeconds=9, calendarDate="2024-03-05")
    last = health_summary(2, 60, **NIGHT)
    path = write_json(tmp_path / "a.json", {"sleeps": [first, last]})
    assert len(next(garmin_health.parse(path, ZONE)).sleep) == 2
    (night,) = parsed(garmin_health, path, ZONE).sleep
    assert night.stages


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"durationInSeconds": 0, "sleepLevelsMap": {}}, "sleep_bad_duration"),
        ({"sleepLevelsMap": levels(deep=[(0, 1500)])}, "sleep_over_24_h"),
        ({"sleepLevelsMap": levels(deep=[(9, 3)]), "durationInSeconds": -5}, "sleep_bad_duration"),
    ],
)
def test_an_impossible_night_is_left_out(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    push = [health_summary(0, 60, **NIGHT) | change]
    found = parsed(garmin_health, write_json(tmp_path / "a.json", push), ZONE)
    assert found.sleep == () and found.rejected == {reason: 1}


@pytest.mark.parametrize("key", ["startTimeInSeconds", "offset"])
def test_a_bad_date_is_refused_with_its_summary(tmp_path: Path, key: str) -> None:
    samples = {"1e300" if key == "offset" else "0": 60}
    summary = health_summary(timeOffsetHeartRateSamples=samples)
    summary |= {} if key == "offset" else {key: 1e300}
    with pytest.raises(InputError, match=r"a\.json: summary x1 has the date '1e\+300'"):
        parsed(garmin_health, write_json(tmp_path / "a.json", [summary]), ZONE)
