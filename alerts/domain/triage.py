"""From a track's last days to: raise, rise, resolve, or nothing, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from alerts.domain.triage_rules import TriageRules

WORSE, EARLY_WARNING = "worse_than_usual", "early_warning"  # reasons not to wait
RANK = {"Indeterminate": 0, "Low": 1, "Moderate": 2, "High": 3}


@dataclass(frozen=True)
class TrackDay:
    """One track of one day; a rule may give a tier without a probability."""

    day: date
    tier: str
    probability: float | None = None


@dataclass(frozen=True)
class Evidence:
    """What triage looks at: one track's days, the scored one last, and what lies beside it.

    ``at_once`` are reasons not to wait until Moderate has lasted: a worsening against the
    person's own usual, an early-warning rule, an active antidepressant (mania), a mood
    stabiliser stopped lately (mania). ``mania_is_high`` inhibits Moderate depression;
    ``in_grace`` says that a drug that affects sleep was changed lately.
    """

    track: str
    days: tuple[TrackDay, ...]
    at_once: tuple[str, ...] = ()
    stabiliser_stopped: bool = False
    mania_is_high: bool = False
    in_grace: bool = False


@dataclass(frozen=True)
class Standing:
    """The latest alert of a patient's track, as far as triage needs it."""

    is_open: bool
    tier: str
    closed_on: date | None = None  # by a person; what ended by itself stays quiet for nothing
    is_acknowledged: bool = False
    evidence_tier: str = ""  # the track's when it was last looked at; a clinician may differ


@dataclass(frozen=True)
class Verdict:
    """What happens, None for nothing, at which tier, and why."""

    event: str | None
    tier: str
    why: str


def triage(evidence: Evidence, standing: Standing | None, rules: TriageRules) -> Verdict:
    """The verdict on one track on one day.

    Indeterminate means not assessed, which never raises, closes or lowers anything.

    >>> from alerts.resources import triage_rules
    >>> days = (TrackDay(date(2026, 1, 1), "Low", 0.1), TrackDay(date(2026, 1, 2), "High", 0.7))
    >>> triage(Evidence("mania", days), None, triage_rules()).event
    'raised'
    """
    tier = counted_tier(evidence.days[-1], evidence, rules)
    if standing and standing.is_open:
        if RANK[tier] > max(RANK[standing.tier], RANK.get(standing.evidence_tier, 0)):
            return Verdict("risen", tier, "higher")
        # An alert that nobody has seen does not close by itself.
        if standing.is_acknowledged and _long_low(evidence, rules):
            return Verdict("resolved", standing.tier, "long_low")
        return Verdict(None, standing.tier, "open")
    if RANK[tier] < RANK[rules.raise_from]:
        return Verdict(None, tier, "below")
    if standing and standing.closed_on and _is_cooling(evidence, standing, tier, rules):
        return Verdict(None, tier, "cool_down")
    return _raised(evidence, tier, rules)


def _is_cooling(evidence: Evidence, standing: Standing, tier: str, rules: TriageRules) -> bool:
    """Whether somebody closed what this is still about, a few days ago.

    What is higher than then is something else, and so is High after a fall.
    """
    day, closed = evidence.days[-1].day, standing.closed_on
    known = max(RANK[standing.tier], RANK.get(standing.evidence_tier, 0))
    if closed is None or RANK[tier] > known:
        return False
    if day >= closed + timedelta(days=rules.cool_down_days):
        return False
    since = [counted_tier(d, evidence, rules) for d in evidence.days[:-1] if d.day >= closed]
    has_fallen = any(RANK["Low"] <= RANK[t] < RANK[tier] for t in since)
    return not (tier == "High" and has_fallen)


def _raised(evidence: Evidence, tier: str, rules: TriageRules) -> Verdict:
    if tier == "High":
        return Verdict("raised", tier, "high")
    if evidence.track == "depression" and evidence.mania_is_high:
        return Verdict(None, tier, "inhibited")
    if evidence.at_once:
        return Verdict("raised", tier, evidence.at_once[0])
    if _rose_fast(evidence.days, rules):
        return Verdict("raised", tier, "rose_fast")
    if evidence.in_grace:
        return Verdict(None, tier, "grace")
    if _persists(evidence, rules):
        return Verdict("raised", tier, "persisted")
    return Verdict(None, tier, "not_persisted")


def counted_tier(day: TrackDay, evidence: Evidence, rules: TriageRules) -> str:
    """The track's tier; after a stopped mood stabiliser mania counts as Moderate earlier."""
    is_lowered = evidence.track == "mania" and evidence.stabiliser_stopped and day.tier == "Low"
    is_above = (day.probability or 0.0) >= rules.mania_from_after_stabiliser
    return "Moderate" if is_lowered and is_above else day.tier


def _persists(evidence: Evidence, rules: TriageRules) -> bool:
    first = evidence.days[-1].day - timedelta(days=rules.persists_of_days - 1)
    tiers = [counted_tier(d, evidence, rules) for d in evidence.days if d.day >= first]
    return sum(RANK[t] >= RANK["Moderate"] for t in tiers) >= rules.persists_days


def _rose_fast(days: Sequence[TrackDay], rules: TriageRules) -> bool:
    """Up by ``fast_rise`` from a day at most ``fast_rise_days`` before."""
    now = days[-1]
    if now.probability is None:
        return False
    first = now.day - timedelta(days=rules.fast_rise_days)
    earlier = [d.probability for d in days[:-1] if d.day >= first and d.probability is not None]
    return bool(earlier) and now.probability - min(earlier) >= rules.fast_rise


def _long_low(evidence: Evidence, rules: TriageRules) -> bool:
    """So many assessed days in a row well below Moderate, the scored one among them."""
    assessed = [d for d in evidence.days if d.tier != "Indeterminate"]
    last = assessed[-rules.resolve_after_low_days :]
    below = rules.low_below[evidence.track]
    if evidence.track == "mania" and evidence.stabiliser_stopped:
        below = min(below, rules.mania_from_after_stabiliser)
    return (
        len(last) == rules.resolve_after_low_days
        and evidence.days[-1].tier == "Low"
        and all(d.tier == "Low" and (d.probability or 0.0) < below for d in last)
    )
