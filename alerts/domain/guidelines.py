"""Recommendations: one reviewed file each. One is chosen for a situation, and what was not shown
for lack of data is told with the reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any

from patients.domain.rule_files import Maybe, RuleFileError, read_rule_file

TRACKS = ("depression", "mania")
LEVELS = ("monitor", "review or adjust", "same-day assessment")
LEVEL_OF_TIER = {"Low": 0, "Moderate": 1, "High": 2}
DIAGNOSES = ("mdd", "bipolar_1", "bipolar_2", "unknown")
NOT_RECORDED = "unknown"
NOT_ASSESSED_TIER = "Indeterminate"
DIAGNOSIS_MISSING = "the diagnosis is not recorded"
LIST_MISSING = "the medication list is unavailable"
PLACES = {"{antidepressant}": "antidepressant", "{mood_stabiliser}": "mood_stabiliser"}


class Known(StrEnum):
    """An answer that may not be known; that is never read as no."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Seen(StrEnum):
    """How well a track's data let it be assessed."""

    WELL = "assessed"
    LIMITED = "limited data"
    NOT = "not assessed"


@dataclass(frozen=True)
class Situation:
    """All that a recommendation may depend on. ``tier`` is the alert's, or the track's own."""

    track: str
    tier: str
    diagnosis: str
    antidepressant: Known
    stabiliser_stopped: Known
    seen: Seen
    other_seen: Seen
    other_tier: str
    early_warning: bool

    @property
    def other(self) -> str:
        """The other track."""
        return TRACKS[1 - TRACKS.index(self.track)]


@dataclass(frozen=True)
class Criteria:
    """When a recommendation fits. What is empty or None is not asked."""

    track: str
    tiers: tuple[str, ...]
    diagnoses: tuple[str, ...] = ()
    antidepressant: str = ""
    mood_stabiliser: str = ""
    other_tiers: tuple[str, ...] = ()
    one_track_only: bool | None = None
    early_warning: bool | None = None

    def answers(self, situation: Situation) -> Iterator[tuple[Known, str]]:
        """An answer to each criterion, with what is missing where it is not known."""
        yield _known(self.track == situation.track and situation.tier in self.tiers), ""
        if self.diagnoses:
            fits = situation.diagnosis in self.diagnoses
            missing = not fits and situation.diagnosis == NOT_RECORDED
            yield Known.UNKNOWN if missing else _known(fits), DIAGNOSIS_MISSING
        if self.antidepressant:
            yield situation.antidepressant, LIST_MISSING
        if self.mood_stabiliser:
            yield situation.stabiliser_stopped, LIST_MISSING
        if self.other_tiers:
            missing = situation.other_tier == NOT_ASSESSED_TIER
            fits = situation.other_tier in self.other_tiers
            yield Known.UNKNOWN if missing else _known(fits), f"{situation.other} was not assessed"
        if self.one_track_only is not None:
            yield _known(self.one_track_only == (situation.other_seen is Seen.NOT)), ""
        if self.early_warning is not None:
            yield _known(self.early_warning == situation.early_warning), ""


def _known(holds: bool) -> Known:
    return Known.YES if holds else Known.NO


@dataclass(frozen=True)
class Recommendation:
    """What to consider, and on whose word."""

    name: str
    title: str
    text: str
    level: int
    rank: int
    source: str
    section: str
    authored_by: str
    checked_by: str
    date_reviewed: date
    next_review: date
    criteria: Criteria

    def lacks(self, situation: Situation) -> tuple[str, ...] | None:
        """What must be known to say that it fits: nothing where it does; None: it does not."""
        answers = list(self.criteria.answers(situation))
        if any(answer is Known.NO for answer, _ in answers):
            return None
        return tuple(dict.fromkeys(why for answer, why in answers if answer is Known.UNKNOWN))


@dataclass(frozen=True)
class Advice:
    """At most one recommendation, how far it can be trusted, and what was not shown and why."""

    recommendation: Recommendation | None
    limits: tuple[str, ...]
    not_shown: tuple[str, ...]

    def as_dict(self, drugs: Mapping[str, str]) -> dict[str, Any]:
        """JSON-ready; ``drugs`` are the names that the text's places stand for."""
        told: dict[str, Any] = {"limits": list(self.limits), "not_shown": list(self.not_shown)}
        if (found := self.recommendation) is None:
            return told
        text = found.text
        for place, name in PLACES.items():
            text = text.replace(place, drugs.get(name, ""))
        return {
            "name": found.name,
            "title": found.title,
            "text": text,
            "level": found.level,
            "source": found.source,
            "section": found.section,
            "authored_by": found.authored_by,
            "checked_by": found.checked_by,
            "date_reviewed": found.date_reviewed.isoformat(),
            "next_review": found.next_review.isoformat(),
            **told,
        }


