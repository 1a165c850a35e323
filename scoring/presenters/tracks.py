"""How one decision's tracks look: tier, coverage, change, contributions, baseline."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clarity_site.said import said_again
from patients.templatetags.clarity import day as day_words
from patients.templatetags.clarity import percent, percent_by
from scoring.domain.early_warning import THREE_NIGHTS, TWO_NIGHTS
from scoring.domain.points import TIER_RANK, ScorePoint, change_points, is_above
from scoring.domain.points import leading_track as leading_track
from scoring.domain.points import tier_since as tier_since
from scoring.domain.rules import Edges
from scoring.models import Baseline, IntakeAssessment, RiskScore, Tier, Track
from scoring.resources import baseline_rules, router_rules
from scoring.services import DELTA

NIGHTS = 30
STEADY_POINTS = 5  # smaller changes over a week are called steady
LEAST_SD, MOST_SD = 0.05, 5.0  # less reads 0.0; beyond, a spread from 14 to 56 days says no more
WELL_COVERED, FAIRLY_COVERED = 0.8, 0.6
TIER_WORDS = {
    Tier.LOW: gettext_lazy("Low"),
    Tier.MODERATE: gettext_lazy("Moderate"),
    Tier.HIGH: gettext_lazy("High"),
    Tier.INDETERMINATE: gettext_lazy("Indeterminate"),
}
TRACK_WORDS = {Track.DEPRESSION: gettext_lazy("Depression"), Track.MANIA: gettext_lazy("Mania")}
PART_WORDS = {"mania": gettext_lazy("mania"), "hypomania": gettext_lazy("hypomania")}


@dataclass(frozen=True)
class TrackView:
    """One track of one decision, ready for a page. Without an assessment it has no number.

    ``by_rule``: an early-warning rule, and not the model, gave it its tier; ``own`` is the tier
    of the probability alone.
    """

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
    by_rule: bool
    own: str | None

    @property
    def share(self) -> str:
        """The indicator in percent; “–” where it was not assessed."""
        return track_percent(self.name, self.probability)

    @property
    def why_not(self) -> str:
        """Why it was not assessed, in the reader's language; ``reason`` is as it was stored."""
        return said_again(self.reason)


WEIGHED = ("weights", "limited_data_")  # reasons that tell a weight, as a share of 1
WEIGHT = re.compile(r"\b[01]\.\d\d\b")


def reason_words(reason: Mapping[str, str]) -> str:
    """A stored step of a decision in the reader's language, weights in percent as elsewhere."""
    text = reason["text"]
    if reason["code"].startswith(WEIGHED):
        text = WEIGHT.sub(lambda found: percent(float(found[0])), text)
    return said_again(text)


def track_views(score: RiskScore) -> list[TrackView]:
    """Both tracks, depression first."""
    return [_track_view(score, Track(name)) for name in Track.values]


def _track_view(score: RiskScore, track: Track) -> TrackView:
    stored: dict[str, Any] = getattr(score, track.value)
    assessed = stored.get("status") == "ok" and score.tier != Tier.INDETERMINATE
    tier = stored.get("tier") if stored.get("tier") != Tier.INDETERMINATE else None
    probability = stored.get("probability") if assessed else None
    edges, codes = edges_of(track), {reason["code"] for reason in score.reasons}
    parts = [(p, stored.get(f"{p}_probability")) for p in ("mania", "hypomania")]
    return TrackView(
        name=track.value,
        label=str(TRACK_WORDS[track]),
        assessed=assessed,
        tier=tier,
        probability=probability,
        reason=stored.get("reason") or "",
        coverage=stored.get("coverage"),
        contributions=stored.get("contributions") or [] if assessed else [],
        parts=tuple((str(PART_WORDS[p]), v) for p, v in parts if v is not None) if assessed else (),
        weight=(score.weights or {}).get(track.value) if assessed else None,
        by_rule=track == Track.MANIA
        and bool(codes & WARNED.keys())
        and is_above(tier, probability, edges),
        own=None if probability is None else edges.tier(probability),
    )


WARNED = {THREE_NIGHTS: Tier.HIGH, TWO_NIGHTS: Tier.MODERATE}  # what early-warning rules ask for
STEPS = ("floor_", "both_low", "no_higher", "one_track")  # may give another tier than the number


