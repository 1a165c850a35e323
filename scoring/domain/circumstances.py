"""What else goes on in a person's life: how it words and weighs reasons, by circumstances.toml.

A circumstance changes no probability and lowers no tier of a model. At most one early-warning
rule becomes a note in the decision's log, and only where the mania model has the nights to speak.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from patients.domain.rule_files import Maybe, RuleFileError, read_rule_file
from scoring.domain.clinical_flags import KINDS as FLAG_KINDS
from scoring.domain.early_warning import TWO_NIGHTS, EarlyWarning
from scoring.domain.types import Contribution, Reason, TrackOutput
from scoring.domain.vector_names import BODY_NAMES, INDEX_NAMES, PARTS

CIRCUMSTANCES = ("shift_work", "newborn", "pregnancy", "chronic_illness", "travel")
GROUPS = ("phase", "regularity", "short_sleep", "body")
RAISE, NOTE = "raise", "note"
NOTED = "early_warning_noted"


@dataclass(frozen=True)
class Effect:
    """What one kind does. ``weights``: by which share points of a name count, above 0 to 1."""

    words: str
    says: str
    days_after: int
    weights: Mapping[str, float]
    two_short_nights: str


@dataclass(frozen=True)
class CircumstanceRules:
    """Everything in circumstances.toml; ``version`` is the file's hash."""

    effects: Mapping[str, Effect]
    version: str
    checked_by: str


@dataclass(frozen=True)
class Span:
    """A circumstance as it is recorded; without a last day it goes on."""

    kind: str
    first_day: date
    last_day: date | None = None

    def as_dict(self) -> dict[str, str | None]:
        """JSON-ready values."""
        last = self.last_day.isoformat() if self.last_day else None
        return {"kind": self.kind, "first_day": self.first_day.isoformat(), "last_day": last}

    @classmethod
    def from_dict(cls, values: Mapping[str, str | None]) -> "Span":
        """What ``as_dict`` gave."""
        last = values["last_day"]
        first = date.fromisoformat(str(values["first_day"]))
        return cls(str(values["kind"]), first, date.fromisoformat(last) if last else None)


@dataclass(frozen=True)
class Circumstance:
    """A recorded circumstance and its effect."""

    span: Span
    effect: Effect

    @property
    def since(self) -> str:
        """“Works shifts since 3 March 2026”, with the last day where there is one.

        >>> effect = Effect("Works shifts", "", 0, {}, "raise")
        >>> Circumstance(Span("shift_work", date(2026, 3, 3)), effect).since
        'Works shifts since 3 March 2026'
        >>> Circumstance(Span("shift_work", date(2026, 3, 3), date(2026, 3, 9)), effect).since
        'Works shifts from 3 March 2026 to 9 March 2026'
        """
        first, last = self.span.first_day, self.span.last_day
        if last is None:
            return f"{self.effect.words} since {_day(first)}"
        return f"{self.effect.words} from {_day(first)} to {_day(last)}"

    def counts_on(self, day: date) -> bool:
        """Whether it still changes how that day is read."""
        last = self.span.last_day
        # Days are subtracted: added to the last day there is, they would be no day.
        ends = last is not None and (day - last).days > self.effect.days_after
        return self.span.first_day <= day and not ends


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def circumstances_on(
    spans: Iterable[Span], day: date, rules: CircumstanceRules
) -> tuple[Circumstance, ...]:
    """Those that count on the day, in the order of the file, the oldest of a kind first."""
    known = (Circumstance(span, rules.effects[span.kind]) for span in spans)
    found = [c for c in known if c.counts_on(day)]
    return tuple(sorted(found, key=lambda c: (CIRCUMSTANCES.index(c.span.kind), c.span.first_day)))


def circumstance_reasons(circumstances: Iterable[Circumstance]) -> tuple[Reason, ...]:
    """A step of the decision's log for each: “Works shifts since …: the timing of … says less.”"""
    return tuple(
        Reason(f"circumstance_{c.span.kind}", f"{c.since}: {c.effect.says}.") for c in circumstances
    )


