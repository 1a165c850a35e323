"""Risk over time: sparklines without JavaScript, and the data of the trend chart."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from alerts.selectors import ScorePoint
from patients.models import MedicationCourse
from scoring.models import Track
from scoring.resources import router_rules


def sparkline(
    points: Sequence[ScorePoint], track: str, last_day: date, days: int, width: int, height: int
) -> list[str]:
    """SVG polyline points of a track, one string per unbroken stretch: gaps stay gaps."""
    probabilities = {point.day: point.track(track).probability for point in points}
    stretches: list[list[str]] = [[]]
    for at in range(days):
        value = probabilities.get(last_day - timedelta(days=days - 1 - at))
        if value is None:
            stretches.append([])
            continue
        x, y = 2 + at * (width - 4) / (days - 1), 2 + (1 - value) * (height - 4)
        stretches[-1].append(f"{x:.1f},{y:.1f}")
    # A lone day is drawn as a dot: a line to itself with round ends.
    return [" ".join(s if len(s) > 1 else s * 2) for s in stretches if s]


def trend_data(
    points: Sequence[ScorePoint],
    courses: Sequence[MedicationCourse],
    marks: Sequence[dict[str, Any]],
    last_day: date,
    days: int,
) -> dict[str, Any]:
    """What static/js/charts.js draws: percent by day, null where not assessed."""
    shown = [last_day - timedelta(days=back) for back in range(days - 1, -1, -1)]
    by_day = {point.day: point for point in points}
    return {
        "days": [day.isoformat() for day in shown],
        "tracks": [_trend(by_day, shown, Track(name)) for name in Track.values],
        "medications": [
            {
                "label": str(course),
                "first": max(course.first_day, shown[0]).isoformat(),
                "last": min(course.last_day or last_day, last_day).isoformat(),
                "started": course.first_day >= shown[0],
                "stopped": course.last_day is not None and course.last_day < last_day,
            }
            for course in courses
            if course.first_day <= last_day and (course.last_day or last_day) >= shown[0]
        ],
        "alerts": list(marks),
    }


def _trend(by_day: dict[date, ScorePoint], days: list[date], track: Track) -> dict[str, Any]:
    rules = router_rules()
    edges = rules.depression if track == Track.DEPRESSION else rules.mania
    seen = [by_day[day].track(track) if day in by_day else None for day in days]
    return {
        "name": track.value,
        "label": str(track.label),
        "moderate": _percent(edges.moderate),
        "high": _percent(edges.high),
        "percent": [_percent(t.probability) if t else None for t in seen],
        "coverage": [_percent(t.coverage) if t else None for t in seen],
        "tier": [t.tier if t else None for t in seen],
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 1)
