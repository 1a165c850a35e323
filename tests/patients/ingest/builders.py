"""Small recordings in each vendor's format, made up here."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np

from patients.domain.recording import MinuteSeries, Recording
from patients.domain.resolve import whole
from patients.ingest.common.base import Rejected, Zone
from patients.ingest.common.steps import steps_series

START = datetime(2024, 3, 4, 22, 0, tzinfo=UTC)
WATCH, IPHONE, APP = "Sam’s Apple Watch", "Sam’s iPhone", "Pedometer"
SDNN = "HKQuantityTypeIdentifierHeartRateVariabilitySDNN"


def parsed(source: Any, path: Path, zone: Zone) -> Recording:
    """What the module ``source`` reads from a file, its devices taken together."""
    return whole(source.parse(path, zone))


def walked_together(series: Iterable[MinuteSeries]) -> MinuteSeries:
    """The walks of one device's series as one series, as the store unites them."""
    every = [(one.walks, one.how) for one in series if one.walks is not None]
    found = steps_series(np.concatenate([walks for walks, _ in every]), Rejected(), every[0][1])
    assert found is not None
    return found


ACTLUMUS_HEADER = """#ActLogModel=2.0.0
+-------------+ Condor Instruments Report +-------------+
SOFTWARE_VERSION : 2.1.0
SUBJECT_NAME : Sam Example
SUBJECT_DATE_OF_BIRTH : 01/01/1900
DEVICE_ID : 77
DEVICE_MODEL : AL0101
+-------------------------------------------------------+
DATE/TIME;MS;PIM;LIGHT;STATE
"""


def actlumus_rows(
    start: datetime, count: int, epoch_seconds: int = 10, pim: str = "5", lux: str = "100.5"
) -> list[str]:
    """Table rows from a naive local start on."""
    stamps = (start + timedelta(seconds=epoch_seconds * i) for i in range(count))
    return [f"{t:%d/%m/%Y %H:%M:%S};0;{pim};{lux};4" for t in stamps]


def write_actlumus(path: Path, rows: Iterable[str]) -> Path:
    """A log of these rows."""
    path.write_text((ACTLUMUS_HEADER + "".join(f"{r}\n" for r in rows)).replace("\n", "\r\n"))
    return path


def write_json(path: Path, rows: Any) -> Path:
    """A Takeout file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))
    return path


def fitbit_steps(counts: Sequence[int], start: datetime = START) -> list[dict[str, Any]]:
    """One row a minute."""
    return [
        {"dateTime": f"{start + timedelta(minutes=i):%m/%d/%y %H:%M:%S}", "value": str(n)}
        for i, n in enumerate(counts)
    ]


def fitbit_heart(
    bpm: Sequence[float], confidence: int = 2, start: datetime = START
) -> list[dict[str, Any]]:
    """One row every 10 s."""
    return [
        {
            "dateTime": f"{start + timedelta(seconds=10 * i):%m/%d/%y %H:%M:%S}",
            "value": {"bpm": b, "confidence": confidence},
        }
        for i, b in enumerate(bpm)
    ]


def fitbit_level(stamp: str, level: str, minutes: float) -> dict[str, Any]:
    """One row of a sleep log's levels."""
    return {"dateTime": f"{stamp}.000", "level": level, "seconds": round(minutes * 60)}


def fitbit_sleep(start: str, end: str, **more: Any) -> dict[str, Any]:
    """One sleep log; local ISO stamps without a zone."""
    return {
        "logId": 1,
        "dateOfSleep": end[:10],
        "startTime": f"{start}.000",
        "endTime": f"{end}.000",
        **more,
    }


def takeout_over_a_move(path: Path) -> Path:
    """A Fitbit Takeout, zipped: nights of 9, 10 and 11 June 2024, and values of 10 to 12 June.

    Its owner flew from Berlin to Los Angeles on 11 June; all but the steps is in local time.
    """
    logs = [
        fitbit_sleep(start, end, logId=n, levels={"data": [fitbit_level(start, "light", minutes)]})
        for n, (start, end, minutes) in enumerate(
            (
                ("2024-06-09T23:00:00", "2024-06-10T07:00:00", 480),
                ("2024-06-10T23:00:00", "2024-06-11T06:00:00", 420),
                ("2024-06-11T22:30:00", "2024-06-12T06:30:00", 480),
            ),
            start=1,
        )
    ]
    resting = [
        {"dateTime": f"{day} 00:00:00", "value": {"date": day, "value": value, "error": 6}}
        for day, value in (("06/10/24", 60), ("06/11/24", 62))
    ]
    hrv = "timestamp,rmssd,coverage,low_frequency,high_frequency\n"
    hrv += "2024-06-10T03:00:00,40,0.9,1,1\n2024-06-12T03:00:00,50,0.9,1,1\n"
    steps = fitbit_steps([7], datetime(2024, 6, 11, 12))
    files = {"sleep.json": logs, "resting.json": resting, "steps.json": steps}
    texts: dict[str, str | bytes] = {name: json.dumps(rows) for name, rows in files.items()}
    return write_zip(path, {**texts, "hrv.csv": hrv})


def apple_stamp(moment: datetime, offset_hours: int = 0) -> str:
    """As Apple writes it."""
    local = moment + timedelta(hours=offset_hours)
    return f"{local:%Y-%m-%d %H:%M:%S} {offset_hours:+03d}00"


def apple_record(
    kind: str,
    value: object,
    minute: float = 0,
    minutes: float = 0,
    source: str = WATCH,
    unit: str | None = None,
    offset_hours: int = 0,
    device: str = "",
) -> str:
    """One Record, ``minute`` after START and ``minutes`` long."""
    begins = START + timedelta(minutes=minute)
    fields = {
        "type": kind,
        "sourceName": source,
        "device": device,
        "unit": unit,
        "startDate": apple_stamp(begins, offset_hours),
        "endDate": apple_stamp(begins + timedelta(minutes=minutes), offset_hours),
        "value": str(value),
    }
    return f"<Record {' '.join(f'{k}={quoteattr(v)}' for k, v in fields.items() if v)}/>\n"


def apple_steps(value: object, minute: float, minutes: float = 1, source: str = WATCH) -> str:
    """One StepCount record."""
    kind = "HKQuantityTypeIdentifierStepCount"
    return apple_record(kind, value, minute, minutes, source, "count")


def apple_heart(value: object, minute: float = 0, kind: str = "HeartRate") -> str:
    """One HeartRate record, or RestingHeartRate."""
    return apple_record(f"HKQuantityTypeIdentifier{kind}", value, minute, unit="count/min")


def apple_sleep(stage: str, minute: float, minutes: float, source: str = WATCH) -> str:
    """One SleepAnalysis record."""
    value = f"HKCategoryValueSleepAnalysis{stage}"
    return apple_record("HKCategoryTypeIdentifierSleepAnalysis", value, minute, minutes, source)


def apple_export(*records: str, prologue: str = "") -> str:
    """A whole export of these records."""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n{prologue}<HealthData locale="en_GB">\n'
    return f"{head}{''.join(records)}</HealthData>\n"


def write_apple(path: Path, *records: str) -> Path:
    """An export.xml of these records."""
    path.write_text(apple_export(*records), encoding="utf-8")
    return path


def write_zip(path: Path, files: dict[str, str | bytes]) -> Path:
    """A zip of these files."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
