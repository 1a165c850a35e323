"""Two outputs, their coverage and the medication become one decision, step by step."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from scoring.domain.circumstances import Circumstance, circumstance_reasons, softened
from scoring.domain.early_warning import EarlyWarning
from scoring.domain.rules import Edges, RouterRules
from scoring.domain.types import Reason, RiskDecision, TrackOutput

TIERS = ("Indeterminate", "Low", "Moderate", "High")
# 0.5 * 0.8 + 0.5 * 0.6 must be 0.7, not a hair below a tier's edge.
DECIMALS = 12


class Antidepressant(StrEnum):
    """Whether an SSRI or SNRI is being taken, as far as is known."""

    ACTIVE = "active"
    NONE = "none"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class _Combined:
    probability: float
    tier: str
    weights: tuple[float, float]
    reasons: tuple[Reason, ...]


def higher(a: str, b: str) -> str:
    """The higher of two tiers; Indeterminate is lowest.

    >>> higher("Low", "High")
    'High'
    """
    return max(a, b, key=TIERS.index)


def decide(
    day: date,
    depression: TrackOutput,
    mania: TrackOutput,
    antidepressant: Antidepressant,
    warning: EarlyWarning,
    rules: RouterRules,
    calibrate: Callable[[float], float] | None = None,
    circumstances: tuple[Circumstance, ...] = (),
) -> RiskDecision:
    """The decision of one day, with a reason for every step taken.

    ``calibrate`` makes of the weighted mean the probability of either pole, and the tier is then
    at most the higher track's, as it is by itself without one.

    Steps: availability, coverage, agreement, combination, floor, early warning. Raising
    either probability never lowers the tier, and a track that is unavailable adds nothing.
    ``circumstances`` add reasons; they change no probability and no tier of a model.
    """
    reasons = _availability(depression, mania)
    tiers = (_tier(depression, rules.depression), _tier(mania, rules.mania))
    if _ok(depression) and _ok(mania):
        decision = _both(day, depression, mania, tiers, antidepressant, rules, calibrate)
    elif _ok(depression) or _ok(mania):
        decision = _one(day, depression, mania, tiers)
    else:
        reason = Reason("no_track", "Neither track could be assessed: no risk is shown.")
        decision = RiskDecision(day, "Indeterminate", None, None, None, *tiers, (reason,))
    around = circumstance_reasons(circumstances)
    decision = replace(decision, reasons=(*reasons, *around, *decision.reasons))
    seen = _ok(mania) and mania.coverage >= rules.limited_coverage
    warning = softened(warning, circumstances, seen)
    return _raised_by_rules(_floored(decision, mania.coverage, rules), warning)


def _ok(track: TrackOutput) -> bool:
    return track.status == "ok" and track.probability is not None


def _tier(track: TrackOutput, edges: Edges) -> str:
    if not _ok(track) or track.probability is None:
        return "Indeterminate"
    return edges.tier(track.probability)


def _availability(depression: TrackOutput, mania: TrackOutput) -> tuple[Reason, ...]:
    return tuple(
        Reason(f"{name}_unavailable", f"{name.capitalize()} not assessed: {track.reason}")
        for name, track in (("depression", depression), ("mania", mania))
        if not _ok(track)
    )


def _one(
    day: date, depression: TrackOutput, mania: TrackOutput, tiers: tuple[str, str]
) -> RiskDecision:
    only, name, weights = (
        (depression, "depression", (1.0, 0.0)) if _ok(depression) else (mania, "mania", (0.0, 1.0))
    )
    tier = tiers[0] if name == "depression" else tiers[1]
    reason = Reason("one_track", f"Only the {name} track could be assessed; it decides alone.")
    return RiskDecision(day, tier, only.probability, *weights, *tiers, (reason,))


def _both(
    day: date,
    depression: TrackOutput,
    mania: TrackOutput,
    tiers: tuple[str, str],
    antidepressant: Antidepressant,
    rules: RouterRules,
    calibrate: Callable[[float], float] | None,
) -> RiskDecision:
    assert depression.probability is not None and mania.probability is not None
    pair = (depression.probability, mania.probability)
    highest = higher(*tiers)

    def combined(weights: tuple[float, float], *why: Reason) -> _Combined:
        raw = weights[0] * pair[0] + weights[1] * pair[1]
        probability = round(_of_either(pair, calibrate(raw)) if calibrate else raw, DECIMALS)
        if tiers == ("Low", "Low"):
            low = Reason("both_low", "Both tracks are Low, so the overall tier is Low.")
            return _Combined(probability, "Low", weights, (*why, low))
        tier = rules.overall.tier(probability)
        if calibrate and higher(tier, highest) != highest:
            text = f"No track is above {highest}, so the overall tier is {highest}."
            return _Combined(probability, highest, weights, (*why, Reason("no_higher", text)))
        return _Combined(probability, tier, weights, why)

    best = _weighed(depression.coverage, mania.coverage, tiers, antidepressant, rules, combined)
    shown = Reason(
        "weights",
        f"Weights: depression {best.weights[0]:.2f}, mania {best.weights[1]:.2f}.",
    )
    return RiskDecision(
        day, best.tier, best.probability, *best.weights, *tiers, (*best.reasons, shown)
    )


def _of_either(pair: tuple[float, float], calibrated: float) -> float:
    """Within what the probability of one or both can be: from the larger to their sum (Fréchet).

    The calibrator has seen all days with that mean, of whatever weights; this day's own two
    probabilities say more.
    """
    return min(max(calibrated, *pair), sum(pair), 1.0)


def _weighed(
    depression_coverage: float,
    mania_coverage: float,
    tiers: tuple[str, str],
    antidepressant: Antidepressant,
    rules: RouterRules,
    combined: Callable[..., _Combined],
) -> _Combined:
    limited = (
        depression_coverage < rules.limited_coverage,
        mania_coverage < rules.limited_coverage,
    )
    if limited[0] != limited[1]:
        return _limited_one(limited, rules, combined)
    why: list[Reason] = []
    if all(limited):
        share = f"{rules.limited_coverage:.0%}"
        why.append(Reason("limited_data_both", f"Limited data: both tracks are under {share}."))
    if tiers[0] == tiers[1]:
        why.append(Reason("tracks_agree", f"Both tracks are {tiers[0]}: they weigh the same."))
        return combined(rules.same, *why)
    usual = Reason("tracks_differ", "The tracks differ: mania weighs more.")
    treated = Reason(
        "tracks_differ_antidepressant",
        "The tracks differ and an SSRI or SNRI is active: depression weighs more.",
    )
    if antidepressant is Antidepressant.NONE:
        return combined(rules.different, *why, usual)
    if antidepressant is Antidepressant.ACTIVE:
        return combined(rules.different_with_antidepressant, *why, treated)
    unknown = Reason(
        "medication_unavailable",
        "The medication list is unavailable: both weightings were computed, the higher kept.",
    )
    both = (
        combined(rules.different, *why, unknown),
        combined(rules.different_with_antidepressant, *why, unknown),
    )
    return max(both, key=lambda c: (TIERS.index(c.tier), c.probability))


def _limited_one(
    limited: tuple[bool, bool], rules: RouterRules, combined: Callable[..., _Combined]
) -> _Combined:
    light, full = rules.limited_weight, 1 - rules.limited_weight
    name = "depression" if limited[0] else "mania"
    reason = Reason(
        f"limited_data_{name}",
        f"Limited data for {name} (under {rules.limited_coverage:.0%}): it weighs {light:.2f}.",
    )
    return combined((light, full) if limited[0] else (full, light), reason)


def _floored(decision: RiskDecision, mania_coverage: float, rules: RouterRules) -> RiskDecision:
    floors: list[tuple[str, Reason]] = []
    if decision.depression_tier == "High":
        tier = rules.floor.depression_high
        floors.append((tier, Reason("floor_depression", f"Depression is High: at least {tier}.")))
    if decision.mania_tier == "High":
        full = mania_coverage >= rules.limited_coverage
        tier = rules.floor.mania_high if full else rules.floor.mania_high_limited
        text = (
            f"Mania is High: {tier}."
            if full
            else f"Mania is High on limited data: at least {tier}."
        )
        floors.append((tier, Reason("floor_mania", text)))
    for tier, reason in floors:
        if higher(decision.tier, tier) != decision.tier:
            decision = replace(decision, tier=tier, reasons=(*decision.reasons, reason))
    return decision


def _raised_by_rules(decision: RiskDecision, warning: EarlyWarning) -> RiskDecision:
    decision = replace(decision, reasons=(*decision.reasons, *warning.reasons))
    if warning.tier is None:
        return decision
    return replace(
        decision,
        tier=higher(decision.tier, warning.tier),
        mania_tier=higher(decision.mania_tier, warning.tier),
    )
