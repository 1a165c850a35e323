"""“What would change this”, in sentences: the decision's own rules, asked again."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.templatetags.clarity import number, percent, percent_by
from scoring.domain.early_warning import THREE_NIGHTS, TWO_NIGHTS, EarlyWarning
from scoring.domain.router import Antidepressant
from scoring.domain.types import TrackOutput
from scoring.domain.what_if import (
    MANIA,
    EdgeStep,
    Inputs,
    KnownList,
    MoreCoverage,
    MoreData,
    WhatIf,
    WithoutRule,
    what_would_change,
)
from scoring.engines.artifacts import ArtifactError
from scoring.models import RiskScore, Tier
from scoring.presenters.tracks import TIER_WORDS, coverage_words
from scoring.resources import router_rules
from scoring.selectors import circumstances_kept, models_in_use
from scoring.services import COMBINATION

CLOSE = 1e-6
RULES = {THREE_NIGHTS: "High", TWO_NIGHTS: "Moderate"}


def what_if_sentences(score: RiskScore) -> list[str] | None:
    """What would change the decision; None where today's rules do not give it as it is stored.

    Rules, or the calibrator of both tracks, may have changed since: then nothing is told rather
    than something about another decision.
    """
    given = _inputs(score)
    if given is None:
        return None
    now = given.decide()
    same = score.probability is None or (
        now.probability is not None and abs(now.probability - score.probability) <= CLOSE
    )
    if now.tier != score.tier or not same:
        return None
    return [words for item in what_would_change(given) if (words := told(item, score.tier))]


def _inputs(score: RiskScore) -> Inputs | None:
    depression, mania = (_output(stored) for stored in (score.depression, score.mania))
    context = score.context or {}
    calibrate: Callable[[float], float] | None = None
    if context.get(COMBINATION):
        try:
            models = models_in_use()
            if models.combination_sha256 != context[COMBINATION]:
                return None
            calibrate = models.combination
        except ArtifactError:
            return None
    tier = next((RULES[r["code"]] for r in score.reasons if r["code"] in RULES), None)
    return Inputs(
        day=score.day,
        depression=depression,
        mania=mania,
        antidepressant=Antidepressant(context.get("antidepressant", Antidepressant.UNAVAILABLE)),
        warning=EarlyWarning(tier),
        rules=router_rules(),
        calibrate=calibrate,
        circumstances=circumstances_kept(score),
    )


def _output(stored: Mapping[str, Any]) -> TrackOutput:
    return TrackOutput(
        status=stored["status"],
        reason=stored["reason"],
        probability=stored["probability"],
        coverage=stored["coverage"],
        failed=stored.get("failed", False),
    )


def told(item: WhatIf, overall: str) -> str:
    """The sentence; ``overall`` is the tier as it is. Empty where there is nothing to say."""
    match item:
        case EdgeStep():
            return f"{_edge(item)} {_overall(item.overall, overall)}"
        case MoreData():
            return _more_nights(item) if item.track == MANIA else _more_hours(item)
        case MoreCoverage():
            return f"{_coverage(item)} {_overall(item.overall, overall)}"
        case KnownList():
            return _known_list(item, overall)
        case WithoutRule():
            return _without_rule(item.overall, overall)


def _overall(then: str, now: str) -> str:
    tier = {"tier": TIER_WORDS[Tier(then)]}
    if then == now:
        return _("The overall tier would stay %(tier)s.") % tier
    return _("The overall tier would be %(tier)s.") % tier


def _edge(item: EdgeStep) -> str:
    words = {
        ("depression", True): _("Depression: %(tier)s begins at %(edge)s; it is %(now)s."),
        ("depression", False): _("Depression: below %(edge)s it is %(tier)s; it is %(now)s."),
        ("mania", True): _("Mania: %(tier)s begins at %(edge)s; it is %(now)s."),
        ("mania", False): _("Mania: below %(edge)s it is %(tier)s; it is %(now)s."),
    }[item.track, item.upwards]
    shown = {"edge": percent(item.edge), "now": percent_by(item.now, (item.edge,))}
    return words % (shown | {"tier": TIER_WORDS[Tier(item.tier)]})


def _more_nights(item: MoreData) -> str:
    numbers = {"missing": item.missing, "have": item.have, "needed": item.needed}
    if item.needs_recent:
        latest = {"n": router_rules().mania_recent_nights}
        return (
            _("Mania: a night with data among the last %(n)d would make it assessable again.")
            % latest
        )
    return (
        ngettext(
            "Mania: %(missing)d more worn night, at least, would make it assessable "
            "(%(have)d of the %(needed)d needed).",
            "Mania: %(missing)d more worn nights, at least, would make it assessable "
            "(%(have)d of the %(needed)d needed).",
            item.missing,
        )
        % numbers
    )


def _more_hours(item: MoreData) -> str:
    if not item.missing:
        return ""  # it is not for want of worn time: the decision's reason says why
    missing, have, needed = (
        number(minutes / 60) for minutes in (item.missing, item.have, item.needed)
    )
    return _(
        "Depression: %(missing)s h more of wear in the week, at least, would make it assessable "
        "(%(have)s h of the %(needed)s h needed)."
    ) % {"missing": missing, "have": have, "needed": needed}


def _coverage(item: MoreCoverage) -> str:
    limit = {"limit": coverage_words(item.track, item.limit)}
    if item.track == MANIA:
        return _("Mania: with %(limit)s its data would count as sufficient.") % limit
    return _("Depression: with %(limit)s its data would count as sufficient.") % limit


def _known_list(item: KnownList, overall: str) -> str:
    tiers = {"without": TIER_WORDS[Tier(item.without)], "with": TIER_WORDS[Tier(item.with_one)]}
    if item.without == item.with_one == overall:
        return (
            _("With the medication list available the overall tier would be %(with)s all the same.")
            % tiers
        )
    return (
        _(
            "With the medication list available the overall tier would be %(without)s without an "
            "active SSRI or SNRI, and %(with)s with one."
        )
        % tiers
    )


def _without_rule(then: str, now: str) -> str:
    tier = {"tier": TIER_WORDS[Tier(then)]}
    if then == now:
        return _("Without the early-warning rule the overall tier would stay %(tier)s.") % tier
    return _("Without the early-warning rule the overall tier would be %(tier)s.") % tier
