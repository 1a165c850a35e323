"""The record's first sentence: what moved, since when, against what is usual, how sure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from django.utils.translation import gettext as _

from alerts.selectors import ScorePoint
from patients.templatetags.clarity import day as day_words
from patients.templatetags.clarity import percent
from scoring.domain.usual_band import Band
from scoring.models import IntakeAssessment, Tier, Track
from scoring.presenters.tracks import (
    TIER_WORDS,
    TRACK_WORDS,
    certainty,
    change,
    coverage_words,
    edges_of,
    leading_track,
    since_intake,
    tier_since,
    track_percent,
)

Usual = Mapping[str, Band | None]  # by track: where the person's own indicator usually lies


def plain_sentence(
    points: Sequence[ScorePoint],
    intake: IntakeAssessment | None = None,
    usual: Usual | None = None,
    as_of: date | None = None,
) -> str:
    """What moved, since when, against what is usual, and how sure, in words to be read first.

    A newest score of before ``as_of`` is told as past. The clinician's ``intake`` assessment is
    what came before where no earlier score did.
    """
    if not points:
        return _("There is no score of the last 90 days yet.")
    if as_of and points[-1].day < as_of and points[-1].tier != Tier.INDETERMINATE:
        return " ".join(_past(points[-1]))
    sentences = [*_sentences(points, usual or {})]
    since = since_intake(points, Track.DEPRESSION, intake)
    if since:
        sentences.append(_("The depression risk indicator is %(since)s.") % {"since": since})
    return " ".join(sentences)


def _sentences(points: Sequence[ScorePoint], usual: Usual) -> list[str]:
    latest = points[-1]
    if latest.tier == Tier.INDETERMINATE:
        return _not_assessed(points)
    name = leading_track(latest)
    if latest.tier == Tier.LOW and latest.track(name).tier == Tier.LOW:
        return _all_low(points)
    return _moved(points, Track(name), usual.get(name))


def _past(point: ScorePoint) -> Iterator[str]:
    yield _("No day since %(day)s could be scored.") % {"day": day_words(point.day)}
    for track in Track:
        seen = point.track(track)
        if seen.tier:
            told = {"track": str(TRACK_WORDS[track]).lower(), "tier": TIER_WORDS[Tier(seen.tier)]}
            if seen.by_rule:
                words = _(
                    "The %(track)s risk indicator was %(tier)s then, by an early-warning rule."
                )
            else:
                words = _("The %(track)s risk indicator was %(tier)s then.")
            yield words % told
    yield _("This does not say how the person is now.")


def _moved(points: Sequence[ScorePoint], track: Track, usual: Band | None) -> list[str]:
    seen = points[-1].track(track)
    since, before = tier_since(points, track)
    moved = change(points, track)
    words = moved.words if moved and not seen.by_rule else ""  # the number's, not the rule's
    sentences = [_since(track, str(seen.tier), since, before, words)]
    if seen.probability is None:
        told = _("It is by an early-warning rule; the model could not assess it.")
        return [*sentences, told]
    if seen.by_rule:
        sentences.append(_("That tier is by an early-warning rule, not by the model."))
        sentences.append(_of_the_model(track, seen.probability))
    elif usual:
        sentences.append(_usually(track, seen.probability, usual))
    return [*sentences, _sure(track, seen.coverage)]


def _since(track: Track, tier: str, since: date, before: str | None, moved: str) -> str:
    told = {
        "track": str(TRACK_WORDS[track]).lower(),
        "tier": TIER_WORDS[Tier(tier)],
        "day": day_words(since),
        "before": TIER_WORDS[Tier(before)] if before else "",
        "moved": moved,
    }
    if before and moved:
        words = _(
            "The %(track)s risk indicator is %(tier)s since %(day)s (before: %(before)s), "
            "%(moved)s."
        )
    elif before:
        words = _("The %(track)s risk indicator is %(tier)s since %(day)s (before: %(before)s).")
    elif moved:
        words = _("The %(track)s risk indicator is %(tier)s since %(day)s, %(moved)s.")
    else:
        words = _("The %(track)s risk indicator is %(tier)s since %(day)s.")
    return words % told


def _of_the_model(track: Track, probability: float) -> str:
    own = TIER_WORDS[Tier(edges_of(track).tier(probability))]
    told = {"share": track_percent(track, probability), "tier": own}
    return _("The model’s indicator is %(share)s (%(tier)s).") % told


def _usually(track: Track, probability: float, usual: Band) -> str:
    low, high = usual
    told = {"now": track_percent(track, probability), "low": percent(low), "high": percent(high)}
    if probability > high:
        return _("It is %(now)s, above what is usual for this person (%(low)s to %(high)s).") % told
    if probability < low:
        return _("It is %(now)s, below what is usual for this person (%(low)s to %(high)s).") % told
    return _("It is %(now)s, as is usual for this person (%(low)s to %(high)s).") % told


def _all_low(points: Sequence[ScorePoint]) -> list[str]:
    assessed = [t for t in Track if points[-1].track(t).tier == Tier.LOW]
    least = min(assessed, key=lambda t: points[-1].track(t).coverage or 0)
    coverage = points[-1].track(least).coverage
    sure = _sure(least, coverage)
    if len(assessed) == 1:
        other = next(t for t in Track if t not in assessed)
        told = {
            "track": str(TRACK_WORDS[assessed[0]]).lower(),
            "other": str(TRACK_WORDS[other]).lower(),
        }
        words = _("The %(track)s risk indicator is Low; %(other)s was not assessed.") % told
        return [words, sure]
    since = max(tier_since(points, track)[0] for track in Track)
    both = _("Both risk indicators are Low since %(day)s.") % {"day": day_words(since)}
    told = {"sure": certainty(coverage), "coverage": coverage_words(least, coverage)}
    return [both, _("The data behind them are %(sure)s (%(coverage)s).") % told]


def _not_assessed(points: Sequence[ScorePoint]) -> list[str]:
    day = {"day": day_words(points[-1].day)}
    start = _("Neither track could be assessed on %(day)s: too little data.") % day
    last = next((p for p in reversed(points) if p.tier != Tier.INDETERMINATE), None)
    if last is None:
        return [start]
    told = {"day": day_words(last.day), "tier": TIER_WORDS[Tier(last.tier)]}
    return [start, _("The last assessed day was %(day)s, then %(tier)s.") % told]


def _sure(track: str, coverage: float | None) -> str:
    told = {"sure": certainty(coverage), "coverage": coverage_words(track, coverage)}
    return _("The data behind it are %(sure)s (%(coverage)s).") % told
