"""What a model's page says: its files, what they are made from, and how well they did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scoring.models import ModelVersion
from scoring.resources import model_facts

# Said elsewhere on the page, or tables that say nothing to a reader.
NOT_LISTED = {
    "calibrator", "intended_use", "known_failures", "reliability", "sources", "trials", "auroc_ci",
    "from_moderate", "from_high",
}  # fmt: skip


@dataclass(frozen=True)
class ReliabilityPoint:
    """A bin of people: the mean share predicted, the share observed, and how many they are."""

    predicted: float
    observed: float
    n: int

    @property
    def x(self) -> float:
        """Across a square of 100."""
        return round(100 * self.predicted, 1)

    @property
    def y(self) -> float:
        """Down that square, whose bottom is 0."""
        return round(100 * (1 - self.observed), 1)


@dataclass(frozen=True)
class FromTier:
    """What it does where days from that tier on count as found."""

    tier: str
    per_day: list[tuple[str, float | None]]  # shares of person-days
    episodes: int
    episodes_found: float | None
    lead_days_median: float | None
    alerts_per_patient_month: float | None


@dataclass(frozen=True)
class PartView:
    """One artefact of a model."""

    name: str
    facts: list[tuple[str, Any]]
    training: list[tuple[str, Any]]
    metrics: list[tuple[str, Any]]
    is_calibrated: bool
    reliability: list[ReliabilityPoint]
    tiers: list[FromTier]

    @property
    def curve(self) -> str:
        """The points of the reliability curve in a square of 100."""
        return " ".join(f"{point.x},{point.y}" for point in self.reliability)


@dataclass(frozen=True)
class ModelView:
    """One version, ready for its page."""

    version: ModelVersion
    parts: list[PartView]
    known_failures: list[str]
    unverified: bool


def model_view(version: ModelVersion) -> ModelView:
    """The version's page; nothing in it is about anybody."""
    return ModelView(
        version=version,
        parts=[_part(name, facts) for name, facts in sorted(version.facts.items())],
        known_failures=version.known_failures.splitlines(),
        unverified=not model_facts().checked_by,
    )


def _part(name: str, stored: Mapping[str, Any]) -> PartView:
    training, metrics = stored.get("training") or {}, stored.get("metrics") or {}
    plain = {key: value for key, value in stored.items() if not isinstance(value, dict)}
    return PartView(
        name=name,
        facts=list(_listed(plain)),
        training=list(_listed(training)),
        metrics=[*_listed(metrics), *_interval(metrics)],
        is_calibrated=bool(training.get("calibrator")),
        reliability=_reliability(metrics.get("reliability") or []),
        tiers=[
            _from(tier, metrics[key])
            for tier, key in (("Moderate", "from_moderate"), ("High", "from_high"))
            if key in metrics
        ],
    )


def _interval(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if metrics.get("auroc_ci"):
        low, high = metrics["auroc_ci"]
        yield "AUROC, 95 % interval", f"{low:.2f} to {high:.2f}"


PER_DAY = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV"}


def _from(tier: str, found: Mapping[str, Any]) -> FromTier:
    return FromTier(
        tier,
        [(words, found.get(key)) for key, words in PER_DAY.items()],
        found["episodes"],
        found["episodes_found"],
        found["lead_days_median"],
        found["alerts_per_patient_month"],
    )


def _listed(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in sorted(table.items()):
        if key not in NOT_LISTED and value not in (None, "", [], {}):
            yield key, value


def _reliability(bins: Sequence[Mapping[str, float]]) -> list[ReliabilityPoint]:
    """As the manifest keeps them; a bin without anybody says nothing."""
    return [
        ReliabilityPoint(float(b["predicted"]), float(b["observed"]), int(b["n"]))
        for b in bins
        if b["n"]
    ]
