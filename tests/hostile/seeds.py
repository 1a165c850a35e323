"""A small valid file of every format, and valid bodies of the device API."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.patients.ingest.builders import (
    SDNN,
    actlumus_rows,
    apple_heart,
    apple_record,
    apple_sleep,
    apple_steps,
    fitbit_heart,
    fitbit_level,
    fitbit_sleep,
    fitbit_steps,
    write_actlumus,
    write_apple,
    write_json,
    write_zip,
)
from tests.patients.ingest.builders_actigraphy import (
    actigraph_csv,
    agd,
    e4_files,
    gt3x,
    gt3x_parameters,
    gt3x_second,
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
from tests.patients.ingest.builders_loggers import MADE, write_awd

NOON = datetime(2024, 3, 4, 12)
STEPS, HEART = "com.google.step_count.delta", "com.google.heart_rate.bpm"
ITEMS = {"interval": 300, "items": [None, 50, 46], "timestamp": "2024-03-04T23:00:00+01:00"}
HRV_TABLE = (
    "timestamp,rmssd,coverage,low_frequency,high_frequency\n"
    "2024-03-05T01:05:00,38.5,0.93,512.1,301.2\n"
)
UKBIOBANK = (
    "acceleration (mg) - 2014-12-08 10:00:00 - 2014-12-15 09:59:55 - sampleRate = 5 seconds,"
    "imputed\n"
)


@dataclass(frozen=True)
class Seed:
    """A valid file: the format it is of, a name, its bytes."""

    source: str
    name: str
    content: bytes


@cache
def seeds() -> tuple[Seed, ...]:
    """At least one file of every format in SOURCES."""
    with TemporaryDirectory() as folder:
        return tuple(
            Seed(source, name, write(Path(folder) / f"{at}-{name}").read_bytes())
            for at, (source, name, write) in enumerate(_writers())
        )


def _writers() -> list[tuple[str, str, Callable[[Path], Path]]]:
    loggers = [
        (made.source, f"{name}.txt", lambda path, made=made: made.write(path, made.rows))
        for name, made in MADE.items()
    ]
    return [*_phones(), *_json(), *_actigraphs(), *_books(loggers), *_open()]


def _books(loggers: list[Any]) -> list[Any]:
    # openpyxl writes to a name that ends so only.
    return [
        (source, "band.xlsx" if source == "philips_health_band" else name, write)
        for source, name, write in loggers
    ]


def _phones() -> list[Any]:
    records = (
        apple_steps(30, 0),
        apple_steps(20, 1, 5, "Sam’s iPhone"),
        apple_heart(61),
        apple_record(SDNN, 45, unit="ms"),
        apple_sleep("InBed", 0, 480),
        apple_sleep("AsleepCore", 5, 200),
        apple_sleep("AsleepDeep", 205, 60),
    )
    xml = "".join(records)
    export = (
        f'<?xml version="1.0"?>\n<!DOCTYPE HealthData [\n]>\n<HealthData>\n{xml}</HealthData>\n'
    )
    member = "apple_health_export/export.xml"
    return [
        ("apple_health", "export.xml", lambda p: write_apple(p, *records)),
        ("apple_health", "export.zip", lambda p: write_zip(p, {member: export})),
    ]


def _json() -> list[Any]:
    night = fitbit_sleep(
        "2024-03-05T00:00:00",
        "2024-03-05T07:00:00",
        levels={
            "data": [
                fitbit_level("2024-03-05T00:00:00", "light", 60),
                fitbit_level("2024-03-05T01:00:00", "deep", 60),
            ]
        },
    )
    sleep: list[dict[str, Any]] = [
        {"startDate": hae_stamp(0), "endDate": hae_stamp(9), "value": "Core", "source": "Watch"},
        {"sleepStart": hae_stamp(0), "sleepEnd": hae_stamp(480), "asleep": 7, "awake": 0.5},
    ]
    heart = health_summary(timeOffsetHeartRateSamples={"15": 60, "30": 62})
    gms = "com.google.android.gms"
    contents: list[tuple[str, str, Any]] = [
        ("fitbit", "steps.json", fitbit_steps(list(range(40)))),
        ("fitbit", "heart.json", fitbit_heart([60, 61, 62])),
        ("fitbit", "sleep.json", [night]),
        ("health_auto_export", "hae.json", hae_export({"step_count": hae_rows([60, 61], 60)})),
        ("health_auto_export", "sleep.json", hae_export({"sleep_analysis": sleep})),
        ("google_fit", "heart.json", fit_points(f"derived:{HEART}:{gms}:merge", [(0, 0, 60)])),
        ("google_fit", "steps.json", fit_points(f"raw:{STEPS}:a:b:c:d:", [(0, 1, 60), (1, 9, 61)])),
        (
            "google_fit",
            "session.json",
            fit_session([(0, 20, "sleep.light"), (20, 30, "sleep.awake")]),
        ),
        ("garmin_connect", "sleep.json", connect_night([(0.0, 9.0, 1.0), (9.0, 20.0, 0.0)])),
        (
            "garmin_connect",
            "heart.json",
            {"calendarDate": "2024-03-05", "heartRateValues": [[1709589600000, 60]]},
        ),
        ("garmin_health", "dailies.json", {"dailies": [heart]}),
        (
            "garmin_health",
            "epochs.json",
            {"epochs": [health_summary(steps=30, activeTimeInSeconds=60)]},
        ),
        (
            "oura",
            "oura.json",
            {"data": [oura_night("1234", heart_rate=ITEMS, lowest_heart_rate=45)]},
        ),
    ]
    return [
        *(
            (source, name, lambda path, content=content: write_json(path, content))
            for source, name, content in contents
        ),
        ("fitbit", "hrv.csv", lambda path: _text(path, HRV_TABLE)),
    ]


def _actigraphs() -> list[Any]:
    first = round((datetime(2020, 8, 26, 12) - datetime(1970, 1, 1)).total_seconds())
    seconds = [gt3x_second(first + i, [(0, 0, 300)] * 30) for i in range(120)]
    rows = [f"{i % 40},0,0,{i % 9}" for i in range(40)]
    return [
        ("actigraph_csv", "week.csv", lambda path: actigraph_csv(path, rows)),
        ("actigraph_agd", "week.agd", lambda path: agd(path, NOON, [(5, 6, 7, 8, 9)] * 60)),
        (
            "actigraph_gt3x",
            "week.gt3x",
            lambda path: gt3x(path, [gt3x_parameters(), *seconds]),
        ),
        ("actiwatch_awd", "week.awd", lambda path: write_awd(path, ["5", "6 M", "7"] * 40)),
        (
            "actlumus",
            "log.txt",
            lambda path: write_actlumus(path, actlumus_rows(NOON, 60)),
        ),
        ("empatica_e4", "session.zip", lambda path: write_zip(path, {**e4_files()})),
    ]


def _open() -> list[Any]:
    minutes = "".join(
        f"{NOON + timedelta(minutes=i):%Y-%m-%dT%H:%M:%S},{i},{60 + i % 9}\n" for i in range(60)
    )
    head = "timestamp,steps,heart_rate\n"
    return [
        ("ukbiobank_csv", "acc.csv", lambda path: _text(path, UKBIOBANK + "10,0\n" * 120)),
        ("minute_csv", "minutes.csv", lambda path: _text(path, head + minutes)),
    ]


def _text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def pushes(minutes: int = 40) -> tuple[dict[str, Any], ...]:
    """Valid bodies of the device API."""
    begin = datetime(2024, 3, 4, 22, tzinfo=UTC)

    def stamp(minute: int) -> str:
        return (begin + timedelta(minutes=minute)).isoformat()

    day = {
        "start": stamp(0),
        "channels": {"steps": [i % 90 for i in range(minutes)], "heart_rate": [61, None, 62.5]},
    }
    counts = {"start": stamp(1440), "channels": {"activity": [0, 5, 900], "light": [None, 1.5]}}
    night = {
        "id": "n1",
        "start": stamp(60),
        "end": stamp(480),
        "asleep_minutes": 400,
        "awake_minutes": 20,
        "stages": [
            {"start": stamp(60), "end": stamp(200), "stage": "light"},
            {"start": stamp(200), "end": stamp(480), "stage": "deep"},
        ],
    }
    answer = {"instrument": "phq9", "taken_at": stamp(600), "total": 9, "items": [1] * 9}
    band = {"name": "Band", "kind": "watch"}
    return (
        {"device": band, "days": [day]},
        {"device": band, "family": "actigraph_counts", "days": [day, counts], "sleep": [night]},
        {"device": {"name": "App", "kind": "app"}, "sleep": [night], "questionnaires": [answer]},
    )
