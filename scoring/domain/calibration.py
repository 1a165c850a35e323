"""From a model's raw output to a probability that means what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class IsotonicCalibrator:
    """A rising line through points (raw, calibrated), flat beyond its ends.

    ``raw`` rises strictly and ``calibrated`` never falls, so that no two probabilities change
    their order; both lie in 0 to 1. Raises ValueError otherwise.

    >>> IsotonicCalibrator((0.0, 0.5, 1.0), (0.0, 0.1, 0.9))(0.75)
    0.5
    """

    raw: tuple[float, ...] = (0.0, 1.0)
    calibrated: tuple[float, ...] = (0.0, 1.0)

    def __post_init__(self) -> None:
        raw, calibrated = np.array(self.raw), np.array(self.calibrated)
        if raw.shape != calibrated.shape or raw.size < 2:
            raise ValueError("a calibrator needs as many calibrated as raw values, two or more")
        if not ((raw >= 0) & (raw <= 1) & (calibrated >= 0) & (calibrated <= 1)).all():
            raise ValueError("a calibrator's values must lie between 0 and 1")
        if not ((np.diff(raw) > 0).all() and (np.diff(calibrated) >= 0).all()):
            raise ValueError("a calibrator's raw values must rise, and its calibrated never fall")

    @classmethod
    def of(cls, values: Mapping[str, Sequence[float]]) -> "IsotonicCalibrator":
        """From a manifest. Raises ValueError as the class, KeyError for a missing list."""
        return cls(tuple(values["raw"]), tuple(values["calibrated"]))

    def as_dict(self) -> dict[str, Any]:
        """What ``of`` takes."""
        return {"raw": list(self.raw), "calibrated": list(self.calibrated)}

    def __call__(self, probability: float) -> float:
        """The calibrated probability."""
        return float(np.interp(probability, self.raw, self.calibrated))


def expected_calibration_error(
    outcomes: Sequence[bool],
    probabilities: Sequence[float],
    bins: int = 10,
    weights: Sequence[float] | None = None,
) -> float:
    """Mean gap between predicted and observed share, over bins of equal width (ECE)."""
    p, y = np.asarray(probabilities, np.float64), np.asarray(outcomes, np.float64)
    w = np.ones_like(p) if weights is None else np.asarray(weights, np.float64)
    if not p.size:
        return 0.0
    bin_of = np.minimum((p * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(bin_of, weights=w * (y - p), minlength=bins)
    return float(np.abs(gaps).sum() / w.sum())
