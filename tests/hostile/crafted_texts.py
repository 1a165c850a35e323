"""Hostile tables, JSON and folders, made by hand."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.hostile.archives import gzipped_zeros
from tests.hostile.crafted import MB, Crafted, made, seed, told, written
from tests.patients.ingest.builders import START, fitbit_sleep
from tests.patients.ingest.builders_json import hae_export, hae_stamp

HOURS_OF_SLEEP = 8e14


def _hours_of_steps(years: int) -> bytes:
    first = datetime(2004, 1, 1, tzinfo=UTC)
    stamps = (first + timedelta(hours=i) for i in range(years * 365 * 24))
    rows = [{"date": f"{t:%Y-%m-%d %H:%M:%S} +0000", "qty": 60} for t in stamps]
    return json.dumps(hae_export({"step_count": rows})).encode()


def _devices(count: int) -> str:
    rows = [{"date": hae_stamp(i), "Avg": 60, "source": f"App {i}"} for i in range(count)]
    return json.dumps(hae_export({"heart_rate": rows}))


def _moods(count: int) -> str:
    stamps = (START + timedelta(minutes=i) for i in range(count))
    rows = [{"start": f"{t:%Y-%m-%dT%H:%M:%SZ}", "valence": 0.1} for t in stamps]
    return json.dumps({"data": {"metrics": [], "stateOfMind": rows}})


def _nights(count: int, minutes: int) -> str:
    """Nights of so many minutes that begin every 20 minutes."""
    starts = (datetime(2014, 1, 1) + timedelta(minutes=20 * i) for i in range(count))
    spans = ((t, t + timedelta(minutes=minutes)) for t in starts)
    return json.dumps(
        [fitbit_sleep(a.isoformat(), b.isoformat(), logId=i) for i, (a, b) in enumerate(spans)]
    )


def _naps(count: int) -> str:
    """Loose stretches of ten minutes, each a nap of its own."""
    rows = [
        {
            "startDate": hae_stamp(90 * i),
            "endDate": hae_stamp(90 * i + 10),
            "value": "Core",
            "source": "Watch",
        }
        for i in range(count)
    ]
    return json.dumps(hae_export({"sleep_analysis": rows}))


def _long_sleep() -> bytes:
    told = {"sleepStart": hae_stamp(0), "sleepEnd": hae_stamp(480)}
    hours = dict.fromkeys(("asleep", "totalSleep", "core", "deep", "rem"), HOURS_OF_SLEEP)
    return json.dumps(hae_export({"sleep_analysis": [told | hours]})).encode()


def _folder_of(count: int) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        for number in range(count):
            (folder / f"{number}.json").touch()
        return folder

    return build


def _linked(folder: Path) -> Path:
    (folder / "export.xml").symlink_to("/etc/passwd")
    return folder


def _circle(folder: Path) -> Path:
    (folder / "in").symlink_to(folder, target_is_directory=True)
    written(folder / "steps.json", seed("fitbit", "steps.json"))
    return folder


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "export.xml")
    return folder / "export.xml"


def _century() -> str:
    rows = "".join(f"{1970 + i % 130}-01-01T00:00:00Z,5\n" for i in range(50_000))
    return "timestamp,steps\n" + rows


TEXTS = [
    Crafted("a line of 100 MB", made("a.csv", lambda: b"1," * 50 * MB)),
    Crafted("a cell of 60 MB", made("a.csv", lambda: seed("minute_csv") + b"9" * 60 * MB + b"\n")),
    Crafted("one open quote", made("a.csv", lambda: seed("minute_csv") + b'"' + b"1,\n" * 9 * MB)),
    Crafted("one column", told("a.csv", "timestamp\n" + "2024-01-01T00:00:00Z\n" * 1000)),
    Crafted(
        "100,000 columns",
        made("a.csv", lambda: "timestamp," + ",".join(f"c{i}" for i in range(100_000)) + "\n1\n"),
    ),
    Crafted("130 years of minutes", made("a.csv", _century)),
    Crafted("nothing but NULs", made("a.csv", lambda: bytes(50 * MB))),
    Crafted("NULs after a good file", made("a.csv", lambda: seed("minute_csv") + bytes(50 * MB))),
    Crafted("100,000 brackets", told("a.json", "[" * 100_000)),
    Crafted("100,000 closed brackets", told("a.json", "[" * 100_000 + "]" * 100_000)),
    Crafted("60 MB of brackets", made("a.json", lambda: b"[{}," * 15 * MB)),
    Crafted("a number of 60 MB", made("a.json", lambda: b'[{"value":' + b"9" * 60 * MB + b"}]")),
    Crafted("10 years of hourly steps", made("a.json", lambda: _hours_of_steps(10)), tame=True),
    Crafted("25 years of hourly steps", made("a.json", lambda: _hours_of_steps(25))),
    Crafted("3,000 devices", made("a.json", lambda: _devices(3000))),
    Crafted("20,000 moods", made("a.json", lambda: _moods(20_000)), tame=True),
    Crafted("5,000 naps", made("a.json", lambda: _naps(5000)), tame=True),
    Crafted("5,000 nights that overlap", made("a.json", lambda: _nights(5000, 1000)), tame=True),
    Crafted("50,000 nights", made("a.json", lambda: _nights(50_000, 10))),
    Crafted("8e14 hours of sleep", made("a.json", _long_sleep), tame=True),
    Crafted(
        "a night that ends in the year 9999",
        told("a.json", json.dumps([fitbit_sleep("2024-03-05T00:00:00", "9999-12-31T23:59:59")])),
    ),
    Crafted(
        "a night before itself",
        told("a.json", json.dumps([fitbit_sleep("2024-03-05T07:00:00", "2024-03-05T00:00:00")])),
    ),
    Crafted("gzip of 1 GB", made("a.json.gz", lambda: gzipped_zeros(1000))),
    Crafted("a folder of 20,000 empty files", _folder_of(20_000)),
    Crafted("a link to a system file", _linked),
    Crafted("a folder within itself", _circle, tame=True),
    Crafted("a pipe", _pipe),
    Crafted("an empty file", told("a.json", b"")),
    Crafted("one byte", told("a.json", b"[")),
]