def advise(guidelines: Sequence[Recommendation], situation: Situation) -> Advice:
    """The most specific recommendation all of whose criteria hold, the same for the same inputs.

    Of those before it in rank, each that would fit if a missing thing were known is not shown,
    with the reason.
    """
    chosen, missing = None, []
    for guideline in sorted(guidelines, key=lambda g: (-g.rank, g.name)):
        lacks = guideline.lacks(situation)
        if lacks == ():
            chosen = guideline
            break
        if lacks:
            missing.append((" and ".join(lacks), f"“{guideline.title}”"))
    return Advice(chosen, tuple(_limits(situation)), tuple(_not_shown(situation, missing)))


def _not_shown(situation: Situation, missing: list[tuple[str, str]]) -> Iterator[str]:
    for reason, titles in groupby(sorted(missing, key=lambda m: m[0]), key=lambda m: m[0]):
        names = ", ".join(dict.fromkeys(title for _, title in titles))
        yield f"Not shown: {names}, because {reason}."
    # A rule may give a tier to a track that no model has assessed.
    for track, tier in (
        (situation.track, situation.tier),
        (situation.other, situation.other_tier),
    ):
        if tier == NOT_ASSESSED_TIER:
            yield f"Not shown: anything about {track}, because {track} was not assessed."


def _limits(situation: Situation) -> Iterator[str]:
    """What a reader must know of the data before the words."""
    track, other = situation.track, situation.other
    if situation.tier != NOT_ASSESSED_TIER and situation.seen is Seen.NOT:
        yield f"{track.capitalize()} was not assessed by its model: a rule alone is behind this."
    if situation.other_seen is Seen.NOT and situation.tier != NOT_ASSESSED_TIER:
        yield f"{other.capitalize()} not assessed: this looks at {track} alone."
    for name, seen in ((track, situation.seen), (other, situation.other_seen)):
        if seen is Seen.LIMITED:
            yield f"Limited data for {name}."


CRITERIA = {
    "track": str,
    "tiers": [str],
    "diagnoses": Maybe([str]),
    "antidepressant": Maybe(str),
    "mood_stabiliser": Maybe(str),
    "other_tiers": Maybe([str]),
    "one_track_only": Maybe(bool),
    "early_warning": Maybe(bool),
}
SHAPE = {
    "section": str, "title": str, "text": str, "level": int, "rank": int, "criteria": CRITERIA,
}  # fmt: skip
CHOICES: dict[str, Sequence[str]] = {
    "track": TRACKS,
    "tiers": tuple(LEVEL_OF_TIER),
    "diagnoses": DIAGNOSES,
    "antidepressant": ("active",),
    "mood_stabiliser": ("stopped",),
    "other_tiers": tuple(LEVEL_OF_TIER),
}


def load_guidelines(folder: Path) -> tuple[Recommendation, ...]:
    """Every file of the folder, the most specific (highest rank) first.

    Raises RuleFileError naming the file for a missing, unknown or empty field.
    """
    found = map(load_guideline, sorted(folder.glob("*.toml")))
    return tuple(sorted(found, key=lambda g: (-g.rank, g.name)))


def load_guideline(path: Path) -> Recommendation:
    """One file. Raises RuleFileError for what is unknown, missing or contradicts itself."""
    table, _ = read_rule_file(path, SHAPE)
    asked: dict[str, Any] = table.pop("criteria")
    for name, allowed in CHOICES.items():
        given = asked.get(name, [])
        for value in given if isinstance(given, list) else [given]:
            if value not in allowed:
                words = ", ".join(allowed)
                raise RuleFileError(f"{path.name}: criteria.{name} is one of: {words}.")
    criteria: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in asked.items()}
    made = Recommendation(name=path.stem, criteria=Criteria(**criteria), **table)
    if problem := _contradiction(made):
        raise RuleFileError(f"{path.name}: {problem}")
    return made


def _contradiction(made: Recommendation) -> str:
    if "consider" not in made.text.lower():
        return "a recommendation says “consider …”."
    if {LEVEL_OF_TIER[tier] for tier in made.criteria.tiers} != {made.level}:
        return "level must be that of criteria.tiers: 0 Low, 1 Moderate, 2 High."
    for place, name in PLACES.items():
        if place in made.text and not getattr(made.criteria, name):
            return f"text names {place}: criteria.{name} must ask for it."
    return ""
