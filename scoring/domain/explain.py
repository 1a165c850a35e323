"""What moved the mania track's probability: SHAP values in log-odds, shown as points that add up.

SHAP values sum to a model's margin, not to its calibrated probability. They are turned into
percentage points so (docs/adr/0008-points-that-add-up.md): in each model all that raises is one
force and all that lowers another; each force gets its Shapley value of the *shown* probability,
and shares it out among its indexes as their margins stand to one another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from patients.domain.rule_files import read_rule_file, shape_of
from scoring.domain.types import Contribution, DayFeatures, Floats
from scoring.domain.vector_names import BODY_NAMES, INDEX_NAMES, PARTS

MARGIN_TOLERANCE = 1e-4  # log-odds: SHAP values of float32 trees against the trees' own sum
EXPLANATION_FAILED = "explanation_failed"  # stored with a track in place of an explanation
POINTS_TOLERANCE = 1e-6  # percentage points: float64 sums


@dataclass(frozen=True)
class Label:
    label: str
    unit: str


def load_labels(path: Path) -> dict[str, Label]:
    """Read features.toml. Raises RuleFileError for a name that no model or page knows."""
    names = (*INDEX_NAMES, *BODY_NAMES, *PARTS)
    table, _ = read_rule_file(path, dict.fromkeys(names, shape_of(Label)))
    return {name: Label(**table[name]) for name in names}


@dataclass(frozen=True)
class ModelPart:
    """One model of a track: what it says, and its SHAP values by index.

    ``margins`` and ``bias`` are log-odds that sum to ``margin``, the model's own;
    ``probability`` is what ``calibrate`` made of its output.
    """

    margins: Mapping[str, float]
    bias: float
    margin: float
    probability: float
    calibrate: Callable[[float], float]

    @property
    def base(self) -> float:
        """Its calibrated probability where nothing is known."""
        return self.pulled(up=False, down=False)

    def pulled(self, up: bool, down: bool) -> float:
        """Its probability with what raises, with what lowers, with both or neither.

        With all that there is it is the output itself, not what rounded SHAP values say of it.
        """
        pulls = [m for m in self.margins.values() if (m > 0 and up) or (m < 0 and down)]
        if len(pulls) == sum(m != 0 for m in self.margins.values()):
            return self.probability
        margin = min(max(self.bias + sum(pulls), -700.0), 700.0)
        return self.calibrate(1 / (1 + exp(-margin)))


def by_index(names: Sequence[str], margins: Floats) -> dict[str, float]:
    """SHAP values of features summed to what they describe: ST_long_MN, _SD, _Zscore to ST_long.

    >>> by_index(["ST_long_MN", "ST_long_SD", "Steps_MN"], np.array([1.0, -0.5, 2.0]))
    {'ST_long': 0.5, 'Steps': 2.0}
    """
    sums: dict[str, float] = {}
    for name, margin in zip(names, margins, strict=True):
        index = name.rpartition("_")[0]
        sums[index] = sums.get(index, 0.0) + float(margin)
    return sums


def shown_probability(parts: Sequence[float]) -> float:
    """Mania and hypomania are one track: their sum, at most 1."""
    return min(sum(parts), 1.0)


def points_by_index(parts: Sequence[ModelPart]) -> dict[str, float]:
    """Percentage points of each index; they sum to 100 * (shown probability - base).

    Exact for any calibrator, with flat parts and steps, and where the sum is capped. Every force
    is worth at most 100 points, also where margins nearly cancel: then what raises and what lowers
    stand against each other. An index has the sign of its margin as long as calibrators do not
    fall, and 0 points where nothing it could do would move the shown probability.
    """
    corners = [
        {(up, down): part.pulled(up, down) for up in (False, True) for down in (False, True)}
        for part in parts
    ]

    def shown(forces: frozenset[int]) -> float:
        return shown_probability(
            [c[2 * k in forces, 2 * k + 1 in forces] for k, c in enumerate(corners)]
        )

    worth = _shapley(shown, 2 * len(parts))
    points: dict[str, float] = {}
    for k, part in enumerate(parts):
        for sign, force in ((1, worth[2 * k]), (-1, worth[2 * k + 1])):
            group = {name: m for name, m in part.margins.items() if m * sign > 0}
            total = sum(group.values())
            for name in part.margins:
                share = group.get(name, 0.0) / total if group else 0.0
                points[name] = points.get(name, 0.0) + 100.0 * force * share
    return points


def _shapley(value: Callable[[frozenset[int]], float], players: int) -> list[float]:
    """Mean of what each adds as it joins, over all orders of joining (Shapley 1953)."""
    sums, orders = [0.0] * players, list(permutations(range(players)))
    for order in orders:
        joined: frozenset[int] = frozenset()
        before = value(joined)
        for player in order:
            joined |= {player}
            now = value(joined)
            sums[player] += now - before
            before = now
    return [total / len(orders) for total in sums]


def additivity(parts: Sequence[ModelPart], points: Mapping[str, float]) -> dict[str, Any]:
    """The check that is stored with a score: do points and SHAP values add up?

    ``base`` is a probability, ``sum_points``, ``output_minus_base`` and ``gap`` are percentage
    points, ``margin_gap`` is the largest gap of a model in log-odds. ``holds`` is False, too, where
    one of them is not a number.
    """
    base = shown_probability([part.base for part in parts])
    moved = 100.0 * (shown_probability([part.probability for part in parts]) - base)
    total = sum(points.values())
    gap = abs(total - moved)
    margin_gap = max(abs(sum(p.margins.values()) + p.bias - p.margin) for p in parts)
    return {
        "base": base,
        "sum_points": total,
        "output_minus_base": moved,
        "gap": gap,
        "margin_gap": margin_gap,
        "holds": bool(margin_gap <= MARGIN_TOLERANCE and gap <= POINTS_TOLERANCE),
    }


def mania_contributions(
    points: Mapping[str, float],
    means: Mapping[str, float | None],
    day: DayFeatures,
    labels: Mapping[str, Label],
) -> tuple[Contribution, ...]:
    """Every index by how far it moved the probability, beside the person's 30-day mean.

    ``means`` are the vector's values by name. The points are those of an index's mean, SD and
    Z-score together, so that an index can count although today's value is the usual one.
    """
    today = values_of(day)
    found = [
        Contribution(
            name=name,
            label=labels[name].label,
            value=_shown(name, today.get(name)),
            unit=labels[name].unit,
            usual=_shown(name, means.get(f"{name}_MN")),
            points=moved,
        )
        for name, moved in points.items()
    ]
    return tuple(sorted(found, key=lambda c: -abs(c.points)))


def values_of(day: DayFeatures) -> dict[str, float | None]:
    """The day's own value of each index, of the body's too."""
    body = {name: getattr(day, group).get(key) for name, (group, key) in BODY_NAMES.items()}
    return dict(zip(INDEX_NAMES, day.indexes, strict=True)) | body


def _shown(name: str, value: float | None) -> float | None:
    if value is None or np.isnan(value):
        return None
    return (value - 12.0) % 24.0 + 12.0 if name == "Circadian_phase" else value
