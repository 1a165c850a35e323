"""How one decision's tracks look: tier, coverage, change, contributions, baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from patients.templatetags.clarity import day as day_words
from scoring.domain.points import TIER_RANK, ScorePoint, change_points
from scoring.domain.points import leading_track as leading_track
from scoring.domain.points import tier_since as tier_since
from scoring.models import Baseline, IntakeAssessment, RiskScore, Tier, Track
from scoring.resources import baseline_rules
from scoring.services import DELTA

NIGHTS = 30
STEADY_POINTS = 5  # smaller changes over a week are called steady
LEAST_SD, MOST_SD = 0.05, 5.0  # less reads 0.0; beyond, a spread from 14 to 56 days says no more
WELL_COVERED, FAIRLY_COVERED = 0.8, 0.6


@dataclass(frozen=True)
class TrackView:
    """One track of one decision, ready for a page. Without an assessment it has no number."""

    name: str
    label: str
    assessed: bool
    tier: str | None
    probability: float | None
    reason: str
    coverage: float | None
    contributions: list[dict[str, Any]]
    parts: tuple[tuple[str, float], ...]
    weight: float | None


def track_views(score: RiskScore) -> list[TrackView]:
    """Both tracks, depression first."""
    return [_track_view(score, Track(name)) for name in Track.values]


def _track_view(score: RiskScore, track: Track) -> TrackView:
    stored: dict[str, Any] = getattr(score, track.value)
    assessed = stored.get("status") == "ok" and score.tier != Tier.INDETERMINATE
    parts = [(p, stored.get(f"{p}_probability")) for p in ("mania", "hypomania")]
    return TrackView(
        name=track.value,
        label=str(track.label),
        assessed=assessed,
        tier=stored.get("tier") if stored.get("tier") != Tier.INDETERMINATE else None,
        probability=stored.get("probability") if assessed else None,
        reason=stored.get("reason") or "",
        coverage=stored.get("coverage"),
        contributions=stored.get("contributions") or [] if assessed else [],
        parts=tuple((p, v) for p, v in parts if v is not None) if assessed else (),
        weight=(score.weights or {}).get(track.value) if assessed else None,
    )


def coverage_words(track: str, coverage: float | None, short: bool = False) -> str:
    """“28 of 30 nights” or “92 % of the week worn”."""
    if coverage is None:
        return "" if short else "coverage not known"
    if track == Track.MANIA:
        return f"{round(coverage * NIGHTS)} of {NIGHTS} nights"
    return f"{round(coverage * 100)}\u202f% {'worn' if short else 'of the week worn'}"


def certainty(coverage: float | None) -> str:
    """How well the data cover what the model asks for: good, fair or limited."""
    if coverage is None or coverage < FAIRLY_COVERED:
        return "limited"
    return "good" if coverage >= WELL_COVERED else "fair"


@dataclass(frozen=True)
class Change:
    """A track against seven days before, in points of its 0 to 100 scale."""

    points: int
    direction: str

    @property
    def words(self) -> str:
        """“up 12 points in 7 days”."""
        if self.direction == "steady":
            return "steady over 7 days"
        return f"{self.direction} {abs(self.points)} points in 7 days"


def change(points: Sequence[ScorePoint], track: str) -> Change | None:
    """The newest day against seven days before; None unless both were assessed."""
    delta = change_points(points, track)
    return None if delta is None else change_of(delta)


def change_of(delta: int) -> Change:
    """The change of so many points."""
    if abs(delta) < STEADY_POINTS:
        return Change(delta, "steady")
    return Change(delta, "up" if delta > 0 else "down")


def since_intake(points: Sequence[ScorePoint], track: str, intake: IntakeAssessment | None) -> str:
    """“higher than at intake (PHQ-9 12, Moderate, 3 Nov 2026)”, of the first day assessed.

    Empty for mania, of which a PHQ-9 says nothing, and where an earlier score says more.
    """
    seen = [t.tier for p in points if (t := p.track(track)).probability is not None]
    if intake is None or track != Track.DEPRESSION or len(seen) != 1 or not seen[0]:
        return ""
    now, then = TIER_RANK[Tier(seen[0])], TIER_RANK[Tier(intake.tier)]
    side = "as" if now == then else "higher than" if now > then else "lower than"
    return f"{side} at intake (PHQ-9 {intake.phq9}, {intake.tier}, {day_words(intake.day)})"


def own_history(score: RiskScore, view: TrackView) -> str:
    """“1.8 SD above this person’s own last 8 weeks”; empty where that is not known."""
    delta = (score.context or {}).get(DELTA)
    if view.name != Track.DEPRESSION or not view.assessed or delta is None:
        return ""
    size = min(abs(delta), MOST_SD)
    if size < LEAST_SD:
        return "as in this person’s own last 8 weeks"
    more = "more than " if size == MOST_SD else ""
    side = "above" if delta > 0 else "below"
    return f"{more}{size:.1f} SD {side} this person’s own last 8 weeks"


def main_features(baseline: Baseline) -> list[dict[str, Any]]:
    """The baseline's features in the order in which they are worked out."""
    order = {name: at for at, name in enumerate(baseline_rules().features)}
    stored = sorted((baseline.values or {}).items(), key=lambda item: order.get(item[0], 99))
    return [{"label": name} | values for name, values in stored]
