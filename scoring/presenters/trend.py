"""Risk over time as a sparkline, without JavaScript."""

from collections.abc import Sequence
from datetime import date, timedelta

from alerts.selectors import ScorePoint


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
