"""What a baseline is made of, and what stands in for it, from a file that can be reviewed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from patients.domain.rule_files import Maybe, RuleFileError, read_rule_file

POLES = ("mania", "depression")
SIDES = ("lower", "higher")
NEEDS = ("", "night", "worn")
LEFT_OUT = {"needs": "", "period": 0.0, "begins": 0.0, "sensor_unit": False}  # of a feature


FEATURE: dict[str, Any] = {
    **dict.fromkeys(("group", "key", "label", "unit"), str),
    "needs": Maybe(str),
    "period": Maybe(float),
    "begins": Maybe(float),
    "sensor_unit": Maybe(bool),
    "plausible": [float],
    "most_sd": float,
    "least_sd": float,
    "worse": Maybe({**dict.fromkeys(POLES, Maybe(str)), "source": str}),
    "population": Maybe({"mean": float, "sd": float, "verified": bool, "source": str}),
}
SHAPE: dict[str, Any] = {
    "period": {
        **dict.fromkeys(("run_in_days", "least_days", "window_days", "least_worn_minutes"), int),
        "source": str,
    },
    "refresh": {
        **dict.fromkeys(("low_days", "unassessed_days", "again_days"), int),
        "source": str,
    },
    "worsening": {"sd": float, "source": str},
    "features": {str: FEATURE},
}


@dataclass(frozen=True)
class Usual:
    """Mean and SD of a feature, in its unit; ``n`` days, None for a population's."""

    mean: float
    sd: float
    n: int | None = None


@dataclass(frozen=True)
class Population:
    """What stands in for a person of whom too little is known."""

    usual: Usual
    verified: bool
    source: str


@dataclass(frozen=True)
class Feature:
    """One feature of a baseline: where it stands in a day's features, and how it is read.

    ``period``: of a value of the clock, in its unit, from ``begins`` on; 0 for others.
    ``worse``: by pole, the side that is worse, lower or higher. ``sensor_unit``: its values are
    in the unit of the sensor, whichever that is.
    """

    name: str
    group: str
    key: str
    label: str
    unit: str
    needs: str
    period: float
    begins: float
    plausible: tuple[float, float]
    most_sd: float
    least_sd: float
    worse: Mapping[str, str]
    worse_source: str
    population: Population | None
    sensor_unit: bool

    def shown(self, value: float) -> float:
        """A value of the clock brought into its printed range; others as they are."""
        return (value - self.begins) % self.period + self.begins if self.period else value


@dataclass(frozen=True)
class BaselineRules:
    """Everything in baselines.toml; ``version`` is the file's hash."""

    run_in_days: int
    least_days: int
    window_days: int
    least_worn_minutes: int
    low_days: int
    unassessed_days: int
    again_days: int
    worsening_sd: float
    features: Mapping[str, Feature]
    checked_by: str
    next_review: date
    version: str


def load_baseline_rules(path: Path) -> BaselineRules:
    """Read and check baselines.toml.

    Raises RuleFileError for a missing or unknown field, numbers out of order, a pole or side
    that there is not, and a population value without a source.
    """
    table, version = read_rule_file(path, SHAPE)
    for name, values in table["features"].items():
        if len(values["plausible"]) != 2:
            raise RuleFileError(f"{path.name}: features.{name}.plausible has two numbers.")
    rules = _rules(table, version)
    wrong = _wrong_periods(rules) or next(filter(None, map(_wrong, rules.features.values())), "")
    if wrong:
        raise RuleFileError(f"{path.name}: {wrong}.")
    return rules


def _rules(table: Mapping[str, Any], version: str) -> BaselineRules:
    numbers = {**table["period"], **table["refresh"]}
    del numbers["source"]
    worsening = dict(table["worsening"])
    del worsening["source"]
    return BaselineRules(
        **numbers,
        **{f"worsening_{key}": value for key, value in worsening.items()},
        features={name: _feature(name, values) for name, values in table["features"].items()},
        checked_by=table["checked_by"],
        next_review=table["next_review"],
        version=version,
    )


def _feature(name: str, values: Mapping[str, Any]) -> Feature:
    given: dict[str, Any] = {
        "needs": "",
        "period": 0.0,
        "begins": 0.0,
        "sensor_unit": False,
    } | dict(values)
    worse = dict(given.pop("worse", {}))
    population = given.pop("population", None)
    low, high = given.pop("plausible")
    return Feature(
        name=name,
        plausible=(low, high),
        worse_source=worse.pop("source", ""),
        worse=worse,
        population=_population(**population) if population else None,
        **given,
    )


def _population(mean: float, sd: float, verified: bool, source: str) -> Population:
    return Population(Usual(mean, sd), verified, source)


def _wrong_periods(rules: BaselineRules) -> str:
    """What is wrong with the numbers of days, or nothing."""
    days = ("run_in_days", "least_days", "window_days", "low_days", "unassessed_days", "again_days")
    for name in days:
        if getattr(rules, name) < 1:
            return f"{name} must be 1 or more"
    if not rules.least_days <= rules.run_in_days <= rules.window_days:
        return "least_days, run_in_days and window_days must rise in this order"
    if rules.unassessed_days >= rules.low_days:
        return "unassessed_days must be fewer than low_days"
    return "" if rules.worsening_sd > 0 else "sd of [worsening] must be above zero"


def _wrong(feature: Feature) -> str:
    """What is wrong with a feature's table, or nothing."""
    low, high = feature.plausible
    sides = set(feature.worse.values())
    if not (low < high and 0 <= feature.least_sd < feature.most_sd and feature.period >= 0):
        return f"{feature.name}: plausible must rise, and least_sd lie below most_sd"
    if feature.needs not in NEEDS:
        return f"{feature.name}: needs must be night or worn, or be left out"
    if not sides <= set(SIDES):
        return f"{feature.name}: worse names poles ({', '.join(POLES)}) as lower or higher"
    if feature.worse and not feature.worse_source:
        return f"{feature.name}: say the source of what is worse"
    return _wrong_population(feature)


def _wrong_population(feature: Feature) -> str:
    known = feature.population
    if known is None:
        return ""
    if not known.source:
        return f"{feature.name}: the population needs a source"
    return implausible(feature, known.usual)


def implausible(feature: Feature, usual: Usual) -> str:
    """Why a mean or SD cannot be right, as a part of a sentence; empty if it can be."""
    low, high = feature.plausible
    if not low <= usual.mean <= high:
        return f"{feature.label}: the mean must lie between {low:g} and {high:g} {feature.unit}"
    if not 0 < usual.sd <= feature.most_sd:
        return f"{feature.label}: the SD must be above 0 and at most {feature.most_sd:g}"
    return ""
