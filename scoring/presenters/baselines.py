"""How baselines look: where each patient stands, versions side by side, what would change."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from patients.models import Patient
from scoring.domain.baseline_rules import BaselineRules, Feature, Usual
from scoring.domain.worsening import CLOCK_MINUTES, sd_off
from scoring.models import Baseline, Tier
from scoring.presenters.tracks import main_features
from scoring.usual import CHANGED_DAYS, FAMILY, RunIn, TriedDay

SIDE_BY_SIDE = 4
PREVIEW_DAYS = 30
# Which activity a minute is counted in differs by device, and versions may be of several.
SHOWN_UNITS = {"a minute": "sensor units a minute"}
FAR_SD = 1.0  # a difference of so many SDs is marked
State = Baseline.State


@dataclass(frozen=True)
class BaselineLine:
    """One patient of the list. ``refresh_is_due``: another is proposed after a steady time."""

    patient: Patient
    in_force: Baseline | None
    proposal: Baseline | None
    run_in: RunIn | None
    refresh_is_due: bool

    @property
    def features(self) -> list[dict[str, Any]]:
        """What is usual, of the proposal if there is one; worked out for the lines shown."""
        shown = self.proposal or self.in_force
        return main_features(shown) if shown else []

    @property
    def urgency(self) -> tuple[bool, bool, str]:
        """Those with something to decide first."""
        return self.proposal is None, not self.refresh_is_due, self.patient.code


def baseline_line(
    patient: Patient,
    live: Iterable[Baseline],
    run_in: RunIn | None,
    today: date,
    rules: BaselineRules,
) -> BaselineLine:
    """Where a patient stands; ``live`` are the versions that are proposed or in force."""
    by_state = {row.state: row for row in live}
    in_force = by_state.get(State.APPROVED) or by_state.get(State.FROZEN)
    proposal = by_state.get(State.PROPOSED)
    return BaselineLine(
        patient=patient,
        in_force=in_force,
        proposal=proposal,
        run_in=run_in,
        refresh_is_due=proposal is None and _is_old(in_force, today, rules),
    )


def _is_old(in_force: Baseline | None, today: date, rules: BaselineRules) -> bool:
    """Whether the night looks for a steady time to propose another from."""
    if in_force is None or in_force.state == State.FROZEN:
        return False
    begun = in_force.last_day
    if in_force.decided_at:
        begun = max(begun, in_force.decided_at.date())
    return today - begun >= timedelta(days=rules.low_days)


@dataclass(frozen=True)
class Row:
    """One feature across the versions; a cell is None where a version lacks it."""

    label: str
    unit: str
    population: dict[str, Any] | None
    verified: bool
    source: str
    worse: str
    cells: list[dict[str, Any] | None]


def newest_and_live(versions: Sequence[Baseline]) -> list[Baseline]:
    """Four versions, newest first as they come: what is proposed or in force is among them."""
    live = [v for v in versions if v.state == State.PROPOSED or v.is_in_force]
    others = [v for v in versions if v not in live]
    shown = {v.pk for v in (*live, *others[: SIDE_BY_SIDE - len(live)])}
    return [v for v in versions if v.pk in shown]


def side_by_side(versions: Iterable[Baseline], rules: BaselineRules) -> list[Row]:
    """Each feature's mean and SD in the population and in each version, in the file's order."""
    columns = [version.values or {} for version in versions]
    return [
        Row(
            label=feature.label,
            unit=SHOWN_UNITS.get(feature.unit, feature.unit),
            population=_cell(feature.population.usual) if feature.population else None,
            verified=bool(feature.population and feature.population.verified and rules.checked_by),
            source=feature.population.source if feature.population else "",
            worse=", ".join(
                f"{_side(side, feature)} for {pole}" for pole, side in feature.worse.items()
            ),
            cells=[column.get(name) for column in columns],
        )
        for name, feature in rules.features.items()
    ]


def _side(side: str, feature: Feature) -> str:
    """Lower or higher; of the clock earlier or later."""
    return {"lower": "earlier", "higher": "later"}[side] if feature.period else side


def _cell(usual: Usual) -> dict[str, Any]:
    return {"mean": usual.mean, "sd": usual.sd}


@dataclass(frozen=True)
class Preview:
    """What a change would do: the days it speaks of otherwise, and the last 30 counted."""

    changed: list[TriedDay]
    scored: int
    worse_before: int
    worse_after: int
    tiers: list[tuple[str, int]]
    days: int = CHANGED_DAYS
    counted_days: int = PREVIEW_DAYS


def preview(days: Sequence[TriedDay]) -> Preview:
    """``days`` newest first, as they were tried."""
    newest = days[0].day if days else None
    lately = [d for d in days if newest and (newest - d.day).days < PREVIEW_DAYS]
    tiers = Counter(d.tier for d in lately)
    return Preview(
        changed=[d for d in days if d.changes],
        scored=len(lately),
        worse_before=sum(bool(d.before) for d in lately),
        worse_after=sum(bool(d.after) for d in lately),
        tiers=[(str(tier), tiers[tier]) for tier in reversed(Tier.values) if tiers[tier]],
    )


@dataclass(frozen=True)
class Difference:
    """How far one mean lies from another: in the feature's unit, and in the other's SDs."""

    amount: float
    unit: str
    sd: float

    @property
    def is_far(self) -> bool:
        """Whether a reader should stop at it."""
        return abs(self.sd) >= FAR_SD


@dataclass(frozen=True)
class Compared:
    """A feature of a proposal beside the one in force and the population."""

    label: str
    unit: str
    population: dict[str, Any] | None
    verified: bool
    in_force: dict[str, Any] | None
    proposed: dict[str, Any] | None
    from_in_force: Difference | None
    from_population: Difference | None


def compared(proposal: Baseline, in_force: Baseline | None, rules: BaselineRules) -> list[Compared]:
    """Each feature of the file, in its order; a difference is None where one side is unknown."""
    return [_compared(row, feature, proposal, in_force)
            for row, feature in zip(
                side_by_side([proposal], rules), rules.features.values(), strict=True
            )]  # fmt: skip


def _compared(
    row: Row, feature: Feature, proposal: Baseline, in_force: Baseline | None
) -> Compared:
    new = proposal.values.get(feature.name)
    old = in_force.values.get(feature.name) if in_force else None
    return Compared(
        label=row.label,
        unit=row.unit,
        population=row.population,
        verified=row.verified,
        in_force=old,
        proposed=new,
        from_in_force=_difference(new, old, feature),
        from_population=_difference(new, row.population, feature),
    )


def _difference(
    new: dict[str, Any] | None, old: dict[str, Any] | None, feature: Feature
) -> Difference | None:
    """None as well where the two are in units of different sensors."""
    if not new or not old or (feature.sensor_unit and new.get(FAMILY) != old.get(FAMILY)):
        return None
    per_minute = CLOCK_MINUTES.get(feature.unit)
    off = new["mean"] - old["mean"]
    if feature.period:
        half = feature.period / 2
        off = (off + half) % feature.period - half
    amount, unit = (round(off * per_minute), "min") if per_minute else (off, feature.unit)
    usual = Usual(old["mean"], old["sd"])
    return Difference(amount, unit, round(sd_off(new["mean"], usual, feature), 1))
