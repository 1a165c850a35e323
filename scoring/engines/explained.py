"""Explanations of one day's outputs, made as it is scored and stored with it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.domain.explain import (
    Label,
    ModelPart,
    additivity,
    by_index,
    mania_contributions,
    points_by_index,
)
from scoring.domain.occlusion import (
    TypicalWeek,
    attention_shares,
    depression_contributions,
    occluded,
    occlusions,
    typical_week,
)
from scoring.domain.pat_window import PatWeek, Reference, pat_week
from scoring.domain.types import Contribution, DayFeatures, Floats, PersonData

EARLIER_WEEKS = 3
log = logging.getLogger("clarity")

Explanation = tuple[tuple[Contribution, ...], Mapping[str, Any]]
NOT_EXPLAINED: Explanation = ((), MappingProxyType({}))
Engine = Any  # TensorFlow and XGBoost are not imported for a type


@dataclass(frozen=True)
class OccludedWeek:
    """A week with the same week occluded eleven ways, to be scored in one batch."""

    day: date
    week: PatWeek
    inputs: NDArray[np.float32]
    typical: TypicalWeek

    @classmethod
    def of(
        cls,
        person: PersonData,
        day: date,
        week: PatWeek,
        inputs: NDArray[np.float32],
        reference: Reference,
    ) -> "OccludedWeek":
        """``inputs`` are the week's, standardised; the weeks before say what is usual."""
        before = [pat_week(person, day - timedelta(weeks=k + 1)) for k in range(EARLIER_WEEKS)]
        return cls(day, week, inputs, typical_week(before, reference))

    @cached_property
    def rows(self) -> NDArray[np.float32]:
        """The week as it was, then as `occlusions` names it; shape (12, 10080)."""
        minutes = occlusions(self.day).values()
        known = self.week.known
        return np.stack(
            [self.inputs, *(occluded(self.inputs, m & known, self.typical) for m in minutes)]
        )

    def explanation(
        self,
        engine: Engine,
        probabilities: Sequence[float],
        unit: str,
        labels: Mapping[str, Label],
    ) -> Explanation:
        """From the calibrated probabilities of ``rows``; one pass more for the attention."""
        probability, *without = probabilities
        named = dict(zip(occlusions(self.day), without, strict=True))
        contributions = depression_contributions(
            probability, named, self.week, self.typical, self.day, unit, labels
        )
        received = engine.attention(self.inputs[np.newaxis])[0]
        return contributions, {"attention": attention_shares(received, self.day)}


def explained_vector(
    engine: Engine,
    named: Mapping[str, float | None],
    row: Floats,
    probabilities: Sequence[float],
    calibrators: Sequence[Callable[[float], float]],
    night: DayFeatures,
    labels: Mapping[str, Label],
) -> Explanation:
    """SHAP values of both models in points, with their additivity check.

    ``row`` holds the values of ``named``, shape (1, n); ``probabilities`` are the calibrated ones.
    Where the check does not hold there are no contributions, and operations see an error: no
    points are better than wrong ones.
    """
    parts = [
        ModelPart(
            margins=by_index(list(named), shap[0, :-1]),
            bias=float(shap[0, -1]),
            margin=float(margin[0]),
            probability=probability,
            calibrate=calibrate,
        )
        for shap, margin, probability, calibrate in zip(
            engine.margin_contributions(row),
            engine.margins(row),
            probabilities,
            calibrators,
            strict=True,
        )
    ]
    points = points_by_index(parts)
    check = additivity(parts, points)
    explained = {"additivity": check}
    if not check["holds"]:
        log.error("contributions do not add up: %s", check)
        return (), explained
    return mania_contributions(points, named, night, labels), explained
