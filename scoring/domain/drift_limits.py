"""From when on a week counts as drifted, from a file that can be reviewed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from pathlib import Path
from typing import Any

from patients.domain.rule_files import Maybe, RuleFileError, read_rule_file
from scoring.domain.drift import ReferenceDistribution, kolmogorov_smirnov, psi
from scoring.domain.types import Floats


class Verdict(StrEnum):
    """What to do about one input or output; without enough days nothing is said."""

    TOO_FEW = "too few days"
    STEADY = "steady"
    LOOK = "look"
    ACT = "act"


@dataclass(frozen=True)
class Limits:
    """A figure is worth a look from ``look`` on and too much from ``act`` on."""

    look: float
    act: float


@dataclass(frozen=True)
class DriftLimits:
    """Everything in drift.toml. Of few people a limit is what chance alone does not reach."""

    psi: Limits
    ks: Limits
    psi_times_people: float
    ks_times_root: float
    person_days: int
    people: int
    most_people: int

    def verdict(
        self, index: float | None, statistic: float | None, person_days: int, people: int
    ) -> Verdict:
        """The worse of the two figures decides; one that is missing says nothing."""
        if person_days < self.person_days or people < self.people:
            return Verdict.TOO_FEW
        chance = (self.psi_times_people / people, self.ks_times_root / sqrt(people))
        figures = zip((index, statistic), (self.psi, self.ks), chance, strict=True)
        known = [(v, limits, least) for v, limits, least in figures if v is not None]
        if any(v >= max(limits.act, least) for v, limits, least in known):
            return Verdict.ACT
        if any(v >= max(limits.look, least) for v, limits, least in known):
            return Verdict.LOOK
        return Verdict.STEADY


@dataclass(frozen=True)
class DriftLine:
    """One input or output of one week against its reference; shares are 0 to 1."""

    name: str
    psi: float | None
    ks: float | None
    missing: float | None
    missing_then: float
    person_days: int
    people: int
    verdict: Verdict


def drift_line(
    reference: ReferenceDistribution, values: Floats, people: int, limits: DriftLimits
) -> DriftLine:
    """That reference against the week's values, one a person-day, of so many people."""
    index, statistic = psi(reference, values), kolmogorov_smirnov(reference, values)
    return DriftLine(
        reference.name,
        index,
        statistic,
        None if index is None else float((values != values).mean()),
        reference.missing,
        len(values),
        people,
        limits.verdict(index, statistic, len(values), people),
    )


PAIR = {"look": float, "act": float, "source": Maybe(str)}
SHAPE = {
    "psi": PAIR,
    "ks": PAIR,
    "chance": {"psi_times_people": float, "ks_times_root": float, "source": str},
    "enough": {"person_days": int, "people": int, "most_people": int},
}


def load_drift_limits(path: Path) -> DriftLimits:
    """Read and check drift.toml.

    Raises RuleFileError for a missing or unknown field, limits that do not rise above 0, or more
    people needed than are read.
    """
    table, _ = read_rule_file(path, SHAPE)
    limits = _limits(table)
    for pair in (limits.psi, limits.ks):
        if not 0 < pair.look < pair.act:
            raise RuleFileError(f"{path.name}: limits must rise: 0, look, act.")
    if not 0 < limits.people <= limits.most_people or limits.person_days < limits.people:
        raise RuleFileError(
            f"{path.name}: [enough] must have people up to most_people and a day of each."
        )
    return limits


def _limits(table: Mapping[str, Any]) -> DriftLimits:
    pairs = {key: Limits(table[key]["look"], table[key]["act"]) for key in ("psi", "ks")}
    enough, chance = table["enough"], table["chance"]
    return DriftLimits(
        **pairs,
        psi_times_people=chance["psi_times_people"],
        ks_times_root=chance["ks_times_root"],
        person_days=enough["person_days"],
        people=enough["people"],
        most_people=enough["most_people"],
    )
