"""Days of decisions without their explanations: what moved, since when, what is usual.

Probabilities and coverages are 0 to 1; an Indeterminate day has no probability.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from scoring.domain.baselines import MIN_VALUES, history_span
from scoring.domain.rules import Edges

TRACKS = ("depression", "mania")
INDETERMINATE = "Indeterminate"
# Somebody we know nothing about comes before somebody we know to be well.
TIER_RANK = {"High": 3, "Moderate": 2, INDETERMINATE: 1, "Low": 0}
SPARK_DAYS = 30
CHANGE_DAYS = 7
USUAL_PERCENTILES = (10, 90)


@dataclass(frozen=True)
class TrackPoint:
    """One track of one day. ``probability`` is None unless the track was assessed.

    ``by_rule``: an early-warning rule, and not the model, gave it its tier.
    """

    tier: str | None
    probability: float | None
    coverage: float | None
    by_rule: bool = False


@dataclass(frozen=True)
class ScorePoint:
    """One day's decision."""

    day: date
    tier: str
    probability: float | None
    depression: TrackPoint
    mania: TrackPoint

    def track(self, name: str) -> TrackPoint:
        """The track of that name."""
        return self.depression if name == "depression" else self.mania


def is_above(tier: str | None, probability: float | None, edges: Edges) -> bool:
    """Whether the tier is higher than the probability alone gives: a rule has raised it.

    >>> is_above("High", 0.31, Edges(0.3, 0.6)), is_above("High", 0.7, Edges(0.3, 0.6))
    (True, False)
    """
    own = INDETERMINATE if probability is None else edges.tier(probability)
    return tier is not None and TIER_RANK[tier] > TIER_RANK[own]


def change_points(points: Sequence[ScorePoint], track: str) -> int | None:
    """The newest day against seven days before, in points of 0 to 100.

    None unless both were assessed. ``points``: oldest first.
    """
    if not points:
        return None
    then = {point.day: point for point in points}.get(points[-1].day - timedelta(days=CHANGE_DAYS))
    now_p = points[-1].track(track).probability
    then_p = then.track(track).probability if then else None
    return None if now_p is None or then_p is None else round((now_p - then_p) * 100)


def tier_since(points: Sequence[ScorePoint], track: str) -> tuple[date, str | None]:
    """First day of the present tier, and the tier before. Days not assessed are passed over."""
    assessed = [p for p in points if p.track(track).tier in ("Low", "Moderate", "High")]
    since, before = points[-1].day, None
    for point in reversed(assessed):
        if point.track(track).tier != points[-1].track(track).tier:
            before = point.track(track).tier
            break
        since = point.day
    return since, before


def leading_track(point: ScorePoint) -> str:
    """The track that a reader should hear of first."""

    def weight(track: str) -> tuple[int, float]:
        seen = point.track(track)
        rank = TIER_RANK[seen.tier] if seen.tier else -1
        return rank, -1.0 if seen.probability is None else seen.probability

    return max(TRACKS, key=weight)


def urgency(point: ScorePoint) -> int:
    """By which people are sorted: the overall tier, then the higher track tier; 0 to 34.

    >>> nothing = TrackPoint(None, None, None)
    >>> urgency(ScorePoint(date(2026, 3, 1), "Indeterminate", None, nothing, nothing))
    10
    """
    tracks = [TIER_RANK[t.tier] for t in (point.depression, point.mania) if t.tier]
    return TIER_RANK[point.tier] * 10 + max(tracks, default=-1) + 1


def percents(points: Sequence[ScorePoint], track: str) -> list[int | None]:
    """The last 30 days that end with the newest, oldest first, in whole percent; None is a gap."""
    known = {point.day: point.track(track).probability for point in points}
    last = points[-1].day
    days = (last - timedelta(days=back) for back in range(SPARK_DAYS - 1, -1, -1))
    return [None if (p := known.get(day)) is None else round(p * 100) for day in days]


def usual_band(points: Sequence[ScorePoint], track: str) -> tuple[int, int] | None:
    """Between which percents eight in ten of the person's own earlier days lie.

    Of the eight weeks that end a week before the newest day, as for ``baseline_delta``; None for
    fewer than 14 assessed days. ``points`` are of one model.
    """
    first, last = history_span(points[-1].day)
    values = [
        p for point in points
        if first <= point.day <= last and (p := point.track(track).probability) is not None
    ]  # fmt: skip
    if len(values) < MIN_VALUES:
        return None
    low, high = np.percentile(values, USUAL_PERCENTILES)
    return round(float(low) * 100), round(float(high) * 100)


@dataclass(frozen=True)
class Revision:
    """A stored decision as it came: any day's, any revision."""

    day: date
    revision: int
    tier: str
    scored_at: datetime


def moves(revisions: Sequence[Revision]) -> list[tuple[datetime, str]]:
    """When the overall tier that was shown changed, and what it was before; oldest first.

    What is shown is the newest day's last revision of those that had come.
    """
    found: list[tuple[datetime, str]] = []
    shown: Revision | None = None
    for came in sorted(revisions, key=lambda r: (r.scored_at, r.day, r.revision)):
        if shown and (came.day, came.revision) < (shown.day, shown.revision):
            continue
        if shown and came.tier != shown.tier:
            found.append((came.scored_at, shown.tier))
        shown = came
    return found
