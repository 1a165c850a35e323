"""Small files of the JSON vendors, made up here."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from patients.domain.recording import Channel, Recording
from tests.patients.ingest.builders import START

HOUR = 3600
START_SECOND = round(START.timestamp())


def minutes_of(recording: Recording, channel: Channel) -> dict[int, float]:
    """The minutes of a channel that have a value, counted from START."""
    series = recording.channel(channel)
    if series is None:
        return {}
    first = round((series.start - START).total_seconds() / 60)
    there = np.flatnonzero(~np.isnan(series.values))
    return {first + int(i): round(float(series.values[i]), 3) for i in there}


def stages_of(recording: Recording) -> list[tuple[float, float, str]]:
    """The stages of all nights: first and last minute from START, and name."""
    return [
        (_minutes(stage.start), _minutes(stage.end), stage.stage)
        for night in recording.sleep
        for stage in night.stages
    ]


def _minutes(moment: datetime) -> float:
    return (moment - START).total_seconds() / 60


def hae_stamp(minute: float, offset_hours: int = 1) -> str:
    """A stamp as Health Auto Export writes it."""
    local = START + timedelta(minutes=minute, hours=offset_hours)
    return f"{local:%Y-%m-%d %H:%M:%S} {offset_hours:+03d}00"


def hae_rows(values: list[float], every_minutes: float = 1, **more: Any) -> list[dict[str, Any]]:
    """Rows {date, qty}, from START on."""
    return [{"date": hae_stamp(i * every_minutes), "qty": v} | more for i, v in enumerate(values)]


def hae_export(metrics: dict[str, list[dict[str, Any]]], units: str = "") -> dict[str, Any]:
    """A whole export of these metrics."""
    listed = [{"name": name, "units": units, "data": rows} for name, rows in metrics.items()]
    return {"data": {"metrics": listed, "workouts": []}}


def fit_points(
    source: str, points: Sequence[tuple[float, float, float]], kind: str = "intVal"
) -> dict[str, Any]:
    """A data source's file of Google Fit; points are (start, end) in minutes and a value."""
    return {
        "Data Source": source,
        "Data Points": [
            {
                "fitValue": [{"value": {kind: value}}],
                "startTimeNanos": round((START_SECOND + start * 60) * 1e9),
                "endTimeNanos": round((START_SECOND + end * 60) * 1e9),
                "dataTypeName": source.split(":")[1],
            }
            for start, end, value in points
        ],
    }


def fit_session(parts: list[tuple[float, float, str]]) -> dict[str, Any]:
    """A sleep session of Google Fit; parts are (start, end) in minutes and a name."""

    def stamp(minute: float) -> str:
        return f"{START + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"

    segments = [
        {"fitnessActivity": name, "startTime": stamp(start), "endTime": stamp(end)}
        for start, end, name in parts
    ]
    return {
        "fitnessActivity": "sleep",
        "startTime": stamp(min(p[0] for p in parts)),
        "endTime": stamp(max(p[1] for p in parts)),
        "segment": segments,
    }


def gmt(minute: float) -> str:
    """A stamp as Garmin Connect writes it."""
    return f"{START + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S}.0"


def connect_night(levels: list[tuple[float, float, float]], **more: Any) -> dict[str, Any]:
    """Garmin Connect's answer for a night; levels are (start, end) in minutes and a number."""
    start, end = (
        (START_SECOND + round(60 * edge(levels, key=lambda row: row[at])[at])) * 1000
        for edge, at in ((min, 0), (max, 1))
    )
    return {
        "dailySleepDTO": {
            "id": start,
            "calendarDate": "2024-03-05",
            "sleepStartTimestampGMT": start,
            "sleepEndTimestampGMT": end,
            "sleepStartTimestampLocal": start + HOUR * 1000,
            "sleepEndTimestampLocal": end + HOUR * 1000,
        },
        "sleepMovement": [{"startGMT": gmt(0), "endGMT": gmt(1), "activityLevel": 5.5}],
        "sleepLevels": [
            {"startGMT": gmt(first), "endGMT": gmt(stop), "activityLevel": level}
            for first, stop, level in levels
        ],
        **more,
    }


def health_summary(minute: float = 0, minutes: float = 15, **more: Any) -> dict[str, Any]:
    """One summary of a Garmin Health push."""
    return {
        "userId": "u",
        "userAccessToken": "t",
        "summaryId": "x1",
        "startTimeInSeconds": START_SECOND + round(minute * 60),
        "startTimeOffsetInSeconds": HOUR,
        "durationInSeconds": round(minutes * 60),
        **more,
    }


def oura_night(phases: str, minute: float = 0, **more: Any) -> dict[str, Any]:
    """One sleep period of Oura, as long as its phases of five minutes."""

    def stamp(at: float) -> str:
        return f"{START + timedelta(minutes=at, hours=1):%Y-%m-%dT%H:%M:%S}+01:00"

    return {
        "id": "8f9a5221",
        "bedtime_end": stamp(minute + 5 * len(phases)),
        "bedtime_start": stamp(minute),
        "day": "2024-03-05",
        "sleep_phase_5_min": phases,
        "type": "long_sleep",
        **more,
    }
