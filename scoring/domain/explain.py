"""What moved a probability, in percentage points and in the patient's own units."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.domain.pat_window import WEEK_MINUTES, PatWeek
from scoring.domain.types import Contribution, Floats
from scoring.domain.vector_names import INDEX_NAMES

TOP = 5
DAY = 1440
PARTS = ("part_night", "part_morning", "part_afternoon", "part_evening")


@dataclass(frozen=True)
class Label:
    label: str
    unit: str


def points_of_margins(margins: Floats, probability: float, base: float) -> Floats:
    """Log-odds contributions rescaled to percentage points.

    Each keeps its share: points_i = 100 * (probability - base) * margin_i / sum(margins), so
    that they sum to output minus base. Where the margins cancel out all are 0.
    """
    total = float(margins.sum())
    if abs(total) < 1e-9:
        return np.zeros_like(margins)
    return 100.0 * (probability - base) * margins / total


def by_index(points: Floats) -> Floats:
    """Points of the 36 features, summed to the 12 daily indexes they describe."""
    return points.reshape(len(INDEX_NAMES), 3).sum(axis=1)


def mania_contributions(
    points: Floats, vector: Floats, today: Sequence[float | None], labels: dict[str, Label]
) -> tuple[Contribution, ...]:
    """The five indexes that moved the probability most, beside the person's 30-day mean."""
    means = vector.reshape(-1, 3)[:, 0]
    order = np.argsort(-np.abs(points), kind="stable")[:TOP]
    return tuple(
        Contribution(
            name=INDEX_NAMES[i],
            label=labels[INDEX_NAMES[i]].label,
            value=_shown(INDEX_NAMES[i], today[i]),
            unit=labels[INDEX_NAMES[i]].unit,
            usual=_shown(INDEX_NAMES[i], None if np.isnan(means[i]) else float(means[i])),
            points=float(points[i]),
        )
        for i in order
    )


def _shown(name: str, value: float | None) -> float | None:
    if value is None or name != "Circadian_phase":
        return value
    return (value - 12.0) % 24.0 + 12.0


def part_slices(part: int) -> np.ndarray:
    """Which of the 10,080 minutes lie in that quarter of the day; boolean (10080,)."""
    return (np.arange(WEEK_MINUTES) % DAY) // (DAY // 4) == part


def without_part(inputs: np.ndarray, part: int) -> np.ndarray:
    """The standardised week with that quarter of every day set to the reference's mean."""
    out = inputs.copy()
    out[part_slices(part)] = 0.0
    return out


def depression_contributions(
    probability: float,
    without: Sequence[float],
    week: PatWeek,
    earlier: Sequence[PatWeek],
    unit: str,
    labels: dict[str, Label],
) -> tuple[Contribution, ...]:
    """Occlusion by part of the day: how far the probability falls when it looks average.

    ``usual`` is the person's own mean in the weeks before, where there are any.
    """
    found = [
        Contribution(
            name=name,
            label=labels[name].label,
            value=_part_mean([week], part),
            unit=unit,
            usual=_part_mean(earlier, part),
            points=100.0 * (probability - without[part]),
        )
        for part, name in enumerate(PARTS)
    ]
    return tuple(sorted(found, key=lambda c: -abs(c.points)))


def _part_mean(weeks: Sequence[PatWeek], part: int) -> float | None:
    inside = part_slices(part)
    values = [w.activity[inside & w.worn & ~np.isnan(w.activity)] for w in weeks]
    joined = np.concatenate(values) if values else np.empty(0)
    return float(joined.mean()) if joined.size else None
