"""The router's thresholds, from a file that a clinician can review."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from patients.domain.recording import Family
from patients.domain.rule_files import (
    PROVENANCE,
    Maybe,
    RuleFileError,
    read_rule_file,
    shape_of,
)

__all__ = ["PROVENANCE", "RuleFileError", "read_rule_file"]


@dataclass(frozen=True)
class Edges:
    """Lower edges of Moderate and High."""

    moderate: float
    high: float

    def tier(self, probability: float) -> str:
        """Low, Moderate or High."""
        if probability >= self.high:
            return "High"
        return "Moderate" if probability >= self.moderate else "Low"


@dataclass(frozen=True)
class Floor:
    """The least overall tier where a track is High, and mania High on limited data."""

    depression_high: str
    mania_high: str
    mania_high_limited: str


@dataclass(frozen=True)
class EarlyWarningRules:
    night_worn_minutes: int
    short_sleep_hours: float
    nights_for_high: int
    nights_for_moderate: int
    personal_days: int
    history_days: int


@dataclass(frozen=True)
class RouterRules:
    """Everything in router.toml; ``version`` is the file's hash."""

    depression: Edges
    mania: Edges
    overall: Edges
    min_depression_coverage: float
    min_mania_nights: int
    mania_recent_nights: int
    limited_coverage: float
    limited_weight: float
    same: tuple[float, float]
    different: tuple[float, float]
    different_with_antidepressant: tuple[float, float]
    floor: Floor
    early_warning: EarlyWarningRules
    version: str
    checked_by: str
    next_review: date


def load_window_days(path: Path) -> int:
    """The days of window.toml.

    Raises RuleFileError unless they are a whole number from two on: one night has no spread.
    """
    table, _ = read_rule_file(path, {"window": {"days": int}})
    days: int = table["window"]["days"]
    if days < 2:
        raise RuleFileError(f"{path.name}: days of [window] must be a whole number from 2 on.")
    return days


FAMILY_FIELDS = {
    "waking_level": Maybe(float),
    "note": Maybe(str),
    "sedentary_below": Maybe(float),
    "sedentary_note": Maybe(str),
}


def family_values(path: Path, key: str) -> dict[Family, float]:
    """That value of each unit family that has it in families.toml. Raises RuleFileError."""
    table, _ = read_rule_file(path, {family.value: Maybe(FAMILY_FIELDS) for family in Family})
    return {f: float(table[f][key]) for f in Family if key in table.get(f, {})}


REALISM_ROW = {
    "published": Maybe(float),
    "low": Maybe(float),
    "high": Maybe(float),
    "unit": str,
    "people": str,
    "source": str,
}


ASSUMPTION_ROW = {"effect": str, "state": str, "size": str, "why": str}


def load_realism(path: Path) -> dict[str, Any]:
    """Read realism.toml. Raises RuleFileError for an unknown field of a row."""
    shape = {"within": float, "assumption": [ASSUMPTION_ROW], str: REALISM_ROW}
    return read_rule_file(path, shape)[0]


BOTH = {"depression": float, "mania": float, "source": str}


def _router_shape() -> dict[Any, Any]:
    edges = _sourced(Edges)
    return {
        "tiers": {"depression": edges, "mania": edges, "overall": edges},
        "availability": {
            "depression_coverage": float,
            "mania_nights": int,
            "mania_recent_nights": int,
            "source": str,
        },
        "coverage": {"limited": float, "limited_weight": float, "source": str},
        "weights": {"same": BOTH, "different": BOTH, "different_with_antidepressant": BOTH},
        "floor": _sourced(Floor),
        "early_warning": _sourced(EarlyWarningRules),
    }


def _sourced(kind: type) -> dict[Any, Any]:
    return shape_of(kind) | {"source": str}


def load_router_rules(path: Path) -> RouterRules:
    """Read and check router.toml.

    Raises RuleFileError for a missing or unknown field, or numbers out of order.
    """
    table, version = read_rule_file(path, _router_shape())
    rules = _rules(table, version)
    for edges in (rules.depression, rules.mania, rules.overall):
        if not 0 < edges.moderate < edges.high < 1:
            raise RuleFileError(f"{path.name}: tier edges must rise between 0 and 1.")
    if not (0 <= rules.limited_weight <= 0.5 and 0 <= rules.limited_coverage <= 1):
        raise RuleFileError(
            f"{path.name}: coverage.limited is a share, coverage.limited_weight at most 0.5."
        )
    floors = vars(rules.floor)
    if not set(floors.values()) <= {"Moderate", "High"}:
        raise RuleFileError(f"{path.name}: a floor is Moderate or High, or it would hide a track.")
    for pair in (rules.same, rules.different, rules.different_with_antidepressant):
        if abs(sum(pair) - 1) > 1e-9:
            raise RuleFileError(f"{path.name}: the two weights {pair} must sum to 1.")
    return rules


def _rules(table: Mapping[str, Any], version: str) -> RouterRules:
    weights = table["weights"]

    def pair(name: str) -> tuple[float, float]:
        return weights[name]["depression"], weights[name]["mania"]

    def fields(of: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in of.items() if name != "source"}

    return RouterRules(
        depression=Edges(**fields(table["tiers"]["depression"])),
        mania=Edges(**fields(table["tiers"]["mania"])),
        overall=Edges(**fields(table["tiers"]["overall"])),
        min_depression_coverage=table["availability"]["depression_coverage"],
        min_mania_nights=table["availability"]["mania_nights"],
        mania_recent_nights=table["availability"]["mania_recent_nights"],
        limited_coverage=table["coverage"]["limited"],
        limited_weight=table["coverage"]["limited_weight"],
        same=pair("same"),
        different=pair("different"),
        different_with_antidepressant=pair("different_with_antidepressant"),
        floor=Floor(**fields(table["floor"])),
        early_warning=EarlyWarningRules(**fields(table["early_warning"])),
        version=version,
        checked_by=table["checked_by"],
        next_review=table["next_review"],
    )
