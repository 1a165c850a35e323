"""What would change a decision: its own router asked again, with one thing different at a time.

No probability is made up. A track's indicator is set to an edge of its own tiers, coverage to a
limit of the rules, the medication list to each thing it may say; the tier that comes out is told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from scoring.domain.circumstances import Circumstance
from scoring.domain.early_warning import EarlyWarning
from scoring.domain.router import TIERS, Antidepressant, decide
from scoring.domain.rules import Edges, RouterRules
from scoring.domain.types import RiskDecision, TrackOutput

WEEK_MINUTES, NIGHTS = 10_080, 30
JUST_BELOW = 1e-9
DEPRESSION, MANIA = "depression", "mania"


@dataclass(frozen=True)
class Inputs:
    """What the router was given on a day."""

    day: date
    depression: TrackOutput
    mania: TrackOutput
    antidepressant: Antidepressant
    warning: EarlyWarning
    rules: RouterRules
    calibrate: Callable[[float], float] | None = None
    circumstances: tuple[Circumstance, ...] = ()

    def decide(self) -> RiskDecision:
        """The router's decision."""
        return decide(
            self.day, self.depression, self.mania, self.antidepressant, self.warning,
            self.rules, self.calibrate, self.circumstances,
        )  # fmt: skip

    def track(self, name: str) -> TrackOutput:
        """The output of that track."""
        return self.depression if name == DEPRESSION else self.mania

    def edges(self, name: str) -> Edges:
        """The tier edges of that track."""
        return self.rules.depression if name == DEPRESSION else self.rules.mania

    def with_track(self, name: str, output: TrackOutput) -> "Inputs":
        """The same with another output of that track."""
        return (
            replace(self, depression=output) if name == DEPRESSION else replace(self, mania=output)
        )


@dataclass(frozen=True)
class EdgeStep:
    """A track at the nearest edge of its tier: ``edge`` 0 to 1, and the tiers from there on.

    ``upwards`` is False for the tier below: the indicator just under the edge.
    """

    track: str
    now: float
    edge: float
    upwards: bool
    tier: str
    overall: str


@dataclass(frozen=True)
class MoreData:
    """A track that is not assessed, and how much is missing: worn minutes or nights, at least.

    ``needs_recent`` says that none of the last nights is there, and one must be.
    """

    track: str
    have: int
    needed: int
    needs_recent: bool = False

    @property
    def missing(self) -> int:
        """So many more, at least: older ones leave the window meanwhile."""
        return max(self.needed - self.have, 0)


@dataclass(frozen=True)
class MoreCoverage:
    """A track on limited data, were it covered up to the limit: what the tier would be."""

    track: str
    coverage: float
    limit: float
    overall: str


@dataclass(frozen=True)
class KnownList:
    """Were the medication list available: the tier with none active, and with an SSRI or SNRI."""

    without: str
    with_one: str


@dataclass(frozen=True)
class WithoutRule:
    """The tier had the early-warning rule not spoken."""

    overall: str


WhatIf = EdgeStep | MoreData | MoreCoverage | KnownList | WithoutRule


def what_would_change(given: Inputs) -> list[WhatIf]:
    """All that would change the decision or make it surer, the tracks' edges first."""
    return [
        *_edges(given),
        *_without_rule(given),
        *_more_data(given),
        *_more_coverage(given),
        *_known_list(given),
    ]


def _edges(given: Inputs) -> Iterator[EdgeStep]:
    for name in (DEPRESSION, MANIA):
        output, edges = given.track(name), given.edges(name)
        if output.status != "ok" or output.probability is None:
            continue
        now = output.probability
        above = next((e for e in (edges.moderate, edges.high) if e > now), None)
        below = next((e for e in (edges.high, edges.moderate) if e <= now), None)
        for edge, upwards in ((above, True), (below, False)):
            if edge is None:
                continue
            at = edge if upwards else edge - JUST_BELOW
            there = given.with_track(name, replace(output, probability=at)).decide()
            yield EdgeStep(name, now, edge, upwards, edges.tier(at), there.tier)


def _more_data(given: Inputs) -> Iterator[MoreData]:
    rules = given.rules
    depression, mania = given.depression, given.mania
    if depression.status != "ok" and not depression.failed:
        needed = round(rules.min_depression_coverage * WEEK_MINUTES)
        yield MoreData(DEPRESSION, round(depression.coverage * WEEK_MINUTES), needed)
    if mania.status != "ok" and not mania.failed:
        have = round(mania.coverage * NIGHTS)
        enough = have >= rules.min_mania_nights
        yield MoreData(MANIA, have, rules.min_mania_nights, needs_recent=enough)


def _more_coverage(given: Inputs) -> Iterator[MoreCoverage]:
    limit = given.rules.limited_coverage
    for name in (DEPRESSION, MANIA):
        output = given.track(name)
        if output.status == "ok" and output.coverage < limit:
            there = given.with_track(name, replace(output, coverage=limit)).decide()
            yield MoreCoverage(name, output.coverage, limit, there.tier)


def _known_list(given: Inputs) -> Iterator[KnownList]:
    if given.antidepressant is not Antidepressant.UNAVAILABLE:
        return
    if TIERS[0] == given.decide().tier:
        return
    without, with_one = (
        replace(given, antidepressant=state).decide().tier
        for state in (Antidepressant.NONE, Antidepressant.ACTIVE)
    )
    yield KnownList(without, with_one)


def _without_rule(given: Inputs) -> Iterator[WithoutRule]:
    if given.warning.tier is not None:
        yield WithoutRule(replace(given, warning=EarlyWarning()).decide().tier)