def softened(
    warning: EarlyWarning, circumstances: Iterable[Circumstance], mania_is_seen: bool
) -> EarlyWarning:
    """The warning, or its note: only of the two-night rule, and where the model sees mania.

    A note raises no tier; its text is the rule's own with the circumstance.
    """
    noting = [c for c in circumstances if c.effect.two_short_nights == NOTE]
    if not noting or not mania_is_seen or [r.code for r in warning.reasons] != [TWO_NIGHTS]:
        return warning
    text = f"{warning.reasons[0].text} It is noted and raises no tier: {noting[0].since}."
    return EarlyWarning(None, (Reason(NOTED, text),))


def weight_of(name: str, circumstances: Iterable[Circumstance]) -> float:
    """By which share what is called so counts when reasons are put in order; the least of all."""
    return min((c.effect.weights.get(name, 1.0) for c in circumstances), default=1.0)


def says_less(name: str, circumstances: Iterable[Circumstance]) -> str:
    """Why what is called so says less, in words; empty where it counts in full.

    >>> effect = Effect("Works shifts", "", 0, {"phase_delayed": 0.5}, "raise")
    >>> says_less("phase_delayed", [Circumstance(Span("shift_work", date(2026, 3, 3)), effect)])
    'says less: works shifts since 3 March 2026'
    """
    found = [c.since for c in circumstances if c.effect.weights.get(name, 1.0) < 1.0]
    words = ", ".join(since[0].lower() + since[1:] for since in found)
    return f"says less: {words}" if found else ""


def weighed(track: TrackOutput, circumstances: tuple[Circumstance, ...]) -> TrackOutput:
    """The track with its contributions in the order of their weighed points; no number changes."""

    def size(item: Contribution) -> float:
        return -abs(item.points) * weight_of(item.name, circumstances)

    if not circumstances:
        return track
    return replace(track, contributions=tuple(sorted(track.contributions, key=size)))


def load_circumstance_rules(path: Path) -> CircumstanceRules:
    """Read and check circumstances.toml.

    Raises RuleFileError for a name that nothing in Clarity has, and a weight that is not above
    0 and up to 1: a reason may say less, it may not disappear.
    """
    effect = {
        "words": str,
        "says": str,
        "days_after": int,
        "weigh": dict.fromkeys(GROUPS, Maybe(float)),
        "two_short_nights": str,
        "source": str,
    }
    shape = {"groups": {g: [str] for g in GROUPS}, **dict.fromkeys(CIRCUMSTANCES, effect)}
    table, version = read_rule_file(path, shape)
    known = {*INDEX_NAMES, *BODY_NAMES, *PARTS, *FLAG_KINDS} - {"usual"}
    for name in (name for group in GROUPS for name in table["groups"][group]):
        if name not in known:
            raise RuleFileError(f"{path.name}: groups names {name}, which nothing is called.")
    effects = {kind: _effect(path, kind, table) for kind in CIRCUMSTANCES}
    return CircumstanceRules(effects, version, table["checked_by"])


def _effect(path: Path, kind: str, table: Mapping[str, Any]) -> Effect:
    of = table[kind]
    if of["days_after"] < 0:
        raise RuleFileError(f"{path.name}: {kind}.days_after must be 0 or more.")
    if of["two_short_nights"] not in (RAISE, NOTE):
        raise RuleFileError(f'{path.name}: {kind}.two_short_nights must be "raise" or "note".')
    if not all(0 < weight <= 1 for weight in of["weigh"].values()):
        raise RuleFileError(f"{path.name}: weights of {kind} must be above 0 and up to 1.")
    weights = {
        name: weight for group, weight in of["weigh"].items() for name in table["groups"][group]
    }
    return Effect(of["words"], of["says"], of["days_after"], weights, of["two_short_nights"])
