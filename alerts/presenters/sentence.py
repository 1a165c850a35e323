"""The record's first sentence: what moved, since when, how sure."""

from collections.abc import Sequence

from alerts.selectors import ScorePoint
from patients.templatetags.clarity import day as day_words
from scoring.models import IntakeAssessment, Tier, Track
from scoring.presenters.tracks import (
    certainty,
    change,
    coverage_words,
    leading_track,
    since_intake,
    tier_since,
)


def plain_sentence(points: Sequence[ScorePoint], intake: IntakeAssessment | None = None) -> str:
    """What moved, since when, and how sure it is, in words to be read first.

    The clinician's ``intake`` assessment is what came before where no earlier score did.
    """
    since = since_intake(points, Track.DEPRESSION, intake)
    return _sentence(points) + (f" The depression risk indicator is {since}." if since else "")


def _sentence(points: Sequence[ScorePoint]) -> str:
    if not points:
        return "There is no score of the last 90 days yet."
    latest = points[-1]
    if latest.tier == Tier.INDETERMINATE:
        return _not_assessed(points)
    name = leading_track(latest)
    if latest.tier == Tier.LOW and latest.track(name).tier == Tier.LOW:
        return _all_low(points)
    return _moved(points, Track(name))


def _moved(points: Sequence[ScorePoint], track: Track) -> str:
    seen = points[-1].track(track)
    since, before = tier_since(points, track)
    start = f"The {track.label.lower()} risk indicator is {seen.tier} since {day_words(since)}"
    if before:
        start += f" (before: {before})"
    moved = change(points, track)
    if moved:
        start += f", {moved.words}"
    if seen.probability is None:
        return f"{start}, by an early-warning rule; the model could not assess it."
    return f"{start}. The data behind it are {_sure(track, seen.coverage)}."


def _all_low(points: Sequence[ScorePoint]) -> str:
    assessed = [t for t in Track if points[-1].track(t).tier == Tier.LOW]
    least = min(assessed, key=lambda t: points[-1].track(t).coverage or 0)
    sure = _sure(least, points[-1].track(least).coverage)
    if len(assessed) == 1:
        other = next(t for t in Track if t not in assessed)
        return (
            f"The {assessed[0].label.lower()} risk indicator is Low; {other.label.lower()} was "
            f"not assessed. The data behind it are {sure}."
        )
    since = max(tier_since(points, track)[0] for track in Track)
    return f"Both risk indicators are Low since {day_words(since)}. The data are {sure}."


def _not_assessed(points: Sequence[ScorePoint]) -> str:
    last = next((p for p in reversed(points) if p.tier != Tier.INDETERMINATE), None)
    start = f"Neither track could be assessed on {day_words(points[-1].day)}: too little data."
    if last is None:
        return start
    return f"{start} The last assessed day was {day_words(last.day)}, then {last.tier}."


def _sure(track: str, coverage: float | None) -> str:
    return f"{certainty(coverage)} ({coverage_words(track, coverage)})"