def why_tier(score: RiskScore) -> str:
    """Why the overall tier is not that of its probability, as the reasons say; else empty."""
    overall = router_rules().overall
    if score.probability is None or overall.tier(score.probability) == score.tier:
        return ""
    return " ".join(
        reason_words(reason)
        for reason in score.reasons
        if reason["code"].startswith(STEPS) or WARNED.get(reason["code"]) == score.tier
    )


def edges_of(track: str) -> Edges:
    """Where the track's Moderate and High begin."""
    rules = router_rules()
    return rules.depression if track == Track.DEPRESSION else rules.mania


def track_percent(track: str, probability: float | None) -> str:
    """“48 %”, and “just under 50 %” where whole percents would read as the next tier's."""
    edges = edges_of(track)
    return percent_by(probability, (edges.moderate, edges.high))


def overall_percent(score: RiskScore) -> str:
    """The same of the overall probability."""
    edges = router_rules().overall
    return percent_by(score.probability, (edges.moderate, edges.high))


def coverage_words(track: str, coverage: float | None, short: bool = False) -> str:
    """“28 of 30 nights” or “92 % of the week worn”."""
    if coverage is None:
        return "" if short else _("coverage not known")
    if track == Track.MANIA:
        told = {"nights": round(coverage * NIGHTS), "of": NIGHTS}
        return _("%(nights)d of %(of)d nights") % told
    rules = router_rules()
    asked = (rules.min_depression_coverage, rules.limited_coverage, WELL_COVERED)
    share = {"share": percent_by(coverage, asked)}
    return (_("%(share)s worn") if short else _("%(share)s of the week worn")) % share


def certainty(coverage: float | None) -> str:
    """How well the data cover what the model asks for: good, fair or limited."""
    if coverage is None or coverage < FAIRLY_COVERED:
        return _("limited")
    return _("good") if coverage >= WELL_COVERED else _("fair")


@dataclass(frozen=True)
class Change:
    """A track against seven days before, in points of its 0 to 100 scale."""

    points: int
    direction: str

    @property
    def words(self) -> str:
        """“up 12 points in 7 days”."""
        size = abs(self.points)
        if self.direction == "steady":
            return _("steady over 7 days")
        if self.direction == "up":
            words = ngettext("up %(n)d point in 7 days", "up %(n)d points in 7 days", size)
        else:
            words = ngettext("down %(n)d point in 7 days", "down %(n)d points in 7 days", size)
        return words % {"n": size}


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
    now, then = TIER_RANK[seen[0]], TIER_RANK[intake.tier]
    told = {
        "phq9": intake.phq9,
        "tier": TIER_WORDS[Tier(intake.tier)],
        "day": day_words(intake.day),
    }
    if now == then:
        return _("as at intake (PHQ-9 %(phq9)d, %(tier)s, %(day)s)") % told
    if now > then:
        return _("higher than at intake (PHQ-9 %(phq9)d, %(tier)s, %(day)s)") % told
    return _("lower than at intake (PHQ-9 %(phq9)d, %(tier)s, %(day)s)") % told


def own_history(score: RiskScore, view: TrackView) -> str:
    """“1.8 SD above this person’s own last 8 weeks”; empty where that is not known."""
    delta = (score.context or {}).get(DELTA)
    if view.name != Track.DEPRESSION or not view.assessed or delta is None:
        return ""
    size = min(abs(delta), MOST_SD)
    if size < LEAST_SD:
        return _("as in this person’s own last 8 weeks")
    told = {"sd": number_format(size, 1)}
    if size == MOST_SD:
        if delta > 0:
            return _("more than %(sd)s SD above this person’s own last 8 weeks") % told
        return _("more than %(sd)s SD below this person’s own last 8 weeks") % told
    if delta > 0:
        return _("%(sd)s SD above this person’s own last 8 weeks") % told
    return _("%(sd)s SD below this person’s own last 8 weeks") % told


def main_features(baseline: Baseline) -> list[dict[str, Any]]:
    """The baseline's features in the order in which they are worked out."""
    order = {name: at for at, name in enumerate(baseline_rules().features)}
    stored = sorted((baseline.values or {}).items(), key=lambda item: order.get(item[0], 99))
    return [{"label": name} | values for name, values in stored]
