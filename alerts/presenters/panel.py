"""How the panel looks: one line a patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from alerts.selectors import PANEL_DAYS, PanelRow, ScorePoint
from patients.presenters import Freshness, freshness
from scoring.models import Tier, Track
from scoring.presenters.tracks import Change, certainty, change, coverage_words
from scoring.presenters.trend import sparkline

SPARK_WIDTH, SPARK_HEIGHT = 160, 40
TIER_FILTERS = (Tier.HIGH, Tier.MODERATE, Tier.INDETERMINATE, Tier.LOW)


@dataclass(frozen=True)
class TrackCell:
    """One track in a panel row."""

    name: str
    label: str
    tier: str | None
    change: Change | None
    coverage: str
    sure: str


@dataclass(frozen=True)
class PanelLine:
    """One patient of the panel, ready for the template."""

    row: PanelRow
    tracks: tuple[TrackCell, ...]
    fresh: Freshness
    spark: dict[str, Any]
    outdated: date | None


def panel_lines(rows: Sequence[PanelRow], now: datetime) -> list[PanelLine]:
    """Rows for the template; ``outdated`` is the score's day where others have a newer one."""
    today = timezone.localdate(now)
    newest = max((row.latest.day for row in rows if row.latest), default=None)
    return [_line(row, today, newest) for row in rows]


def _line(row: PanelRow, today: date, newest: date | None) -> PanelLine:
    latest = row.latest
    return PanelLine(
        row=row,
        tracks=tuple(_cell(row, Track(name)) for name in Track.values),
        fresh=freshness(row.last_data, row.today),
        spark=_spark(row, newest or today),
        outdated=latest.day if latest and latest.day != newest else None,
    )


def _cell(row: PanelRow, track: Track) -> TrackCell:
    seen = row.latest.track(track) if row.latest else None
    tier = seen.tier if seen and seen.tier != Tier.INDETERMINATE else None
    coverage = seen.coverage if seen else None
    return TrackCell(
        name=track.value,
        label=str(track.label),
        tier=tier,
        change=change(row.points, track),
        coverage=coverage_words(track, coverage, short=True),
        sure=certainty(coverage),
    )


def _spark(row: PanelRow, last_day: date) -> dict[str, Any]:
    size = (last_day, PANEL_DAYS, SPARK_WIDTH, SPARK_HEIGHT)
    lines = {name: sparkline(row.points, name, *size) for name in Track.values}
    assessed = sum(
        any(p.track(t).probability is not None for t in Track.values) for p in row.points
    )
    words = " ".join(f"{Track(name).label} {_percents(row.points, name)}." for name in Track.values)
    return {
        "lines": lines,
        "width": SPARK_WIDTH,
        "height": SPARK_HEIGHT,
        "words": f"Last {PANEL_DAYS} days, {assessed} assessed. {words}",
    }


def _percents(points: Sequence[ScorePoint], track: str) -> str:
    values = [p.track(track).probability for p in points]
    known = [round(v * 100) for v in values if v is not None]
    return f"from {known[0]} to {known[-1]} percent" if known else "not assessed"


def tier_counts(rows: Sequence[PanelRow]) -> list[tuple[str, int]]:
    """How many patients each tier has, most urgent first."""
    return [(str(tier), sum(row.tier == tier for row in rows)) for tier in TIER_FILTERS]
