"""What a model's page says: its files, what they are made from, and how well they did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scoring.models import ModelVersion
from scoring.resources import model_facts

# Said elsewhere on the page, or tables that say nothing to a reader.
NOT_LISTED = {"calibrator", "intended_use", "known_failures", "reliability", "sources"}


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
class PartView:
    """One artefact of a model."""

    name: str
    facts: list[tuple[str, Any]]
    training: list[tuple[str, Any]]
    metrics: list[tuple[str, Any]]
    is_calibrated: bool
    reliability: list[ReliabilityPoint]

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
        metrics=list(_listed(metrics)),
        is_calibrated=bool(training.get("calibrator")),
        reliability=_reliability(metrics.get("reliability") or []),
    )


def _listed(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in sorted(table.items()):
        if key not in NOT_LISTED and value not in (None, "", [], {}):
            yield key, value


def _reliability(rows: Sequence[Sequence[float]]) -> list[ReliabilityPoint]:
    """From [mean predicted, observed share, n]; a bin without anybody says nothing."""
    return [
        ReliabilityPoint(float(predicted), float(observed), int(n))
        for predicted, observed, n in rows
        if n
    ]
